"""Attacks through models that somebody else made.

The attacker publishes a diarizer, or puts one into a folder that the user names with `--diarize-model`, or fills the working folder. They
choose every byte of config.yaml, of the checkpoints, of the PLDA and of the hub's repository. They want their code to run, files outside of
the pipeline to be read, or the machine's memory. Each attack here is loaded as the user would load it; `marker` exists if its code ran.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import EXAMPLES, Ran
from tests.security.model_attacks import Calls, refusal
from tests.speakers.diarizers.checkpoints import write_pipeline
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """Exists once the attacker's code ran."""
    return tmp_path / "ran"


# Pickles


def code(marker: Path) -> list[Any]:
    return [
        Calls(os.system, f"touch {marker}"),
        Calls(open, str(marker), "w"),
        Calls(eval, f"open({str(marker)!r}, 'w')"),
        Calls(shutil.copy, __file__, str(marker)),
        Calls(np.save, str(marker), [0]),
    ]


@pytest.mark.parametrize("where", ["whole", "state_dict", "hyper_parameters", "specifications", "callbacks"])
@pytest.mark.parametrize("number", range(5))
def test_a_checkpoint_that_calls_a_function_is_refused(tmp_path: Path, marker: Path, where: str, number: int) -> None:
    attack = code(marker)[number]

    def plant(checkpoint: dict[str, Any]) -> Any:
        if where == "whole":
            return attack
        if where == "specifications":
            checkpoint["pyannote.audio"]["specifications"] = attack
        else:
            checkpoint[where] = {"x": attack}
        return checkpoint

    message = refusal(write_pipeline(tmp_path / "p", plant))
    assert not marker.exists()
    assert "runs code" in message
    assert "--trust-model-code" in message


@pytest.mark.parametrize("role", ["segmentation", "embedding"])
@pytest.mark.parametrize("options", [{"pickle_protocol": 4}, {"_use_new_zipfile_serialization": False}])
def test_in_other_forms_of_a_checkpoint_too(tmp_path: Path, marker: Path, role: str, options: dict[str, Any]) -> None:
    refusal(write_pipeline(tmp_path / "p", lambda checkpoint: Calls(os.system, f"touch {marker}"), role, **options))
    assert not marker.exists()


def test_a_plain_pickle_and_a_script_are_refused(tmp_path: Path, marker: Path) -> None:
    import torch

    folder = write_pipeline(tmp_path / "p")
    file = folder / "embedding" / "pytorch_model.bin"
    file.write_bytes(pickle.dumps(Calls(os.system, f"touch {marker}")))
    refusal(folder)
    torch.jit.script(torch.nn.Linear(1, 1)).save(file)
    refusal(folder)
    assert not marker.exists()


def test_the_environment_cannot_turn_pickles_on(tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guides for other programs tell users to set this."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    refusal(write_pipeline(tmp_path / "p", lambda checkpoint: Calls(os.system, f"touch {marker}")))
    assert not marker.exists()


def test_the_user_can_trust_the_code_of_a_model(tmp_path: Path, marker: Path) -> None:
    """This also proves that the attack works."""

    def plant(checkpoint: dict[str, Any]) -> dict[str, Any]:
        return checkpoint | {"callbacks": {"x": Calls(os.system, f"touch {marker}")}}

    folder = write_pipeline(tmp_path / "p", plant)
    assert PyannoteDiarizer.load(str(folder), device="cpu", trust_code=True)
    assert marker.exists()


def test_the_command_says_so_before_recognition(tmp_path: Path, marker: Path, transcribe: Callable[..., Ran]) -> None:
    """Exit code 4, nothing written; with --trust-model-code the model is loaded."""
    folder = write_pipeline(tmp_path / "p", lambda checkpoint: checkpoint | {"x": Calls(os.system, f"touch {marker}")})
    (tmp_path / "in").mkdir()
    shutil.copy(EXAMPLES / "hearing.wav", tmp_path / "in")
    line = ("run", tmp_path / "in", "--model", "demo", "--diarize", "--diarize-model", folder, "-f", "json")
    refused = transcribe(*line)
    assert refused.code == 4
    assert "--trust-model-code" in refused.err
    assert "Traceback" not in refused.err
    assert [path.name for path in (tmp_path / "in").iterdir()] == ["hearing.wav"]
    doctor = transcribe("doctor", "--diarize-model", folder)
    assert "--trust-model-code" in doctor.out + doctor.err
    assert not marker.exists()
    trusted = transcribe(*line, "--trust-model-code")
    assert trusted.code == 0, trusted.err
    assert marker.exists()
    record = json.loads((tmp_path / "in" / "hearing.json").read_text())["job"]
    assert (record["model_revision"], record["diarizer_revision"]) == (None, None)


# Names of code


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        ("evil", "Network"),
        ("os", "system"),
        ("transcribe_cli.speakers.diarizers.demo_models", "importlib"),
        ("transcribe_cli.speakers.diarizers.demo_models", "Model"),
        ("pyannote.audio.models.segmentation.SSeRiouSS", "SSeRiouSS"),
        ("pyannote.audio.models.segmentation.PyanNet", "PyanNet.__init__"),
        ("pyannote.audio.pipelines.speaker_diarization", "SpeakerDiarization"),
        (["os"], {"a": 1}),
        ("e\x1b[2Jvil", "x" * 10_000),
    ],
)
def test_a_checkpoint_cannot_name_its_class(
    tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch, module: Any, kind: Any
) -> None:
    """`evil` lies in the working folder, as in an archive beside the recordings."""
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Network: pass\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))

    def rename(checkpoint: dict[str, Any]) -> dict[str, Any]:
        checkpoint["pyannote.audio"]["architecture"] = {"module": module, "class": kind}
        return checkpoint

    message = refusal(write_pipeline(tmp_path / "p", rename))
    assert not marker.exists()
    assert "names code to run" in message
    assert "--trust-model-code" in message
    assert "\x1b" not in message
    assert len(message) < 500


def test_lightning_s_keys_that_name_code_are_ignored(tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some versions of Lightning import the module that `_instantiator` names."""
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\ndef make(*given): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def add(checkpoint: dict[str, Any]) -> dict[str, Any]:
        named = {"_instantiator": "evil.make", "_class_path": "evil.make", "task": "evil"}
        checkpoint["hyper_parameters"].update(named)
        return checkpoint | {"hparams_type": "evil.make", "hparams_name": "sample_rate"}

    assert PyannoteDiarizer.load(str(write_pipeline(tmp_path / "p", add)), device="cpu")
    assert not marker.exists()


def test_the_safetensors_format_names_no_class_either(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(DEMO_FOLDER, tmp_path / "p")
    file = tmp_path / "p" / "embedding.safetensors"
    own = {"architecture": {"module": "os", "class": "system"}, "versions": {"pyannote.audio": "4.0.7"}}
    specifications = {"problem": "REPRESENTATION", "resolution": "CHUNK", "duration": 1.0, "warm_up": [0, 0]}
    described = {"pyannote.audio": own | {"specifications": specifications}, "hyper_parameters": {"command": "id"}}
    save_file(load_file(file), file, {"network": json.dumps(described)})
    assert "names code to run" in refusal(tmp_path / "p")


@pytest.mark.parametrize(
    "yaml",
    [
        "pipeline: {name: os.system, params: {command: id}}",
        "pipeline: {name: evil.Pipeline}",
        "pipeline: !!python/object/apply:os.system [id]",
        "!!python/object/new:os.system [id]",
        "pipeline: {name: pyannote.audio.pipelines.VoiceActivityDetection}",
        "pipeline: {name: pyannote.audio.pipelines.SpeakerDiarization, params: [1]}",
        "pipeline: {name: pyannote.audio.pipelines.SpeakerDiarization, params: 5}",
        "pipeline: &a {name: SpeakerDiarization, params: {segmentation: *a}}",
        "&a [*a]",
        "[" * 20_000,
        "{a: " * 2_000,
        "pipeline: {name: SpeakerDiarization, params: {x: " + "9" * 5_000 + "}}",
        "x: " + "y" * 100_000,
        "pipeline: {name: " + "x" * 10_000 + "}",
        "\0",
        "- " * 500,
    ],
)
def test_a_config_cannot_name_code(tmp_path: Path, yaml: str) -> None:
    shutil.copytree(DEMO_FOLDER, tmp_path / "p")
    (tmp_path / "p" / "config.yaml").write_text(yaml)
    assert len(refusal(tmp_path / "p")) < 500


def test_preprocessors_and_unknown_keys_of_a_config_are_ignored(
    tmp_path: Path, marker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "evil.py").write_text(f"open({str(marker)!r}, 'w')\nclass Any:\n    def __init__(*a, **k): pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    more = "".join(f"{key}:\n  x: {{name: evil.Any, params: {{}}}}\n" for key in ("preprocessors", "optimizer", "task", "device"))
    (folder / "config.yaml").write_text((folder / "config.yaml").read_text() + more)
    assert PyannoteDiarizer.load(str(folder), device="cpu")
    assert not marker.exists()


def test_a_plda_holds_no_pickles(tmp_path: Path, marker: Path) -> None:
    folder = Path(shutil.copytree(DEMO_FOLDER, tmp_path / "p"))
    attack = np.empty(1, dtype=object)
    attack[0] = Calls(os.system, f"touch {marker}")
    for file in ("plda.npz", "xvec_transform.npz"):
        whole = dict(np.load(DEMO_FOLDER / "plda" / file))
        np.savez(folder / "plda" / file, **(whole | {next(iter(whole)): attack}))
        assert "does not load" in refusal(folder)
        (folder / "plda" / file).write_bytes(pickle.dumps(Calls(os.system, f"touch {marker}")))
        assert "does not load" in refusal(folder)
        shutil.copy(DEMO_FOLDER / "plda" / file, folder / "plda")
    assert not marker.exists()
