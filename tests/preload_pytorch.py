"""Imports PyTorch and pyannote.audio as the program does, for `fork_server`; neither starts a thread on import."""

from transcribe_cli.speakers.diarizers import loading

loading.import_pyannote()
