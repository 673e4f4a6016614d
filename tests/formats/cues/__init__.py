"""Tests of the cues that subtitles are made of."""
