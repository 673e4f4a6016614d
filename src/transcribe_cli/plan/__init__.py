"""What a run would do with each recording and why, before any model is loaded. Reads only; it is also `--dry-run`.

Reading order: `job` (what is decided), `decide` (how), `reasons` (in words), `turns` (an RTTM file that says who speaks), `writable`
(whether the outputs can be written at all).
"""

from transcribe_cli.plan.decide import plan, replan
from transcribe_cli.plan.job import NEEDS_MODEL, Decision, Job, file_version
from transcribe_cli.plan.rttm_files import find_rttm
from transcribe_cli.plan.writable import check_writable

__all__ = ["NEEDS_MODEL", "Decision", "Job", "check_writable", "file_version", "find_rttm", "plan", "replan"]
