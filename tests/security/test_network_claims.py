"""Attacks through what a diarizer's files claim: a few bytes that stand for gigabytes, or for a loop without end.

The attacker publishes a diarizer, or puts one into a folder that the user names with `--diarize-model`. No code is needed: PyTorch, NumPy
and pyannote.audio allocate and count as the file says. Each attack here must be refused before that; in an address space that has no room
for it, what is not refused would fail otherwise.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import resource
import shutil
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.security.model_attacks import Calls, refusal
from tests.speakers.diarizers.checkpoints import write_pipeline
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER
from transcribe_cli.speakers.diarizers.plain_pickle import CallsCode, read_pickle
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer

GB = 10**9


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """Room for a gigabyte more than is in use."""
    from transcribe_cli.speakers.diarizers.loading import import_pyannote

    import_pyannote()
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + GB, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


# Specifications and options


@pytest.mark.parametrize(
    "change",
    [
        {"powerset_max_classes": 10**12},
        {"powerset_max_classes": -1},
        {"powerset_max_classes": float("inf")},
        {"classes": [str(number) for number in range(500)], "powerset_max_classes": 500},
        {"classes": [str(number) for number in range(200_000)], "powerset_max_classes": None},
        {"classes": "x" * 100},
        {"classes": ["x" * 10**6, "y"]},
        {"duration": 1e12},
        {"duration": 1e-9},
        {"duration": float("nan")},
        {"duration": "x"},
        {"min_duration": 1e9},
        {"warm_up": (1e9, 1e9)},
        {"warm_up": (5.0, 5.0)},
        {"warm_up": [0.0] * 1000},
        {"problem": None},
        {"resolution": 1},
    ],
)
def test_specifications_in_range(tmp_path: Path, change: dict[str, Any]) -> None:
    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        own = checkpoint["pyannote.audio"]
        own["specifications"] = replace(own["specifications"], **change)
        return checkpoint

    assert "does not load" in refusal(write_pipeline(tmp_path / "p", plant, "segmentation"))


def test_cached_numbers_of_specifications_are_computed_again(tmp_path: Path) -> None:
    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        vars(checkpoint["pyannote.audio"]["specifications"])["num_powerset_classes"] = 10**12
        return checkpoint

    assert PyannoteDiarizer.load(str(write_pipeline(tmp_path / "p", plant, "segmentation")), device="cpu")


@pytest.mark.parametrize("role", ["segmentation", "embedding"])
@pytest.mark.parametrize(
    "options",
    [
        {"mels": 100_000},
        {"sample_rate": 99_991},
        {"sample_rate": 10**9},
        {"sample_rate": 0},
        {"num_channels": 10**6},
        {"channels": -1},
        {"channels": float("inf")},
        {"channels": 10**400},
    ],
)
def test_options_in_range(tmp_path: Path, role: str, options: dict[str, Any]) -> None:
    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["hyper_parameters"].update(options)
        return checkpoint

    assert "does not load" in refusal(write_pipeline(tmp_path / "p", plant, role))


@pytest.mark.parametrize(
    ("module", "kind", "options"),
    [
        ("segmentation.PyanNet", "PyanNet", {"lstm": {"num_layers": 100_000}}),
        ("segmentation.PyanNet", "PyanNet", {"linear": {"num_layers": 100_000}}),
        ("segmentation.PyanNet", "PyanNet", {"sincnet": {"stride": 0}}),
        ("embedding.wespeaker", "WeSpeakerResNet34", {"frame_shift": 1e-9}),
        ("embedding.wespeaker", "WeSpeakerResNet34", {"num_mel_bins": 90_000}),
    ],
)
def test_options_of_pyannote_s_networks(tmp_path: Path, module: str, kind: str, options: dict[str, Any]) -> None:
    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["pyannote.audio"]["architecture"] = {"module": f"pyannote.audio.models.{module}", "class": kind}
        return checkpoint | {"hyper_parameters": options}

    assert "out of range" in refusal(write_pipeline(tmp_path / "p", plant))


def shared(depth: int) -> dict[str, Any]:
    """2 ** depth dicts for whoever follows each reference."""
    value: dict[str, Any] = {"x": 1}
    for _ in range(depth):
        value = {"a": value, "b": value}
    return value


def endless() -> dict[str, Any]:
    value: dict[str, Any] = {}
    value["a"] = value
    return value


def wide() -> dict[str, Any]:
    return {str(number): number for number in range(100_000)}


def deep_tuple() -> Any:
    """Hashing it takes 2 ** 60 steps."""
    value: Any = ()
    for _ in range(60):
        value = (value, value)
    return value


@pytest.mark.parametrize("make", [lambda: shared(60), lambda: shared(5), endless, wide, lambda: [shared(60)]])
def test_nested_options(tmp_path: Path, make: Callable[[], Any]) -> None:
    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["hyper_parameters"]["mels"] = make()
        return checkpoint

    assert "does not load" in refusal(write_pipeline(tmp_path / "p", plant))


# Pickles


class HeldKey:
    """Pickled as the dict {deep: 1}, which cannot be made here."""

    def __reduce__(self) -> Any:
        return dict, (((deep_tuple(), 1),),)


@pytest.mark.parametrize("where", ["callbacks", "hyper_parameters", "state_dict"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: Calls(bytearray, 6 * GB),
        lambda: Calls(bytearray, 10**15),
        lambda: [Calls(bytearray, GB // 2) for _ in range(20)],
        HeldKey,
        lambda: Calls(set, [deep_tuple()]),
        lambda: 1 << 10**6,
    ],
)
def test_calls_that_allocate_or_count_are_not_made(tmp_path: Path, where: str, make: Callable[[], Any]) -> None:
    """Where the value is used, the network is refused, otherwise it loads without it."""

    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        if where == "hyper_parameters":
            checkpoint[where]["mels"] = make()
        else:
            checkpoint[where] = dict(checkpoint[where]) | {"x": make()}
        return checkpoint

    folder = write_pipeline(tmp_path / "p", plant)
    if where == "callbacks" and not isinstance(make(), int):
        assert PyannoteDiarizer.load(str(folder), device="cpu")
    else:
        assert "does not load" in refusal(folder)


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x05\x96" + struct.pack("<Q", 6 * GB) + b".",  # BYTEARRAY8
        b"\x80\x04\x8e" + struct.pack("<Q", 6 * GB) + b".",  # BINBYTES8
        b"\x80\x04\x8d" + struct.pack("<Q", 2**63) + b".",
        b"\x80\x02B" + struct.pack("<I", 2**32 - 1) + b".",
        b"\x80\x02\x8b" + struct.pack("<i", 2**31 - 1) + b".",  # LONG4
        b"N" * 3 + b"r\xff\xff\xff\x7f",  # a memo with 2 ** 31 places
        b"(" * 10_000 + b"t" * 10_000,
        b"]" + b"a" * 5,
        b"0",
        b"h\x01.",
        b"N",
        b"",
        b"]q\x00h\x00a" + b"N.",
        b"}(K\x01u.",
        b"K\x01K\x02R.",
        b"(lp0\nN}b.",
        b"\x80\x02\x82\x01.",  # extension registry
        b"(S'x'\nios\nsystem\n.",
        b"I" + b"9" * 100_000 + b"\n.",
        b"L" + b"9" * 100_000 + b"L\n.",
        b"V\\ud800\n.",
        b"S'" + b"x" * 100 + b"\n.",
        b"F1e999\n.",
    ],
)
def test_hostile_pickles_are_one_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        read_pickle(data, {"collections.OrderedDict"})


def test_a_pickle_changes_nothing_in_this_process() -> None:
    """The state of an object may name attributes of a class, which Python's own pickle sets."""
    from pyannote.audio.core.task import Specifications

    data = b"cpyannote.audio.core.task\nSpecifications\n(N}X\x01\x00\x00\x00xK\x01stb."
    read_pickle(data, {"pyannote.audio.core.task.Specifications"})
    assert not hasattr(Specifications, "x")
    with pytest.raises(CallsCode):
        read_pickle(data, ())


def test_plain_values_are_read_as_python_reads_them() -> None:
    values = {"a": [1, -(2**40), 2.5, True, None, "é", b"x"], "b": (1, (2, 3), (4, 5, 6), (7, 8, 9, 10)), 3: {"c": {}}}
    for protocol in range(6):
        assert read_pickle(pickle.dumps(values, protocol), {"_codecs.encode"}) == values or protocol < 3


# Tensors


@pytest.mark.parametrize("name", ["embedding.weight", "unused"])
def test_a_tensor_without_strides_is_as_large_as_it_claims(tmp_path: Path, name: str) -> None:
    """One number in the file, 4 TB as a matrix; the network is made to fit."""
    import torch

    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["hyper_parameters"]["dimension"] = 100_000
        checkpoint["state_dict"][name] = torch.zeros(1).expand(100_000, 10_000_000)
        return checkpoint

    assert "larger than the file" in refusal(write_pipeline(tmp_path / "p", plant))


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None) -> None:
    """The archive with changed members."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            if (changed := change(name, data)) is not None:
                archive.writestr(name, changed)
        for name, data in (more or {}).items():
            archive.writestr(name, data)


def test_a_storage_that_claims_more_than_its_member_is_refused(tmp_path: Path) -> None:
    """PyTorch reads beyond its memory."""
    folder = write_pipeline(tmp_path / "p")
    file = folder / "embedding" / "pytorch_model.bin"
    rewritten(file, lambda name, data: data[:4] if "/data/" in name else data)
    assert "another size than it claims" in refusal(folder)


@pytest.mark.parametrize("claim", ["offset", "size", "strides", "negative"])
def test_a_tensor_beyond_its_storage_is_refused(tmp_path: Path, claim: str) -> None:
    """The numbers of shapes are two bytes in the pickle."""
    import torch

    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        given = torch.zeros(7001)
        views = {
            "offset": given.as_strided((1,), (1,), 7000),
            "size": given.as_strided((7001,), (1,), 0),
            "strides": given.as_strided((2,), (7000,), 0),
            "negative": given.as_strided((2,), (7000,), 0),
        }
        return checkpoint | {"state_dict": dict(checkpoint["state_dict"]) | {"unused": views[claim]}}

    folder = write_pipeline(tmp_path / "p", plant)
    assert PyannoteDiarizer.load(str(folder), device="cpu")
    old = {"offset": 7000, "size": 7001, "strides": 7000, "negative": 7000}[claim]
    number = b"J" + struct.pack("<i", -1) if claim == "negative" else b"J" + struct.pack("<i", 2**31 - 1)

    def enlarge(name: str, data: bytes) -> bytes:
        at = data.rindex(b"M" + struct.pack("<H", old)) if name.endswith("data.pkl") else -1
        return data if at < 0 else data[:at] + number + data[at + 3 :]

    rewritten(folder / "embedding" / "pytorch_model.bin", enlarge)
    assert "does not load" in refusal(folder)


# Archives


def test_a_compressed_checkpoint_is_refused(tmp_path: Path) -> None:
    folder = write_pipeline(tmp_path / "p")
    with zipfile.ZipFile(folder / "embedding" / "pytorch_model.bin", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/more", bytes(100))
    assert "compressed" in refusal(folder) or "same name" in refusal(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ["data.pkl", "data/0"])
def test_members_of_the_same_name_are_refused(tmp_path: Path, name: str) -> None:
    folder = write_pipeline(tmp_path / "p")
    file = folder / "embedding" / "pytorch_model.bin"
    root = zipfile.ZipFile(file).namelist()[0].partition("/")[0]
    for prefix in (root, "other", "/", ".."):
        shutil.copy(file, tmp_path / "copy")
        rewritten(file, lambda _, data: data, {f"{prefix}/{name}": b"x"})
        assert "does not load" in refusal(folder)
        shutil.copy(tmp_path / "copy", file)


def test_members_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    """Ten thousand entries of one table for the same bytes."""
    folder = write_pipeline(tmp_path / "p")
    file = folder / "embedding" / "pytorch_model.bin"
    data = file.read_bytes()
    end = data.rindex(b"PK\x06\x06")
    start = data.index(b"PK\x01\x02")
    table = data[start:end]
    count = len(zipfile.ZipFile(file).namelist()) + 10
    largest = max(zipfile.ZipFile(file).infolist(), key=lambda member: member.file_size)
    at = table.index(largest.filename.encode()) - 46
    length = 46 + sum(struct.unpack("<HHH", table[at + 28 : at + 34]))
    entry = table[at : at + length]
    name = largest.filename.encode()
    new = table + b"".join(entry.replace(name, name[:-1] + bytes([letter])) for letter in b"ABCDEFGHIJ")
    file.write_bytes(data[:start] + new + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(new), start, 0))
    assert "share their bytes" in refusal(folder)


def npy(shape: tuple[int, ...], descr: str = "<f8", data: bytes = b"") -> bytes:
    """An array that claims its shape."""
    made = io.BytesIO()
    np.lib.format.write_array_header_1_0(made, {"shape": shape, "fortran_order": False, "descr": descr})
    return made.getvalue() + data


@pytest.mark.parametrize("file", ["plda.npz", "xvec_transform.npz"])
@pytest.mark.parametrize(
    "array",
    [
        npy((10**12,)),
        npy((6 * GB,), "|i1"),
        npy((10**30, 10**30)),
        npy((0, 10**30)),
        npy((1, 1, 1), data=bytes(8)),
        npy((3000, 1), data=bytes(24_000)),
        npy((1,), "|O", bytes(8)),
        npy((1,), f"|S{GB}"),
        npy((1,), "<c16", bytes(16)),
        npy((2,), data=bytes(8)),
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1),
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 9_999 + b"\n",
        b"\x93NUMPY\x09\x00\x10\x00",
        b"",
        b"x",
    ],
)
def test_arrays_of_absurd_shapes_are_refused(tmp_path: Path, file: str, array: bytes) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    first = zipfile.ZipFile(folder / "plda" / file).namelist()[0]
    rewritten(folder / "plda" / file, lambda name, data: array if name == first else data)
    assert "does not load" in refusal(folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_archives_of_arrays(tmp_path: Path) -> None:
    """A member that unpacks to half a gigabyte, one name twice, many members."""
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    file = folder / "plda" / "plda.npz"
    original = file.read_bytes()
    first = zipfile.ZipFile(file).namelist()[0]
    for more in ({"x.npy": npy((64 * 10**6,), data=bytes(64 * 10**6))}, {first: npy((1,), data=bytes(8))}, {first[:-4]: b"x"}):
        file.write_bytes(original)
        with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
            for name, data in more.items():
                archive.writestr(name, data)
        assert "does not load" in refusal(folder)
    file.write_bytes(original)
    rewritten(file, lambda _, data: data, {f"{number}.npy": npy((1,), data=bytes(8)) for number in range(1_000)})
    assert "does not load" in refusal(folder)


# safetensors


@pytest.mark.parametrize(
    "header",
    [
        {"x": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4 * GB]}},
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}},
        {
            "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
            "y": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        },
        {"x": {"dtype": "F32", "shape": [2**32, 2**32, 2**32], "data_offsets": [0, 4]}},
        {"x": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}},
        {"__metadata__": {"network": "[" * 5_000}},
        {"__metadata__": {"network": '{"pyannote.audio": 1e999}'}},
        {"__metadata__": {"network": "5"}},
        {},
        b" " * 5_000_000,
        b"[" * 100_000,
        b"",
    ],
)
def test_headers_of_safetensors(tmp_path: Path, header: Any) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    for size in (len(text), 2**63, 2**40, 0):
        (folder / "embedding.safetensors").write_bytes(struct.pack("<Q", size) + text + bytes(4))
        assert "does not load" in refusal(folder)
    (folder / "embedding.safetensors").write_bytes(b"\x00")
    assert "does not load" in refusal(folder)


# config.yaml


@pytest.mark.parametrize(
    "text",
    [
        "segmentation_step: 0.000000001",
        "segmentation_step: -1",
        "segmentation_step: .nan",
        "segmentation_batch_size: 1000000000",
        "embedding_batch_size: 0",
        "embedding_batch_size: 99999999999999999999",
        "der_variant: {a: {a: {a: {a: {a: {a: {a: {}}}}}}}}",
        "x: 2020-01-01",
        "? [1, 2]\n    : 3",
        "x: !!binary aGFsbG8=",
        "x: !!set {a, b}",
    ],
)
def test_numbers_of_a_config(tmp_path: Path, text: str) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    config = (folder / "config.yaml").read_text()
    key = text.partition(":")[0]
    lines = [line for line in config.splitlines() if key not in line]
    lines.insert(lines.index("  params:") + 1, f"    {text}")
    (folder / "config.yaml").write_text("\n".join(lines))
    assert "does not describe" in refusal(folder)


def test_aliases_of_yaml(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(60))
    (folder / "config.yaml").write_text(laughs + (folder / "config.yaml").read_text())
    assert "does not describe" in refusal(folder)
