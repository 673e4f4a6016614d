"""Where values come from, and what is said when one is wrong."""
