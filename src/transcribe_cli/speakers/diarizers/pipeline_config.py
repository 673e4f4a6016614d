"""The config.yaml of a pipeline: which networks and which PLDA it needs, and in which repository or folder each is.

pyannote.audio gets local folders only, so it never contacts the hub itself: its own downloads wait through long retries, print to
standard output, and drop tokens that do not start with hf_. The allowed content of config.yaml was read from `Pipeline.from_pretrained`
and `SpeakerDiarization` of pyannote.audio 4.0:
https://github.com/pyannote/pyannote-audio/blob/4.0.7/src/pyannote/audio/core/pipeline.py
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from transcribe_cli.errors import UsageError
from transcribe_cli.spec import DEFAULT_DIARIZER

CONFIG = "config.yaml"
ROLES = ("segmentation", "embedding", "plda")
PIPELINE = "pyannote.audio.pipelines.SpeakerDiarization"
# The same class by its module path, as in older files.
_PIPELINES = (PIPELINE, "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization", "SpeakerDiarization")
_FILES = {"plda": ("xvec_transform.npz", "plda.npz")}
_MODEL_FILES = ("pytorch_model.bin",)
_OWN_FOLDER = "$model/"
# Keys that are ignored: we choose the device, and preprocessors name further code to run.
_IGNORED = ("device", "preprocessors")


@dataclass(frozen=True)
class Part:
    """A network, or the PLDA, of a pipeline.

    Attributes:
        role: `segmentation`, `embedding` or `plda`.
        home: a hub repository, or a local folder or file.
        subfolder: the folder inside `home`, or "".
        revision: of the repository; None is the latest.
    """

    role: str
    home: str
    subfolder: str = ""
    revision: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Its files, relative to `home`."""
        names = _FILES.get(self.role, _MODEL_FILES)
        return tuple(f"{self.subfolder}/{name}" if self.subfolder else name for name in names)

    @property
    def local(self) -> Path | None:
        """Its path, if `home` is on this machine and complete."""
        home = Path(self.home)
        if home.is_file():
            return home
        is_complete = home.is_dir() and all((home / name).is_file() for name in self.files)
        return home / self.subfolder if is_complete else None


def read(path: Path, name: str) -> dict[str, Any]:
    """Read a config.yaml; `name` is the pipeline's name in messages.

    Raises:
        UsageError: it does not describe a pyannote.audio speaker diarization that runs on this machine.
    """
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        kind = str(config["pipeline"]["name"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(f"The {CONFIG} of {name} does not describe a pyannote.audio pipeline.") from error
    if "pyannoteai" in kind.lower():
        raise uploads_audio(name)
    if kind not in _PIPELINES:
        raise UsageError(f"Pipeline {name} is a {kind}, not a {PIPELINE}.")
    return {key: value for key, value in config.items() if key not in _IGNORED}


def uploads_audio(name: str) -> UsageError:
    """The error for a pipeline that runs on other people's servers."""
    return UsageError(f"Pipeline {name} sends the audio to pyannoteAI's servers.", f"Use {DEFAULT_DIARIZER}, which runs locally.")


def parts(config: Mapping[str, Any], home: str) -> Iterator[Part]:
    """The parts of a pipeline; `home` is the repository or folder that its config is from.

    For a part that the config does not name, pyannote.audio's default is used, from the gated community-1 repository. An example is the
    PLDA of speaker-diarization-3.1 (https://github.com/pyannote/pyannote-audio/issues/2044).
    """
    given = config["pipeline"].get("params") or {}
    for role in ROLES:
        yield _part(role, given.get(role) or {"checkpoint": DEFAULT_DIARIZER, "subfolder": role}, home)


def with_local_paths(config: Mapping[str, Any], paths: Mapping[str, Path]) -> dict[str, Any]:
    """The config for `Pipeline.from_pretrained`, with the local path of each part, by role."""
    checkpoints: dict[str, dict[str, Any]] = {role: {"checkpoint": str(path)} for role, path in paths.items()}
    for role in ("segmentation", "embedding"):
        # Checkpoints of 3.x also contain the training loss.
        checkpoints[role]["strict"] = False
    pipeline = {**config["pipeline"], "params": {**(config["pipeline"].get("params") or {}), **checkpoints}}
    return {**config, "pipeline": pipeline}


def embedding_network_id(config: Mapping[str, Any]) -> str:
    """Identifies the embedding network of a config from `with_local_paths`: 16 hex digits of the SHA-256 of its weights.

    It is the same for a pipeline and its copy in a folder, and differs when a model of the same name was trained again.
    """
    path = Path(config["pipeline"]["params"]["embedding"]["checkpoint"])
    with (path if path.is_file() else path / _MODEL_FILES[0]).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()[:16]


def _part(role: str, given: object, home: str) -> Part:
    if isinstance(given, str):
        repository, _, revision = given.partition("@")
        if repository.startswith(_OWN_FOLDER):
            return Part(role, home, repository.removeprefix(_OWN_FOLDER), revision or None)
        return Part(role, repository, "", revision or None) if not Path(given).exists() else Part(role, given)
    if isinstance(given, Mapping) and "checkpoint" in given:
        return Part(role, str(given["checkpoint"]), str(given.get("subfolder") or ""), given.get("revision"))
    raise UsageError(f"The {CONFIG} of {home} has no {role} that can be loaded.")
