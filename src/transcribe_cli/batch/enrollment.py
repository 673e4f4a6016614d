"""Learning somebody's voice from a stretch of a recording: decode it, let the diarizer hear it, keep the embedding of who speaks."""

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
class Enrolled:
    """A voice with all its samples, and another one that it can be mistaken for."""

    voice: Voice
    similar_voice: VoiceMatch | None


class _Enough(Exception):
    """All of the stretch is decoded."""


def enroll(name: str, where: str, model: str, settings: Settings, emit: Emit, *, one_voice: bool = False) -> Enrolled:
    """Learn a voice, or one more sample of a voice that has this name.

    Args:
        name: whose it is.
        where: `FILE` or `FILE@start-end`; one person is to speak there.
        model: the diarizer.
        settings: device, models, the state folder.
        emit: told when something had to be done otherwise.
        one_voice: take all speech for that of one person.

    Raises:
        UsageError: a name, file or stretch that cannot be meant, too little speech, or several voices; what to take instead.
        RecordingError: the recording cannot be decoded or diarized.
        NotReady: the diarizer or the library is not there.
    """
    name, stretch, library = checked_name(name), Excerpt.parsed(where), Library(settings.state_dir)
    library.voices()  # a damaged library is told before the work
    check_pyannote(model, settings)
    spec = JobSpec(diarize=True, diarize_model=model, num_speakers=1 if one_voice else None)
    with ExitStack() as stack:
        decoder = open_decoders(settings, stack)[0]
        recording = _recording(stretch, settings)
        fetcher = Fetcher(round(settings.scratch_limit * GB))
        stack.callback(fetcher.close)
        path, _ = stack.enter_context(fetcher.fetch(recording))
        waveform = stack.enter_context(_decoded(decoder, path, stretch, recording.name))
        if not waveform.samples:
            raise UsageError(f"{stretch} is after the end of the recording.")
        found = load_pyannote(model, settings, emit).diarize(waveform, spec, lambda share: None)
        seconds = waveform.seconds
    label, spoken = find_single_speaker(found, stretch)
    similar_voice = _other(library, name, found, label, settings.voice_threshold)
    sample = Sample(
        source=printable(recording.name),
        start=stretch.start,
        end=round(stretch.start + seconds, 3),
        seconds=round(spoken, 3),
        enrolled=datetime.now(UTC).replace(microsecond=0),
    )
    return Enrolled(library.add(name, model, found.embedded_by, found.embeddings[label], sample), similar_voice)


def _other(library: Library, name: str, found: Diarization, label: str, threshold: float) -> VoiceMatch | None:
    """Another voice of the library that sounds like this one.

    Raises:
        UsageError: this is not how the voice of that name sounded before.
    """
    vectors = {voice.name: library.vector(voice) for voice in library.voices() if voice.embedded_by == found.embedded_by}
    before = vectors.pop(name, None)
    if before is not None and (similarity := float(before @ found.embeddings[label])) < threshold - DOUBT_RANGE:
        raise UsageError(
            f"This is not how {name} sounded before (similarity {similarity:.2f}, at least {threshold - DOUBT_RANGE:.2f} is needed).",
            f"If the earlier samples were wrong, `transcribe speakers forget {name}` first.",
        )
    return next(iter(match_voices({label: found.embeddings[label]}, vectors, threshold)), None)


def _recording(stretch: Excerpt, settings: Settings) -> Recording:
    """The file, here or in a store.

    Raises:
        UsageError, StorageNotReady: it is not there, or is not one file.
        RecordingError: it cannot be read.
    """
    source = str(stretch.path.absolute()) if isinstance(stretch.path, Path) else stretch.path
    found = list(islice(find_recordings([source], storage=settings.storage), 2))
    if len(found) != 1:
        raise UsageError(f"{stretch} is not one recording.", "Name a file.")
    if (problem := found[0].problem) is not None:
        raise problem
    return found[0]


def _decoded(decoder: Decoder, path: Path, stretch: Excerpt, name: str) -> Waveform:
    """The samples of a stretch, on scratch; what comes after it is not decoded."""
    stop = None if stretch.end is None else round(stretch.end * SAMPLE_RATE)
    kept: list[Waveform] = []

    def keep(waveform: Waveform) -> None:
        end = waveform.samples if stop is None else stop
        kept.append(Waveform.from_samples(waveform.read(round(stretch.start * SAMPLE_RATE), end), decoder.scratch))

    def watch(waveform: Waveform) -> None:
        if stop is not None and waveform.samples >= stop:
            keep(waveform)
            raise _Enough

    try:
        with decoder.decode(path, on_progress=watch, name=name) as whole:
            if stop is not None and stop - whole.samples > SAMPLE_RATE:
                raise UsageError(f"{stretch} ends after the recording, which lasts {format_time(whole.seconds)}.")
            keep(whole)
    except _Enough:
        pass
    return kept[0]
