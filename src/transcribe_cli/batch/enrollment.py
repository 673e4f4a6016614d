"""Enroll a voice from an excerpt of a recording: decode it, diarize it, store the embedding of its speaker."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.errors import UsageError
from transcribe_cli.events import Emit
from transcribe_cli.pipeline.loading import check_pyannote, load_pyannote, open_decoders
from transcribe_cli.settings import Settings
from transcribe_cli.sources import Recording, find_recordings
from transcribe_cli.sources.fetch import GB, Fetcher
from transcribe_cli.speakers.diarizers import Diarization
from transcribe_cli.speakers.voices.excerpt import Excerpt, format_time
from transcribe_cli.speakers.voices.library import Library, Sample, Voice, checked_name
from transcribe_cli.speakers.voices.matching import DOUBT_RANGE, match_voices
from transcribe_cli.speakers.voices.single_speaker import find_single_speaker
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import VoiceMatch


@dataclass(frozen=True)
class EnrolledVoice:
    """A voice with all its samples, and the enrolled voice that it could be confused with."""

    voice: Voice
    similar_voice: VoiceMatch | None


class _ExcerptDecoded(Exception):
    """The whole excerpt is decoded."""


def enroll(name: str, source: str, model: str, settings: Settings, emit: Emit, *, one_voice: bool = False) -> EnrolledVoice:
    """Enroll a voice, or add a sample to the voice of this name.

    Args:
        name: of the person.
        source: `FILE` or `FILE@start-end`; only one person should speak there.
        model: the diarizer.
        settings: device, models, the state folder.
        emit: receives notices, such as a fallback to another device.
        one_voice: treat all speech as that of one person.

    Raises:
        UsageError: an invalid name, file or excerpt, too little speech, or several voices; the message says what to use instead.
        RecordingError: the recording cannot be decoded or diarized.
        NotReady: the diarizer or the library is not available.
    """
    name, excerpt, library = checked_name(name), Excerpt.parsed(source), Library(settings.state_dir)
    library.voices()  # a damaged library is reported before the work
    check_pyannote(model, settings)
    spec = JobSpec(diarize=True, diarize_model=model, num_speakers=1 if one_voice else None)
    with ExitStack() as stack:
        decoder = open_decoders(settings, stack)[0]
        recording = _find_recording(excerpt, settings)
        fetcher = Fetcher(round(settings.scratch_limit * GB))
        stack.callback(fetcher.close)
        path, _ = stack.enter_context(fetcher.fetch(recording))
        waveform = stack.enter_context(_decode(decoder, path, excerpt, recording))
        if not waveform.samples:
            raise UsageError(f"{excerpt} starts after the end of the recording.")
        diarization = load_pyannote(model, settings, emit).diarize(waveform, spec, lambda share: None)
        seconds = waveform.seconds
    label, spoken = find_single_speaker(diarization, excerpt)
    similar_voice = _find_similar_voice(library, name, diarization, label, settings.voice_threshold)
    sample = Sample(
        source=printable(recording.name),
        start=excerpt.start,
        end=round(excerpt.start + seconds, 3),
        seconds=round(spoken, 3),
        enrolled=datetime.now(UTC).replace(microsecond=0),
    )
    return EnrolledVoice(library.add(name, model, diarization.embedded_by, diarization.embeddings[label], sample), similar_voice)


def _find_similar_voice(library: Library, name: str, diarization: Diarization, label: str, threshold: float) -> VoiceMatch | None:
    """Another voice in the library that is similar to this one.

    Raises:
        UsageError: the excerpt does not match the voice that is enrolled under this name.
    """
    vectors = {voice.name: library.vector(voice) for voice in library.voices() if voice.embedded_by == diarization.embedded_by}
    enrolled = vectors.pop(name, None)
    embedding = diarization.embeddings[label]
    if enrolled is not None and (similarity := float(enrolled @ embedding)) < threshold - DOUBT_RANGE:
        raise UsageError(
            f"The excerpt does not match the enrolled voice {name} (similarity {similarity:.2f}, minimum {threshold - DOUBT_RANGE:.2f}).",
            f"If the earlier samples are wrong, run `transcribe speakers forget {name}` first.",
        )
    return next(iter(match_voices({label: embedding}, vectors, threshold)), None)


def _find_recording(excerpt: Excerpt, settings: Settings) -> Recording:
    """The recording, a local file or in a store.

    Raises:
        UsageError, StorageNotReady: it does not exist, or is not a single file.
        RecordingError: it cannot be read.
    """
    source = str(excerpt.path.absolute()) if isinstance(excerpt.path, Path) else excerpt.path
    recordings = list(islice(find_recordings([source], storage=settings.storage), 2))
    if len(recordings) != 1:
        raise UsageError(f"{excerpt} is not a single recording.", "Name a file.")
    if (problem := recordings[0].problem) is not None:
        raise problem
    return recordings[0]


def _decode(decoder: Decoder, path: Path, excerpt: Excerpt, recording: Recording) -> Waveform:
    """The samples of the excerpt, on scratch. Decoding stops at its end."""
    stop = None if excerpt.end is None else round(excerpt.end * SAMPLE_RATE)
    excerpts: list[Waveform] = []

    def cut(waveform: Waveform) -> None:
        end = waveform.samples if stop is None else stop
        excerpts.append(Waveform.from_samples(waveform.read(round(excerpt.start * SAMPLE_RATE), end), decoder.scratch))

    def stop_at_end(waveform: Waveform) -> None:
        if stop is not None and waveform.samples >= stop:
            cut(waveform)
            raise _ExcerptDecoded

    try:
        with decoder.decode(path, on_progress=stop_at_end, name=recording.name, tree=recording.tree) as whole:
            if stop is not None and stop - whole.samples > SAMPLE_RATE:
                raise UsageError(f"{excerpt} ends after the recording, which lasts {format_time(whole.seconds)}.")
            cut(whole)
    except _ExcerptDecoded:
        pass
    return excerpts[0]
