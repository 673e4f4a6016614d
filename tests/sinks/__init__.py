"""Tests of `transcribe_cli.sinks`."""
