"""What is wrong with a recording is cured, or said in its transcript."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio.media import wav, wav_header
from tests.audio.test_track_choice import tracks
from transcribe_cli import transcribe
from transcribe_cli.audio import SAMPLE_RATE, Decoder
from transcribe_cli.events import RecordingDone
from transcribe_cli.reporting.messages import message_for
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Transcript

EXAMPLES = Path(__file__).parents[2] / "examples" / "audio"
SETTINGS = Settings(device="cpu", threads=2)
Samples = NDArray[np.int16]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Samples:
    """Twelve seconds of speech."""
    with Decoder(tmp_path_factory.mktemp("talk"), fallback=False) as decoder, decoder.decode(EXAMPLES / "talk.ogg") as waveform:
        return (waveform.read(0, 12 * SAMPLE_RATE) * 32_767).astype(np.int16)


def transcripts(folder: Path, **spec: object) -> dict[str, Transcript]:
    """The transcripts of a folder, by name."""
    found = {}
    for outcome in transcribe([folder], JobSpec.model_validate({"model": "demo", **spec}), SETTINGS):
        assert outcome.transcript is not None, outcome.error
        found[outcome.job.recording.name] = outcome.transcript
    return found


def places(found: Transcript) -> list[tuple[str, tuple[float, float]]]:
    """Where the reasons of the verdict say that one should look."""
    return [(reason.code, span) for reason in found.quality.reasons for span in reason.spans]


def test_the_text_is_there_and_the_fault_is_said(talk: Samples, tmp_path: Path) -> None:
    """Channels that cancel, a header that is too short, speech of a hundredth of a percent; and a recording without a fault."""
    half = talk.copy()
    half[len(half) // 2 :] *= -1
    wav(tmp_path / "right.wav", np.stack([talk, talk], axis=1))
    wav(tmp_path / "inverted.wav", np.stack([talk, -talk], axis=1))
    wav(tmp_path / "half.wav", np.stack([talk, half], axis=1))
    data = talk.tobytes()
    (tmp_path / "short.wav").write_bytes(wav_header(len(data) // 4) + data)
    (tmp_path / "zeros.wav").write_bytes(wav_header(len(data)) + data + bytes(10_000_000))
    wav(tmp_path / "quiet.wav", np.rint(talk / 1000).astype(np.int16))
    found = transcripts(tmp_path)
    right = found["right.wav"]
    assert right.flags == ()
    assert found["zeros.wav"].text == right.text
    assert found["inverted.wav"].text == found["half.wav"].text == found["short.wav"].text == right.text
    assert found["inverted.wav"].flags == found["half.wav"].flags == ("channels_cancelled",)
    assert found["short.wav"].flags == ("header_mismatch",)
    assert places(found["inverted.wav"]) == [("channels_cancelled", (0.0, pytest.approx(12.0)))]
    assert found["inverted.wav"].quality.left_out == ((0.0, pytest.approx(12.0)),)
    [(_, (start, end))] = places(found["half.wav"])
    assert 4 < start <= 6.1 < end == pytest.approx(12.0)
    assert places(found["short.wav"]) == [("header_mismatch", (pytest.approx(3.0), pytest.approx(12.0)))]
    assert "quiet" in found["quiet.wav"].flags
    assert found["quiet.wav"].quality.quiet
    assert found["quiet.wav"].quality.speech > 0.7 * right.quality.speech


def test_split_channels_that_cancel_in_part_are_kept(talk: Samples, tmp_path: Path) -> None:
    """Copies are mixed, unless a part of them would cancel."""
    half = talk.copy()
    half[len(half) // 2 :] *= -1
    wav(tmp_path / "right.wav", np.stack([talk, talk], axis=1))
    wav(tmp_path / "half.wav", np.stack([talk, half], axis=1))
    found = transcripts(tmp_path, channels="split")
    assert found["half.wav"].text == found["right.wav"].text
    assert found["half.wav"].flags == found["right.wav"].flags == ("channels_alike",)


def test_a_silent_first_track_is_said_or_passed_over(talk: Samples, tmp_path: Path) -> None:
    """The default track is the file's; `auto` takes the one with speech."""
    tracks(tmp_path / "a.mkv", ("", talk * 0), ("", talk))
    [silent] = transcripts(tmp_path).values()
    assert silent.flags == ("no_speech", "other_audio_tracks")
    [heard] = transcripts(tmp_path, audio_track="auto").values()
    assert heard.text
    assert heard.flags == ()
    event = RecordingDone("a.mkv", (), "", 12.0, 1.0, 0, silent.flags)
    assert "no speech, but it has other audio tracks: try --audio-track auto" in str(message_for(event))
