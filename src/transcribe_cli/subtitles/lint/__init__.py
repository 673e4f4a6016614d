"""Subtitles checked against a standard, whoever made them.

Reading order: `files` (which files, their cues as they are shown, their language), `rules` (what is wrong with them).
"""

from transcribe_cli.subtitles.lint.files import SubtitleFile, subtitle_files
from transcribe_cli.subtitles.lint.rules import RULES, ShownCue, Violation, violations

__all__ = ["RULES", "ShownCue", "SubtitleFile", "Violation", "subtitle_files", "violations"]
