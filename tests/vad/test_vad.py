"""Speech detection, and packing of speech into clips."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.conftest import spoken
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import CLIP_SAMPLES, CLIP_SECONDS, WINDOW_SAMPLES, Packer, Region, RegionFinder, SpeechDetector
from transcribe_cli.vad.packing import MAX_GAP_SAMPLES
from transcribe_cli.vad.regions import Pause, find_regions

Probabilities = NDArray[np.float32]
Group = tuple[Region, ...]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Waveform:
    """Two seconds of silence, speech of about seven seconds, three seconds of silence."""
    folder = tmp_path_factory.mktemp("vad")
    (folder / "a.wav").write_bytes(spoken())
    with Decoder(scratch=folder) as decoder, decoder.decode(folder / "a.wav") as spoken_part:
        samples = spoken_part.read(0, spoken_part.samples)
    return Waveform.from_samples(np.concatenate([np.zeros(2 * SAMPLE_RATE), samples, np.zeros(3 * SAMPLE_RATE)]), folder)


def detected(waveform: Waveform, windows: int = 64) -> Probabilities:
    """The probabilities from a new detector, which reads blocks of this many windows."""
    detector = SpeechDetector()
    return np.concatenate([detector.probabilities(block) for block in waveform.blocks(windows * WINDOW_SAMPLES)] or [[]])


def packed(regions: Iterable[Region]) -> list[Group]:
    """The clips of regions that are fed at once."""
    packer = Packer()
    return [*packer.feed(regions), *packer.finish()]


def streamed(blocks: Sequence[Probabilities], samples: int, spec: JobSpec) -> tuple[list[Region], list[Group]]:
    """Regions and clips of probabilities that are fed block by block."""
    regions, packer = RegionFinder(spec), Packer()
    found: list[Region] = []
    groups: list[Group] = []
    for block in blocks:
        new = list(regions.feed(block))
        found += new
        groups += packer.feed(new)
    last = list(regions.finish(samples))
    return [*found, *last], [*groups, *packer.feed(last), *packer.finish()]


@pytest.mark.parametrize("windows", [7, 100, 1024])
def test_probabilities_do_not_depend_on_the_block_size(speech: Waveform, windows: int) -> None:
    """State is carried from block to block."""
    assert np.array_equal(detected(speech, windows), detected(speech, speech.samples // WINDOW_SAMPLES + 1))


def test_detectors_do_not_share_state(speech: Waveform) -> None:
    """Two threads prepare recordings in parallel, with one model."""
    first, second = SpeechDetector(), SpeechDetector()
    blocks = list(speech.blocks(64 * WINDOW_SAMPLES))
    pairs = [(first.probabilities(block), second.probabilities(np.zeros_like(block))) for block in blocks]
    assert np.array_equal(np.concatenate([mine for mine, _ in pairs]), detected(speech))
    assert max(float(other.max()) for _, other in pairs) < 0.5


def test_speech_between_silences_is_found(speech: Waveform) -> None:
    """The region begins and ends where the voice does, give or take the padding."""
    spec = JobSpec()
    regions = list(find_regions([detected(speech)], speech.samples, spec))
    assert regions[0].start / SAMPLE_RATE == pytest.approx(2.0 - spec.vad_speech_pad_ms / 1000, abs=0.2)
    assert regions[-1].end / SAMPLE_RATE == pytest.approx(speech.seconds - 3.0 + spec.vad_speech_pad_ms / 1000, abs=0.5)


def test_without_vad_everything_is_one_region(speech: Waveform) -> None:
    """`--no-vad-filter` recognizes silence too."""
    assert list(find_regions([detected(speech)], speech.samples, JobSpec(vad_filter=False))) == [Region(0, speech.samples)]


@pytest.mark.parametrize("vad", [True, False], ids=["with VAD", "without"])
def test_an_empty_waveform_has_no_regions(tmp_path: Path, vad: bool) -> None:
    """With and without VAD."""
    waveform = Waveform.from_samples(np.zeros(0), tmp_path)
    assert list(find_regions([detected(waveform)], waveform.samples, JobSpec(vad_filter=vad))) == []


def test_silence_has_no_clips(tmp_path: Path) -> None:
    """It has no regions."""
    waveform = Waveform.from_samples(np.zeros(5 * SAMPLE_RATE), tmp_path)
    assert packed(find_regions([detected(waveform)], waveform.samples, JobSpec())) == []


PROBABILITY = st.floats(0, 1, width=32)
# Runs of equal probability: independent windows would hardly ever make a region longer than a clip.
RUNS = st.lists(st.tuples(PROBABILITY, st.integers(1, 1500)), max_size=8)
SPECS = st.builds(
    lambda vad, threshold, silence, shortest, pad: JobSpec(
        vad_filter=vad,
        vad_threshold=threshold,
        vad_min_silence_duration_ms=silence,
        vad_min_speech_duration_ms=shortest,
        vad_speech_pad_ms=pad,
    ),
    st.booleans(),
    st.floats(0.05, 0.95),
    st.integers(0, 2000),
    st.integers(0, 1000),
    st.integers(0, 1500),
)


def as_probabilities(runs: list[tuple[float, int]], noise: list[float]) -> Probabilities:
    """Runs of equal probability, followed by arbitrary windows."""
    return np.array([value for value, count in runs for _ in range(count)] + noise, np.float32)


@given(RUNS, st.lists(PROBABILITY, max_size=60), SPECS)
def test_regions_are_in_order_and_never_overlap(runs: list[tuple[float, int]], noise: list[float], spec: JobSpec) -> None:
    """For any probabilities and thresholds, regions lie inside the waveform, one after the other, and are short enough."""
    probabilities = as_probabilities(runs, noise)
    samples = max(0, len(probabilities) * WINDOW_SAMPLES - WINDOW_SAMPLES // 2)
    regions = list(find_regions([probabilities], samples, spec))
    edges = [edge for region in regions for edge in (region.start, region.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= samples for edge in edges)
    assert all(0 < region.seconds <= CLIP_SECONDS for region in regions)
    if not spec.vad_filter:
        assert sum(region.end - region.start for region in regions) == samples


@given(RUNS, st.lists(PROBABILITY, max_size=60), SPECS, st.randoms(use_true_random=False))
def test_clips_do_not_depend_on_block_sizes(
    runs: list[tuple[float, int]], noise: list[float], spec: JobSpec, chance: object
) -> None:
    """A recording that is decoded slowly has the same clips as a complete one."""
    probabilities = as_probabilities(runs, noise)
    samples = max(0, len(probabilities) * WINDOW_SAMPLES - WINDOW_SAMPLES // 2)
    cuts = sorted(chance.randint(0, len(probabilities)) for _ in range(chance.randint(0, 12)))  # type: ignore[attr-defined]
    regions, groups = streamed(np.split(probabilities, cuts), samples, spec)
    at_once = list(find_regions([probabilities], samples, spec))
    assert regions == at_once
    assert groups == packed(at_once)


@st.composite
def row_of_regions(draw: st.DrawFn) -> list[Region]:
    """Regions with silence between and pauses inside."""
    regions: list[Region] = []
    for silence, length in draw(st.lists(st.tuples(st.integers(0, 16 * SAMPLE_RATE), st.integers(1, CLIP_SAMPLES)), max_size=30)):
        start = (regions[-1].end if regions else 0) + silence
        places = sorted(draw(st.sets(st.integers(start, start + length), max_size=5)))
        pauses = tuple(Pause(place, draw(st.integers(2560, 8000))) for place in places if start < place < start + length)
        regions.append(Region(start, start + length, pauses))
    return regions


@given(row_of_regions())
def test_clips_hold_all_speech_once_and_are_short_enough(regions: list[Region]) -> None:
    """At most 30 s of speech. A region is split only at a pause, and no part is shorter than a second."""
    groups = packed(regions)
    pieces = [region for group in groups for region in group]
    assert all(sum(region.end - region.start for region in group) <= CLIP_SAMPLES for group in groups)
    assert all(after.start - before.end <= MAX_GAP_SAMPLES for group in groups for before, after in pairwise(group))
    starts, ends = {region.start for region in regions}, {region.end for region in regions}
    cuts = {piece.end for piece in pieces} - ends
    assert {piece.start for piece in pieces} == starts | cuts
    assert cuts <= {pause.middle for region in regions for pause in region.pauses}
    assert [(piece.start, piece.end) for piece in pieces] == sorted((piece.start, piece.end) for piece in pieces)
    assert sum(piece.end - piece.start for piece in pieces) == sum(region.end - region.start for region in regions)
    split = [piece for piece in pieces if piece.start in cuts or piece.end in cuts]
    assert all(piece.seconds >= 1 for piece in split)


@given(row_of_regions())
def test_sequential_clips_include_pauses(regions: list[Region]) -> None:
    """They respect the maximum length with silence, contain no long silence, and split no region."""
    packer = Packer(2 * CLIP_SAMPLES, keep_silence=True)
    groups = [*packer.feed(regions), *packer.finish()]
    assert [region for group in groups for region in group] == regions
    assert all(group[-1].end - group[0].start <= 2 * CLIP_SAMPLES for group in groups)
    assert all(after.start - before.end <= MAX_GAP_SAMPLES for group in groups for before, after in pairwise(group))


def test_a_region_is_split_at_its_longest_pause_near_the_end_of_the_room() -> None:
    """With 18 of 30 s taken, the pause of 300 ms wins over a later shorter one and an earlier longer one."""
    second = SAMPLE_RATE
    pauses = (Pause(22 * second, 6000), Pause(29 * second, 4800), Pause(31 * second, 2560))
    groups = packed([Region(0, 18 * second), Region(20 * second, 40 * second, pauses)])
    assert groups == [
        (Region(0, 18 * second), Region(20 * second, 29 * second)),
        (Region(29 * second, 40 * second),),
    ]


def test_pauses_inside_a_region_are_recorded() -> None:
    """From 160 ms on; shorter ones occur inside words."""
    probabilities = np.ones(200, np.float32)
    probabilities[50:60] = 0.1
    probabilities[100:104] = 0.1
    probabilities[150:155] = 0.1
    (region,) = find_regions([probabilities], 200 * WINDOW_SAMPLES, JobSpec())
    assert region.pauses == (
        Pause(55 * WINDOW_SAMPLES, 10 * WINDOW_SAMPLES),
        Pause(305 * WINDOW_SAMPLES // 2, 5 * WINDOW_SAMPLES),
    )


def test_speech_without_pauses_is_cut_where_it_is_least_probable() -> None:
    """A word that is cut in the middle would be lost."""
    probabilities = np.ones(1400, np.float32)
    probabilities[700] = 0.6
    first, second = find_regions([probabilities], 1400 * WINDOW_SAMPLES, JobSpec())
    assert first.end == second.start == 700 * WINDOW_SAMPLES + WINDOW_SAMPLES // 2


@pytest.mark.parametrize("vad", [True, False], ids=["with VAD", "without"])
def test_hours_without_a_pause_are_returned_piece_by_piece(vad: bool) -> None:
    """Recognition begins before the speaker stops; the pieces of at most 30 s leave nothing out."""
    regions = RegionFinder(JobSpec(vad_filter=vad))
    early = list(regions.feed(np.ones(10_000, np.float32)))
    late = list(regions.finish(10_000 * WINDOW_SAMPLES))
    assert len(early) >= 10_000 * WINDOW_SAMPLES // CLIP_SAMPLES - 1
    assert all(region.seconds <= CLIP_SECONDS for region in early + late)
    assert [region.start for region in (early + late)[1:]] == [region.end for region in (early + late)[:-1]]
    assert (early + late)[-1].end == 10_000 * WINDOW_SAMPLES


def test_a_region_is_final_soon_after_its_pause() -> None:
    """As soon as no later word or its padding can reach it, long before the end of the recording."""
    spec = JobSpec()
    regions = RegionFinder(spec)
    needed = (spec.vad_min_silence_duration_ms + 2 * spec.vad_speech_pad_ms) * SAMPLE_RATE // 1000 // WINDOW_SAMPLES + 2
    assert list(regions.feed(np.ones(50, np.float32))) == []
    assert [region.start for region in regions.feed(np.zeros(needed, np.float32))] == [0]
