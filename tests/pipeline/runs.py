"""Runs with a fake engine, on real files whose decoder reports its progress second by second.

So tests can act in the middle of a recording.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tests.fake_engine import PORTUGUESE, FakeEngine
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.events import Event, ignore_event
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.pipeline.run import Pipeline
from transcribe_cli.plan import Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.links import Tree
from transcribe_cli.vad import WINDOW_SAMPLES

SECOND = 31 * WINDOW_SAMPLES  # nearly


class SlowDecoder(Decoder):
    """Decodes as usual, then reports the waveform second by second, as a slow decoder does; calls `between` after each, with the file."""

    def __init__(self, scratch: Path, between: Callable[[Path, float], None]) -> None:
        super().__init__(scratch)
        self._between = between

    def decode(
        self,
        path: Path,
        *,
        track: int | None = None,
        split: bool = False,
        on_progress: Callable[[Waveform], None] | None = None,
        name: str | None = None,
        tree: Tree | None = None,
    ) -> Waveform:
        """See `Decoder.decode`; closes the waveform on errors."""
        waveform = super().decode(path, track=track, split=split, name=name, tree=tree)
        whole = waveform.samples
        assert on_progress is not None
        try:
            for samples in range(0, whole, SECOND):
                waveform.samples = samples
                on_progress(waveform)
                self._between(path, samples / SAMPLE_RATE)
        except BaseException:
            waveform.close()
            raise
        waveform.samples = whole
        return waveform


def jobs(folder: Path, spec: JobSpec = PORTUGUESE) -> list[Job]:
    """The jobs of a folder."""
    return plan(find_recordings([str(folder)]), spec, Settings())


def outcomes(
    jobs: Sequence[Job],
    engine: FakeEngine,
    *decoders: Decoder,
    on_event: Callable[[Event], None] = ignore_event,
    take: Callable[[Outcome], None] = lambda outcome: None,
    should_run: Callable[[Job], bool] = lambda job: True,
) -> dict[str, Outcome]:
    """All outcomes of a run by name, in order of arrival; checks that there is one for each job."""
    found: list[Outcome] = []
    try:
        for outcome in Pipeline(lambda: [lambda: engine], decoders, on_event).run(jobs, should_run):
            found.append(outcome)
            take(outcome)
    finally:
        for decoder in decoders:
            decoder.close()
    assert sorted(outcome.job.recording.name for outcome in found) == sorted(job.recording.name for job in jobs)
    return {outcome.job.recording.name: outcome for outcome in found}


def words(outcome: Outcome) -> int:
    """The number of recognized clips: the fake engine returns one word for each."""
    assert outcome.transcript is not None, outcome.error
    return len(outcome.transcript.text.split())


def at(seconds: float, do: Callable[[Path], None]) -> Callable[[Path, float], None]:
    """A callback that runs once in each decoding, when this much is decoded."""
    return lambda path, so_far: do(path) if seconds <= so_far < seconds + SECOND / SAMPLE_RATE else None
