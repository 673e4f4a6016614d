"""Access to diarization pipelines on the Hugging Face hub, and in its cache on this machine.

The official pipelines are in gated repositories: a user must accept their terms in the browser. Access to each repository is checked
once, with a short timeout and without retries. Cached files are used without a request.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transcribe_cli.errors import ModelUnavailable, UsageError
from transcribe_cli.speakers.diarizers.pipeline_config import CONFIG, Part

SITE = "https://huggingface.co"
_USE_A_FOLDER = "or set --diarize-model to a folder that contains a pipeline."
# Seconds for one response of the hub, a few hundred bytes.
_TIMEOUT = 5.0


@dataclass(frozen=True)
class Hub:
    """The Hugging Face hub and its cache on this machine.

    Attributes:
        token: of Hugging Face. Default: HF_TOKEN, or the token of `hf auth login`.
        model_dir: cache folder. Default: the Hugging Face cache.
        offline: whether to send no requests.
        accessible: repositories that the hub has let us read.
        commits: the commit of each repository and revision. It is resolved once, so that all files of a pipeline are of one commit.
    """

    token: str | None = field(repr=False)
    model_dir: Path | None
    offline: bool
    accessible: set[str] = field(default_factory=set)
    commits: dict[tuple[str, str | None], str] = field(default_factory=dict)

    def find(self, part: Part) -> Path | None:
        """The first file of a part of a pipeline, if the part is on this machine and complete."""
        if part.is_local:
            return part.local
        files = [self.cached(part.home, name, part.revision) for name in part.files]
        return files[0] if all(files) else None

    def cached(self, repository: str, file: str, revision: str | None = None) -> Path | None:
        """A file in the cache; None if it is not there."""
        from huggingface_hub import try_to_load_from_cache
        from huggingface_hub.errors import HFValidationError

        try:
            commit = self.commits.get((repository, revision), revision)
            path = try_to_load_from_cache(repository, file, cache_dir=self.model_dir, revision=commit)
        except HFValidationError as error:
            raise UsageError(f"Unknown diarizer {repository!r}: it is not a valid repository name.") from error
        return self._pinned(repository, revision, file, Path(path)) if isinstance(path, str) else None

    def download_part(self, part: Part, pipeline: str) -> Path:
        """Download the files of a part; returns the first. `pipeline` is its name in messages."""
        paths = [self.download(part.home, file, part.revision, pipeline) for file in part.files]
        return paths[0]

    def download(self, repository: str, file: str, revision: str | None, pipeline: str) -> Path:
        """Download one file; returns its path."""
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

        commit = self.commits.get((repository, revision), revision)
        try:
            path = hf_hub_download(repository, file, revision=commit, cache_dir=self.model_dir, token=self._credential())
        except RevisionNotFoundError as error:
            raise ModelUnavailable(f"The repository {repository} has no revision {revision}.") from error
        except EntryNotFoundError as error:
            raise ModelUnavailable(f"The repository {repository} has no {file}, so it is not a pipeline.") from error
        except (HfHubHTTPError, OSError) as error:
            raise _unreachable(pipeline) from error
        return self._pinned(repository, revision, file, Path(path))

    def _pinned(self, repository: str, revision: str | None, file: str, path: Path) -> Path:
        """Remember the commit that a file is from: its cache is `snapshots/COMMIT/FILE`."""
        self.commits.setdefault((repository, revision), path.parents[file.count("/")].name)
        return path

    def check_access(self, pipeline: str, repositories: Sequence[str]) -> None:
        """Ask the hub once for each repository whether we may read it.

        Raises:
            ModelUnavailable: one cannot be read; the message names all whose terms must be accepted.
        """
        from huggingface_hub.constants import HF_HUB_OFFLINE

        if self.offline or HF_HUB_OFFLINE:
            raise ModelUnavailable(
                f"Diarizer {pipeline} is not on this machine, and --offline or HF_HUB_OFFLINE prevents downloading it.",
                f"Run once with network access, {_USE_A_FOLDER}",
            )
        unchecked = [repository for repository in dict.fromkeys(repositories) if repository not in self.accessible]
        if closed := list(self._closed(pipeline, unchecked)):
            terms = " and ".join(f"{SITE}/{repository}" for repository in closed)
            if self._credential():
                raise ModelUnavailable(
                    f"The account of this Hugging Face token may not read {' and '.join(closed)}.",
                    f"Accept the terms at {terms} (a fine-grained token also needs read access to public gated repositories).",
                )
            raise ModelUnavailable(
                f"Diarizer {pipeline} needs a Hugging Face token.",
                f"Accept the terms at {terms}, create a read token at {SITE}/settings/tokens, and set HF_TOKEN or --hf-token; "
                f"{_USE_A_FOLDER}",
            )
        self.accessible.update(unchecked)

    def _closed(self, pipeline: str, repositories: Sequence[str]) -> Iterator[str]:
        """The repositories whose terms were not accepted."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

        for repository in repositories:
            try:
                get_hf_file_metadata(hf_hub_url(repository, CONFIG), token=self._credential(), timeout=_TIMEOUT)
            except GatedRepoError as error:
                if self._credential() and error.response.status_code == 401:
                    raise _refused(error, repository, pipeline) from error
                yield repository
            except RepositoryNotFoundError as error:
                raise ModelUnavailable(
                    f"The Hugging Face hub has no repository {repository}, or this machine may not read it.",
                    "Check the name. A private repository needs HF_TOKEN or --hf-token.",
                ) from error
            except EntryNotFoundError:
                continue
            except HfHubHTTPError as error:
                raise _refused(error, repository, pipeline) from error
            except Exception as error:  # of the HTTP client, which changed with huggingface_hub 1.0
                raise _unreachable(pipeline) from error

    def _credential(self) -> str | bool:
        """The token, or False, which keeps huggingface_hub from looking for one."""
        from huggingface_hub import get_token

        return self.token or get_token() or False


def _refused(error: Any, repository: str, pipeline: str) -> ModelUnavailable:  # noqa: ANN401 - HfHubHTTPError of any version
    status = getattr(error.response, "status_code", 0)
    if status == 401:
        return ModelUnavailable(
            "The hub rejected the Hugging Face token.",
            f"Create a read token at {SITE}/settings/tokens and set HF_TOKEN or --hf-token.",
        )
    if status == 403:
        return ModelUnavailable(
            f"This Hugging Face token may not read {repository}.",
            f"Accept the terms at {SITE}/{repository}; a fine-grained token also needs read access to public gated repositories.",
        )
    return _unreachable(pipeline)


def _unreachable(pipeline: str) -> ModelUnavailable:
    return ModelUnavailable(
        f"Diarizer {pipeline} is not on this machine, and the hub cannot be reached.",
        f"Run once with network access, {_USE_A_FOLDER}",
    )
