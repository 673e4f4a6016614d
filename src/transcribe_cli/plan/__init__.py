"""What a run would do with each recording and why, before any model is loaded. Reads only; it is also `--dry-run`.

Reading order: `job` (what is decided), `decide` (how), `reasons` (in words), `writable` (whether the outputs can be written at all).
"""

from transcribe_cli.plan.decide import plan, plan_again
from transcribe_cli.plan.job import Decision, Job, stamp
from transcribe_cli.plan.writable import check_writable

__all__ = ["Decision", "Job", "check_writable", "plan", "plan_again", "stamp"]
