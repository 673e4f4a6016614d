"""PyTorch and pyannote.audio as the program imports them, for the process of `warm`; nothing of them begins a thread."""

from transcribe_cli.speakers.diarizers import loading

loading.import_pyannote()
