"""Tests of diarizers, with the demo diarizer and a fake hub."""
