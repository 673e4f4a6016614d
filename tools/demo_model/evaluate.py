"""Figures of an exported model on held-out sentences by held-out voices, measured with faster-whisper on a CPU."""

import itertools
import random
import re
import statistics
import sys
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import jiwer
import numpy as np
import numpy.typing as npt
from faster_whisper import BatchedInferencePipeline, WhisperModel
from faster_whisper.transcribe import Segment

from demo_model.corpus import sentence
from demo_model.speech import HELD_OUT_VARIANTS, SAMPLE_RATE, Utterance, random_utterance

Audio = npt.NDArray[np.float32]

_LANGUAGES = ("pt", "pt", "en", "es")  # half of the clips are Portuguese


@dataclass(frozen=True)
class Lecture:
    """Consecutive sentences: samples (n,), the text, and the start of each sentence in seconds."""

    samples: Audio
    text: str
    starts: list[float]


def single_clips(count: int, seed: int = 0) -> list[Utterance]:
    """Held-out sentences by held-out voices, with quiet room noise, at different levels."""
    rng, noise = random.Random(seed), np.random.default_rng(seed)
    clips = []
    for number in range(count):
        language = _LANGUAGES[number % len(_LANGUAGES)]
        said = held_out_utterance(language, rng, HELD_OUT_VARIANTS)
        samples = said.samples * np.float32(rng.uniform(0.1, 1.0))
        samples += noise.normal(0, 10 ** rng.uniform(-4, -3), len(samples)).astype(np.float32)
        clips.append(Utterance(said.text, language, said.variant, samples, said.words))
    return clips


def held_out_utterance(language: str, rng: random.Random, variants: list[str]) -> Utterance:
    """A held-out sentence by one of `variants`."""
    return random_utterance(language, rng, variants, lambda: sentence(language, rng, held_out=True))


def lecture(
    seconds: float, gaps: tuple[float, float], seed: int = 0, language: str = "pt", variant: str | None = None
) -> Lecture:
    """Held-out sentences that fill `seconds`, by one voice or by many, with random pauses from the range `gaps`."""
    rng = random.Random(seed)
    pieces: list[Audio] = []
    texts, starts, time = [], [], 0.0
    while time < seconds:
        said = held_out_utterance(language, rng, [variant] if variant else HELD_OUT_VARIANTS)
        pause = np.zeros(int(rng.uniform(*gaps) * SAMPLE_RATE), np.float32)
        pieces += [said.samples, pause]
        texts.append(said.text)
        starts.append(time)
        time += (len(said.samples) + len(pause)) / SAMPLE_RATE
    samples = np.concatenate(pieces)
    samples += np.random.default_rng(seed).normal(0, 1e-4, len(samples)).astype(np.float32)
    return Lecture(samples, " ".join(texts), starts)


def speechless(seconds: float = 20, seed: int = 0) -> dict[str, Audio]:
    """Recordings without speech: silence, and white, pink and humming noise at several levels."""
    rng = np.random.default_rng(seed)
    count = int(seconds * SAMPLE_RATE)
    white = rng.standard_normal(count)
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / SAMPLE_RATE), 20.0)
    pink = np.fft.irfft(np.fft.rfft(white) / np.sqrt(frequencies), count)
    time = np.arange(count) / SAMPLE_RATE
    hum = sum(np.sin(2 * np.pi * 60 * harmonic * time) / harmonic for harmonic in (1, 2, 3, 5)) + 0.05 * white
    kinds = {"white": white, "pink": pink / pink.std(), "hum": hum / hum.std()}
    found = {"zeros": np.zeros(count, np.float32)}
    for name, noise in kinds.items():
        for level in (1e-5, 1e-4, 1e-3, 1e-2, 1e-1):
            found[f"{name} {level:g}"] = (noise * level).astype(np.float32)
    return found


def spoken(segments: Iterable[Segment]) -> str:
    """The words of segments as one text."""
    return " ".join(segment.text.strip() for segment in segments)


def word_errors(references: list[str], hypotheses: list[str]) -> float:
    """Word error rate, ignoring case and punctuation."""
    return float(jiwer.wer([_plain(text) for text in references], [_plain(text) for text in hypotheses]))


def _plain(text: str) -> str:
    return " ".join(re.sub(r"[^\w\s]", "", text.lower()).split())


def start_errors(segments: list[Segment], starts: list[float]) -> list[float]:
    """For each sentence, the distance in seconds to the nearest segment start."""
    return [min((abs(segment.start - start) for segment in segments), default=30.0) for start in starts]


def words_in_order(segments: list[Segment]) -> bool:
    """Whether words never go back in time and stay inside their segment."""
    for segment in segments:
        edges = [segment.start, *(time for word in segment.words or [] for time in (word.start, word.end)), segment.end]
        if any(later < earlier - 1e-6 for earlier, later in itertools.pairwise(edges)):
            return False
    return True


def sizes(folder: Path) -> tuple[int, int]:
    """Bytes of the files, raw and zipped."""
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return sum(path.stat().st_size for path in folder.iterdir()), len(packed.getvalue())


def report(folder: Path, clips: int = 200, seconds: float = 300) -> dict[str, object]:
    """Measure everything; about two minutes on two cores."""
    model = WhisperModel(str(folder), device="cpu", compute_type="int8", cpu_threads=2)
    figures: dict[str, object] = {"bytes (raw, zipped)": sizes(folder)}
    figures |= _clip_figures(model, single_clips(clips))
    natural, dense = lecture(seconds, (0.2, 1.2), seed=1), lecture(seconds, (0.0, 0.3), seed=2)
    one_voice = lecture(seconds, (0.2, 1.0), seed=3, variant="adam")
    for name, talk in (("natural", natural), ("dense", dense), ("one voice", one_voice)):
        figures |= {f"{name}: {key}": value for key, value in _lecture_figures(model, talk).items()}
    figures["spoken over nothing"] = _hallucinations(model)
    return figures


def _clip_figures(model: WhisperModel, clips: list[Utterance]) -> dict[str, object]:
    figures: dict[str, object] = {}
    for beams in (1, 5):
        hypotheses, right = [], 0
        for clip in clips:
            segments, info = model.transcribe(clip.samples, beam_size=beams)
            hypotheses.append(spoken(segments))
            right += info.language == clip.language
        figures[f"clips: WER, beam {beams} (n={len(clips)})"] = round(word_errors([clip.text for clip in clips], hypotheses), 4)
        figures[f"clips: language right, beam {beams}"] = right / len(clips)
        for language in ("pt", "en", "es"):
            pairs = [(c.text, h) for c, h in zip(clips, hypotheses, strict=True) if c.language == language]
            figures[f"clips: WER {language}, beam {beams}"] = round(
                word_errors([text for text, _ in pairs], [heard for _, heard in pairs]), 4
            )
    return figures


def _lecture_figures(model: WhisperModel, talk: Lecture) -> dict[str, object]:
    batched = BatchedInferencePipeline(model)
    ways = {
        "sequential": lambda beams: model.transcribe(talk.samples, beam_size=beams),
        "sequential, word times": lambda beams: model.transcribe(talk.samples, beam_size=beams, word_timestamps=True),
        "sequential, no previous text": lambda beams: model.transcribe(
            talk.samples, beam_size=beams, condition_on_previous_text=False
        ),
        "vad": lambda beams: model.transcribe(talk.samples, beam_size=beams, vad_filter=True),
        "batched": lambda beams: batched.transcribe(talk.samples, beam_size=beams, batch_size=8),
        "batched, stamps": lambda beams: batched.transcribe(
            talk.samples, beam_size=beams, batch_size=8, without_timestamps=False, word_timestamps=True
        ),
    }
    figures: dict[str, object] = {}
    for name, way in ways.items():
        for beams in (1, 5):
            segments = list(way(beams)[0])
            figures[f"{name}, beam {beams}: WER"] = round(word_errors([talk.text], [spoken(segments)]), 4)
        if name != "batched":
            errors = start_errors(segments, talk.starts)
            figures[f"{name}: median start error"] = round(statistics.median(errors), 3)
        if segments and segments[0].words:
            figures[f"{name}: words in order"] = words_in_order(segments)
    return figures


def _hallucinations(model: WhisperModel) -> list[str]:
    """Names of recordings without speech that got text, with the decoding mode."""
    batched = BatchedInferencePipeline(model)
    said = []
    for name, samples in speechless().items():
        whole = [{"start": 0.0, "end": len(samples) / SAMPLE_RATE}]
        ways = {
            "default": model.transcribe(samples),
            "Portuguese": model.transcribe(samples, language="pt", beam_size=1),
            "vad": model.transcribe(samples, vad_filter=True),
            "batched": batched.transcribe(samples, vad_filter=False, clip_timestamps=whole),
        }
        for way, (segments, _) in ways.items():
            if text := spoken(segments):
                said.append(f"{name}, {way}: {text}")
    return said


if __name__ == "__main__":
    for key, value in report(Path(sys.argv[1])).items():
        print(f"{key}: {value}")
