"""The benchmark suite: `python -m benchmarks` in the repository's root; see README.md. Nothing is asserted."""
