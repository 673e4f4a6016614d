"""Helpers for tests of the whole program: encoded speech, checks of output files and of terminal output."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path
from typing import Any

import av
import srt
import webvtt

from tests.conftest import spoken

SHORT = "Bom dia a todos."


def encoded(path: Path, text: str = SHORT, codec: str = "pcm_s16le", rate: int = 16_000, layout: str = "mono") -> Path:
    """Speech in the container of the file's extension."""
    with av.open(io.BytesIO(spoken(text))) as speech, av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        resampler = av.AudioResampler(stream.codec_context.format, layout, rate)
        frames = [*speech.decode(audio=0), None]
        packets = [packet for frame in frames for resampled in resampler.resample(frame) for packet in stream.encode(resampled)]
        container.mux([*packets, *stream.encode(None)])
    return path


def state(folder: Path) -> dict[Path, tuple[int, int, bytes]]:
    """Inode, time and content of every file below a folder: equal only when nothing was changed."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def check_set(stem: Path) -> dict[str, Any]:
    """Check that JSON, SRT and VTT of a recording exist, parse and have the same text; the JSON document."""
    json_file, srt_file, vtt_file = (stem.with_name(f"{stem.name}.{ending}") for ending in ("json", "srt", "vtt"))
    document: dict[str, Any] = json.loads(json_file.read_text("utf-8"))
    subtitles = list(srt.parse(srt_file.read_text("utf-8")))
    captions = webvtt.from_string(vtt_file.read_text("utf-8"))
    assert len(subtitles) == len(captions)
    assert bool(subtitles) == bool(document["segments"])
    assert _words(" ".join(cue.content for cue in subtitles)) == _words(document["text"])
    assert "".join(segment["text"] for segment in document["segments"]) == document["text"]
    assert set(document["outputs"]) == {json_name(srt_file), json_name(vtt_file)}
    return document


def json_name(path: Path) -> str:
    """A file name as in our JSON documents."""
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def unfinished(*folders: Path) -> list[Path]:
    """Our temporary and scratch files in these folders and below."""
    return [path for folder in folders for path in folder.rglob("*") if re.match(r"\.?transcribe-.*\.(tmp|s16)", path.name)]


def check_harmless(printed: bytes) -> str:
    """Check that text is safe to print: UTF-8, no control characters but newlines, no traceback; the text."""
    text = printed.decode("utf-8", "strict")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]", text), text
    assert "Traceback" not in text, text
    assert "Exception ignored" not in text, text
    return text


def _words(text: str) -> list[str]:
    return text.replace("\n", " ").split()
