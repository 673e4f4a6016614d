"""Attacks through the library of enrolled voices, price files and files of names, as if somebody else had written them.

The library lies in the user's state folder; a backup, a shared home or another program may have damaged it. Each is one line.
"""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from tests.security.model_attacks import Calls
from transcribe_cli.costs.prices.listed import load_prices
from transcribe_cli.errors import ConfigError
from transcribe_cli.formats.speaker_names import read_name_files
from transcribe_cli.speakers.voices.library import Library, Sample

VECTOR = np.eye(4, dtype=np.float32)[0]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path)
    made.add("Ana", "demo", "f" * 16, VECTOR, Sample(source="a.wav", start=0, end=9, seconds=9, enrolled=datetime.now(UTC)))
    return made


def refusal(read: Callable[[], object]) -> str:
    with pytest.raises(ConfigError) as caught:
        read()
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    return str(caught.value)


def npy(descr: object, shape: tuple[int, ...], data: bytes = b"") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("x.npy", npy("<f4", (1,), bytes(4)))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy("<f4", (10**15,)),
        npy("<f4", (6 * 10**9,)),
        npy("|i1", (6 * 10**9,)),
        npy("<f4", (10**30, 4)),
        npy("<f4", (0, 10**30)),
        npy("|O", (1, 4), bytes(32)),
        npy([("x", "<f4")], (1, 4), bytes(16)),
        npy("<f8", (1, 4), bytes(32)),
        npy("<f4", (1, 5), bytes(20)),
        npy("<f4", (1, 4), b"\0\0\xc0\x7f" * 4),
        npy("<f4", (1, 4), bytes(16)),
        npy("<f4", (1, 4), bytes(17)),
        npy("<f4", (1, 4), bytes(15)),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1),
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10_000,
        b"\x93NUMPY\x01\x00\x10\x00" + b"{'a': 9**9**9}  ",
        archive(),
        pickle.dumps(Calls(os.system, "true")),
        b"",
    ],
)
def test_embeddings(library: Library, data: bytes) -> None:
    """A ZIP archive was a traceback: NumPy opens it, too."""
    (voice,) = library.voices()
    (library.folder / voice.file).write_bytes(data)
    assert "Ana" in refusal(lambda: library.vector(voice))


@pytest.mark.parametrize("kind", ["fifo", "endless", "folder", "huge"])
def test_embeddings_that_are_no_small_file(library: Library, kind: str) -> None:
    (voice,) = library.voices()
    file = library.folder / voice.file
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "huge":
        with file.open("wb") as sparse:
            sparse.truncate(10**10)
    else:
        file.symlink_to("/dev/zero")
    assert "Ana" in refusal(lambda: library.vector(voice))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('file = "', 'file = "../'),
        ('file = "', 'file = "/etc/'),
        ("file = ", "file = 5 #"),
        (".npy", ".npy\\n"),
        (".npy", "\\u0000.npy"),
        ("dimensions = 4", "dimensions = 1000000000000"),
        ("dimensions = 4", "dimensions = 99999999999999999999"),
        ("dimensions = 4", "dimensions = -1"),
        ("seconds = 9.0", "seconds = 1e308"),
        ("seconds = 9.0", "seconds = inf"),
        ('name = "Ana"', 'name = "Ana\\n"'),
    ],
)
def test_entries_of_the_library(library: Library, old: str, new: str) -> None:
    file = library.folder / "speakers.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    assert "speakers.toml" in refusal(library.voices)


def test_escapes_in_the_library_are_shown(library: Library) -> None:
    file = library.folder / "speakers.toml"
    file.write_text(file.read_text().replace('"a.wav"', '"a\\u001b[2J.wav"').replace('"demo"', '"d\\n\\u001b"'))
    (voice,) = library.voices()
    assert (voice.samples[0].source + voice.diarize_model).isprintable()


HOSTILE = [
    b"\xff\xfe",
    b"\0",
    b"a = " + b"[" * 10_000,
    b"a = " + b"{a = " * 500,
    b"a = " + b"9" * 10_000,
    b"a = 99999999999999999999",
    b'a = "\\u0000"',
    b".".join([b"a"] * 10_000) + b" = 1",
    b".".join([b'"a"'] * 500) + b" = 1",
    b"[" + b".".join([b"a"] * 200) + b"]",
    b"=",
    b"[" * 100,
]


@pytest.mark.parametrize("data", HOSTILE)
def test_hostile_toml_is_one_line(library: Library, tmp_path: Path, data: bytes) -> None:
    (library.folder / "speakers.toml").write_bytes(data)
    refusal(library.voices)
    prices = tmp_path / "prices.toml"
    prices.write_bytes(data)
    refusal(lambda: load_prices(prices))
    (tmp_path / "speakers.toml").write_bytes(data)
    refusal(lambda: read_name_files(tmp_path / "a.wav"))


@pytest.mark.parametrize("kind", ["fifo", "endless", "huge"])
def test_toml_that_is_no_small_file(library: Library, tmp_path: Path, kind: str) -> None:
    for file in (library.folder / "speakers.toml", tmp_path / "prices.toml"):
        file.unlink(missing_ok=True)
        if kind == "fifo":
            os.mkfifo(file)
        elif kind == "huge":
            with file.open("wb") as sparse:
                sparse.truncate(10**10)
        else:
            file.symlink_to("/dev/zero")
    refusal(library.voices)
    refusal(lambda: load_prices(tmp_path / "prices.toml"))
