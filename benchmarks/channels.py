"""Channels: how reliably copies are distinguished from separate speakers, and how much crosstalk is removed. No recognition.

    .venv/bin/python -m benchmarks.channels

Two synthetic voices (espeak-ng) in two channels, from tests/conversations.py. The first table is the share of loud frames in which
the level difference of two channels stays near its usual value, for copies and for two people, with the margin of `vad.channels`. The
second table has, for each threshold of `CROSSTALK_DECIBELS`: seconds of speech detected in the channel of a silent person / seconds of a
person's own speech that are lost; `of` is all speech, and `off` is without the rule.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from tests.conversations import RATE, TALK, Audio, conversation, with_crosstalk, with_noise

from transcribe_cli.audio import SAMPLE_RATE, Waveform
from transcribe_cli.pipeline.speech_clips import split_channels
from transcribe_cli.recognition.engines import Clip
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import channels

OFF = 1000.0
THRESHOLDS = (OFF, 15.0, 12.0, 10.0, 8.0, 6.0)
_SPEC = JobSpec(channels="split")


def copies() -> Mapping[str, Audio]:
    """The same audio in both channels, with small differences."""
    one = conversation().sum(axis=1)
    return {
        "the same": _two(one, one),
        "6 dB quieter": _two(one, one / 2),
        "10 ms late": _two(one, np.roll(one, RATE // 100)),
        "noise of its own, -35 dB": with_noise(_two(one, one), -35.0),
        "two microphones in a room": _two(_in_a_room(one, 1), _in_a_room(one, 2)),
    }


def people() -> Mapping[str, Audio]:
    """A different person in each channel; the one who speaks seldom has one sentence in sixteen."""
    seldom = conversation(talk=((0, TALK[0][1]),) * 15 + (TALK[1],))
    found = {f"overheard at {leak} dB": with_noise(with_crosstalk(conversation(), leak)) for leak in (-40, -20, -10, -6, -3)}
    return {**found, "one speaks seldom, -20 dB": with_noise(with_crosstalk(seldom, -20))}


def conversations() -> Mapping[str, tuple[Audio, Audio]]:
    """The signals of the microphones with crosstalk, and without it."""
    turns, interrupted, both = conversation(), conversation(pause=-0.5), _at_once()
    heard = {f"at {leak} dB": with_crosstalk(turns, leak) for leak in (-30, -20, -15, -12, -10)}
    echoes = {f"echo, {late} s": with_crosstalk(turns, -30, late) for late in (0.1, 0.2, 0.3)}
    cases = {name: (sound, turns) for name, sound in {**heard, **echoes}.items()}
    cases["interrupting, -20 dB"] = with_crosstalk(interrupted, -20), interrupted
    cases["both at once"] = both, both
    cases["both at once, -20 dB"] = with_crosstalk(both, -20), both
    return {name: (with_noise(sound), with_noise(alone)) for name, (sound, alone) in cases.items()}


def share(sound: Audio) -> float:
    """The share of loud frames in which the level difference of two channels stays near its usual value."""
    with _waveform(sound) as waveform:
        return channels.stable_gap_share(*channels.channel_levels(waveform).T)


def speech(sound: Audio, threshold: float) -> list[NDArray[np.bool_]]:
    """For each channel, a mask of the detected speech: (samples,)."""
    with _waveform(sound) as waveform, patch.object(channels, "CROSSTALK_DECIBELS", threshold):
        found = []
        for row in split_channels(waveform, Clip(0, 0, waveform, (), _SPEC)).finders:
            while not row.is_done:
                row.next_clips(is_complete=True)
            where = np.zeros(waveform.samples, bool)
            for region in row.speech:
                where[region.start : region.end] = True
            found.append(where)
        return found


def wrong(heard: Audio, alone: Audio, threshold: float) -> tuple[float, float, float]:
    """Seconds of speech detected in the channels of silent people, seconds of own speech lost, and seconds of all speech."""
    pairs = list(zip(speech(heard, threshold), speech(alone, OFF), strict=True))
    counts = [(found & ~own, own & ~found, own) for found, own in pairs]
    false, lost, own = (float(sum(count[place].sum() for count in counts)) / SAMPLE_RATE for place in range(3))
    return false, lost, own


def main() -> None:
    """Print both tables."""
    for title, cases in (("copies", copies()), ("people", people())):
        for name, sound in cases.items():
            print(f"{title}  {name:<28} {share(sound):.3f}")
    print(f"\n{'':<24}{'of':>6}" + "".join(f"{'off' if limit == OFF else f'{limit:g} dB':>12}" for limit in THRESHOLDS))
    for name, (heard, alone) in conversations().items():
        found = [wrong(heard, alone, threshold) for threshold in THRESHOLDS]
        print(f"{name:<24}{found[0][2]:>6.1f}" + "".join(f"{false:>6.1f}/{lost:<5.1f}" for false, lost, _ in found))


def _two(one: Audio, other: Audio) -> Audio:
    return np.stack([one, other], axis=1)


def _in_a_room(sound: Audio, seed: int) -> Audio:
    """The signal of a distant microphone: half a second of reverberation, louder than the direct sound."""
    length = RATE // 2
    room = np.random.default_rng(seed).normal(size=length) * np.exp(-6.9 * np.arange(length) / length) * 0.05
    room[0] = 0.3
    heard: Audio = np.convolve(sound, room)[: len(sound)]
    return heard


def _at_once() -> Audio:
    """Two people who both speak all the time."""
    one, other = conversation(0.3, [(0, text) for _, text in TALK]), conversation(0.3, [(1, text) for _, text in TALK[::-1]])
    length = min(len(one), len(other))
    both: Audio = one[:length] + other[:length]
    return both


def _waveform(sound: Audio) -> Waveform:
    places = np.arange(0, len(sound), RATE / SAMPLE_RATE).astype(int)
    return Waveform.from_samples(sound[places], Path(tempfile.gettempdir()))


if __name__ == "__main__":
    main()
