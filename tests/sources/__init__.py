"""Tests of `transcribe_cli.sources`."""
