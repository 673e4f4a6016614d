"""A run over many recordings: claims, limits, failures, writing, and what a run tells of itself. Nothing below writes outputs."""
