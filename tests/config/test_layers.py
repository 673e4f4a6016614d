"""Defaults < file < profile < environment < flags, and the origin of each value."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from transcribe_cli.config import Config, Value, find_file, load_config
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

FILE = "beam_size = 2\n[profiles.night]\nbeam_size = 3\n"
Load = Callable[..., Config]


def test_without_any_layer_every_value_is_the_default(configured: Load) -> None:
    """The origin is "default"."""
    config = configured()
    assert (config.spec, config.settings, config.file) == (JobSpec(), Settings(), None)
    assert list(config.values) == [name for name in (*JobSpec.model_fields, *Settings.model_fields) if name != "storage"]
    assert {value.origin for value in config.values.values()} == {"default"}


def test_each_layer_overrides_the_previous_ones(configured: Load, tmp_path: Path) -> None:
    """Each step adds one layer."""
    file = tmp_path / "transcribe.toml"
    variable = {"TRANSCRIBE_BEAM_SIZE": "4"}
    assert configured(None).values["beam_size"] == Value(5, "default")
    assert configured(FILE).values["beam_size"] == Value(2, str(file))
    assert configured(FILE, profile="night").values["beam_size"] == Value(3, f"{file} [profiles.night]")
    assert configured(FILE, variable, profile="night").values["beam_size"] == Value(4, "TRANSCRIBE_BEAM_SIZE")
    assert configured(FILE, variable, profile="night", beam_size="6").values["beam_size"] == Value(6, "--beam-size")


def test_a_flag_with_the_default_value_still_wins(configured: Load) -> None:
    """It overrides the file."""
    config = configured("beam_size = 2\nvad_filter = false\n", beam_size="5", vad_filter=True)
    assert (config.spec.beam_size, config.spec.vad_filter) == (5, True)


def test_unused_flags_are_ignored(configured: Load) -> None:
    """Typer passes None and empty lists."""
    assert configured("include = ['a*']\nmodel = 'small'\n", include=[], model=None).settings.include == ("a*",)


def test_an_invalid_value_that_is_overridden_is_no_error(configured: Load) -> None:
    """A flag also overrides an invalid value."""
    assert configured("beam_size = 0\n", beam_size="3").spec.beam_size == 3


def test_the_file_is_searched_upwards_from_the_source(tmp_path: Path) -> None:
    """From a file, a folder or a missing path; the nearest file wins."""
    (tmp_path / "a/b").mkdir(parents=True)
    outer, inner = tmp_path / "transcribe.toml", tmp_path / "a/transcribe.toml"
    outer.touch()
    assert find_file(tmp_path / "a/b/aula.mp3") == outer
    inner.touch()
    assert find_file(tmp_path / "a/b") == inner
    assert find_file(tmp_path / "a/b/../../c") == outer


def test_the_search_continues_above_a_linked_folder(tmp_path: Path) -> None:
    """Not above its target."""
    (tmp_path / "disk/aulas").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/transcribe.toml").touch()
    (tmp_path / "home/aulas").symlink_to(tmp_path / "disk/aulas")
    assert find_file(tmp_path / "home/aulas") == tmp_path / "home/transcribe.toml"


def test_a_given_file_is_read_instead(configured: Load, tmp_path: Path) -> None:
    """`--config` overrides TRANSCRIBE_CONFIG, which overrides the search."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("beam_size = 7\n")
    two.write_text("beam_size = 8\n")
    variable = {"TRANSCRIBE_CONFIG": str(one)}
    assert configured(FILE, variable).spec.beam_size == 7
    assert configured(FILE, variable, config=two).spec.beam_size == 8
    assert configured(FILE, config=Path("/dev/null")).spec.beam_size == 5


def test_a_profile_can_be_a_file(configured: Load, tmp_path: Path) -> None:
    """profiles/NAME.toml next to the configuration file, also selected by TRANSCRIBE_PROFILE."""
    (tmp_path / "profiles").mkdir()
    file = tmp_path / "profiles/fast.toml"
    file.write_text("beam_size = 1\n")
    assert configured(FILE, profile="fast").values["beam_size"] == Value(1, str(file))
    assert configured(FILE, {"TRANSCRIBE_PROFILE": "fast"}).spec.beam_size == 1
    assert configured(FILE, {"TRANSCRIBE_PROFILE": "fast"}, profile="night").spec.beam_size == 3


def test_keys_can_have_hyphens(configured: Load) -> None:
    """Like the flags."""
    assert configured("batch-size = 3\n").settings.batch_size == 3


def test_relative_paths_are_relative_to_their_file(configured: Load, tmp_path: Path) -> None:
    """Paths in flags and variables are relative to the current folder."""
    config = configured('output_dir = "out"\nmodel_dir = "/models"\n')
    assert (config.settings.output_dir, config.settings.model_dir) == (tmp_path / "out", Path("/models"))
    assert configured("", {"TRANSCRIBE_MODEL_DIR": "m"}, output_dir="out").settings.output_dir == Path("out")


def test_a_model_next_to_the_file_is_found_and_other_folders_are_not(configured: Load, tmp_path: Path) -> None:
    """A folder `small` with recordings does not replace the model `small`."""
    (tmp_path / "small").mkdir()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/model.bin").touch()
    assert configured('model = "small"\n').spec.model == "small"
    assert configured('model = "ours"\n').spec.model == str(tmp_path / "ours")


@pytest.mark.parametrize("layer", ["file", "variable", "flag"])
def test_a_tilde_is_the_home_folder(configured: Load, layer: str) -> None:
    """In every layer, because no shell expands it in a file or after an equals sign."""
    toml = 'output_dir = "~/out"\nmodel = "~/m"\n' if layer == "file" else ""
    environ = {"HOME": "/home/ana"}
    if layer == "variable":
        environ |= {"TRANSCRIBE_OUTPUT_DIR": "~/out", "TRANSCRIBE_MODEL": "~/m"}
    flags = {"output_dir": "~/out", "model": "~/m"} if layer == "flag" else {}
    config = configured(toml, environ, **flags)
    assert (config.settings.output_dir, config.spec.model) == (Path("/home/ana/out"), "/home/ana/m")


@pytest.mark.parametrize("word", ["none", "", "None"])
def test_none_unsets_an_option(configured: Load, word: str) -> None:
    """In the file, because TOML has no null, and as a flag."""
    names = ("language", "batch_size", "output_dir", "compression_ratio_threshold", "hotwords")
    config = configured("".join(f'{name} = "{word}"\n' for name in names))
    assert [config.values[name].value for name in names] == [None] * len(names)
    assert configured('language = "pt"\nlanguages = ["pt"]\n', language=word, languages=word).spec == JobSpec()


def test_auto_unsets_only_numbers_and_the_language(configured: Load) -> None:
    """A folder or a hotword can be called auto."""
    config = configured('batch_size = "auto"\nlanguage = "auto"\nhotwords = "auto"\noutput_dir = "auto"\n')
    assert (config.settings.batch_size, config.spec.language, config.spec.hotwords) == (None, None, "auto")
    assert config.settings.output_dir is not None


def test_an_empty_variable_is_ignored(configured: Load) -> None:
    """Compose files leave unused variables empty. `none` unsets an option."""
    assert configured('language = "pt"\n', {"TRANSCRIBE_LANGUAGE": ""}).spec.language == "pt"
    assert configured('language = "pt"\n', {"TRANSCRIBE_LANGUAGE": "none"}).spec.language is None


def test_repeated_flags_can_have_comma_lists(configured: Load) -> None:
    """`-f json,srt -f txt`. Globs keep their commas."""
    config = configured("", output_format=["json,srt", "txt"], include=["a,b*", "c*"])
    assert config.settings.output_format == ("json", "srt", "txt")
    assert config.settings.include == ("a,b*", "c*")


def test_the_environment_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only the mapping that is passed in is used."""
    monkeypatch.setenv("TRANSCRIBE_BEAM_SIZE", "9")
    assert load_config({}, environ={}, start=tmp_path).spec.beam_size == 5


def test_a_byte_order_mark_is_ignored(configured: Load, tmp_path: Path) -> None:
    """Editors on Windows write it."""
    (tmp_path / "transcribe.toml").write_bytes(b"\xef\xbb\xbfbeam_size = 2\r\n")
    assert configured().spec.beam_size == 2
