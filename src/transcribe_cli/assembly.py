"""The results of one recording's clips, put together as its transcript, with what can be said about its quality."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from transcribe_cli import __version__
from transcribe_cli.engines import ClipResult
from transcribe_cli.prepare import Prepared
from transcribe_cli.segments import LOW_CONFIDENCE, segments
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Timing, Transcript
from transcribe_cli.vote import Language

# Speech without text is worth a look from this length on, in seconds; shorter stretches are breaths and hesitation.
GAP = 2.0
TOOL = f"transcribe-cli {__version__}"


def assemble(prepared: Prepared, results: Sequence[ClipResult], language: Language, device: str, backend: str) -> Transcript:
    """The transcript of a recording all of whose clips are recognized."""
    found = segments(results, prepared.waveform.seconds)
    quality = _quality(prepared, results, found)
    return Transcript(
        source=Source(
            name=prepared.recording.name,
            uri=prepared.recording.uri,
            size=prepared.recording.size,
            modified=prepared.recording.modified,
            duration=prepared.waveform.damage.header_seconds,
        ),
        job=JobRecord(
            fingerprint=prepared.job.spec.fingerprint,
            spec=prepared.job.spec.canonical(),
            tool=TOOL,
            backend=backend,
            device=device,
            finished_at=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        ),
        language=language.code,
        language_probability=language.probability,
        duration=prepared.waveform.seconds,
        flags=tuple(_flags(prepared, found, language, quality)),
        text="".join(segment.text for segment in found),
        segments=found,
        quality=quality,
        timing=_timing(prepared, results),
    )


def _flags(prepared: Prepared, found: Sequence[Segment], language: Language, quality: Quality) -> Iterator[str]:
    damage = prepared.waveform.damage
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


def _quality(prepared: Prepared, results: Sequence[ClipResult], found: Sequence[Segment]) -> Quality:
    threshold = prepared.job.spec.compression_ratio_threshold
    speech = [(start, end) for start, end in prepared.speech if end > start]
    total = sum(end - start for start, end in speech)
    untold = list(_without(speech, [(segment.start, segment.end) for segment in found]))
    missing = sum(end - start for start, end in untold)
    words = [word for segment in found for word in segment.words or ()]
    return Quality(
        speech=total,
        covered=1 - missing / total if total else 1.0,
        gaps=tuple((start, end) for start, end in untold if end - start >= GAP),
        repetitions=sum(1 for result in results if threshold and result.compression_ratio > threshold),
        low_confidence=sum(word.probability < LOW_CONFIDENCE for word in words) / len(words) if words else 0.0,
        skipped_packets=prepared.waveform.damage.skipped_packets,
    )


def _without(spans: Sequence[tuple[float, float]], covers: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """The parts of `spans` that no cover covers; both in order of time and without overlaps among themselves."""
    first = 0
    for start, end in spans:
        while first < len(covers) and covers[first][1] <= start:
            first += 1
        position, index = start, first
        while index < len(covers) and covers[index][0] < end:
            if covers[index][0] > position:
                yield position, covers[index][0]
            position = max(position, covers[index][1])
            index += 1
        if position < end:
            yield position, end


def _timing(prepared: Prepared, results: Sequence[ClipResult]) -> Timing:
    asr = sum(result.seconds for result in results)
    total = prepared.decode_seconds + prepared.vad_seconds + asr
    rtfx = prepared.waveform.seconds / total if total else 0.0
    return Timing(decode=prepared.decode_seconds, vad=prepared.vad_seconds, asr=asr, total=total, rtfx=rtfx)
