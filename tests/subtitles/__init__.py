"""Tests of `transcribe_cli.subtitles`."""
