"""Damaged parts are skipped, later audio is kept, and missing audio is reported."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import pytest

from tests.audio.media import Track, cut, encode, hole, tone, wav, wav_header
from tests.audio.test_decoding import pitch, rms
from transcribe_cli.audio import Damage, Decoder
from transcribe_cli.errors import NoAudioTrack, NotAudio, TooLong

DECLARING = {
    "a.wav": Track("pcm_s16le"),
    "ima.wav": Track("adpcm_ima_wav"),
    "a.mp3": Track("libmp3lame"),
    "a.mkv": Track("aac"),
    "a.webm": Track("libopus", 48_000),
    "a.m4a": Track("aac"),
    "alac.m4a": Track("alac"),
    "a.flac": Track("flac"),
    "a.flv": Track("aac"),
    "a.aiff": Track("pcm_s16be"),
    "a.tta": Track("tta"),
    "a.wv": Track("wavpack"),
}
ESTIMATING = {
    "a.aac": Track("aac"),
    "a.ts": Track("aac"),
    "a.ac3": Track("ac3", 48_000),
    "a.opus": Track("libopus", 48_000),
    "a.wma": Track("wmav2", options={"b": "128k"}),
    "a.mp2": Track("mp2"),
}
INDEX_FIRST = {"movflags": "+faststart"}  # otherwise a cut file has no index, and nothing can be decoded


@pytest.mark.parametrize("name", DECLARING)
def test_a_truncated_recording_is_flagged_and_keeps_its_audio(name: str, decoder: Decoder, tmp_path: Path) -> None:
    """Cut at one third: a third of the audio, no error, and the flag."""
    track = Track(**{**vars(DECLARING[name]), "seconds": 12.0})
    path = cut(encode(tmp_path / name, track, options=INDEX_FIRST if name.endswith("m4a") else None), 1 / 3)
    with decoder.decode(path) as waveform:
        assert waveform.damage.truncated
        assert waveform.damage.damaged
        assert waveform.damage.header_seconds == pytest.approx(12.0, abs=0.1)
        assert waveform.seconds == pytest.approx(4.0, abs=1.1)
        assert pitch(waveform, 0.5, 2.5) == pytest.approx(440, abs=2)


@pytest.mark.parametrize("name", ESTIMATING)
@pytest.mark.parametrize("part", [1 / 3, 1.0])
def test_an_estimated_duration_is_not_compared(name: str, part: float, decoder: Decoder, tmp_path: Path) -> None:
    """These formats declare no duration, so a truncation cannot be detected; the audio is decoded."""
    path = cut(encode(tmp_path / name, Track(**{**vars(ESTIMATING[name]), "seconds": 12.0})), part)
    with decoder.decode(path) as waveform:
        assert waveform.damage.header_seconds is None
        assert not waveform.damage.truncated
        assert waveform.seconds == pytest.approx(12 * part, abs=0.6)


def test_a_variable_bitrate_mp3_without_a_declared_duration_is_not_truncated(decoder: Decoder, tmp_path: Path) -> None:
    """FFmpeg guesses from the bitrate of the first frames, and may be far off."""
    track = Track("libmp3lame", seconds=12.0, options={"q": "5"})
    with decoder.decode(encode(tmp_path / "a.mp3", track, options={"write_xing": "0"})) as waveform:
        assert waveform.damage.header_seconds is None
        assert not waveform.damage.damaged


@pytest.mark.parametrize("size", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_with_a_placeholder_length_is_not_truncated(size: int, decoder: Decoder, tmp_path: Path) -> None:
    """Streamed through a pipe, or interrupted by a power failure before the header was finished."""
    path = tmp_path / "a.wav"
    path.write_bytes(wav_header(0)[:40] + size.to_bytes(4, "little") + tone(2.0).tobytes())
    with decoder.decode(path) as waveform:
        assert waveform.seconds == 2.0
        assert waveform.damage.header_seconds is None


def test_audio_after_a_damaged_part_is_recovered(decoder: Decoder, tmp_path: Path) -> None:
    """Zeros in the middle of an MP3, where PyAV's own decode() would silently end."""
    path = hole(encode(tmp_path / "a.mp3", Track("libmp3lame", seconds=20.0)), 0.2, 0.5)
    with decoder.decode(path) as waveform:
        assert waveform.seconds == pytest.approx(14.0, abs=0.5)
        assert pitch(waveform, 6, 13) == pytest.approx(440, abs=2)
        assert waveform.damage.skipped_packets > 0
        assert waveform.damage.truncated
        assert waveform.damage.header_seconds == pytest.approx(20.0, abs=0.1)


@pytest.mark.parametrize(
    ("name", "track"),
    {
        "a.flac": Track("flac", seconds=20.0),
        "a.m4a": Track(seconds=20.0),
        "a.mkv": Track(seconds=20.0),
        "a.ogg": Track("libopus", 48_000, seconds=20.0),
    }.items(),
)
def test_a_damaged_part_shifts_nothing_if_packets_have_times(name: str, track: Track, decoder: Decoder, tmp_path: Path) -> None:
    """Later audio keeps its position in a player: silence replaces the lost part."""
    path = hole(encode(tmp_path / name, track, options=INDEX_FIRST if name.endswith("m4a") else None), 0.3, 0.5)
    with decoder.decode(path) as waveform:
        damage = waveform.damage
        assert waveform.seconds == pytest.approx(20.0, abs=0.1)
        assert 3 < damage.filled_seconds < 10  # Matroska goes on at its next cluster, five seconds later
        assert damage.decoded_seconds + damage.filled_seconds == pytest.approx(waveform.seconds, abs=0.01)
        assert rms(waveform, 8, 9) < rms(waveform, 16, 19) / 50
        assert pitch(waveform, 16, 19) == pytest.approx(440, abs=2)
        assert not damage.truncated


@pytest.mark.parametrize(
    ("name", "track"),
    {
        "a.m4a": Track(),
        "a.mp3": Track("libmp3lame"),
        "a.ts": Track(),
        "a.webm": Track("libopus", 48_000),
        "a.flac": Track("flac"),
        "a.caf": Track("pcm_s16be"),
        "a.wma": Track("wmav2", options={"b": "128k"}),
    }.items(),
)
def test_a_file_with_random_changes_is_decoded_or_refused(name: str, track: Track, decoder: Decoder, tmp_path: Path) -> None:
    """Never a crash, a hang or an exception of PyAV's own; thousands of such files were tried when this was written."""
    data = encode(tmp_path / name, track, options=INDEX_FIRST if name.endswith("m4a") else None).read_bytes()
    chance = random.Random(name)
    for _ in range(12):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 10, 100, 1000))):
            changed[chance.randrange(min(len(data), chance.choice((300, 3000, len(data)))))] = chance.randrange(256)
        (tmp_path / name).write_bytes(changed)
        with contextlib.suppress(NotAudio, NoAudioTrack, TooLong):
            decoder.decode(tmp_path / name).close()


def test_a_recording_without_its_index_is_reported_as_interrupted(decoder: Decoder, tmp_path: Path) -> None:
    """An MP4 has its index at the end, which an interrupted recording lacks."""
    path = cut(encode(tmp_path / "aula.m4a", Track()), 0.9)
    with pytest.raises(NotAudio, match="its index is missing because the recording or the download was interrupted"):
        decoder.decode(path)


def test_video_that_continues_after_the_audio_is_no_truncation(decoder: Decoder, tmp_path: Path) -> None:
    """Audio of 3 s in a video of 8 s, in containers that declare one duration for all tracks."""
    for name in ("a.mp4", "a.mkv", "a.flv", "a.webm"):
        track = Track("libopus", 48_000) if name == "a.webm" else Track("libmp3lame")
        with decoder.decode(encode(tmp_path / name, track, video_seconds=8.0)) as waveform:
            assert waveform.seconds == pytest.approx(3.0, abs=0.1)
            assert not waveform.damage.truncated, name


def test_padding_and_trimming_are_no_truncation() -> None:
    """At least 2 % and half a second must be missing."""
    assert not Damage(header_seconds=1.0, decoded_seconds=0.6, reached_seconds=0.6).truncated
    assert not Damage(header_seconds=600.0, decoded_seconds=595.0, reached_seconds=595.0).truncated
    assert Damage(header_seconds=600.0, decoded_seconds=580.0, reached_seconds=580.0).truncated
    assert not Damage(header_seconds=600.0, decoded_seconds=300.0, filled_seconds=299.0, reached_seconds=599.0).truncated


def test_more_audio_than_declared_is_no_truncation(decoder: Decoder, tmp_path: Path) -> None:
    """Two MP3 files written one after the other: both are decoded."""
    one = encode(tmp_path / "1.mp3", Track("libmp3lame"))
    (tmp_path / "a.mp3").write_bytes(one.read_bytes() * 2)
    with decoder.decode(tmp_path / "a.mp3") as waveform:
        assert waveform.seconds == pytest.approx(6.0, abs=0.2)
        assert not waveform.damage.truncated


def test_the_duration_of_a_wav_is_found_after_other_chunks(decoder: Decoder, tmp_path: Path) -> None:
    """BWF has descriptions before the data chunk, whose size determines the duration."""
    whole = wav(tmp_path / "a.wav", tone(4.0)).read_bytes()
    described = whole[:12] + b"bext" + (601).to_bytes(4, "little") + bytes(602) + whole[12:]
    (tmp_path / "a.wav").write_bytes(described[: len(described) // 2])
    with decoder.decode(tmp_path / "a.wav") as waveform:
        assert waveform.damage.header_seconds == 4.0
        assert waveform.damage.truncated
