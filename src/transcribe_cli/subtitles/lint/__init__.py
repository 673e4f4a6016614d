"""Checks subtitles against a standard, from this tool or any other.

Reading order: `files` (finds files, reads their cues as displayed and their language), `rules` (finds violations).
"""

from transcribe_cli.subtitles.lint.files import SubtitleFile, find_subtitle_files
from transcribe_cli.subtitles.lint.rules import RULES, DisplayedCue, Violation, find_violations

__all__ = ["RULES", "DisplayedCue", "SubtitleFile", "Violation", "find_subtitle_files", "find_violations"]
