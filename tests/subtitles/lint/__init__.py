"""Tests of the subtitle linter."""
