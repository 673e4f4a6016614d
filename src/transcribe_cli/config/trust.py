"""Which found configuration files the user trusts: by path and content, so that any change of a file ends its trust.

`transcribe config trust FILE` writes a record for each file. Records are compared as a whole, never parsed.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transcribe_cli.config.reading import read_content
from transcribe_cli.errors import ConfigError

Trust = Literal["trusted", "changed", "unknown"]


@dataclass(frozen=True)
class TrustRecords:
    """The records.

    Attributes:
        folder: where they are; only the user can read it.
    """

    folder: Path

    def path(self, file: Path) -> Path:
        """The path of the record of a file. Its name is a hash of the file's path, in which links to folders are resolved."""
        return self.folder / f"{hashlib.sha256(os.fsencode(_identity(file))).hexdigest()[:32]}.json"

    def record(self, file: Path, data: bytes) -> bytes:
        """The record that makes a file with this content trusted."""
        document = {"file": str(_identity(file)), "sha256": hashlib.sha256(data).hexdigest()}
        return json.dumps(document, indent=1).encode() + b"\n"

    def trust_in(self, file: Path, data: bytes) -> Trust:
        """Whether the user trusts this file with this content. A record counts only if nobody else can have written it.

        Raises:
            ConfigError: the record cannot be read, or other users can change it.
        """
        path = self.path(file)
        try:
            path.lstat()
        except OSError:
            return "unknown"
        content = read_content(path)
        if content.mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise ConfigError(f"{path} can be changed by other users.", f"Remove it, and trust {file} again.")
        return "trusted" if content.data == self.record(file, data) else "changed"


def _identity(file: Path) -> Path:
    # The last part is not resolved: a link to a trusted file has other relative paths.
    return Path(os.path.realpath(file.parent), file.name)
