"""Reporters: messages and the ledger writer."""
