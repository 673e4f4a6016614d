"""Sequential decoding as in faster-whisper: one window after the other, each with the previous text as prompt. It cannot be batched.

A recording is read in clips of some minutes, so that its features fit in memory. The prompt of a clip is the end of the clip before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from faster_whisper import WhisperModel
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import Segment

from transcribe_cli.recognition.engines import Attempt, Clip, ClipResult, Phrase, SpokenWord
from transcribe_cli.recognition.engines.gates import is_improbable, is_leaked, is_repetitive
from transcribe_cli.recognition.engines.prompts import prompt_tokens
from transcribe_cli.spec import JobSpec


def recognize_sequentially(whisper: WhisperModel, clip: Clip, tokenizer: Tokenizer) -> ClipResult:
    """Recognize a clip of any length, with its pauses, as a continuation of `clip.previous_tokens`."""
    spec = clip.spec
    previous = clip.previous_tokens or tuple(prompt_tokens(tokenizer, spec.initial_prompt))
    segments, _ = whisper.transcribe(
        clip.samples(),
        language=clip.language,
        task=spec.task,
        beam_size=spec.beam_size,
        best_of=spec.best_of,
        patience=spec.patience,
        length_penalty=spec.length_penalty,
        repetition_penalty=spec.repetition_penalty,
        no_repeat_ngram_size=spec.no_repeat_ngram_size,
        temperature=list(spec.temperature),
        compression_ratio_threshold=spec.compression_ratio_threshold,
        log_prob_threshold=spec.log_prob_threshold,
        no_speech_threshold=spec.no_speech_threshold,
        initial_prompt=previous or None,
        suppress_tokens=list(spec.suppress_tokens),
        max_new_tokens=spec.max_new_tokens,
        hotwords=spec.hotwords,
        word_timestamps=spec.word_timestamps,
    )
    found = [segment for segment in segments if not is_leaked(_attempt([segment], spec), spec)]
    words = tuple(word for segment in found for word in _words(segment, clip.start))
    phrases = tuple(
        Phrase(segment.text, clip.start + segment.start, clip.start + segment.end, tuple(segment.tokens)) for segment in found
    )
    attempt = _attempt(found, spec)
    return ClipResult(clip, attempt, words) if spec.word_timestamps else ClipResult(clip, attempt, phrases=phrases)


def _words(segment: Segment, offset: float) -> Iterator[SpokenWord]:
    """The words of a segment. Its tokens, which faster-whisper does not return by word, are all assigned to the first."""
    tokens = tuple(segment.tokens)
    for word in segment.words or ():
        yield SpokenWord(word.word, offset + float(word.start), offset + float(word.end), float(word.probability), tokens)
        tokens = ()


def _attempt(segments: Sequence[Segment], spec: JobSpec) -> Attempt:
    """All segments as one attempt: the mean of the log-probabilities, the worst value of everything else."""
    tokens = tuple(token for segment in segments for token in segment.tokens)
    sums = [segment.avg_logprob * len(segment.tokens) for segment in segments]
    attempt = Attempt(
        tokens,
        "".join(segment.text for segment in segments).strip(),
        max((float(segment.temperature or 0.0) for segment in segments), default=0.0),
        float(sum(sums) / len(tokens)) if tokens else 0.0,
        max((float(segment.compression_ratio) for segment in segments), default=0.0),
        max((float(segment.no_speech_prob) for segment in segments), default=0.0),
        any(is_repetitive(segment.text, segment.compression_ratio, spec) for segment in segments),
    )
    return replace(attempt, failed_gates=attempt.repeats or is_improbable(attempt, spec))
