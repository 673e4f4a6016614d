"""Voices that were enrolled: who a speaker is, where the diarizer only says that it is the same one.

    library.py     what is kept, in the user's state folder: speakers.toml, and a file of embeddings for each voice
    matching.py    whether a speaker sounds like a voice: surely, perhaps, or not
    known.py       the voices of a run, and what they say about a transcript
    stretch.py     FILE@start-end
    enrollable.py  whose voice a stretch holds, or which other stretch to take

An embedding is a number of a body, as a fingerprint is: it stays in files that only the user can read, and goes nowhere else.
"""
