"""Where transcripts go: names and clashes, atomic writing, and what a crash leaves behind.

Reading order: `names` (which files), `head` (what a transcript says about itself), `standing` (whose a file is), `files` (what is asked
of a place), `atomic` (one file on a disk), `objects` (in a bucket), `commit` (the files of a recording), `recovery` (after a crash).
Foreign errors of disks are mapped to ours in `atomic`, those of stores in `storage`.
"""

from transcribe_cli.sinks.atomic import write
from transcribe_cli.sinks.commit import add, another, commit, refusal
from transcribe_cli.sinks.files import files_of
from transcribe_cli.sinks.head import Head, read_head, read_heads
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import Assigned, Output, alternative, assign, json_path
from transcribe_cli.sinks.objects import check_store
from transcribe_cli.sinks.reading import read
from transcribe_cli.sinks.recovery import Leftover, leftovers, recover
from transcribe_cli.sinks.standing import Standing, belongs_to_another, is_older, standing, written_ns

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
    "check_store",
    "commit",
    "files_of",
    "is_older",
    "json_path",
    "leftovers",
    "read",
    "read_head",
    "read_heads",
    "recover",
    "refusal",
    "standing",
    "write",
    "written_ns",
]
