"""A WhisperModel of faster-whisper that leaves room for text, whatever prompt and hotwords it gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import ctranslate2
from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import TranscriptionOptions

from transcribe_cli.errors import ModelUnavailable
from transcribe_cli.recognition.engines import DeviceOutOfMemory, model_folder
from transcribe_cli.recognition.engines.devices import DeviceChoice
from transcribe_cli.recognition.engines.prompts import fit, prompt_tokens
from transcribe_cli.recognition.engines.tokenizer_file import TOKENIZER
from transcribe_cli.recognition.engines.whisper_variables import Architecture
from transcribe_cli.text.printable import printable


class RoomyWhisper(WhisperModel):  # type: ignore[misc] # faster-whisper has no types
    """Its sequential decoding calls these two methods, too."""

    def get_prompt(
        self,
        tokenizer: Tokenizer,
        previous_tokens: Sequence[int],
        without_timestamps: bool = False,
        prefix: str | None = None,
        hotwords: str | None = None,
    ) -> list[int]:
        """The tokens before the text. Hotwords and previous text share the room for them; see `prompts.fit`."""
        kept, previous = fit(tokenizer, [] if prefix else prompt_tokens(tokenizer, hotwords), previous_tokens)
        start: list[int] = super().get_prompt(tokenizer, [], without_timestamps=without_timestamps, prefix=prefix)
        return [tokenizer.sot_prev, *kept, *previous, *start] if kept or previous else start

    def generate_with_fallback(
        self, encoder_output: ctranslate2.StorageView, prompt: list[int], tokenizer: Tokenizer, options: TranscriptionOptions
    ) -> Any:  # noqa: ANN401 - a tuple of faster-whisper's
        """Decode a window, with at most the tokens that are left. WhisperModel raises an error for more."""
        if options.max_new_tokens is not None:
            options = replace(options, max_new_tokens=min(options.max_new_tokens, self.max_length - len(prompt)))
        return super().generate_with_fallback(encoder_output, prompt, tokenizer, options)


def load_whisper(
    folder: Path, name: str, choice: DeviceChoice, options: Mapping[str, int], architecture: Architecture
) -> RoomyWhisper:
    """Load a model that `model_folder.check_numbers` has checked.

    Raises:
        ModelUnavailable: it does not load, or its tokenizer is damaged or another model's.
    """
    try:
        whisper = RoomyWhisper(str(folder), device=choice.device, compute_type=choice.compute_type, **options)
    except Exception as error:
        reason = printable(str(error) or type(error).__name__)[:300]
        raise ModelUnavailable(f"Model {name} does not load on {choice} ({reason}).", "Try another --compute-type.") from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # of Rust, in tokenizers
            raise
        raise model_folder.refusal(folder, name, f"{TOKENIZER} is damaged") from error
    # The file may ask for any length.
    whisper.hf_tokenizer.no_padding()
    whisper.hf_tokenizer.no_truncation()
    model_folder.check_loaded(folder, name, whisper.hf_tokenizer, architecture)
    return whisper


@contextmanager
def memory_errors() -> Iterator[None]:
    """Raise CTranslate2's out-of-memory errors as DeviceOutOfMemory."""
    try:
        yield
    except RuntimeError as error:
        if "out of memory" in str(error).lower():
            raise DeviceOutOfMemory(str(error)) from error
        raise
