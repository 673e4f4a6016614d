"""`python -m benchmarks.real`: a corpus of examples with the demo model, and the figures against numbers computed by hand."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from benchmarks.process import run
from benchmarks.real import contenders, corpus, tables
from benchmarks.real.figures import Rounds, figures, with_digits
from benchmarks.real.hypothesis import FAILED, Hypothesis
from benchmarks.real.intervals import difference
from benchmarks.real.measures import measure

from transcribe_cli import demo
from transcribe_cli.scoring.document import Document, Utterance, document_of
from transcribe_cli.transcript import Turn

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
MODEL = Path(next(iter(demo.__path__)), "recognizer")


def row(uri: str, **fields: Any) -> dict[str, Any]:
    return {"uri": uri, **fields}


def made(folder: Path, rows: Iterable[dict[str, Any]]) -> Path:
    """A corpus of these rows; a file that is missing is empty."""
    lines = list(rows)
    for line in lines:
        path = folder / line["uri"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "manifest.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return folder


def rttm(path: Path, turns: Sequence[tuple[float, float, str]]) -> str:
    lines = [f"SPEAKER {path.stem} 1 {start} {end - start} <NA> <NA> {who} <NA> <NA>\n" for start, end, who in turns]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), "utf-8")
    return path.name


def recording(**fields: Any) -> corpus.Recording:
    known = {"uri": "one.flac", "path": Path("one.flac"), "language": "pt", "kind": "read"}
    return corpus.Recording(**known | fields)


def heard(text: str, words: Sequence[tuple[float, float]] = (), language: str = "pt") -> Hypothesis:
    document = document_of([Utterance(text)] if text else [], None, language)
    return Hypothesis(document, words=tuple(words), has_word_times=bool(words))


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """A corpus of a conversation and of silence, from the examples."""
    for name in ("hearing.wav", "silencio.m4a"):
        shutil.copy(EXAMPLES / "audio" / name, tmp_path / name)
    shutil.copy(EXAMPLES / "references" / "hearing.rttm", tmp_path)
    said = " ".join((EXAMPLES / "references" / "hearing.txt").read_text("utf-8").split())
    conversation = row("hearing.wav", language="pt", text=said, rttm="hearing.rttm", seconds=55.2)
    return made(tmp_path, [conversation, row("silencio.m4a", language="zxx", text="", seconds=10.0)])


def test_a_corpus_is_measured_and_results_have_neither_its_texts_nor_paths(
    speech: Path, tmp_path_factory: pytest.TempPathFactory
):
    results, kept = tmp_path_factory.mktemp("results"), tmp_path_factory.mktemp("kept")
    command = [sys.executable, "-m", "benchmarks.real", "--corpus", speech, "--model", MODEL, "--threads", "1"]
    command += ["--contenders", "fw-batched,whisperx", "--ours", "one beam: --beam-size 1", "--ours", "wrong: --beam-size none"]
    command += ["--peers-venv", results, "--results", results, "--keep", kept]

    ran = run(command)

    page, document = (next(results.glob(f"real-*{suffix}")).read_text("utf-8") for suffix in (".md", ".json"))
    for title in ("### pt conversation: 1 recordings", "### zxx nonspeech: 1 recordings", "### all groups: 2 recordings"):
        assert title in ran.output
        assert title in page
    for text in (page, document):
        assert not [secret for secret in (str(speech), str(MODEL), str(results), "audiência", "contrato") if secret in text]
    tables = json.loads(document)["tables"]
    assert all({"wrong: failed", "whisperx: not installed"} <= set(table["notes"]) for table in tables)
    found = {table["title"].split(":")[0]: table["figures"] for table in tables}
    assert found["pt conversation"].keys() == {"fw-batched", "one beam"}
    ours, loop = (found["pt conversation"][name] for name in ("one beam", "fw-batched"))
    assert ours["wer"]["rate"] < 0.1 > loop["wer"]["rate"]
    assert ours["starts"]["median"] < 0.5 > loop["starts"]["median"]
    assert ours["missing"] == loop["missing"] == {"stretches": 0, "seconds": 0}
    assert ours["der"] is None is loop["der"]
    assert ours["peak"] > 0 < loop["peak"]
    assert found["zxx nonspeech"]["one beam"]["invented"] == {"words": 0, "recordings": 0}
    assert "audiência" in (kept / "one beam" / "hearing.wav.txt").read_text("utf-8").casefold()
    errors = [json.loads(line) for line in (kept / "errors.jsonl").read_text("utf-8").splitlines()]
    assert sorted((item["contender"], item["uri"]) for item in errors) == [
        (name, uri) for name in ("fw-batched", "one beam") for uri in ("hearing.wav", "silencio.m4a")
    ]


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (None, "manifest.jsonl cannot be read"),
        ("{\n", "line 1 is not an entry"),
        ('{"language": "pt"}\n', "line 1 is not an entry"),
        ('{"uri": "manifest.jsonl", "language": "klingon"}\n', "line 1 is not an entry"),
        ('{"uri": "absent.flac"}\n', "there is no file absent.flac"),
        ('\n{"uri": "manifest.jsonl", "rttm": "absent.rttm"}\n', "absent.rttm cannot be read"),
    ],
)
def test_a_corpus_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, manifest: str | None, said: str):
    if manifest is not None:
        (tmp_path / "manifest.jsonl").write_text(manifest, "utf-8")
    with pytest.raises(corpus.BadCorpus, match=said):
        corpus.load([tmp_path])


def test_recordings_without_a_kind_get_one_and_a_sample_takes_every_speaker(tmp_path: Path):
    rttm(tmp_path / "talk.rttm", [(0, 1, "A"), (1, 2, "B")])
    rows = [row(f"{who}{number}.flac", language="pt", speaker=who, seconds=4) for who in "ABC" for number in range(10)]
    others = [row("lecture.flac", language="pt", seconds=90), row("long.flac", language="pt", seconds=900)]
    others += [row("talk.flac", language="pt", seconds=4, rttm="talk.rttm"), row("rain.flac", language="zxx", seconds=900)]
    found = corpus.Selection(sample=6).groups(corpus.load([made(tmp_path, [*rows, *others])]))
    assert list(found) == ["pt sentence", "pt lecture", "pt long", "pt conversation", "zxx nonspeech"]
    assert [item.speaker for item in found["pt sentence"]] == ["A", "A", "B", "B", "C", "C"]


def test_a_selection_takes_globs_kinds_and_languages(tmp_path: Path):
    rows = [
        row("a/1.flac", language="pt", kind="read"),
        row("b/1.flac", language="es", kind="read"),
        row("b/2.flac", language="pt", kind="hard"),
    ]
    recordings = corpus.load([made(tmp_path, rows)])
    assert list(corpus.Selection(only=("b/*",)).groups(recordings)) == ["es read", "pt hard"]
    assert list(corpus.Selection(kinds=("read",), languages=("pt",)).groups(recordings)) == ["pt read"]


def test_regions_of_languages_are_ignored(tmp_path: Path):
    codes = ("pt-BR", "es-MX", "EN", "zxx", "mul", "")
    found = corpus.load([made(tmp_path, [row(f"{number}.flac", language=code) for number, code in enumerate(codes)])])
    assert [item.language for item in found] == ["pt", "es", "en", "zxx", "mul", ""]
    assert [item.has_one_language for item in found] == [True, True, True, False, False, False]


def test_who_says_what_is_found_from_the_sentences_of_the_speakers(tmp_path: Path):
    rttm(tmp_path / "talk.rttm", [(0, 1, "A"), (2, 3, "B"), (4, 5, "B"), (6, 7, "A")])
    sentences = [
        row("1.flac", text="bom dia", speaker="A"),
        row("2.flac", text="bom", speaker="A"),
        row("3.flac", text="boa tarde", speaker="B"),
    ]
    unknown = row("4.flac", text="", speaker="B")
    talk = row("talk.flac", text="bom dia boa tarde  bom", rttm="talk.rttm")
    *_, found = corpus.load([made(tmp_path, [*sentences, unknown, talk])])
    assert [(part.speaker, part.text, part.start) for part in found.utterances] == [
        ("A", "bom dia", 0),
        ("B", "boa tarde", 2),
        ("A", "bom", 6),
    ]
    *_, without = corpus.load([made(tmp_path, [*sentences, talk])])
    assert without.utterances == ()


def test_errors_are_those_of_score_and_a_failure_counts_every_word():
    spoken = recording(text="são vinte e duas casas")
    exact, wrong, failed = (
        measure(spoken, one, detected=False) for one in (heard("São 22 casas."), heard("são 22 carros"), FAILED)
    )
    assert [one.score.wer.errors for one in (exact, wrong, failed) if one.score and one.score.wer] == [0, 1, 5]
    assert [one.has_digits for one in (exact, wrong, failed)] == [True, True, False]
    assert [one.empty for one in (exact, wrong, failed)] == [False, False, True]


def test_recordings_with_digits_of_any_contender_are_left_out_for_all():
    both = [recording(uri="1", text="vinte casas"), recording(uri="2", text="bom dia")]
    first = Rounds(
        measures=[measure(item, heard(text), detected=False) for item, text in zip(both, ("20 casas", "bom"), strict=True)]
    )
    other = Rounds(
        measures=[measure(item, heard(text), detected=False) for item, text in zip(both, ("x", "bom dia"), strict=True)]
    )
    digits = with_digits([first, other])
    assert digits == {"1"}
    for rounds, errors, spelled in ((first, 1, 1), (other, 2, 0)):
        rounds.ended = [contenders.Ended(1.0, 1)]
        found = figures(rounds, both, digits)
        assert (found["wer"]["errors"], found["wer_without_digits"]["errors"]) == (errors, spelled)
        assert found["wer_without_digits"]["recordings"] == 1


def test_a_difference_by_chance_has_zero_in_its_interval():
    spoken = [recording(uri=str(number), text="um dois três quatro") for number in range(20)]
    exact = [measure(item, heard("um dois três quatro"), detected=False) for item in spoken]
    worse = [measure(item, heard("um dois três"), detected=False) for item in spoken]
    lucky = [worse[0], *exact[1:]]
    assert difference(exact, worse, ()) == {"points": 25.0, "low": 25.0, "high": 25.0}
    found = difference(exact, lucky, ())
    assert found is not None
    assert (found["points"], found["low"]) == (1.25, 0.0)
    assert difference(worse, exact, {item.uri for item in spoken[:16]}) is None


def test_reference_speech_without_words_is_missing_but_pauses_are_not():
    turns = (
        Turn(start=0, end=4, speaker="A"),
        Turn(start=20, end=24, speaker="A"),
        Turn(start=25, end=27, speaker="B"),
        Turn(start=28, end=30, speaker="A"),
    )
    spoken = recording(turns=turns)
    whole = [(0.1, 1.5), (1.5, 3.9), (20.0, 23.0), (23, 24), (25, 27), (28, 30)]
    assert measure(spoken, heard("x", whole), detected=False).missing == ()
    assert measure(spoken, heard("x", whole[:3]), detected=False).missing == (5.0,)  # the last second, and two turns
    assert measure(spoken, heard("x", whole[2:]), detected=False).missing == (4.0,)
    assert measure(spoken, heard(""), detected=False).missing == (12.0,)
    assert measure(recording(text="x"), heard(""), detected=False).missing is None


def test_word_times_are_compared_with_the_starts_of_sentences():
    turns = (Turn(start=1, end=4, speaker="A"), Turn(start=4.1, end=6, speaker="B"), Turn(start=8, end=9, speaker="A"))
    words = [(0.8, 1.4), (1.4, 5.0), (7.2, 8.9), (8.9, 9.0)]
    assert measure(recording(turns=turns), heard("x", words), detected=False).starts == (-0.2, -0.8)


def test_a_language_is_wrong_only_if_it_was_detected():
    spanish = heard("hola", language="es")
    assert measure(recording(text="olá"), spanish, detected=True).wrong_language is True
    assert measure(recording(text="olá", language="es"), spanish, detected=True).wrong_language is False
    assert measure(recording(text="olá"), spanish, detected=False).wrong_language is None
    assert measure(recording(text="olá", language="mul"), spanish, detected=True).wrong_language is None


def test_words_in_a_recording_without_speech_are_invented():
    silent = recording(language="zxx", text="")
    assert [measure(silent, one, detected=True).invented for one in (heard("Obrigado, até logo."), heard("♪ ..."), FAILED)] == [
        3,
        0,
        0,
    ]


def test_speakers_are_scored_if_both_sides_have_them():
    turns = (Turn(start=0, end=2, speaker="A"), Turn(start=3, end=5, speaker="B"))
    said = (Utterance("bom dia", "A", 0, 2), Utterance("boa tarde", "B", 3, 5))
    spoken = recording(text="bom dia boa tarde", turns=turns, utterances=said)
    swapped = (Utterance("bom dia", "1", 0, 2), Utterance("boa noite", "2", 3, 5))
    found = measure(spoken, Hypothesis(document_of(swapped)), detected=False).score
    assert found is not None
    assert found.cpwer is not None
    assert (found.cpwer.errors, found.der and found.der.errors) == (1, 0)
    only_turns = measure(recording(turns=turns), Hypothesis(document_of(swapped)), detected=False).score
    assert only_turns is not None
    assert (only_turns.wer, only_turns.der and only_turns.der.errors) == (None, 0)
    assert measure(recording(), Hypothesis(Document()), detected=False).score is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pad 400: --vad-speech-pad-ms 400", ("pad 400", ("--vad-speech-pad-ms", "400"))),
        ("--initial-prompt 'a: b'", ("ours --initial-prompt 'a: b'", ("--initial-prompt", "a: b"))),
    ],
)
def test_ours_is_repeated_with_other_flags(text: str, expected: tuple[str, tuple[str, ...]]):
    assert contenders.variant(text) == expected


@pytest.mark.parametrize("text", ["", "balanced", "pad: 400"])
def test_a_variant_without_flags_is_refused(text: str):
    with pytest.raises(ValueError, match="is not"):
        contenders.variant(text)


def test_the_command_in_the_results_has_no_path_of_this_machine():
    given = [
        "--corpus",
        "/home/me/private/speech",
        "--model=~/base",
        "--only",
        "pt/*",
        "--ours",
        "x: --model-dir=/srv/m --voices",
    ]
    said = tables.command(given)
    assert said == "python -m benchmarks.real --corpus speech --model=base --only 'pt/*' --ours 'x: --model-dir=m --voices'"
