"""Subtitle files to check: where they are, which language they have, and their cues as they are shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import SourceNotFound, TranscribeError, Unreadable, UsageError
from transcribe_cli.subtitles.lint.rules import DisplayedCue
from transcribe_cli.subtitles.parser import is_vtt, read_cues, strip_srt_markup, strip_vtt_tags
from transcribe_cli.text.encodings import read_text
from transcribe_cli.text.languages import LANGUAGES, language_code
from transcribe_cli.text.printable import printable
from transcribe_cli.transcript import Transcript

SUFFIXES = (".srt", ".vtt")


@dataclass(frozen=True)
class SubtitleFile:
    """A SubRip or WebVTT file."""

    path: Path

    def cues(self) -> list[DisplayedCue]:
        """Its cues in their order, numbered from 1, without markup.

        Raises:
            Unreadable: it cannot be opened, or is not what its suffix says.
        """
        name, text = printable(self.path.name), read_text(self.path)
        vtt = self.path.suffix.lower() == ".vtt"
        if vtt and not is_vtt(text):
            raise Unreadable(f"{name} is not WebVTT (it does not begin with WEBVTT).", "Is it SubRip? Then call it .srt.")
        found = list(read_cues(text, name))
        if not found and text.strip() and not vtt:
            raise Unreadable(f"{name} has no subtitles (no line with -->).")
        bare = strip_vtt_tags if vtt else strip_srt_markup
        return [
            DisplayedCue(number, cue.start_ms, cue.end_ms, tuple(line.strip() for line in bare(cue.text).split("\n")))
            for number, cue in enumerate(found, start=1)
        ]

    def language(self) -> str:
        """The code in its name (`aula.pt.srt`), else that of the transcript beside it, else ""."""
        code = self.path.stem.rpartition(".")[2].partition("-")[0].lower()
        if "." in self.path.stem and code in LANGUAGES:
            return code
        try:
            return Transcript.loads(self.path.with_suffix(".json").read_bytes()).language
        except (OSError, TranscribeError):
            return ""


def find_subtitle_files(sources: Sequence[str]) -> Iterator[SubtitleFile]:
    """The files that are named, and all of the folders that are, in order; hidden ones are passed over.

    Raises:
        SourceNotFound: one that is not there.
        UsageError: a file of another kind.
    """
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = sorted(file for file in path.rglob("*") if file.suffix.lower() in SUFFIXES)
            yield from (
                SubtitleFile(file) for file in found if not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        elif not path.exists():
            raise SourceNotFound(f"There is no {printable(source)}.")
        elif path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{printable(path.name)} is not a kind of file that can be checked.", "Names end in .srt, .vtt.")
        else:
            yield SubtitleFile(path)


def parse_language(text: str) -> str:
    """The code of a language given as code or name; "" stays.

    Raises:
        UsageError: no language is called so.
    """
    try:
        return language_code(text) or ""
    except ValueError as error:
        raise UsageError(f"--language: {error}.") from error
