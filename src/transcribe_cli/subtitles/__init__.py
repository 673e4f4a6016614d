"""Subtitle standards, the parser for SRT and VTT files, and the linter."""
