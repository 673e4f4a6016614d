"""What keeps diarization from beginning is said before anything is recognized, in one line, with what to do."""

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
from transcribe_cli.speakers.diarizers import pipeline_files as preflight
from transcribe_cli.speakers.diarizers.pipeline_files import DEMO_FOLDER, DIARIZATION_3_1
from transcribe_cli.speakers.diarizers.pyannote import PyannoteDiarizer
from transcribe_cli.spec import DEFAULT_DIARIZER

URL = f"https://huggingface.co/{DEFAULT_DIARIZER}"


def test_the_demo_diarizer_needs_no_network(hub: FakeHub, tmp_path: Path) -> None:
    preflight.check("demo", model_dir=tmp_path, offline=True)
    assert hub.asked == []


def test_without_a_token_the_terms_and_where_to_make_one_are_named(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="needs a Hugging Face token") as caught:
        preflight.check(DEFAULT_DIARIZER, model_dir=tmp_path)
    assert URL in caught.value.hint
    assert "https://huggingface.co/settings/tokens" in caught.value.hint
    assert "HF_TOKEN" in caught.value.hint
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 4
    assert hub.asked == [f"HEAD {DEFAULT_DIARIZER} config.yaml"]


def test_a_token_that_the_hub_does_not_know_is_refused_and_not_shown(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="refuses the Hugging Face token") as caught:
        preflight.check(DEFAULT_DIARIZER, token="hf_secret", model_dir=tmp_path)
    assert "hf_secret" not in str(caught.value) + str(caught.value.__cause__)


def test_terms_that_were_not_accepted_are_named(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories[DEFAULT_DIARIZER].closed = True
    with pytest.raises(ModelUnavailable, match="may not read") as caught:
        preflight.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert f"Accept the terms at {URL}" in caught.value.hint


def test_for_version_3_1_all_terms_are_named_at_once(hub: FakeHub, tmp_path: Path) -> None:
    for name in (DIARIZATION_3_1, SEGMENTATION_3_0, DEFAULT_DIARIZER):
        hub.repositories[name].closed = True
    with pytest.raises(ModelUnavailable) as caught:
        preflight.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    assert all(f"https://huggingface.co/{name}" in caught.value.hint for name in (DIARIZATION_3_1, SEGMENTATION_3_0))
    assert URL in caught.value.hint


def test_version_3_1_takes_its_plda_from_community_1(hub: FakeHub, tmp_path: Path) -> None:
    hub.repositories[DEFAULT_DIARIZER].closed = True
    with pytest.raises(ModelUnavailable, match=DEFAULT_DIARIZER):
        preflight.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    hub.repositories[DEFAULT_DIARIZER].closed = False
    hub.asked.clear()
    preflight.check(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    asked = [f"HEAD {name} config.yaml" for name in (SEGMENTATION_3_0, DEFAULT_DIARIZER, WESPEAKER)]
    assert [hub.asked.count(once) for once in asked] == [1, 1, 1]
    found = preflight.locate(DIARIZATION_3_1, token=GOOD_TOKEN, model_dir=tmp_path)
    assert "speaker-diarization-community-1" in found["pipeline"]["params"]["plda"]["checkpoint"]


def test_a_local_recipe_may_need_the_hub_for_its_parts(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"pipeline: {{name: SpeakerDiarization, params: {{embedding: {WESPEAKER}}}}}")
    with pytest.raises(ModelUnavailable, match="needs a Hugging Face token"):
        preflight.check(str(tmp_path), model_dir=tmp_path / "cache")
    assert f"HEAD {WESPEAKER} config.yaml" in hub.asked


def test_a_fine_grained_token_needs_the_right_to_gated_repositories(hub: FakeHub, tmp_path: Path) -> None:
    hub.narrow = True
    with pytest.raises(ModelUnavailable, match="does not let this Hugging Face token") as caught:
        preflight.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert "fine-grained" in caught.value.hint


def test_an_unknown_repository_is_said_to_be_unknown(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="no repository acme/diarizer"):
        preflight.check("acme/diarizer", token=GOOD_TOKEN, model_dir=tmp_path)


@pytest.mark.parametrize("down", [True, False])
def test_a_hub_that_does_not_answer_is_given_up_at_once(
    hub: FakeHub, tmp_path: Path, down: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if down:
        hub.down = True
    else:
        from huggingface_hub import constants

        monkeypatch.setattr(
            constants, "HUGGINGFACE_CO_URL_TEMPLATE", "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
        )
    began = time.monotonic()
    with pytest.raises(ModelUnavailable, match="the hub cannot be reached"):
        preflight.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    assert time.monotonic() - began < 10


def test_offline_it_must_be_here(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="--offline"):
        preflight.check(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path, offline=True)
    assert hub.asked == []


def test_what_was_fetched_once_is_loaded_without_asking_anybody(hub: FakeHub, tmp_path: Path) -> None:
    fetched = PyannoteDiarizer.load(DEFAULT_DIARIZER, device="cpu", token=GOOD_TOKEN, model_dir=tmp_path)
    assert f"GET {DEFAULT_DIARIZER} plda/plda.npz" in hub.asked
    hub.asked.clear()
    hub.down = True
    for offline in (True, False):
        preflight.check(DEFAULT_DIARIZER, model_dir=tmp_path, offline=offline)
    again = PyannoteDiarizer.load(DEFAULT_DIARIZER, device="cpu", model_dir=tmp_path)
    assert (fetched.name, again.name) == (DEFAULT_DIARIZER, DEFAULT_DIARIZER)
    assert hub.asked == []


def test_a_download_that_broke_off_is_not_taken_for_whole(hub: FakeHub, tmp_path: Path) -> None:
    preflight.locate(DEFAULT_DIARIZER, token=GOOD_TOKEN, model_dir=tmp_path)
    next(tmp_path.rglob("plda.npz")).unlink()
    with pytest.raises(ModelUnavailable, match="--offline"):
        preflight.check(DEFAULT_DIARIZER, model_dir=tmp_path, offline=True)


@pytest.mark.parametrize("name", ["pyannote/speaker-diarization-precision-2", "acme/cloud"])
def test_a_pipeline_that_uploads_the_audio_is_refused(hub: FakeHub, tmp_path: Path, name: str) -> None:
    config = b"pipeline: {name: pyannote.audio.pipelines.pyannoteai.sdk.SDK, params: {model: precision-2}}"
    hub.repositories["acme/cloud"] = type(hub.repositories[WESPEAKER])({"config.yaml": config}, gated=False)
    with pytest.raises(UsageError, match="sends the audio") as caught:
        preflight.check(name, token=GOOD_TOKEN, model_dir=tmp_path)
    assert DEFAULT_DIARIZER in caught.value.hint


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("speaker-diarization-comunity-1", f"Did you mean {DEFAULT_DIARIZER}?"),
        ("nobody", "No diarizer is called"),
        ("./missing/folder", "no pipeline folder"),
    ],
)
def test_names_that_mean_nothing_are_answered_with_the_nearest(hub: FakeHub, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        preflight.check(name, model_dir=tmp_path)
    assert said in str(caught.value)
    assert hub.asked == []


def test_folders_that_are_no_pipeline_are_named_with_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"config\.yaml is missing"):
        preflight.check(str(tmp_path))
    shutil.copytree(DEMO_FOLDER, tmp_path, dirs_exist_ok=True)
    preflight.check(str(tmp_path))
    (tmp_path / "plda" / "plda.npz").unlink()
    with pytest.raises(UsageError, match=r"plda/plda\.npz is missing"):
        preflight.check(str(tmp_path))
    (tmp_path / "config.yaml").write_text("pipeline: {name: os.system}")
    with pytest.raises(UsageError, match=r"is a os\.system"):
        preflight.check(str(tmp_path))
    (tmp_path / "config.yaml").write_text("- nothing")
    with pytest.raises(UsageError, match="not that of a pyannote"):
        preflight.check(str(tmp_path))


def test_without_the_extra_the_pip_command_is_the_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(preflight, "version", missing)
    with pytest.raises(MissingExtra, match="not installed") as caught:
        preflight.check("demo")
    assert "pip install 'transcribe-cli[diarization]'" in caught.value.hint
    monkeypatch.setattr(preflight, "version", lambda name: "3.4.0")
    with pytest.raises(MissingExtra, match=r"installed is 3\.4\.0"):
        preflight.check("demo")


def test_a_token_with_a_line_break_inside_is_refused_without_being_shown() -> None:
    with pytest.raises(UsageError, match="characters that no token has") as caught:
        preflight.check(DEFAULT_DIARIZER, token="hf_one\nhf_two")
    assert "hf_one" not in str(caught.value)


def test_the_usual_variables_are_honoured(hub: FakeHub, tmp_path: Path) -> None:
    code = f"from transcribe_cli.speakers.diarizers import pipeline_files; pipeline_files.check({DEFAULT_DIARIZER!r}); print('ready')"
    extra = {"HF_ENDPOINT": hub.url, "HF_TOKEN": GOOD_TOKEN, "HF_HOME": str(tmp_path)}
    ran = subprocess.run([sys.executable, "-c", code], env=environment(extra), capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("ready\n", "")
    assert f"HEAD {DEFAULT_DIARIZER} config.yaml" in hub.asked
