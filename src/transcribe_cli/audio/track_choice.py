"""Which audio track of a recording is transcribed, where the user names a language, or leaves it to the tool.

The names of languages in files are those of ISO 639-2 (`por`, in MP4 and MPEG-TS), of BCP 47 (`pt-BR`, in newer Matroska files), or
missing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from transcribe_cli.audio.decoder import Decoder
from transcribe_cli.audio.media_info import SAMPLE_RATE, Probe
from transcribe_cli.audio.waveform import Waveform
from transcribe_cli.errors import NoAudioTrack
from transcribe_cli.text.links import Tree
from transcribe_cli.text.track_languages import is_same_language

AUTO = "auto"
LISTENED_SECONDS = 300.0
"""Of each track, to find the one with the most speech."""


class _HeardEnough(Exception):
    """This much of a track decides."""


def choose_track(
    decoder: Decoder,
    path: Path,
    track: int | str | None,
    language: str | None,
    measure_speech: Callable[[Waveform], float],
    name: str | None = None,
    tree: Tree | None = None,
) -> int | None:
    """The number of the track to decode; None: the default track of the file.

    Args:
        decoder: reads the file.
        path: a local file.
        track: a number, a language, `auto`, or None.
        language: of the speech, if it is known; it decides for `auto` if the file names the languages of its tracks.
        measure_speech: the seconds of speech at the beginning of a waveform.
        name: of the recording in errors. Default: the path's.
        tree: links in the path must not lead out of it.

    Raises:
        NoAudioTrack: no track has this language.
    """
    if track is None or isinstance(track, int):
        return track
    probe = decoder.probe(path, tree=tree)
    wanted = language if track == AUTO else track
    tagged = [number for number, tag in enumerate(probe.track_languages) if wanted and is_same_language(tag, wanted)]
    if tagged:
        return probe.default_track if probe.default_track in tagged else tagged[0]
    if track != AUTO:
        raise NoAudioTrack(
            f"{name or path.name} has no audio track in {track}: {_described(probe)}.", "Choose one by its number, or `auto`."
        )
    if probe.audio_tracks < 2:
        return None
    speech = {number: _speech_seconds(decoder, path, number, measure_speech, tree) for number in range(probe.audio_tracks)}
    return max(speech, key=lambda number: (speech[number], number == probe.default_track, -number))


def _described(probe: Probe) -> str:
    """The tracks of a file, in words."""
    tracks = (f"number {number} is {tag or 'of no named language'}" for number, tag in enumerate(probe.track_languages))
    return ", ".join(tracks)


def _speech_seconds(
    decoder: Decoder, path: Path, track: int, measure_speech: Callable[[Waveform], float], tree: Tree | None
) -> float:
    """Seconds of speech at the beginning of a track; 0 if it cannot be decoded."""
    found = 0.0

    def listen(waveform: Waveform) -> None:
        nonlocal found
        if waveform.samples >= LISTENED_SECONDS * SAMPLE_RATE:
            found = measure_speech(waveform)
            raise _HeardEnough

    try:
        with decoder.decode(path, track=track, on_progress=listen, tree=tree) as waveform:
            return measure_speech(waveform)
    except _HeardEnough:
        return found
