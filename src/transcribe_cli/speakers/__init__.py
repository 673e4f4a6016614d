"""Who spoke: diarization, enrolled voices, assignment of words to speakers, speakers by channel, names."""
