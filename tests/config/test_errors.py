"""What is said when a file, a variable or a flag is wrong: one line, with its place and what is allowed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from transcribe_cli.config import Config
from transcribe_cli.errors import ConfigError

Load = Callable[..., Config]


def refusal(configured: Load, *arguments: Any, **flags: Any) -> str:
    """The one line, with the folder of the test as `.`."""
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
        ("batch_sice = 3", "{file} has 'batch_sice', which is no option. Did you mean batch_size?"),
        ("batchsize = 3", "{file} has 'batchsize', which is no option. Did you mean batch_size?"),
        ("xyz = 3", "{file} has 'xyz', which is no option. `transcribe config show` lists them all."),
        ("[profiles.night]\nmodle = 'small'", "{file} [profiles.night] has 'modle', which is no option. Did you mean model?"),
        ("[profile.night]\nmodel = 'small'", "{file} has 'profile', which is no option. Did you mean profiles?"),
        (
            "[decoding]\nbeam-size = 3",
            "{file} has a table [decoding], which is none of ours. Put beam_size at the top of the file, before any table.",
        ),
        (
            "[vad]\nthreshold = 0.3",
            "{file} has a table [vad], which is none of ours. Put vad_threshold at the top of the file, before any table.",
        ),
        ("[profiles]\nmodel = 'small'", "In {file}, 'model' is directly in [profiles]. Put it below a line [profiles.NAME]."),
        ("profiles = 3", "In {file}, profiles must be tables. Write [profiles.NAME] on a line of its own."),
        ("batch-size = 3\nbatch_size = 3", "In {file}, batch_size is there twice, with a hyphen and with an underscore."),
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
            "In {file}, device_index cannot be [0, true]: it must be a list of one or more whole numbers.",
        ),
        ("temperature = [0, 2]", "In {file}, temperature cannot be [0, 2]: temperatures lie between 0 and 1."),
        ("include = 2025-01-01", 'In {file}, include cannot be "2025-01-01": it must be a list of texts.'),
        (
            "output_format = 'srtt'",
            "In {file}, output_format cannot be \"srtt\": no output format is called 'srtt'; "
            "there are json, srt, vtt, ass, lrc, txt, md, docx, html, tsv, csv, textgrid, aud, rttm and all.",
        ),
        (
            "language = 'portugese'",
            "In {file}, language cannot be \"portugese\": unknown language 'portugese' (did you mean portuguese?).",
        ),
        (
            "language = 'pt'\nlanguages = ['en', 'es']",
            "The options do not fit together: language pt is not among languages en, es (language: {file}; languages: {file}).",
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
            "In {file}, subtitles cannot be true: it must be netflix, bbc, ted, plain, and what differs from it: "
            "bbc,max_chars=40.",
        ),
        ("model = \n", "{file} is not TOML: Invalid value (at line 1, column 9)."),
        ("beam_size = 2\n\nmodel : x", "{file} is not TOML: Expected '=' after a key in a key/value pair (at line 3, column 7)."),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(configured: Load, tmp_path: Path, toml: str, says: str) -> None:
    """The file, the key, what is wrong, what is allowed, the nearest right word."""
    assert refusal(configured, toml) == says.format(file=tmp_path / "transcribe.toml")


def test_a_mistake_in_a_profile_is_told_when_the_profile_is_used(configured: Load, tmp_path: Path) -> None:
    """With the name of its table."""
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
            "The environment has TRANSCRIBE_BATCHSIZE, which is no option. Did you mean TRANSCRIBE_BATCH_SIZE?",
        ),
        ({"TRANSCRIBE_model": "x"}, "The environment has TRANSCRIBE_model, which is no option. Did you mean TRANSCRIBE_MODEL?"),
        ({"TRANSCRIBE_PROFIL": ""}, "The environment has TRANSCRIBE_PROFIL, which is no option. Did you mean TRANSCRIBE_PROFILE?"),
        ({"TRANSCRIBE_OFFLINE": "ja"}, 'TRANSCRIBE_OFFLINE cannot be "ja": it must be true or false.'),
    ],
)  # fmt: skip
def test_a_mistake_in_a_variable_names_it(configured: Load, environ: dict[str, str], says: str) -> None:
    """And an unknown one the nearest that means something."""
    assert refusal(configured, None, environ) == says


def test_other_variables_are_none_of_ours(configured: Load) -> None:
    """Nor are the reserved ones options."""
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
        ({"patience": "0"}, '--patience cannot be "0": it must be a number above 0.'),
        ({"max_duration": "-1"}, '--max-duration cannot be "-1": it must be a number above 0.'),
        ({"no_speech_threshold": "nan"}, '--no-speech-threshold cannot be "nan": it must be a number from 0 to 1, or none.'),
        (
            {"task": "translate"},
            "The options do not fit together: task translate is beyond the turbo model; use large-v3 or medium "
            "(model: default; task: --task).",
        ),
    ],
)
def test_a_mistake_in_a_flag_is_told_in_its_spelling(configured: Load, flags: dict[str, str], says: str) -> None:
    """With hyphens, as it is typed."""
    assert refusal(configured, **flags) == says


def test_a_long_value_is_shortened(configured: Load) -> None:
    """The line stays a line."""
    assert len(refusal(configured, log_format="x" * 5000)) < 200


def test_a_file_that_is_named_and_not_there_is_an_error(configured: Load, tmp_path: Path) -> None:
    """Nothing is searched then."""
    missing = tmp_path / "no.toml"
    assert refusal(configured, config=missing) == f"There is no configuration file {missing}."
    assert refusal(configured, None, {"TRANSCRIBE_CONFIG": str(missing)}) == f"There is no configuration file {missing}."


def test_a_file_that_cannot_be_read_is_an_error(configured: Load, tmp_path: Path) -> None:
    """A folder of that name, a broken link, other bytes than text: never passed over."""
    file = tmp_path / "transcribe.toml"
    file.mkdir()
    assert refusal(configured) == f"Cannot read {file}: Is a directory."
    file.rmdir()
    file.symlink_to(tmp_path / "gone.toml")
    assert refusal(configured) == f"There is no configuration file {file}."
    file.unlink()
    file.write_bytes(b"model = '\xff'")
    assert refusal(configured) == f"{file} is not UTF-8 text (byte 9)."
    file.write_text("a = " + "[" * 100_000)
    assert refusal(configured).startswith(f"{file} is not TOML: ")


def test_an_unknown_profile_is_told_with_the_profiles_there_are(configured: Load, tmp_path: Path) -> None:
    """From tables and files; without a configuration file there are none."""
    assert refusal(configured, profile="night").startswith("There is no profile 'night', because no transcribe.toml was found")
    file = tmp_path / "transcribe.toml"
    assert refusal(configured, "", profile="night") == f"{file} has no profile 'night'. It has no profiles at all."
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/fast.toml").touch()
    says = refusal(configured, "[profiles.day]\n", profile="../night")
    assert says == f"{file} has no profile '../night'. There are: day, fast."


def test_a_profile_that_is_there_twice_is_not_guessed(configured: Load, tmp_path: Path) -> None:
    """A table and a file of one name."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/day.toml").touch()
    assert "is there twice" in refusal(configured, "[profiles.day]\n", profile="day")


def test_a_flag_that_is_no_field_is_a_mistake_of_ours(configured: Load) -> None:
    """Not the user's."""
    with pytest.raises(TypeError, match="batchsize"):
        configured(batchsize=3)
