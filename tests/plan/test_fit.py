"""A default never makes a transcript out of date; what somebody set does, unless its effect is the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faster_whisper.utils import _MODELS

from tests.transcripts import transcript_of
from transcribe_cli.plan import Decision, again_lines
from transcribe_cli.plan.fit import Fit
from transcribe_cli.plan.reasons import change_reason, done_reason
from transcribe_cli.sinks import Header
from transcribe_cli.sources import Recording
from transcribe_cli.spec import JobSpec
from transcribe_cli.text.model_names import is_same_model

from .test_plan import planned, run


def header(**spec: Any) -> Header:
    """Of a transcript in Portuguese, made with this spec by this version."""
    return Header.of(transcript_of(Recording(Path("/a.mp3"), Path("/")), JobSpec(**spec)))


def reason(made: Header, **spec: Any) -> str:
    """Why the transcript does not fit, or how it fits."""
    fit = Fit(JobSpec(**spec))
    changes = fit.changes(made)
    return change_reason(changes) if changes else done_reason(fit.variant(made), ())


@pytest.mark.parametrize(
    ("made", "now", "expected"),
    [
        ({"model": "small", "language": "pt"}, {}, "done (small, pt)"),
        ({"model": "small"}, {"model": "large-v3-turbo"}, "outdated: model small -> large-v3-turbo"),
        ({"model": "turbo"}, {"model": "large-v3-turbo"}, "done"),
        ({"model": "turbo"}, {}, "done"),
        ({}, {"model": "mobiuslabsgmbh/faster-whisper-large-v3-turbo"}, "done"),
        ({"model": "o/m"}, {"model": "o/m@v1"}, "outdated: model o/m -> o/m@v1"),
        ({"model": "o/m@v1"}, {"model": "o/m"}, "done"),
        ({}, {"language": "pt"}, "done"),
        ({}, {"language": "Portuguese"}, "done"),
        ({}, {"language": "en"}, "outdated: language none -> en"),
        ({"language": "pt"}, {"language": None}, "outdated: language pt -> none"),
        ({}, {"languages": ("en", "pt")}, "done"),
        ({}, {"languages": ("en", "es")}, "outdated: languages  -> en,es"),
        ({}, {"word_timestamps": True}, "done"),
        ({"word_timestamps": False}, {}, "done (no word timestamps)"),
        ({"word_timestamps": False}, {"word_timestamps": True}, "outdated: word_timestamps False -> True"),
        ({}, {"word_timestamps": False}, "done"),
        ({"preset": "fast"}, {}, "done (beam size 1, best of 1, temperature 0.0,0.4,0.8, and 1 more)"),
        ({"preset": "fast"}, {"preset": "balanced"}, "outdated: beam_size 1 -> 5, best_of 1 -> 5, and 2 more"),
        ({"preset": "fast"}, {"preset": "fast"}, "done"),
        ({"beam_size": 1}, {"beam_size": 1}, "done"),
        ({"vad_threshold": 0.3}, {"vad_threshold": 0.6}, "outdated: vad_threshold 0.3 -> 0.6"),
        ({"vad_filter": False}, {"vad_filter": False, "vad_threshold": 0.6}, "done"),
        ({"vad_threshold": 1 / 3}, {"vad_threshold": 0.333}, "done"),
        ({"channels": "split"}, {}, "done (channels split)"),
        ({"channels": "split"}, {"channels": "mix"}, "outdated: channels split -> mix"),
        ({"diarize": True}, {}, "done (with speakers)"),
        ({"diarize": True}, {"diarize": False}, "done (with speakers)"),
        ({}, {"diarize": True}, "speakers missing"),
        ({"model": "small"}, {"diarize": True}, "speakers missing"),
        ({"diarize": True, "diarize_model": "a/b"}, {"diarize": True}, "done (diarize model a/b)"),
        ({"diarize": True}, {"diarize": True, "num_speakers": 2}, "outdated: num_speakers none -> 2"),
    ],
)
def test_only_what_was_set_counts_and_by_its_effect(made: dict[str, Any], now: dict[str, Any], expected: str) -> None:
    """`made` with these options, then run with those."""
    assert reason(header(**made), **now) == expected


def test_an_option_that_the_earlier_version_did_not_have_is_off() -> None:
    """A transcript without the field fits if nobody sets it, or if it is switched off."""
    made = header()
    old = replace(made, fingerprint="", spec={name: value for name, value in made.spec.items() if name != "rescue"})
    assert (reason(old), reason(old, rescue=False)) == ("done", "done")
    assert reason(old, rescue=True) == "outdated: rescue none -> True"


def test_a_spec_from_disk_may_hold_anything() -> None:
    """It is compared, never used."""
    made = header()
    for value in (10**400, float("nan"), [[10**400]], {"a": 1}, "\0"):
        changes = Fit(JobSpec(), update=True).changes(replace(made, fingerprint="", spec=dict.fromkeys(made.spec, value)))
        assert change_reason(changes).startswith("outdated: ")


def test_a_commit_of_the_hub_fits_its_revision() -> None:
    """The commit that the hub delivered is in the transcript."""
    assert is_same_model("o/m@0123456789", "o/m", "0123456789abcdef")
    assert not is_same_model("o/m@0123456789", "o/m", "fedcba9876543210")
    assert not is_same_model("o/m@0", "o/m", "0123456789abcdef")


def test_update_compares_defaults_and_the_version() -> None:
    """Of this tool only: a server's recognizer has no version of ours."""
    made = header(model="small")
    update = Fit(JobSpec(), update=True)
    assert [change.name for change in update.changes(replace(made, tool="runpod worker-faster_whisper"))] == ["model"]
    assert [change.name for change in update.changes(replace(made, tool="transcribe-cli 0.0.1"))] == ["model", "version"]


def test_the_names_of_a_model_are_those_of_faster_whisper() -> None:
    """Every pair in its table is one model, and no other is."""
    for name, repository in _MODELS.items():
        assert is_same_model(name, repository)
        for other, other_repository in _MODELS.items():
            assert is_same_model(name, other) == (repository == other_repository)


def test_a_manifest_line_sets_its_own_options(tmp_path: Path) -> None:
    """What the line says counts as set for its recording."""
    for name in ("a.mp3", "b.mp3"):
        (tmp_path / name).touch()
    run(tmp_path)
    (tmp_path / "m.jsonl").write_text('{"uri": "a.mp3", "language": "en"}\n{"uri": "b.mp3", "language": "pt"}')
    assert [job.decision.value for job in planned(tmp_path / "m.jsonl")] == ["transcribe", "done"]


def test_the_run_says_what_is_done_again(tmp_path: Path) -> None:
    """Counted by what changes."""
    for number in range(8):
        (tmp_path / f"{number}.mp3").write_bytes(b"sound")
    run(tmp_path)
    jobs = planned(tmp_path, spec=JobSpec(model="large-v3-turbo"))
    assert again_lines(jobs) == [
        "8 have transcripts of model small; they are done again with large-v3-turbo. --keep leaves them."
    ]
    assert again_lines(jobs[:1]) == ["1 has a transcript of model small; it is done again with large-v3-turbo. --keep leaves it."]
    (tmp_path / "0.mp3").write_bytes(b"other sound")
    assert again_lines(planned(tmp_path)) == ["1 recording has changed and is done again."]


def test_formats_that_are_not_requested_follow_a_new_transcript(tmp_path: Path) -> None:
    """Otherwise they would be left from the old one, and in the way of the next run that requests them."""
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    run(tmp_path, output_format="srt,txt,tsv")
    (tmp_path / "aula.tsv").unlink()
    other = JobSpec(model="other")
    [job] = planned(tmp_path, spec=other, output_format="srt")
    assert (job.decision, job.formats) == (Decision.TRANSCRIBE, ("json", "srt", "txt"))
    run(tmp_path, spec=other, output_format="srt")
    assert run(tmp_path, spec=other, output_format="srt,txt,tsv") == ["render"]
    assert planned(tmp_path, output_format="srt", overwrite=True)[0].formats == ("json", "srt", "txt", "tsv")


def test_subtitles_are_made_again_only_for_what_somebody_sets(tmp_path: Path) -> None:
    """The standard is not forgotten when the flag is not typed again."""
    (tmp_path / "aula.mp3").write_bytes(b"sound")
    run(tmp_path, subtitles="bbc")
    assert [run(tmp_path), run(tmp_path, max_line_count=1), run(tmp_path, subtitles="netflix")] == [
        ["done"],
        ["render"],
        ["render"],
    ]
