"""Recognition with faster-whisper: batches of clips, the temperature ladder, word times by cross-attention.

It rests on parts of faster-whisper 1.2 (`get_prompt`, `find_alignment`, …) rather than on its `BatchedInferencePipeline`, which takes
one file at a time, uses only the first temperature, and carries state from clip to clip.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens, merge_punctuations
from numpy.typing import NDArray

from transcribe_cli.engines import Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.engines.devices import Placement, place, processor_count
from transcribe_cli.engines.gates import Attempt, settle
from transcribe_cli.engines.models import locate
from transcribe_cli.errors import ModelUnavailable, RecognitionFailed, UsageError
from transcribe_cli.events import Emit, Notice, silence
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# On a processor batching gains nothing and costs memory (measured); a GPU is fed by it.
BATCH_SIZE = {"cpu": 4, "cuda": 16}
# A group of clips that did not fill its batch is recognized after this many batches of others: no recording waits for the run's end.
PATIENCE_BATCHES = 4
# Whisper's decoder sees at most 448 tokens, prompt included.
MAX_TOKENS = 448
# The features need more samples than one window of 400; a shorter clip is padded with silence.
MIN_SAMPLES = 1600
# Unless the model's first timestamp may lie anywhere: openai/whisper's default, in steps of 0.02 s.
MAX_INITIAL_TIMESTAMP = 50
PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"


class FasterWhisper:
    """A faster-whisper model, loaded and ready; not for several threads at a time."""

    def __init__(self, whisper: WhisperModel, name: str, placement: Placement, batch_size: int, emit: Emit = silence) -> None:
        self._whisper = whisper
        self._emit = emit
        self._placement = placement
        self.model = name
        self.batch_size = batch_size

    @classmethod
    def load(cls, name: str, settings: Settings, emit: Emit = silence) -> FasterWhisper:
        """Find the model, choose the device, load.

        Raises:
            UsageError: no model is called so, or a folder holds none.
            ModelUnavailable: it is not here and cannot be fetched, or does not load.
            DeviceUnavailable: see `devices.place`.
        """
        placement = place(settings.device, settings.compute_type, settings.device_index)
        folder = locate(name, settings.model_dir, offline=settings.offline)
        # The rungs above 0 draw at random: the same run gives the same text.
        ctranslate2.set_random_seed(0)
        try:
            whisper = WhisperModel(
                str(folder),
                device=placement.device,
                device_index=list(settings.device_index) if placement.device == "cuda" else 0,
                compute_type=placement.compute_type,
                cpu_threads=settings.threads or processor_count(),
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelUnavailable(
                f"Model {name} does not load on {placement} ({error}).", "Try another --compute-type."
            ) from error
        return cls(whisper, name, placement, settings.batch_size or BATCH_SIZE[placement.device], emit)

    @property
    def device(self) -> str:
        """Such as `cpu/int8`."""
        return str(self._placement)

    def languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """For each clip, the probability of each language code; English alone for a model that knows no other."""
        if not self._whisper.model.is_multilingual:
            return [{"en": 1.0} for _ in clips]
        found: list[Mapping[str, float]] = []
        for start in range(0, len(clips), self.batch_size):
            encoded = self._whisper.encode(self._features(clips[start : start + self.batch_size]))
            found += [{token[2:-2]: p for token, p in scores} for scores in self._whisper.model.detect_language(encoded)]
        return found

    def check(self, spec: JobSpec) -> None:
        """Whether this model can do what the spec asks.

        Raises:
            UsageError: another language or task than an English-only model has, or a prompt that leaves no room.
        """
        if not self._whisper.model.is_multilingual and (spec.language not in (None, "en") or spec.task == "translate"):
            raise UsageError(f"Model {self.model} only knows English.", "Take one whose name does not end in .en.")

    def transcribe(self, clips: Iterable[Clip]) -> Iterator[ClipResult]:
        """Recognize clips as they come; clips of the same spec and language share batches."""
        groups: dict[tuple[JobSpec, str], list[Clip]] = {}
        waiting: dict[tuple[JobSpec, str], int] = {}
        for clip in clips:
            key = (clip.spec, clip.language)
            groups.setdefault(key, []).append(clip)
            waiting = {other: waiting.get(other, 0) + 1 for other in groups}
            for other, count in waiting.items():
                if len(groups[other]) >= self.batch_size or count >= PATIENCE_BATCHES * self.batch_size:
                    yield from self._batch(groups.pop(other))
            waiting = {other: count for other, count in waiting.items() if other in groups}
        for group in groups.values():
            yield from self._batch(group)

    def _batch(self, clips: Sequence[Clip]) -> Iterator[ClipResult]:
        """One batch; halved when the GPU's memory does not hold it, and that is remembered."""
        began = time.perf_counter()
        try:
            found = list(self._climb(clips))
        except RuntimeError as error:
            if "out of memory" in str(error).lower() and len(clips) > 1:
                half = len(clips) // 2
                if half < self.batch_size:
                    self.batch_size = half
                    self._emit(Notice(f"The GPU's memory is full: going on with batches of {half}.", "warning"))
                for start in range(0, len(clips), half):
                    yield from self._batch(clips[start : start + half])
                return
            for clip in clips:
                yield ClipResult(clip, error=RecognitionFailed(f"The recognizer failed ({_first_line(error)})."))
            return
        share = (time.perf_counter() - began) / len(clips)
        yield from (replace(result, seconds=share) for result in found)

    def _climb(self, clips: Sequence[Clip]) -> Iterator[ClipResult]:
        """Up the temperature ladder: what fails the gates is tried again, together with the others that failed."""
        spec, tokenizer = clips[0].spec, self._tokenizer(clips[0])
        attempts: dict[int, list[Attempt]] = {position: [] for position in range(len(clips))}
        remaining = list(attempts)
        for temperature in spec.temperature:
            here = [clips[position] for position in remaining]
            encoded = self._whisper.encode(self._features(here))
            found = self._generate(encoded, len(here), tokenizer, spec, temperature)
            last = temperature == spec.temperature[-1]
            for position, attempt in zip(remaining, found, strict=True):
                attempts[position].append(attempt)
            settled = [settle(attempts[position], spec, last=last) for position in remaining]
            yield from self._results(here, settled, encoded, tokenizer)
            remaining = [position for position, attempt in zip(remaining, settled, strict=True) if attempt is None]
            if not remaining:
                return

    def _tokenizer(self, clip: Clip) -> Tokenizer:
        multilingual = self._whisper.model.is_multilingual
        return Tokenizer(self._whisper.hf_tokenizer, multilingual, task=clip.spec.task, language=clip.language or "en")

    def _features(self, clips: Sequence[Clip]) -> NDArray[np.float32]:
        """(clips, mels, 3000): log-mel features, padded with zeros as faster-whisper pads them."""
        extract = self._whisper.feature_extractor
        return np.stack([pad_or_trim(extract(_at_least(clip.samples()))[..., :-1]) for clip in clips])

    def _generate(
        self, encoded: ctranslate2.StorageView, count: int, tokenizer: Tokenizer, spec: JobSpec, temperature: float
    ) -> list[Attempt]:
        prompt = self._whisper.get_prompt(
            tokenizer,
            tokenizer.encode(" " + spec.initial_prompt.strip()) if spec.initial_prompt else [],
            # Word times are measured afterwards, and text is better without the model's own timestamps.
            without_timestamps=spec.word_timestamps,
            hotwords=spec.hotwords,
        )
        search: dict[str, Any] = (
            {"beam_size": 1, "num_hypotheses": spec.best_of, "sampling_topk": 0, "sampling_temperature": temperature}
            if temperature > 0
            else {"beam_size": spec.beam_size, "patience": spec.patience}
        )
        results = self._whisper.model.generate(
            encoded,
            [prompt] * count,
            length_penalty=spec.length_penalty,
            repetition_penalty=spec.repetition_penalty,
            no_repeat_ngram_size=spec.no_repeat_ngram_size,
            max_length=min(MAX_TOKENS, len(prompt) + spec.max_new_tokens) if spec.max_new_tokens else MAX_TOKENS,
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=get_suppressed_tokens(tokenizer, list(spec.suppress_tokens)),
            max_initial_timestamp_index=MAX_INITIAL_TIMESTAMP,
            **search,
        )
        return [_attempt(result, tokenizer, spec, temperature) for result in results]

    def _results(
        self, clips: Sequence[Clip], settled: Sequence[Attempt | None], encoded: ctranslate2.StorageView, tokenizer: Tokenizer
    ) -> Iterator[ClipResult]:
        """Results of the clips that are settled, with word times when the spec asks for them."""
        words: list[tuple[SpokenWord, ...]] = [()] * len(clips)
        if clips[0].spec.word_timestamps and any(attempt is not None for attempt in settled):
            words = self._align(clips, [_text_tokens(attempt, tokenizer) for attempt in settled], encoded, tokenizer)
        for clip, attempt, timed in zip(clips, settled, words, strict=True):
            if attempt is not None:
                phrases = () if clip.spec.word_timestamps else self._phrases(clip, attempt, tokenizer)
                yield replace(attempt.result(clip), words=timed, phrases=phrases)

    def _align(
        self, clips: Sequence[Clip], tokens: list[list[int]], encoded: ctranslate2.StorageView, tokenizer: Tokenizer
    ) -> list[tuple[SpokenWord, ...]]:
        frames = [min(3000, max(2, int((clip.end - clip.start) * 100))) for clip in clips]
        alignments = self._whisper.find_alignment(tokenizer, tokens, encoded, frames)
        found = []
        for clip, alignment in zip(clips, alignments, strict=True):
            merge_punctuations(alignment, PREPENDED, APPENDED)
            found.append(
                tuple(
                    SpokenWord(
                        timing["word"],
                        clip.start + float(timing["start"]),
                        clip.start + float(timing["end"]),
                        float(timing["probability"]),
                        tuple(timing["tokens"]),
                    )
                    for timing in alignment
                    if timing["word"].strip()
                )
            )
        return found

    def _phrases(self, clip: Clip, attempt: Attempt, tokenizer: Tokenizer) -> tuple[Phrase, ...]:
        seconds = clip.end - clip.start
        pieces, _, _ = self._whisper._split_segments_by_timestamps(
            tokenizer, list(attempt.tokens), clip.start, segment_size=int(seconds * 100), segment_duration=seconds, seek=0
        )
        timed = []
        for piece in pieces:
            tokens = tuple(token for token in piece["tokens"] if token < tokenizer.eot)
            if (text := tokenizer.decode(tokens)).strip():
                timed.append(Phrase(text, float(piece["start"]), min(float(piece["end"]), clip.end), tokens))
        return tuple(timed)


def _attempt(result: Any, tokenizer: Tokenizer, spec: JobSpec, temperature: float) -> Attempt:  # noqa: ANN401 - CTranslate2's
    best = int(np.argmax(result.scores))
    tokens = tuple(result.sequences_ids[best])
    # CTranslate2 divides by length ** length_penalty; Whisper's mean also counts the end of text.
    logprob = float(result.scores[best] * len(tokens) ** spec.length_penalty / (len(tokens) + 1))
    text = tokenizer.decode(list(tokens)).strip()
    return Attempt(tokens, text, temperature, logprob, get_compression_ratio(text), float(result.no_speech_prob))


def _text_tokens(attempt: Attempt | None, tokenizer: Tokenizer) -> list[int]:
    return [token for token in attempt.tokens if token < tokenizer.eot] if attempt else []


def _at_least(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.pad(samples, (0, max(0, MIN_SAMPLES - len(samples))))


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
