"""Reads a checkpoint of PyTorch: weights and plain values, each of which takes no more memory than it has bytes in the file.

A checkpoint is a ZIP archive with a pickle, `data.pkl`, and a member for each storage, `data/KEY`. A tensor is a view of a storage, by
offset, size and strides, all of which the pickle only claims. `torch.load` believes them: a view with a stride of 0 has any size, and a
storage that claims more than its member has is read beyond it
(https://github.com/pytorch/pytorch/blob/v2.13.0/torch/csrc/jit/python/init.cpp, `get_storage_from_record`).
"""

from __future__ import annotations

import errno
import math
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transcribe_cli.speakers.diarizers.network_numbers import checked_specifications
from transcribe_cli.speakers.diarizers.plain_pickle import Call, External, Name, read_pickle
from transcribe_cli.text.numbers import checked_count

_TENSOR, _PARAMETER = "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_parameter"
_TASK = "pyannote.audio.core.task"
_VERSION = "torch.torch_version.TorchVersion"
# The names of PyTorch's types, by the class of their storage.
_TYPES = {
    "torch.FloatStorage": "float32",
    "torch.DoubleStorage": "float64",
    "torch.HalfStorage": "float16",
    "torch.BFloat16Storage": "bfloat16",
    "torch.LongStorage": "int64",
    "torch.IntStorage": "int32",
    "torch.ShortStorage": "int16",
    "torch.CharStorage": "int8",
    "torch.ByteStorage": "uint8",
    "torch.BoolStorage": "bool",
}
# What a checkpoint may name. The last three lines are values of callbacks and optimizers, which are not used.
_ALLOWED = frozenset(
    {
        *(_TENSOR, _PARAMETER, _VERSION, *_TYPES),
        *(f"{_TASK}.{name}" for name in ("Specifications", "Problem", "Resolution")),
        *("collections.OrderedDict", "collections.Counter", "collections.defaultdict", "_codecs.encode"),
        *(f"builtins.{name}" for name in ("dict", "list", "set", "frozenset", "complex", "bytearray", "int", "float")),
        *("torch.Size", "torch.device", "torch.float16", "torch.float32", "torch.float64", "torch.int64"),
    }
)
_MAX_DIMENSIONS = 8


def read(path: Path) -> dict[str, Any]:
    """Read a network: `state_dict` with tensors, and `pyannote.audio` and `hyper_parameters` with plain values.

    Raises:
        CallsCode: the file names code.
        ValueError: it is damaged, or claims more than it has, or has another format.
    """
    try:
        # It raises BadZipFile for some damaged ends, and seeks to wherever they say.
        if not zipfile.is_zipfile(path):
            raise ValueError(f"{path.name} is damaged, or was not written by PyTorch 1.6 or later")
        with zipfile.ZipFile(path) as archive:
            return _read(_Storages(archive, path))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise ValueError(f"{path.name} is damaged, or not a checkpoint of a network") from error
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path.name} is damaged, or not a checkpoint of a network") from error


class _Storages:
    """The members of a checkpoint."""

    def __init__(self, archive: zipfile.ZipFile, path: Path) -> None:
        members = archive.infolist()
        self._members = {member.filename.partition("/")[2]: member for member in members}
        self._archive = archive
        self._loaded: dict[str, Any] = {}
        self.bytes_left = path.stat().st_size
        if len(self._members) != len(members) or len({member.filename.partition("/")[0] for member in members}) != 1:
            raise ValueError(f"{path.name} has members of the same name")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise ValueError(f"{path.name} has compressed members")
        if sum(member.file_size for member in members) > self.bytes_left:
            raise ValueError(f"{path.name} has members that share their bytes")

    def read(self, name: str) -> bytes:
        return self._archive.read(self._members[name])

    def holds(self, name: str) -> bool:
        return name in self._members

    def load(self, key: str, kind: str, count: int) -> Any:  # noqa: ANN401 - a tensor (count,)
        """The numbers of a storage, once."""
        import torch

        data_type = getattr(torch, _TYPES[kind])
        if key not in self._loaded:
            member = self._members[f"data/{key}"]
            if member.file_size != count * data_type.itemsize:
                raise ValueError("a storage has another size than it claims")
            data = bytearray(self._archive.read(member))
            self._loaded[key] = torch.frombuffer(data, dtype=data_type) if data else torch.empty(0, dtype=data_type)
        storage = self._loaded[key]
        if storage.dtype != data_type or len(storage) != count:
            raise ValueError("a storage is claimed twice")
        return storage


def _read(storages: _Storages) -> dict[str, Any]:
    if storages.holds("byteorder") and storages.read("byteorder") != b"little":
        raise ValueError("the checkpoint was written by a big-endian machine")
    given = read_pickle(storages.read("data.pkl"), _ALLOWED)
    own, weights = given["pyannote.audio"], given["state_dict"]
    return {
        "pyannote.audio": {**own, "specifications": _specifications(own["specifications"])},
        "hyper_parameters": given["hyper_parameters"],
        "state_dict": {str(name): _tensor(value, storages) for name, value in weights.items()},
    }


def _specifications(given: Any) -> Any:  # noqa: ANN401 - from what the pickle holds to pyannote.audio's Specifications
    from pyannote.audio.core.task import Problem, Resolution

    if not isinstance(given, Call) or given.name != f"{_TASK}.Specifications" or not isinstance(given.state, Mapping):
        raise ValueError("it has no specifications")
    enums = {f"{_TASK}.Problem": Problem, f"{_TASK}.Resolution": Resolution}
    values = {
        name: enums[value.name](*value.arguments) if isinstance(value, Call) and value.name in enums else value
        for name, value in given.state.items()
    }
    return checked_specifications(values)


def _tensor(given: Any, storages: _Storages) -> Any:  # noqa: ANN401 - from what the pickle holds to a tensor
    if isinstance(given, Call) and given.name == _PARAMETER:
        given = given.arguments[0]
    if not isinstance(given, Call) or given.name != _TENSOR or not isinstance(given.arguments[0], External):
        raise ValueError("it has weights that are no tensors")
    kind, storage_type, key, _, count = given.arguments[0].key
    if kind != "storage" or not isinstance(storage_type, Name):
        raise ValueError("it has weights that are no tensors")
    storage = storages.load(str(key), storage_type.name, checked_count(count))
    offset, shape, strides = checked_count(given.arguments[1]), _counts(given.arguments[2]), _counts(given.arguments[3])
    if len(shape) != len(strides):
        raise ValueError("a tensor has another number of strides than of dimensions")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if math.prod(shape) and last >= len(storage):
        raise ValueError("a tensor is larger than its storage")
    storages.bytes_left -= math.prod(shape) * storage.dtype.itemsize
    if storages.bytes_left < 0:
        raise ValueError("the weights are larger than the file")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return storage.as_strided(shape, strides, offset) if math.prod(shape) else storage.new_empty(shape)


def _counts(given: Any) -> tuple[int, ...]:  # noqa: ANN401
    if isinstance(given, Call) and given.name == "torch.Size":
        given = given.arguments[0]
    if not isinstance(given, tuple | list) or len(given) > _MAX_DIMENSIONS:
        raise ValueError("a tensor has no shape")
    return tuple(checked_count(size) for size in given)
