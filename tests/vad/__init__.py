"""Tests of `transcribe_cli.vad`."""
