"""A run over a bucket whose connection drops, resets, stalls, truncates and returns 503 for any request: nothing is lost or mixed up."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran, spoken
from tests.storage.places import Tree, without_credentials
from tests.storage.web import Proxy

Transcribe = Callable[..., Ran]
RUNS = int(os.environ.get("FAULT_RUNS", "1"))
SEED = int(os.environ.get("FAULT_SEED", "5"))
RECORDINGS, SHARE, TRIES = 4, 0.15, 8
OPTIONS = ("--model", "demo", "--language", "pt", "--threads", "1")


@pytest.mark.slow
def test_a_bad_connection_costs_only_time(proxied: tuple[Tree, Proxy], transcribe: Transcribe, tmp_path: Path) -> None:
    """Repeating the command until nothing is left gives the same result as a good connection, and leaves no files behind."""
    bucket, proxy = proxied
    chance, counts = random.Random(SEED), Counter[str]()
    for number in range(RECORDINGS):
        bucket.put(f"{number}.wav", spoken(f"Bom dia a todos. Abram o livro na página {20 + number}."))
    assert transcribe("run", bucket.url, *OPTIONS, "--output-dir", tmp_path / "good", env=dict(bucket.env)).code == 0
    good = {path.name: path.read_bytes() for path in (tmp_path / "good").iterdir()}
    config = tmp_path / "transcribe.toml"
    config.write_text("[storage.s3.config_kwargs]\nread_timeout = 2\n")

    def breaking(_: int, head: bytes) -> tuple[str, int] | None:
        counts["requests"] += 1
        if chance.random() > SHARE:
            return None
        how = chance.choice(("cut", "reset", "status", "status", "stall"))
        counts[how] += 1
        return how, 503 if how == "status" else chance.randrange(3000)

    for _ in range(RUNS):
        proxy.breaking = breaking
        codes = []
        while not codes or codes[-1] != 0:
            assert len(codes) < TRIES, codes
            arguments = ("run", bucket.url, *OPTIONS, "--config", config, "--state-dir", tmp_path / "state")
            ran = transcribe(*arguments, env={**without_credentials(), **bucket.env})
            assert "Traceback" not in ran.err
            codes.append(ran.code)
        counts["runs"] += len(codes)
        proxy.breaking = lambda number, head: None
        found = bucket.files()
        assert set(found) == {f"{number}.{ending}" for number in range(RECORDINGS) for ending in ("wav", "json", "srt", "vtt")}
        for name, data in good.items():
            if not name.endswith(".json"):
                assert found[name] == data, name
        assert all(json.loads(found[name])["outputs"] for name in good if name.endswith(".json"))
        for name in good:
            bucket.remove(name)
    print(counts)  # noqa: T201 - for docs/reliability.md, with `pytest -s`
