"""The library of enrolled voices: `voices/speakers.toml` in the user's state folder, and a file of embeddings for each voice.

Users may rename a voice in `speakers.toml`. The embeddings are NumPy files named after their content. They are written before the TOML,
and each file is written atomically, so a crash never leaves a voice without its embeddings.
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
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from transcribe_cli.errors import ConfigError, StorageNotReady, UsageError
from transcribe_cli.formats.speaker_names import FILE_NAME, name_error
from transcribe_cli.sinks.atomic import publish, stage
from transcribe_cli.speakers.diarizers.blocks import unit_vector
from transcribe_cli.speakers.numpy_file import read_floats
from transcribe_cli.state_folder import state_path
from transcribe_cli.text.numbers import MAX_SECONDS
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import read_regular_file
from transcribe_cli.text.toml_data import parse_toml

# A voice takes some kB, with all its samples.
_MAX_TOML_BYTES = 16_000_000
_MAX_EMBEDDINGS_BYTES = 64_000_000
_MAX_DIMENSIONS = 16_384
# Only the user may read voices.
_FILE_MODE, _FOLDER_MODE = 0o600, 0o700
_HEADER = """\
# Voices that `transcribe speakers enroll` added. `transcribe speakers list` shows them, `forget` removes them.
# You may change a name here. The files next to this one hold the voices: biometric data, to be kept private.
"""


class Sample(BaseModel):
    """An excerpt of a recording from which a voice was enrolled.

    Attributes:
        source: file name of the recording.
        start, end: of the excerpt, in seconds from the start of the recording.
        seconds: duration of the speech in it.
        enrolled: time of enrollment, UTC.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    source: Annotated[str, AfterValidator(printable)]
    start: float = Field(ge=0, le=MAX_SECONDS)
    end: float = Field(ge=0, le=MAX_SECONDS)
    seconds: float = Field(ge=0, le=MAX_SECONDS)
    enrolled: datetime


class Voice(BaseModel):
    """A person's voice, as embeddings of one network.

    Attributes:
        name: of the person.
        diarize_model: the diarizer it was enrolled with, for display.
        embedded_by: the network that made the embeddings; see `Diarization`.
        dimensions: length of an embedding.
        file: name of the file next to speakers.toml that holds the embeddings.
        samples: one for each embedding.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    diarize_model: Annotated[str, AfterValidator(printable)]
    embedded_by: str
    dimensions: int = Field(ge=1, le=_MAX_DIMENSIONS)
    file: Annotated[str, Field(pattern=r"^[0-9a-f]{16}\.npy$")]
    samples: tuple[Sample, ...] = Field(min_length=1)

    @property
    def seconds(self) -> float:
        """Total duration of speech in the samples."""
        return sum(sample.seconds for sample in self.samples)


class _Document(BaseModel):
    """The content of speakers.toml."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    voices: tuple[Voice, ...] = ()


class Library:
    """The voices in a state folder. Several processes may use it at once.

    Args:
        state: the folder. Default: the user's state folder, `~/.local/state/transcribe-cli` on Linux.
    """

    def __init__(self, state: Path | None = None) -> None:
        self.folder = state_path(state, "voices")
        self._file = self.folder / FILE_NAME

    def voices(self) -> tuple[Voice, ...]:
        """All voices, in the order of their first enrollment; empty when there is no library.

        Raises:
            ConfigError: speakers.toml cannot be read or is invalid.
        """
        try:
            document = _Document.model_validate(parse_toml(read_regular_file(self._file, _MAX_TOML_BYTES)))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"{self._file} cannot be read ({error.strerror}).") from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ConfigError(f"{self._file} is not a voice library ({where}: {first['msg']}).") from error
        except ValueError as error:
            raise ConfigError(f"{self._file} {error}.") from error
        for voice in document.voices:
            if reason := name_error(voice.name):
                raise ConfigError(f"{self._file}: the name {printable(voice.name)[:40]!r} {reason}.")
        return document.voices

    def vector(self, voice: Voice) -> NDArray[np.float32]:
        """The voice as one embedding, (dimensions,) of length 1: the mean of its samples, each of length 1.

        Raises:
            ConfigError: the file of its embeddings is missing or was changed.
        """
        mean = unit_vector(self._embeddings(voice).mean(axis=0))
        if mean is None:
            raise self._damaged(voice, "the samples cancel each other out")
        return mean

    def add(self, name: str, diarize_model: str, embedded_by: str, vector: NDArray[np.float32], sample: Sample) -> Voice:
        """Store a voice, or one more sample of it; returns the voice with all its samples.

        Args:
            name: from `checked_name`.
            diarize_model: for display.
            embedded_by: the network; a voice of the same name from another network is kept as well.
            vector: (dimensions,) of length 1.
            sample: the source of the vector.

        Raises:
            ConfigError: the library is damaged.
            StorageNotReady: the library cannot be written.
        """
        with self._locked():
            voices = list(self.voices())
            existing = next((voice for voice in voices if (voice.name, voice.embedded_by) == (name, embedded_by)), None)
            embeddings = vector[None] if existing is None else np.vstack([self._embeddings(existing), vector])
            content = _bytes(embeddings)
            voice = Voice(
                name=name,
                diarize_model=printable(diarize_model),
                embedded_by=embedded_by,
                dimensions=len(vector),
                file=f"{hashlib.sha256(content).hexdigest()[:16]}.npy",
                samples=(*(existing.samples if existing else ()), sample),
            )
            self._write_file(self.folder / voice.file, content)
            self._write([voice if other is existing else other for other in voices] + ([] if existing else [voice]))
        return voice

    def forget(self, name: str) -> tuple[Voice, ...]:
        """Remove a person's voices of all networks, with their embeddings; returns the removed voices.

        Raises:
            UsageError: no voice has this name.
            ConfigError: the library is damaged.
            StorageNotReady: the library cannot be written.
        """
        voices = self.voices()
        normalized = unicodedata.normalize("NFC", name.strip())
        names = list(dict.fromkeys(voice.name for voice in voices))
        if normalized not in names:
            near = get_close_matches(normalized, names, n=1)
            known = f"Enrolled voices: {', '.join(names)}." if names else "No voice is enrolled."
            raise UsageError(f"No voice is called {name!r}.", f"Did you mean {near[0]}?" if near else known)
        with self._locked():
            voices = self.voices()
            removed = tuple(voice for voice in voices if voice.name == normalized)
            self._write([voice for voice in voices if voice.name != normalized])
        return removed

    def _embeddings(self, voice: Voice) -> NDArray[np.float32]:
        """(samples, dimensions)."""
        try:
            data = read_regular_file(self.folder / voice.file, _MAX_EMBEDDINGS_BYTES)
            array = read_floats(io.BytesIO(data), len(data))
        except (OSError, ValueError) as error:
            raise self._damaged(voice, getattr(error, "strerror", None) or "the file is not a NumPy array") from error
        if array.dtype != np.float32 or array.shape != (len(voice.samples), voice.dimensions) or not np.isfinite(array).all():
            raise self._damaged(voice, "the file does not match speakers.toml")
        embeddings: NDArray[np.float32] = array.astype(np.float32, copy=False)
        return embeddings

    def _damaged(self, voice: Voice, reason: str) -> ConfigError:
        hint = f"To remove the voice, run `transcribe speakers forget {voice.name}`."
        return ConfigError(f"The embeddings of {voice.name} in {self.folder / voice.file} cannot be used: {reason}.", hint)

    def _write(self, voices: Sequence[Voice]) -> None:
        """Replace all voices by these, and remove embeddings that no voice uses."""
        self._write_file(self._file, _toml(voices).encode())
        used = {voice.file for voice in voices}
        with suppress(OSError):
            for path in self.folder.glob("*.npy"):
                if path.name not in used:
                    path.unlink(missing_ok=True)

    def _write_file(self, path: Path, data: bytes) -> None:
        with self._storage_errors():
            publish(stage(self.folder, data, mode=_FILE_MODE), path)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock for writing."""
        with self._storage_errors():
            self.folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            descriptor = os.open(self.folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, _FILE_MODE)
        try:
            with suppress(OSError):  # the file system may not support locks
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
                "Choose another folder with --state-dir.",
            ) from error


def checked_name(text: str) -> str:
    """The name as it is stored: composed characters (NFC), without surrounding spaces.

    Raises:
        UsageError: the name is empty, too long, or not printable.
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
    """The text of speakers.toml. Strings and numbers are written as JSON, which is valid TOML."""
    lines = [_HEADER]
    for voice in voices:
        lines.append("\n[[voices]]\n")
        keys = ("name", "diarize_model", "embedded_by", "dimensions", "file")
        lines += [f"{key} = {json.dumps(getattr(voice, key), ensure_ascii=False)}\n" for key in keys]
        lines.append("samples = [\n")
        for sample in voice.samples:
            fields = [
                f"{key} = {json.dumps(getattr(sample, key), ensure_ascii=False)}" for key in ("source", "start", "end", "seconds")
            ]
            lines.append(f"  {{ {', '.join(fields)}, enrolled = {sample.enrolled.isoformat()} }},\n")
        lines.append("]\n")
    return "".join(lines)
