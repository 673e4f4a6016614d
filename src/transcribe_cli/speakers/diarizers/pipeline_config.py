"""The config.yaml of a pipeline: which networks and which PLDA it needs, and in which repository or folder each is.

pyannote.audio gets local files only, so it never contacts the hub itself: its own downloads wait through long retries, print to
standard output, and drop tokens that do not start with hf_. A config is a claim of whoever wrote it: it chooses among known classes, its
paths stay inside its folder or repository, and one from the hub names no files of this machine. The allowed content was read from
`Pipeline.from_pretrained` and `SpeakerDiarization` of pyannote.audio 4.0:
https://github.com/pyannote/pyannote-audio/blob/4.0.7/src/pyannote/audio/core/pipeline.py
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from transcribe_cli.errors import UsageError
from transcribe_cli.speakers.diarizers import safetensors_file
from transcribe_cli.speakers.diarizers.network_numbers import checked_options
from transcribe_cli.spec import DEFAULT_DIARIZER
from transcribe_cli.text.printable import printable

CONFIG = "config.yaml"
ROLES = ("segmentation", "embedding", "plda")
PIPELINE = "pyannote.audio.pipelines.SpeakerDiarization"
PLDA_FILES = ("xvec_transform.npz", "plda.npz")
# The same class by its module path, as in older files.
_PIPELINES = (PIPELINE, "pyannote.audio.pipelines.speaker_diarization.SpeakerDiarization", "SpeakerDiarization")
_MODEL_FILES = ("pytorch_model.bin",)
_OWN_FOLDER = "$model/"
# The keys that are used. Of the others, `device` is ours to choose, and `preprocessors` names further code to run.
_KEYS = ("version", "dependencies", "pipeline", "freeze", "params")
# A real one has 1 kB.
_MAX_BYTES = 65_536
# The demo embedding was a pickle of these weights before. Voices that were enrolled with it remain valid.
_SAME_NETWORK = {"3466aaa7609eaef7": "3cf86c0283d2ee25"}
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_REVISION = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*")


@dataclass(frozen=True)
class Home:
    """Where a config.yaml is from, and where its parts are unless it names others.

    Attributes:
        place: a hub repository or a local folder.
        revision: of the repository; None is the latest.
        is_local: whether it is a folder.
    """

    place: str
    revision: str | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Part:
    """A network, or the PLDA, of a pipeline.

    Attributes:
        role: `segmentation`, `embedding` or `plda`.
        home: a hub repository, or a local folder or file.
        subfolder: the folder inside `home`, or a file of weights inside it, or "".
        revision: of the repository; None is the latest.
        is_local: whether `home` is on this machine.
    """

    role: str
    home: str
    subfolder: str = ""
    revision: str | None = None
    is_local: bool = False

    @property
    def files(self) -> tuple[str, ...]:
        """Its files, relative to `home`. A network is one file, the PLDA is two."""
        if self.subfolder.endswith(safetensors_file.SUFFIX):
            return (self.subfolder,)
        names = PLDA_FILES if self.role == "plda" else _MODEL_FILES
        return tuple(f"{self.subfolder}/{name}" if self.subfolder else name for name in names)

    @property
    def local(self) -> Path | None:
        """Its first file, if `home` is on this machine and complete."""
        home = Path(self.home)
        if not self.is_local:
            return None
        if home.is_file() and self.role != "plda":
            return home
        return home / self.files[0] if all((home / name).is_file() for name in self.files) else None


@dataclass(frozen=True)
class Located:
    """A pipeline on this machine.

    Attributes:
        config: the used keys of its config.yaml.
        paths: the first file of each part, by role.
        revision: the commits of the hub's repositories that it is from, for provenance; None for a local folder.
    """

    config: Mapping[str, Any]
    paths: Mapping[str, Path]
    revision: str | None = None


def read(path: Path, name: str) -> dict[str, Any]:
    """Read a config.yaml; `name` is the pipeline's name in messages.

    Raises:
        UsageError: it does not describe a pyannote.audio speaker diarization that runs on this machine.
    """
    try:
        config = _load_yaml(path)
        kind, parameters = str(config["pipeline"]["name"]), checked_options(config["pipeline"].get("params") or {})
        used = {key: config[key] for key in _KEYS if key in config} | {"params": checked_options(config.get("params") or {})}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"The {CONFIG} of {name} does not describe a pyannote.audio pipeline.") from error
    if "pyannoteai" in kind.lower():
        raise uploads_audio(name)
    if kind not in _PIPELINES:
        raise UsageError(f"Pipeline {name} is a {printable(kind)[:100]}, not a {PIPELINE}.")
    return used | {"pipeline": {"name": PIPELINE, "params": parameters}}


def _load_yaml(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Parse a small file without aliases, which make it a large or an endless one.

    Raises:
        ValueError: it is not such a file.
    """
    import yaml

    with path.open("rb") as file:
        data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise ValueError("too large")
    try:
        text = data.decode("utf-8-sig")
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise ValueError("has aliases")
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError("is not YAML") from error


def uploads_audio(name: str) -> UsageError:
    """The error for a pipeline that runs on other people's servers."""
    return UsageError(f"Pipeline {name} sends the audio to pyannoteAI's servers.", f"Use {DEFAULT_DIARIZER}, which runs locally.")


def parts(config: Mapping[str, Any], home: Home) -> Iterator[Part]:
    """The parts of a pipeline; `home` is where its config is from.

    For a part that the config does not name, pyannote.audio's default is used, from the gated community-1 repository. An example is the
    PLDA of speaker-diarization-3.1 (https://github.com/pyannote/pyannote-audio/issues/2044).

    Raises:
        UsageError: it names something that no config may.
    """
    given = config["pipeline"]["params"]
    for role in ROLES:
        yield _part(role, given.get(role) or {"checkpoint": DEFAULT_DIARIZER, "subfolder": role}, home)


def is_revision(text: str) -> bool:
    """Whether this can be a branch, a tag or a commit of a repository."""
    return _REVISION.fullmatch(text) is not None


def network_id(weights: Path) -> str:
    """Identifies a network: 16 hex digits of the SHA-256 of its file.

    It is the same for a pipeline and its copy in a folder, and differs when a model of the same name was trained again.
    """
    with weights.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()[:16]
    return _SAME_NETWORK.get(digest, digest)


def _part(role: str, given: object, home: Home) -> Part:
    if isinstance(given, str):
        if home.is_local and not given.startswith(_OWN_FOLDER) and (path := _local_path(given, home)) is not None:
            return Part(role, path, is_local=True)
        place, _, revision = given.partition("@")
        subfolder = ""
        if place.startswith(_OWN_FOLDER):
            place, subfolder = home.place, place.removeprefix(_OWN_FOLDER)
            if home.is_local:
                return Part(role, place, _inside(subfolder, home), is_local=True)
            return Part(role, place, _inside(subfolder, home), _checked_revision(revision or home.revision, home))
    elif isinstance(given, Mapping) and "checkpoint" in given:
        place, revision, subfolder = str(given["checkpoint"]), str(given.get("revision") or ""), str(given.get("subfolder") or "")
    else:
        raise UsageError(f"The {CONFIG} of {home.place} has no {role} that can be loaded.")
    subfolder = _inside(subfolder, home)
    if home.is_local and (path := _local_path(place, home)) is not None:
        return Part(role, path, subfolder, is_local=True)
    if not _REPOSITORY.fullmatch(place) or ".." in place:
        raise UsageError(f"The {CONFIG} of {home.place} names {printable(place)[:100]!r} as {role}, which is no hub repository.")
    return Part(role, place, subfolder, _checked_revision(revision or None, home))


def _local_path(place: str, home: Home) -> str | None:
    """A path that a local config names. What looks like a repository is one, unless the folder of the config has such a path."""
    try:
        beside = Path(home.place) / place
        if beside.exists():
            return str(beside)
        is_repository = _REPOSITORY.fullmatch(place.partition("@")[0]) and not place.endswith(
            (".bin", ".ckpt", safetensors_file.SUFFIX)
        )
        return None if is_repository else str(Path(place).expanduser())
    except (OSError, ValueError, RuntimeError):
        return None


def _inside(subfolder: str, home: Home) -> str:
    path = PurePosixPath(subfolder)
    if path.is_absolute() or ".." in path.parts or "\\" in subfolder or "\0" in subfolder:
        raise UsageError(f"The {CONFIG} of {home.place} names {printable(subfolder)[:100]!r}, which is outside of it.")
    return str(path) if subfolder else ""


def _checked_revision(revision: str | None, home: Home) -> str | None:
    if revision is not None and not is_revision(revision):
        raise UsageError(
            f"The {CONFIG} of {home.place} names {printable(revision)[:100]!r}, which is no revision of a repository."
        )
    return revision
