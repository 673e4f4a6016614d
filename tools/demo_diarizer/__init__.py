"""How the demo diarizer was made: synthetic conversations, two small networks, a PLDA, and the figures of all together."""

from transcribe_cli.speakers.diarizers.loading import import_pyannote

# Before any module here imports pyannote.audio on its own.
import_pyannote()
