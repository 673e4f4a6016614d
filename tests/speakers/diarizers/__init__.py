"""Who spoke when: the demo diarizer for real, and a hub of our own."""
