"""Checks a model.bin of CTranslate2 before the library reads it.

The file is a list of variables, each with its name, shape, type, number of bytes, and bytes. The library allocates by shape and type, and
then reads as many bytes as the file says, so that a file in which they differ writes beyond the allocated memory; and it computes with
all numbers and sizes unchecked; `whisper_variables` checks these. The format is in `Model::load`:
https://github.com/OpenNMT/CTranslate2/blob/v4.8.0/src/models/model.cc
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from transcribe_cli.recognition.engines.whisper_variables import Architecture, Variable, architecture_of
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
        variables: dict[str, Variable] = {}
        for _ in range(count):
            _add(variables, reader.text(), reader.variable())
        if (count := reader.number("<I")) > _MAX_VARIABLES:
            raise ValueError("has more variables than a Whisper model")
        aliases = [(reader.text(), reader.text()) for _ in range(count)]
    return architecture_of(_with_aliases(variables, aliases))


def _add(variables: dict[str, Variable], name: str, variable: Variable) -> None:
    if name in variables:
        raise ValueError("has a variable twice")
    variables[name] = variable


def _with_aliases(variables: Mapping[str, Variable], aliases: Sequence[tuple[str, str]]) -> dict[str, Variable]:
    """The variables under all their names. With a matrix, the library also renames its scales."""
    named = dict(variables)
    for alias, name in aliases:
        if name not in variables:
            raise ValueError("lacks variables of a Whisper model")
        _add(named, alias, variables[name])
    for alias, name in aliases:
        scale = variables.get(f"{name}_scale")
        if scale is not None and named.setdefault(f"{alias}_scale", scale) is not scale:
            raise ValueError("has a variable twice")
    return named


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
        # The library drops the last byte, whatever it is.
        if not data.endswith(b"\0") or not data[:-1].isascii() or b"\0" in data[:-1]:
            raise ValueError("has a name that no Whisper model has")
        return data[:-1].decode("ascii")

    def variable(self) -> Variable:
        rank = self.number("<B")
        shape = tuple(self.number("<I") for _ in range(rank))
        kind, size = self.number("<B"), self.number("<I")
        if kind >= len(_ITEM_BYTES) or math.prod(shape) * _ITEM_BYTES[kind] != size or not size:
            raise ValueError("has a variable whose size does not match its shape")
        if rank == 0 and kind in _INTEGERS:
            return Variable(shape, kind, self.number(_INTEGERS[kind]))
        if self._file.seek(size, os.SEEK_CUR) > self.size:
            raise ValueError(f"is incomplete: it ends after {self.size:,} bytes")
        return Variable(shape, kind)
