"""The recognizer with the bundled model: what every engine promises, and what batching must not give up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import spoken
from transcribe_cli.audio import Decoder, Waveform
from transcribe_cli.engines import Clip, ClipResult
from transcribe_cli.engines.faster_whisper import FasterWhisper
from transcribe_cli.errors import DeviceUnavailable, ModelUnavailable, UsageError
from transcribe_cli.events import Event, Notice
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec
from transcribe_cli.vad import Region
from transcribe_cli.vote import language_of

PORTUGUESE = "Bom dia a todos. Vamos começar a aula. Muito obrigado pela atenção."
ENGLISH = "Good morning, everyone. Let us start the lesson. Thank you very much."


@pytest.fixture(scope="module")
def engine() -> FasterWhisper:
    """The demo model on the processor."""
    return FasterWhisper.load("demo", Settings(device="cpu", threads=2))


@pytest.fixture(scope="module")
def waveforms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Waveform]]:
    """Speech in two languages, and silence."""
    folder = tmp_path_factory.mktemp("speech")
    made = {"silence": Waveform.from_samples(np.zeros(32000), folder), "dot": Waveform.from_samples(np.zeros(1), folder)}
    with Decoder(scratch=folder) as decoder:
        for name, text, voice in (("pt", PORTUGUESE, "pt-br+m3"), ("en", ENGLISH, "en-us+f2")):
            (folder / f"{name}.wav").write_bytes(spoken(text, voice))
            made[name] = decoder.decode(folder / f"{name}.wav")
    yield made
    for waveform in made.values():
        waveform.close()


def clip(waveform: Waveform, number: int = 0, language: str = "pt", **spec: object) -> Clip:
    """The whole waveform as one clip."""
    return Clip(number, 0, waveform, (Region(0, waveform.samples),), JobSpec.model_validate({"model": "demo", **spec}), language)


def text(result: ClipResult) -> str:
    """What was said."""
    return "".join(word.text for word in result.words) or "".join(phrase.text for phrase in result.phrases)


def test_every_clip_has_one_result(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """Also a silent one, one of a single sample, and one that waits for company."""
    clips = [clip(waveforms[name], number) for number, name in enumerate(("pt", "silence", "dot", "pt", "pt", "pt"))]
    clips.append(clip(waveforms["en"], 6, "en"))
    assert sorted(result.clip.recording for result in engine.transcribe(clips)) == list(range(7))


def test_speech_becomes_words_in_order_inside_the_clip(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """Times are those of the recording."""
    [result] = engine.transcribe([clip(waveforms["pt"])])
    assert "aula" in text(result)
    times = [time for word in result.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= waveforms["pt"].seconds + 0.05


def test_a_clip_reads_the_same_alone_and_among_others(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """No state runs from clip to clip, and company in the batch changes nothing."""
    [alone] = engine.transcribe([clip(waveforms["pt"])])
    company = [clip(waveforms[name], number) for number, name in enumerate(("silence", "pt", "en", "pt"))]
    among = {result.clip.recording: result for result in engine.transcribe(company)}
    for number in (1, 3):
        assert text(among[number]) == text(alone)
        assert among[number].avg_logprob == pytest.approx(alone.avg_logprob, abs=0.02)


def test_a_clip_that_waits_for_company_does_not_wait_for_the_end(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """One English note among many Portuguese clips."""
    handed = []

    def clips() -> Iterator[Clip]:
        yield clip(waveforms["en"], 0, "en")
        for number in range(1, 200):
            handed.append(number)
            yield clip(waveforms["dot"], number)

    for result in engine.transcribe(clips()):
        if result.clip.recording == 0:
            break
    assert max(handed) < 50


def test_a_clip_that_fails_the_gates_climbs_the_whole_ladder(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """A threshold that nothing can pass: the most probable attempt stands, and says so."""
    [result] = engine.transcribe(
        [clip(waveforms["pt"], log_prob_threshold=0.0, no_speech_threshold=None, temperature=(0.0, 0.4))]
    )
    assert result.failed_gates
    assert text(result)


def test_a_doubted_and_improbable_clip_has_no_text(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """The no-speech gate of sequential Whisper."""
    [result] = engine.transcribe([clip(waveforms["pt"], log_prob_threshold=0.0, no_speech_threshold=0.0)])
    assert text(result) == ""


def test_without_word_times_there_are_phrases(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """From the model's own timestamps."""
    [result] = engine.transcribe([clip(waveforms["pt"], word_timestamps=False)])
    assert not result.words
    assert len(result.phrases) >= 2


def test_the_language_is_voted(engine: FasterWhisper, waveforms: dict[str, Waveform]) -> None:
    """Given, restricted to a list, or found."""
    english = clip(waveforms["en"], language="")
    assert language_of([english], engine).code == "en"
    assert language_of([replace(english, spec=JobSpec(languages=("pt", "es")))], engine).code in {"pt", "es"}
    assert language_of([replace(english, spec=JobSpec(language="fr"))], engine).code == "fr"
    assert language_of([], engine).code == "und"


def test_a_full_gpu_halves_the_batch_and_says_so(waveforms: dict[str, Waveform]) -> None:
    """The error is CTranslate2's; only its cause is made up here, for want of a GPU that is full."""
    told: list[Event] = []

    class Small(FasterWhisper):
        def _climb(self, clips: Sequence[Clip]) -> Iterator[ClipResult]:
            if len(clips) > 2:
                raise RuntimeError("CUDA failed with error out of memory")
            return super()._climb(clips)

    engine = Small.load("demo", Settings(device="cpu", threads=2, batch_size=8), told.append)
    assert len(list(engine.transcribe([clip(waveforms["pt"], number) for number in range(8)]))) == 8
    assert engine.batch_size == 2
    assert [event.level for event in told if isinstance(event, Notice)] == ["warning"] * 2


def test_a_recognizer_that_fails_is_a_result_not_an_exception(waveforms: dict[str, Waveform]) -> None:
    """The other recordings go on."""

    class Broken(FasterWhisper):
        def _climb(self, clips: Sequence[Clip]) -> Iterator[ClipResult]:
            raise RuntimeError("cuDNN failed")

    engine = Broken.load("demo", Settings(device="cpu", threads=2))
    [result] = engine.transcribe([clip(waveforms["pt"])])
    assert result.error is not None
    assert "cuDNN failed" in result.error.message


def test_what_cannot_be_loaded_is_said_in_one_line(tmp_path: Path) -> None:
    """Names, folders, devices and types."""
    with pytest.raises(UsageError, match="Did you mean"):
        FasterWhisper.load("larg-v3", Settings(device="cpu"))
    with pytest.raises(UsageError, match="holds no CTranslate2 model"):
        FasterWhisper.load(str(tmp_path), Settings(device="cpu"))
    with pytest.raises(ModelUnavailable, match="not on this machine"):
        FasterWhisper.load("tiny", Settings(device="cpu", offline=True, model_dir=tmp_path))
    with pytest.raises(DeviceUnavailable, match="cannot compute in float16"):
        FasterWhisper.load("demo", Settings(device="cpu", compute_type="float16"))
    (tmp_path / "model.bin").write_bytes(b"not a model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelUnavailable, match="does not load"):
        FasterWhisper.load(str(tmp_path), Settings(device="cpu"))
