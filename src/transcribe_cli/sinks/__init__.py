"""Where transcripts go: names and clashes, atomic writing, and what a crash leaves behind.

Reading order: `names` (which files), `head` (what a transcript says about itself), `standing` (whose a file is), `processes` and `clock`
(who writes a temporary file, and how old it is), `atomic` (one file), `commit` (the files of a recording), `recovery` (after a crash).
Foreign errors of storage are mapped to ours in `atomic`.
"""

from transcribe_cli.sinks.atomic import check_renames, storage_errors, write
from transcribe_cli.sinks.clock import storage_time
from transcribe_cli.sinks.commit import add, another, commit, refusal
from transcribe_cli.sinks.head import Head, read_head
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import Assigned, Output, alternative, assign, json_path, shortened
from transcribe_cli.sinks.processes import host, is_alive
from transcribe_cli.sinks.recovery import Leftover, leftovers, recover
from transcribe_cli.sinks.standing import Standing, belongs_to_another, standing

__all__ = [
    "Assigned",
    "Head",
    "Leftover",
    "Listings",
    "Output",
    "Standing",
    "add",
    "alternative",
    "another",
    "assign",
    "belongs_to_another",
    "check_renames",
    "commit",
    "host",
    "is_alive",
    "json_path",
    "leftovers",
    "read_head",
    "recover",
    "refusal",
    "shortened",
    "standing",
    "storage_errors",
    "storage_time",
    "write",
]
