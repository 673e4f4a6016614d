"""Leases: stores, acquire, lose, take over."""
