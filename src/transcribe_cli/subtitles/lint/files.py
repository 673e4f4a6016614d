"""Subtitle files to check: finding them, their language, and their cues as displayed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from transcribe_cli.errors import SourceNotFound, TranscribeError, Unreadable, UsageError
from transcribe_cli.subtitles.lint.rules import DisplayedCue
from transcribe_cli.subtitles.parser import is_vtt, read_cues, strip_srt_markup, strip_vtt_tags
from transcribe_cli.text.credentials import shown_url
from transcribe_cli.text.encodings import read_text
from transcribe_cli.text.languages import language_code, tag_code
from transcribe_cli.text.links import Links, leads_out
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import read_regular_file
from transcribe_cli.transcript import Transcript

SUFFIXES = (".srt", ".vtt")


@dataclass(frozen=True)
class SubtitleFile:
    """A SubRip or WebVTT file."""

    path: Path

    def cues(self) -> list[DisplayedCue]:
        """Read its cues in order, numbered from 1, without markup.

        Raises:
            Unreadable: it cannot be opened, or its content does not match its suffix.
        """
        name, text = printable(self.path.name), read_text(self.path)
        vtt = self.path.suffix.lower() == ".vtt"
        if vtt and not is_vtt(text):
            raise Unreadable(f"{name} is not WebVTT (it does not begin with WEBVTT).", "If it is SubRip, rename it to .srt.")
        cues = list(read_cues(text, name))
        if not cues and text.strip() and not vtt:
            raise Unreadable(f"{name} has no subtitles (no line with -->).")
        strip = strip_vtt_tags if vtt else strip_srt_markup
        return [
            DisplayedCue(number, cue.start_ms, cue.end_ms, tuple(line.strip() for line in strip(cue.text).split("\n")))
            for number, cue in enumerate(cues, start=1)
        ]

    def language(self) -> str:
        """The language code from its name (`aula.pt.srt`), else from the transcript next to it, else ""."""
        _, dot, tag = self.path.stem.rpartition(".")
        if dot and (code := tag_code(tag)) is not None:
            return code
        try:
            return Transcript.loads(read_regular_file(self.path.with_suffix(".json"))).language
        except (OSError, TranscribeError):
            return ""


def find_subtitle_files(sources: Sequence[str], links: Links | None = None) -> Iterator[SubtitleFile]:
    """The given files, and all subtitle files in the given folders, in order. Hidden files and folders are skipped.

    Links to folders are not entered. Links to files outside the given folder are followed if `links` says so. Default: they are not.

    Raises:
        SourceNotFound: a source does not exist.
        UsageError: a given file is not a subtitle file.
    """
    links = links or Links()
    for source in sources:
        path = Path(source)
        if path.is_dir():
            yield from _in_folder(path, links)
        elif not path.exists():
            raise SourceNotFound(f"{printable(shown_url(source))} does not exist.")
        elif path.suffix.lower() not in SUFFIXES:
            raise UsageError(f"{printable(path.name)} is not a subtitle file.", f"Supported: {', '.join(SUFFIXES)}.")
        else:
            yield SubtitleFile(path)


def _in_folder(folder: Path, links: Links) -> Iterator[SubtitleFile]:
    tree = links.tree(folder)
    for file in sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES):
        if any(part.startswith(".") for part in file.relative_to(folder).parts):
            continue
        if file.is_symlink() and leads_out(file, tree):
            links.skip(str(file.absolute()))
        else:
            yield SubtitleFile(file)


def parse_language(text: str) -> str:
    """The code of a language given as code or name; "" for "".

    Raises:
        UsageError: the language is unknown.
    """
    try:
        return language_code(text) or ""
    except ValueError as error:
        raise UsageError(f"--language: {error}.") from error
