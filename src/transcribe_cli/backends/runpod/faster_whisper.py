"""The dialect of RunPod's public worker: faster-whisper, one file at a time, with fewer options than `transcribe worker`.

https://github.com/runpod-workers/worker-faster_whisper (commit bd500dc), run behind the queue of the tests to see what it accepts: unknown
keys fail a job, `length_penalty` is 0 and VAD is off by default, and words are returned in one flat list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.runpod.job_status import JobStatus
from transcribe_cli.errors import BackendFailed, RecordingError, TranscribeError, UsageError
from transcribe_cli.pipeline.assembly import QUIET
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.verdict import judged
from transcribe_cli.plan import Job
from transcribe_cli.sources.content import current_digest
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

# The names that its code accepts. Its README lists more.
MODELS = frozenset({"tiny", "base", "small", "medium", "large-v1", "large-v2", "large-v3", "turbo"})
# Fields of `JobSpec` that it supports, and its names for them.
_OPTION_NAMES = {
    "beam_size": "beam_size",
    "best_of": "best_of",
    "patience": "patience",
    "length_penalty": "length_penalty",
    "compression_ratio_threshold": "compression_ratio_threshold",
    "log_prob_threshold": "logprob_threshold",
    "no_speech_threshold": "no_speech_threshold",
    "word_timestamps": "word_timestamps",
    "vad_filter": "enable_vad",
}
_SUPPORTED = {
    *_OPTION_NAMES,
    "model",
    "language",
    "task",
    "audio_track",
    "temperature",
    "initial_prompt",
    "preset",
    "channels",
    "rescue",
}
_TOOL = "runpod worker-faster_whisper"


class FasterWhisperDialect:
    """The requests and results of RunPod's public worker."""

    def check_jobs(self, jobs: Sequence[Job]) -> Iterator[str]:
        """Yield a warning for each limitation that affects the jobs.

        Raises:
            UsageError: the worker cannot process a job at all.
        """
        specs = dict.fromkeys(job.spec for job in jobs)
        for spec in specs:
            _check(spec)
        if jobs:
            yield (
                "RunPod's faster-whisper worker processes one file at a time, cannot cancel a running job, and reports no progress, "
                "no word probabilities and no quality metrics."
            )
        ignored = dict.fromkeys(name for spec in specs for name in _ignored(spec))
        if ignored:
            yield f"RunPod's faster-whisper worker ignores these options: {', '.join(ignored)}."

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """Build the input: only keys that the worker knows, without null values."""
        spec = upload.spec
        if spec.audio_track is not None:
            raise RecordingError("RunPod's faster-whisper worker does not support --audio-track.", "Use --upload opus.")
        first = spec.temperature[0]
        step = spec.temperature[1] - first if len(spec.temperature) > 1 else None
        document: dict[str, Any] = {
            "audio": upload.url or None,
            "audio_base64": upload.data or None,
            "model": _model(spec),
            "language": spec.language,
            "translate": spec.task == "translate",
            "transcription": "plain_text",
            "temperature": first,
            "temperature_increment_on_fallback": step,
            "initial_prompt": spec.initial_prompt,
            **{name: getattr(spec, field) for field, name in _OPTION_NAMES.items()},
        }
        return {key: value for key, value in document.items() if value is not None}

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """Convert the output to a transcript.

        Raises:
            BackendFailed: the output is missing or damaged.
        """
        if not isinstance(output, Mapping) or not isinstance(output.get("segments"), list):
            raise BackendFailed(f"The result was lost: the output of job {record.id} has no segments. The job is still paid for.")
        try:
            return Outcome(job, judged(_transcript(job, record, output)))
        except (ValidationError, ValueError, TypeError, KeyError) as error:
            raise BackendFailed(f"The output of job {record.id} is damaged.") from error

    def error(self, status: JobStatus) -> TranscribeError:
        """Convert the error of a failed job. The worker does not classify errors; invalid input would fail on any backend."""
        text = status.error_text
        if "No such file or directory: 'None'" in text:
            return BackendFailed("The worker could not fetch the audio.")
        if "Invalid data found" in text or "tuple index out of range" in text:
            return RecordingError(f"The worker cannot read the audio ({text}).")
        if "is not a valid input option" in text:
            return UsageError(f"The worker rejected the job ({text}).", "Is it RunPod's faster-whisper worker?")
        return BackendFailed(f"The worker failed on job {status.id}: {text or 'no reason was given'}")


def _check(spec: JobSpec) -> None:
    hint = "Use the image of transcribe worker; see docs/runpod.md."
    if spec.diarize:
        raise UsageError("RunPod's faster-whisper worker does not support diarization.", hint)
    if spec.channels == "split":
        raise UsageError("RunPod's faster-whisper worker cannot transcribe channels separately.", hint)
    if _model(spec) not in MODELS:
        message = f"RunPod's faster-whisper worker does not have the model {spec.model}."
        raise UsageError(message, f"Available models: {', '.join(sorted(MODELS))}.")


def _model(spec: JobSpec) -> str:
    return "turbo" if spec.model == "large-v3-turbo" else spec.model


def _ignored(spec: JobSpec) -> Iterator[str]:
    """Options that are set and that the worker does not support."""
    for name, field in type(spec).model_fields.items():
        if name not in _SUPPORTED and getattr(spec, name) != field.default:
            yield name


def _transcript(job: Job, record: JobIdRecord, output: Mapping[str, Any]) -> Transcript:
    recording, spec = job.recording, job.spec
    words = [_word(word) for word in output.get("word_timestamps") or []]
    segments = tuple(_segments(output["segments"], words, with_words=spec.word_timestamps))
    speech_seconds = sum(segment.end - segment.start for segment in segments)
    return Transcript(
        source=Source(
            name=recording.name,
            uri=recording.uri,
            size=recording.size,
            modified=recording.modified or None,
            etag=recording.etag,
            digest=current_digest(recording),
            duration=record.promised,
        ),
        job=JobRecord(
            fingerprint=spec.fingerprint,
            spec=spec.canonical(),
            tool=_TOOL,
            backend=record.backend,
            device=str(output.get("device") or ""),
            finished_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        ),
        language=str(output.get("detected_language") or spec.language or "und"),
        language_probability=1.0 if spec.language else 0.0,
        duration=record.seconds or (segments[-1].end if segments else 0.0),
        flags=(*record.flags, *(() if segments else ("no_speech",)), *([QUIET] if record.louder else [])),
        text="".join(segment.text for segment in segments),
        segments=segments,
        quality=Quality(
            speech=speech_seconds,
            covered=1.0,
            skipped_packets=record.skipped,
            left_out=record.left_out,
            quiet=record.louder,
        ),
    )


def _segments(documents: Sequence[Mapping[str, Any]], words: list[Word], *, with_words: bool) -> Iterator[Segment]:
    """Each segment gets the remaining words that start before it ends; the last one gets all of them."""
    next_word = 0
    for position, segment in enumerate(documents):
        end = float(segment["end"])
        is_last = position == len(documents) - 1
        first_word = next_word
        while next_word < len(words) and (is_last or words[next_word].start < end):
            next_word += 1
        text = str(segment["text"])
        yield Segment(
            id=position,
            seek=int(segment.get("seek") or 0),
            start=float(segment["start"]),
            end=end,
            text=text if text.startswith(" ") else f" {text}",
            tokens=tuple(segment.get("tokens") or ()),
            temperature=float(segment.get("temperature") or 0.0),
            avg_logprob=float(segment.get("avg_logprob") or 0.0),
            compression_ratio=float(segment.get("compression_ratio") or 1.0),
            no_speech_prob=float(segment.get("no_speech_prob") or 0.0),
            words=tuple(words[first_word:next_word]) if with_words else None,
        )


def _word(word: Mapping[str, Any]) -> Word:
    """The probability is not reported: it is 1, because 0 would flag every word as doubtful."""
    return Word(word=str(word["word"]), start=float(word["start"]), end=float(word["end"]), probability=1.0)
