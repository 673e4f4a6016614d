"""A simulated accelerator: a call with B clips sleeps L + m * B seconds, one call at a time; everything around it is real."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from numpy.typing import NDArray

from benchmarks.work import Answer

SENTENCE = (
    " O professor explica a lição de hoje na sala de aula, a testemunha descreve o mapa da cidade com calma, e depois do almoço o juiz "
    "apresenta o relatório final para todos."
)


class Device:
    """One accelerator, and the times when it was busy."""

    def __init__(self, profile: tuple[float, float]) -> None:
        self._latency, self._per_clip = profile
        self._lock = threading.Lock()
        self.clips: list[int] = []
        self.spans: list[tuple[float, float]] = []

    def compute(self, clips: int) -> None:
        """Block for the duration of a batch of this many clips."""
        with self._lock:
            began = time.perf_counter()
            time.sleep(self._latency + self._per_clip * clips)
            self.spans.append((began, time.perf_counter()))
            self.clips.append(clips)

    def tell(self, answer: Answer, began: float) -> None:
        """Add the statistics of the device to an answer; the work started at `began`."""
        answer.clips, answer.calls = sum(self.clips), len(self.clips)
        answer.busy = sum(end - start for start, end in self.spans)
        answer.lead, answer.span = self.spans[0][0] - began, self.spans[-1][1] - self.spans[0][0]


class SimulatedWhisper(WhisperModel):
    """The demo model with its network replaced by a simulated device. Every clip gets the same sentence, spread over the clip."""

    def __init__(self, folder: str, device: Device) -> None:
        super().__init__(folder, device="cpu", compute_type="int8", cpu_threads=1)
        self.model = _Network(self.model, device, self.hf_tokenizer)

    def encode(self, features: NDArray[np.float32]) -> ctranslate2.StorageView:
        """A placeholder: one number for each clip."""
        count = features.shape[0] if features.ndim == 3 else 1
        return ctranslate2.StorageView.from_array(np.zeros((count, 1, 1), np.float32))


class _Network:
    """The parts of `ctranslate2.models.Whisper` that are called."""

    def __init__(self, real: Any, device: Device, tokenizer: Any) -> None:  # noqa: ANN401 - both are untyped
        self._real = real
        self._device = device
        self._text = tokenizer.encode(SENTENCE, add_special_tokens=False).ids
        self._unstamped = tokenizer.token_to_id("<|notimestamps|>")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - any attribute of the model
        return getattr(self._real, name)

    def generate(self, encoded: object, prompts: Sequence[Sequence[int]], **options: object) -> list[SimpleNamespace]:
        """The sentence for each prompt, as one segment: with a timestamp on both sides unless the prompt disables timestamps."""
        self._device.compute(len(prompts))
        begin, end = self._unstamped + 1, self._unstamped + 1501
        tokens = [self._text if self._unstamped in prompt else [begin, *self._text, end] for prompt in prompts]
        return [SimpleNamespace(sequences_ids=[ids], scores=[-0.1], no_speech_prob=0.01) for ids in tokens]

    def align(
        self, encoded: object, start: object, texts: Sequence[Sequence[int]], frames: int | Sequence[int], **options: object
    ) -> list[SimpleNamespace]:
        """Tokens of equal length over the whole clip."""
        lengths = [frames] * len(texts) if isinstance(frames, int) else frames
        return [
            SimpleNamespace(
                alignments=[(place, place * (length // 2) // max(1, len(text))) for place in range(len(text) + 1)],
                text_token_probs=[0.9] * len(text),
            )
            for text, length in zip(texts, lengths, strict=True)
        ]
