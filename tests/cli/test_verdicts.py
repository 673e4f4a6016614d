"""Doubtful transcripts in `run` and `status`: which ones, why, where, and the exit code of `--fail-on`."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from tests.cli.recordings import SHORT, check_harmless, state
from tests.conftest import Ran, spoken
from tests.fork_server import command_runner
from tests.formats import documents
from tests.verdicts import HOSTILE, give_verdict, quality, reason
from transcribe_cli.backends import Backend
from transcribe_cli.batch.run import Batch
from transcribe_cli.events import Event, RecordingDone, RunFinished
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import Quality, Transcript

Transcribe = Callable[..., Ran]
LANGUAGE = reason("The text is in English, but Portuguese was set.", (0.0, 65.0), level="bad", code="language")
LOOPS = reason("Loops were removed.", (3725.4, 3730.0), (12.0, 14.0), code="loops")


@pytest.fixture(scope="module")
def transcribed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree whose transcripts have every verdict; tests use copies of it."""
    folder = tmp_path_factory.mktemp("verdicts") / "aulas"
    folder.mkdir()
    for name in ("bad", "check", "good", "old", "whole"):
        (folder / f"{name}.wav").write_bytes(spoken(SHORT))
    assert command_runner(folder)("run", folder, "--model", "demo").code == 0
    give_verdict(folder / "bad.json", "bad", LOOPS, LANGUAGE)
    give_verdict(folder / "check.json", "check", LOOPS)
    give_verdict(folder / "good.json", "good")
    give_verdict(folder / "old.json", None)
    give_verdict(folder / "whole.json", "check", reason(HOSTILE))
    return folder


@pytest.fixture
def tree(transcribed: Path, tmp_path: Path) -> Path:
    """A copy of the tree with the same file times."""
    return Path(shutil.copytree(transcribed, tmp_path / "aulas"))


def test_status_shows_the_doubtful_among_the_done(tree: Path, transcribe: Transcribe) -> None:
    """With reasons and places, and counts of all; good ones have no line."""
    before = state(tree)
    ran = transcribe("status", tree, "--model", "demo")
    lines = check_harmless(ran.out.encode()).splitlines()
    listed = {line.split()[1]: line for line in lines[: lines.index("")]}
    assert ran.code == 0
    assert ran.err == ""
    assert state(tree) == before
    assert list(listed) == ["bad.wav", "check.wav", "whole.wav"]
    assert all(line.startswith("done ") for line in listed.values())
    assert listed["check.wav"].endswith("check: Loops were removed (1:02:05-1:02:10, 0:12-0:14)")
    assert "BAD: The text is in English, but Portuguese was set (0:00-1:05); Loops" in listed["bad.wav"]
    assert lines[-1].startswith("verdicts     1 good, 2 to check, 1 bad; `transcribe status --check`")


def test_status_json_has_verdicts_and_reasons(tree: Path, transcribe: Transcribe) -> None:
    """Null and none for a transcript of an earlier version."""
    document = json.loads(transcribe("status", tree, "--model", "demo", "--json").out)
    verdicts = {entry["name"]: (entry["verdict"], len(entry["reasons"])) for entry in document["recordings"]}
    assert verdicts == {
        "bad.wav": ("bad", 2),
        "check.wav": ("check", 1),
        "good.wav": ("good", 0),
        "old.wav": (None, 0),
        "whole.wav": ("check", 1),
    }
    assert document["recordings"][0]["reasons"][0]["spans"] == [[0.0, 65.0]]
    assert document["verdicts"] == {"good": 1, "check": 2, "bad": 1}


def test_check_lists_the_worst_first_with_times_to_jump_to(tree: Path, transcribe: Transcribe) -> None:
    """One line for each place, in h:mm:ss; one for all transcripts without a verdict, damaged ones among them."""
    (tree / "good.json").write_text("{damaged")
    (tree / "new.wav").write_bytes(spoken(SHORT))
    ran = transcribe("status", "--check", tree, "--model", "demo")
    assert check_harmless(ran.out.encode()).splitlines() == [
        "BAD    bad.wav",
        "       0:00:00-0:01:05  The text is in English, but Portuguese was set",
        "       1:02:05-1:02:10  Loops were removed",
        "       0:00:12-0:00:14  Loops were removed",
        "check  whole.wav",
        r"       0:00:00  Loops]52;c;aGk= <script>alert(1)</script>\u202e (the whole recording)",
        "check  check.wav",
        "       1:02:05-1:02:10  Loops were removed",
        "       0:00:12-0:00:14  Loops were removed",
        "",
        "2 to check, 1 bad.",
        "2 without a verdict: transcribed by an earlier version, or damaged (good.wav, old.wav).",
        "1 recording without a transcript: see `transcribe status`.",
    ]
    assert ran.code == 3  # not everything is done


def test_check_as_json(tree: Path, transcribe: Transcribe) -> None:
    """For programs: seconds to jump to."""
    document = json.loads(transcribe("status", "--check", tree, "--model", "demo", "--json").out)
    assert [(entry["name"], entry["verdict"], entry["jump_to"]) for entry in document["recordings"]] == [
        ("bad.wav", "bad", 0.0),
        ("whole.wav", "check", 0.0),
        ("check.wav", "check", 12.0),
    ]
    assert document["recordings"][0]["reasons"][0]["code"] == "language"
    assert document["totals"] == {"good": 1, "check": 2, "bad": 1}
    assert document["without_verdict"] == ["old.wav"]


def test_check_does_not_depend_on_the_options_of_the_run(tree: Path, transcribe: Transcribe) -> None:
    """A transcript that is out of date is still the text that people read. A verdict on an earlier recording does not count."""
    (tree / "whole.wav").write_bytes(spoken(SHORT) + b"\0\0")
    for options in (("--model", "small"), ("--model", "demo", "--trust-names"), ("--model", "demo", "-f", "csv")):
        document = json.loads(transcribe("status", "--check", tree, "--json", *options).out)
        assert [entry["name"] for entry in document["recordings"]] == ["bad.wav", "check.wav"], options


@pytest.mark.parametrize(
    ("removed", "level", "code"), [((), None, 0), ((), "bad", 3), (("bad",), "bad", 0), (("bad",), "check", 3)]
)
def test_fail_on_decides_the_exit_code(
    tree: Path, transcribe: Transcribe, removed: Sequence[str], level: str | None, code: int
) -> None:
    """Of `status --check` and of a run, also if the transcripts were done before. The last line says why."""
    for name in removed:
        give_verdict(tree / f"{name}.json", "good")
    options = [tree, "--model", "demo", *(["--fail-on", level] if level else [])]
    checked, ran = transcribe("status", "--check", *options), transcribe("run", *options)
    assert (checked.code, ran.code) == (code, code)
    assert (f"--fail-on {level}" in checked.err) is (code == 3)
    assert (f"Exit code 3 because of --fail-on {level}." in ran.err.splitlines()[-1]) is (code == 3)
    assert transcribe("run", *options, "--trust-names").code == code
    assert transcribe("plan", *options).code == 0


def test_a_summary_names_the_doubtful_and_its_command_lists_them(tree: Path, transcribe: Transcribe) -> None:
    """The command can be copied, also with spaces in names. `--json` has the same."""
    folder = tree.rename(tree.with_name("as aulas"))
    ran = transcribe("run", folder, "--model", "demo", "--json")
    names, counts = check_harmless(ran.err.encode()).splitlines()[-2:]
    assert counts == "5 done already; 2 to check, 1 bad."
    assert names.startswith("To check: bad.wav (BAD), whole.wav, check.wav. See: transcribe status --check ")
    summary = json.loads(ran.out)
    assert summary["verdicts"] == {"good": 1, "check": 2, "bad": 1}
    assert [(entry["recording"], entry["verdict"]) for entry in summary["doubtful"][:1]] == [("bad.wav", "bad")]
    assert (summary["failed_on"], summary["exit_code"]) == (None, 0)
    words = shlex.split(names.partition("See: ")[2])
    assert words == shlex.split(summary["check_command"])
    assert "BAD    bad.wav" in transcribe(*words[1:]).out


def test_a_rendered_recording_says_its_verdict(tree: Path, transcribe: Transcribe) -> None:
    """People look at these lines, too. Quiet shows only the bad one, and why the run failed."""
    ran = transcribe("run", tree, "--model", "demo", "-f", "txt", "--quiet", "--fail-on", "check")
    assert ran.code == 3
    rendered, names, counts = check_harmless(ran.err.encode()).splitlines()
    assert rendered.startswith("rendered  bad.wav  bad.txt; BAD: The text is in English")
    assert names.startswith("To check: bad.wav (BAD)")
    assert counts == "5 rendered; 2 to check, 1 bad. Exit code 3 because of --fail-on check."
    assert Transcript.loads((tree / "bad.json").read_text("utf-8")).quality.verdict == "bad"


class Doubtful(Backend):
    """A backend whose transcripts have these qualities."""

    def __init__(self, qualities: dict[str, Quality]) -> None:
        self._qualities = qualities

    def check(self, jobs: Sequence[Job]) -> None:
        """It is ready."""

    def run(self, jobs: Sequence[Job], should_run: Callable[[Job], bool], should_stop: Callable[[], bool]) -> Iterator[Outcome]:
        """Each job at once."""
        for job in jobs:
            if should_run(job):
                found = documents.transcript(documents.spoken(SHORT), quality=self._qualities[job.recording.name])
                yield Outcome(job, found)


@pytest.mark.parametrize(("level", "code"), [(None, 0), ("bad", 0), ("check", 3)])
def test_new_transcripts_count_by_their_verdict(tmp_path: Path, level: str | None, code: int) -> None:
    """The events have it; an old worker's transcript has none."""
    qualities = {"a.wav": quality(), "b.wav": quality(LOOPS), "c.wav": Quality(speech=1.0, covered=1.0)}
    for name in qualities:
        (tmp_path / name).write_bytes(spoken(SHORT))
    spec, settings = JobSpec(model="demo"), Settings.model_validate({"fail_on": level, "state_dir": tmp_path / "state"})
    events: list[Event] = []
    jobs = plan(find_recordings([str(tmp_path)]), spec, settings)
    end = Batch(jobs, spec, settings, events.append, lambda *_: Doubtful(qualities)).run()
    assert {event.recording: event.verdict for event in events if isinstance(event, RecordingDone)} == {
        "a.wav": "good",
        "b.wav": "check",
        "c.wav": None,
    }
    assert isinstance(end, RunFinished)
    assert (end.exit_code, end.failed_on) == (code, "check" if code else None)
    assert end.verdicts == {"good": 1, "check": 1, "bad": 0}
    assert [(entry.recording, [one.code for one in entry.reasons]) for entry in end.doubtful] == [("b.wav", ["loops"])]
