"""The results of one recording's clips, put together as its transcript, with what can be said about its quality."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from transcribe_cli import __version__
from transcribe_cli.audio import Damage
from transcribe_cli.pipeline.diarizing import Diarized
from transcribe_cli.pipeline.prepare import Prepared
from transcribe_cli.pipeline.recording_state import UnderWay
from transcribe_cli.recognition.engines import ClipResult
from transcribe_cli.recognition.language_vote import Language
from transcribe_cli.recognition.rescue import without
from transcribe_cli.recognition.segments import segments
from transcribe_cli.recognition.word_times import invented
from transcribe_cli.speakers.assignment import assign_speakers, speakers_of
from transcribe_cli.speakers.channels import CHANNELS_ALIKE, Spans, channel_turns, merge_channels
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import LOW_CONFIDENCE, JobRecord, Quality, Segment, Source, Timing, Transcript

# Speech without text is worth a look from this length on, in seconds; shorter stretches are breaths and hesitation.
GAP = 2.0
# The flag of a transcript whose speakers were asked for and could not be found out.
NO_DIARIZATION = "no_diarization"
TOOL = f"transcribe-cli {__version__}"


def assemble(recording: UnderWay, device: str, backend: str) -> Transcript:
    """The transcript of a complete recording, with its speakers when somebody asked for them."""
    text = recording.text or _recognized(recording, device, backend)
    return _told_apart(text, recording.begun.job.spec, recording.diarized) if recording.diarized else text


def spent(recording: UnderWay) -> float:
    """Seconds that went into a complete recording in this run: decoding, speech detection, recognition, diarization."""
    prepared, diarized = recording.prepared, recording.diarized
    decoded = prepared.decode_seconds + prepared.vad_seconds if prepared else 0.0
    return decoded + sum(result.seconds for result in recording.results) + (diarized.seconds if diarized else 0.0)


def _recognized(recording: UnderWay, device: str, backend: str) -> Transcript:
    begun, prepared = recording.begun, recording.prepared
    if prepared is None:
        raise ValueError("this recording is not complete")
    waveform, language, results = begun.waveform, recording.language, recording.results
    by_channel = {
        channel: segments([result for result in results if result.clip.channel == channel], waveform.seconds)
        for channel in prepared.speech
    }
    turns = channel_turns(prepared.speech, waveform.seconds) if prepared.speakers else {}
    if prepared.speakers:
        found = merge_channels({turns[channel][0].speaker: by_channel[channel] for channel in turns})
    else:
        [found] = by_channel.values()
    found = tuple(_of_language(segment, language.code) for segment in found)
    told = tuple(sorted((turn for said in turns.values() for turn in said), key=lambda turn: (turn.start, turn.end)))
    quality = _quality(prepared.speech, waveform.damage, results, by_channel)
    return Transcript(
        source=Source(
            name=begun.recording.name,
            uri=begun.recording.uri,
            size=begun.recording.size,
            modified=begun.recording.modified,
            etag=begun.recording.etag,
            duration=waveform.damage.header_seconds,
        ),
        job=JobRecord(
            fingerprint=begun.job.spec.fingerprint,
            spec=begun.job.spec.canonical(),
            tool=TOOL,
            backend=backend,
            device=device,
            finished_at=_now(),
        ),
        language=language.code,
        language_probability=language.probability,
        duration=waveform.seconds,
        flags=(*_flags(waveform.damage, found, language, quality), *([CHANNELS_ALIKE] if prepared.alike else [])),
        speakers=speakers_of(told),
        text="".join(segment.text for segment in found),
        segments=found,
        turns=told,
        quality=quality,
        timing=_timing(prepared, waveform.seconds, results),
    )


def _told_apart(text: Transcript, spec: JobSpec, diarized: Diarized) -> Transcript:
    """The transcript with its speakers; without them, where they could not be found out, as if nobody had asked: the next run will."""
    found = diarized.diarization
    done = spec if found else spec.model_copy(update={"diarize": False})
    flags = [flag for flag in text.flags if flag != NO_DIARIZATION]
    total = text.timing.total - text.timing.diarization + diarized.seconds
    timing = text.timing.model_copy(
        update={"diarization": diarized.seconds, "total": total, "rtfx": text.duration / total if total else 0.0}
    )
    job = {"fingerprint": done.fingerprint, "spec": done.canonical(), "tool": TOOL, "finished_at": _now()}
    told = {"job": text.job.model_copy(update=job), "timing": timing}
    if found is None:
        return text.model_copy(update={**told, "flags": (*flags, NO_DIARIZATION)})
    segments = assign_speakers(text.segments, found.turns)
    speakers = speakers_of(found.turns)
    return text.model_copy(
        update={
            **told,
            "flags": tuple(flags),
            "segments": segments,
            "turns": found.turns,
            "speakers": speakers,
            "speaker_names": {},
        }
    )


def _of_language(segment: Segment, language: str) -> Segment:
    """Said only where it is another than the recording's."""
    return segment.model_copy(update={"language": None}) if segment.language == language else segment


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _flags(damage: Damage, found: Sequence[Segment], language: Language, quality: Quality) -> Iterator[str]:
    if damage.truncated:
        yield "truncated"
    if damage.skipped_packets:
        yield "damaged"
    if not found:
        yield "no_speech"
    if found and language.doubtful:
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
    found: Mapping[int | None, Sequence[Segment]],
) -> Quality:
    """Of all channels together; `speech` and `found` are by channel."""
    total = sum(end - start for spans in speech.values() for start, end in spans)
    told = {channel: [(segment.start, segment.end) for segment in found[channel]] for channel in speech}
    untold = sorted(gap for channel, spans in speech.items() for gap in without(spans, told[channel]))
    missing = sum(end - start for start, end in untold)
    words = [word for segments in found.values() for segment in segments for word in segment.words or ()]
    return Quality(
        speech=total,
        covered=1 - missing / total if total else 1.0,
        gaps=tuple((start, end) for start, end in untold if end - start >= GAP),
        repetitions=sum(result.attempt.repeats for result in results),
        invented=invented(results),
        rescued=sum(result.clip.seconds for result in results if result.clip.part and (result.words or result.phrases)),
        low_confidence=sum(word.probability < LOW_CONFIDENCE for word in words) / len(words) if words else 0.0,
        skipped_packets=damage.skipped_packets,
    )


def _timing(prepared: Prepared, seconds: float, results: Sequence[ClipResult]) -> Timing:
    asr = sum(result.seconds for result in results)
    total = prepared.fetch_seconds + prepared.decode_seconds + prepared.vad_seconds + asr
    rtfx = seconds / total if total else 0.0
    fetch, decode, vad = prepared.fetch_seconds, prepared.decode_seconds, prepared.vad_seconds
    return Timing(fetch=fetch, decode=decode, vad=vad, asr=asr, total=total, rtfx=rtfx)
