"""What a pipeline is made of: the networks and the PLDA that its config.yaml names, and in which repository or folder each lies.

Fetched or found one by one, they are handed to pyannote.audio as local folders only, so that it never talks to the hub itself: its own
downloads wait through long retries, print to standard output, and drop tokens that do not begin with hf_. What config.yaml may say is
read from `Pipeline.from_pretrained` and `SpeakerDiarization` of pyannote.audio 4.0:
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
# The same class under its module, as older files have it.
_PIPELINES = (PIPELINE, "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization", "SpeakerDiarization")
_FILES = {"plda": ("xvec_transform.npz", "plda.npz")}
_MODEL_FILES = ("pytorch_model.bin",)
_OWN = "$model/"
# What config.yaml may say that is ours to decide, or that names further code.
_DROPPED = ("device", "preprocessors")


@dataclass(frozen=True)
class Part:
    """A network, or the PLDA.

    Attributes:
        role: `segmentation`, `embedding` or `plda`.
        home: a hub repository, or a local folder or file.
        subfolder: where in it, or "".
        revision: of the repository; None for the newest.
    """

    role: str
    home: str
    subfolder: str = ""
    revision: str | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """Its files, from the top of its home."""
        names = _FILES.get(self.role, _MODEL_FILES)
        return tuple(f"{self.subfolder}/{name}" if self.subfolder else name for name in names)

    @property
    def local(self) -> Path | None:
        """Where it is, when its home is on this machine and has it."""
        home = Path(self.home)
        if home.is_file():
            return home
        here = home.is_dir() and all((home / name).is_file() for name in self.files)
        return home / self.subfolder if here else None


def read(path: Path, name: str) -> dict[str, Any]:
    """Read a config.yaml; `name` is the pipeline's in messages.

    Raises:
        UsageError: it is not the recipe of a pyannote.audio speaker diarization that runs on this machine.
    """
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
        kind = str(config["pipeline"]["name"])
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise UsageError(f"The {CONFIG} of {name} is not that of a pyannote.audio pipeline.") from error
    if "pyannoteai" in kind.lower():
        raise UsageError(
            f"Pipeline {name} sends the audio to pyannoteAI's servers.", f"Take {DEFAULT_DIARIZER}, which runs here."
        )
    if kind not in _PIPELINES:
        raise UsageError(f"Pipeline {name} is a {kind}, not {PIPELINE}.")
    return {key: value for key, value in config.items() if key not in _DROPPED}


def parts(config: Mapping[str, Any], home: str) -> Iterator[Part]:
    """The parts that a recipe names; `home` is the repository or folder that it came from.

    A part that it does not name is pyannote.audio's default, from the gated community-1 repository: the PLDA of
    speaker-diarization-3.1, for one (https://github.com/pyannote/pyannote-audio/issues/2044).
    """
    given = config["pipeline"].get("params") or {}
    for role in ROLES:
        yield _part(role, given.get(role) or {"checkpoint": DEFAULT_DIARIZER, "subfolder": role}, home)


def localized(config: Mapping[str, Any], places: Mapping[str, Path]) -> dict[str, Any]:
    """The recipe with each part at its place on this machine, by role, as `Pipeline.from_pretrained` takes it."""
    found: dict[str, dict[str, Any]] = {role: {"checkpoint": str(place)} for role, place in places.items()}
    for role in ("segmentation", "embedding"):
        # Checkpoints of 3.x hold the training loss, too.
        found[role]["strict"] = False
    pipeline = {**config["pipeline"], "params": {**(config["pipeline"].get("params") or {}), **found}}
    return {**config, "pipeline": pipeline}


def embedded_by(config: Mapping[str, Any]) -> str:
    """Which network makes the embeddings of a recipe that `localized` made: 16 hex digits of the SHA-256 of its weights.

    The same for a pipeline and its copy in a folder, another one when a model of the same name was trained again.
    """
    place = Path(config["pipeline"]["params"]["embedding"]["checkpoint"])
    with (place if place.is_file() else place / _MODEL_FILES[0]).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()[:16]


def _part(role: str, given: object, home: str) -> Part:
    if isinstance(given, str):
        where, _, revision = given.partition("@")
        if where.startswith(_OWN):
            return Part(role, home, where.removeprefix(_OWN), revision or None)
        return Part(role, where, "", revision or None) if not Path(given).exists() else Part(role, given)
    if isinstance(given, Mapping) and "checkpoint" in given:
        return Part(role, str(given["checkpoint"]), str(given.get("subfolder") or ""), given.get("revision"))
    raise UsageError(f"The {CONFIG} of {home} names no {role} that can be loaded.")
