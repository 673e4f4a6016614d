"""Each reason that is found in the text and its figures, on crafted transcripts: what it names, its level, its places."""

from __future__ import annotations

from typing import Any

import pytest

from tests.formats.documents import segment, spoken, transcript, words
from transcribe_cli.pipeline.verdict import judged, with_speaker_reason
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import HeardLanguages, Quality, Reason, Segment, Transcript

SENTENCE = "Hoje falamos da célula e do núcleo dela."


def lesson(count: int = 12, text: str = SENTENCE, probability: float = 0.95, **more: Any) -> list[Segment]:
    """Sentences of 4 s, one every 5 s."""
    return [
        segment(f" {text}", 5.0 * n, 5.0 * n + 4, words=words(text, 5.0 * n, 4 / len(text.split()), probability), **more)
        for n in range(count)
    ]


def document(segments: list[Segment], speech: float = 60.0, spec: JobSpec | None = None, **more: Any) -> Transcript:
    """A transcript with the figures of its quality among `more`."""
    figures = {name: more.pop(name) for name in list(more) if name in Quality.model_fields}
    found = transcript(
        *segments, **{"duration": 60.0, **more, "quality": Quality(**{"speech": speech, "covered": 1.0, **figures})}
    )
    return found.model_copy(update={"job": found.job.model_copy(update={"spec": spec.canonical()})}) if spec else found


def reasons(found: Transcript) -> dict[str, Reason]:
    """The reasons of its verdict, by code."""
    quality = judged(found).quality
    assert quality.verdict == ("good" if not quality.reasons else quality.reasons[0].level)
    return {reason.code: reason for reason in quality.reasons}


def levels(found: Transcript) -> dict[str, str]:
    """Code and level of each reason."""
    return {code: reason.level for code, reason in reasons(found).items()}


def test_a_good_transcript_has_no_reasons() -> None:
    """Ordinary speech, confident words."""
    assert judged(document(lesson())).quality.verdict == "good"


def test_a_verdict_is_not_older_than_its_document() -> None:
    """Judging again replaces verdict and reasons, and nothing else."""
    once = judged(document(lesson(probability=0.4)))
    assert once.quality.verdict == "bad"
    mended = once.model_copy(update={"segments": tuple(lesson())})
    assert judged(mended).quality.verdict == "good"
    assert judged(once) == once


@pytest.mark.parametrize(("probability", "level"), [(0.95, None), (0.8, None), (0.7, "check"), (0.5, "bad")])
def test_words_that_the_model_is_not_sure_of(probability: float, level: str | None) -> None:
    """The mean of all words decides the level."""
    assert levels(document(lesson(probability=probability))).get("confidence") == level


def test_a_doubtful_stretch_in_a_good_recording_has_its_place() -> None:
    """Two minutes of an hour that nobody would find by the mean."""
    found = lesson(30)
    for number in range(10, 20):
        text = found[number].text
        found[number] = found[number].model_copy(update={"words": words(text, 5.0 * number, 0.5, 0.4)})
    reason = reasons(document(found, speech=150.0, duration=150.0))["confidence"]
    assert reason.level == "check"
    assert reason.spans
    assert all(45 <= start < end <= 105 for start, end in reason.spans)


def test_a_server_that_reports_no_probabilities_is_judged_by_log_probability() -> None:
    """Its words all have 1; the segments of RunPod's worker have a mean log-probability."""
    assert levels(document(lesson(probability=1.0, avg_logprob=-0.2))) == {}
    assert levels(document(lesson(probability=1.0, avg_logprob=-0.9))) == {"confidence": "bad"}
    without_words = [one.model_copy(update={"words": None, "avg_logprob": -0.5}) for one in lesson()]
    assert levels(document(without_words)) == {"confidence": "check"}
    assert levels(document([one.model_copy(update={"words": None, "avg_logprob": 0.0}) for one in lesson()])) == {}


@pytest.mark.parametrize(("count", "level"), [(0, None), (3, "check"), (8, "bad")])
def test_clips_that_failed_every_gate(count: int, level: str | None) -> None:
    """A quarter of the text, and most of it."""
    found = [*lesson(count, flags=("failed_gates",)), *lesson(12)[count:]]
    assert levels(document(found)).get("failed_gates") == level


@pytest.mark.parametrize(
    ("gaps", "level"),
    [((), None), (((3.0, 5.5),), None), (((3.0, 12.0),), "check"), (((0.0, 20.0), (30.0, 40.0)), "bad")],
)
def test_speech_without_words(gaps: tuple[tuple[float, float], ...], level: str | None) -> None:
    """A breath, a long stretch, half of the speech."""
    found = reasons(document(lesson(), gaps=gaps))
    assert (found["missing_text"].level if "missing_text" in found else None) == level
    if level:
        assert found["missing_text"].spans == gaps


def test_speech_without_any_word_is_bad() -> None:
    """Nine seconds of speech were found, and no word."""
    assert levels(document([], speech=9.0, gaps=((1.0, 10.0),), sound=9.0))["missing_text"] == "bad"


def test_silence_is_good_and_sound_without_words_is_not() -> None:
    """By level: a click is no sound."""
    assert levels(document([], speech=0.0, sound=0.0)) == {}
    assert levels(document([], speech=0.0, sound=0.4)) == {}
    assert levels(document([], speech=0.0, sound=20.0)) == {"no_words": "check"}


def test_no_words_from_a_server_that_measures_no_sound_are_checked() -> None:
    """RunPod's worker says nothing about the audio; less than a second is too short for words."""
    assert levels(document([], speech=0.0)) == {"no_words": "check"}
    assert levels(document([], speech=0.0, duration=0.4)) == {}


def test_loops_are_reported_with_their_places() -> None:
    """Accepted at the highest temperature, or too short to compress."""
    loop = "e depois " * 8
    found = reasons(document([*lesson(3), segment(f" {loop}", 20.0, 24.0), *lesson(12)[5:]], repetitions=1))
    assert found["repetitions"].spans == ((20.0, 24.0),)
    assert found["repetitions"].level == "check"
    assert levels(document(lesson(compression_ratio=3.1)))["repetitions"] == "bad"


@pytest.mark.parametrize(
    ("speech", "language", "text", "found"),
    [
        (60.0, "pt", SENTENCE, False),
        (8.0, "pt", SENTENCE, True),
        (120.0, "pt", SENTENCE, True),
        (60.0, "zh", "今天我们讲细胞和它的细胞核以及线粒体的故事", False),
        (2.0, "pt", SENTENCE, False),
    ],
)
def test_text_far_denser_or_thinner_than_speech(speech: float, language: str, text: str, found: bool) -> None:
    """Letters a second; scripts with a sign for a word have fewer; two seconds are too few to judge."""
    assert ("density" in reasons(document(lesson(text=text), speech, language=language))) is found


def test_minutes_without_punctuation_or_capitals() -> None:
    """Only over minutes, and only in languages that use them."""
    plain = SENTENCE.rstrip(".").lower()
    assert levels(document(lesson(12, plain))) == {}
    found = reasons(document(lesson(60, plain), 300.0, duration=300.0))
    assert {code: reason.level for code, reason in found.items()} == {"punctuation": "check", "capitals": "check"}
    assert found["punctuation"].spans == ((0.0, 299.0),)
    thai = "วันนี้เราจะพูดถึงเซลล์และนิวเคลียส"
    assert levels(document(lesson(60, thai), 300.0, duration=300.0, language="th")) == {}
    japanese = "今日は細胞について話します。"
    assert levels(document(lesson(60, japanese), 300.0, duration=300.0, language="ja")) == {}


def heard(*languages: dict[str, float]) -> tuple[HeardLanguages, ...]:
    """What was heard in clips of 20 s."""
    return tuple(HeardLanguages(start=20.0 * n, end=20.0 * n + 20, languages=found) for n, found in enumerate(languages))


PORTUGUESE, ENGLISH, UNSURE = {"pt": 0.97, "gl": 0.02}, {"en": 0.95, "cy": 0.02}, {"nn": 0.4, "en": 0.3}


@pytest.mark.parametrize(
    ("clips", "level"),
    [
        ((PORTUGUESE, PORTUGUESE), None),
        ((ENGLISH, ENGLISH), "bad"),
        ((PORTUGUESE, PORTUGUESE, PORTUGUESE, ENGLISH), "check"),
        ((UNSURE, UNSURE), None),
        (({"gl": 0.9, "pt": 0.1},), None),
        ((), None),
    ],
)
def test_another_language_than_was_forced(clips: tuple[dict[str, float], ...], level: str | None) -> None:
    """By what the model hears in the audio: in most clips, in one of them; close languages and unsure ones do not count."""
    found = reasons(document(lesson(), heard=heard(*clips)))
    assert (found["language"].level if "language" in found else None) == level
    if level:
        assert found["language"].spans == (((0.0, 40.0),) if level == "bad" else ((60.0, 80.0),))
        assert "English" in found["language"].detail


def test_half_of_a_recording_in_another_language_is_bad() -> None:
    """The words of that half are invented; its place is named."""
    found = reasons(document(lesson(), heard=heard(PORTUGUESE, ENGLISH)))["language"]
    assert (found.level, found.spans) == ("bad", ((20.0, 40.0),))
    assert found.detail.startswith("Part of the recording sounds English")


def test_recordings_in_several_languages_may_sound_like_them() -> None:
    """With --multilingual every clip has its own language."""
    spec = JobSpec(model="small", multilingual=True)
    assert levels(document(lesson(), spec=spec, heard=heard(PORTUGUESE, ENGLISH, ENGLISH))) == {}


@pytest.mark.parametrize(
    ("language", "text", "level"),
    [
        ("en", "And then he wrote a letter to his brother.", None),
        ("en", "ואז הוא כתב מכתב אל אחיו הגדול.", "bad"),
        ("pt", "А потом он написал письмо своему брату.", "bad"),
        ("ru", "А потом он написал письмо своему брату.", None),
        ("sr", "A onda je napisao pismo svom bratu.", None),
        ("ja", "それから彼は兄にメールを書きました。", None),
        ("el", "And then he wrote a letter to his brother.", "bad"),
        ("ko", "그리고 그는 형에게 편지를 썼습니다.", None),
        ("hi", "फिर उसने अपने भाई को पत्र लिखा।", None),
        ("en", "The angle α and the sum Σ are Greek.", None),
    ],
)
def test_text_in_a_script_of_another_language(language: str, text: str, level: str | None) -> None:
    """Letters that the language is not written in; single signs do not count."""
    assert levels(document(lesson(text=text), language=language)).get("script") == level


def test_one_sentence_in_another_script_has_its_place() -> None:
    """The end of a lecture that became Cyrillic."""
    found = [*lesson(11), segment(" Продолжение следует в следующей части.", 55.0, 59.0)]
    reason = reasons(document(found))["script"]
    assert (reason.level, reason.spans) == ("check", ((55.0, 59.0),))


def test_a_translation_is_in_english_script() -> None:
    """Of Russian speech."""
    spec = JobSpec(model="small", language="ru", task="translate")
    found = lesson(text="And then he wrote a letter to his brother.")
    assert levels(document(found, language="ru", spec=spec)) == {}


def test_flags_of_the_audio() -> None:
    """Half of a recording is missing, a little of it, packets, channels."""
    whole = transcript(*lesson()).source
    for duration, level in [(12.5, "check"), (30.0, "bad")]:
        source = whole.model_copy(update={"duration": duration})
        assert levels(document(lesson(2), 10.0, source=source, duration=12.0, flags=("truncated",))) == {"truncated": level}
    for flag in ("damaged", "header_mismatch", "channels_cancelled"):
        assert levels(document(lesson(), flags=(flag,))) == {flag: "check"}
    assert levels(document(lesson(), flags=("language_doubtful",), language_probability=0.3)) == {"language_doubtful": "check"}
    assert levels(document(lesson(), flags=("channels_alike", "invented"))) == {}


def test_faults_of_the_audio_have_places() -> None:
    """Where channels were left out, and what is behind the end that the header names; none where an edit list hides audio."""
    whole = transcript(*lesson()).source
    left_out = ((2.0, 6.0), (30.0, 40.0))
    found = reasons(document(lesson(), flags=("channels_cancelled",), left_out=left_out))
    assert found["channels_cancelled"].spans == left_out
    for promised, spans in [(15.0, ((15.0, 60.0),)), (60.0, ()), (None, ())]:
        source = whole.model_copy(update={"duration": promised})
        found = reasons(document(lesson(), source=source, flags=("header_mismatch",)))
        assert found["header_mismatch"].spans == spans


def test_the_demonstration_model_does_not_know_real_speech() -> None:
    """It is as sure as 0.99 of what it was trained for, and 0.8 of nonsense."""
    demo = JobSpec(model="demo")
    assert levels(document(lesson(probability=0.99), spec=demo)) == {}
    assert levels(document(lesson(probability=0.8), spec=demo)) == {"demonstration_model": "bad"}
    without_words = [one.model_copy(update={"words": None, "avg_logprob": -0.25}) for one in lesson()]
    assert levels(document(without_words, spec=demo)) == {"demonstration_model": "bad"}
    assert levels(document([], 20.0, spec=demo, sound=20.0))["demonstration_model"] == "bad"
    assert levels(document(lesson(probability=0.8))) == {}


def test_the_worst_reason_is_first() -> None:
    """And decides the verdict."""
    found = judged(document(lesson(probability=0.5), flags=("damaged",), gaps=((0.0, 10.0),)))
    assert [reason.level for reason in found.quality.reasons] == ["bad", "check", "check"]
    assert found.quality.verdict == "bad"


def test_places_are_few_and_the_longest() -> None:
    """Hundreds of them would not fit into the head of the document."""
    gaps = tuple((20.0 * n, 20.0 * n + 6 + n % 7) for n in range(300))
    spans = reasons(document(lesson(), 3000.0, gaps=gaps, duration=6000.0))["missing_text"].spans
    assert len(spans) == 12
    assert list(spans) == sorted(spans)
    assert all(end - start == 12 for start, end in spans)


def test_speakers_that_failed_are_checked_and_mended() -> None:
    """Only this reason changes when a finished transcript is diarized; one without a verdict keeps none."""
    good = judged(document(lesson(probability=0.7)))
    failed = with_speaker_reason(good.model_copy(update={"flags": ("no_diarization",)}))
    assert [reason.code for reason in failed.quality.reasons] == ["confidence", "speakers"]
    again = with_speaker_reason(failed.model_copy(update={"flags": ()}))
    assert again.quality == good.quality
    old = document(lesson(), flags=("no_diarization",))
    assert with_speaker_reason(old).quality.verdict is None


def test_spoken_words_of_the_tests_are_dense_enough() -> None:
    """The helper of the other tests speaks two words a second."""
    assert levels(document([spoken(SENTENCE)], 4.0)) == {}
