"""Subtitles as such: standards, SRT and VTT files as they are, the linter."""
