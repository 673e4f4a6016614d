"""From a model's name to a folder on this machine: the demo model, local folders, and the Hugging Face cache.

A model is a CTranslate2 folder as faster-whisper loads it, without code or pickles. The cache is searched first, without network access, so
that a machine that has the model never waits for the hub. `owner/name@revision` is a certain branch, tag or commit of a repository.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from transcribe_cli.errors import ModelUnavailable, UsageError
from transcribe_cli.recognition.engines import model_folder
from transcribe_cli.text.model_names import check_name, local_path
from transcribe_cli.text.printable import printable

DEMO = "demo"
DEMO_FOLDER = Path(__file__).parents[2] / "demo" / "recognizer"
# The files that faster-whisper downloads from a repository (faster_whisper/utils.py).
_FILE_PATTERNS = ["config.json", "preprocessor_config.json", "model.bin", "tokenizer.json", "vocabulary.*"]
# A branch, a tag or a commit. It becomes part of a path in the cache.
_REVISION = re.compile(r"\w[\w.-]*(/\w[\w.-]*)*")
_REQUIRED_FILES = ("config.json", "model.bin")


@dataclass(frozen=True)
class CachedModel:
    """A model on this machine. `size` in bytes."""

    name: str
    folder: Path
    size: int


def names() -> tuple[str, ...]:
    """The known short names: those of faster-whisper, each of which stands for a repository, and the demo model."""
    return (DEMO, *_repositories())


def locate(name: str, model_dir: Path | None = None, *, offline: bool = False) -> Path:
    """The folder of a model; downloaded from the hub if it is not on this machine, unless `offline` is set.

    Raises:
        UsageError: there is no such name; the message suggests the closest one.
        ModelUnavailable: it is not on this machine, and the hub cannot be reached or does not have it.
    """
    if (folder := _find(name, model_dir)) is not None:
        return folder
    if offline:
        raise ModelUnavailable(f"Model {name} is not on this machine.", _download_hint(name))
    return pull(name, model_dir)


def pull(name: str, model_dir: Path | None = None) -> Path:
    """Download a model from the hub into the cache, complete an interrupted download, or replace damaged files; returns its folder.

    Raises:
        UsageError: there is no such name.
        ModelUnavailable: the hub cannot be reached, has no such repository, or denies access.
    """
    if (folder := _local(name)) is not None:
        return folder
    repository, revision = _repository(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    download_hint = _download_hint(name)

    def download(*, again: bool) -> Path:
        return Path(
            snapshot_download(
                repository, revision=revision, cache_dir=model_dir, allow_patterns=_FILE_PATTERNS, force_download=again
            )
        )

    try:
        folder = download(again=False)
        if _is_model(folder) and _is_damaged(folder, name):
            folder = download(again=True)
    except GatedRepoError as error:
        raise ModelUnavailable(
            f"The repository {repository} is gated.", f"Request access at https://huggingface.co/{repository} and set HF_TOKEN."
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelUnavailable(
            f"The hub has no repository {repository} that this machine may read.", "Check the name, or set HF_TOKEN."
        ) from error
    except RevisionNotFoundError as error:
        raise ModelUnavailable(f"The repository {repository} has no revision {revision}.") from error
    except LocalEntryNotFoundError as error:
        raise ModelUnavailable(f"Model {name} is not on this machine and the hub cannot be reached.", download_hint) from error
    except (HfHubHTTPError, OSError) as error:
        raise ModelUnavailable(f"Model {name} could not be downloaded ({_first_line(error)}).", download_hint) from error
    if not _is_model(folder):
        # When the hub cannot be reached, its client returns the cached snapshot, even an incomplete one.
        raise ModelUnavailable(
            f"Model {name} has no model.bin: its download is incomplete and the hub cannot be reached, or it is not a CTranslate2 model.",
            download_hint,
        )
    return folder


def _is_damaged(folder: Path, name: str) -> bool:
    try:
        model_folder.check(folder, name)
    except ModelUnavailable:
        return True
    return False


def _download_hint(name: str) -> str:
    """How to get a model. The demo model, which knows a few voices of a synthesizer only, is no substitute."""
    repository, revision = _repository(name)
    page = f"https://huggingface.co/{repository}{f'/tree/{revision}' if revision else ''}"
    return (
        f"Where there is a network: `transcribe models pull {name}`. By hand: all files of {page} in a folder, then --model FOLDER."
        " Only to try the tool on its own examples: `make demo`."
    )


def revision_of(name: str, folder: Path) -> str | None:
    """The commit of the hub's repository that a located model is from; None for the demo model and local folders."""
    return None if _local(name) is not None else folder.name


def cached(model_dir: Path | None = None) -> Iterator[CachedModel]:
    """The models on this machine that can be loaded, the demo model first."""
    yield CachedModel(DEMO, DEMO_FOLDER, _size(DEMO_FOLDER))
    by_repository = {repository: name for name, repository in reversed(_repositories().items())}
    for repository in _cached_repositories(model_dir):
        if (folder := _from_cache(repository, None, model_dir)) is not None:
            yield CachedModel(by_repository.get(repository, repository), folder, _size(folder))


def _find(name: str, model_dir: Path | None) -> Path | None:
    return _local(name) or _from_cache(*_repository(name), model_dir)


def _local(name: str) -> Path | None:
    """The demo model, or a local folder.

    Raises:
        UsageError: the folder contains nothing of a model.
        ModelUnavailable: the model in it is incomplete, or has another library's format.
    """
    if name == DEMO:
        return DEMO_FOLDER
    folder = local_path(name)
    # In the working folder, which somebody else may have filled, a folder named `turbo` does not take the place of that model.
    if folder is None or not folder.is_dir() or name in _repositories() or name in _repositories().values():
        return None
    if not _is_model(folder):
        raise model_folder.incomplete(folder, name)
    return folder


def _repository(name: str) -> tuple[str, str | None]:
    """The repository and its revision; None is the latest."""
    table = _repositories()
    check_name(name)
    called, _, revision = name.partition("@")
    if revision and not _REVISION.fullmatch(revision):
        raise UsageError(f"Unknown model {name!r}: {revision!r} is not a valid revision.")
    if called in table:
        return table[called], revision or None
    if called.count("/") == 1 and not called.startswith((".", "/", "~")):
        return called, revision or None
    if "/" in called:
        raise UsageError(f"There is no model folder {printable(name)[:200]}.")
    near = get_close_matches(called, [DEMO, *table], n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(table)}, a hub repository or a folder."
    raise UsageError(f"Unknown model {name!r}.", hint)


def _repositories() -> dict[str, str]:
    from faster_whisper.utils import _MODELS

    return dict(_MODELS)


def _from_cache(repository: str, revision: str | None, model_dir: Path | None) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        # Without the patterns, huggingface_hub 2 takes a snapshot for incomplete that lacks files which are never downloaded.
        folder = Path(
            snapshot_download(
                repository, revision=revision, cache_dir=model_dir, allow_patterns=_FILE_PATTERNS, local_files_only=True
            )
        )
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise UsageError(f"Unknown model {repository!r}: it is not a valid repository name.") from error
    # An interrupted download leaves a snapshot without its largest file.
    return folder if _is_model(folder) else None


def _cached_repositories(model_dir: Path | None) -> Iterator[str]:
    from huggingface_hub.constants import HF_HUB_CACHE

    for folder in sorted((model_dir or Path(HF_HUB_CACHE)).glob("models--*--*")):
        yield folder.name.removeprefix("models--").replace("--", "/", 1)


def _is_model(folder: Path) -> bool:
    return all((folder / name).is_file() for name in _REQUIRED_FILES)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
