"""Tests of `transcribe_cli.text`."""
