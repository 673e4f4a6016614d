"""A simulated accelerator: everything around it is real, and a call of B clips sleeps L + m * B seconds, one call at a time."""

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
    """One accelerator, and when it was busy."""

    def __init__(self, profile: tuple[float, float]) -> None:
        self._latency, self._per_clip = profile
        self._lock = threading.Lock()
        self.clips: list[int] = []
        self.spans: list[tuple[float, float]] = []

    def compute(self, clips: int) -> None:
        """Be busy for as long as a batch of so many clips takes."""
        with self._lock:
            began = time.perf_counter()
            time.sleep(self._latency + self._per_clip * clips)
            self.spans.append((began, time.perf_counter()))
            self.clips.append(clips)

    def tell(self, answer: Answer, began: float) -> None:
        """Fill in what happened on the device, in work that began then."""
        answer.clips, answer.calls = sum(self.clips), len(self.clips)
        answer.busy = sum(end - start for start, end in self.spans)
        answer.lead, answer.span = self.spans[0][0] - began, self.spans[-1][1] - self.spans[0][0]


class SimulatedWhisper(WhisperModel):
    """The demo model with its network replaced by a device that sleeps; it always says the same sentence, spread over the clip."""

    def __init__(self, folder: str, device: Device) -> None:
        super().__init__(folder, device="cpu", compute_type="int8", cpu_threads=1)
        self.model = _Network(self.model, device, self.hf_tokenizer)

    def encode(self, features: NDArray[np.float32]) -> ctranslate2.StorageView:
        """Nothing: one number for each clip."""
        count = features.shape[0] if features.ndim == 3 else 1
        return ctranslate2.StorageView.from_array(np.zeros((count, 1, 1), np.float32))


class _Network:
    """What is called of `ctranslate2.models.Whisper`."""

    def __init__(self, real: Any, device: Device, tokenizer: Any) -> None:  # noqa: ANN401 - both come without types
        self._real = real
        self._device = device
        self._text = tokenizer.encode(SENTENCE, add_special_tokens=False).ids
        self._unstamped = tokenizer.token_to_id("<|notimestamps|>")

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the model has
        return getattr(self._real, name)

    def generate(self, encoded: object, prompts: Sequence[Sequence[int]], **options: object) -> list[SimpleNamespace]:
        """The sentence for each prompt; with a timestamp on both sides unless the prompt wants none: one window is one segment."""
        self._device.compute(len(prompts))
        begin, end = self._unstamped + 1, self._unstamped + 1501
        tokens = [self._text if self._unstamped in prompt else [begin, *self._text, end] for prompt in prompts]
        return [SimpleNamespace(sequences_ids=[ids], scores=[-0.1], no_speech_prob=0.01) for ids in tokens]

    def align(
        self, encoded: object, start: object, texts: Sequence[Sequence[int]], frames: int | Sequence[int], **options: object
    ) -> list[SimpleNamespace]:
        """Each token as long as the next, over the whole clip."""
        lengths = [frames] * len(texts) if isinstance(frames, int) else frames
        return [
            SimpleNamespace(
                alignments=[(place, place * (length // 2) // max(1, len(text))) for place in range(len(text) + 1)],
                text_token_probs=[0.9] * len(text),
            )
            for text, length in zip(texts, lengths, strict=True)
        ]
