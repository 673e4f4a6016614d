"""A run over many recordings: claims, limits, failures, and writing. Only this package writes outputs; no package below it does."""
