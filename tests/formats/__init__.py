"""Tests of every format: exact bytes, and independent parsers."""
