"""A named pipe, a device, a socket or an endless file with the name of a small file neither blocks a run nor fills its memory.

The attacker may create files in the folder that a run works on, or in an archive that is unpacked there, with any name and of any type.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from transcribe_cli.audio import Waveform
from transcribe_cli.backends.job_ids import JobIdFile
from transcribe_cli.errors import DiarizationFailed, TranscribeError, Unreadable, UsageError
from transcribe_cli.formats.speaker_names import MAX_FILE_BYTES, read_name_files
from transcribe_cli.plan import plan
from transcribe_cli.scoring import readers
from transcribe_cli.settings import Settings
from transcribe_cli.sinks import files_of, read_header
from transcribe_cli.sinks.ownership import file_digest
from transcribe_cli.sinks.reading import read_transcript
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.local_paths import is_output
from transcribe_cli.speakers.diarizers.rttm import RttmDiarizer
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.spec import JobSpec
from transcribe_cli.state_folder import read_records
from transcribe_cli.subtitles.lint.files import SubtitleFile
from transcribe_cli.text.regular_files import open_regular_file, read_regular_file

KINDS = ("pipe", "socket", "link to a device", "folder", "link to itself")


def make(kind: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A special file with this name. No test may hang on it, so nothing ever writes into it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            monkeypatch.chdir(path.parent)  # the path of a socket is short
            with socket.socket(socket.AF_UNIX) as server:
                server.bind(path.name)
        case "link to a device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(path)
    return path


def refuses(error: type[TranscribeError], function: Callable[[], object]) -> None:
    """The function fails with one line."""
    with pytest.raises(error) as caught:
        function()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_list_or_manifest(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused in one line; so is an archive."""
    special = make(kind, tmp_path / "x", monkeypatch)
    refuses(UsageError, lambda: list(find_recordings([f"@{special}"])))
    refuses(UsageError, lambda: list(find_recordings([f"zip://::{special}"])))
    if kind != "folder":
        refuses(UsageError, lambda: list(find_recordings([str(make(kind, tmp_path / "x.jsonl", monkeypatch))])))


@pytest.mark.parametrize("kind", KINDS)
def test_files_beside_a_recording(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its transcript, its subtitles, its RTTM and its names: the plan is made."""
    recording = tmp_path / "a.mp3"
    recording.write_bytes(b"sound")
    for name in ("a.json", "a.srt", "a.rttm", "a.speakers.toml", "speakers.toml"):
        make(kind, tmp_path / name, monkeypatch)
    given_turns = JobSpec(model="small", diarize=True, diarize_model="rttm")
    (job,) = plan(find_recordings([str(recording)]), given_turns, Settings())
    assert job.reason
    assert read_header(tmp_path / "a.json") is None
    assert file_digest(tmp_path / "a.srt") is None
    assert not is_output(tmp_path / "a.srt")
    assert read_name_files(recording) == {}
    refuses(Unreadable, lambda: read_transcript(tmp_path / "a.json"))
    with Waveform.from_samples(np.zeros(16_000), tmp_path) as waveform:
        diarizer = RttmDiarizer(tmp_path / "a.rttm", "a.mp3")
        refuses(DiarizationFailed, lambda: diarizer.diarize(waveform, given_turns, lambda _: None))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("suffix", sorted(readers.READERS))
def test_references_and_subtitles(suffix: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`score` and `lint` report it and continue with the next."""
    special = make(kind, tmp_path / f"x{suffix}", monkeypatch)
    refuses(Unreadable, lambda: readers.read(special))
    if suffix in (".srt", ".vtt"):
        refuses(Unreadable, SubtitleFile(special).cues)
        make(kind, tmp_path / "x.json", monkeypatch)
        assert SubtitleFile(special).language() == ""


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_a_state_folder(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a disk that others use, too."""
    special = make(kind, tmp_path / "voices" / "speakers.toml", monkeypatch)
    assert list(read_records(special)) == []
    assert JobIdFile(special).read() is None
    refuses(TranscribeError, Library(tmp_path).voices)


@pytest.mark.parametrize("kind", KINDS)
def test_every_reader_uses_this_function(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises an OSError with a reason, and leaves no descriptor open."""
    special = make(kind, tmp_path / "x", monkeypatch)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for function in (open_regular_file, read_regular_file, files_of(special).read):
        with pytest.raises(OSError) as caught:  # noqa: PT011 - of any kind
            function(special)
        assert caught.value.strerror
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("name", ["a\0b", "a\ud800", "x" * 300])
def test_a_name_that_is_none(name: str, tmp_path: Path) -> None:
    """Also an OSError."""
    with pytest.raises(OSError):  # noqa: PT011 - of any kind
        read_regular_file(tmp_path / name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    """A sparse file costs its author nothing."""
    with (tmp_path / "speakers.toml").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TranscribeError, match="too large, at most 1 MB"):
        read_name_files(tmp_path / "a.mp3")
    with pytest.raises(OSError, match="too large"):
        read_regular_file(tmp_path / "speakers.toml", MAX_FILE_BYTES)
    (tmp_path / "small").write_bytes(b"x" * MAX_FILE_BYTES)
    assert len(read_regular_file(tmp_path / "small", MAX_FILE_BYTES)) == MAX_FILE_BYTES
