"""Attacks through a recognizer's folder, with `--model DIR` or from the hub.

The attacker chooses every byte of config.json, model.bin, tokenizer.json, vocabulary.json and preprocessor_config.json, which libraries in
C++ and Rust parse. They want memory, an endless wait, a crash, or to write beyond the memory that the library allocated.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES, Ran
from transcribe_cli.errors import ModelUnavailable, TranscribeError
from transcribe_cli.recognition.engines import model_folder, models
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.settings import Settings
from transcribe_cli.speakers.diarizers import pipeline_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(models.DEMO_FOLDER, tmp_path / "m"))


def load(folder: Path) -> list[FasterWhisper]:
    return [make() for make in FasterWhisper.load(str(folder), Settings(device="cpu"))]


def refusal(folder: Path) -> str:
    with pytest.raises(ModelUnavailable) as caught:
        load(folder)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 700
    return str(caught.value)


def test_models_that_are_well_formed_load(folder: Path) -> None:
    assert model_folder.check_numbers(folder, "m").mels == 80
    (folder / model_folder.FEATURES).unlink()
    assert load(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"feature_size": 10**9},
        {"feature_size": 81},
        {"feature_size": "80"},
        {"feature_size": True},
        {"sampling_rate": 0},
        {"sampling_rate": 10**12},
        {"hop_length": 0},
        {"hop_length": -1},
        {"hop_length": 1e300},
        {"chunk_length": 10**6},
        {"n_fft": 10**9},
        {"n_fft": None},
    ],
)
def test_absurd_features(folder: Path, change: dict[str, object]) -> None:
    file = folder / model_folder.FEATURES
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert model_folder.FEATURES in refusal(folder)


@pytest.mark.parametrize(
    "change",
    [
        {"lang_ids": [10**9]},
        {"lang_ids": [-1]},
        {"lang_ids": [1.5]},
        {"lang_ids": {"a": 1}},
        {"suppress_ids": [2785]},
        {"suppress_ids_begin": [2**62]},
        {"alignment_heads": [[4, 0]]},
        {"alignment_heads": [[0, 4]]},
        {"alignment_heads": [[-1, 0]]},
        {"alignment_heads": [[1]]},
        {"alignment_heads": [1]},
        {"alignment_heads": "x"},
    ],
)
def test_a_config_that_names_what_the_model_lacks(folder: Path, change: dict[str, object]) -> None:
    """CTranslate2 uses these as indices into its memory."""
    file = folder / model_folder.CONFIG
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    assert model_folder.CONFIG in refusal(folder)


@pytest.mark.parametrize("name", ["config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json"])
@pytest.mark.parametrize(
    "data",
    [b"", b"\0", b"5", b"[]]", b"[" * 100_000, b'{"a":' * 100_000, b"\xff\xfe", b"9" * 100_000, b'{"x": 1e999}', b"null\n\n"],
)
def test_damaged_json(folder: Path, name: str, data: bytes) -> None:
    (folder / name).write_bytes(data)
    assert "does not load" in refusal(folder)


@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "tokenizer.json", "vocabulary.json", "vocabulary.txt", "model.bin"]
)
@pytest.mark.parametrize("kind", ["fifo", "endless", "folder", "loop", "nowhere", "huge"])
def test_what_is_no_regular_file_of_limited_size(folder: Path, name: str, kind: str) -> None:
    file = folder / name
    file.unlink(missing_ok=True)
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    elif kind == "huge":
        with file.open("wb") as sparse:
            sparse.truncate(9_000_000_000)
    else:
        file.symlink_to({"endless": "/dev/zero", "loop": file, "nowhere": "/nowhere"}[kind])
    with pytest.raises(TranscribeError) as caught:
        FasterWhisper.load(str(folder), Settings(device="cpu"))
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code in (2, 4)


def first_variable(data: bytes) -> int:
    """Where the shape of the token embeddings begins."""
    name = b"decoder/embeddings/weight\0"
    return data.index(name) + len(name)


def changed(data: bytes, change: str) -> bytes:
    at = first_variable(data)
    rank, rows, columns, kind, size = struct.unpack("<BIIBI", data[at : at + 14])
    header = {
        # The library allocates by shape and type, and reads `size` bytes into it.
        "small shape": (rank, 1, 1, kind, size),
        "large shape": (rank, 2**31, 2**31, kind, size),
        "zero shape": (rank, 0, columns, kind, size),
        "other type": (rank, rows, columns, 0, size),
        "unknown type": (rank, rows, columns, 99, size),
        "large size": (rank, rows, columns, kind, 2**32 - 1),
        "consistent but beyond the file": (rank, 2**20, 2**11, kind, 2**31),
        "many dimensions": (255, rows, columns, kind, size),
        "transposed": (rank, columns, rows, kind, size),
    }[change]
    return data[:at] + struct.pack("<BIIBI", *header) + data[at + 14 :]


@pytest.mark.parametrize(
    "change",
    [
        "small shape",
        "large shape",
        "zero shape",
        "other type",
        "unknown type",
        "large size",
        "consistent but beyond the file",
        "many dimensions",
        "transposed",
    ],
)
def test_variables_that_claim_other_sizes(folder: Path, change: str) -> None:
    file = folder / model_folder.WEIGHTS
    file.write_bytes(changed(file.read_bytes(), change))
    assert "model.bin" in refusal(folder)


@pytest.mark.parametrize("heads", [0, -1, 3, 32_767])
@pytest.mark.parametrize("name", ["encoder/num_heads", "decoder/num_heads"])
def test_heads_that_do_not_divide(folder: Path, name: str, heads: int) -> None:
    """The library divides by it."""
    file = folder / model_folder.WEIGHTS
    data = file.read_bytes()
    at = data.index(name.encode() + b"\0") + len(name) + 1 + 6
    file.write_bytes(data[:at] + struct.pack("<h", heads) + data[at + 2 :])
    assert "heads" in refusal(folder)


@pytest.mark.parametrize(
    "matrix", ["self_attention/linear_0/weight", "ffn/linear_1/weight", "ffn/layer_norm/gamma", "ffn/linear_0/bias"]
)
def test_matrices_that_do_not_follow_on_each_other(folder: Path, matrix: str) -> None:
    """With a consistent size: one row less, so that the library would compute beyond its end."""
    file = folder / model_folder.WEIGHTS
    data = file.read_bytes()
    name = f"decoder/layer_1/{matrix}".encode() + b"\0"
    at = data.index(name) + len(name)
    rank = data[at]
    dimensions = list(struct.unpack(f"<{rank}I", data[at + 1 : at + 1 + 4 * rank]))
    after = at + 1 + 4 * rank
    kind, size = struct.unpack("<BI", data[after : after + 5])
    less = size // dimensions[0]
    dimensions[0] -= 1
    header = struct.pack(f"<B{rank}IBI", rank, *dimensions, kind, size - less)
    file.write_bytes(data[:at] + header + data[after + 5 : after + 5 + size - less] + data[after + 5 + size :])
    assert "model.bin" in refusal(folder)


@pytest.mark.parametrize("length", [0, 4, 20, 100, 1_000, 100_000, -1])
def test_a_truncated_model(folder: Path, length: int) -> None:
    file = folder / model_folder.WEIGHTS
    file.write_bytes(file.read_bytes()[:length])
    refusal(folder)


def test_a_model_of_another_kind(folder: Path) -> None:
    file = folder / model_folder.WEIGHTS
    file.write_bytes(file.read_bytes().replace(b"WhisperSpec", b"WhisperSpex", 1))
    assert "not a Whisper model" in refusal(folder)
    file.write_bytes(struct.pack("<I", 2**32 - 1) + b"\xff" * 1_000)
    assert "not a Whisper model" in refusal(folder)


def test_more_tokens_than_the_model_has(folder: Path) -> None:
    file = folder / "vocabulary.json"
    file.write_text(json.dumps([*json.loads(file.read_text()), *(f"more{number}" for number in range(1000))]))
    assert "the model has 2785" in refusal(folder)
    shutil.copy(models.DEMO_FOLDER / "vocabulary.json", file)
    document = json.loads((folder / "tokenizer.json").read_text())
    special = document["added_tokens"][-1] | {"id": 2785, "content": "<|more|>"}
    document["added_tokens"].append(special)
    (folder / "tokenizer.json").write_text(json.dumps(document))
    assert "the model has 2785" in refusal(folder)


def test_the_command_says_so_in_one_line(folder: Path, tmp_path: Path, transcribe: Callable[..., Ran]) -> None:
    (tmp_path / "in").mkdir()
    shutil.copy(EXAMPLES / "hearing.wav", tmp_path / "in")
    (folder / model_folder.FEATURES).write_text('{"feature_size": 1000000000}')
    ran = transcribe("run", tmp_path / "in", "--model", folder)
    assert ran.code == 4
    assert "feature_size" in ran.err
    assert "Traceback" not in ran.err
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["hearing.wav"]


# Names


NAMES = [
    "a\0b",
    "a/b\0c",
    "a\nb",
    "a/b\nc",
    "a/b@x\ny",
    "owner/name@../../x",
    "owner/name@/etc",
    "owner/name@",
    "../x",
    "../../etc/passwd",
    "/nowhere/at/all",
    "~nobody-of-this-name/x",
    "a/..",
    "./..",
    "x" * 5_000,
    "a/" + "x" * 5_000,
    "a/b@" + "x" * 5_000,
    "/" + "x/" * 3_000,
    "\x1b[2J/x",
    "a\ud800/b",
    "",
    " ",
    "@",
    "/",
    ".",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_models_are_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those that would lead out of the cache."""
    monkeypatch.chdir(tmp_path)
    for locate in (
        lambda: models.locate(name, tmp_path / "cache", offline=True),
        lambda: pipeline_files.locate(name, model_dir=tmp_path / "cache", offline=True),
    ):
        with pytest.raises(TranscribeError) as caught:
            locate()
        message = str(caught.value)
        assert caught.value.exit_code in (2, 4)
        assert message.isprintable()
        assert len(message) < 1_000
