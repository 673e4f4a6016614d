"""Missing prerequisites of diarization are reported before recognition, in one line, with what to do."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from tests.conftest import environment
from tests.speakers.diarizers.fake_hub import GOOD_TOKEN, SEGMENTATION_3_0, WESPEAKER, FakeHub
from transcribe_cli.errors import MissingExtra, ModelUnavailable, UsageError
from transcribe_cli.speakers.diarizers import pipeline_files
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER, DIARIZATION_3_1
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import DEFAULT_DIARIZER

URL = f"https://huggingface.co/{DEFAULT_DIARIZER}"


def test_the_demo_diarizer_needs_no_network(hub: FakeHub, tmp_path: Path) -> None:
    pipeline_files.check("demo", model_dir=tmp_path, offline=True)
    assert hub.requests == []


def test_without_a_token_the_message_names_the_terms_and_where_to_create_a_token(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="needs a Hugging Face token") as caught:
        pipeline_files.check(DEFAULT_DIARIZER, model_dir=tmp_path)
    assert URL in caught.value.hint
    assert "https://huggingface.co/settings/tokens" in caught.value.hint
    assert "HF_TOKEN" in caught.value.hint
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4
    assert hub.requests == [f"HEAD {DEFAULT_DIARIZER} config.yaml"]


def test_a_rejected_token_is_reported_and_not_shown(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="rejected the Hugging Face token") as caught:
        pipeline_files.check(DEFAULT_DIARIZER, token="hf_secret", model_dir=tmp_path)
    assert "hf_secret" not in str(caught.value) + str(caught.value.__cause__)


def test_unaccepted_terms_are_named(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories[DEFAULT_DIARIZER].closed = True
    with pytest.raises(ModelUnavailable, match="may not read") as caught:
        pipeline_files.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert f"Accept the terms at {URL}" in caught.value.hint


def test_version_3_1_names_all_terms_at_once(hub: FakeHub, tmp_path: Path) -> None:
    for name in (DIARIZATION_3_1, SEGMENTATION_3_0, DEFAULT_DIARIZER):
        hub.repositories[name].closed = True
    with pytest.raises(ModelUnavailable) as caught:
        pipeline_files.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    assert all(f"https://huggingface.co/{name}" in caught.value.hint for name in (DIARIZATION_3_1, SEGMENTATION_3_0))
    assert URL in caught.value.hint


def test_version_3_1_uses_the_plda_of_community_1(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories[DEFAULT_DIARIZER].closed = True
    with pytest.raises(ModelUnavailable, match=DEFAULT_DIARIZER):
        pipeline_files.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    hub.repositories[DEFAULT_DIARIZER].closed = False
    hub.requests.clear()
    pipeline_files.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    expected = [f"HEAD {name} config.yaml" for name in (SEGMENTATION_3_0, DEFAULT_DIARIZER, WESPEAKER)]
    assert [hub.requests.count(request) for request in expected] == [1, 1, 1]
    found = pipeline_files.locate(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    assert "speaker-diarization-community-1" in str(found.paths["plda"])


def test_a_local_config_may_need_the_hub_for_its_parts(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"pipeline: {{name: SpeakerDiarization, params: {{embedding: {WESPEAKER}}}}}")
    with pytest.raises(ModelUnavailable, match="needs a Hugging Face token"):
        pipeline_files.check(str(tmp_path), model_dir=tmp_path / "cache")
    assert f"HEAD {WESPEAKER} config.yaml" in hub.requests


def test_a_fine_grained_token_needs_access_to_gated_repositories(hub: FakeHub, tmp_path: Path) -> None:
    hub.is_token_narrow = True
    with pytest.raises(ModelUnavailable, match="This Hugging Face token may not read") as caught:
        pipeline_files.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert "fine-grained" in caught.value.hint


def test_an_unknown_repository_is_reported(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no repository acme/diarizer"):
        pipeline_files.check("acme/diarizer", token=GOOD_TOKEN, model_dir=tmp_path)


@pytest.mark.parametrize("down", [True, False])
def test_an_unreachable_hub_is_reported_without_retries(
    hub: FakeHub, tmp_path: Path, down: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if down:
        hub.is_down = True
    else:
        from huggingface_hub import constants

        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
        )
    started = time.monotonic()
    with pytest.raises(ModelUnavailable, match="the hub cannot be reached"):
        pipeline_files.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert time.monotonic() - started < 10


def test_offline_the_pipeline_must_be_cached(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="--offline"):
        pipeline_files.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path, offline=True)
    assert hub.requests == []


def test_a_cached_pipeline_is_loaded_without_requests(hub: FakeHub, tmp_path: Path) -> None:
    fetched = PyannoteDiarizer.load(DEFAULT_DIARIZER, device="cpu", token=GOOD_TOKEN, model_dir=tmp_path)
    assert f"GET {DEFAULT_DIARIZER} plda/plda.npz" in hub.requests
    hub.requests.clear()
    hub.is_down = True
    for offline in (True, False):
        pipeline_files.check(DEFAULT_DIARIZER, model_dir=tmp_path, offline=offline)
    again = PyannoteDiarizer.load(DEFAULT_DIARIZER, device="cpu", model_dir=tmp_path)
    assert (fetched.name, again.name) == (DEFAULT_DIARIZER, DEFAULT_DIARIZER)
    assert hub.requests == []


def test_an_incomplete_download_is_detected(hub: FakeHub, tmp_path: Path) -> None:
    pipeline_files.locate(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    next(tmp_path.rglob("plda.npz")).unlink()
    with pytest.raises(ModelUnavailable, match="--offline"):
        pipeline_files.check(DEFAULT_DIARIZER, model_dir=tmp_path, offline=True)


@pytest.mark.parametrize("name", ["pyannote/speaker-diarization-precision-2", "acme/cloud"])
def test_a_pipeline_that_uploads_the_audio_is_refused(hub: FakeHub, tmp_path: Path, name: str) -> None:
    config = b"pipeline: {name: pyannote.audio.pipelines.pyannoteai.sdk.SDK, params: {model: precision-2}}"
    hub.repositories["acme/cloud"] = type(hub.repositories[WESPEAKER])({"config.yaml": config}, gated=False)
    with pytest.raises(UsageError, match="sends the audio") as caught:
        pipeline_files.check(name, token=GOOD_TOKEN, model_dir=tmp_path)
    assert DEFAULT_DIARIZER in caught.value.hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speaker-diarization-comunity-1", f"Did you mean {DEFAULT_DIARIZER}?"),
        ("nobody", "Unknown diarizer"),
        ("./missing/folder", "no pipeline folder"),
    ],
)
def test_unknown_names_are_reported_with_the_nearest_one(hub: FakeHub, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        pipeline_files.check(name, model_dir=tmp_path)
    assert said in str(caught.value)
    assert hub.requests == []


def test_incomplete_pipeline_folders_are_reported_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.yaml is missing"):
        pipeline_files.check(str(tmp_path))
    shutil.copytree(DEMO_FOLDER, tmp_path, dirs_exist_ok=True)
    pipeline_files.check(str(tmp_path))
    (tmp_path / "plda" / "plda.npz").unlink()
    with pytest.raises(UsageError, match=r"plda/plda\.npz is missing"):
        pipeline_files.check(str(tmp_path))
    (tmp_path / "config.yaml").write_text("pipeline: {name: os.system}")
    with pytest.raises(UsageError, match=r"is a os\.system"):
        pipeline_files.check(str(tmp_path))
    (tmp_path / "config.yaml").write_text("- nothing")
    with pytest.raises(UsageError, match="does not describe a pyannote"):
        pipeline_files.check(str(tmp_path))


def test_without_the_extra_the_hint_is_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(pipeline_files, "version", missing)
    with pytest.raises(MissingExtra, match="not installed") as caught:
        pipeline_files.check("demo")
    assert "pip install 'transcribe-cli[diarization]'" in caught.value.hint
    monkeypatch.setattr(pipeline_files, "version", lambda name: "3.4.0")
    with pytest.raises(MissingExtra, match=r"installed is 3\.4\.0"):
        pipeline_files.check("demo")


def test_a_token_with_a_line_break_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="invalid characters") as caught:
        pipeline_files.check(DEFAULT_DIARIZER, token="hf_one\nhf_two")
    assert "hf_one" not in str(caught.value)


def test_the_variables_of_hugging_face_are_used(hub: FakeHub, tmp_path: Path) -> None:
    code = f"from transcribe_cli.speakers.diarizers import pipeline_files; pipeline_files.check({DEFAULT_DIARIZER!r}); print('ready')"
    extra = {"HF_ENDPOINT": hub.url, "HF_TOKEN": GOOD_TOKEN, "HF_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment(extra), capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("ready\n", "")
    assert f"HEAD {DEFAULT_DIARIZER} config.yaml" in hub.requests
