"""Corrections made in a rendering come back into the transcript: the words, their times, their speakers."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transcripts import SPEC
from transcribe_cli.corrections import EditedFile, changes, take_over, undone
from transcribe_cli.corrections.tokens import places
from transcribe_cli.errors import RecordingError
from transcribe_cli.formats import render
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

JOB = JobRecord(
    fingerprint=SPEC.fingerprint, spec={}, tool="t", backend="local", device="cpu", finished_at="2026-11-28T00:00:00+00:00"
)


def made(sentences: Sequence[str], speakers: Sequence[str] = (), *, space: str = " ", timed: bool = True) -> Transcript:
    """A transcript with half a second for each word, and a pause of two seconds after each sentence."""
    segments, at = [], 0.0
    for number, sentence in enumerate(sentences):
        speaker = speakers[number] if speakers else None
        words = []
        for word in sentence.split() if space else list(sentence):
            words.append(Word(word=space + word, start=at, end=at + 0.5, probability=0.75, speaker=speaker))
            at += 0.5
        text = "".join(word.word for word in words)
        start = words[0].start
        segments.append(
            Segment(id=number, seek=0, start=start, end=at, text=text, speaker=speaker, words=tuple(words) if timed else None)
        )
        at += 2.0
    return Transcript(
        source=Source(name="aula.mp3", uri="file:///aula.mp3", size=1),
        job=JOB,
        language="pt",
        language_probability=1.0,
        duration=at,
        speakers=tuple(dict.fromkeys(speakers)),
        text="".join(segment.text for segment in segments),
        segments=tuple(segments),
        quality=Quality(speech=at, covered=1.0),
    )


def texts(transcript: Transcript) -> list[str]:
    return [place.text for place in places(transcript.segments)]


def corrected(transcript: Transcript, old: str, new: str, format: str = "srt") -> Transcript:
    text = str(render(format, transcript))
    assert old in text
    return take_over(transcript, [EditedFile(f"aula.{format}", format, text.replace(old, new))]).transcript


AULA = made(["O cluster roda kubernets hoje.", "Vamos começar a aula.", "Sim."])


@pytest.mark.parametrize("format", ["srt", "vtt", "txt"])
@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("kubernets", "Kubernetes", "O cluster roda Kubernetes hoje. Vamos começar a aula. Sim."),
        ("roda kubernets", "executa o Kubernetes", "O cluster executa o Kubernetes hoje. Vamos começar a aula. Sim."),
        ("cluster ", "", "O roda kubernets hoje. Vamos começar a aula. Sim."),
        ("Vamos", "Então vamos", "O cluster roda kubernets hoje. Então vamos começar a aula. Sim."),
        ("aula.", "aula agora.", "O cluster roda kubernets hoje. Vamos começar a aula agora. Sim."),
        ("Sim.", "", "O cluster roda kubernets hoje. Vamos começar a aula."),
    ],
)
def test_words_are_changed_added_and_removed(format: str, old: str, new: str, expected: str) -> None:
    """Unchanged words keep times and probabilities; undoing restores the transcript exactly."""
    result = corrected(AULA, old, new, format)
    assert " ".join(texts(result)) == expected == result.text.strip()
    before = {word.word: word for segment in AULA.segments for word in segment.words or ()}
    for word in (word for segment in result.segments for word in segment.words or ()):
        assert word == before[word.word] if word.aligned else word.probability == 1.0
    assert undone(result) == AULA
    assert len(changes(result)) == 1
    loaded = Transcript.loads(result.dumps())
    assert undone(loaded).segments == AULA.segments


def test_a_replaced_word_has_the_time_of_the_old_one() -> None:
    """And is marked as not aligned."""
    result = corrected(AULA, "kubernets", "Kubernetes")
    (new,) = [word for word in result.segments[0].words or () if not word.aligned]
    assert (new.word, new.start, new.end) == (" Kubernetes", 1.5, 2.0)


def test_a_new_cue_becomes_a_segment_with_its_times() -> None:
    """In a pause, where nothing was recognized."""
    text = str(render("srt", AULA)) + "9\n00:00:02,700 --> 00:00:04,000\nPois não?\n\n"
    blocks = sorted(text.strip().split("\n\n"), key=lambda block: block.splitlines()[1])
    result = take_over(AULA, [EditedFile("aula.srt", "srt", "\n\n".join(blocks))]).transcript
    assert [segment.text for segment in result.segments][1] == " Pois não?"
    assert 2.5 <= result.segments[1].start < result.segments[1].end <= 4.5


def test_scripts_without_spaces_are_compared_by_character() -> None:
    """Only the changed character is new."""
    text = made(["今日は講義です"], space="")
    result = corrected(text, "講", "抗")
    assert result.text == "今日は抗義です"
    assert [word.aligned for word in result.segments[0].words or ()] == [True, True, True, False, True, True, True]


def test_without_word_times_the_text_changes() -> None:
    """The segment keeps its times."""
    result = corrected(made(["Bom dia a todos."], timed=False), "todos", "todas")
    assert (result.text, result.segments[0].words, result.segments[0].end) == (" Bom dia a todas.", None, 2.0)


TALK = made(["Alguma pergunta?", "Sim, uma.", "Qual?"], ["SPEAKER_00", "SPEAKER_01", "SPEAKER_00"])


@pytest.mark.parametrize("format", ["srt", "vtt", "txt"])
def test_a_renamed_speaker_gets_the_name(format: str) -> None:
    """The labels stay; undoing removes the name."""
    result = corrected(TALK, "SPEAKER_00", "Ana Souza", format)
    assert result.speaker_names == {"SPEAKER_00": "Ana Souza"}
    assert texts(result) == texts(TALK)
    assert undone(result) == TALK


def test_words_can_be_given_to_another_speaker() -> None:
    """One turn, in VTT, where every cue has its speaker."""
    result = corrected(TALK, "<v SPEAKER_00>Qual?", "<v SPEAKER_01>Qual?", "vtt")
    assert [segment.speaker for segment in result.segments] == ["SPEAKER_00", "SPEAKER_01", "SPEAKER_01"]


def test_two_files_are_merged_and_contradictions_are_told() -> None:
    """Both were rendered from the same text."""
    srt = EditedFile("aula.srt", "srt", str(render("srt", AULA)).replace("kubernets", "Kubernetes"))
    txt = EditedFile("aula.txt", "txt", str(render("txt", AULA)).replace("Sim", "Não"))
    both = take_over(AULA, [srt, txt])
    assert both.transcript.text == " O cluster roda Kubernetes hoje. Vamos começar a aula. Não."
    other = EditedFile("aula.txt", "txt", str(render("txt", AULA)).replace("kubernets", "cubernetes"))
    first = take_over(AULA, [srt, other])
    assert list(first.taken) == ["aula.srt"]
    assert "aula.txt, at 0:00: 'cubernetes' differs" in first.refused[0]


def test_a_file_from_before_a_correction_does_not_undo_it() -> None:
    """It was rendered from what was recognized."""
    first = corrected(AULA, "kubernets", "Kubernetes")
    late = EditedFile("aula.txt", "txt", str(render("txt", AULA)).replace("Sim", "Não"), is_current=False)
    assert take_over(first, [late]).transcript.text == " O cluster roda Kubernetes hoje. Vamos começar a aula. Não."
    other = EditedFile("aula.txt", "txt", str(render("txt", AULA)).replace("kubernets", "cubernetes"), is_current=False)
    with pytest.raises(RecordingError, match="differs"):
        take_over(first, [other])


WORDS = st.lists(st.sampled_from(["a", "e", "aula", "Bom", "dia.", "não", "講義", "l'eau", "x:y", "1,5"]), min_size=1, max_size=8)


@settings(max_examples=150, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.data())
def test_random_edits_of_an_srt_come_back_with_times_in_order(sentences: list[list[str]], data: st.DataObject) -> None:
    """The words of the transcript are those of the edited file, whatever was changed in it."""
    transcript = made([" ".join(words) for words in sentences])
    cues = str(render("srt", transcript)).strip().split("\n\n")
    edited = []
    for cue in cues:
        number, times, *lines = cue.split("\n")
        words = " ".join(lines).split()
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(words)))
            words[at : at + data.draw(st.integers(0, 2))] = data.draw(
                st.lists(st.sampled_from(["novo", "a", "義", "Z."]), max_size=3)
            )
        edited.append("\n".join([number, times, " ".join(words)]))
    file = EditedFile("aula.srt", "srt", "\n\n".join(edited))
    expected = " ".join(line for cue in edited for line in cue.split("\n")[2:]).split()
    if not expected:
        with pytest.raises(RecordingError, match="has no words"):
            take_over(transcript, [file])
        return
    result = take_over(transcript, [file]).transcript
    assert result.text.replace(" ", "") == "".join(expected)
    times = [(word.start, word.end) for segment in result.segments for word in segment.words or ()]
    assert all(start <= end for start, end in times)
    assert times == sorted(times)
    assert undone(result).segments == transcript.segments


def test_hundreds_of_corrections_in_an_hour() -> None:
    """300 corrected cues among 9,000 words with few different ones. How long it takes is in the docs."""
    common = "a aula de hoje é sobre o que a gente viu na semana passada e o que vem depois".split()  # noqa: SIM905 - prose
    hour = made([" ".join(common[(n * 7 + k) % len(common)] for k in range(9)) for n in range(1000)])
    lines = str(render("srt", hour)).split("\n\n")
    for number in range(0, 900, 3):
        lines[number] = lines[number].replace("aula", "classe").replace("semana", "quinzena") + " corrigido"
    result = take_over(hour, [EditedFile("h.srt", "srt", "\n\n".join(lines))]).transcript
    assert result.text.count("corrigido") == 300
