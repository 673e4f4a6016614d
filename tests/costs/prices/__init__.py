"""Tests of `transcribe_cli.costs.prices`."""
