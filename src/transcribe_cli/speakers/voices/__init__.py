"""Enrolled voices: recognize who a speaker is. A diarizer only says which turns belong to the same speaker.

    library.py         the library in the user's state folder: speakers.toml, and a file of embeddings for each voice
    matching.py        compares speakers with voices: a sure match, a possible match, or none
    known_voices.py    the voices of a run, and their effect on a transcript
    excerpt.py         parses FILE@start-end
    single_speaker.py  checks that an excerpt holds one voice, or suggests another excerpt

An embedding is biometric data, like a fingerprint. It is stored in files that only the user can read, and nowhere else.
"""
