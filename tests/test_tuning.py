"""Effects of `tuning`, measured in separate processes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_GLIBC = os.confstr("CS_GNU_LIBC_VERSION") if "CS_GNU_LIBC_VERSION" in os.confstr_names else None
# Two threads allocate 50 MiB ten times each; each page that is not kept causes a page fault.
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
def test_freed_memory_is_kept_for_reuse() -> None:
    """In every thread, unless an environment variable says otherwise."""
    assert _faults() < 2_000
    assert _faults(MALLOC_TRIM_THRESHOLD_="131072") > 20_000


def test_openblas_uses_one_thread() -> None:
    """OpenBLAS reads the variable when NumPy is imported; a value set by the user is kept."""
    script = "from transcribe_cli import tuning; tuning.tune(); import os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    environment = {name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"}

    def threads(**variables: str) -> str:
        run = [sys.executable, "-c", script]
        return subprocess.run(run, env=environment | variables, capture_output=True, check=True, text=True).stdout.strip()

    assert threads() == "1"
    assert threads(OPENBLAS_NUM_THREADS="4") == "4"
