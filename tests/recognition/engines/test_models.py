"""Models from the hub: their commit is resolved once, can be chosen, and is in the transcript."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import EXAMPLES
from tests.speakers.diarizers.fake_hub import GOOD_TOKEN, FakeHub, Repository, fake_hub
from transcribe_cli import JobSpec, Settings, transcribe
from transcribe_cli.errors import ModelUnavailable, UsageError
from transcribe_cli.recognition.engines.models import DEMO_FOLDER, locate, revision_of
from transcribe_cli.spec import DEFAULT_DIARIZER

TINY = "Systran/faster-whisper-tiny"
FIRST, SECOND = "0" * 40, f"{1:040x}"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has the demo model as `tiny`."""
    with fake_hub(monkeypatch) as fake:
        files = {path.name: path.read_bytes() for path in DEMO_FOLDER.iterdir()}
        fake.repositories[TINY] = Repository(files | {"evil.py": b"raise SystemExit"}, gated=False)
        yield fake


def test_all_files_are_of_one_commit(hub: FakeHub, tmp_path: Path) -> None:
    """The branch changes while they are downloaded. Files that the recognizer does not read are not downloaded."""
    hub.repositories[TINY].moves_on = True
    folder = locate("tiny", tmp_path)
    assert revision_of("tiny", folder) == FIRST
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in DEMO_FOLDER.iterdir()
    }


@pytest.mark.parametrize("name", ["tiny", TINY])
def test_a_commit_can_be_chosen(hub: FakeHub, tmp_path: Path, name: str) -> None:
    """It stays the same when the branch moves on, also in the cache."""
    hub.repositories[TINY].push({**hub.repositories[TINY].files, "tokenizer.json": b"newer"})
    folders = [locate(called, tmp_path) for called in (name, f"{name}@{FIRST}", f"{name}@{SECOND}")]
    assert [revision_of(name, folder) for folder in folders] == [SECOND, FIRST, SECOND]
    assert (folders[0] / "tokenizer.json").read_bytes() == b"newer"
    hub.is_down = True
    assert locate(f"{name}@{FIRST}", tmp_path, offline=True) == folders[1]


def test_an_unknown_revision_is_reported(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="has no revision v9"):
        locate("tiny@v9", tmp_path)
    for revision in ("../../..", "/etc", "a b", "-x"):
        with pytest.raises(UsageError, match="not a valid revision"):
            locate(f"tiny@{revision}", tmp_path)


def test_local_models_have_no_revision(tmp_path: Path) -> None:
    assert revision_of("demo", locate("demo")) is None
    assert revision_of(str(DEMO_FOLDER), locate(str(DEMO_FOLDER))) is None


def test_the_transcript_says_from_which_commits_its_models_are(hub: FakeHub, tmp_path: Path) -> None:
    """Without an effect on the fingerprint."""
    spec = JobSpec(model="tiny", diarize=True, diarize_model=f"{DEFAULT_DIARIZER}@main", word_timestamps=True)
    settings = Settings(model_dir=tmp_path, hf_token=GOOD_TOKEN, device="cpu", state_dir=tmp_path / "state")
    [outcome] = transcribe(EXAMPLES / "hearing.wav", spec, settings)
    assert outcome.transcript is not None, outcome.error
    record = outcome.transcript.job
    assert (record.model_revision, record.diarizer_revision) == (FIRST, FIRST)
    assert record.fingerprint == spec.fingerprint
