"""Training of the demo diarizer: synthetic conversations, two small networks, a PLDA, and the evaluation."""

from transcribe_cli.speakers.diarizers.loading import import_pyannote

# Must run before any module here imports pyannote.audio.
import_pyannote()
