"""Tests of `transcribe_cli.speakers`."""
