"""The recognizer with the bundled model: the contract of engines, and what batching must preserve."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from faster_whisper import WhisperModel

from tests.conftest import spoken
from transcribe_cli.audio import SAMPLE_RATE, Decoder, Waveform
from transcribe_cli.errors import DeviceUnavailable, ModelUnavailable, UsageError
from transcribe_cli.recognition.engines import Clip, ClipResult, DeviceOutOfMemory, Task
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.recognition.language_vote import elect_language
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region

PORTUGUESE = "Bom dia a todos. Vamos começar a aula. Muito obrigado pela atenção."
# Parts of these recordings, with texts of different lengths: start and length in seconds.
CUTS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3))
ENGLISH = "Good morning, everyone. Let us start the lesson. Thank you very much."


@pytest.fixture(scope="module")
def engine() -> FasterWhisper:
    """The demo model on the CPU."""
    [load] = FasterWhisper.load("demo", Settings(device="cpu", threads=2))
    return load()


@pytest.fixture(scope="module")
def waveforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Waveform]]:
    """Speech in two languages, and silence."""
    folder = tmp_path_factory.mktemp("speech")
    recorded = {"silence": Waveform.from_samples(np.zeros(32000), folder), "dot": Waveform.from_samples(np.zeros(1), folder)}
    with Decoder(scratch=folder) as decoder:
        for name, text, voice in (("pt", PORTUGUESE, "pt-br+m3"), ("en", ENGLISH, "en-us+f2")):
            (folder / f"{name}.wav").write_bytes(spoken(text, voice))
            recorded[name] = decoder.decode(folder / f"{name}.wav")
    yield recorded
    for waveform in recorded.values():
        waveform.close()


def clip(waveform: Waveform, number: int = 0, language: str = "pt", **spec: object) -> Clip:
    """The whole waveform as one clip; `number` is that of recording and clip."""
    return Clip(
        number, number, waveform, (Region(0, waveform.samples),), JobSpec.model_validate({"model": "demo", **spec}), language
    )


def read(engine: FasterWhisper, *clips: Clip) -> list[ClipResult]:
    """The results of a batch, after all retries."""
    results: dict[int, ClipResult] = {}
    tasks = list(enumerate(Task(target) for target in clips))
    while tasks:
        answers = engine.recognize([task for _, task in tasks])
        assert len(answers) == len(tasks)
        results |= {place: item for (place, _), item in zip(tasks, answers, strict=True) if isinstance(item, ClipResult)}
        tasks = [(place, item) for (place, _), item in zip(tasks, answers, strict=True) if isinstance(item, Task)]
    return [results[place] for place in range(len(clips))]


def text(result: ClipResult) -> str:
    """The recognized text."""
    return "".join(word.text for word in result.words) or "".join(phrase.text for phrase in result.phrases)


def test_every_clip_has_one_result(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """In the order of the clips, including a silent one and one of a single sample."""
    clips = [clip(waveforms[name], number) for number, name in enumerate(("pt", "silence", "dot", "pt"))]
    assert [result.clip for result in read(engine, *clips)] == clips


def test_speech_becomes_words_in_order_inside_the_clip(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """Times are relative to the recording."""
    [result] = read(engine, clip(waveforms["pt"]))
    assert "aula" in text(result)
    times = [time for word in result.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= waveforms["pt"].seconds + 0.05


def test_a_clip_has_the_same_words_alone_and_among_others(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """No state is carried from clip to clip, and other clips in the batch change nothing: times and probabilities are the same bits."""
    [alone] = read(engine, clip(waveforms["pt"]))
    among = read(engine, *(clip(waveforms[name], number) for number, name in enumerate(("silence", "pt", "en", "pt"))))
    for number in (1, 3):
        assert among[number].words == alone.words
        assert among[number].attempt == alone.attempt


def test_a_short_text_next_to_a_long_one_keeps_its_times(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """In one call of the aligner, a longer text moved the words of a shorter one."""
    pieces = [
        replace(clip(waveforms[name], number, name), speech=(Region(start * SAMPLE_RATE, (start + seconds) * SAMPLE_RATE),))
        for number, (name, start, seconds) in enumerate(
            (name, start, seconds) for name in ("pt", "en") for start, seconds in CUTS
        )
    ]
    alone = [read(engine, piece)[0] for piece in pieces]
    for language in ("pt", "en"):
        batch = [number for number, piece in enumerate(pieces) if piece.language == language]
        for number, result in zip(batch, read(engine, *(pieces[number] for number in batch)), strict=True):
            assert result.words == alone[number].words


def test_a_clip_that_fails_the_gates_is_tried_at_every_temperature(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """With a threshold that no text passes, the most probable attempt is accepted and marked."""
    target = clip(waveforms["pt"], log_prob_threshold=0.0, no_speech_threshold=None, temperature=(0.0, 0.4))
    [retried] = engine.recognize([Task(target)])
    assert isinstance(retried, Task)
    assert (retried.temperature, [attempt.temperature for attempt in retried.attempts]) == (0.4, [0.0])
    [result] = engine.recognize([retried])
    assert isinstance(result, ClipResult)
    assert result.attempt.failed_gates
    assert text(result)


def test_a_doubted_and_improbable_clip_has_no_text(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """The no-speech gate of sequential Whisper."""
    [result] = read(engine, clip(waveforms["pt"], log_prob_threshold=0.0, no_speech_threshold=0.0))
    assert text(result) == ""
    assert result.attempt.text == ""


def test_without_word_times_there_are_phrases(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """From the model's own timestamps."""
    [result] = read(engine, clip(waveforms["pt"], word_timestamps=False))
    assert not result.words
    assert len(result.phrases) >= 2


def test_languages_are_detected(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """Freely, or restricted to a list."""
    votes = engine.detect_languages([clip(waveforms["en"], language=""), clip(waveforms["pt"], language="")])
    assert [elect_language([vote], JobSpec()).code for vote in votes] == ["en", "pt"]
    assert elect_language(votes[:1], JobSpec(languages=("pt", "es"))).code in {"pt", "es"}
    assert all(sum(vote.values()) == pytest.approx(1.0, abs=0.01) for vote in votes)


@pytest.fixture
def encoded(engine: FasterWhisper, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of clips in each call of the encoder."""
    calls: list[int] = []
    encode = WhisperModel.encode
    monkeypatch.setattr(WhisperModel, "encode", lambda self, features: calls.append(len(features)) or encode(self, features))
    return calls


def test_a_clip_whose_language_was_detected_is_not_encoded_again(
    engine: FasterWhisper, waveforms: dict[str, Waveform], encoded: list[int]
) -> None:
    """Encoding is the larger half of the work. Its output is reused, and the text is the same."""
    engine.detect_languages([clip(waveforms["pt"], number, language="") for number in range(2)])
    retried, fresh = read(engine, clip(waveforms["pt"], 0), clip(waveforms["pt"], 7))
    assert encoded == [2, 1]
    assert text(retried) == text(fresh)


def test_a_clip_that_is_retried_is_encoded_once(
    engine: FasterWhisper, waveforms: dict[str, Waveform], encoded: list[int]
) -> None:
    """Only its decoding is repeated."""
    ladder = {"log_prob_threshold": 0.0, "no_speech_threshold": None, "temperature": (0.0, 0.2, 0.4)}
    [result] = read(engine, clip(waveforms["pt"], **ladder))
    assert result.attempt.failed_gates
    assert encoded == [1]


@pytest.mark.parametrize("work", ["recognize", "detect_languages"])
def test_out_of_memory_errors_are_distinguished_from_others(
    engine: FasterWhisper, waveforms: dict[str, Waveform], monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """The messages are CTranslate2's; they are raised by hand because there is no GPU here."""

    def fail(message: str) -> None:
        def encode(whisper: WhisperModel, features: object) -> None:
            raise RuntimeError(message)

        monkeypatch.setattr(WhisperModel, "encode", encode)

    target = clip(waveforms["en"], 99)
    ask = partial(engine.recognize, [Task(target)]) if work == "recognize" else partial(engine.detect_languages, [target])
    fail("CUDA failed with error out of memory")
    with pytest.raises(DeviceOutOfMemory):
        ask()
    fail("cuDNN failed")
    with pytest.raises(RuntimeError, match="cuDNN failed"):
        ask()


def test_several_threads_may_call_at_once(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """As many as the concurrency; each gets its own result."""
    found: dict[int, str] = {}
    names = ["pt", "en"] * engine.concurrency

    def work(number: int) -> None:
        for _ in range(2):
            [result] = read(engine, clip(waveforms[names[number]], number, names[number]))
            found[number] = text(result)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(names))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    [portuguese, english] = (text(read(engine, clip(waveforms[name], language=name))[0]) for name in ("pt", "en"))
    assert [found[number] for number in range(len(names))] == [portuguese, english] * engine.concurrency


def test_loading_errors_have_clear_messages(tmp_path: Path) -> None:
    """Names, folders, devices and types."""
    with pytest.raises(UsageError, match="Did you mean"):
        FasterWhisper.load("larg-v3", Settings(device="cpu"))
    with pytest.raises(UsageError, match="contains no CTranslate2 model"):
        FasterWhisper.load(str(tmp_path), Settings(device="cpu"))
    with pytest.raises(ModelUnavailable, match="not on this machine"):
        FasterWhisper.load("tiny", Settings(device="cpu", offline=True, model_dir=tmp_path))
    with pytest.raises(DeviceUnavailable, match="does not support float16"):
        FasterWhisper.load("demo", Settings(device="cpu", compute_type="float16"))
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="does not load"):
        FasterWhisper.load(str(tmp_path), Settings(device="cpu"))[0]()


def test_speech_is_joined_without_silence_and_keeps_its_times(engine: FasterWhisper, tmp_path: Path, decoder: Decoder) -> None:
    """Two sentences half a minute apart share a window of 30 s."""
    spoken_parts = []
    for number, text in enumerate(("Bom dia a todos.", "Vamos começar a aula.")):
        (tmp_path / f"{number}.wav").write_bytes(spoken(text, "pt-br+m3"))
        with decoder.decode(tmp_path / f"{number}.wav") as waveform:
            spoken_parts.append(waveform.read(0, waveform.samples))
    first, second = spoken_parts
    silence = np.zeros(40 * SAMPLE_RATE, np.float32)
    with Waveform.from_samples(np.concatenate([first, silence, second]), tmp_path) as whole:
        later = len(first) + len(silence)
        regions = (Region(0, len(first)), Region(later, whole.samples))
        target = Clip(0, 0, whole, regions, JobSpec(model="demo"), "pt")
        assert target.seconds == pytest.approx((len(first) + len(second)) / SAMPLE_RATE)
        np.testing.assert_array_equal(
            target.samples(), np.concatenate([whole.read(0, len(first)), whole.read(later, whole.samples)])
        )
        [found] = read(engine, target)
        [phrased] = read(engine, Clip(0, 0, whole, regions, JobSpec(model="demo", word_timestamps=False), "pt"))
    assert [word.text.strip() for word in found.words] == ["Bom", "dia", "a", "todos.", "Vamos", "começar", "a", "aula."]
    assert all(word.end <= later / SAMPLE_RATE for word in found.words[:4])
    assert all(word.end > later / SAMPLE_RATE for word in found.words[4:])
    assert found.words[-1].end <= whole.seconds
    assert phrased.phrases[-1].end <= whole.seconds


def test_spans_of_a_clip_are_mapped_to_the_recording(waveforms: dict[str, Waveform]) -> None:
    """Also at joints; sequential clips and second attempts include the silence."""
    second = SAMPLE_RATE
    regions = (Region(10 * second, 12 * second), Region(12 * second, 14 * second), Region(20 * second, 23 * second))
    target = Clip(0, 0, waveforms["pt"], regions, JobSpec(model="demo"), "pt")
    assert target.sample_ranges == ((10 * second, 14 * second), (20 * second, 23 * second))
    assert target.seconds == 7
    assert target.span(0.0, 1.0) == (10.0, 11.0)
    assert target.span(3.0, 4.0) == (13.0, 14.0)
    assert target.span(4.0, 5.0) == (20.0, 21.0)
    assert target.span(3.5, 4.5) == (13.5, 20.5)
    assert target.span(4.0, 4.0) == (20.0, 20.0)
    assert target.span(6.5, 9.0) == (22.5, 23.0)
    for whole in (replace(target, part=1), replace(target, spec=JobSpec(model="demo", sequential=True))):
        assert whole.sample_ranges == ((10 * second, 23 * second),)
        assert whole.seconds == 13
        assert whole.span(4.0, 5.0) == (14.0, 15.0)
