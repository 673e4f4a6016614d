"""Tests of the benchmarks: what they measure, not the speed."""
