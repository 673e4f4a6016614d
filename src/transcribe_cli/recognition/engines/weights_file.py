"""Checks a model.bin of CTranslate2 before the library reads it.

The file is a list of variables, each with its name, shape, type, number of bytes, and bytes. The library allocates by shape and type, and
then reads as many bytes as the file says, so that a file in which they differ writes beyond the allocated memory; and it computes with
the numbers of heads and the sizes of matrices unchecked. The format is in `Model::load`:
https://github.com/OpenNMT/CTranslate2/blob/v4.8.0/src/models/model.cc
"""

from __future__ import annotations

import math
import os
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from transcribe_cli.text.regular_files import open_regular_file

_VERSIONS = range(4, 7)
_REVISION = 3
# Beyond, the number is part of something else.
_MAX_VERSION = 99
_SPEC = b"WhisperSpec"
# Bytes of a number, by CTranslate2's number of the type: float32, int8, int16, int32, float16, bfloat16.
_ITEM_BYTES = (4, 1, 2, 4, 2, 2)
_INTEGERS = {1: "<b", 2: "<h", 3: "<i"}
# large-v3 has 1,500 variables with four dimensions at most.
_MAX_VARIABLES = 20_000
_MAX_NAME_BYTES = 1_000
_MAX_HEADS = 128
_HEADS = ("encoder/num_heads", "decoder/num_heads")
_EMBEDDINGS = "decoder/embeddings/weight"
_LAYER = re.compile(r"(encoder|decoder)/layer_(\d+)/")


@dataclass(frozen=True)
class Architecture:
    """Sizes of a Whisper model.

    Attributes:
        tokens: in its vocabulary.
        mels: bands of its features.
        layers: of its decoder.
        heads: of each attention in the decoder.
        aligns: whether the model's configuration names the heads whose attention follows the audio. They give word times.
    """

    tokens: int
    mels: int
    layers: int
    heads: int
    aligns: bool = False


@dataclass(frozen=True)
class _Variable:
    shape: tuple[int, ...]
    value: int | None


def read_architecture(path: Path) -> Architecture:
    """Check a file, without reading its weights.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no Whisper model of CTranslate2, or claims sizes that do not match. The message is a predicate.
    """
    with open_regular_file(path) as file:
        reader = _Reader(file)
        if not reader.size:
            raise ValueError("is empty")
        version = reader.number("<I")
        if version < _VERSIONS.start or version > _MAX_VERSION or reader.text() != _SPEC.decode():
            raise ValueError("is not a Whisper model of CTranslate2")
        revision = reader.number("<I")
        if version not in _VERSIONS or revision > _REVISION:
            found = f"{version}.{revision}"
            raise ValueError(
                f"has the format {found}, newer than this CTranslate2 reads: pip install -U ctranslate2 faster-whisper"
            )
        count = reader.number("<I")
        if count > _MAX_VARIABLES:
            raise ValueError("has more variables than a Whisper model")
        variables: dict[str, _Variable] = {}
        for _ in range(count):
            name = reader.text()
            if name in variables:
                raise ValueError("has a variable twice")
            variables[name] = reader.variable()
        for _ in range(min(reader.number("<I"), _MAX_VARIABLES)):
            reader.text(), reader.text()  # an alias and its variable
    return _architecture(variables)


class _Reader:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def number(self, kind: str) -> int:
        data = self._file.read(struct.calcsize(kind))
        if len(data) != struct.calcsize(kind):
            raise ValueError(f"is incomplete: it ends after {self.size:,} bytes")
        value: int = struct.unpack(kind, data)[0]
        return value

    def text(self) -> str:
        length = self.number("<H")
        if not 0 < length <= _MAX_NAME_BYTES:
            raise ValueError("has a name that is too long")
        data = self._file.read(length)
        if len(data) != length:
            raise ValueError(f"is incomplete: it ends after {self.size:,} bytes")
        return data.rstrip(b"\0").decode("utf-8", "replace")

    def variable(self) -> _Variable:
        rank = self.number("<B")
        shape = tuple(self.number("<I") for _ in range(rank))
        kind, size = self.number("<B"), self.number("<I")
        if kind >= len(_ITEM_BYTES) or math.prod(shape) * _ITEM_BYTES[kind] != size or not size:
            raise ValueError("has a variable whose size does not match its shape")
        if rank == 0 and kind in _INTEGERS:
            return _Variable(shape, self.number(_INTEGERS[kind]))
        if self._file.seek(size, os.SEEK_CUR) > self.size:
            raise ValueError(f"is incomplete: it ends after {self.size:,} bytes")
        return _Variable(shape, None)


def _architecture(variables: dict[str, _Variable]) -> Architecture:
    try:
        tokens, width = variables[_EMBEDDINGS].shape
        filters = [variables[f"encoder/{name}/weight"].shape[:2] for name in ("conv1", "conv2")]
        mels = filters[0][1]
        encoder_heads, heads = (variables[name].value for name in _HEADS)
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError("lacks variables of a Whisper model") from error
    for count in (encoder_heads, heads):
        if count is None or not 1 <= count <= _MAX_HEADS or width % count:
            raise ValueError("has a number of heads that does not divide its width")
    _check_matrices(variables, width)
    if filters != [(width, mels), (width, width)]:
        raise ValueError("has filters of another width")
    layers = {int(found[2]) for name in variables if (found := _LAYER.match(name)) and found[1] == "decoder"}
    if layers != set(range(len(layers))):
        raise ValueError("lacks a layer")
    return Architecture(tokens, mels, len(layers), heads or 0)


def _check_matrices(variables: dict[str, _Variable], width: int) -> None:
    """Check that the matrices of each layer follow on each other, and that each has as many biases and scales as rows."""
    for name, variable in variables.items():
        part, _, kind = name.rpartition("/")
        shape = variable.shape
        if kind in ("bias", "weight_scale") and shape and f"{part}/weight" in variables:
            if math.prod(shape) != variables[f"{part}/weight"].shape[0]:
                raise ValueError(f"has another number of values in {name} than rows")
        elif kind in ("gamma", "beta", "encodings"):
            if shape[-1:] != (width,):
                raise ValueError(f"has another width in {name}")
        elif kind == "weight" and "/layer_" in name and len(shape) == 2:
            expected = _shape(variables, part, width)
            if expected is not None and shape != expected:
                raise ValueError(f"has another shape in {name} than a Whisper model")


def _shape(variables: dict[str, _Variable], part: str, width: int) -> tuple[int, int] | None:
    """The shape of a matrix of a layer; None if it is free."""
    block, _, matrix = part.rpartition("/")
    if block.endswith("/self_attention"):
        return {"linear_0": (3 * width, width), "linear_1": (width, width)}.get(matrix)
    if block.endswith("/attention"):
        return {"linear_0": (width, width), "linear_1": (2 * width, width), "linear_2": (width, width)}.get(matrix)
    inner = variables[f"{block}/linear_0/weight"].shape[0] if f"{block}/linear_0/weight" in variables else 0
    return {"linear_0": (inner, width), "linear_1": (width, inner)}.get(matrix)
