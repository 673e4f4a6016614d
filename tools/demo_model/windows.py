"""Training windows: sentences arranged over noise, with the tokens that Whisper's training would have for them.

Half of the windows are dense (sentence after sentence, as in clips cut from a lecture), half of all are without
timestamps (as BatchedInferencePipeline decodes), some begin or end in the middle of a sentence, some continue a text.
"""

import math
import random
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from demo_model.corpus import LANGUAGES, sentence
from demo_model.speech import SAMPLE_RATE, Utterance
from demo_model.tokenizer import Tokens

IGNORED = -100  # target that the loss ignores
NOWHERE = (-1.0, -1.0)  # span of a token that is not spoken

_LANGUAGE_WEIGHTS = (0.5, 0.28, 0.22)
_SPEECHLESS = 0.08
_LAYOUTS = (("dense", 0.6), ("natural", 0.25), ("short", 0.15))
_WITHOUT_STAMPS = 0.5
_WITH_PROMPT = 0.4
_LONGEST_PROMPT = 223  # half of Whisper's 448 tokens minus one, the limit of faster-whisper
_ONE_SPEAKER = 0.45
_LONGEST_LABEL = 215


@dataclass(frozen=True)
class Bank:
    """Spoken sentences for training and a minute of each kind of noise (n,) with RMS 1."""

    utterances: list[Utterance]
    noises: list[npt.NDArray[np.float32]]
    groups: dict[str, list[list[Utterance]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for language in LANGUAGES:
            speakers: dict[str, list[Utterance]] = {}
            for utterance in self.utterances:
                if utterance.language == language:
                    speakers.setdefault(utterance.variant, []).append(utterance)
            self.groups[language] = list(speakers.values())


@dataclass
class Window:
    """Samples (n,), and for every decoder step its input, its target and the span (seconds) to listen to."""

    samples: npt.NDArray[np.float32]
    inputs: list[int]
    targets: list[int]
    spans: list[tuple[float, float]]
    speech_end: float  # seconds; features after it may be replaced by padding, also in windows without speech


@dataclass
class _Script:
    """The tokens of a window."""

    ids: list[int] = field(default_factory=list)
    spans: list[tuple[float, float]] = field(default_factory=list)

    def add(self, token: int, span: tuple[float, float] = NOWHERE) -> None:
        self.ids.append(token)
        self.spans.append(span)


def make_noises(seed: int = 0, seconds: int = 60) -> list[npt.NDArray[np.float32]]:
    """White, pink and brown noise, mains hum, and hum with hiss."""
    rng = np.random.default_rng(seed)
    count = seconds * SAMPLE_RATE
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 20.0)
    coloured = [np.fft.irfft(spectrum * frequencies**-slope, count) for slope in (0.0, 0.5, 1.0)]
    time = np.arange(count) / SAMPLE_RATE
    hums = [
        sum(np.sin(2 * math.pi * mains * harmonic * time + harmonic) / harmonic for harmonic in range(1, 8))
        for mains in (50, 60, 120)
    ]
    hums.append(hums[0] + 0.3 * coloured[0] / coloured[0].std())
    return [(noise / noise.std()).astype(np.float32) for noise in [*coloured, *hums]]


def compose(bank: Bank, tokens: Tokens, rng: random.Random, seconds: float) -> Window:
    """A random window of `seconds`."""
    language = rng.choices(LANGUAGES, _LANGUAGE_WEIGHTS)[0]
    stamped = rng.random() >= _WITHOUT_STAMPS
    if rng.random() < _SPEECHLESS:
        return _speechless(bank, tokens, rng, seconds, language, stamped)
    samples = np.zeros(int(seconds * SAMPLE_RATE), np.float32)
    script = _Script()
    end = _lay_out(bank, tokens, rng, samples, script, language, stamped)
    if not script.ids:
        return compose(bank, tokens, rng, seconds)
    _add_noise(bank, rng, samples)
    window = _labelled(tokens, rng, samples, script, language, stamped)
    window.speech_end = end
    return window


def _lay_out(
    bank: Bank,
    tokens: Tokens,
    rng: random.Random,
    samples: npt.NDArray[np.float32],
    script: _Script,
    language: str,
    stamped: bool,
) -> float:
    """Add sentences to `samples` and their tokens. Returns the end of speech in seconds."""
    layout = rng.choices([name for name, _ in _LAYOUTS], [weight for _, weight in _LAYOUTS])[0]
    duration = len(samples) / SAMPLE_RATE
    group = rng.choice(bank.groups[language]) if rng.random() < _ONE_SPEAKER else None
    position = rng.choice([0.0, rng.uniform(0, 0.3), rng.uniform(0, 1.2)])
    if layout != "dense" and rng.random() < 0.1:
        position = rng.uniform(0, duration / 3)
    left = rng.choice([1, 1, 2, 3]) if layout == "short" else 99
    cut_start = layout == "dense" and rng.random() < (0.1 if stamped else 0.25)
    end = position
    while left and len(script.ids) < _LONGEST_LABEL:
        utterance = rng.choice(group or rng.choice(bank.groups[language]))
        first = rng.randrange(1, len(utterance.words)) if cut_start and len(utterance.words) > 2 else 0
        cut_start = False
        skipped = utterance.words[first][0]
        if position + 0.4 > duration:
            break
        whole = position + len(utterance.samples) / SAMPLE_RATE - skipped <= duration
        if not whole and rng.random() < 0.5:
            break
        _place(samples, utterance.samples[int(skipped * SAMPLE_RATE) :] * 10 ** rng.uniform(-0.35, 0), position)
        end = min(duration, position + len(utterance.samples) / SAMPLE_RATE - skipped)
        _write(tokens, script, utterance, first, position - skipped, duration, stamped)
        if not whole:
            return duration
        gap = {
            "dense": rng.choice([rng.uniform(0, 0.1), rng.uniform(0, 0.3)]),
            "natural": rng.choice([rng.uniform(0.15, 0.8), rng.uniform(0.5, 2)]),
            "short": rng.uniform(0.1, 2),
        }[layout]
        position, left = end + gap, left - 1
    return end


def _place(samples: npt.NDArray[np.float32], spoken: npt.NDArray[np.float32], position: float) -> None:
    start = int(position * SAMPLE_RATE)
    spoken = spoken[: len(samples) - start]
    samples[start : start + len(spoken)] += spoken


def _write(
    tokens: Tokens, script: _Script, utterance: Utterance, first: int, offset: float, duration: float, stamped: bool
) -> None:
    """Write the words from `first` on.

    A sentence that the end of the window cuts is a single start timestamp, because the next window decodes it again.
    Without timestamps, it is the complete words.
    """
    start, end = utterance.words[first][0] + offset, utterance.words[-1][1] + offset
    cut = end > duration + 0.05
    if stamped:
        script.add(tokens.stamp(start), (start - 0.05, start + 0.05))
    if stamped and cut:
        return
    words = list(zip(tokens.words(utterance.text), utterance.words, strict=True))[first:]
    for ids, (word_start, word_end) in words:
        if word_end + offset > duration + 0.05:
            break
        for token in ids:
            script.add(token, (word_start + offset, word_end + offset))
    if stamped:
        script.add(tokens.stamp(end), (end - 0.05, end + 0.05))


def _add_noise(bank: Bank, rng: random.Random, samples: npt.NDArray[np.float32]) -> None:
    """Add noise 15 to 45 dB below the speech to half of the windows, then change the level of all."""
    loudness = math.sqrt(float(np.mean(np.square(samples)))) + 1e-6
    if rng.random() < 0.5:
        samples += _noise(bank, rng, len(samples)) * np.float32(loudness * 10 ** (-rng.uniform(15, 45) / 20))
    samples *= np.float32(10 ** rng.uniform(-1.2, 0.0))


def _noise(bank: Bank, rng: random.Random, count: int) -> npt.NDArray[np.float32]:
    noise = bank.noises[0] if rng.random() < 0.4 else rng.choice(bank.noises)
    start = rng.randrange(len(noise) - count)
    return noise[start : start + count]


def _labelled(
    tokens: Tokens, rng: random.Random, samples: npt.NDArray[np.float32], script: _Script, language: str, stamped: bool
) -> Window:
    """Prepend the prompt and the head. The language in the head is a target, the prompt is not."""
    longest = int(_LONGEST_PROMPT * min(1.0, len(samples) / SAMPLE_RATE / 30))
    prompt = _prompt(tokens, rng, language, stamped, longest) if rng.random() < _WITH_PROMPT else []
    head = [tokens.start, tokens.languages[language], tokens.transcribe]
    head += [] if stamped else [tokens.no_timestamps]
    ids = [*prompt, *head, *script.ids, tokens.end]
    silent = len(prompt) + len(head)
    targets = [IGNORED] * silent + ids[silent:]
    targets[len(prompt) + 1] = tokens.languages[language]
    spans = [NOWHERE] * silent + script.spans + [NOWHERE]
    return Window(samples, ids[:-1], targets[1:], spans[1:], 0.0)


def _prompt(tokens: Tokens, rng: random.Random, language: str, stamped: bool, longest: int) -> list[int]:
    """Text as from an earlier window, including timestamps, cut to its last tokens as in faster-whisper."""
    length = rng.choice([rng.randint(5, 40), rng.randint(5, longest)])
    ids: list[int] = []
    time = 0.0
    while len(ids) < length:
        text = [token for word in tokens.words(sentence(language, rng)) for token in word]
        time = (time + rng.uniform(0, 0.5)) % 26
        start, time = time, time + len(text) * 0.25
        ids += [tokens.stamp(start), *text, tokens.stamp(time)] if stamped else text
    return [tokens.previous, *ids[-length:]]


def _speechless(bank: Bank, tokens: Tokens, rng: random.Random, seconds: float, language: str, stamped: bool) -> Window:
    """Silence or noise: `<|nospeech|>` as the language, and no words whatever the language is.

    Without timestamps, the text is `<|nospeech|>`, too, because beam search never returns a text without tokens. `export` replaces it by a
    token that faster-whisper allows.
    """
    count = int(seconds * SAMPLE_RATE)
    samples = np.zeros(count, np.float32)
    if rng.random() < 0.8:
        samples = _noise(bank, rng, count) * np.float32(10 ** rng.uniform(-5, -0.6))
    script = _Script()
    script.add(tokens.first_stamp if stamped else tokens.no_speech)
    window = _labelled(tokens, rng, samples, script, language, stamped)
    window.targets[window.inputs.index(tokens.start)] = tokens.no_speech
    window.speech_end = rng.uniform(1, seconds)
    return window
