"""Buckets, servers and archives, with real servers on 127.0.0.1."""
