"""The cost of `transcribe remote` with a fake RunPod queue: messages, ledger, limits, and the order of backends."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.backends.conftest import SPEC, RemoteRunner
from tests.backends.gateway import ENDPOINT, Gateway
from tests.backends.test_runpod import until
from tests.backends.worker_loop import worker_running
from tests.conftest import Ran
from transcribe_cli.backends import ShouldRun, ShouldStop, never_stop
from transcribe_cli.backends.metered import Metered
from transcribe_cli.batch.limits import Limits
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.remote_meter import RemoteMeter
from transcribe_cli.costs.usage import Usage
from transcribe_cli.errors import BackendFailed, UsageError
from transcribe_cli.events import AttemptEnded, Emit, Event, RecordingSent
from transcribe_cli.pipeline.outcome import Outcome
from transcribe_cli.plan import Job, plan
from transcribe_cli.reporting.messages import format_cost, message_for
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.worker.handler import Worker

ADA_24 = 1.12  # USD an hour, as listed


def cost(remote: RemoteRunner, name: str) -> dict[str, Any] | None:
    """The cost in a transcript."""
    document = json.loads((remote.folder / f"{name}.json").read_text())["cost"]
    assert document is None or isinstance(document, dict)
    return document


def billed(gateway: Gateway, name: str, per_hour: float = ADA_24) -> float:
    """The cost of all jobs of a recording, from the execution times of the queue."""
    jobs = [job.view() for job in gateway.all_jobs() if job.name == name]
    return sum(job["executionTime"] / 1000 for job in jobs) * per_hour / 3600


def attempts(remote: RemoteRunner) -> list[dict[str, Any]]:
    """The attempts in the ledger, with the recording of each."""
    with closing(sqlite3.connect(remote.state / "ledger.db")) as connection:
        connection.row_factory = sqlite3.Row
        query = "select recording, attempts.* from attempts join jobs on jobs.id = job_id order by attempts.id"
        return [dict(row) for row in connection.execute(query)]


def own_prices(folder: Path, text: str) -> str:
    """A price file of the user's own."""
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_a_transcript_costs_the_execution_time(served: Gateway, remote: RemoteRunner) -> None:
    """`executionTime` at the price of the endpoint's GPUs: in the JSON, the events, the summary and the ledger."""
    ran = remote.program("--json", "--log-format", "json")
    assert ran.code == 0, ran.err
    events = [json.loads(line) for line in ran.err.splitlines()]
    summary = json.loads(ran.out)
    reported = {event["recording"]: event["cost"] for event in events if event["event"] == "recording_done"}
    for name in ("um", "dois"):
        found = cost(remote, name)
        assert found is not None
        assert found["amount"] == pytest.approx(billed(served, f"{name}.wav"), abs=2e-6)
        assert found["amount"] == pytest.approx(found["seconds"] * ADA_24 / 3600, abs=2e-6)
        assert (found["per_hour"], found["as_of"], found["currency"]) == (ADA_24, "2026-06-08", "USD")
        assert reported[f"{name}.wav"] == found["amount"]
    assert summary["cost"] == pytest.approx(sum(reported.values()), abs=2e-6)
    assert summary["cost_by_backend"] == {"runpod": summary["cost"]}
    for row in attempts(remote):
        [job] = [job.view() for job in served.all_jobs() if job.id == row["job"]]
        assert (row["backend"], row["place"], row["error_code"], row["perhaps_again"]) == ("runpod", ENDPOINT, None, 0)
        assert (row["computing"], row["queued"]) == (job["executionTime"] / 1000, job["delayTime"] / 1000)
        assert row["bytes_sent"] == (remote.folder / row["recording"]).stat().st_size
        assert row["cost"] == reported[row["recording"]]
        assert row["audio_seconds"] > 0


def test_the_current_price_is_used_when_it_is_available(served: Gateway, remote: RemoteRunner) -> None:
    """RunPod's catalogue is requested once, and named in the message."""
    served.catalogue = {"ADA_24": 360.0}
    ran = remote.program()
    assert f"$360.00/h (ADA_24), according to {served.url}/catalog/gpus" in ran.err
    found = cost(remote, "um")
    assert found is not None
    assert found["amount"] == pytest.approx(billed(served, "um.wav", 360.0), abs=2e-4)
    assert [kind for kind, _ in served.log].count("gpus") == 1
    served.log.clear()
    assert remote.program().code == 0
    assert served.log == []


def test_the_highest_price_of_several_gpu_types_is_assumed(gateway: Gateway, remote: RemoteRunner) -> None:
    """The API does not say which type a worker had."""
    gateway.pools = ["AMPERE_24", "ADA_24", "AMPERE_16"]
    remote.run(detach=True)
    message = "runpod charges at most $1.12/h (AMPERE_24, ADA_24, AMPERE_16), according to https://docs.runpod.io/"
    assert message in remote.messages


def test_a_worker_with_two_gpus_costs_twice_as_much(gateway: Gateway, remote: RemoteRunner) -> None:
    """Prices are per GPU."""
    gateway.cards = 2
    remote.run(detach=True)
    assert "runpod charges $2.24/h (ADA_24*2), according to https://docs.runpod.io/" in remote.messages


def test_a_failed_attempt_is_paid_too(served: Gateway, remote: RemoteRunner, transcribe: Callable[..., Ran]) -> None:
    """It is part of the transcript's cost, has a ledger row of its own, and is in the report."""
    lost: list[str] = []
    served.lose = lambda job: not lost and not lost.append(job.name)
    ran = remote.program("--json")
    [name] = lost
    found = cost(remote, name.removesuffix(".wav"))
    assert found is not None
    assert len([job for job in served.all_jobs() if job.name == name]) == 2
    assert found["amount"] == pytest.approx(billed(served, name), abs=3e-6)
    lines = ran.err.splitlines()
    assert "runpod charges $1.12/h (ADA_24), according to https://docs.runpod.io/serverless/pricing (2026-06-08)." in lines
    assert " spent)" in next(line for line in lines if line.startswith("retrying"))
    assert all(", $0.00" in line for line in lines if line.startswith("done"))
    assert "; $0.00" in lines[-1]
    rows = [row for row in attempts(remote) if row["recording"] == name]
    assert [row["error_code"] for row in rows] == ["place_failed", None]
    assert "without output" in rows[0]["error"]
    assert sum(row["cost"] for row in rows) == pytest.approx(found["amount"], abs=3e-6)
    total = json.loads(ran.out)["cost"]
    assert total == pytest.approx(billed(served, "um.wav") + billed(served, "dois.wav"), abs=4e-6)
    text = transcribe("report", "--state-dir", remote.state).out
    assert f"runpod {ENDPOINT}: 3 attempts (1 failed), " in text
    assert "runpod ep-tests: 3 attempts (1 failed)" in transcribe("report", "--state-dir", remote.state, "--html").out
    report = json.loads(transcribe("report", "--state-dir", remote.state, "--json").out)
    assert report["runs"][0]["cost"] == total
    [paid] = report["paid"]
    assert (paid["attempts"], paid["failed"], paid["of_unknown_cost"]) == (3, 1, 0)
    assert paid["cost"] == pytest.approx(total, abs=3e-6)


def test_a_cost_limit_cancels_running_jobs(gateway: Gateway, worker: Worker, remote: RemoteRunner, tmp_path: Path) -> None:
    """No job starts, the exit code is 5, and the cost is in the ledger. The same command continues and finishes."""
    process = remote.started("--max-cost", "3", "--prices", own_prices(tmp_path, "[runpod.pools.ADA_24]\nper_hour = 36000\n"))
    try:
        until(lambda: len(gateway.jobs) == 2)
        with gateway.changed:  # a worker takes one of them and never ends
            job = gateway.jobs[gateway.queue.pop(0)]
            job.status, job.worker, job.started, job.starts = "IN_PROGRESS", "slow", time.time(), 1
        assert process.wait(60) == 5
    finally:
        process.kill()
        process.wait()
    assert {job.status for job in gateway.all_jobs()} == {"CANCELLED"}
    assert not list(remote.state.rglob("*.job.json"))
    rows = {row["job"]: row for row in attempts(remote)}
    assert {row["error_code"] for row in rows.values()} == {"cancelled"}
    assert rows[job.id]["cost"] >= 3.0
    assert rows[job.id]["place"] == ENDPOINT
    assert min(row["cost"] for row in rows.values()) == 0.0
    with worker_running(worker, gateway):
        assert remote.program("--max-cost", "3").code == 0
    assert cost(remote, "um") is not None
    assert cost(remote, "dois") is not None


def test_no_job_starts_after_the_limit_is_reached(served: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    """The first job may finish; the second one is not sent."""
    prices = own_prices(tmp_path, "[runpod.pools.ADA_24]\nper_hour = 0.36\n")
    finished = remote.run(max_cost=1e-9, in_flight=1, prices=prices)
    assert (finished.exit_code, finished.stopped_by, len(served.all_jobs())) == (5, "max_cost", 1)
    assert finished.not_tried == 2 - finished.transcribed >= 1
    assert finished.cost is not None
    assert finished.cost > 0


def test_a_limit_that_cannot_be_enforced_is_refused_before_anything_is_sent(
    gateway: Gateway, remote: RemoteRunner, tmp_path: Path
) -> None:
    """The message names the GPU types without a price; a price file can add them."""
    gateway.pools = ["ADA_24", "NEW_180"]
    with pytest.raises(UsageError, match=r"--max-cost cannot be enforced: the price of runpod is unknown \(NEW_180\)"):
        remote.run(max_cost=1)
    assert not gateway.jobs
    own = own_prices(tmp_path, "[runpod.pools.NEW_180]\nper_hour = 2\n")
    assert remote.run(max_cost=1, prices=own, detach=True).exit_code == 6


def test_a_key_that_cannot_read_the_gpu_types_needs_a_price_file(gateway: Gateway, remote: RemoteRunner, tmp_path: Path) -> None:
    """A key may be restricted to the queue of one endpoint."""
    gateway.then["endpoint"].extend([403, 403])
    with pytest.raises(UsageError, match=r"the price of runpod is unknown \(any\)"):
        remote.run(max_cost=1)
    own = own_prices(tmp_path, "[runpod.pools.any]\nper_hour = 2\n")
    assert remote.run(max_cost=1, prices=own, detach=True).exit_code == 6
    assert f"runpod charges $2.00/h (any), according to {own}." in remote.messages


def test_a_backend_without_a_price_is_skipped_for_the_local_one(gateway: Gateway, remote: RemoteRunner) -> None:
    """The local machine has no price, so the cost is unknown."""
    gateway.pools = ["NEW_180"]
    finished = remote.run(max_cost=1, fallback=("local",), device="cpu")
    assert (finished.exit_code, finished.cost, finished.cost_by_backend) == (0, None, {})
    assert "runpod is skipped: --max-cost cannot be enforced" in remote.messages
    assert not gateway.jobs


def test_the_local_backend_alone_is_limited_as_in_run(remote: RemoteRunner) -> None:
    """A cost limit needs its price."""
    ran = remote.program("--backend", "local", "--max-cost", "1")
    assert ran.code == 2
    assert "--price-per-hour" in ran.err


def test_an_unknown_price_is_reported_and_not_counted_as_zero(served: Gateway, remote: RemoteRunner) -> None:
    """It is reported at the start and at the end; the JSON has null."""
    served.pools = ["NEW_180"]
    finished = remote.run()
    assert "The price of runpod is unknown (NEW_180), so the cost of this run is unknown." in remote.messages
    assert (finished.exit_code, finished.cost, finished.cost_by_backend) == (0, None, {"runpod": None})
    assert (message_for(finished) or "").endswith("; cost unknown.")
    assert cost(remote, "um") is None
    ended = [event for event in remote.events if isinstance(event, AttemptEnded)]
    assert [event.cost for event in ended] == [None, None]
    assert all(event.computing for event in ended)


def test_the_fallback_to_the_local_backend_costs_its_price(served: Gateway, remote: RemoteRunner) -> None:
    """In addition to the failed attempts at the endpoint."""
    served.lose = lambda job: True
    finished = remote.run(fallback=("local",), device="cpu", attempts=1, price_per_hour=36)
    assert finished.exit_code == 0
    costs = finished.cost_by_backend
    rented, here = costs["runpod"], costs["local"]
    assert rented == pytest.approx(billed(served, "um.wav") + billed(served, "dois.wav"), abs=3e-6)
    assert here is not None
    assert here > 0
    whole = [cost(remote, name) for name in ("um", "dois")]
    assert rented + here / 2 < sum(found["amount"] for found in whole if found) <= rented + here + 1e-4
    assert f" (runpod {format_cost(rented)}, local {format_cost(here)})." in (message_for(finished) or "")


def test_the_cheapest_backend_comes_first(served: Gateway, remote: RemoteRunner) -> None:
    """By the cost of an hour of audio at the measured speed; the user's own machine costs nothing."""
    assert remote.program().code == 0
    both = ("--fallback", "local", "--device", "cpu", "--overwrite", "--priority", "cost")
    ran = remote.program(*both, "--price-per-hour", "100", "--rtfx", "1")
    assert "Backends by cost: runpod ($" in ran.err
    assert "measured in 1 run), then local ($100.00/h of audio at 1x real time, as configured)." in ran.err
    assert len(served.all_jobs()) == 4
    ran = remote.program(*both)
    assert "Backends by cost: local (your own machine), then runpod ($" in ran.err
    assert (ran.code, len(served.all_jobs())) == (0, 4)


def test_the_fastest_backend_comes_first(gateway: Gateway, remote: RemoteRunner) -> None:
    """The speed of a backend without measurements is unknown; unusable backends are not ordered."""
    both = ("--fallback", "local", "--device", "cpu", "--priority", "speed")
    ran = remote.program(*both, "--rtfx", "0.01")
    assert "Backends by speed: local (0.01x real time, as configured), then runpod (speed unknown)." in ran.err
    assert (ran.code, gateway.all_jobs()) == (0, [])
    gateway.asleep = True
    ran = remote.program(*both, "--rtfx", "0.01", "--overwrite")
    assert "runpod is skipped" in ran.err
    assert "Backends by speed" not in ran.err


class FakeService:
    """A backend that charges per hour of audio. Each job is an hour; the first `failing` jobs fail at the same price."""

    name = "openai"
    tariffs = ("openai.whisper-1",)

    def __init__(self, emit: Emit, failing: int = 0) -> None:
        self._emit = emit
        self._failing = failing

    def check(self, jobs: Sequence[Job]) -> None:
        """Always ready."""

    def run(self, jobs: Iterable[Job], should_run: ShouldRun, should_stop: ShouldStop = never_stop) -> Generator[Outcome]:
        """As the contract says."""
        for job in jobs:
            if should_stop():
                return
            if should_run(job):
                self._emit(RecordingSent(job.recording.label, self.name, "", 9, 3600.0))
                self._failing -= 1
                error = BackendFailed("It is down.") if self._failing >= 0 else None
                used = Usage(self.name, "api", self.tariffs, audio=3600.0, error=error.code if error else "")
                yield Outcome(job, error=error, usage=(used,))


def test_hours_of_audio_are_limited_too(remote: RemoteRunner) -> None:
    """At 36 cents each, the second one reaches half a dollar. Both are reported with their cost, the failed one too."""
    (remote.folder / "tres.wav").write_bytes((remote.folder / "um.wav").read_bytes())
    settings = Settings(max_cost=0.5)
    meter, events = RemoteMeter(load_prices), list[Event]()

    def on_event(event: Event) -> None:
        meter.on_event(event)
        events.append(event)

    limits = Limits(settings, meter.total_cost)
    backend = Metered(FakeService(on_event, failing=1), meter, settings, on_event)
    jobs = plan(find_recordings([str(remote.folder)]), SPEC, settings)
    backend.check(jobs)
    found = list(backend.run(iter(jobs), lambda job: True, lambda: limits.reached() is not None))
    assert [outcome.usage[0].cost for outcome in found] == [0.36, 0.36]
    ended = [event for event in events if isinstance(event, AttemptEnded)]
    assert [(event.cost, event.error, event.audio) for event in ended] == [(0.36, "place_failed", 3600.0), (0.36, "", 3600.0)]
    assert meter.cost_by_backend() == {"openai": 0.72}
    assert "openai charges $0.36/h of audio (whisper-1), according to " in str(getattr(events[0], "message", ""))


def test_a_service_without_a_price_is_refused(remote: RemoteRunner) -> None:
    """The message names the model."""
    service = FakeService(lambda event: None)
    service.tariffs = ("openai.whisper-9",)
    backend = Metered(service, RemoteMeter(load_prices), Settings(max_cost=1), lambda event: None)
    with pytest.raises(UsageError, match=r"the price of openai is unknown \(whisper-9\)"):
        backend.check([])
