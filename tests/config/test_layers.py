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


def test_without_anything_every_value_is_the_default(configured: Load) -> None:
    """And says so."""
    config = configured()
    assert (config.spec, config.settings, config.file) == (JobSpec(), Settings(), None)
    assert list(config.values) == [name for name in (*JobSpec.model_fields, *Settings.model_fields) if name != "storage"]
    assert {value.origin for value in config.values.values()} == {"default"}


def test_each_layer_beats_the_ones_before_it(configured: Load, tmp_path: Path) -> None:
    """One more layer each time, one more origin."""
    file = tmp_path / "transcribe.toml"
    variable = {"TRANSCRIBE_BEAM_SIZE": "4"}
    assert configured(None).values["beam_size"] == Value(5, "default")
    assert configured(FILE).values["beam_size"] == Value(2, str(file))
    assert configured(FILE, profile="night").values["beam_size"] == Value(3, f"{file} [profiles.night]")
    assert configured(FILE, variable, profile="night").values["beam_size"] == Value(4, "TRANSCRIBE_BEAM_SIZE")
    assert configured(FILE, variable, profile="night", beam_size="6").values["beam_size"] == Value(6, "--beam-size")


def test_a_flag_that_says_the_default_still_wins(configured: Load) -> None:
    """Not only flags that differ from the default count."""
    config = configured("beam_size = 2\nvad_filter = false\n", beam_size="5", vad_filter=True)
    assert (config.spec.beam_size, config.spec.vad_filter) == (5, True)


def test_flags_that_were_not_given_say_nothing(configured: Load) -> None:
    """None and empty lists, as Typer passes them."""
    assert configured("include = ['a*']\nmodel = 'small'\n", include=[], model=None).settings.include == ("a*",)


def test_a_wrong_value_that_something_beats_is_no_error(configured: Load) -> None:
    """A flag always wins, also over nonsense."""
    assert configured("beam_size = 0\n", beam_size="3").spec.beam_size == 3


def test_the_file_is_found_upwards_from_the_source(tmp_path: Path) -> None:
    """From a file, a folder, or a name that is not there; the nearest one wins."""
    (tmp_path / "a/b").mkdir(parents=True)
    outer, inner = tmp_path / "transcribe.toml", tmp_path / "a/transcribe.toml"
    outer.touch()
    assert find_file(tmp_path / "a/b/aula.mp3") == outer
    inner.touch()
    assert find_file(tmp_path / "a/b") == inner
    assert find_file(tmp_path / "a/b/../../c") == outer


def test_above_a_linked_folder_are_the_folders_that_the_user_sees(tmp_path: Path) -> None:
    """Not those above the place that the link leads to."""
    (tmp_path / "disk/aulas").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/transcribe.toml").touch()
    (tmp_path / "home/aulas").symlink_to(tmp_path / "disk/aulas")
    assert find_file(tmp_path / "home/aulas") == tmp_path / "home/transcribe.toml"


def test_a_named_file_is_read_instead(configured: Load, tmp_path: Path) -> None:
    """`--config` beats TRANSCRIBE_CONFIG, which beats the search."""
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("beam_size = 7\n")
    two.write_text("beam_size = 8\n")
    variable = {"TRANSCRIBE_CONFIG": str(one)}
    assert configured(FILE, variable).spec.beam_size == 7
    assert configured(FILE, variable, config=two).spec.beam_size == 8
    assert configured(FILE, config=Path("/dev/null")).spec.beam_size == 5


def test_a_profile_may_be_a_file_of_its_own(configured: Load, tmp_path: Path) -> None:
    """profiles/NAME.toml beside the configuration file; also named by TRANSCRIBE_PROFILE."""
    (tmp_path / "profiles").mkdir()
    file = tmp_path / "profiles/fast.toml"
    file.write_text("beam_size = 1\n")
    assert configured(FILE, profile="fast").values["beam_size"] == Value(1, str(file))
    assert configured(FILE, {"TRANSCRIBE_PROFILE": "fast"}).spec.beam_size == 1
    assert configured(FILE, {"TRANSCRIBE_PROFILE": "fast"}, profile="night").spec.beam_size == 3


def test_keys_may_have_hyphens(configured: Load) -> None:
    """As the flags have."""
    assert configured("batch-size = 3\n").settings.batch_size == 3


def test_relative_paths_are_relative_to_their_file(configured: Load, tmp_path: Path) -> None:
    """Wherever the program runs; those of flags and variables are relative to where it runs."""
    config = configured('output_dir = "out"\nmodel_dir = "/models"\n')
    assert (config.settings.output_dir, config.settings.model_dir) == (tmp_path / "out", Path("/models"))
    assert configured("", {"TRANSCRIBE_MODEL_DIR": "m"}, output_dir="out").settings.output_dir == Path("out")


def test_a_model_beside_the_file_is_found_and_other_folders_are_not(configured: Load, tmp_path: Path) -> None:
    """A folder called `small` that holds recordings does not change which model `small` is."""
    (tmp_path / "small").mkdir()
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours/model.bin").touch()
    assert configured('model = "small"\n').spec.model == "small"
    assert configured('model = "ours"\n').spec.model == str(tmp_path / "ours")


@pytest.mark.parametrize("layer", ["file", "variable", "flag"])
def test_a_tilde_is_the_home_folder(configured: Load, layer: str) -> None:
    """In every layer, since no shell expands it in a file or after an equals sign."""
    toml = 'output_dir = "~/out"\nmodel = "~/m"\n' if layer == "file" else ""
    environ = {"HOME": "/home/ana"}
    if layer == "variable":
        environ |= {"TRANSCRIBE_OUTPUT_DIR": "~/out", "TRANSCRIBE_MODEL": "~/m"}
    flags = {"output_dir": "~/out", "model": "~/m"} if layer == "flag" else {}
    config = configured(toml, environ, **flags)
    assert (config.settings.output_dir, config.spec.model) == (Path("/home/ana/out"), "/home/ana/m")


@pytest.mark.parametrize("word", ["none", "", "None"])
def test_none_is_no_value_in_the_file_and_as_a_flag(configured: Load, word: str) -> None:
    """TOML has no null; what a file sets can be unset again."""
    names = ("language", "batch_size", "output_dir", "compression_ratio_threshold", "hotwords")
    config = configured("".join(f'{name} = "{word}"\n' for name in names))
    assert [config.values[name].value for name in names] == [None] * len(names)
    assert configured('language = "pt"\nlanguages = ["pt"]\n', language=word, languages=word).spec == JobSpec()


def test_auto_is_no_value_for_numbers_and_the_language_only(configured: Load) -> None:
    """A folder or a word to expect may be called auto."""
    config = configured('batch_size = "auto"\nlanguage = "auto"\nhotwords = "auto"\noutput_dir = "auto"\n')
    assert (config.settings.batch_size, config.spec.language, config.spec.hotwords) == (None, None, "auto")
    assert config.settings.output_dir is not None


def test_an_empty_variable_is_not_set(configured: Load) -> None:
    """As compose files leave those that nobody filled in; `none` unsets."""
    assert configured('language = "pt"\n', {"TRANSCRIBE_LANGUAGE": ""}).spec.language == "pt"
    assert configured('language = "pt"\n', {"TRANSCRIBE_LANGUAGE": "none"}).spec.language is None


def test_repeated_flags_may_hold_comma_lists(configured: Load) -> None:
    """`-f json,srt -f txt`; globs of which each is typed by itself keep their commas."""
    config = configured("", output_format=["json,srt", "txt"], include=["a,b*", "c*"])
    assert config.settings.output_format == ("json", "srt", "txt")
    assert config.settings.include == ("a,b*", "c*")


def test_the_environment_of_the_process_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only what is passed in counts."""
    monkeypatch.setenv("TRANSCRIBE_BEAM_SIZE", "9")
    assert load_config({}, environ={}, start=tmp_path).spec.beam_size == 5


def test_a_byte_order_mark_is_no_error(configured: Load, tmp_path: Path) -> None:
    """Editors on Windows write one."""
    (tmp_path / "transcribe.toml").write_bytes(b"\xef\xbb\xbfbeam_size = 2\r\n")
    assert configured().spec.beam_size == 2
