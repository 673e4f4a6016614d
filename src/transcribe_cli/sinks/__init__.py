"""Output files: their names, atomic writing, and recovery after a crash.

Reading order: `names` (which files), `header` (provenance of a transcript), `ownership` (whether a file is ours), `corrected` (whether a
person changed its text), `processes` and `clock` (the writer and the age of a temporary file), `files` (the contract of a place for
outputs), `atomic` (one file on a disk), `objects` (one file in a bucket), `commit` (the files of a recording), `listing` (cached
listings), `recovery` (after a crash). Errors of the operating system are mapped to ours in `atomic`, those of stores in `storage`.
"""

from transcribe_cli.sinks.atomic import check_renames, storage_errors, write_atomically
from transcribe_cli.sinks.clock import storage_time
from transcribe_cli.sinks.commit import (
    add_renderings,
    commit,
    corrected_error,
    not_ours_error,
    other_recording_error,
    write_corrected,
)
from transcribe_cli.sinks.corrected import (
    Corrected,
    adopt_correction,
    find_corrected,
    free_output,
    is_correction_new,
    is_text_corrected,
    iso_time,
    json_bytes,
    listed_formats,
    new_output,
    text_digest,
)
from transcribe_cli.sinks.files import Status, files_of
from transcribe_cli.sinks.header import Header, read_header, read_headers
from transcribe_cli.sinks.listing import Listings
from transcribe_cli.sinks.names import (
    AssignedOutput,
    Output,
    alternative_output,
    assign_outputs,
    json_path,
    link_error,
    shorten_name,
)
from transcribe_cli.sinks.objects import check_store_writable
from transcribe_cli.sinks.ownership import Ownership, belongs_to_another, is_older, listed_for, modified_ns, ownership_of
from transcribe_cli.sinks.processes import host_id, is_alive, parse_temporary_name, temporary_name
from transcribe_cli.sinks.reading import read_transcript
from transcribe_cli.sinks.recovery import Leftover, find_leftovers, recover

__all__ = [
    "AssignedOutput",
    "Corrected",
    "Header",
    "Leftover",
    "Listings",
    "Output",
    "Ownership",
    "Status",
    "add_renderings",
    "adopt_correction",
    "alternative_output",
    "assign_outputs",
    "belongs_to_another",
    "check_renames",
    "check_store_writable",
    "commit",
    "corrected_error",
    "files_of",
    "find_corrected",
    "find_leftovers",
    "free_output",
    "host_id",
    "is_alive",
    "is_correction_new",
    "is_older",
    "is_text_corrected",
    "iso_time",
    "json_bytes",
    "json_path",
    "link_error",
    "listed_for",
    "listed_formats",
    "modified_ns",
    "new_output",
    "not_ours_error",
    "other_recording_error",
    "ownership_of",
    "parse_temporary_name",
    "read_header",
    "read_headers",
    "read_transcript",
    "recover",
    "shorten_name",
    "storage_errors",
    "storage_time",
    "temporary_name",
    "text_digest",
    "write_atomically",
    "write_corrected",
]
