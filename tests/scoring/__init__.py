"""Tests of error rates and of the readers of all scored formats."""
