"""Converts frames of any rate, sample format and channel count to 16 kHz int16 with separate channels."""

from __future__ import annotations

from collections.abc import Iterator

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream

from transcribe_cli.audio.media_info import SAMPLE_RATE
from transcribe_cli.audio.mono_converter import MonoConverter
from transcribe_cli.errors import TooManyChannels

MAX_CHANNELS = 16
"""Conference systems and field recorders have up to 16. A header can claim 255, which would need 255 times the scratch space."""


class ChannelConverter(MonoConverter):
    """A MonoConverter that mixes nothing: samples of the channels are interleaved in the track's order.

    The channel count is the track's count at its beginning. If it changes later, a frame with fewer channels is repeated in the
    missing ones, and extra channels of a frame are mixed into the existing ones.
    """

    def __init__(self, stream: AudioStream, name: str) -> None:
        """Raises TooManyChannels, whose message calls the recording `name`."""
        super().__init__(stream)
        self.channels = max(1, stream.codec_context.channels)
        if self.channels > MAX_CHANNELS:
            raise TooManyChannels(
                f"{name} has {self.channels} channels; at most {MAX_CHANNELS} can be transcribed separately.",
                "Use `--channels mix`.",
            )

    def _weights_of(self, frame: AudioFrame) -> None:
        """No channel is compared with others: nothing is mixed."""

    def _filter_steps(self, channels: int) -> Iterator[tuple[str, str]]:
        outputs = range(self.channels)
        inputs = [list(range(output, channels, self.channels)) or [output % channels] for output in outputs]
        mapping = "|".join(f"c{output}<" + "+".join(f"c{number}" for number in inputs[output]) for output in outputs)
        yield "pan", f"{self.channels}c|{mapping}"
        yield "aformat", f"sample_rates={SAMPLE_RATE}:sample_fmts=s16"
