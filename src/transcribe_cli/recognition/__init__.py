"""Clips of speech to text: batches over recordings, devices and their threads, the language vote, word times, segments."""
