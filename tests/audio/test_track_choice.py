"""The audio track by number, by language, or by speech."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.media import tone
from transcribe_cli.audio import SAMPLE_RATE, Decoder, choose_track
from transcribe_cli.errors import NoAudioTrack
from transcribe_cli.text.track_languages import is_same_language
from transcribe_cli.vad import speech_seconds

EXAMPLES = Path(__file__).parents[2] / "examples" / "audio"


def tracks(path: Path, *contents: tuple[str, NDArray[np.int16]]) -> Path:
    """A file with these tracks, each of a language."""
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("flac", rate=SAMPLE_RATE, layout="mono") for _ in contents]
        for stream, (language, _) in zip(streams, contents, strict=True):
            if language:
                stream.metadata["language"] = language
        for stream, (_, samples) in zip(streams, contents, strict=True):
            frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = SAMPLE_RATE, 0, Fraction(1, SAMPLE_RATE)
            for ready in av.AudioResampler(stream.format, "mono", SAMPLE_RATE, 4096).resample(frame):
                container.mux(stream.encode(ready))
            container.mux(stream.encode(None))
    return path


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> NDArray[np.int16]:
    """Eight seconds of speech."""
    with Decoder(tmp_path_factory.mktemp("talk"), fallback=False) as decoder, decoder.decode(EXAMPLES / "talk.ogg") as waveform:
        return (waveform.read(0, 8 * SAMPLE_RATE) * 32_767).astype(np.int16)


@pytest.mark.parametrize("silent", ["nothing", "tone"])
def test_auto_is_the_track_with_speech(silent: str, talk: NDArray[np.int16], decoder: Decoder, tmp_path: Path) -> None:
    """The first track is silent, or has no speech."""
    first = talk * 0 if silent == "nothing" else tone(8.0)
    path = tracks(tmp_path / "a.mka", ("", first), ("", first), ("", talk))
    assert choose_track(decoder, path, "auto", None, speech_seconds) == 2
    assert choose_track(decoder, path, "auto", "pt", speech_seconds) == 2
    assert choose_track(decoder, path, None, None, speech_seconds) is None
    assert choose_track(decoder, path, 1, None, speech_seconds) == 1


def test_auto_keeps_the_default_track_if_none_has_more_speech(talk: NDArray[np.int16], decoder: Decoder, tmp_path: Path) -> None:
    """Both have the same, or none has any; and a single track needs no choice."""
    assert choose_track(decoder, tracks(tmp_path / "a.mka", ("", talk), ("", talk)), "auto", None, speech_seconds) == 0
    assert choose_track(decoder, tracks(tmp_path / "b.mka", ("", talk * 0), ("", talk * 0)), "auto", None, speech_seconds) == 0
    assert choose_track(decoder, tracks(tmp_path / "c.mka", ("", talk)), "auto", None, speech_seconds) is None


@pytest.mark.parametrize("ending", ["mka", "mkv"])
@pytest.mark.parametrize(("wanted", "number"), [("por", 1), ("pt", 1), ("pt-BR", 1), ("eng", 0), ("de", 2)])
def test_a_language_names_a_track(
    ending: str, wanted: str, number: int, talk: NDArray[np.int16], decoder: Decoder, tmp_path: Path
) -> None:
    """As a code of two or three letters; `auto` follows the language of the job."""
    path = tracks(tmp_path / f"a.{ending}", ("eng", talk), ("por", talk), ("ger", talk * 0))
    assert decoder.probe(path).track_languages == ("eng", "por", "ger")
    assert choose_track(decoder, path, wanted, None, speech_seconds) == number
    assert choose_track(decoder, path, "auto", wanted, speech_seconds) == number


def test_a_language_that_no_track_has_is_refused(talk: NDArray[np.int16], decoder: Decoder, tmp_path: Path) -> None:
    """With those that there are."""
    path = tracks(tmp_path / "a.mka", ("eng", talk), ("", talk))
    with pytest.raises(NoAudioTrack, match="no audio track in spa: number 0 is eng, number 1 is of no named language"):
        choose_track(decoder, path, "spa", None, speech_seconds)


def test_names_of_languages_are_compared() -> None:
    """ISO 639-1, both kinds of 639-2, BCP 47, English names."""
    for one, other in (("por", "pt"), ("pt-BR", "por"), ("ger", "deu"), ("fre", "fr"), ("chi", "zh-Hans"), ("eng", "English")):
        assert is_same_language(one, other)
    assert not is_same_language("", "pt")
    assert not is_same_language("spa", "pt")
