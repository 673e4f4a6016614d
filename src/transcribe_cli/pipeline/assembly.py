"""Assembles the transcript of a recording from the results of its clips, with figures about its quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from transcribe_cli import __version__
from transcribe_cli.audio import Damage
from transcribe_cli.pipeline.diarizing import Diarized
from transcribe_cli.pipeline.messages import Prepared, Started
from transcribe_cli.pipeline.recording_state import RecordingState
from transcribe_cli.pipeline.sound_level import sound_seconds
from transcribe_cli.pipeline.verdict import NO_DIARIZATION, judged, with_speaker_reason
from transcribe_cli.recognition.engines import ClipResult
from transcribe_cli.recognition.invented_words import count_invented_words
from transcribe_cli.recognition.language_vote import Language
from transcribe_cli.recognition.rescue import uncovered_spans
from transcribe_cli.recognition.segments import build_segments
from transcribe_cli.speakers.assignment import assign_speakers, speakers_of
from transcribe_cli.speakers.channels import CHANNELS_ALIKE, Spans, channel_turns, merge_channels
from transcribe_cli.spec import JobSpec, fingerprint_of, with_diarization_of
from transcribe_cli.transcript import LOW_CONFIDENCE, HeardLanguages, JobRecord, Quality, Segment, Source, Timing, Transcript

# Speech without text is reported as a gap from this length on, in seconds; shorter pieces are breaths and hesitation.
GAP_SECONDS = 2.0
# The flag of a recording with this much speech, in seconds, that is far quieter than usual.
QUIET, QUIET_SECONDS = "quiet", 1.0
# The flag of a recording without words whose other audio tracks may have some.
OTHER_TRACKS = "other_audio_tracks"
TOOL = f"transcribe-cli {__version__}"


def assemble(recording: RecordingState, device: str, backend: str, model_revision: str | None = None) -> Transcript:
    """The transcript of a complete recording, with speakers if diarization was requested."""
    transcript = recording.existing_transcript or judged(_from_results(recording, device, backend, model_revision))
    if recording.diarized is None:
        return transcript
    return with_speaker_reason(_with_diarization(transcript, recording.started.job.spec, recording.diarized))


def seconds_spent(recording: RecordingState) -> float:
    """The time spent on a complete recording in this run: decoding, speech detection, recognition, diarization."""
    prepared, diarized = recording.prepared, recording.diarized
    preparation = prepared.decode_seconds + prepared.vad_seconds if prepared else 0.0
    return preparation + sum(result.seconds for result in recording.results) + (diarized.seconds if diarized else 0.0)


def _from_results(recording: RecordingState, device: str, backend: str, model_revision: str | None) -> Transcript:
    started, prepared = recording.started, recording.prepared
    if prepared is None:
        raise ValueError("this recording is not complete")
    waveform, language, results = started.waveform, recording.language, recording.results
    by_channel = {
        channel: build_segments([result for result in results if result.clip.channel == channel], waveform.seconds)
        for channel in prepared.speech
    }
    turns_by_channel = channel_turns(prepared.speech, waveform.seconds) if prepared.has_speaker_channels else {}
    if prepared.has_speaker_channels:
        segments = merge_channels({turns_by_channel[channel][0].speaker: by_channel[channel] for channel in turns_by_channel})
    else:
        [segments] = by_channel.values()
    segments = tuple(_without_common_language(segment, language.code) for segment in segments)
    turns = tuple(
        sorted((turn for turns in turns_by_channel.values() for turn in turns), key=lambda turn: (turn.start, turn.end))
    )
    quality = _quality(prepared.speech, waveform.damage, results, by_channel)
    if not segments:
        quality = quality.model_copy(update={"sound": sound_seconds(waveform)})
    flags = (
        *_flags(waveform.damage, segments, language, quality),
        *([CHANNELS_ALIKE] if prepared.has_copied_channels else []),
        *([QUIET] if sum(end - start for start, end in prepared.quiet) >= QUIET_SECONDS else []),
        *([OTHER_TRACKS] if prepared.audio_tracks > 1 and not segments else []),
    )
    return Transcript(
        source=_source(started, prepared.digest),
        job=_job_record(started.job.spec, device, backend, model_revision),
        language=language.code,
        language_probability=language.probability,
        duration=waveform.seconds,
        flags=flags,
        speakers=speakers_of(turns),
        text="".join(segment.text for segment in segments),
        segments=segments,
        turns=turns,
        quality=quality,
        timing=_timing(prepared, waveform.seconds, results),
    )


def _source(started: Started, digest: str | None) -> Source:
    recording = started.recording
    return Source(
        name=recording.name,
        uri=recording.uri,
        size=recording.size,
        modified=recording.modified,
        etag=recording.etag,
        digest=digest,
        duration=started.waveform.damage.header_seconds,
    )


def _job_record(spec: JobSpec, device: str, backend: str, model_revision: str | None) -> JobRecord:
    return JobRecord(
        fingerprint=spec.fingerprint,
        spec=spec.canonical(),
        tool=TOOL,
        backend=backend,
        device=device,
        finished_at=_now(),
        model_revision=model_revision,
    )


def _with_diarization(transcript: Transcript, spec: JobSpec, diarized: Diarized) -> Transcript:
    """The transcript with speakers. If diarization failed, it is recorded as not requested, so that the next run tries again."""
    diarization = diarized.diarization
    done = with_diarization_of(  # the text may be older, and made with other options
        transcript.job.spec, spec if diarization else spec.model_copy(update={"diarize": False})
    )
    flags = [flag for flag in transcript.flags if flag != NO_DIARIZATION]
    total = transcript.timing.total - transcript.timing.diarization + diarized.seconds
    timing = transcript.timing.model_copy(
        update={"diarization": diarized.seconds, "total": total, "rtfx": transcript.duration / total if total else 0.0}
    )
    job = {
        "fingerprint": fingerprint_of(done),
        "spec": done,
        "tool": TOOL,
        "finished_at": _now(),
        "diarizer_revision": diarization.revision if diarization else None,
    }
    changes = {"job": transcript.job.model_copy(update=job), "timing": timing}
    if diarization is None:
        return transcript.model_copy(update={**changes, "flags": (*flags, NO_DIARIZATION)})
    segments = assign_speakers(transcript.segments, diarization.turns)
    speakers = speakers_of(diarization.turns)
    return transcript.model_copy(
        update={
            **changes,
            "flags": tuple(flags),
            "segments": segments,
            "turns": diarization.turns,
            "speakers": speakers,
            "speaker_names": {},
        }
    )


def _without_common_language(segment: Segment, language: str) -> Segment:
    """The segment with its language only if it differs from that of the recording."""
    return segment.model_copy(update={"language": None}) if segment.language == language else segment


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _flags(damage: Damage, segments: Sequence[Segment], language: Language, quality: Quality) -> Iterator[str]:
    yield from damage.flags
    if not segments:
        yield "no_speech"
    if segments and language.is_uncertain:
        yield "language_doubtful"
    if quality.gaps:
        yield "gaps"
    if quality.repetitions:
        yield "repetitions"
    if quality.invented:
        yield "invented"


def _quality(
    speech: Mapping[int | None, Spans],
    damage: Damage,
    results: Sequence[ClipResult],
    segments: Mapping[int | None, Sequence[Segment]],
) -> Quality:
    """The quality of all channels together; `speech` and `segments` are by channel."""
    total = sum(end - start for spans in speech.values() for start, end in spans)
    covered = {channel: [(segment.start, segment.end) for segment in segments[channel]] for channel in speech}
    gaps = sorted(gap for channel, spans in speech.items() for gap in uncovered_spans(spans, covered[channel]))
    missing = sum(end - start for start, end in gaps)
    words = [word for channel in segments.values() for segment in channel for word in segment.words or ()]
    return Quality(
        speech=total,
        covered=1 - missing / total if total else 1.0,
        gaps=tuple((start, end) for start, end in gaps if end - start >= GAP_SECONDS),
        repetitions=sum(result.attempt.repeats for result in results),
        invented=count_invented_words(results),
        rescued=sum(result.clip.seconds for result in results if result.clip.part and (result.words or result.phrases)),
        low_confidence=sum(word.probability < LOW_CONFIDENCE for word in words) / len(words) if words else 0.0,
        skipped_packets=damage.skipped_packets,
        heard=_heard(results),
    )


def _heard(results: Sequence[ClipResult]) -> tuple[HeardLanguages, ...]:
    """The languages of the clips that were asked, in order of time."""
    asked = sorted(
        (result for result in results if result.attempt.heard), key=lambda result: (result.clip.start, result.clip.index)
    )
    return tuple(
        HeardLanguages(start=result.clip.start, end=result.clip.end, languages=dict(result.attempt.heard)) for result in asked
    )


def _timing(prepared: Prepared, seconds: float, results: Sequence[ClipResult]) -> Timing:
    asr = sum(result.seconds for result in results)
    total = prepared.fetch_seconds + prepared.decode_seconds + prepared.vad_seconds + asr
    rtfx = seconds / total if total else 0.0
    fetch, decode, vad = prepared.fetch_seconds, prepared.decode_seconds, prepared.vad_seconds
    return Timing(fetch=fetch, decode=decode, vad=vad, asr=asr, total=total, rtfx=rtfx)
