"""The process of faster-whisper's two classes: a loop over the recordings, as in its README, with its defaults and word times.

Reads the work from standard input and writes the JSON of openai/whisper for each recording.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faster_whisper import BatchedInferencePipeline, WhisperModel

SEQUENTIAL, BATCHED = "fw-sequential", "fw-batched"


@dataclass(frozen=True)
class Loop:
    """The work for the process.

    Attributes:
        mode: `SEQUENTIAL` or `BATCHED`.
        language: None to detect it.
        out: folder for the results.
    """

    mode: str
    files: tuple[str, ...]
    model: str
    language: str | None
    device: str
    compute_type: str
    threads: int
    out: str


def _transcribed(whisper: WhisperModel, work: Loop, file: str) -> dict[str, Any]:
    options: dict[str, Any] = {"language": work.language, "word_timestamps": True, "vad_filter": True}
    engine = BatchedInferencePipeline(whisper) if work.mode == BATCHED else whisper
    parts, info = engine.transcribe(file, **options)
    segments = [
        {
            "start": part.start,
            "end": part.end,
            "text": part.text,
            "words": [dataclasses.asdict(word) for word in part.words or ()],
        }
        for part in parts
    ]
    return {"text": "".join(part["text"] for part in segments), "segments": segments, "language": info.language}


def main() -> None:
    """Transcribe the recordings of the work, one after the other. A recording that fails is told and left out."""
    work = Loop(**json.loads(sys.stdin.read()))
    whisper = WhisperModel(work.model, device=work.device, compute_type=work.compute_type, cpu_threads=work.threads)
    for file in work.files:
        try:
            found = _transcribed(whisper, work, file)
        except Exception as error:  # whatever a loop of a user would have to catch
            print(f"{Path(file).name}: {error}", file=sys.stderr, flush=True)
            continue
        Path(work.out, f"{Path(file).stem}.json").write_text(json.dumps(found, ensure_ascii=False, default=float), "utf-8")


if __name__ == "__main__":
    main()
