"""Tests of `transcribe_cli.ledger`."""
