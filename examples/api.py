"""Transcribe from Python: python examples/api.py [FILE OR FOLDER]…"""

import sys

from transcribe_cli import JobSpec, transcribe

for outcome in transcribe(sys.argv[1:] or ["examples/audio"], JobSpec(model="demo")):
    if outcome.transcript is None:
        print(f"{outcome.job.recording.name}: {outcome.error}")
        continue
    for segment in outcome.transcript.segments:
        print(f"{outcome.job.recording.name} {segment.start:7.2f} {segment.text.strip()}")
