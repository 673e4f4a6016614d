"""What is wrong with the audio itself, and sound that got no words at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from transcribe_cli.pipeline.verdict.spans import Spans, clock, places
from transcribe_cli.transcript import Reason, Transcript

# Sound in a recording without words, from this length on, in seconds; less is a click or a breath.
SOUND_SECONDS = 1.0
# If more of the recording is missing than this share, the text as a whole is not what was said.
LOST_SHARE = 0.30

# Flags of recordings whose audio is not what it should be, and what they mean.
FLAGS: Mapping[str, str] = {
    "truncated": "The recording ends before the length in its header.",
    "damaged": "Parts of the recording are damaged, and were skipped.",
    "header_mismatch": "The recording is longer than its header says; all of it was read.",
    "channels_cancelled": "Channels were left out of the mix, because they cancel others, hold only noise, or repeat others late.",
}


def damaged_audio(transcript: Transcript) -> Iterator[Reason]:
    """Flags of the decoder: audio that is missing has no text."""
    for flag in transcript.flags:
        if flag in FLAGS:
            is_lost = flag == "truncated" and _missing_share(transcript) > LOST_SHARE
            yield Reason(code=flag, level="bad" if is_lost else "check", detail=FLAGS[flag], spans=_spans(flag, transcript))


def sound_without_words(transcript: Transcript) -> Iterator[Reason]:
    """A recording that has no words, and is not silent: music, noise, or speech that was not recognized as such."""
    sound = transcript.quality.sound
    if transcript.segments or (transcript.duration if sound is None else sound) < SOUND_SECONDS:
        return
    found = (
        "whether the recording is silent was not measured" if sound is None else f"although {clock(sound)} of it are not silent"
    )
    yield Reason(code="no_words", level="check", detail=f"No words were found in the recording, {found}.")


def _spans(flag: str, transcript: Transcript) -> Spans:
    """Where to look; none if the place is not known, as that of packets, or what an edit list hides."""
    promised, end = transcript.source.duration, transcript.duration
    if flag == "truncated":
        return ((end, end),)
    if flag == "header_mismatch" and promised is not None and promised < end:
        return ((promised, end),)
    return places(transcript.quality.left_out) if flag == "channels_cancelled" else ()


def _missing_share(transcript: Transcript) -> float:
    promised = transcript.source.duration or 0.0
    return 1 - transcript.duration / promised if promised else 0.0
