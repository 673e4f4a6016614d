"""What `tuning` does to a process, seen from within one of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_GLIBC = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
# Half a gigabyte is touched by a thread ten times; each page that is not kept is a fault.
_MEASURED = """
import resource, threading
from transcribe_cli import tuning
tuning.tune()

def touch():
    for _ in range(10):
        b"x" * (50 << 20)

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

threads = []
for _ in range(2):
    before = faults()
    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
print(faults() - before)
"""


def _faults(**variables: str) -> int:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_"))}
    run = [sys.executable, "-c", _MEASURED]
    return int(subprocess.run(run, env=environment | variables, capture_output=True, check=True, text=True).stdout)


@pytest.mark.skipif(not _GLIBC, reason="only glibc has mallopt")
def test_memory_that_is_wanted_again_is_kept() -> None:
    """In every thread, unless the user wants it otherwise."""
    assert _faults() < 2_000
    assert _faults(MALLOC_TRIM_THRESHOLD_="131072") > 20_000


def test_small_products_are_computed_in_one_thread() -> None:
    """OpenBLAS reads it when NumPy is imported; what the user said stands."""
    asked = "from transcribe_cli import tuning; tuning.tune(); import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    def told(**variables: str) -> str:
        run = [sys.executable, "-c", asked]
        return subprocess.run(run, env=environment | variables, capture_output=True, check=True, text=True).stdout.strip()

    assert told() == "1"
    assert told(OPENBLAS_NUM_THREADS="4") == "4"
