"""Attacks through the end of a ZIP file, which says where its list of members is.

The attacker made a checkpoint or a PLDA for a diarizer. They want another error than those that the readers promise, which ends more than
the model.
"""

from __future__ import annotations

import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.speakers.diarizers.checkpoints import write_pipeline
from transcribe_cli.speakers import numpy_file
from transcribe_cli.speakers.diarizers import checkpoint_file
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER

READERS: dict[str, Callable[[Path], object]] = {"checkpoint": checkpoint_file.read, "arrays": numpy_file.check_archive}


@pytest.fixture(params=READERS)
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Callable[[Path], object]]:
    file = tmp_path / "archive"
    if request.param == "checkpoint":
        shutil.copy(write_pipeline(tmp_path / "p") / "embedding" / "pytorch_model.bin", file)
    else:
        shutil.copy(DEMO_FOLDER / "plda" / "plda.npz", file)
    return file, READERS[request.param]


def zip64(start: int, disks: int) -> bytes:
    """The end of an archive with 64 bits, and its locator."""
    end = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, start, start)
    return end + struct.pack("<4sLQL", b"PK\x06\x07", 0, 0, disks)


@pytest.mark.parametrize("damage", ["several disks", "a list far away", "half"])
def test_damaged_ends(archive: tuple[Path, Callable[[Path], object]], damage: str) -> None:
    file, read = archive
    data = file.read_bytes()
    at = data.rindex(b"PK\x05\x06")
    if damage == "several disks":
        data = data[:at] + zip64(0, 7) + data[at:]
    elif damage == "a list far away":
        data = data[:at] + zip64(2**63 - 1, 1) + data[at:]
    else:
        data = data[: len(data) // 2]
    file.write_bytes(data)
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the promise is the type
        read(file)
    assert not isinstance(caught.value, zipfile.BadZipFile)
