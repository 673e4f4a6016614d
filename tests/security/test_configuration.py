"""The attacker fills the folders that the user transcribes, and can write above them, as in /tmp or a shared mount.

They can put any file, link, pipe or device there under any name: transcribe.toml, profiles/NAME.toml. They know the names of the user's
files and projects. They cannot write into the user's own folders, cannot change the command line or the environment, and are not root.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.config.test_every_option import EXAMPLES, NEEDS
from tests.conftest import Ran
from transcribe_cli.config import Config, TrustRecords, load_config
from transcribe_cli.config.fields import FIELDS, TABLES, weight_of
from transcribe_cli.errors import ConfigError
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec, Weight

Transcribe = Callable[..., Ran]
AUTHORITY = sorted(name for name in FIELDS if weight_of(name) is Weight.AUTHORITY)
STRANGER = 12345
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder that somebody else filled."""
    folder = tmp_path / "tree"
    folder.mkdir()
    (folder / "a.wav").touch()
    return folder


def write(path: Path, text: str | bytes) -> Path:
    """A file that only its owner can read, so that keys in it are no error."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return path


def load(start: Path, **options: Any) -> Config:
    """The configuration for this folder, without environment."""
    flags = options.pop("flags", {})
    return load_config(flags, environ=options.pop("environ", {}), start=start, **options)


def refusal(start: Path, **options: Any) -> str:
    """The one line that refuses it."""
    with pytest.raises(ConfigError) as caught:
        load(start, **options)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600
    return str(caught.value)


# What carries authority.


def test_every_option_says_what_it_decides() -> None:
    """A new field must be annotated with Preference, Limit or Authority of spec.py."""
    fields = {**JobSpec.model_fields, **Settings.model_fields}
    assert [name for name, field in fields.items() if sum(isinstance(item, Weight) for item in field.metadata) != 1] == []


def test_the_options_with_authority_are_these() -> None:
    """Places, models, keys, backends, overwriting, and what lifts a protection. A change here is a decision about security."""
    assert {*AUTHORITY, *TABLES} >= {
        *("model", "diarize_model", "model_dir", "offline"),
        *("output_dir", "overwrite", "follow_links", "state_dir", "ledger_url", "prices", "price_per_hour", "staging", "storage"),
        *("backend", "fallback", "base_url", "runpod_url", "runpod_api_url", "runpod_endpoint"),
        *("hf_token", "api_key", "openai_api_key", "groq_api_key", "runpod_api_key"),
    }
    secret = [name for name in FIELDS if "SecretStr" in str(FIELDS[name].annotation) or "Path" in str(FIELDS[name].annotation)]
    assert [name for name in secret if name not in AUTHORITY] == []


@pytest.mark.parametrize("name", AUTHORITY)
@pytest.mark.parametrize("where", ["top", "hyphens", "above", "profile table", "profile file"])
def test_authority_is_ignored_in_a_found_file(tree: Path, where: str, name: str) -> None:
    """Wherever it is in it, and said with the file, the option and the command."""
    value = json.dumps(EXAMPLES[name][0])
    key = name.replace("_", "-") if where == "hyphens" else name
    file = tree.parent / "transcribe.toml" if where == "above" else tree / "transcribe.toml"
    write(file, f"[profiles.p]\n{key} = {value}\n" if where == "profile table" else f"{key} = {value}\n")
    profile = None
    if where.startswith("profile"):
        profile = "p"
    if where == "profile file":
        write(file, "")
        file = write(tree / "profiles/p.toml", f"{key} = {value}\n")
    config = load(tree, profile=profile)
    assert config.values[name].origin == "default"
    (ignored,) = config.ignored
    assert (ignored.file, ignored.names) == (file, (name,))
    assert ignored.message.count("\n") == 0
    assert all(word in ignored.message for word in (str(file), name, "transcribe config trust"))


def test_storage_is_ignored_in_a_found_file(tree: Path) -> None:
    """Also in a profile; and a table that is no table is not looked at."""
    write(tree / "transcribe.toml", '[storage.s3]\nendpoint_url = "http://evil/"\n[profiles.p.storage.http]\ntrust_env = false\n')
    assert load(tree, profile="p").settings.storage == {}
    write(tree / "transcribe.toml", "storage = 3\n")
    assert load(tree).settings.storage == {}


@pytest.mark.parametrize(
    ("name", "higher", "lower"),
    [
        ("max_cost", "1e9", "4"),
        ("max_cost", '"none"', "4"),
        ("max_cost", '"9999"', '"4"'),
        ("max_hours", "1e9", "1"),
        ("max_duration", "1e9", "1"),
        ("scratch_limit", "1e9", "1"),
        ("attempts", "10", "1"),
        ("in_flight", "256", "1"),
    ],
)
def test_a_found_file_can_lower_limits_not_raise_them(tree: Path, tmp_path: Path, name: str, higher: str, lower: str) -> None:
    """Also in a profile of it."""
    own = write(tmp_path / "own/transcribe.toml", "max_cost = 5\nmax_hours = 8\n")
    usual = load(tree, own=own).values[name].value
    for head in ("", "[profiles.p]\n"):
        profile = "p" if head else None
        write(tree / "transcribe.toml", f"{head}{name} = {higher}\n")
        config = load(tree, own=own, profile=profile)
        assert (config.values[name].value, config.ignored[0].names) == (usual, (name,))
        write(tree / "transcribe.toml", f"{head}{name} = {lower}\n")
        config = load(tree, own=own, profile=profile)
        assert (config.values[name].value, config.ignored) == (float(lower.strip('"')), ())


@pytest.mark.parametrize("name", sorted(FIELDS))
def test_authority_counts_where_the_user_gives_it(tree: Path, tmp_path: Path, name: str) -> None:
    """In a file given by hand, by a variable or as a profile of it, and in the user's own file."""
    value, expected = EXAMPLES[name]
    flags, text = NEEDS.get(name, {}), f"{name} = {json.dumps(value)}\n"
    given_file = write(tmp_path / "mine.toml", text)
    write(tree / "transcribe.toml", "")
    nothing = write(tmp_path / "other.toml", "")
    write(tmp_path / "profiles/p.toml", text)
    for options in (
        {"config": given_file},
        {"environ": {"TRANSCRIBE_CONFIG": str(given_file)}},
        {"own": given_file},
        {"config": nothing, "profile": "p"},
        {"own": nothing, "profile": "p"},
    ):
        config = load(tree, flags=flags, **options)
        assert (config.values[name].value, config.ignored) == (expected, ())


def test_the_users_own_file_comes_before_the_found_one(tree: Path, tmp_path: Path) -> None:
    """Preferences of the folder win, authority stays; --config wins over both, and profiles of the same name are merged."""
    own = write(
        tmp_path / "own/transcribe.toml", 'beam_size = 2\nmodel = "small"\n[profiles.p]\noutput_dir = "/mine"\nbest_of = 2\n'
    )
    write(tree / "transcribe.toml", 'beam_size = 3\nmodel = "evil"\n[profiles.p]\noutput_dir = "/evil"\nbest_of = 3\n')
    config = load(tree, own=own, profile="p")
    assert (config.spec.beam_size, config.spec.best_of, config.spec.model) == (3, 3, "small")
    assert config.settings.output_dir == Path("/mine")
    mine = write(tmp_path / "mine.toml", 'model = "medium"\n')
    assert load(tree, own=own, config=mine).spec.model == "medium"
    assert load(tree, own=own, config=mine).spec.beam_size == 2
    assert load(own.parent, own=own).spec.model == "small"
    assert load(tree, own=tmp_path / "none.toml").spec.beam_size == 3


# Trust.


@pytest.fixture
def records(tmp_path: Path) -> TrustRecords:
    """The user's records."""
    (tmp_path / "trusted").mkdir()
    return TrustRecords(tmp_path / "trusted")


def trust(records: TrustRecords, file: Path) -> None:
    """As `transcribe config trust`."""
    write(records.path(file), records.record(file, file.read_bytes()))


def test_trust_ends_with_any_change_of_the_file(tree: Path, records: TrustRecords) -> None:
    """A byte is enough. The message says that it changed."""
    file = write(tree / "transcribe.toml", 'model = "small"\n')
    trust(records, file)
    assert load(tree, records=records).spec.model == "small"
    write(file, 'model = "small" \n')
    config = load(tree, records=records)
    assert (config.spec.model, config.ignored[0].trust) == (JobSpec().model, "changed")
    assert "changed after it was trusted" in config.ignored[0].message


def test_a_copy_a_link_and_a_profile_are_not_trusted(tree: Path, records: TrustRecords) -> None:
    """Trust is in one path: relative paths mean something else in other folders."""
    file = write(tree / "good/transcribe.toml", 'output_dir = "out"\n')
    trust(records, file)
    write(tree / "copy/transcribe.toml", file.read_bytes())
    (tree / "link").mkdir()
    (tree / "link/transcribe.toml").symlink_to(file)
    write(file.parent / "profiles/p.toml", 'model = "evil"\n')
    assert load(file.parent, records=records).settings.output_dir == file.parent / "out"
    assert [load(tree / name, records=records).settings.output_dir for name in ("copy", "link")] == [None, None]
    assert load(file.parent, records=records, profile="p").spec.model == JobSpec().model
    (tree / "same").symlink_to(file.parent)
    assert load(tree / "same", records=records).settings.output_dir == tree / "same/out"


def test_a_record_that_others_can_write_is_refused(tree: Path, records: TrustRecords) -> None:
    """So are a folder and a pipe; a damaged record trusts nothing."""
    file = write(tree / "transcribe.toml", 'model = "small"\n')
    trust(records, file)
    records.path(file).chmod(0o620)
    assert "can be changed by other users" in refusal(tree, records=records)
    write(records.path(file), "{}")
    assert load(tree, records=records).ignored[0].names == ("model",)
    records.path(file).unlink()
    os.mkfifo(records.path(file))
    assert "not a regular file" in refusal(tree, records=records)


def test_the_commands_trust_untrust_and_show(tree: Path, transcribe: Transcribe, tmp_path: Path) -> None:
    """From the first line to the last; the record is private."""
    file = write(
        tree / "transcribe.toml", 'model = "small"\nbeam_size = 2\n[profiles.p]\noutput_dir = "/x"\n[storage.s3]\nanon = true\n'
    )
    env = {"XDG_STATE_HOME": str(tmp_path / "state"), "XDG_CONFIG_HOME": str(tmp_path / "config")}

    def shown() -> dict[str, Any]:
        return dict(json.loads(transcribe("config", "show", tree, "--json", env=env).out))

    assert shown()["model"]["ignored"] == f"{file} was only found, not trusted"
    assert "storage" in shown()
    assert shown()["beam_size"] == {"value": 2, "origin": str(file)}
    ran = transcribe("config", "show", tree, env=env)
    assert ran.err.count("\n") == 1
    assert f"transcribe config trust {file}" in ran.err
    assert f"default (ignored: {file} was only found, not trusted)" in ran.out
    ran = transcribe("config", "trust", file, env=env)
    assert (ran.code, ran.out) == (0, f"Trusted until it changes: {file} (model, output_dir, storage).\n")
    assert shown()["model"] == {"value": "small", "origin": str(file)}
    folder = tmp_path / "state/transcribe-cli/trusted"
    (record,) = folder.iterdir()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, record)] == [0o700, 0o600]
    file.write_text(file.read_text() + "#\n")
    assert shown()["model"]["ignored"] == f"{file} changed after it was trusted"
    assert transcribe("config", "trust", tree / "transcribe.toml", env=env).code == 0
    assert transcribe("config", "untrust", file, env=env).out == f"{file} is no longer trusted.\n"
    assert "ignored" in shown()["model"]
    assert transcribe("config", "untrust", file, env=env).out == f"{file} was not trusted.\n"
    missing = transcribe("config", "trust", tree / "none.toml", env=env)
    assert (missing.code, missing.err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "--quiet"], ["run", "--dry-run"], ["plan"], ["status"], ["remote"], ["doctor"], ["render"], ["lint"]],
    ids=" ".join,
)
def test_what_is_ignored_is_said_in_one_line(tree: Path, transcribe: Transcribe, arguments: list[str]) -> None:
    """By every command that loads a configuration, also when it stops before any work; not hidden by `quiet` in the file."""
    file = write(tree / "transcribe.toml", 'quiet = true\ndiarize_model = ".d"\nbase_url = "http://127.0.0.1:9/v1"\n')
    ran = transcribe(*arguments, tree, *(["--model", "demo"] if arguments[0] in ("run", "plan", "status", "doctor") else []))
    (line,) = [line for line in ran.err.splitlines() if "ignored" in line]
    assert all(word in line for word in (str(file), "base_url, diarize_model", f"transcribe config trust {file}"))


def test_the_line_is_an_event_for_programs(tree: Path, transcribe: Transcribe) -> None:
    """With `--log-format json`. Names of files are escaped."""
    folder = tree / "a b\x1b[31m\n"
    write(folder / "transcribe.toml", 'model = "x"\n')
    ran = transcribe("run", folder, "--model", "demo", "--log-format", "json")
    assert json.loads(ran.err.splitlines()[0])["event"] == "notice"
    ran = transcribe("run", folder, "--model", "demo")
    assert "\x1b" not in ran.err
    assert sum("config trust" in line for line in ran.err.splitlines()) == 1


def test_a_conflict_with_what_is_ignored_says_so(tree: Path) -> None:
    """The default model cannot translate; the file has another model."""
    write(tree / "transcribe.toml", 'model = "medium"\ntask = "translate"\n')
    assert "transcribe config trust" in refusal(tree)


# What is read at all.


def test_a_pipe_a_socket_a_device_and_a_folder_are_refused(tree: Path) -> None:
    """Without waiting, found or given, and as a profile. /dev/null is an empty file."""
    file, profile = tree / "transcribe.toml", tree / "profiles/p.toml"
    (tree / "profiles").mkdir()
    os.mkfifo(tree / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tree / "socket"))
        for target in (
            tree / "pipe",
            Path("/dev/zero"),
            Path("/dev/urandom"),
            Path("/dev/tty"),
            Path("/dev/full"),
            tree / "socket",
        ):
            file.symlink_to(target)
            assert "not a regular file" in refusal(tree) or "Cannot read" in refusal(tree)
            assert refusal(tree, config=target) == refusal(tree).replace(str(file), str(target))
            file.unlink()
            file.touch()
            profile.symlink_to(target)
            assert str(profile) in refusal(tree, profile="p")
            profile.unlink()
            file.unlink()
    file.mkdir()
    assert refusal(tree) == f"Cannot read {file}: Is a directory."
    file.rmdir()
    file.symlink_to(file)
    assert "Cannot read" in refusal(tree)
    file.unlink()
    file.symlink_to("/dev/null")
    assert load(tree).spec == load(tree, config=Path("/dev/null")).spec == JobSpec()


def test_a_large_file_is_refused(tree: Path) -> None:
    """More than 1 MiB, also sparse; exactly 1 MiB is read."""
    file = write(tree / "transcribe.toml", b"#" * (1 << 20))
    assert load(tree).file == file
    for size in ((1 << 20) + 1, 1 << 40):
        os.truncate(file, size)
        assert refusal(tree).startswith(f"{file} is not a configuration file: it is larger than 1 MiB.")


@needs_root
@pytest.mark.parametrize("place", ["file", "link", "target", "profile"])
def test_a_file_of_another_user_is_refused(tree: Path, records: TrustRecords, place: str) -> None:
    """Also a link of theirs to a file of the user, and when it is trusted; not when the user names it."""
    file = write(tree / "transcribe.toml", "beam_size = 2\n")
    stranger = file
    if place in ("link", "target"):
        file.rename(tree / "real.toml")
        file.symlink_to(tree / "real.toml")
        stranger = file if place == "link" else tree / "real.toml"
    if place == "profile":
        stranger = write(tree / "profiles/p.toml", "beam_size = 2\n")
    os.chown(stranger, STRANGER, STRANGER, follow_symlinks=False)
    trust(records, file)
    profile = "p" if place == "profile" else None
    line = refusal(tree, records=records, profile=profile)
    assert "belongs to another user (id 12345)" in line
    assert "--config /dev/null" in line
    assert load(tree, config=file, profile=profile).spec.beam_size == 2
    assert "another user" in refusal(tree.parent, own=stranger)


def test_the_users_own_file_must_be_theirs_alone_to_change(tree: Path, tmp_path: Path) -> None:
    """Anybody could give orders otherwise."""
    own = write(tmp_path / "own.toml", "beam_size = 2\n")
    own.chmod(0o602)
    assert "can be changed by other users" in refusal(tree, own=own)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("beam_size = " + "9" * 5000, "is not TOML"),
        ("beam_size = 0x" + "f" * 5000, "64 bits"),
        ("beam_size = 9223372036854775808", "64 bits"),
        ("storage.s3.x = 99999999999999999999", "64 bits"),
        ("initial_prompt = 'a\0b'", "is not TOML"),
        ('initial_prompt = "a\\u0000b"', "NUL"),
        ('include = ["\\u0000"]', "NUL"),
        ('speaker_names = ["\\u0000=x"]', "NUL"),
        ('"\\u0000" = 1', "NUL"),
        ("[storage.s3]\nx = [{y = '''\\0'''}, \"\\U00000000\"]", "NUL"),
        ("a = " + "[" * 100_000, "is not TOML"),
        ("a = " + "{a=" * 100_000, "is not TOML"),
        ("a" + ".a" * 100_000 + " = 1", "parts"),
        ("[" + "a." * 100_000 + "a]", "parts"),
        ("\n".join(f"[[{'.'.join(['a'] * depth)}]]" for depth in range(1, 30)) + "\nb.c.d.e.f = 1", "nested"),
        ("include = " + "[" * 50 + "]" * 50, "nested"),
        ("x" * 500_000 + " = 1", "unknown option"),
        (f"[{'x' * 500_000}]\nmodel = 1", "unknown table"),
        (f"log_format = '{'x' * 500_000}'", "cannot be"),
        ("until = 1979-05-27T07:32:00Z", "cannot be"),
        ("threads = 1000000", "cannot be"),
        ("temperature = " + str([0.5] * 10_000 + [7]), "cannot be"),
    ],
    ids=str,
)  # fmt: skip
def test_the_worst_toml_is_one_line(tree: Path, text: str, says: str) -> None:
    """In a found file, a given one and a profile."""
    file = write(tree / "transcribe.toml", text)
    assert says in refusal(tree)
    assert says in refusal(tree, config=file)
    write(tree / "transcribe.toml", "")
    write(tree / "profiles/p.toml", text)
    assert says in refusal(tree, profile="p")


_LEAVES = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(max_size=20), st.sampled_from([2**63, -(2**70), 1e308, "\0", "none"])
)
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def toml(value: Any) -> str:
    """The value as inline TOML; JSON's strings are TOML's, except DEL and lone surrogates."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml(str(key))} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from([*FIELDS, *TABLES, "profiles", "other"]), value=_VALUES, found=st.booleans())
def test_any_value_of_any_option_is_accepted_or_refused(tree: Path, name: str, value: Any, found: bool) -> None:
    """With our own error."""
    file = write(tree / "transcribe.toml", f"{name} = {toml(value)}\n")
    with contextlib.suppress(ConfigError):
        load(tree, config=None if found else file)


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200) | st.text(alphabet="abc_=\"'[]{}.,\n\\#0129eE+-xu: \t\r\x00é", max_size=200).map(str.encode))
def test_any_bytes_are_accepted_or_refused(tree: Path, data: bytes) -> None:
    """With our own error."""
    write(tree / "transcribe.toml", data)
    with contextlib.suppress(ConfigError):
        load(tree)
