"""Tests of the verdict on a transcript."""
