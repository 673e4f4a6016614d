"""What places cost."""
