"""Leases: stores, taking, losing, taking over."""
