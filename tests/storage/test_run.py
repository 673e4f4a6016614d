"""The program over buckets: the same subtitles as from a folder, and nothing of what must not be told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Ran, spoken
from tests.fork_server import command_runner
from tests.storage.places import AZURITE_KEY, KEY, SECRET, Tree, new, without_credentials

Transcribe = Callable[..., Ran]
RECORDINGS = {
    "aula.wav": lambda: spoken("Bom dia a todos."),
    "sub/talk.wav": lambda: spoken("Good morning, everyone. Any questions?", "en-us+f2"),
}
BUCKETS = ["s3", *(pytest.param(kind, marks=pytest.mark.emulators) for kind in ("azure", "gcs"))]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The outputs of a run over the same tree on disk."""
    folder = tmp_path_factory.mktemp("local")
    for name, sound in RECORDINGS.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(sound())
    assert command_runner(folder)("run", folder, "--model", "demo").code == 0
    return Tree(str(folder)).files()


@pytest.fixture(params=BUCKETS)
def filled(request: pytest.FixtureRequest, servers: Callable[[str], Tree], tmp_path: Path) -> Iterator[Tree]:
    """A bucket with the same tree."""
    tree = new(request.param, servers(request.param), tmp_path)
    for name, sound in RECORDINGS.items():
        tree.put(name, sound())
    return tree


def test_a_bucket_gives_the_same_subtitles_as_a_folder(filled: Tree, local: dict[str, bytes], transcribe: Transcribe) -> None:
    """Byte for byte. A second run has nothing to do, plan and render find them, and no output contains a key."""
    env = {**without_credentials(), **filled.env}
    ran = transcribe("run", filled.url, "--model", "demo", "--log-format", "json", env=env)
    assert ran.code == 0, ran.err
    found = filled.files()
    assert set(found) == set(local)
    assert all(found[name] == local[name] for name in local if not name.endswith(".json"))
    document = json.loads(found["sub/talk.json"])
    assert document["source"]["uri"] == f"{filled.url}/sub/talk.wav"
    assert document["source"]["etag"]
    assert document["text"] == json.loads(local["sub/talk.json"])["text"]
    again = transcribe("run", filled.url, "--model", "demo", "--log-format", "json", env=env)
    assert [json.loads(line)["event"] for line in again.err.splitlines()].count("recording_skipped") == 2
    assert filled.files() == found
    planned = transcribe("plan", filled.url, "--model", "demo", "--json", env=env)
    assert {job["decision"] for job in json.loads(planned.out)["recordings"]} == {"done"}
    trusting = transcribe("plan", filled.url, "--model", "demo", "--trust-names", env=env)
    assert trusting.out.count("done, by file names only") == 2
    rendered = transcribe("render", filled.url, "-f", "txt", env=env)
    assert rendered.code == 0, rendered.err
    assert filled.files()["aula.txt"]
    told = "".join((ran.out, ran.err, again.err, planned.out, planned.err, rendered.err, *map(repr, filled.files().values())))
    assert not any(secret in told for secret in (KEY, SECRET, AZURITE_KEY))


def test_from_a_bucket_to_a_folder_and_back(
    bucket: Tree, local: dict[str, bytes], transcribe: Transcribe, tmp_path: Path
) -> None:
    """`--output-dir` mirrors the tree, here or there."""
    bucket.put("aulas/sub/talk.wav", RECORDINGS["sub/talk.wav"]())
    out = tmp_path / "out"
    ran = transcribe("run", f"{bucket.url}/aulas", "--model", "demo", "--output-dir", out, env=dict(bucket.env))
    assert ran.code == 0, ran.err
    assert (out / "sub/talk.srt").read_bytes() == local["sub/talk.srt"]
    (tmp_path / "in").mkdir()
    (tmp_path / "in/talk.wav").write_bytes(RECORDINGS["sub/talk.wav"]())
    ran = transcribe("run", tmp_path / "in", "--model", "demo", "--output-dir", f"{bucket.url}/out", env=dict(bucket.env))
    assert ran.code == 0, ran.err
    assert bucket.files()["out/talk.srt"] == local["sub/talk.srt"]


def test_the_configuration_has_the_options_of_storage(bucket: Tree, transcribe: Transcribe, tmp_path: Path) -> None:
    """Without environment variables."""
    bucket.put("aula.wav", RECORDINGS["aula.wav"]())
    table = "\n".join(f"{name} = {json.dumps(value)}" for name, value in bucket.options["s3"].items())
    (tmp_path / "transcribe.toml").write_text(f"[storage.s3]\n{table}\n")
    (tmp_path / "transcribe.toml").chmod(0o600)
    config = ("--config", tmp_path / "transcribe.toml")
    ran = transcribe("plan", bucket.url, "--model", "demo", "--json", *config, env=without_credentials())
    assert json.loads(ran.out)["recordings"][0]["decision"] == "transcribe"
    assert SECRET not in ran.out + ran.err


def test_an_error_names_the_recording(bucket: Tree, transcribe: Transcribe) -> None:
    """Not its copy. The others are done."""
    bucket.put("notas.mp3", b"not audio at all")
    ran = transcribe("run", bucket.url, "--model", "demo", env=dict(bucket.env))
    assert ran.code == 3
    assert "notas.mp3 is not a supported audio" in ran.err
    assert "copy" not in ran.err


def test_more_than_the_scratch_limit_fails_before_it_is_fetched(bucket: Tree, transcribe: Transcribe) -> None:
    """The recording fails with one line that names the option. A traceback does not contain a key."""
    bucket.put("aula.wav", RECORDINGS["aula.wav"]())
    env = {**bucket.env, "TRANSCRIBE_DEBUG": "1"}
    ran = transcribe("run", bucket.url, "--model", "demo", "--scratch-limit", "0.00001", env=env)
    assert ran.code == 3
    assert "larger than the scratch limit" in ran.err
    assert "--scratch-limit" in ran.err
    assert SECRET not in ran.err


def test_a_traceback_does_not_contain_a_signature(web, transcribe: Transcribe) -> None:
    """Nor does a plan."""
    web.files["/aula.mp3"] = b"x"
    url = f"{web.url}/gone.mp3?X-Amz-Signature=GEHEIM"
    ran = transcribe("plan", url, env={"TRANSCRIBE_DEBUG": "1"})
    assert ran.code == 2
    assert "GEHEIM" not in ran.out + ran.err
