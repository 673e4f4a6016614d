"""`transcribe score`: output for users and programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.recordings import check_harmless
from tests.conftest import Ran, environment
from transcribe_cli.cli.score import score
from transcribe_cli.errors import UsageError

Transcribe = Callable[..., Ran]

STM = """;; hand-made
reuniao 1 Ana 0.0 4.0 Bom dia, Sr. Bruno. Temos 42 processos.
reuniao 1 Bruno 4.0 8.0 Bom dia, Dra. Ana. Começamos às 14h30?
reuniao 1 Ana 8.0 10.0 Sim.
"""
VTT = """WEBVTT

00:00.000 --> 00:04.000
<v SPEAKER_00>Bom dia senhor Bruno, temos quarenta e dois processos

00:04.000 --> 00:08.000
<v SPEAKER_01>Bom dia, doutora Ana. Começamos às catorze horas e trinta?

00:08.000 --> 00:10.000
<v SPEAKER_01>Assim
"""
# What `sim` costs: one of 20 words, 2 of 112 characters, 2 of 10 s, and for cpWER a word missing here and one too many there.
EXPECTED = """\
WER      5.00%  1 substitution, 0 deletions, 0 insertions in 20 words
CER      1.79%  0 substitutions, 0 deletions, 2 insertions in 112 characters
DER     20.00%  0.0 s missed, 0.0 s false alarm, 2.0 s confusion in 10.0 s of speech
cpWER   10.00%  0 substitutions, 1 deletion, 1 insertion in 20 words
1 recording scored, pt, normalized.
"""
MEASURE = {"rate", "errors", "substitutions", "deletions", "insertions", "length"}
TIME = {"rate", "errors", "missed", "false_alarm", "confusion", "length"}
BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[:{depth}] == {module!r}.split("."):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
from transcribe_cli.cli import main
main(sys.argv[1:])
"""


@pytest.fixture
def meeting(tmp_path: Path) -> tuple[Path, Path]:
    """A reference and a hypothesis with speakers."""
    (tmp_path / "reuniao.stm").write_text(STM)
    (tmp_path / "reuniao.vtt").write_text(VTT)
    return tmp_path / "reuniao.stm", tmp_path / "reuniao.vtt"


@pytest.fixture
def trees(tmp_path: Path) -> tuple[Path, Path]:
    """Two trees with two pairs, a broken file, a hostile name, and one unpaired file on each side."""
    files: dict[str, str | bytes] = {
        "ref/a.txt": "um dois",
        "ref/sub/b.txt": "três quatro cinco seis sete oito nove dez",
        "ref/bad.txt": b"caf\xe9",
        "ref/evil\x1b]0;owned\x07.txt": "um \x1b[2J dois\u202e",
        "ref/only\nme.txt": "um",
        "hyp/a.json": json.dumps({"text": "um três", "language": "pt"}),
        "hyp/sub/b.srt": "1\n00:00:01,000 --> 00:00:02,000\ntrês quatro cinco seis\nsete oito nove dez\n",
        "hyp/bad.txt": "café",
        "hyp/evil\x1b]0;owned\x07.json": '{"segments": [{"text": 5, "start": "\\u001b[2J"}]}',
        "hyp/extra.vtt": "WEBVTT\n",
    }
    for name, content in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return tmp_path / "ref", tmp_path / "hyp"


def test_a_pair_is_scored_with_all_metrics_that_both_sides_allow(meeting: tuple[Path, Path], transcribe: Transcribe) -> None:
    """On standard output, with nothing on standard error."""
    ran = transcribe("score", *meeting, "--collar", "0")
    assert (ran.code, ran.out, ran.err) == (0, EXPECTED, "")


def test_trees_are_scored_with_pooled_totals(trees: tuple[Path, Path], transcribe: Transcribe) -> None:
    """1 of 2 and 0 of 8 words are 10 %; files that could not be scored are listed with escaped names, and the exit code is 3."""
    ran = transcribe("score", *trees, "--per-file", "--diff")
    check_harmless(ran.out.encode())
    check_harmless(ran.err.encode())
    assert ran.code == 3
    assert "WER     10.00%  1 substitution, 0 deletions, 0 insertions in 10 words" in ran.out
    assert "2 recordings scored, pt, normalized; 2 failed; 2 files on one side only." in ran.out
    assert [line.split() for line in ran.out.splitlines() if line.startswith(("a  ", "sub/b"))][1:] == [
        ["a", "2", "1", "0", "0", "50.00%", "42.86%"],
        ["sub/b", "8", "0", "0", "0", "0.00%", "0.00%"],
    ]
    assert "  REF: um dois\n  HYP: um três\n             S\n" in ran.out
    assert [line.split()[0] for line in ran.err.splitlines()] == ["FAILED", "FAILED", "only", "only"]
    assert "iconv" in ran.err


def paths(value: Any, prefix: str = "") -> Iterator[str]:
    """Of all keys: `recordings[].wer.rate`."""
    if isinstance(value, list):
        for item in value[:1]:
            yield from paths(item, f"{prefix}[]")
    elif isinstance(value, dict):
        for key, item in value.items():
            path = f"{prefix}.{key}" if prefix else key
            yield path
            yield from paths(item, path)


def printed(capsys: pytest.CaptureFixture[str], *arguments: Any, **options: Any) -> str:
    """The output of the command, run in this process."""
    score(*(str(argument) for argument in arguments), **options)
    return capsys.readouterr().out


def test_the_json_document_keeps_its_keys(meeting: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    """Programs rely on them; docs/scoring.md describes each."""
    document = json.loads(printed(capsys, *meeting, as_json=True, diff=True))
    measures = {"wer": MEASURE, "cer": MEASURE, "der": TIME, "cpwer": MEASURE}
    top = {"report_version", "normalized", "collar", "totals", "recordings", "failed", "only_in_reference", "only_in_hypothesis"}
    each = {"name", "reference", "hypothesis", "language", "not_measured", "assignment", "differences"}
    expected = top | {f"recordings[].{key}" for key in each}
    for name, keys in measures.items():
        expected |= {f"{place}.{name}" for place in ("totals", "recordings[]")}
        expected |= {f"{place}.{name}.{key}" for place in ("totals", "recordings[]") for key in keys}
    expected |= {f"recordings[].assignment[].{side}" for side in ("reference", "hypothesis")}
    expected |= {f"recordings[].differences[].{key}" for key in ("at", "word", "errors", "reference", "hypothesis")}
    assert set(paths(document)) == expected
    described = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text("utf-8")
    assert [path for path in sorted(expected) if f"{path.rpartition('.')[2]}`" not in described] == []
    assert document["recordings"][0]["assignment"] == [
        {"reference": "Ana", "hypothesis": "SPEAKER_00"},
        {"reference": "Bruno", "hypothesis": "SPEAKER_01"},
    ]
    assert document["recordings"][0]["differences"] == [
        {"at": 8.0, "word": 20, "errors": 1, "reference": "e trinta sim", "hypothesis": "e trinta assim"}
    ]


def test_the_json_document_lists_what_was_not_scored(trees: tuple[Path, Path], transcribe: Transcribe) -> None:
    """Names are only escaped as JSON; metrics that were not measured are null."""
    ran = transcribe("score", *trees, "--json")
    document = json.loads(ran.out)
    assert ran.code == 3
    assert ran.out.isascii()
    assert document["only_in_reference"] == ["only\nme.txt"]
    assert document["only_in_hypothesis"] == ["extra.vtt"]
    assert [(failure["name"], failure["code"]) for failure in document["failed"]] == [
        ("bad", "unreadable"),
        ("evil\x1b]0;owned\x07", "unreadable"),
    ]
    assert document["totals"]["der"] is None
    assert document["totals"]["wer"]["rate"] == 0.1


def test_every_option_changes_something(meeting: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is compared with the plain output."""
    plain = printed(capsys, *meeting)
    assert "in 8.5 s of speech, excluding 0.25 s on each side of turn boundaries" in plain
    assert "93.33%" in printed(capsys, *meeting, normalize=False)
    assert "as written" in printed(capsys, *meeting, normalize=False)
    assert printed(capsys, *meeting, metrics="cpwer, WER").splitlines()[1].startswith("cpWER")
    assert printed(capsys, *meeting, per_file=True).endswith(plain)
    assert printed(capsys, *meeting, diff=True).endswith(plain)
    assert json.loads(printed(capsys, *meeting, as_json=True, collar=0.0))["collar"] == 0.0
    for name, text in (("a.txt", "1.500 people"), ("b.txt", "one point five zero zero people")):
        (tmp_path / name).write_text(text)
    assert "WER      0.00%" in printed(capsys, tmp_path / "a.txt", tmp_path / "b.txt", language="en")
    assert "WER      0.00%" not in printed(capsys, tmp_path / "a.txt", tmp_path / "b.txt")


def test_data_on_one_side_only_is_reported(
    meeting: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Instead of silently omitting the metric; without speakers on both sides there is no line."""
    (tmp_path / "a.txt").write_text("Bom dia")
    out = printed(capsys, meeting[0], tmp_path / "a.txt")
    assert "DER          -  not measured: no speaker times in the hypothesis\n" in out
    assert "cpWER        -  not measured: no speakers in the hypothesis\n" in out
    assert "not measured" not in printed(capsys, tmp_path / "a.txt", tmp_path / "a.txt")


def test_words_for_an_empty_reference_have_no_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`inf` for users, null for programs; no words for an empty reference are correct."""
    for name, text in (("a.txt", ""), ("b.txt", "Obrigado.")):
        (tmp_path / name).write_text(text)
    assert "WER        inf  0 substitutions, 0 deletions, 1 insertion in 0 words" in printed(
        capsys, tmp_path / "a.txt", tmp_path / "b.txt"
    )
    assert json.loads(printed(capsys, tmp_path / "a.txt", tmp_path / "b.txt", as_json=True))["totals"]["wer"]["rate"] is None
    assert "WER      0.00%" in printed(capsys, tmp_path / "a.txt", tmp_path / "a.txt")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"metrics": "wer,mer"}, "Unknown metric 'mer'. Choose from: wer, cer, der, cpwer."),
        ({"language": "klingon"}, "--language: unknown language 'klingon'"),
        ({"collar": float("nan")}, "--collar must be from 0 to 10 seconds, not nan."),
        ({"collar": -1.0}, "--collar must be"),
    ],
)
def test_invalid_options_are_rejected(options: dict[str, Any], says: str, tmp_path: Path) -> None:
    """Before anything is read."""
    with pytest.raises(UsageError) as caught:
        score(str(tmp_path / "nowhere"), str(tmp_path / "nowhere"), **options)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "code", "says"),
    [
        ("nowhere", "a.txt", 2, "does not exist"),
        ("a.txt", "a.mp3", 2, "a.mp3 is not a file that can be scored. Supported suffixes: .json"),
        ("a.txt", "folder", 2, "No file has a counterpart"),
        ("a.txt", "cut.json", 3, "cut.json is not JSON"),
    ],
)
def test_bad_input_is_one_line(
    reference: str, hypothesis: str, code: int, says: str, tmp_path: Path, transcribe: Transcribe
) -> None:
    """With its exit code, and nothing on standard output."""
    (tmp_path / "folder").mkdir()
    for name in ("a.txt", "a.mp3", "cut.json"):
        (tmp_path / name).write_text("{um")
    ran = transcribe("score", tmp_path / reference, tmp_path / hypothesis)
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert says in ran.err


def without(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """The program without one library."""
    code = BLOCKED.format(depth=module.count(".") + 1, module=module)
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False, env=environment()
    )


@pytest.mark.parametrize(
    ("module", "hint"),
    [
        ("jiwer", ""),
        ("num2words", ""),
        ("pyannote.metrics", "--metrics wer,cer"),
        ("meeteval", "C++ compiler), or omit cpWER: --metrics wer,cer,der"),
    ],
)
def test_a_missing_library_is_reported_with_the_pip_command(module: str, hint: str, meeting: tuple[Path, Path]) -> None:
    """Exit code 4, one line, and the pip command."""
    ran = without(module, "score", *meeting)
    assert (ran.returncode, ran.stdout) == (4, "")
    assert ran.stderr.startswith(
        f"transcribe: Scoring needs {module}, which is not installed. Try: pip install 'transcribe-cli[score]'"
    )
    assert hint in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_words_are_scored_without_the_libraries_for_speakers(meeting: tuple[Path, Path]) -> None:
    """MeetEval needs a compiler, which may be missing."""
    ran = without("meeteval", "score", *meeting, "--metrics", "wer,cer")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("WER")


def test_help_imports_no_metric() -> None:
    """It is fast, and names the extra."""
    code = (
        "import sys\nfrom transcribe_cli.cli import main\n"
        "try: main(['score', '--help'])\nexcept SystemExit: pass\n"
        "print([n for n in ('jiwer', 'pyannote', 'meeteval', 'num2words', 'numpy') if n in sys.modules], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())
    assert ran.stderr.strip() == "[]"
    assert "--no-normalize" in ran.stdout
    assert "extra `score`" in ran.stdout
