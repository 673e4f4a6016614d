"""Tests of `transcribe_cli.corrections`."""
