"""Tests of `transcribe_cli.batch`."""
