"""The events of a run, built from its jobs: the plan, and what became of each recording."""

from __future__ import annotations

from collections.abc import Sequence

from transcribe_cli.batch.leases import Owner
from transcribe_cli.errors import TranscribeError
from transcribe_cli.events import RecordingDone, RecordingElsewhere, RecordingFailed, RunStarted
from transcribe_cli.formats.doubts import assess
from transcribe_cli.plan import NEEDS_MODEL, Decision, Job
from transcribe_cli.sources import json_safe
from transcribe_cli.transcript import Cost, Transcript


def run_started(jobs: Sequence[Job]) -> RunStarted:
    """The plan is complete; the run starts."""
    counts = {decision: sum(job.decision is decision for job in jobs) for decision in Decision}
    return RunStarted(
        recordings=len(jobs),
        to_transcribe=counts[Decision.TRANSCRIBE],
        to_diarize=counts[Decision.DIARIZE],
        to_render=counts[Decision.RENDER],
        done=counts[Decision.DONE],
        bytes=sum(job.recording.size for job in jobs if job.decision in NEEDS_MODEL),
    )


def recording_elsewhere(job: Job, owner: Owner) -> RecordingElsewhere:
    """Another run is working on the recording."""
    size = job.recording.size if job.decision in NEEDS_MODEL else 0
    return RecordingElsewhere(job.recording.label, size, owner.host, owner.pid, owner.taken)


def recording_failed(job: Job, error: TranscribeError, cost: Cost | None) -> RecordingFailed:
    """The recording has no transcript, or an incomplete one; `cost` was spent on it."""
    seconds, amount = (cost.seconds or 0.0, cost.amount) if cost else (0.0, None)
    return RecordingFailed(job.recording.label, error.code, error.message, error.hint, seconds, amount)


def recording_done(
    job: Job, transcript: Transcript, seconds: float, cost: Cost | None = None, *, rendered: bool = False
) -> RecordingDone:
    """The files of the recording are written, after `seconds` of work and for `cost`."""
    assessment = assess(transcript)
    return RecordingDone(
        recording=job.recording.label,
        outputs=tuple(json_safe(job.output.path(name).name) for name in job.formats),
        language=transcript.language,
        duration=transcript.duration,
        seconds=round(seconds, 3),
        words=len(transcript.text.split()),
        flags=transcript.flags,
        rendered=rendered,
        diarized=job.decision is Decision.DIARIZE,
        speakers=len(transcript.speakers),
        cost=cost.amount if cost else None,
        backend=transcript.job.backend,
        verdict=assessment.verdict,
        reasons=assessment.reasons,
    )
