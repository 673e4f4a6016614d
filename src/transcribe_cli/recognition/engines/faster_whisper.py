"""Recognition with faster-whisper: batches of clips, one temperature at a time, word times by cross-attention.

It uses parts of faster-whisper 1.2 (`get_prompt`, `find_alignment`, …) rather than its `BatchedInferencePipeline`, which takes one file
at a time, uses only the first temperature, and carries state from clip to clip.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_compression_ratio, get_suppressed_tokens
from numpy.typing import NDArray

from transcribe_cli.errors import UsageError
from transcribe_cli.recognition.engines import (
    Attempt,
    Clip,
    ClipResult,
    Phrase,
    SpokenWord,
    Task,
    model_folder,
)
from transcribe_cli.recognition.engines.alignment import align_words
from transcribe_cli.recognition.engines.devices import choose_device, processor_count
from transcribe_cli.recognition.engines.encoder_cache import EncoderCache, to_host
from transcribe_cli.recognition.engines.features import MelFilters, extract_features
from transcribe_cli.recognition.engines.gates import choose_attempt, is_repetitive
from transcribe_cli.recognition.engines.heard_languages import is_asked, likeliest, with_heard_languages
from transcribe_cli.recognition.engines.models import locate, revision_of
from transcribe_cli.recognition.engines.prompts import prompt_tokens, shortening
from transcribe_cli.recognition.engines.sequential import recognize_sequentially
from transcribe_cli.recognition.engines.whisper_model import RoomyWhisper, load_whisper, memory_errors
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

# On a CPU batching gains next to nothing and costs memory (measured); a GPU needs it.
BATCH_SIZE = {"cpu": 2, "cuda": 16}
# On a CPU, two replicas with one thread each are 1.8 times as fast as one with two. Each needs its own memory, hence the limit.
MAX_REPLICAS = 4
# While one thread computes on the GPU, the other prepares the features of the next batch.
GPU_CONCURRENCY = 2
# The context of Whisper's decoder in tokens, prompt included.
MAX_TOKENS = 448
# The latest first timestamp, in steps of 0.02 s: openai/whisper's default.
MAX_INITIAL_TIMESTAMP = 50


class FasterWhisper:
    """A faster-whisper model on one device, loaded and ready.

    Attributes:
        concurrency: how many threads may call `recognize` and `detect_languages` at once.
        replicas: for how many of them it computes at once; the others are queued.
    """

    def __init__(
        self,
        whisper: RoomyWhisper,
        name: str,
        device: str,
        batch_size: int,
        replicas: int,
        concurrency: int,
        revision: str | None = None,
    ) -> None:
        self._whisper = whisper
        whisper.feature_extractor.mel_filters = MelFilters(whisper.feature_extractor.mel_filters)
        self._compute_slots = threading.Semaphore(replicas)
        self.model = name
        self.revision = revision
        self.device = device
        self.batch_size = batch_size
        self.concurrency = concurrency
        self.replicas = replicas
        self._encoder_cache = EncoderCache(2 * batch_size * concurrency)

    @classmethod
    def load(cls, name: str, settings: Settings) -> list[Callable[[], FasterWhisper]]:
        """Find the model and choose the devices; returns a loader for each device.

        Raises:
            UsageError: there is no model of this name, or the folder contains none.
            ModelUnavailable: it is not on this machine and cannot be downloaded; also raised by the loaders if it does not load.
            DeviceUnavailable: see `devices.choose_device`.
        """
        choice = choose_device(settings.device, settings.compute_type, settings.device_index)
        located = locate(name, settings.model_dir, offline=settings.offline)
        architecture, revision = model_folder.check_numbers(located, name), revision_of(name, located)

        def whisper(options: Mapping[str, int]) -> RoomyWhisper:
            return load_whisper(located, name, choice, options, architecture)

        # Temperatures above 0 sample at random; the seed makes runs reproducible.
        ctranslate2.set_random_seed(0)
        size = settings.batch_size or BATCH_SIZE[choice.device]
        if choice.device == "cpu":
            threads = settings.threads or processor_count()
            replicas = min(settings.num_workers or MAX_REPLICAS, threads)
            options = {"cpu_threads": threads // replicas, "num_workers": replicas}
            return [lambda: cls(whisper(options), name, str(choice), size, replicas, replicas, revision)]
        has_several = len(settings.device_index) > 1

        def on_gpu(index: int) -> FasterWhisper:
            device = f"cuda:{index}/{choice.compute_type}" if has_several else str(choice)
            return cls(whisper({"device_index": index}), name, device, size, 1, GPU_CONCURRENCY, revision)

        return [lambda index=index: on_gpu(index) for index in settings.device_index]  # type: ignore[misc]

    def check(self, spec: JobSpec) -> None:
        """Check that this model supports the spec.

        Raises:
            UsageError: the model is English-only, and the spec has another language or translates; or it does not have a token of
                the spec.
        """
        tokens = self._whisper.hf_tokenizer.get_vocab_size()
        if not all(-1 <= token < tokens for token in spec.suppress_tokens):
            # CTranslate2 uses the number as an index into its memory, unchecked.
            message = f"suppress_tokens names a token that model {self.model} does not have: its tokens are 0 to {tokens - 1}."
            raise UsageError(message, "-1 is the model's list of symbols.")
        if not self._whisper.model.is_multilingual and (spec.language not in (None, "en") or spec.task == "translate"):
            raise UsageError(f"Model {self.model} supports only English.", "Use a model whose name does not end in .en.")

    def shortened(self, spec: JobSpec) -> str:
        """One sentence that says how much of the spec's prompt and hotwords is left out; "" if both fit."""
        return shortening(self._tokenizer(spec, "en"), spec)

    def detect_languages(self, clips: Sequence[Clip]) -> list[Mapping[str, float]]:
        """The probability of each language code, for each clip; only English for an English-only model."""
        if not self._whisper.model.is_multilingual:
            return [{"en": 1.0} for _ in clips]
        features = extract_features(self._whisper.feature_extractor, clips)
        with self._compute_slots, memory_errors():
            encoded = self._whisper.encode(features)
            self._encoder_cache.put(clips, encoded)
            scores_by_clip = self._whisper.model.detect_language(encoded)
        return [{token[2:-2]: probability for token, probability in scores} for scores in scores_by_clip]

    def recognize(self, tasks: Sequence[Task]) -> list[ClipResult | Task]:
        """Decode a batch at its temperature; a clip that fails the quality gates becomes a task for the next temperature."""
        if tasks[0].clip.spec.sequential:
            return [self._recognize_sequentially(task.clip) for task in tasks]
        clips = [task.clip for task in tasks]
        spec, tokenizer = clips[0].spec, self._tokenizer(clips[0].spec, clips[0].language)
        cached = self._encoder_cache.pop(clips)
        new = [clip for clip, encoding in zip(clips, cached, strict=True) if encoding is None]
        features = extract_features(self._whisper.feature_extractor, new)
        with self._compute_slots, memory_errors():
            encoded = self._encode(features, cached)
            attempts = self._generate(encoded, len(clips), tokenizer, spec, tasks[0].temperature)
            if not tasks[0].attempts and self._whisper.model.is_multilingual:
                attempts = with_heard_languages(clips, attempts, lambda: self._whisper.model.detect_language(encoded))
            retries = [task.with_attempt(attempt) for task, attempt in zip(tasks, attempts, strict=True)]
            accepted = [
                choose_attempt(retry.attempts, spec, is_last=task.is_last_attempt)
                for retry, task in zip(retries, tasks, strict=True)
            ]
            results = self._results(clips, accepted, encoded, tokenizer)
            if not all(results):
                self._encoder_cache.put(clips, encoded)
        return [result or retry for result, retry in zip(results, retries, strict=True)]

    def _recognize_sequentially(self, clip: Clip) -> ClipResult:
        is_heard = is_asked(clip) and self._whisper.model.is_multilingual
        heard = likeliest(self.detect_languages([clip])[0]) if is_heard else ()
        tokenizer = self._tokenizer(clip.spec, clip.language)
        with self._compute_slots, memory_errors():
            result = recognize_sequentially(self._whisper, clip, tokenizer)
            return replace(result, attempt=replace(result.attempt, heard=heard))

    def _encode(self, features: NDArray[np.float32], cached: Sequence[NDArray[np.floating] | None]) -> ctranslate2.StorageView:
        """The encoder outputs of a batch: the cached ones, and the others computed from `features`."""
        if len(features) == len(cached):
            return self._whisper.encode(features)
        fresh = iter(to_host(self._whisper.encode(features)) if len(features) else ())
        rows = [next(fresh) if encoding is None else encoding for encoding in cached]
        return ctranslate2.StorageView.from_array(np.ascontiguousarray(np.stack(rows)))

    def _tokenizer(self, spec: JobSpec, language: str) -> Tokenizer:
        multilingual = self._whisper.model.is_multilingual
        return Tokenizer(self._whisper.hf_tokenizer, multilingual, task=spec.task, language=language or "en")

    def _generate(
        self, encoded: ctranslate2.StorageView, count: int, tokenizer: Tokenizer, spec: JobSpec, temperature: float
    ) -> list[Attempt]:
        prompt = self._whisper.get_prompt(
            tokenizer,
            prompt_tokens(tokenizer, spec.initial_prompt),
            # Word times are aligned afterwards, and the text is better without the model's own timestamps.
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
        self, clips: Sequence[Clip], accepted: Sequence[Attempt | None], encoded: ctranslate2.StorageView, tokenizer: Tokenizer
    ) -> list[ClipResult | None]:
        """The results of the clips with an accepted attempt, with word times if the spec requests them; None for the others."""
        words: list[tuple[SpokenWord, ...]] = [()] * len(clips)
        if clips[0].spec.word_timestamps and any(attempt and attempt.tokens for attempt in accepted):
            words = align_words(
                self._whisper, clips, [_text_tokens(attempt, tokenizer) for attempt in accepted], encoded, tokenizer
            )
        results: list[ClipResult | None] = [None] * len(clips)
        for position, (clip, attempt) in enumerate(zip(clips, accepted, strict=True)):
            if attempt is not None:
                phrases = () if clip.spec.word_timestamps else self._phrases(clip, attempt, tokenizer)
                results[position] = ClipResult(clip, attempt, words[position], phrases)
        return results

    def _phrases(self, clip: Clip, attempt: Attempt, tokenizer: Tokenizer) -> tuple[Phrase, ...]:
        pieces, _, _ = self._whisper._split_segments_by_timestamps(
            tokenizer, list(attempt.tokens), 0.0, segment_size=int(clip.seconds * 100), segment_duration=clip.seconds, seek=0
        )
        timed = []
        for piece in pieces:
            tokens = tuple(token for token in piece["tokens"] if token < tokenizer.eot)
            if (text := tokenizer.decode(tokens)).strip():
                timed.append(Phrase(text, *clip.span(float(piece["start"]), float(piece["end"])), tokens))
        return tuple(timed)


def _attempt(result: Any, tokenizer: Tokenizer, spec: JobSpec, temperature: float) -> Attempt:  # noqa: ANN401 - CTranslate2's
    best = int(np.argmax(result.scores))
    tokens = tuple(result.sequences_ids[best])
    # CTranslate2 divides by length ** length_penalty; Whisper's mean also counts the end of text.
    logprob = float(result.scores[best] * len(tokens) ** spec.length_penalty / (len(tokens) + 1))
    text = tokenizer.decode([token for token in tokens if token < tokenizer.eot]).strip()
    ratio = get_compression_ratio(text)
    return Attempt(tokens, text, temperature, logprob, ratio, float(result.no_speech_prob), is_repetitive(text, ratio, spec))


def _text_tokens(attempt: Attempt | None, tokenizer: Tokenizer) -> list[int]:
    return [token for token in attempt.tokens if token < tokenizer.eot] if attempt else []
