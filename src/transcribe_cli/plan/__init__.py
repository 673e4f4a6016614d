"""What a run would do with each recording and why, before any model is loaded. Reads only; it is also `--dry-run`.

Reading order: `job` (what is decided), `decide` (how), `reasons` (in words), `turns` (an RTTM file that says who speaks), `writable`
(whether the outputs can be written at all).
"""

from transcribe_cli.plan.decide import plan, plan_again
from transcribe_cli.plan.job import HEARD, Decision, Job, stamp
from transcribe_cli.plan.turns import turns_file
from transcribe_cli.plan.writable import check_writable

__all__ = ["HEARD", "Decision", "Job", "check_writable", "plan", "plan_again", "stamp", "turns_file"]
