"""Errors in a file, a variable or a flag: one line, with the location and the allowed values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.config import Config
from transcribe_cli.errors import ConfigError

Load = Callable[..., Config]


def refusal(configured: Load, *arguments: Any, **flags: Any) -> str:
    """The error message."""
    with pytest.raises(ConfigError) as caught:
        configured(*arguments, **flags)
    assert caught.value.exit_code == 2
    line = str(caught.value)
    assert "\n" not in line
    assert "pydantic" not in line
    return line


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("batch_sice = 3", "{file} has an unknown option 'batch_sice'. Did you mean batch_size?"),
        ("batchsize = 3", "{file} has an unknown option 'batchsize'. Did you mean batch_size?"),
        ("xyz = 3", "{file} has an unknown option 'xyz'. `transcribe config show` lists all options."),
        ("[profiles.night]\nmodle = 'small'", "{file} [profiles.night] has an unknown option 'modle'. Did you mean model?"),
        ("[profile.night]\nmodel = 'small'", "{file} has an unknown option 'profile'. Did you mean profiles?"),
        (
            "[decoding]\nbeam-size = 3",
            "{file} has an unknown table [decoding]. Put beam_size at the top of the file, before any table.",
        ),
        (
            "[vad]\nthreshold = 0.3",
            "{file} has an unknown table [vad]. Put vad_threshold at the top of the file, before any table.",
        ),
        ("[profiles]\nmodel = 'small'", "In {file}, 'model' is directly in [profiles]. Put it in a table [profiles.NAME]."),
        ("profiles = 3", "In {file}, profiles must be tables. Write [profiles.NAME] on a separate line."),
        ("batch-size = 3\nbatch_size = 3", "In {file}, batch_size is set twice, with a hyphen and with an underscore."),
        ("batch_size = 0", "In {file}, batch_size cannot be 0: it must be a whole number from 1 to 1024, or none."),
        ("batch_size = true", "In {file}, batch_size cannot be true: it must be a whole number from 1 to 1024, or none."),
        ("batch_size = 2.5", "In {file}, batch_size cannot be 2.5: it must be a whole number from 1 to 1024, or none."),
        ("model = 3", "In {file}, model cannot be 3: it must be text that is not empty."),
        ("model = ''", 'In {file}, model cannot be "": it must be text that is not empty.'),
        ("device = 'gpu'", 'In {file}, device cannot be "gpu": it must be auto, cpu or cuda.'),
        ("device = 'CUDA'", 'In {file}, device cannot be "CUDA": it must be auto, cpu or cuda.'),
        ("overwrite = 'maybe'", 'In {file}, overwrite cannot be "maybe": it must be true or false.'),
        ("vad_threshold = inf", "In {file}, vad_threshold cannot be Infinity: it must be a number above 0 and below 1."),
        ("output_dir = 3", "In {file}, output_dir cannot be 3: it must be a path, or none."),
        ("output_format = []", "In {file}, output_format cannot be []: it must be a list of one or more texts."),
        (
            "device_index = [0, true]",
            "In {file}, device_index cannot be [0, true]: it must be a list of one or more whole numbers from 0 to 1023.",
        ),
        (
            "temperature = [0, 2]",
            "In {file}, temperature cannot be [0, 2]: it must be a list of one or more numbers from 0 to 1.",
        ),
        ("include = 2025-01-01", 'In {file}, include cannot be "2025-01-01": it must be a list of texts.'),
        (
            "output_format = 'srtt'",
            "In {file}, output_format cannot be \"srtt\": unknown output format 'srtt'; "
            "choose from json, srt, vtt, ass, lrc, txt, md, docx, html, tsv, csv, textgrid, aud, rttm and all.",
        ),
        (
            "language = 'portugese'",
            "In {file}, language cannot be \"portugese\": unknown language 'portugese' (did you mean pt?).",
        ),
        (
            "language = 'pt'\nlanguages = ['en', 'es']",
            "The options conflict: language pt is not among languages en, es (language: {file}; languages: {file}).",
        ),
        (
            "subtitles = 'nextflix'",
            "In {file}, subtitles cannot be \"nextflix\": unknown standard 'nextflix'; choose from netflix, bbc, ted, plain.",
        ),
        (
            "[subtitles]\nmax_char = 40",
            "In {file}, subtitles cannot be {{\"max_char\": 40}}: unknown key 'max_char' (did you mean max_chars?).",
        ),
        (
            "[subtitles.max_chars]\nja = 0",
            "In {file}, subtitles: max_chars.ja cannot be 0: input should be greater than or equal to 1.",
        ),
        (
            "subtitles = true",
            "In {file}, subtitles cannot be true: it must be netflix, bbc, ted or plain, with optional changes: "
            "bbc,max_chars=40.",
        ),
        ("model = \n", "{file} is not TOML: Invalid value (at line 1, column 9)."),
        ("beam_size = 2\n\nmodel : x", "{file} is not TOML: Expected '=' after a key in a key/value pair (at line 3, column 7)."),
    ],
)
def test_an_error_in_the_file_names_file_and_key(configured: Load, tmp_path: Path, toml: str, says: str) -> None:
    """The message has the problem, the allowed values and the most similar name."""
    assert refusal(configured, toml) == says.format(file=tmp_path / "transcribe.toml")


def test_an_error_in_a_profile_is_reported_when_the_profile_is_used(configured: Load, tmp_path: Path) -> None:
    """With the name of the table."""
    toml = "[profiles.night]\nbeam_size = 0\n"
    assert configured(toml).spec.beam_size == 5
    says = refusal(configured, toml, profile="night")
    assert says.startswith(f"In {tmp_path}/transcribe.toml [profiles.night], beam_size cannot be 0:")


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        (
            {"TRANSCRIBE_BATCH_SIZE": "many"},
            'TRANSCRIBE_BATCH_SIZE cannot be "many": it must be a whole number from 1 to 1024, or none.',
        ),
        (
            {"TRANSCRIBE_BATCHSIZE": "4"},
            "Unknown environment variable TRANSCRIBE_BATCHSIZE. Did you mean TRANSCRIBE_BATCH_SIZE?",
        ),
        ({"TRANSCRIBE_model": "x"}, "Unknown environment variable TRANSCRIBE_model. Did you mean TRANSCRIBE_MODEL?"),
        ({"TRANSCRIBE_PROFIL": ""}, "Unknown environment variable TRANSCRIBE_PROFIL. Did you mean TRANSCRIBE_PROFILE?"),
        ({"TRANSCRIBE_OFFLINE": "ja"}, 'TRANSCRIBE_OFFLINE cannot be "ja": it must be true or false.'),
    ],
)  # fmt: skip
def test_an_error_in_a_variable_names_the_variable(configured: Load, environ: dict[str, str], says: str) -> None:
    """For an unknown variable, the hint has the most similar one."""
    assert refusal(configured, None, environ) == says


def test_other_variables_are_ignored(configured: Load) -> None:
    """So are the reserved TRANSCRIBE_ variables."""
    environ = {
        "TRANSCRIBE_DEBUG": "1",
        "TRANSCRIBE_CONFIG": "",
        "TRANSCRIBE_PROFILE": "",
        "TRANSCRIBER_X": "1",
        "BATCH_SIZE": "x",
    }
    assert configured(None, environ).spec.beam_size == 5


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"batch_size": "0"}, '--batch-size cannot be "0": it must be a whole number from 1 to 1024, or none.'),
        ({"beam_size": "x"}, '--beam-size cannot be "x": it must be a whole number from 1 to 100.'),
        ({"task": "translat"}, '--task cannot be "translat": it must be transcribe or translate.'),
        ({"patience": "0"}, '--patience cannot be "0": it must be a number from 0.5 to 100.'),
        ({"max_duration": "-1"}, '--max-duration cannot be "-1": it must be a number above 0 and not above 10000.'),
        ({"no_speech_threshold": "nan"}, '--no-speech-threshold cannot be "nan": it must be a number from 0 to 1, or none.'),
        (
            {"task": "translate"},
            "The options conflict: the turbo model does not support task translate; use large-v3 or medium "
            "(model: default; task: --task).",
        ),
    ],
)
def test_an_error_in_a_flag_names_the_flag(configured: Load, flags: dict[str, str], says: str) -> None:
    """With hyphens, as typed."""
    assert refusal(configured, **flags) == says


def test_a_long_value_is_shortened(configured: Load) -> None:
    """The message stays one line."""
    assert len(refusal(configured, log_format="x" * 5000)) < 200


def test_a_missing_configuration_file_is_an_error(configured: Load, tmp_path: Path) -> None:
    """If a file is given, no other file is searched."""
    missing = tmp_path / "no.toml"
    assert refusal(configured, config=missing) == f"The configuration file {missing} does not exist."
    assert refusal(configured, None, {"TRANSCRIBE_CONFIG": str(missing)}) == f"The configuration file {missing} does not exist."


def test_an_unreadable_file_is_an_error(configured: Load, tmp_path: Path) -> None:
    """A folder of that name, a broken link, binary data: never ignored."""
    file = tmp_path / "transcribe.toml"
    file.mkdir()
    assert refusal(configured) == f"Cannot read {file}: Is a directory."
    file.rmdir()
    file.symlink_to(tmp_path / "gone.toml")
    assert refusal(configured) == f"The configuration file {file} does not exist."
    file.unlink()
    file.write_bytes(b"model = '\xff'")
    assert refusal(configured) == f"{file} is not UTF-8 text (byte 9)."
    file.write_text("a = " + "[" * 100_000)
    assert refusal(configured).startswith(f"{file} is not TOML: ")


def test_an_unknown_profile_lists_the_known_ones(configured: Load, tmp_path: Path) -> None:
    """From tables and files. Without a configuration file there are no profiles."""
    assert refusal(configured, profile="night").startswith("Profile 'night' does not exist: no transcribe.toml was found")
    file = tmp_path / "transcribe.toml"
    assert refusal(configured, "", profile="night") == f"{file} has no profile 'night'. It has no profiles."
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/fast.toml").touch()
    says = refusal(configured, "[profiles.day]\n", profile="../night")
    assert says == f"{file} has no profile '../night'. Choose from: day, fast."


def test_a_profile_that_is_defined_twice_is_an_error(configured: Load, tmp_path: Path) -> None:
    """A table and a file with the same name."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/day.toml").touch()
    assert "is defined twice" in refusal(configured, "[profiles.day]\n", profile="day")


def test_a_flag_without_a_field_is_a_programming_error(configured: Load) -> None:
    """It is not a ConfigError."""
    with pytest.raises(TypeError, match="batchsize"):
        configured(batchsize=3)
