"""Attacks on a run through what it finds: files, buckets, feeds, jobs."""
