"""Subtitles checked against a standard, whoever made them.

Reading order: `files` (which files, their cues as they are shown, their language), `rules` (what is wrong with them).
"""

from transcribe_cli.subtitles.lint.files import SubtitleFile, find_subtitle_files
from transcribe_cli.subtitles.lint.rules import RULES, DisplayedCue, Violation, find_violations

__all__ = ["RULES", "DisplayedCue", "SubtitleFile", "Violation", "find_subtitle_files", "find_violations"]
