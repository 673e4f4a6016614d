"""What a run would do with each recording and why, before any model is loaded. Read-only; also used by `--dry-run`.

Reading order: `job` (the decision), `planning` (plans all recordings), `decide` (decides for one), `fit` (whether a transcript fits what
somebody set), `reasons` (the decision in words),
`rttm_files` (RTTM files with the speaker turns), `writable` (whether the outputs can be written).
"""

from transcribe_cli.plan.job import NEEDS_MODEL, Decision, Job, file_version
from transcribe_cli.plan.planning import plan, replan
from transcribe_cli.plan.reasons import again_lines
from transcribe_cli.plan.rttm_files import find_rttm
from transcribe_cli.plan.writable import check_writable

__all__ = ["NEEDS_MODEL", "Decision", "Job", "again_lines", "check_writable", "file_version", "find_rttm", "plan", "replan"]
