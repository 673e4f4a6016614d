"""Reads NumPy's files of numbers. NumPy itself allocates what a header claims before it looks whether the file has it.

The format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import zipfile
import zlib
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

# Unpacked. The files of pyannote's own PLDA have 0.5 MB.
_MAX_ARCHIVE_BYTES = 32_000_000
_MAX_ARRAYS = 100
# Calculations with a matrix take a time that grows with the third power of this.
_MAX_LENGTH = 2_048


def read_floats(file: IO[bytes], size: int) -> NDArray[np.floating]:
    """Read an array.

    Args:
        file: at the start of the array.
        size: bytes of the array and its header.

    Raises:
        ValueError: it is no array of floating-point numbers, or has another size than its header claims.
    """
    start = file.tell()
    try:
        version = np.lib.format.read_magic(file)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, is_fortran, data_type = header(file)
    except (
        Exception
    ) as error:  # the header is Python; besides ValueError, its tokenizer, parser and types have errors of their own
        raise ValueError("it is no NumPy array") from error
    if data_type.kind != "f" or min(shape, default=0) < 0:
        raise ValueError("it holds something else than numbers")
    length = size - (file.tell() - start)
    if math.prod(shape) * data_type.itemsize != length:
        raise ValueError("it has another size than its header claims")
    data = file.read(length)
    if len(data) != length:
        raise ValueError("it is shorter than its header claims")
    return np.frombuffer(data, data_type).reshape(shape, order="F" if is_fortran else "C")


def check_archive(path: Path) -> None:
    """Check that an .npz file holds a few arrays of floating-point numbers, and nothing else.

    Raises:
        ValueError: it does not.
    """
    try:
        # It raises BadZipFile for some damaged ends.
        if not zipfile.is_zipfile(path):
            raise ValueError("it is no ZIP file")  # noqa: TRY301 - one message for all
        with zipfile.ZipFile(path) as archive:
            _check_members(archive)
    except (ValueError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(f"{path.name} is damaged or no archive of numbers: {error}") from error


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = {member.filename.removesuffix(".npy") for member in members}
    if len(names) != len(members) or len(members) > _MAX_ARRAYS:
        raise ValueError("it has several arrays of the same name, or too many")
    if sum(member.file_size for member in members) > _MAX_ARCHIVE_BYTES:
        raise ValueError(f"it unpacks to more than {_MAX_ARCHIVE_BYTES // 1_000_000} MB")
    for member in members:
        with archive.open(member) as file:
            shape = read_floats(file, member.file_size).shape
        if len(shape) > 2 or max(shape, default=0) > _MAX_LENGTH:
            raise ValueError(f"it has an array that is no matrix of at most {_MAX_LENGTH} rows and columns")
