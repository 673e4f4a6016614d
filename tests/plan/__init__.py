"""Tests of `transcribe_cli.plan`."""
