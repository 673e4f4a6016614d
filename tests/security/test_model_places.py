"""Attacks through where models are found: paths in config.yaml, folders in the working folder, the hub, and the size of files.

The attacker publishes a diarizer, or puts one into a folder that the user names with `--diarize-model`, or fills the working folder. They
want files outside of the pipeline to be read, another model to be loaded than the named one, or the machine's memory.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.security.model_attacks import Calls, refusal
from tests.speakers.diarizers.checkpoints import checkpoint_of, write_pipeline
from tests.speakers.diarizers.fake_hub import GOOD_TOKEN, FakeHub, Repository, fake_hub
from transcribe_cli.errors import ModelUnavailable, UsageError
from transcribe_cli.speakers.diarizers import networks, pipeline_config, pipeline_files
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import DEFAULT_DIARIZER


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Exists once the attacker's code ran."""
    return tmp_path / "ran"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    with fake_hub(monkeypatch) as fake:
        yield fake


# Paths


@pytest.mark.parametrize(
    "given",
    [
        "$model/../other/embedding",
        "$model//etc",
        "$model/a/../../b",
        "{checkpoint: acme/net, subfolder: ../../../secret}",
        "{checkpoint: acme/net, subfolder: /etc}",
        "acme/net@../../../../../tmp",
        "{checkpoint: acme/net, revision: ../../../../../tmp}",
        "{checkpoint: acme/net, revision: /tmp}",
        "{checkpoint: acme/net, revision: [1]}",
        "acme/../../net",
        "../net",
        "acme/..",
    ],
)
def test_a_config_of_the_hub_stays_in_its_repository(hub: FakeHub, tmp_path: Path, given: str) -> None:
    config = f"pipeline: {{name: SpeakerDiarization, params: {{embedding: '{given}'}}}}"
    if given.startswith("{"):
        config = config.replace("'", "")
    hub.repositories["acme/pipeline"] = Repository({"config.yaml": config.encode()}, gated=False)
    with pytest.raises(UsageError, match="names") as caught:
        pipeline_files.check("acme/pipeline", token=GOOD_TOKEN, model_dir=tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["{folder}", "{{checkpoint: {folder}}}", "acme/net"])
def test_a_config_of_the_hub_names_no_files_of_this_machine(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "acme" / "net"))
    monkeypatch.chdir(tmp_path)
    config = f"pipeline: {{name: SpeakerDiarization, params: {{embedding: {form.format(folder=folder)}}}}}"
    hub.repositories["acme/pipeline"] = Repository({"config.yaml": config.encode()}, gated=False)
    with pytest.raises((UsageError, ModelUnavailable)) as caught:
        pipeline_files.check("acme/pipeline", token=GOOD_TOKEN, model_dir=tmp_path / "cache")
    assert "no hub repository" in str(caught.value) or "has no repository acme/net" in str(caught.value)


def test_a_local_config_stays_in_its_folder(tmp_path: Path) -> None:
    shutil.copytree(DEMO_FOLDER, tmp_path / "other")
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(config.replace("$model/embedding", "$model/../other/embedding"))
    assert "outside of it" in refusal(folder)


def test_a_folder_in_the_working_folder_does_not_replace_a_known_model(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cd tree; transcribe run . --diarize`, and the tree brings the folders `pyannote/…` and `turbo`."""
    from transcribe_cli.recognition.engines import models

    shutil.copytree(DEMO_FOLDER, tmp_path / DEFAULT_DIARIZER)
    for name in ("turbo", "Systran/faster-whisper-tiny"):
        shutil.copytree(models.DEMO_FOLDER, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelUnavailable, match="not on this machine"):
        pipeline_files.check(DEFAULT_DIARIZER, model_dir=tmp_path / "cache", offline=True)
    for name in ("turbo", "Systran/faster-whisper-tiny"):
        with pytest.raises(ModelUnavailable, match="not on this machine"):
            models.locate(name, tmp_path / "cache", offline=True)
    assert models.locate("./turbo") == Path("turbo")


@pytest.mark.parametrize("name", ["config.yaml", "embedding.safetensors", "plda/plda.npz"])
@pytest.mark.parametrize("kind", ["fifo", "endless", "folder", "loop"])
def test_what_is_no_regular_file_is_not_read(tmp_path: Path, name: str, kind: str) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    file = folder / name
    file.unlink()
    if kind == "fifo":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if kind == "endless" else file)
    assert f"{file.name} is missing" in refusal(folder)


# Size


def test_a_file_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is lowered here. Both formats of NumPy and PyTorch are ZIP archives."""
    monkeypatch.setattr(networks, "MAX_BYTES", 5_000_000)
    for number, name in enumerate(("plda/plda.npz", "embedding/pytorch_model.bin")):
        folder = write_pipeline(tmp_path / str(number))
        with zipfile.ZipFile(folder / name, "a", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("more", bytes(6_000_000))
        assert (folder / name).stat().st_size < 1_000_000
        assert "does not load" in refusal(folder)


@pytest.mark.parametrize(
    "options",
    [
        {"channels": 10**7},
        {"channels": 99_999},
        {"dimension": 10**12},
        {"mels": -5},
        {"channels": float("nan")},
        {"channels": "x"},
    ],
)
def test_a_network_larger_than_its_weights_is_refused(tmp_path: Path, options: dict[str, Any]) -> None:
    """Before its memory is allocated: with 99,999 channels, 120 GB."""

    def grow(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["hyper_parameters"].update(options)
        return checkpoint

    assert "does not load" in refusal(write_pipeline(tmp_path / "p", grow))


def test_more_classes_than_the_weights_have_are_refused(tmp_path: Path) -> None:
    """They decide the size of the last layer."""

    def grow(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["pyannote.audio"]["specifications"].classes = [str(number) for number in range(50_000)]
        return checkpoint

    assert "more sets of classes" in refusal(write_pipeline(tmp_path / "p", grow, "segmentation"))


def test_a_network_without_weights_is_refused(tmp_path: Path) -> None:
    def drop(checkpoint: dict[str, Any]) -> dict[str, Any]:
        return checkpoint | {"state_dict": dict(list(checkpoint["state_dict"].items())[1:])}

    assert "no weights for" in refusal(write_pipeline(tmp_path / "p", drop))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *[(key, value) for key in ("pyannote.audio", "state_dict") for value in (None, 5, "x", [], {}, {"x": {}}, {1: 2})],
        *[("hyper_parameters", value) for value in (None, 5, "x", [], {"mels": {}}, {"mels": None})],
    ],
)
def test_a_checkpoint_of_wrong_types_is_one_line(tmp_path: Path, key: str, value: object) -> None:
    assert "does not load" in refusal(write_pipeline(tmp_path / "p", lambda checkpoint: checkpoint | {key: value}))


# The hub


def pickled(files: Path) -> dict[str, bytes]:
    return {str(path.relative_to(files)): path.read_bytes() for path in files.rglob("*") if path.is_file()}


def test_a_repository_that_brings_code_is_refused(hub: FakeHub, tmp_path: Path, marker: Path) -> None:
    folder = write_pipeline(tmp_path / "p", lambda checkpoint: Calls(os.system, f"touch {marker}"))
    hub.repositories["acme/pipeline"] = Repository(pickled(folder), gated=False)
    assert "--trust-model-code" in refusal("acme/pipeline", token=GOOD_TOKEN, model_dir=tmp_path / "cache")
    assert not marker.exists()


def test_a_part_in_another_repository_is_refused_too(hub: FakeHub, tmp_path: Path, marker: Path) -> None:
    """A pipeline that looks harmless, with a network of the attacker's."""
    folder = write_pipeline(tmp_path / "p", lambda checkpoint: Calls(os.system, f"touch {marker}"))
    hub.repositories["evil/net"] = Repository(
        {"pytorch_model.bin": (folder / "embedding" / "pytorch_model.bin").read_bytes()}, gated=False
    )
    config = (DEMO_FOLDER / "config.yaml").read_text().replace("$model/embedding.safetensors", "evil/net")
    files = hub.repositories[DEFAULT_DIARIZER].files | {"config.yaml": config.encode()}
    hub.repositories["acme/pipeline"] = Repository(files, gated=False)
    assert "--trust-model-code" in refusal("acme/pipeline", token=GOOD_TOKEN, model_dir=tmp_path / "cache")
    assert not marker.exists()


def test_published_checkpoints_load_without_trust(hub: FakeHub, tmp_path: Path) -> None:
    """Checkpoints with the classes that pyannote.audio's own hold."""
    hub.repositories[DEFAULT_DIARIZER].files = pickled(write_pipeline(tmp_path / "p"))
    assert PyannoteDiarizer.load(DEFAULT_DIARIZER, device="cpu", token=GOOD_TOKEN, model_dir=tmp_path / "cache")


def test_all_files_of_a_pipeline_are_of_one_commit(hub: FakeHub, tmp_path: Path) -> None:
    """The repository changes between two files: the ones that were looked at, and the ones that are loaded."""
    hub.repositories[DEFAULT_DIARIZER].moves_on = True
    located = pipeline_files.locate(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert located.revision == "0" * 40
    assert all("0" * 40 in str(path) for path in located.paths.values())
    assert located.paths["embedding"].read_bytes() == (DEMO_FOLDER / "embedding.safetensors").read_bytes()


def test_the_bundled_diarizer_holds_no_pickle() -> None:
    for path in DEMO_FOLDER.rglob("*"):
        if path.suffix == ".npz":
            assert all(array.dtype.kind == "f" for array in np.load(path, allow_pickle=False).values())
        elif path.is_file():
            assert path.name == "config.yaml" or path.suffix == ".safetensors"


def test_the_networks_that_may_be_created_exist() -> None:
    import importlib

    checkpoint_of("embedding")
    for module, kinds in networks.ARCHITECTURES.items():
        assert all(hasattr(importlib.import_module(module), kind) for kind in kinds)
    assert pipeline_config.is_revision("refs/pr/7")
