"""The attacker puts finished transcripts into a tree that a user transcribes, one for each recording, with any value in any field.

Each recording has a line of its own, and the others are transcribed: no value ends `run`, `plan`, `status` or `render` with exit code 1 or
a traceback, and nothing is written but the outputs of the recordings.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran, spoken
from tests.transcripts import transcript_of
from transcribe_cli.sources import find_recordings

Transcribe = Callable[..., Ran]
FLOATS = ["1e999", "-1e999", "1e308", "-1e308", "NaN", "1" + "0" * 400, "9" * 5000, "-1", "true", "null", '"x"', "[]", "{}"]
TEXTS = ['"\\u0000"', '"a\\nb\\u001b[2J"', '"../x"', '"/etc/hostname"', json.dumps("x" * 100_000), "1", "null", "[]", '"\\ud800"']
DATES = ['"99999-12-31T00:00:00Z"', '"0001-01-01T00:00:00+23:59"', '"x"', "1e308", "null", "[]"]
VALUES = [
    *(("source.size", value) for value in FLOATS),
    *(("source.duration", value) for value in FLOATS),
    *(("duration", value) for value in FLOATS),
    *(("language_probability", value) for value in FLOATS),
    *(("segments.0.start", value) for value in FLOATS),
    *(("segments.0.end", value) for value in FLOATS),
    *(("segments.0.id", value) for value in FLOATS),
    *(("quality.speech", value) for value in FLOATS),
    *(("source.name", value) for value in TEXTS),
    *(("source.uri", value) for value in [*TEXTS, '"http://[::1/"', '"file:///%00"', '"file:///dev/zero"', '"file://host/x"']),
    *(("job.fingerprint", value) for value in TEXTS),
    *(("job.device", value) for value in TEXTS),
    *(("language", value) for value in TEXTS),
    *(("source.modified", value) for value in DATES),
    *(("source.etag", value) for value in DATES),
    *(("job.finished_at", value) for value in DATES),
    ("job.spec", '{"model": {"a": [1]}, "beam_size": 1e308, "\\u001b[2J": "\\u001b[2J"}'),
    ("job.spec", "[]"),
    ("job.spec", json.dumps({f"key{number}": "x" * 100 for number in range(1000)})),
    ("outputs", '{"": "", ".": "x", "..": "x", "a/b": "x", "../x": "x", "/": "x", "\\u0000": "x"}'),
    ("outputs", '{"{stem}.srt": 1, "{stem}.vtt": null}'),
    ("outputs", "[]"),
    ("outputs", '"x"'),
    ("subtitles", '{"{stem}.srt": "\\u001b[2J", "{stem}.vtt": 1e999}'),
    ("subtitles", "[]"),
    ("speakers", '["../x", "", "\\u001b[2J"]'),
    ("speaker_names", '{"../x": "/", "x": "\\u001b[2J"}'),
    ("flags", json.dumps(["x" * 1000] * 1000)),
    ("schema_version", "1e999"),
    ("schema_version", "[]"),
    ("cost", '{"amount": 1e308, "currency": "\\u001b[2J", "source": "x"}'),
    ("segments", "[" * 100_000),
    ("text", '"x'),
]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A recording, and one with a planted transcript for each value."""
    folder = tmp_path / "tree"
    folder.mkdir()
    sound = spoken("Bom dia.")
    (folder / "good.wav").write_bytes(sound)
    for number in range(len(VALUES)):
        (folder / f"p{number:03}.wav").write_bytes(b"no sound")
    recordings = {recording.path.stem: recording for recording in find_recordings([str(folder)])}
    for number, (field, value) in enumerate(VALUES):
        stem = f"p{number:03}"
        (folder / f"{stem}.json").write_text(_claim(json.loads(transcript_of(recordings[stem]).dumps()), field, value, stem))
    return folder


def _claim(document: Any, field: str, value: str, stem: str) -> str:
    """The document with a value that need not be JSON."""
    *above, last = field.split(".")
    part = document
    for key in above:
        part = part[int(key) if key.isdigit() else key]
    part[last] = "@value@"
    return json.dumps(document).replace('"@value@"', value.replace("{stem}", stem))


def _files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_no_value_in_a_transcript_ends_a_command(tree: Path, transcribe: Transcribe) -> None:
    """Also as JSON, and with --overwrite of outputs."""
    before = _files(tree)
    for command in (
        ("plan", tree, "--model", "demo"),
        ("plan", tree, "--model", "demo", "--json"),
        ("status", tree, "--model", "demo"),
        ("status", tree, "--model", "demo", "--json"),
        ("render", tree, "-f", "txt,html", "--output-dir", tree.parent / "out"),
        ("run", tree, "--model", "demo"),
    ):
        ran = transcribe(*command)
        assert ran.code in (0, 3), (command, ran.code, ran.err[-2000:])
        assert "Traceback" not in ran.err
        assert "\x1b[2J" not in ran.out + ran.err
    after = _files(tree)
    assert {name: after.get(name) for name in before if name.endswith(".wav")} == {
        name: content for name, content in before.items() if name.endswith(".wav")
    }
    allowed = {
        f"{stem}.{extension}" for stem in (path.stem for path in tree.glob("*.wav")) for extension in ("json", "srt", "vtt")
    }
    assert set(after) - set(before) <= allowed
    assert (tree / "good.srt").exists()
