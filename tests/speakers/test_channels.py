"""Which channels are speakers, who overhears whom, and how what they said is put together."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conversations import RATE, Audio, conversation, with_crosstalk, with_noise
from tests.formats.documents import spoken
from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.pipeline.speech_clips import split_channels
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.speakers.channels import GOES_ON, channel_turns, merge_channels
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Segment
from transcribe_cli.vad import channel_levels, distinct_channels

SPEC = JobSpec(model="demo", channels="split")


def waveform(sound: Audio, folder: Path) -> Waveform:
    """What the decoder makes of it, near enough: at 16 kHz, by the nearest sample."""
    places = np.arange(0, len(sound), RATE / SAMPLE_RATE).astype(int)
    return Waveform.from_samples(sound[places], folder)


def reverberant(sound: Audio, seed: int) -> Audio:
    """(samples,) of both people, as one of several microphones far away hears them in a room."""
    generator = np.random.default_rng(seed)
    length = RATE // 2
    room = generator.normal(size=length) * np.exp(-6.9 * np.arange(length) / length) * 0.05
    room[0] = 0.3
    heard: Audio = np.convolve(sound.sum(axis=1), room)[: len(sound)]
    return heard


def copies(kind: str) -> Audio:
    """A recording of one microphone, or of two that hear the same, in two channels."""
    sound = conversation()
    one = sound.sum(axis=1)
    made = {
        "the same": (one, one),
        "quieter": (one, one / 4),
        "reversed": (one, -one),
        "late": (one, np.roll(one, RATE // 100)),
        "noisy": tuple(with_noise(np.stack([one, one], axis=1), -35.0).T),
        "two microphones": (reverberant(sound, 1), reverberant(sound, 2)),
        "one silent person": tuple(with_noise(np.stack([sound[:, 0], sound[:, 0] / 10], axis=1)).T),
    }
    return np.stack(made[kind], axis=1)


@pytest.mark.parametrize("kind", ["the same", "quieter", "reversed", "late", "noisy", "two microphones", "one silent person"])
def test_copies_of_a_channel_are_found(tmp_path: Path, kind: str) -> None:
    """They are heard together, or the first where they would cancel each other; nobody is told apart."""
    with waveform(copies(kind), tmp_path) as made:
        channels, alike = distinct_channels(channel_levels(made))
        assert (len(channels), alike) == (1, True)
        assert channels == [0] or kind not in ("quieter", "one silent person")
        heard = split_channels(made, Clip(0, 0, made, (), SPEC))
        assert (heard.are_speakers, heard.has_copies) == (False, True)
        assert [row.channel for row in heard.finders] == [0 if kind == "reversed" else None]


@pytest.mark.parametrize("leak", [-50.0, -30.0, -20.0, -10.0, -6.0, -3.0])
@pytest.mark.parametrize("share", [1, 9])
def test_two_people_are_no_copies(tmp_path: Path, leak: float, share: int) -> None:
    """However well each is heard in the other channel, and also when one of them says next to nothing."""
    talk = ((0, "O professor explica a lição de hoje."),) * share + ((1, "Bom dia a todos."),)
    with waveform(with_noise(with_crosstalk(conversation(talk=talk), leak)), tmp_path) as made:
        assert distinct_channels(channel_levels(made)) == ([0, 1], False)


def test_pairs_of_copies_count_once_and_silent_channels_not_at_all(tmp_path: Path) -> None:
    """Each pair is a speaker."""
    sound = conversation()
    six = np.stack([sound[:, 1], sound[:, 0] * 0, sound[:, 0], sound[:, 1] / 2, sound[:, 0], sound[:, 0] * 0], axis=1)
    with waveform(six, tmp_path) as made:
        assert distinct_channels(channel_levels(made)) == ([0, 2], True)
    with waveform(sound * 0, tmp_path) as made:
        assert distinct_channels(channel_levels(made)) == ([], False)
    with waveform(np.zeros((0, 2)), tmp_path) as made:
        assert distinct_channels(channel_levels(made)) == ([], False)


def spans(sound: Audio, folder: Path) -> list[list[tuple[float, float]]]:
    """Where each channel has speech."""
    with waveform(sound, folder) as made:
        rows = split_channels(made, Clip(0, 0, made, (), SPEC)).finders
        indices = []
        for row in rows:
            while not row.is_done:
                indices += [clip.index for clip in row.next_clips(is_complete=True)]
        assert indices == list(range(len(indices)))
        return [list(row.spans) for row in rows]


def seconds(found: list[tuple[float, float]]) -> float:
    """In all."""
    return sum(end - start for start, end in found)


def in_common(one: list[tuple[float, float]], other: list[tuple[float, float]]) -> float:
    """Seconds in which both have speech."""
    shared = (min(end, stop) - max(start, begin) for start, end in one for begin, stop in other)
    return sum(max(0.0, length) for length in shared)


@pytest.mark.parametrize(("leak", "late"), [(-30.0, 0.0), (-20.0, 0.0), (-12.0, 0.0), (-30.0, 0.2), (-20.0, 0.3)])
def test_who_is_overheard_has_no_speech_in_the_other_channel(tmp_path: Path, leak: float, late: float) -> None:
    """Also as an echo; each keeps what is there when nothing is overheard, apart from padding."""
    sound = conversation()
    clean = spans(with_noise(sound), tmp_path)
    found = spans(with_noise(with_crosstalk(sound, leak, late)), tmp_path)
    for channel in range(2):
        assert in_common(found[channel], clean[1 - channel]) < in_common(clean[channel], clean[1 - channel]) + 0.5
        assert in_common(found[channel], clean[channel]) > 0.85 * seconds(clean[channel])


def test_a_quiet_microphone_loses_nothing(tmp_path: Path) -> None:
    """What counts is how loud somebody speaks there otherwise."""
    sound = with_noise(conversation(pause=-0.5), -80.0)
    both, quiet = spans(sound, tmp_path), spans(sound * (1.0, 0.15), tmp_path)
    assert seconds(quiet[1]) == pytest.approx(seconds(both[1]), rel=0.05)


def test_speech_at_the_same_time_is_kept_in_both(tmp_path: Path) -> None:
    """They are as loud as each other, over and over."""
    one = conversation(talk=((0, "O professor explica a lição de hoje. Bom dia a todos. Vamos começar a aula."),))
    other = conversation(talk=((1, "Bom dia a todos. O professor explica a lição de hoje. Alguma pergunta?"),))
    length = min(len(one), len(other))
    alone = spans(with_noise(one), tmp_path)[0], spans(with_noise(other), tmp_path)[-1]
    both = spans(with_noise(one[:length] + other[:length]), tmp_path)
    for channel in range(2):
        assert seconds(both[channel]) > 0.85 * min(seconds(alone[channel]), length / RATE - 0.5)


def test_speakers_are_numbered_as_they_are_first_heard() -> None:
    """Channels without speech have no speaker; what touches is one turn, and none goes past the end."""
    found = channel_turns({0: [(3.0, 4.0)], 1: [], 2: [(1.0, 2.0), (2.0, 2.5), (9.0, 11.0)]}, 10.0)
    told = {channel: [(turn.speaker, turn.start, turn.end) for turn in turns] for channel, turns in found.items()}
    assert told == {
        2: [("SPEAKER_00", 1.0, 2.5), ("SPEAKER_00", 9.0, 10.0)],
        0: [("SPEAKER_01", 3.0, 4.0)],
    }


def said(parts: tuple[Segment, ...]) -> list[tuple[str | None, str]]:
    """Who said what."""
    return [(part.speaker, part.text) for part in parts]


def test_a_conversation_reads_as_it_went() -> None:
    """A sentence is cut where somebody else begins; not when it is nearly over, and not by who began before."""
    long = spoken("um dois três quatro cinco seis", 0.0)  # half a second each
    assert said(merge_channels({"A": [long], "B": [spoken("Sim.", 1.1)]})) == [
        ("A", " um dois três"),
        ("B", " Sim."),
        ("A", " quatro cinco seis"),
    ]
    late = 3.0 - GOES_ON + 0.1
    assert said(merge_channels({"A": [long], "B": [spoken("Sim.", late)]})) == [("A", long.text), ("B", " Sim.")]
    found = merge_channels({"A": [long], "B": [spoken("Sim, senhor, já vou.", 1.1)]})
    assert [part.start for part in found] == [0.0, 1.1, 1.5]
    assert {word.speaker for part in found for word in part.words or () if part.speaker == "B"} == {"B"}
    assert [part.id for part in found] == [0, 1, 2]


_talks = st.lists(st.tuples(st.integers(1, 8), st.floats(0, 3)), max_size=5)


def talked(plan: list[tuple[int, float]]) -> list[Segment]:
    """Segments of so many words after pauses of so many seconds."""
    found, position = [], 0.0
    for count, pause in plan:
        found.append(spoken(" ".join(f"w{number}" for number in range(count)), position + pause))
        position = found[-1].end
    return found


@given(_talks, _talks, _talks)
def test_no_word_is_lost_or_changed_by_merging(
    one: list[tuple[int, float]], two: list[tuple[int, float]], three: list[tuple[int, float]]
) -> None:
    """Each speaker's own words, in their order, with their times; parts come in the order of their starts."""
    talks = dict(zip("ABC", map(talked, (one, two, three)), strict=True))
    parts = merge_channels(talks)
    for speaker, segments in talks.items():
        before = [(word.word, word.start, word.end) for segment in segments for word in segment.words or ()]
        after = [(word.word, word.start, word.end) for part in parts if part.speaker == speaker for word in part.words or ()]
        assert after == before
    assert all(before.start <= after.start for before, after in pairwise(parts))
    assert [part.id for part in parts] == list(range(len(parts)))
