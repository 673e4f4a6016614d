"""Clips of speech to text: batches across recordings, devices and their threads, the language vote, word times, segments."""
