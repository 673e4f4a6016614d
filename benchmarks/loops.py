"""The main contenders: loops over the files with faster-whisper, as in its README. Reads the work from standard input."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import faster_whisper.transcribe
from faster_whisper import BatchedInferencePipeline, WhisperModel

from benchmarks.device import Device, SimulatedWhisper
from benchmarks.work import BEAM_SIZE, LANGUAGE, MAX_NEW_TOKENS, Answer, Work, tell


def _segments(mode: str, whisper: WhisperModel, work: Work, file: str) -> Iterable[Any]:
    options: dict[str, Any] = {"language": LANGUAGE, "beam_size": BEAM_SIZE, "word_timestamps": True}
    if work.random:
        options |= {"temperature": 0.0, "max_new_tokens": MAX_NEW_TOKENS, "condition_on_previous_text": False}
    if mode == "batched":
        return BatchedInferencePipeline(whisper).transcribe(file, batch_size=work.batch_size, **options)[0]
    return whisper.transcribe(file, vad_filter=True, **options)[0]


def main() -> None:
    """Transcribe the files of the work on standard input, one after the other. The argument is `sequential` or `batched`."""
    mode, work = sys.argv[1], Work.received()
    if work.random:
        # Random text never closes a window with a timestamp, so the end of the window would be decoded twice. Assume that it does.
        faster_whisper.transcribe.get_end = lambda segments: None
    device = Device(work.profile) if work.profile else None
    if device:
        whisper: WhisperModel = SimulatedWhisper(work.folder, device)
    else:
        whisper = WhisperModel(work.folder, device=work.device, compute_type=work.compute_type, cpu_threads=work.threads)
    tell("model_loaded")
    began, answer = time.perf_counter(), Answer()
    for file in work.files:
        answer.texts[Path(file).name] = " ".join(segment.text.strip() for segment in _segments(mode, whisper, work, file))
        tell("recording_done", recording=Path(file).name)
    answer.seconds = time.perf_counter() - began
    if device:
        device.tell(answer, began)
    answer.give()


if __name__ == "__main__":
    main()
