"""Takes corrections made in a rendering back into the transcript.

Reading order: `tokens` (words of a transcript and of a file, in one form), `reading` (SRT, VTT and TXT into words), `alignment` (which
words were changed), `speaker_changes` (which speakers), `applying` (the changed transcript), `original` (what was recognized; undo),
`merging` (several files of one transcript). Pure functions: nothing here reads or writes files.
"""

from transcribe_cli.corrections.merging import EditedFile, Taken, take_over
from transcribe_cli.corrections.original import Change, changes, undone
from transcribe_cli.corrections.reading import FORMATS as READABLE_FORMATS

__all__ = ["READABLE_FORMATS", "Change", "EditedFile", "Taken", "changes", "take_over", "undone"]
