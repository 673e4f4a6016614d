"""Tests of subtitle cues."""
