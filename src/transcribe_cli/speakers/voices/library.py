"""What is kept of the voices that were enrolled: `voices/speakers.toml` in the user's state folder, and a file of embeddings for each.

`speakers.toml` is for people, who may rename a voice in it; the embeddings are NumPy files named after their content. They are written
first and the TOML after them, each whole or not at all, so that no crash leaves a voice without its embeddings.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import os
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import numpy as np
import tomli
from numpy.typing import NDArray
from platformdirs import user_state_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from transcribe_cli.errors import ConfigError, StorageNotReady, UsageError
from transcribe_cli.formats.speaker_names import FILE_NAME, name_error
from transcribe_cli.sinks.atomic import publish, stage
from transcribe_cli.speakers.diarizers.blocks import unit
from transcribe_cli.text.printable import printable

# Voices are nobody else's business.
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_HEAD = """\
# The voices that `transcribe speakers enroll` has learned; `transcribe speakers list` shows them, `forget` removes them.
# A name may be changed here. The files beside this one hold the voices themselves: biometric data, for nobody but you.
"""


class Sample(BaseModel):
    """A stretch of a recording from which a voice was learned.

    Attributes:
        source: file name of the recording.
        start, end: of the stretch, in seconds of the recording.
        seconds: how long the voice speaks in it.
        enrolled: when, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: str
    start: float = Field(ge=0)
    end: float = Field(ge=0)
    seconds: float = Field(ge=0)
    enrolled: datetime


class Voice(BaseModel):
    """Somebody's voice, as one network hears it.

    Attributes:
        name: whose.
        diarize_model: what it was enrolled with, for people.
        embedded_by: the network that made the embeddings; see `Diarization`.
        dimensions: length of an embedding.
        file: the name of the file beside speakers.toml that holds them.
        samples: where it was learned, an embedding for each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    diarize_model: str
    embedded_by: str
    dimensions: int = Field(ge=1)
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.npy$")]
    samples: tuple[Sample, ...] = Field(min_length=1)

    @property
    def seconds(self) -> float:
        """How much of it was heard, in all samples."""
        return sum(sample.seconds for sample in self.samples)


class _Document(BaseModel):
    """All of speakers.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voices: tuple[Voice, ...] = ()


class Library:
    """The voices in a state folder; several processes may use it at once.

    Args:
        state: the folder; None is the user's own, `~/.local/state/transcribe-cli` on Linux.
    """

    def __init__(self, state: Path | None = None) -> None:
        self.folder = (state or user_state_path("transcribe-cli")) / "voices"
        self._file = self.folder / FILE_NAME

    def voices(self) -> tuple[Voice, ...]:
        """All of them, in the order in which they were enrolled first; none when there is no library.

        Raises:
            ConfigError: speakers.toml cannot be read, or says what cannot be meant.
        """
        try:
            document = _Document.model_validate(tomli.loads(self._file.read_bytes().decode("utf-8-sig")))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be read ({error.strerror}).") from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{self._file} is not UTF-8 text (byte {error.start}).") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{self._file} is not a library of voices ({where}: {first['msg']}).") from error
        except (tomli.TOMLDecodeError, RecursionError) as error:
            raise ConfigError(f"{self._file} is not TOML: {error}.") from error
        for voice in document.voices:
            if reason := name_error(voice.name):
                raise ConfigError(f"{self._file}: the name {printable(voice.name)[:40]!r} {reason}.")
        return document.voices

    def vector(self, voice: Voice) -> NDArray[np.float32]:
        """The voice as one embedding, (dimensions,) of length 1: the mean of its samples, each of length 1.

        Raises:
            ConfigError: the file of its embeddings is not there, or not what it was.
        """
        mean = unit(self._embeddings(voice).mean(axis=0))
        if mean is None:
            raise self._damaged(voice, "they cancel each other out")
        return mean

    def add(self, name: str, diarize_model: str, embedded_by: str, vector: NDArray[np.float32], sample: Sample) -> Voice:
        """Keep a voice, or one more sample of it; returns the voice with all its samples.

        Args:
            name: from `checked_name`.
            diarize_model: for people.
            embedded_by: the network; a voice of this name from another one stays beside it.
            vector: (dimensions,) of length 1.
            sample: where it is from.

        Raises:
            ConfigError: the library is damaged.
            StorageNotReady: it cannot be written.
        """
        with self._locked():
            voices = list(self.voices())
            before = next((voice for voice in voices if (voice.name, voice.embedded_by) == (name, embedded_by)), None)
            embeddings = vector[None] if before is None else np.vstack([self._embeddings(before), vector])
            content = _bytes(embeddings)
            voice = Voice(
                name=name,
                diarize_model=printable(diarize_model),
                embedded_by=embedded_by,
                dimensions=len(vector),
                file=f"{hashlib.sha256(content).hexdigest()[:16]}.npy",
                samples=(*(before.samples if before else ()), sample),
            )
            self._put(self.folder / voice.file, content)
            self._write([voice if other is before else other for other in voices] + ([] if before else [voice]))
        return voice

    def forget(self, name: str) -> tuple[Voice, ...]:
        """Remove a voice and its embeddings, of every network; returns what was removed.

        Raises:
            UsageError: there is none of this name.
            ConfigError: the library is damaged.
            StorageNotReady: it cannot be written.
        """
        voices = self.voices()
        wanted = unicodedata.normalize("NFC", name.strip())
        names = list(dict.fromkeys(voice.name for voice in voices))
        if wanted not in names:
            near = get_close_matches(wanted, names, n=1)
            known = f"There are: {', '.join(names)}." if names else "No voice is enrolled."
            raise UsageError(f"No voice is called {name!r}.", f"Did you mean {near[0]}?" if near else known)
        with self._locked():
            voices = self.voices()
            gone = tuple(voice for voice in voices if voice.name == wanted)
            self._write([voice for voice in voices if voice.name != wanted])
        return gone

    def _embeddings(self, voice: Voice) -> NDArray[np.float32]:
        """(samples, dimensions)."""
        try:
            found = np.load(self.folder / voice.file, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise self._damaged(voice, getattr(error, "strerror", None) or "they are no NumPy array") from error
        if found.dtype != np.float32 or found.shape != (len(voice.samples), voice.dimensions) or not np.isfinite(found).all():
            raise self._damaged(voice, "they are not those that were enrolled")
        embeddings: NDArray[np.float32] = found
        return embeddings

    def _damaged(self, voice: Voice, why: str) -> ConfigError:
        forget = f"`transcribe speakers forget {voice.name}` removes it."
        return ConfigError(f"The embeddings of {voice.name}, {self.folder / voice.file}, cannot be used: {why}.", forget)

    def _write(self, voices: Sequence[Voice]) -> None:
        """Put these voices in the place of all, and remove the embeddings of no voice."""
        self._put(self._file, _toml(voices).encode())
        kept = {voice.file for voice in voices}
        with suppress(OSError):
            for path in self.folder.glob("*.npy"):
                if path.name not in kept:
                    path.unlink(missing_ok=True)

    def _put(self, path: Path, data: bytes) -> None:
        with self._storage_errors():
            publish(stage(self.folder, data, mode=_FILE_MODE), path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Nobody else writes meanwhile."""
        with self._storage_errors():
            self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _FILE_MODE)
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StorageNotReady(
                f"The voice library {self.folder} cannot be written ({error.strerror or error}).",
                "Use --state-dir for another place.",
            ) from error


def checked_name(text: str) -> str:
    """A name as it is kept: composed characters, no spaces around it.

    Raises:
        UsageError: it is empty, too long, or cannot be shown.
    """
    name = unicodedata.normalize("NFC", text.strip())
    if reason := name_error(name) if name else "is empty":
        raise UsageError(f"The name {printable(name)[:40]!r} {reason}.")
    return name


def _bytes(embeddings: NDArray[np.float32]) -> bytes:
    file = io.BytesIO()
    np.save(file, embeddings, allow_pickle=False)
    return file.getvalue()


def _toml(voices: Sequence[Voice]) -> str:
    """The text of speakers.toml: JSON's texts and numbers are TOML's."""
    lines = [_HEAD]
    for voice in voices:
        lines.append("\n[[voices]]\n")
        keys = ("name", "diarize_model", "embedded_by", "dimensions", "file")
        lines += [f"{key} = {json.dumps(getattr(voice, key), ensure_ascii=False)}\n" for key in keys]
        lines.append("samples = [\n")
        for sample in voice.samples:
            about = [
                f"{key} = {json.dumps(getattr(sample, key), ensure_ascii=False)}" for key in ("source", "start", "end", "seconds")
            ]
            lines.append(f"  {{ {', '.join(about)}, enrolled = {sample.enrolled.isoformat()} }},\n")
        lines.append("]\n")
    return "".join(lines)
