"""Tests of `transcribe_cli.recognition.engines`."""
