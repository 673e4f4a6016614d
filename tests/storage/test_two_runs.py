"""Several runs over one bucket: each recording is done once, what the dead left is done, and status says how the tree stands."""

from __future__ import annotations

import dataclasses
import json
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Ran, command, environment, spoken
from tests.storage.places import Tree, new
from tests.storage.web import Proxy
from transcribe_cli.batch.leases import Owner
from transcribe_cli.batch.leases.owner import utc_now

Transcribe = Callable[..., Ran]
ARGUMENTS = ("--model", "demo", "--language", "pt", "--batch-size", "1", "--threads", "1", "--log-format", "json")
OUTPUTS = ("json", "srt", "vtt")
EMULATED = [pytest.param(kind, marks=pytest.mark.emulators) for kind in ("sftp", "azure", "gcs")]


@pytest.fixture(params=["s3", *EMULATED])
def tree(request: pytest.FixtureRequest, servers: Callable[[str], Tree], tmp_path: Any) -> Tree:
    """Four short recordings in a store, accessible without a password in the environment."""
    made = new(request.param, servers(request.param), tmp_path)
    for number in range(4):
        made.put(f"sub{number % 2}/{number}.wav", spoken("Bom dia a todos."))
    if request.param == "sftp":
        file = tmp_path / "transcribe.toml"
        table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in made.options["sftp"].items())
        file.write_text(f"[storage.sftp]\n{table}\n")
        file.chmod(0o600)
        made = dataclasses.replace(made, env={"TRANSCRIBE_CONFIG": str(file)})
    return made


def events(err: str, name: str) -> list[dict[str, Any]]:
    """The events of one kind."""
    return [event for line in err.splitlines() if (event := json.loads(line))["event"] == name]


def lease(name: str, pid: int, machine: str = "00000000") -> bytes:
    """The lease of a process, by default on another machine."""
    owner = dataclasses.replace(Owner.this_process(utc_now()), host="gpu-2", pid=pid, seconds=30.0, duration=120.0)
    return dataclasses.replace(owner, machine=machine or owner.machine).dumps()


def whole() -> set[str]:
    """The files in the finished tree."""
    return {f"sub{number % 2}/{number}.{ending}" for number in range(4) for ending in ("wav", *OUTPUTS)}


def test_two_runs_do_each_recording_once(tree: Tree) -> None:
    """They start at the same time, and leave no leases."""
    arguments = command(["run", tree.url, *ARGUMENTS])
    env = environment(dict(tree.env))
    runs = [subprocess.Popen(arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [run.communicate()[1] for run in runs]
    assert {run.returncode for run in runs} <= {0, 6}, told
    done = Counter(event["recording"] for err in told for event in events(err, "recording_done"))
    assert done == {f"sub{number % 2}/{number}.wav": 1 for number in range(4)}
    assert tree.names() == whole()


def test_valid_leases_are_respected_and_expired_ones_are_taken_over(tree: Tree, transcribe: Transcribe) -> None:
    """`status` shows the owner, shards work, and the next run does the rest."""
    tree.put("sub1/.1.wav.transcribe-lease", lease("1.wav", 77))
    tree.put("sub0/.0.wav.transcribe-lease", lease("0.wav", 2**22 + 1, machine=""))  # no process has this number
    env = dict(tree.env)
    ran = transcribe("run", tree.url, *ARGUMENTS, env=env)
    assert ran.code == 6, ran.err
    assert [event["host"] for event in events(ran.err, "recording_elsewhere")] == ["gpu-2"]
    assert tree.names() == (whole() | {"sub1/.1.wav.transcribe-lease"}) - {f"sub1/1.{ending}" for ending in OUTPUTS}
    status = transcribe("status", tree.url, "--model", "demo", "--language", "pt", "--json", env=env)
    assert status.code == 6, status.err
    found = {record["uri"].rpartition("/")[2]: record for record in json.loads(status.out)["recordings"]}
    assert [record["state"] for _, record in sorted(found.items())] == ["done", "in_progress", "done", "done"]
    assert found["1.wav"]["in_progress"]["host"] == "gpu-2"
    tree.remove("sub1/.1.wav.transcribe-lease")
    shards = [transcribe("run", tree.url, *ARGUMENTS, "--shard", f"{number}/2", env=env) for number in (1, 2)]
    assert [ran.code for ran in shards] == [0, 0]
    assert sum(len(events(ran.err, "recording_done")) for ran in shards) == 1
    assert sum(len(events(ran.err, "recording_skipped")) for ran in shards) == 3
    assert tree.names() == whole()
    status = transcribe("status", tree.url, "--model", "demo", "--language", "pt", env=env)
    assert (status.code, len(status.out.splitlines())) == (0, 1)
    assert "unknown" not in status.out  # the transcripts say how long the recordings are


def test_a_bucket_without_conditional_requests_is_reported_in_one_line(
    proxied: tuple[Tree, Proxy], transcribe: Transcribe
) -> None:
    """The run continues."""
    tree, proxy = proxied
    tree.put("aula.wav", spoken("Bom dia a todos."))
    proxy.changing = lambda data: data.replace(b"If-None-Match", b"X-None-Matches")
    ran = transcribe("run", tree.url, *ARGUMENTS, env=dict(tree.env))
    assert ran.code == 0, ran.err
    (notice,) = events(ran.err, "notice")
    assert "--shard" in notice["message"]
    assert tree.names() == {"aula.wav", "aula.json", "aula.srt", "aula.vtt"}
