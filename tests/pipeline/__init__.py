"""Tests of `transcribe_cli.pipeline`."""
