"""What every recognizer promises."""
