"""Whether diarization could begin, found out before the first minute of recognition: the extra, the token, the terms, the files.

The official pipelines lie in repositories of the Hugging Face hub that open once their terms were accepted in the browser. Each is asked
once, with a short timeout and without retries; what is in the cache already is used without asking anybody.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from transcribe_cli.errors import MissingExtra, ModelUnavailable, UsageError
from transcribe_cli.speakers.diarizers import pipeline_config
from transcribe_cli.spec import DEFAULT_DIARIZER

DEMO = "demo"
DEMO_FOLDER = Path(__file__).parents[2] / "demo" / "diarizer"
DIARIZATION_3_1 = "pyannote/speaker-diarization-3.1"
# Repositories with terms that a pipeline needs beside its own, so that all are named at once.
TERMS = {DIARIZATION_3_1: ("pyannote/segmentation-3.0", DEFAULT_DIARIZER)}

_SITE = "https://huggingface.co"
_OLDEST, _NEXT_MAJOR = (4, 0, 4), 5
_INSTALL = "Try: pip install 'transcribe-cli[diarization]'"
_ELSEWHERE = "or give --diarize-model a folder that holds a pipeline."
# Seconds for one answer of the hub, a few hundred bytes.
_TIMEOUT = 5.0


def check(name: str, *, token: str | None = None, model_dir: Path | None = None, offline: bool = False) -> None:
    """Whether the diarizer `name` can be loaded now; fetches nothing but its config.yaml.

    Args:
        name: `demo`, a local folder, or a hub repository.
        token: of Hugging Face; none: HF_TOKEN, or that of `hf auth login`.
        model_dir: where models are cached; none: the Hugging Face cache.
        offline: never ask the hub.

    Raises:
        MissingExtra: pyannote.audio is not installed, or an unsuitable version.
        UsageError: there is no such pipeline, or one that does not run on this machine.
        ModelUnavailable: it is not here, and the hub does not let us in or cannot be reached; the hint is what to do.
    """
    check_installed()
    hub = _Hub(_clean(token), model_dir, offline)
    missing = [part for part in pipeline_config.parts(*_recipe(name, hub)) if hub.find(part) is None]
    _complete(missing, name)
    if missing:
        hub.admit(name, [part.home for part in missing])


def locate(name: str, *, token: str | None = None, model_dir: Path | None = None, offline: bool = False) -> dict[str, Any]:
    """What `Pipeline.from_pretrained` takes, with everything on this machine; fetched from the hub where it is not. See `check`."""
    check(name, token=token, model_dir=model_dir, offline=offline)
    hub = _Hub(_clean(token), model_dir, offline)
    config, home = _recipe(name, hub)
    places = {part.role: hub.find(part) or hub.fetch_part(part, name) for part in pipeline_config.parts(config, home)}
    return pipeline_config.localized(config, places)


def check_installed() -> None:
    """Whether the extra is there; imports none of it.

    Raises:
        MissingExtra: it is not, or too old or too new.
    """
    try:
        installed = version("pyannote.audio")
    except PackageNotFoundError as error:
        raise MissingExtra("Diarization needs pyannote.audio, which is not installed.", _INSTALL) from error
    numbers = tuple(int(part) if part.isdigit() else 0 for part in installed.split(".")[:3])
    if not _OLDEST <= numbers < (_NEXT_MAJOR,):
        raise MissingExtra(f"Diarization needs pyannote.audio 4.0.4 or a later 4; installed is {installed}.", _INSTALL)


def _clean(token: str | None) -> str | None:
    """Without white space around it; what cannot be sent would be quoted in somebody else's message."""
    if token is None or not token.strip():
        return None
    if not (token.strip().isascii() and token.strip().isprintable() and " " not in token.strip()):
        raise UsageError("The Hugging Face token has characters that no token has.", f"See {_SITE}/settings/tokens.")
    return token.strip()


def _recipe(name: str, hub: _Hub) -> tuple[dict[str, Any], str]:
    """The pipeline_config of a pipeline, and the repository or folder that it came from."""
    if name == DEMO:
        return pipeline_config.read(DEMO_FOLDER / pipeline_config.CONFIG, name), str(DEMO_FOLDER)
    path = Path(name).expanduser()
    if path.is_dir():
        if not (path / pipeline_config.CONFIG).is_file():
            raise UsageError(f"The folder {name} holds no pyannote.audio pipeline: {pipeline_config.CONFIG} is missing.")
        return pipeline_config.read(path / pipeline_config.CONFIG, name), str(path)
    if path.is_file():
        return pipeline_config.read(path, name), str(path.parent)
    _check_repository(name)
    cached = hub.cached(name, pipeline_config.CONFIG)
    if cached is None:
        hub.admit(name, [name, *TERMS.get(name, ())])
        cached = hub.fetch(name, pipeline_config.CONFIG, None, name)
    return pipeline_config.read(cached, name), name


def _check_repository(name: str) -> None:
    if "precision-" in name.lower():
        raise UsageError(
            f"Pipeline {name} sends the audio to pyannoteAI's servers.", f"Take {DEFAULT_DIARIZER}, which runs here."
        )
    if name.count("/") == 1 and not name.startswith((".", "/", "~")):
        return
    if "/" in name:
        raise UsageError(f"There is no pipeline folder {name}.")
    known = [DEMO, DEFAULT_DIARIZER, DIARIZATION_3_1]
    near = get_close_matches(name, [*known, *(full.partition("/")[2] for full in known[1:])], n=1)
    meant = next((full for full in known if near and full.endswith(near[0])), "")
    hint = f"Did you mean {meant}?" if meant else f"There are {', '.join(known)}, other hub repositories, and folders."
    raise UsageError(f"No diarizer is called {name!r}.", hint)


def _complete(missing: Sequence[pipeline_config.Part], name: str) -> None:
    """Raise UsageError when a part is in a folder that lacks it: the hub would not help."""
    for part in missing:
        home = Path(part.home)
        if home.exists() or part.home.startswith((".", "/", "~")):
            lacking = next(file for file in part.files if not (home / file).is_file())
            raise UsageError(f"Pipeline {name} is not whole: {home / lacking} is missing.")


@dataclass(frozen=True)
class _Hub:
    """The Hugging Face hub and its cache on this machine."""

    token: str | None = field(repr=False)
    model_dir: Path | None
    offline: bool
    admitted: set[str] = field(default_factory=set)

    def find(self, part: pipeline_config.Part) -> Path | None:
        """Where a part is on this machine: its folder, or the file that is all of it."""
        if (local := part.local) is not None or Path(part.home).exists():
            return local
        found = [self.cached(part.home, name, part.revision) for name in part.files]
        return found[0].parent if found[0] is not None and all(found) else None

    def cached(self, repository: str, file: str, revision: str | None = None) -> Path | None:
        """A file in the cache."""
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            path = try_to_load_from_cache(repository, file, cache_dir=self.model_dir, revision=revision)
        except HFValidationError as error:
            raise UsageError(f"No diarizer is called {repository!r}, and it cannot be a repository's name.") from error
        return Path(path) if isinstance(path, str) else None

    def fetch_part(self, part: pipeline_config.Part, name: str) -> Path:
        """Download what a part is made of; returns its folder. `name` is the pipeline's in messages."""
        return [self.fetch(part.home, file, part.revision, name) for file in part.files][-1].parent

    def fetch(self, repository: str, file: str, revision: str | None, name: str) -> Path:
        """Download one file; returns where it is."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError

        try:
            return Path(hf_hub_download(repository, file, revision=revision, cache_dir=self.model_dir, token=self._credential()))
        except EntryNotFoundError as error:
            raise ModelUnavailable(
                f"The repository {repository} has no {file}; it holds no pipeline that we can load."
            ) from error
        except (HfHubHTTPError, OSError) as error:
            raise _unreachable(name) from error

    def admit(self, name: str, repositories: Sequence[str]) -> None:
        """Ask once for each repository whether it is open to us.

        Raises:
            ModelUnavailable: one is not; all that need their terms accepted are named.
        """
        from huggingface_hub.constants import HF_HUB_OFFLINE

        if self.offline or HF_HUB_OFFLINE:
            raise ModelUnavailable(
                f"Diarizer {name} is not on this machine, and --offline or HF_HUB_OFFLINE keeps it from being fetched.",
                f"Run once with a network, {_ELSEWHERE}",
            )
        wanted = [repository for repository in dict.fromkeys(repositories) if repository not in self.admitted]
        if closed := list(self._closed(name, wanted)):
            terms = " and ".join(f"{_SITE}/{repository}" for repository in closed)
            if self._credential():
                raise ModelUnavailable(
                    f"The account of this Hugging Face token may not read {' and '.join(closed)}.",
                    f"Accept the terms at {terms} (a fine-grained token needs read access to public gated repositories, too).",
                )
            raise ModelUnavailable(
                f"Diarizer {name} needs a Hugging Face token.",
                f"Accept the terms at {terms}, create a read token at {_SITE}/settings/tokens, and set HF_TOKEN or --hf-token; "
                f"{_ELSEWHERE}",
            )
        self.admitted.update(wanted)

    def _closed(self, name: str, repositories: Sequence[str]) -> Iterator[str]:
        """Those whose terms keep us out."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

        for repository in repositories:
            try:
                get_hf_file_metadata(hf_hub_url(repository, pipeline_config.CONFIG), token=self._credential(), timeout=_TIMEOUT)
            except GatedRepoError as error:
                if self._credential() and error.response.status_code == 401:
                    raise _refused(error, repository, name) from error
                yield repository
            except RepositoryNotFoundError as error:
                raise ModelUnavailable(
                    f"The hub has no repository {repository} that this machine may read.",
                    "Check the name; a private one needs HF_TOKEN or --hf-token.",
                ) from error
            except EntryNotFoundError:
                continue
            except HfHubHTTPError as error:
                raise _refused(error, repository, name) from error
            except Exception as error:  # the transport's, which changed with huggingface_hub 1.0
                raise _unreachable(name) from error

    def _credential(self) -> str | bool:
        """The token, or False so that none is looked for again."""
        from huggingface_hub import get_token

        return self.token or get_token() or False


def _refused(error: Any, repository: str, name: str) -> ModelUnavailable:  # noqa: ANN401 - HfHubHTTPError of any version
    status = getattr(error.response, "status_code", 0)
    if status == 401:
        return ModelUnavailable(
            "The hub refuses the Hugging Face token.",
            f"Create a read token at {_SITE}/settings/tokens and set HF_TOKEN or --hf-token.",
        )
    if status == 403:
        return ModelUnavailable(
            f"The hub does not let this Hugging Face token read {repository}.",
            f"Accept the terms at {_SITE}/{repository}; a fine-grained token needs read access to public gated repositories, too.",
        )
    return _unreachable(name)


def _unreachable(name: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"Diarizer {name} is not on this machine, and the hub cannot be reached.", f"Run once with a network, {_ELSEWHERE}"
    )
