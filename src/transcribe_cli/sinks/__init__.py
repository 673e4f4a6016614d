"""Where transcripts go: names and clashes, atomic writing, and what a crash leaves behind.

Reading order: `names` (which files), `head` (what a transcript says about itself), `standing` (whose a file is), `processes` and `clock`
(who writes a temporary file, and how old it is), `files` (what is asked of a place), `atomic` (one file on a disk), `objects` (in a
bucket), `commit` (the files of a recording), `recovery` (after a crash). Foreign errors of disks are mapped to ours in `atomic`, those of
stores in `storage`.
"""

from transcribe_cli.sinks.atomic import check_renames, storage_errors, write
from transcribe_cli.sinks.clock import storage_time
from transcribe_cli.sinks.commit import add, another, commit, refusal
from transcribe_cli.sinks.files import Status, files_of
from transcribe_cli.sinks.header import Head, read_head, read_heads
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import Assigned, Output, alternative, assign, json_path, shortened
from transcribe_cli.sinks.objects import check_store
from transcribe_cli.sinks.ownership import Standing, belongs_to_another, is_older, standing, written_ns
from transcribe_cli.sinks.processes import host, is_alive, temporary_name, temporary_of
from transcribe_cli.sinks.reading import read
from transcribe_cli.sinks.recovery import Leftover, leftovers, recover

__all__ = [
    "Assigned",
    "Head",
    "Leftover",
    "Listings",
    "Output",
    "Standing",
    "Status",
    "add",
    "alternative",
    "another",
    "assign",
    "belongs_to_another",
    "check_renames",
    "check_store",
    "commit",
    "files_of",
    "host",
    "is_alive",
    "is_older",
    "json_path",
    "leftovers",
    "read",
    "read_head",
    "read_heads",
    "recover",
    "refusal",
    "shortened",
    "standing",
    "storage_errors",
    "storage_time",
    "temporary_name",
    "temporary_of",
    "write",
    "written_ns",
]
