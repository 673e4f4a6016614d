"""The transcript, which is the product: one JSON document with its provenance."""

from transcribe_cli.transcript.document import SCHEMA_VERSION, Transcript
from transcribe_cli.transcript.parts import Count, Measure, Seconds
from transcribe_cli.transcript.provenance import Correction, Cost, JobRecord, Original, Source, Timing
from transcribe_cli.transcript.quality import HeardLanguages, Quality, Reason, VoiceMatch
from transcribe_cli.transcript.segments import LOW_CONFIDENCE, Segment, Turn, Word

__all__ = [
    "LOW_CONFIDENCE",
    "SCHEMA_VERSION",
    "Correction",
    "Cost",
    "Count",
    "HeardLanguages",
    "JobRecord",
    "Measure",
    "Original",
    "Quality",
    "Reason",
    "Seconds",
    "Segment",
    "Source",
    "Timing",
    "Transcript",
    "Turn",
    "VoiceMatch",
    "Word",
]
