"""Checks whether a diarizer can be loaded, and locates its files, before recognition starts: the extra, the token, the terms, the files."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from transcribe_cli.errors import MissingExtra, UsageError
from transcribe_cli.speakers.diarizers import loading, pipeline_config, safetensors_file
from transcribe_cli.speakers.diarizers.hub import SITE, Hub
from transcribe_cli.speakers.diarizers.pipeline_config import CONFIG, Home, Located, Part
from transcribe_cli.spec import DEFAULT_DIARIZER
from transcribe_cli.text.model_names import check_name, local_path
from transcribe_cli.text.printable import printable

DEMO = "demo"
DEMO_FOLDER = Path(__file__).parents[2] / "demo" / "diarizer"
DIARIZATION_3_1 = "pyannote/speaker-diarization-3.1"
# Further gated repositories that a pipeline needs, so that one message names all terms to accept.
TERMS = {DIARIZATION_3_1: ("pyannote/segmentation-3.0", DEFAULT_DIARIZER)}

_OLDEST, _NEXT_MAJOR = (4, 0, 4), 5
_INSTALL = "Try: pip install 'transcribe-cli[diarization]'"


def check(
    name: str, *, token: str | None = None, model_dir: Path | None = None, offline: bool = False, trust_code: bool = False
) -> None:
    """Check that the diarizer `name` can be loaded; downloads at most its config.yaml.

    Args:
        name: `demo`, a local folder, or a hub repository, also as `repository@revision`.
        token: of Hugging Face. Default: HF_TOKEN, or the token of `hf auth login`.
        model_dir: cache folder. Default: the Hugging Face cache.
        offline: send no requests to the hub.
        trust_code: whether its checkpoints may bring code; see `networks.load`.

    Raises:
        MissingExtra: pyannote.audio is not installed, or an unsupported version is.
        UsageError: there is no such pipeline, or it does not run on this machine.
        ModelUnavailable: it is not on this machine, and the hub denies access or cannot be reached; the hint says what to do. Or it
            is here, and brings code.
    """
    hub, parts = _available(name, token, model_dir, offline)
    networks = [path for part in parts if part.role != "plda" and (path := hub.find(part)) is not None]
    checkpoints = [path for path in networks if path.suffix != safetensors_file.SUFFIX]
    if checkpoints and not trust_code:
        loading.check_networks(checkpoints, name)


def _available(name: str, token: str | None, model_dir: Path | None, offline: bool) -> tuple[Hub, list[Part]]:
    """The hub and the parts of a pipeline, all of which are on this machine or can be downloaded."""
    check_installed()
    hub = Hub(_cleaned_token(token), model_dir, offline)
    parts = list(pipeline_config.parts(*_read_config(name, hub)))
    missing = [part for part in parts if hub.find(part) is None]
    _check_folders(missing, name)
    if missing:
        hub.check_access(name, [part.home for part in missing])
    return hub, parts


def locate(name: str, *, token: str | None = None, model_dir: Path | None = None, offline: bool = False) -> Located:
    """The files of a pipeline; downloads what is missing. Arguments and errors as for `check`."""
    hub, parts = _available(name, token, model_dir, offline)
    config, home = _read_config(name, hub)
    paths = {part.role: hub.find(part) or hub.download_part(part, name) for part in parts}
    return Located(config, paths, _revision(home, parts, hub))


def _revision(home: Home, parts: Sequence[Part], hub: Hub) -> str | None:
    """The commits of the repositories that a pipeline is from: its own, then those that its config names, as `repository@commit`."""
    own = [] if home.is_local else [hub.commits[home.place, home.revision]]
    named = [(part.home, part.revision) for part in parts if not part.is_local]
    others = [
        f"{place}@{hub.commits[place, revision]}" for place, revision in named if (place, revision) != (home.place, home.revision)
    ]
    return ", ".join(dict.fromkeys([*own, *others])) or None


def check_installed() -> None:
    """Check that a supported version of pyannote.audio is installed, without importing it.

    Raises:
        MissingExtra: it is missing, too old or too new.
    """
    try:
        installed = version("pyannote.audio")
    except PackageNotFoundError as error:
        raise MissingExtra("Diarization needs pyannote.audio, which is not installed.", _INSTALL) from error
    numbers = tuple(int(part) if part.isdigit() else 0 for part in installed.split(".")[:3])
    if not _OLDEST <= numbers < (_NEXT_MAJOR,):
        raise MissingExtra(f"Diarization needs pyannote.audio 4.0.4 or later, but below 5; installed is {installed}.", _INSTALL)


def _cleaned_token(token: str | None) -> str | None:
    """The token without surrounding white space. Invalid ones are refused here: the HTTP client would quote them in its message."""
    if token is None or not token.strip():
        return None
    if not (token.strip().isascii() and token.strip().isprintable() and " " not in token.strip()):
        raise UsageError("The Hugging Face token contains invalid characters.", f"See {SITE}/settings/tokens.")
    return token.strip()


def _read_config(name: str, hub: Hub) -> tuple[dict[str, Any], Home]:
    """The config of a pipeline, and where it is from."""
    if name == DEMO:
        return pipeline_config.read(DEMO_FOLDER / CONFIG, name), Home(str(DEMO_FOLDER), is_local=True)
    repository, _, revision = name.partition("@")
    path = local_path(name)
    # In the working folder, which somebody else may have filled, a folder of this name does not take the place of the real one.
    is_known = repository in (DEFAULT_DIARIZER, DIARIZATION_3_1)
    if path is not None and path.is_dir() and not is_known:
        if not (path / CONFIG).is_file():
            raise UsageError(f"The folder {printable(name)} contains no pyannote.audio pipeline: {CONFIG} is missing.")
        return pipeline_config.read(path / CONFIG, name), Home(str(path), is_local=True)
    if path is not None and path.is_file() and not is_known:
        return pipeline_config.read(path, name), Home(str(path.parent), is_local=True)
    check_name(name)
    _check_repository_name(repository)
    if revision and not pipeline_config.is_revision(revision):
        raise UsageError(f"Unknown diarizer {name!r}: {revision!r} is not a valid revision.")
    home = Home(repository, revision or None)
    cached = hub.cached(repository, CONFIG, home.revision)
    if cached is None:
        hub.check_access(name, [repository, *TERMS.get(repository, ())])
        cached = hub.download(repository, CONFIG, home.revision, name)
    return pipeline_config.read(cached, name), home


def _check_repository_name(name: str) -> None:
    if "precision-" in name.lower():
        raise pipeline_config.uploads_audio(name)
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return
    if "/" in name:
        raise UsageError(f"There is no pipeline folder {printable(name)[:200]}.")
    known = [DEMO, DEFAULT_DIARIZER, DIARIZATION_3_1]
    near = get_close_matches(name, [*known, *(full.partition("/")[2] for full in known[1:])], n=1)
    meant = next((full for full in known if near and full.endswith(near[0])), "")
    hint = (
        f"Did you mean {meant}?" if meant else f"Choose from: {', '.join(known[1:])}, other hub repositories, and local folders."
    )
    raise UsageError(f"Unknown diarizer {name!r}.", hint)


def _check_folders(missing: Sequence[Part], name: str) -> None:
    """Raise UsageError when a missing part belongs in a local folder, because it cannot be downloaded."""
    for part in missing:
        if part.is_local:
            home = Path(part.home)
            lacking = next((file for file in part.files if not (home / file).is_file()), "")
            raise UsageError(f"Pipeline {name} is incomplete: {home / lacking} is missing.")
