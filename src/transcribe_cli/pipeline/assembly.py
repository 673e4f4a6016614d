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
from transcribe_cli.pipeline.time_shares import TimeShare
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


def with_time(transcript: Transcript, prepared: Prepared | None, share: TimeShare) -> Transcript:
    """The transcript with its share of the wall time of the run, added to the time that it took previously.

    Fetching, decoding and speech detection alternate in one thread, and divide its part as they took its time.
    """
    parts = {"fetch": prepared.fetch_seconds, "decode": prepared.decode_seconds, "vad": prepared.vad_seconds} if prepared else {}
    scale = share.prepare / (sum(parts.values()) or 1.0)
    preparation = {name: scale * seconds for name, seconds in parts.items()}
    spent = Timing(**preparation, asr=share.recognize, diarization=share.diarize, total=share.total)
    return transcript.model_copy(update={"timing": transcript.timing.plus(spent, transcript.duration)})


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
    quality = _quality(prepared, waveform.damage, results, by_channel)
    if not segments:
        quiet = sum(end - start for start, end in quality.quiet)
        quality = quality.model_copy(update={"sound": max(sound_seconds(waveform), quiet)})
    flags = (
        *_flags(waveform.damage, segments, language, quality),
        *([CHANNELS_ALIKE] if prepared.has_copied_channels else []),
        *([QUIET] if sum(end - start for start, end in quality.quiet) >= QUIET_SECONDS else []),
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
    job = {
        "fingerprint": fingerprint_of(done),
        "spec": done,
        "tool": TOOL,
        "finished_at": _now(),
        "diarizer_revision": diarization.revision if diarization else None,
    }
    changes = {"job": transcript.job.model_copy(update=job)}
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
    prepared: Prepared,
    damage: Damage,
    results: Sequence[ClipResult],
    segments: Mapping[int | None, Sequence[Segment]],
) -> Quality:
    """The quality of all channels together; `segments` are by channel."""
    speech = prepared.speech
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
        left_out=damage.left_out,
        quiet=_quiet(prepared, damage),
        heard=_heard(results),
    )


def _quiet(prepared: Prepared, damage: Damage) -> Spans:
    """The speech that was made louder, by the decoder or by the detector: in order, joined where it overlaps."""
    speech = [span for spans in prepared.speech.values() for span in spans]
    by_decoder = [(max(a, start), min(b, end)) for a, b in damage.louder for start, end in speech if max(a, start) < min(b, end)]
    joined: list[tuple[float, float]] = []
    for start, end in sorted([*prepared.quiet, *by_decoder]):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return tuple(joined)


def _heard(results: Sequence[ClipResult]) -> tuple[HeardLanguages, ...]:
    """The languages of the clips that were asked, in order of time."""
    asked = sorted(
        (result for result in results if result.attempt.heard), key=lambda result: (result.clip.start, result.clip.index)
    )
    return tuple(
        HeardLanguages(start=result.clip.start, end=result.clip.end, languages=dict(result.attempt.heard)) for result in asked
    )
