"""Frames of any rate, format and number of channels to 16 kHz int16 in which every channel stays by itself."""

from __future__ import annotations

from collections.abc import Iterator

from av.audio.stream import AudioStream

from transcribe_cli.audio.facts import SAMPLE_RATE
from transcribe_cli.audio.mono import Mono
from transcribe_cli.errors import TooManyChannels

MAX_CHANNELS = 16
"""Conference systems and field recorders have up to 16; a header's 255 would ask for as many times the room on scratch."""


class Split(Mono):
    """As Mono, but nothing is mixed: samples of the channels alternate, in the order that the track has them.

    How many there are is what the track says at its beginning. Where that changes on the way, a frame of fewer channels is repeated in
    those that it lacks, and what a frame has more is mixed into those that there are.
    """

    def __init__(self, stream: AudioStream, name: str) -> None:
        """Raises TooManyChannels, in which the recording is called `name`."""
        super().__init__(stream)
        self.channels = max(1, stream.codec_context.channels)
        if self.channels > MAX_CHANNELS:
            raise TooManyChannels(
                f"{name} has {self.channels} channels; at most {MAX_CHANNELS} can be told apart.", "Use `--channels mix`."
            )

    def _steps(self, channels: int) -> Iterator[tuple[str, str]]:
        places = range(self.channels)
        taken = [list(range(place, channels, self.channels)) or [place % channels] for place in places]
        mixed = "|".join(f"c{place}<" + "+".join(f"c{number}" for number in taken[place]) for place in places)
        yield "pan", f"{self.channels}c|{mixed}"
        yield "aformat", f"sample_rates={SAMPLE_RATE}:sample_fmts=s16"
