"""Voices that were enrolled: what is kept, what is compared, what is refused."""
