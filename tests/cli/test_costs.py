"""What work costs, before and after: `plan`, the transcript, the events, the summary."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import Ran, spoken
from tests.runpod_catalogue import KEY, fake_catalogue

Transcribe = Callable[..., Ran]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two short recordings."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.wav").write_bytes(spoken(SHORT))
    return folder


def own_prices(folder: Path, text: str) -> Path:
    """A file of prices."""
    path = folder / "prices.toml"
    path.write_text(text)
    return path


def test_a_run_reports_its_cost_everywhere(tree: Path, transcribe: Transcribe) -> None:
    """In the transcripts, the events and the summary; the parts do not exceed the total."""
    ran = transcribe("run", tree, "--model", "demo", "--price-per-hour", "360", "--log-format", "json", "--json")
    summary, events = json.loads(ran.out), [json.loads(line) for line in ran.err.splitlines()]
    costs = [json.loads((tree / f"{name}.json").read_text())["cost"] for name in ("a", "b")]
    for cost in costs:
        assert cost["amount"] == pytest.approx(cost["seconds"] * 0.1, abs=1e-3)
        assert (cost["currency"], cost["per_hour"], cost["source"]) == ("USD", 360.0, "price_per_hour")
    told = [event["cost"] for event in events if event["event"] == "recording_done"]
    assert sorted(told) == sorted(cost["amount"] for cost in costs)
    assert 0 < sum(told) <= summary["cost"] <= 36 * summary["seconds"]
    assert summary["cost"] == pytest.approx(0.1 * summary["seconds"], rel=0.2)


def test_without_a_price_no_cost_is_shown(tree: Path, transcribe: Transcribe) -> None:
    """The user's own machine costs nothing."""
    ran = transcribe("run", tree, "--model", "demo", "--json")
    assert json.loads(ran.out)["cost"] is None
    assert json.loads((tree / "a.json").read_text())["cost"] is None
    assert "$" not in ran.err


def test_speakers_that_are_added_later_add_to_the_cost(tmp_path: Path, transcribe: Transcribe) -> None:
    """The transcript has the sum."""
    folder = tmp_path / "aulas"
    folder.mkdir()
    (folder / "a.wav").write_bytes(spoken(SHORT))
    options = ("--model", "demo", "--price-per-hour", "360")
    assert transcribe("run", folder, *options).code == 0
    before = json.loads((folder / "a.json").read_text())["cost"]
    (folder / "a.rttm").write_text("SPEAKER a 1 0 60 <NA> <NA> Ana <NA> <NA>\n")
    ran = transcribe("run", folder, *options, "--diarize", "--diarize-model", "rttm", "--json")
    after, run = json.loads((folder / "a.json").read_text())["cost"], json.loads(ran.out)["cost"]
    assert before["amount"] < after["amount"] <= before["amount"] + run


def test_the_price_may_be_in_a_file(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Under [local]; an invalid file ends the run before it starts."""
    path = own_prices(tmp_path, "[local]\nprice_per_hour = 360\nas_of = 2026-11-01\nsource = 'contract 7'\n")
    assert transcribe("run", tree, "--model", "demo", "--prices", path).code == 0
    cost = json.loads((tree / "a.json").read_text())["cost"]
    assert (cost["per_hour"], cost["as_of"], cost["source"]) == (360.0, "2026-11-01", "contract 7")
    for command in ("run", "plan"):
        ran = transcribe(command, tree, "--model", "demo", "--prices", own_prices(tmp_path, "[local]\nprice = 1\n"))
        assert ran.code == 2
        assert "local.price" in ran.err


def test_a_plan_uses_the_configured_speed(tree: Path, transcribe: Transcribe) -> None:
    """Time and cost, each as a range."""
    ran = transcribe("plan", tree, "--model", "demo", "--rtfx", "10", "--price-per-hour", "3600", "--json")
    plan = json.loads(ran.out)
    found, audio = plan["estimate"], plan["seconds_to_transcribe"]
    assert (found["place"], found["rtfx"], found["rtfx_origin"]) == ("this machine", 10.0, "as configured")
    assert found["seconds"]["likely"] == pytest.approx(audio / 10, abs=0.1)
    assert found["seconds"]["low"] < found["seconds"]["likely"] < found["seconds"]["high"]
    assert found["cost"]["likely"] == pytest.approx(audio / 10, abs=0.01)
    assert found["price"] == {"per_hour": 3600.0, "per_audio_hour": None, "as_of": None, "source": "price_per_hour"}
    text = transcribe("run", tree, "--model", "demo", "--rtfx", "10", "--dry-run").out
    assert "On this machine about" in text
    assert "10x real time, as configured" in text


def test_a_plan_estimates_from_the_runs_before_it(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """Of this machine and model; without one there is no estimate."""
    state = ("--state-dir", tmp_path / "state")
    before = transcribe("plan", tree, "--model", "demo", *state)
    assert "there is no earlier run to measure the speed" in before.out
    assert not (tmp_path / "state").exists()
    assert transcribe("run", tree, "--model", "demo", *state).code == 0
    after = json.loads(transcribe("plan", tree, "--model", "demo", "--overwrite", *state, "--json").out)["estimate"]
    assert after["rtfx_origin"] == "measured in 1 run"
    assert after["rtfx"] > 0
    other = json.loads(transcribe("plan", tree, "--model", "demo", "--beam-size", "1", *state, "--json").out)
    assert other["estimate"]["rtfx"] is None


def test_a_model_that_never_ran_here_is_assumed_to_be_as_fast_as_elsewhere(
    tree: Path, transcribe: Transcribe, tmp_path: Path
) -> None:
    """The plan says that this is assumed, and names the source."""
    options = ("--model", "small", "--device", "cpu", "--state-dir", tmp_path, "--compare", "--offline")
    ran = transcribe("plan", tree, *options)
    assert "15x real time, assumed, measured on other machines" in ran.out
    assert "https://github.com/SYSTRAN/faster-whisper" in ran.out


def test_backends_are_compared_at_current_prices(tree: Path, transcribe: Transcribe) -> None:
    """From the catalogue; the output names the source and date of the prices."""
    with fake_catalogue() as server:
        options = ("plan", tree, "--model", "large-v3-turbo", "--rtfx", "10", "--compare")
        env = {"RUNPOD_API_KEY": KEY, "TRANSCRIBE_RUNPOD_API_URL": server.url}
        text = transcribe(*options, env=env).out
        document = json.loads(transcribe(*options, "--json", env=env).out)
    places = {place["place"]: place for place in document["compare"]}
    assert places["runpod ADA_24"]["price"]["per_hour"] == 1.1
    assert places["runpod ADA_24"]["price"]["source"] == server.address
    assert places["runpod ADA_24"]["rtfx_origin"].startswith("assumed")
    assert places["runpod HOPPER_141"]["price"]["as_of"] == "2026-06-08"
    audio = document["seconds_to_transcribe"]
    assert places["openai whisper-1"]["cost"]["likely"] == pytest.approx(0.36 * audio / 3600, abs=1e-4)
    assert document["notes"][0] == "RunPod's prices are current, from its catalogue."
    for told in ("this machine", "runpod ADA_24", "$1.10/h", "groq whisper-large-v3-turbo", server.address):
        assert told in text
    assert KEY not in text


def test_without_the_catalogue_the_built_in_prices_are_used_and_that_is_reported(tree: Path, transcribe: Transcribe) -> None:
    """No key, no server, --offline: the date of the prices, and why they are not current."""
    options = ("plan", tree, "--model", "demo", "--compare")
    nobody = {"TRANSCRIBE_RUNPOD_API_URL": "http://127.0.0.1:9/v2"}
    ran = transcribe(*options, env={"RUNPOD_API_KEY": KEY, **nobody})
    assert ran.code == 0
    assert "RunPod's prices are as of 2026-06-08; current prices are not available: " in ran.out
    assert "cannot be reached." in ran.out
    assert "$1.12/h" in ran.out
    assert "RUNPOD_API_KEY is not set" in transcribe(*options, env={"RUNPOD_API_KEY": ""}).out
    assert "not requested (--offline)" in transcribe(*options, "--offline", env={"RUNPOD_API_KEY": KEY}).out


def test_a_plan_without_comparison_sends_no_request(tree: Path, transcribe: Transcribe) -> None:
    """The network is only used on request."""
    with fake_catalogue() as server:
        env = {"RUNPOD_API_KEY": KEY, "TRANSCRIBE_RUNPOD_API_URL": server.url}
        assert transcribe("plan", tree, "--model", "demo", env=env).code == 0
    assert server.requests == []


def test_what_is_done_takes_no_time(tree: Path, transcribe: Transcribe) -> None:
    """There is no estimate line."""
    assert transcribe("run", tree, "--model", "demo").code == 0
    assert "On this machine" not in transcribe("plan", tree, "--model", "demo").out


def test_a_ledger_that_cannot_be_read_costs_the_estimate_only(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """The plan is printed."""
    (tmp_path / "ledger.db").write_text("no database" * 999)
    ran = transcribe("plan", tree, "--model", "demo", "--state-dir", tmp_path)
    assert ran.code == 0
    assert "2 to transcribe" in ran.out
    assert "Traceback" not in ran.err
