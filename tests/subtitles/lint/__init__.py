"""Tests of the check of subtitles."""
