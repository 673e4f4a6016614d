"""Tests of `transcribe_cli.worker`."""
