"""Who speaks, in buckets: turns and names that lie beside a recording are found there, channels are told apart, voices are enrolled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Ran, lecture
from tests.conversations import conversation, write_wav
from tests.storage.places import Tree
from tests.storage.web import Web

Transcribe = Callable[..., Ran]
ARGUMENTS = ("--model", "demo", "--language", "pt", "--threads", "1")
GIVEN = ("--diarize", "--diarize-model", "rttm")
TURNS = b"SPEAKER aula 1 0 4.5 <NA> <NA> SPEAKER_00 <NA> <NA>\nSPEAKER aula 1 4.5 60 <NA> <NA> Rui <NA> <NA>\n"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two sentences by two voices. The second starts at 4.5 s."""
    parts = [("Bom dia a todos. Vamos começar a aula.", "pt-br+m3"), ("Alguma pergunta?", "pt-br+f2")]
    return lecture(tmp_path_factory.mktemp("recorded") / "aula.wav", parts).read_bytes()


def test_turns_and_names_next_to_a_recording_in_a_bucket_are_used(bucket: Tree, recorded: bytes, transcribe: Transcribe) -> None:
    """The next run applies changed turns or names, without recognition."""
    bucket.put("sub/aula.wav", recorded)
    bucket.put("sub/aula.rttm", TURNS)
    bucket.put("sub/speakers.toml", b'SPEAKER_00 = "Ana"\n')
    ran = transcribe("run", bucket.url, *ARGUMENTS, *GIVEN, env=dict(bucket.env))
    assert ran.code == 0, ran.err
    document = json.loads(bucket.files()["sub/aula.json"])
    assert document["speakers"] == ["SPEAKER_00", "Rui"]
    assert document["speaker_names"] == {"SPEAKER_00": "Ana"}
    assert b"<v Ana>" in bucket.files()["sub/aula.vtt"]
    assert "1 done already" in transcribe("run", bucket.url, *ARGUMENTS, *GIVEN, env=dict(bucket.env)).err
    bucket.put("sub/aula.rttm", TURNS.replace(b"Rui", b"Eva"))
    ran = transcribe("run", bucket.url, *ARGUMENTS, *GIVEN, "--log-format", "json", env=dict(bucket.env))
    assert ran.code == 0, ran.err
    assert "model_loaded" not in ran.err
    assert json.loads(bucket.files()["sub/aula.json"])["speakers"] == ["SPEAKER_00", "Eva"]
    bucket.put("sub/aula.speakers.toml", b'Eva = "Eva Lima"\n')
    ran = transcribe("render", bucket.url, env=dict(bucket.env))
    assert ran.code == 0, ran.err
    assert json.loads(bucket.files()["sub/aula.json"])["speaker_names"] == {"SPEAKER_00": "Ana", "Eva": "Eva Lima"}
    assert b"<v Eva Lima>" in bucket.files()["sub/aula.vtt"]


def test_turns_are_not_looked_for_on_a_web_server(web: Web, recorded: bytes, transcribe: Transcribe, tmp_path: Path) -> None:
    """The text is written, and the message says where to put them. There, they are used."""
    web.files["/aula.wav"] = recorded
    arguments = ("run", f"{web.url}/aula.wav", *ARGUMENTS, *GIVEN, "--output-dir", tmp_path)
    ran = transcribe(*arguments)
    assert ran.code == 3
    assert "put it next to the transcript" in " ".join(ran.err.split())
    (tmp_path / "aula.rttm").write_bytes(TURNS)
    ran = transcribe(*arguments)
    assert ran.code == 0, ran.err
    assert json.loads((tmp_path / "aula.json").read_text())["speakers"] == ["SPEAKER_00", "Rui"]


@pytest.mark.emulators
def test_channels_of_a_recording_in_a_bucket_are_recognized_separately(
    bucket: Tree, transcribe: Transcribe, tmp_path: Path
) -> None:
    """Byte for byte as on a disk."""
    (tmp_path / "in").mkdir()
    recording = write_wav(tmp_path / "in/call.wav", conversation())
    bucket.put("call.wav", recording.read_bytes())
    for source in (str(recording.parent), bucket.url):
        ran = transcribe("run", source, "--model", "demo", "--channels", "split", env=dict(bucket.env))
        assert ran.code == 0, ran.err
    assert bucket.files()["call.vtt"] == recording.with_suffix(".vtt").read_bytes()
    assert len(json.loads(bucket.files()["call.json"])["speakers"]) == 2


@pytest.mark.emulators
def test_a_voice_is_enrolled_from_a_bucket(bucket: Tree, transcribe: Transcribe, tmp_path: Path) -> None:
    """From the given excerpt, into the library in the state folder."""
    bucket.put("hearing.wav", (EXAMPLES / "hearing.wav").read_bytes())
    env = {**bucket.env, "TRANSCRIBE_STATE_DIR": str(tmp_path)}
    ran = transcribe(
        "speakers", "enroll", "Ana", f"{bucket.url}/hearing.wav@0-10", "--diarize-model", "demo", "--one-voice", env=env
    )
    assert ran.code == 0, ran.err
    assert "hearing.wav" in ran.err
    gone = transcribe("speakers", "enroll", "Ana", f"{bucket.url}/gone.wav@0-10", "--diarize-model", "demo", env=env)
    assert gone.code == 2
    assert len(gone.err.strip().splitlines()) == 1
