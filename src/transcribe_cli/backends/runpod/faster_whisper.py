"""The dialect of RunPod's public ready-made worker: faster-whisper, one file after the other, with fewer options than ours.

https://github.com/runpod-workers/worker-faster_whisper (commit bd500dc), run behind our test queue to see what it really takes: unknown
keys fail a job, `length_penalty` is 0 and VAD is off unless one says otherwise, words come in one flat list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from transcribe_cli.backends.audio_upload import AudioUpload
from transcribe_cli.backends.job_ids import JobIdRecord
from transcribe_cli.backends.runpod.answer import Answer
from transcribe_cli.errors import BackendFailed, RecordingError, TranscribeError, UsageError
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

# Its own names; its README has more, which its code refuses.
MODELS = frozenset({"tiny", "base", "small", "medium", "large-v1", "large-v2", "large-v3", "turbo"})
# Options of ours that it has, and its name for each.
_SAME = {
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
_MEANT = {*_SAME, "model", "language", "task", "audio_track", "temperature", "initial_prompt", "preset", "channels", "rescue"}
_TOOL = "runpod worker-faster_whisper"


class FasterWhisperWorker:
    """What RunPod's public worker takes and gives."""

    def cannot(self, jobs: Sequence[Job]) -> Iterator[str]:
        """What it does not do as it is asked to, a line each.

        Raises:
            UsageError: what it does not do at all.
        """
        specs = dict.fromkeys(job.spec for job in jobs)
        for spec in specs:
            self._check(spec)
        if jobs:
            yield (
                "RunPod's faster-whisper worker reads one file at a time, cannot be stopped in the middle of one, tells no progress, "
                "and gives no probability of words and no measure of quality."
            )
        ignored = dict.fromkeys(name for spec in specs for name in _ignored(spec))
        if ignored:
            yield f"RunPod's faster-whisper worker has no {', '.join(ignored)}: they are left out."

    def _check(self, spec: JobSpec) -> None:
        if spec.diarize:
            raise UsageError("RunPod's faster-whisper worker cannot tell speakers apart.", "Use our own image: docs/runpod.md.")
        if spec.channels == "split":
            raise UsageError("RunPod's faster-whisper worker cannot keep channels apart.", "Use our own image: docs/runpod.md.")
        if _model(spec) not in MODELS:
            raise UsageError(
                f"RunPod's faster-whisper worker has no model {spec.model}.", f"There are: {', '.join(sorted(MODELS))}."
            )

    def request(self, job: Job, upload: AudioUpload, result_url: str) -> dict[str, Any]:
        """The input: only keys that it knows, none of them null."""
        spec = upload.spec
        if spec.audio_track is not None:
            raise RecordingError("RunPod's faster-whisper worker takes no --audio-track.", "Use --upload opus.")
        first = spec.temperature[0]
        step = spec.temperature[1] - first if len(spec.temperature) > 1 else None
        wanted: dict[str, Any] = {
            "audio": upload.url or None,
            "audio_base64": upload.data or None,
            "model": _model(spec),
            "language": spec.language,
            "translate": spec.task == "translate",
            "transcription": "plain_text",
            "temperature": first,
            "temperature_increment_on_fallback": step,
            "initial_prompt": spec.initial_prompt,
            **{theirs: getattr(spec, ours) for ours, theirs in _SAME.items()},
        }
        return {key: value for key, value in wanted.items() if value is not None}

    def outcome(self, job: Job, record: JobIdRecord, output: Any) -> Outcome:  # noqa: ANN401 - any JSON
        """The transcript, put together from what it gives.

        Raises:
            BackendFailed: the output is missing or damaged.
        """
        if not isinstance(output, Mapping) or not isinstance(output.get("segments"), list):
            raise BackendFailed(f"Its result was lost on the way: job {record.id} has no segments. It is paid for.")
        try:
            return Outcome(job, _transcript(job, record, output))
        except (ValidationError, ValueError, TypeError, KeyError) as error:
            raise BackendFailed(f"The output of job {record.id} is damaged.") from error

    def failure(self, answer: Answer) -> TranscribeError:
        """Why a job failed. It does not say whose fault it is; what is wrong with its input would be wrong elsewhere too."""
        complaint = answer.complaint
        if "No such file or directory: 'None'" in complaint:
            return BackendFailed("The worker could not fetch the audio.")
        if "Invalid data found" in complaint or "tuple index out of range" in complaint:
            return RecordingError(f"The worker cannot read the audio ({complaint}).")
        if "is not a valid input option" in complaint:
            return UsageError(f"The worker takes no such job ({complaint}).", "Is it RunPod's faster-whisper worker?")
        return BackendFailed(f"The worker failed at job {answer.id}: {complaint or 'it does not say why'}")


def _model(spec: JobSpec) -> str:
    return "turbo" if spec.model == "large-v3-turbo" else spec.model


def _ignored(spec: JobSpec) -> Iterator[str]:
    """Options that were set and that it does not have."""
    for name, field in type(spec).model_fields.items():
        if name not in _MEANT and getattr(spec, name) != field.default:
            yield name


def _transcript(job: Job, record: JobIdRecord, output: Mapping[str, Any]) -> Transcript:
    recording, spec = job.recording, job.spec
    words = [_word(word) for word in output.get("word_timestamps") or []]
    segments = tuple(_segments(output["segments"], words, words_wanted=spec.word_timestamps))
    spoken = sum(segment.end - segment.start for segment in segments)
    return Transcript(
        source=Source(
            name=recording.name,
            uri=recording.uri,
            size=recording.size,
            modified=recording.modified or None,
            etag=recording.etag,
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
        flags=(*record.flags, *(() if segments else ("no_speech",))),
        text="".join(segment.text for segment in segments),
        segments=segments,
        quality=Quality(speech=spoken, covered=1.0, skipped_packets=record.skipped),
    )


def _segments(told: Sequence[Mapping[str, Any]], words: list[Word], *, words_wanted: bool) -> Iterator[Segment]:
    """With the words that begin before each one's end; the last takes the rest."""
    number = 0
    for position, segment in enumerate(told):
        end = float(segment["end"])
        last = position == len(told) - 1
        begun = number
        while number < len(words) and (last or words[number].start < end):
            number += 1
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
            words=tuple(words[begun:number]) if words_wanted else None,
        )


def _word(word: Mapping[str, Any]) -> Word:
    """Its probability is not told: 0 would be a doubt that nobody has."""
    return Word(word=str(word["word"]), start=float(word["start"]), end=float(word["end"]), probability=1.0)
