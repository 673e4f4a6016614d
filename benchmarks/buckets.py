"""Buckets: the overhead of recordings in a bucket, and a run with nothing to do. S3 is Ceph or moto, behind a simulated slow connection.

    tools/with_ceph.sh .venv/ceph .venv/bin/python -m benchmarks.buckets --cases mp3 [--on slow] [--recordings 24] [--rounds 5]
    .venv/bin/python -m benchmarks.buckets --cases done [--count 10000]

The server and the slow connection are separate processes on the same CPU as the run, and slow it down. Moto closes every connection.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.audio import Bank
from benchmarks.places import PROFILES, Place
from benchmarks.process import Ran, run
from benchmarks.report import Table, Target, keep

MEGABITS, MILLISECONDS = 100, 20
RATIO = 1.1
BUCKET = "aulas"
# The server to use, as in the tests. Default: start an emulator.
_SERVER = os.environ.get("TEST_S3_ENDPOINT")
_KEY, _SECRET = os.environ.get("TEST_S3_KEY", "bench"), os.environ.get("TEST_S3_SECRET", "bench")


@contextmanager
def served(*, emulated: bool = False) -> Iterator[tuple[Any, subprocess.Popen[str] | None, subprocess.Popen[str]]]:
    """A client that bypasses the slow connection, the emulator if any, and the slow connection, which environment variables point to."""
    import boto3
    from botocore.config import Config

    with ExitStack() as stack:

        def started(*command: str) -> tuple[subprocess.Popen[str], str]:
            process = subprocess.Popen([sys.executable, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
            assert process.stdout is not None
            return process, process.stdout.readline().strip()

        if emulated or _SERVER is None:
            server, port = started("-m", "benchmarks.emulator")
        else:
            server, port = None, str(urlsplit(_SERVER).port)
        line, slow = started("-m", "benchmarks.slow_line", port, str(MEGABITS), str(MILLISECONDS))
        os.environ.update(AWS_ACCESS_KEY_ID=_KEY, AWS_SECRET_ACCESS_KEY=_SECRET, AWS_EC2_METADATA_DISABLED="true")
        os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{slow}"
        config = Config(max_pool_connections=16)
        client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1", config=config)
        client.create_bucket(Bucket=BUCKET)
        yield client, server, line


def requests(line: subprocess.Popen[str]) -> dict[str, int]:
    """The number of requests over the slow connection so far, by method."""
    assert line.stdout is not None
    line.send_signal(signal.SIGUSR1)
    counts: dict[str, int] = json.loads(line.stdout.readline())
    return counts


def fetch(how: argparse.Namespace, kind: str) -> Table:
    """The same recordings from a folder and from a bucket behind a connection of 100 Mbit/s, in alternating rounds."""
    spoken = Bank(how.cache).recordings("bucket", [60.0 * how.minutes] * how.recordings, "mp3")
    bits = 0.0
    table = Table(
        f"bucket {kind}" if how.on == "demo" else f"bucket {kind} {how.on}",
        "",
        ("round", "from a folder s", "from a bucket s", "ratio"),
    )
    with served() as (client, _, _), tempfile.TemporaryDirectory() as folder:
        for item in spoken:
            path = Path(folder, "in", item.path.with_suffix(f".{kind}").name)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(item.path.read_bytes() if kind == "mp3" else _as_wav(item.path, path))
            bits += path.stat().st_size * 8
            client.upload_file(str(path), BUCKET, f"{kind}/{path.name}")
        seconds = sum(item.seconds for item in spoken)
        ratios, local, remote = [], [], []
        for number in range(how.rounds + 1):
            pair = []
            for source in (str(Path(folder, "in")), f"s3://{BUCKET}/{kind}"):
                ran = _anew(how, source, Path(folder, f"state{number}{len(pair)}"))
                assert ran.events[-1]["transcribed"] == len(spoken), ran.events[-1]
                pair.append(ran.seconds)
            if number:  # the first round warms the disk cache
                local, remote, ratios = [*local, pair[0]], [*remote, pair[1]], [*ratios, pair[1] / pair[0]]
                table.rows.append([str(number), f"{pair[0]:.1f}", f"{pair[1]:.1f}", f"{ratios[-1]:.2f}"])
    middle = statistics.median(remote) / statistics.median(local)
    table.title = (
        f"{len(spoken)} recordings of {how.minutes:g} min as {kind} ({bits / 8e6:.0f} MB, {bits / seconds / 1000:.0f} kbit/s), "
        f"{Place(how.on).title}, from a bucket of {'Ceph' if _SERVER else 'moto'} over {MEGABITS} Mbit/s and {MILLISECONDS} ms"
    )
    table.rows.append(["median", f"{statistics.median(local):.1f}", f"{statistics.median(remote):.1f}", f"{middle:.2f}"])
    table.notes.append(f"The transfer alone takes {bits / MEGABITS / 1e6:.1f} s for them.")
    table.targets.append(Target(f"at most {RATIO} times the seconds of a folder", f"{middle:.2f}", middle <= RATIO))
    table.figures = {"folder": local, "bucket": remote, "bytes": bits / 8, "audio": seconds}
    return table


def done(how: argparse.Namespace) -> Table:
    """A run over many finished recordings in an emulated bucket, with and without --trust-names."""
    table = Table(
        f"bucket done {how.count}",
        f"{how.count:,} finished recordings in a bucket, {MILLISECONDS} ms away, the same command again",
        ("command", "seconds", "done", "requests"),
    )
    with served(emulated=True) as (client, server, line), tempfile.TemporaryDirectory() as folder:
        assert server is not None
        _fill(client, server, how, Path(folder))
        for number in range(how.rounds):
            for name, extra in (("run", ()), ("run --trust-names", ("--trust-names",))):
                before = requests(line)
                ran = _ours([f"s3://{BUCKET}/in"], Path(folder, "state"), "--language", "pt", *extra)
                after = requests(line)
                count = {method: after[method] - before.get(method, 0) for method in after}
                told = ", ".join(f"{number} {method}" for method, number in sorted(count.items()) if number)
                table.rows.append([f"{name}, round {number + 1}", f"{ran.seconds:.1f}", str(ran.events[-1]["skipped"]), told])
                table.figures[f"{name} {number + 1}"] = {"seconds": ran.seconds, "requests": count, "peak": ran.peak}
                assert ran.events[-1]["skipped"] == how.count, ran.events[-1]
    return table


def _fill(
    client: Any,  # noqa: ANN401 - boto3 creates the class at run time
    server: subprocess.Popen[str],
    how: argparse.Namespace,
    folder: Path,
) -> None:
    """Fill the bucket with finished recordings: one is transcribed, the others are copies."""
    note = Bank(how.cache).recordings("note", [2.0], "m4a")[0].path.read_bytes()
    client.put_object(Bucket=BUCKET, Key="in/course0/note00000.m4a", Body=note)
    _ours([f"s3://{BUCKET}/in"], folder / "state", "--language", "pt")
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{how.count}\n")
    server.stdin.flush()
    server.stdout.readline()


def _anew(how: argparse.Namespace, source: str, state: Path) -> Ran:
    """A run that transcribes everything in the source again, with transcripts next to the recordings."""
    place = Place(how.on)
    if place.profile is None:
        return _ours([source], state, "--overwrite", "--language", "pt")
    work = replace(place.work([], how.cache, str(state)), files=(source,), beside=True)
    return run([sys.executable, "-m", "benchmarks.simulated"], work.dumps())


def _ours(sources: Sequence[str], state: Path, *more: str) -> Ran:
    command = [sys.executable, "-m", "transcribe_cli", "run", *sources, "--model", "demo", "--log-format", "json"]
    return run([*command, "--state-dir", state, *more])


def _as_wav(source: Path, target: Path) -> bytes:
    import av

    with av.open(str(source)) as container, wave.open(str(target), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(44100)
        resampler = av.AudioResampler("s16", "stereo", 44100)
        for frame in container.decode(audio=0):
            for part in resampler.resample(frame):
                file.writeframes(part.to_ndarray().tobytes())
    return target.read_bytes()


def main() -> None:
    """Measure, print the tables, and store them."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.buckets", description=__doc__)
    parser.add_argument("--cases", default="mp3,wav,done", help="cases to run: mp3, wav (CD quality), done")
    parser.add_argument(
        "--on", default="demo", choices=("demo", *PROFILES), help="the demo model on this CPU, or a simulated accelerator"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--recordings", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--cache", type=Path, default=Path("~/.cache/transcribe-cli-bench").expanduser())
    parser.add_argument("--no-results", action="store_true")
    how = parser.parse_args()
    for case in how.cases.split(","):
        table = done(how) if case == "done" else fetch(how, case)
        print(table.text(), flush=True)
        if not how.no_results:
            keep(table)


if __name__ == "__main__":
    main()
