"""The machine and the versions that figures depend on, without host names and paths."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("faster-whisper", "ctranslate2", "av", "onnxruntime", "numpy")


def machine() -> dict[str, str]:
    """Processor, cores, memory and GPU."""
    found = {
        "processor": _processor(),
        "cores": str(cores()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    return found | ({"gpu": gpu} if (gpu := _said("nvidia-smi", "--query-gpu=name", "--format=csv,noheader")) else {})


def versions() -> dict[str, str]:
    """Our commit, and the versions of Python and the main dependencies."""
    changed = "" if not _said("git", "-C", str(ROOT), "status", "--porcelain", "src") else " with changes in src"
    commit = _said("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD") or "unknown"
    known = {"transcribe-cli": f"{version('transcribe-cli')}, commit {commit}{changed}", "python": platform.python_version()}
    return known | {name: version(name) for name in PACKAGES}


def cores() -> int:
    """The number of CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> str:
    """Load averages of the last 1, 5 and 15 minutes."""
    return ", ".join(f"{number:.1f}" for number in os.getloadavg())


def kind() -> str:
    """The machine as part of a file name, such as `amd-epyc-2-cores`."""
    known = machine()
    return re.sub(r"[^a-z0-9]+", "-", f"{known.get('gpu') or known['processor']} {known['cores']} cores".lower()).strip("-")


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (ValueError, OSError):
        return "unknown"


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip().replace("\n", ", ")
    except (OSError, subprocess.CalledProcessError):
        return ""
