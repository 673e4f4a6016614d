"""Attacks through the variables of a model.bin, and through the steps of a tokenizer.json.

The attacker chooses every byte of both. CTranslate2 computes what the names of the variables say, with the sizes and numbers in them,
unchecked; tokenizers runs the steps that its file names. They want memory, an endless wait, or to read and write beyond the memory that
was allocated. Each case here ended the process, or took gigabytes, before names, shapes and types were compared with those of Whisper.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.errors import ModelUnavailable
from transcribe_cli.recognition.engines import model_folder, models
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

Variables = dict[str, tuple[list[int], int, bytes]]
Aliases = list[tuple[str, str]]
WIDTH, TOKENS = 128, 2785
FLOAT, INT8, INT16, INT32 = 0, 1, 2, 3
LAYER = "decoder/layer_0"
PROJECTION = ("decoder/projection/weight", "decoder/embeddings/weight")


def read_file(data: bytes) -> tuple[bytes, Variables, Aliases]:
    """What comes before the variables, the variables, and the aliases of a model file."""
    place = 0

    def number(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from(kind, data, place)
        place += struct.calcsize(kind)
        return int(value)

    def text() -> str:
        nonlocal place
        length = number("<H")
        place += length
        return data[place - length : place - 1].decode()

    number("<I"), text(), number("<I")
    head, variables = data[:place], {}
    for _ in range(number("<I")):
        name = text()
        shape = [number("<I") for _ in range(number("<B"))]
        kind, size = number("<B"), number("<I")
        variables[name] = (shape, kind, data[place : place + size])
        place += size
    return head, variables, [(text(), text()) for _ in range(number("<I"))]


def written(head: bytes, variables: Variables, aliases: Aliases, end: bytes = b"\0") -> bytes:
    """A model file; `end` ends the names of variables."""

    def text(value: str, end: bytes = b"\0") -> bytes:
        return struct.pack("<H", len(value) + len(end)) + value.encode() + end

    parts = [head, struct.pack("<I", len(variables))]
    for name, (shape, kind, values) in variables.items():
        parts += [
            text(name, end if "rotary" in name else b"\0"),
            struct.pack("<B", len(shape)),
            struct.pack(f"<{len(shape)}I", *shape),
        ]
        parts += [struct.pack("<BI", kind, len(values)), values]
    return b"".join([*parts, struct.pack("<I", len(aliases)), *(text(name) for alias in aliases for name in alias)])


def zeros(shape: list[int], kind: int = FLOAT) -> tuple[list[int], int, bytes]:
    """A variable."""
    count = 1
    for size in shape:
        count *= size
    return shape, kind, bytes(count * (4, 1, 2, 4)[kind])


def integer(value: int, kind: int = INT32) -> tuple[list[int], int, bytes]:
    """A variable that is a single number."""
    return [], kind, struct.pack(("", "<b", "<h", "<i")[kind], value)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(models.DEMO_FOLDER, tmp_path / "m"))


def refusal(folder: Path) -> str:
    """What is said before a library reads the folder: nothing is loaded here."""
    with pytest.raises(ModelUnavailable) as caught:
        FasterWhisper.load(str(folder), Settings(device="cpu"))
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 700
    return message


def change(folder: Path, changed: Variables, aliases: Aliases | None = None, without: str = "\0", end: bytes = b"\0") -> None:
    file = folder / model_folder.WEIGHTS
    head, variables, own = read_file(file.read_bytes())
    assert written(head, variables, own) == file.read_bytes()
    kept = {name: variable for name, variable in variables.items() if without not in name}
    file.write_bytes(written(head, kept | changed, own if aliases is None else aliases, end))


NUMBERS = {
    "rotary positions beyond the heads": {f"{LAYER}/self_attention/rotary_dim": integer(100_000)},
    "rotary positions of the encoder": {"encoder/layer_0/self_attention/rotary_dim": integer(7)},
    "keys for another number of heads": {f"{LAYER}/self_attention/num_heads_kv": integer(3)},
    "no keys": {f"{LAYER}/attention/num_heads_kv": integer(0)},
    "a sliding window": {"decoder/sliding_window": integer(1)},
    "an unknown number": {"decoder/anything": integer(5)},
    "an unknown number of a layer": {f"{LAYER}/ffn/anything": integer(0)},
    "a layer after the last": {"decoder/alignment_layer": integer(4, INT16)},
    "a layer before the first": {"decoder/alignment_layer": integer(-5, INT16)},
    "a layer far away": {"decoder/alignment_layer": integer(30_000, INT16)},
    "fewer than no heads": {"decoder/alignment_heads": integer(-5, INT16)},
    "an unknown activation": {"decoder/activation": integer(-1, INT8)},
}


@pytest.mark.parametrize("case", NUMBERS)
def test_numbers_that_whisper_does_not_have(folder: Path, case: str) -> None:
    change(folder, NUMBERS[case])  # type: ignore[arg-type]
    assert "unlike a Whisper model" in refusal(folder)


def test_a_name_whose_last_byte_the_library_drops(folder: Path) -> None:
    change(folder, {"decoder/rotary": integer(0)}, end=b"x")
    assert "a name that no Whisper model has" in refusal(folder)


def test_switches_that_are_off_load(folder: Path) -> None:
    """Converters of other versions write them."""
    change(folder, {"decoder/multi_query_attention": integer(0, INT8), "encoder/pre_norm": integer(0, INT8)})
    assert FasterWhisper.load(str(folder), Settings(device="cpu"))


ARRAYS = {
    "a projection to fewer tokens": {"decoder/projection/weight": zeros([10, WIDTH])},
    "a projection to more tokens": {"decoder/projection/weight": zeros([5000, WIDTH])},
    "a matrix that is a number": {f"{LAYER}/ffn/linear_0/weight": integer(1, INT8)},
    "a matrix of three dimensions": {f"{LAYER}/self_attention/linear_1/weight": zeros([WIDTH, 1, 1], INT8)},
    "one scale for many rows": {f"{LAYER}/ffn/linear_0/weight_scale": zeros([])},
    "scales of another type": {f"{LAYER}/ffn/linear_0/weight_scale": zeros([512], INT16)},
    "one bias for many rows": {f"{LAYER}/ffn/linear_0/bias": zeros([])},
    "a bias of integers": {f"{LAYER}/ffn/linear_0/bias": zeros([512], INT32)},
    "a norm of two rows": {f"{LAYER}/ffn/layer_norm/gamma": zeros([2, WIDTH])},
    "a filter of 300 steps": {"encoder/conv1/weight": zeros([WIDTH, 80, 300], INT8)},
    "a matrix of positions": {f"{LAYER}/self_attention/relative_position_keys": zeros([1, 1])},
    "positions of three dimensions": {"encoder/position_encodings/encodings": zeros([1, 1500, WIDTH])},
    "one position of the encoder": {"encoder/position_encodings/encodings": zeros([1, WIDTH])},
    "few positions of the decoder": {"decoder/position_encodings/encodings": zeros([20, WIDTH])},
    "positions that are a number": {"decoder/position_encodings/encodings": zeros([])},
    "a packed matrix": {f"{LAYER}/ffn/linear_0/weight_packed": zeros([1], INT8)},
    "a projection of the input": {"decoder/project_in/weight": zeros([1, 1])},
    "a norm of the embeddings": {"decoder/layernorm_embedding/gamma": zeros([1])},
    "a layer with a number in other digits": {"decoder/layer_\u0664/ffn/linear_0/weight": zeros([512, WIDTH])},
    "a layer with another name": {"decoder/layer_04/ffn/linear_0/weight": zeros([512, WIDTH])},
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_whisper_does_not_have(folder: Path, case: str) -> None:
    variables = ARRAYS[case]
    change(folder, variables, [] if "decoder/projection/weight" in variables else None)  # type: ignore[arg-type]
    assert "model.bin" in refusal(folder)


@pytest.mark.parametrize(
    "part", [f"{LAYER}/attention/", f"{LAYER}/ffn/", "layer_norm/beta", "encoder/layer_0/", "encoder/layer_"]
)
def test_layers_that_lack_a_part(folder: Path, part: str) -> None:
    change(folder, {}, without=part)
    assert "lacks" in refusal(folder)


@pytest.mark.parametrize(
    "aliases",
    [
        [("decoder/projection/weight", f"{LAYER}/ffn/linear_0/weight")],
        [PROJECTION, (f"{LAYER}/self_attention/linear_2/weight", f"{LAYER}/self_attention/linear_1/weight")],
        [PROJECTION, ("decoder/layer_4/ffn/linear_0/weight", f"{LAYER}/ffn/linear_0/weight")],
        [PROJECTION, (f"{LAYER}/self_attention/rotary_dim", "decoder/num_heads")],
        [PROJECTION, ("decoder/num_heads", "decoder/alignment_heads")],
        [PROJECTION, PROJECTION],
        [PROJECTION, ("decoder/projection/weight_scale", "decoder/layer_norm/gamma")],
        [PROJECTION, ("decoder/projection/bias", "nowhere")],
    ],
)
def test_aliases_are_variables(folder: Path, aliases: Aliases) -> None:
    change(folder, {}, aliases)
    assert "model.bin" in refusal(folder)


def test_an_alias_of_a_variable_with_the_same_values_loads(folder: Path) -> None:
    """The converter makes them."""
    bias, same = f"{LAYER}/ffn/linear_1/bias", f"{LAYER}/attention/linear_2/bias"
    change(folder, {}, [PROJECTION, (bias, same)], without=bias)
    assert FasterWhisper.load(str(folder), Settings(device="cpu"))


def test_heads_that_are_named_again_and_again(folder: Path) -> None:
    """Each takes memory: ten thousand took two gigabytes."""
    file = folder / model_folder.CONFIG
    file.write_text(json.dumps(json.loads(file.read_text()) | {"alignment_heads": [[0, 0]] * 10_000}))
    assert model_folder.CONFIG in refusal(folder)


def test_matrices_of_four_bits(folder: Path) -> None:
    file = folder / model_folder.CONFIG
    file.write_text(json.dumps(json.loads(file.read_text()) | {"quantization_type": 1}))
    assert "quantization_type" in refusal(folder)


@pytest.mark.parametrize("kept", [0, 1, 1177, 1178])
def test_a_vocabulary_that_lacks_the_control_tokens(folder: Path, kept: int) -> None:
    """The library does not find where the text begins, and fails with each recording."""
    file = folder / "vocabulary.json"
    file.write_text(json.dumps(json.loads(file.read_text())[:kept]))
    with pytest.raises(ModelUnavailable, match="another model"):
        model_folder.check(folder, "m")


def grows(kind: str, steps: str, pattern: dict[str, str]) -> dict[str, Any]:
    return {"type": "Sequence", steps: [{"type": kind, "pattern": pattern, "content": "a" * 100}] * 10}


TOKENIZERS: dict[str, dict[str, Any]] = {
    "text that grows": {"normalizer": grows("Replace", "normalizers", {"Regex": "."})},
    "tokens that grow": {"decoder": grows("Replace", "decoders", {"String": "a"})},
    "a regular expression": {
        "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a*)*b"}, "behavior": "Isolated", "invert": False}
    },
    "another model": {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}},
    "no decoder": {"decoder": None},
    "a kind that is no text": {"decoder": {"type": ["ByteLevel"]}},
    "a step that is no table": {"normalizer": 5},
}


@pytest.mark.parametrize("case", TOKENIZERS)
def test_steps_of_a_tokenizer_that_whisper_does_not_have(folder: Path, case: str) -> None:
    file = folder / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | TOKENIZERS[case]))
    assert "not that of a Whisper model" in refusal(folder)


def load(folder: Path) -> FasterWhisper:
    [make] = FasterWhisper.load(str(folder), Settings(device="cpu", threads=1))
    return make()


@pytest.mark.parametrize("key", ["padding", "truncation"])
def test_lengths_that_a_tokenizer_asks_for_are_ignored(folder: Path, key: str) -> None:
    """Padding to a fixed length took 8 GB for one word."""
    padding = {
        "strategy": {"Fixed": 50_000},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 0,
        "pad_type_id": 0,
        "pad_token": "x",
    }
    truncation = {"direction": "Right", "max_length": 0, "strategy": "LongestFirst", "stride": 0}
    file = folder / "tokenizer.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps(document | {key: {"padding": padding, "truncation": truncation}[key]}))
    encoded = load(folder)._whisper.hf_tokenizer.encode("hello there")
    assert 0 < len(encoded.ids) < 20
    assert load(folder).shortened(JobSpec(model="m", initial_prompt="hello")) == ""


def renumber(number: int) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        vocabulary = document["model"]["vocab"]
        vocabulary[next(iter(vocabulary))] = number

    return change


@pytest.mark.parametrize("number", [TOKENS, 1_000_000, 2**32 - 1])
def test_numbers_of_tokens_beyond_the_model(folder: Path, number: int) -> None:
    """There are no more of them than the model has, but they are indices into its memory."""
    file = folder / "tokenizer.json"
    document = json.loads(file.read_text())
    renumber(number)(document)
    file.write_text(json.dumps(document))
    with pytest.raises(ModelUnavailable, match="beyond the model's"):
        model_folder.check(folder, "m")
    with pytest.raises(ModelUnavailable):
        load(folder)
