"""Speakers: diarization, enrolled voices, assignment of words to speakers, speakers by channel, and names."""
