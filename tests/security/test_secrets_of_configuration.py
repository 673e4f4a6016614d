"""The attacker has an account on the user's machine, or reads over their shoulder: logs of CI, issues, screenshots of `config show`.

They can read files that are readable by all, and everything that the program prints. The user has keys in configuration files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran
from transcribe_cli.config import TrustRecords, load_config
from transcribe_cli.errors import ConfigError

Transcribe = Callable[..., Ran]
SECRET = "PLANTED0123456789"
SECRETS = [
    f'hf_token = "{SECRET}"',
    f'runpod_api_key = "{SECRET}"',
    f'openai_api_key = "{SECRET}"',
    f'groq_api_key = "{SECRET}"',
    f'api-key = "{SECRET}"',
    f'ledger_url = "postgresql+psycopg://ana:{SECRET}@db.example.org/team"',
    f'ledger_url = "postgresql://db/team?password={SECRET}"',
    f'ledger_url = "postgresql://db/team?sslmode=require&sslpassword={SECRET}"',
    f'staging = "s3://AKIA:{SECRET}@bucket/x"',
    f'staging = "https://account.blob.core.windows.net/x?sig={SECRET}"',
    f'output_dir = "https://{SECRET}@dav.example.org/out"',
    f'staging = "AKIA:{SECRET}@bucket/x"',
    f'output_dir = "zip://::https://ana:{SECRET}@h/x.zip"',
    f'prices = "https://ana:{SECRET}@h/prices.toml"',
    f'staging = "https://h/x;key={SECRET}/y"',
    f'staging = "HTTPS://ANA:{SECRET}@H/x"',
    f'staging = "https:/ana:{SECRET}@h/x"',
    f'staging = "ftp//ana:{SECRET}@h/x"',
    f'staging = "ana:{SECRET}@h/x"',
    f'staging = "https://ana%3A{SECRET}%40h/x"',
    f'[storage.s3]\nendpoint_url = "ftp//ana:{SECRET}@h"',
    f'[storage.s3]\nendpoint_url = "https://h/x;token={SECRET}"',
    f'[storage.http]\nclient_kwargs = {{ trust_env = "ana%3a{SECRET}%40h" }}',
    f'[storage.http.client_kwargs]\ncookies = {{ session = "{SECRET}" }}',
    f'[storage.http.client_kwargs]\nheaders = {{ X-Api-Key = "{SECRET}" }}',
    f'[storage.http.client_kwargs.headers]\nAuthorization = "Bearer {SECRET}"',
    f'[storage.http.client_kwargs]\nproxy = "http://ana:{SECRET}@proxy"',
    f'[storage.http]\nsome_new_option = "{SECRET}"',
    f'[storage.sftp]\npkey = "{SECRET}"',
    f'[storage.sftp]\npassword = "{SECRET}"',
    f'[storage.sftp]\npassphrase = "{SECRET}"',
    f'[storage.s3]\nkey = "{SECRET}"',
    f'[storage.s3]\nendpoint_url = "https://ana:{SECRET}@minio.example.org/"',
    f'[storage.s3]\nendpoint_url = "https://minio.example.org/?token={SECRET}"',
    f'[storage.s3.client_kwargs]\naws_secret_access_key = "{SECRET}"',
    f'[storage.s3.config_kwargs.proxies]\nhttps = "http://ana:{SECRET}@proxy"',
    f'[storage.s3]\ntimeout = [{{ deep = ["{SECRET}"] }}]',
    f'[storage.azure]\nconnection_string = "AccountKey={SECRET}"',
    f'[storage.azure]\nsas_token = "{SECRET}"',
    f'[storage.gcs]\ntoken = {{ private_key = "{SECRET}" }}',
    f'[storage.gcs]\ntoken = "{SECRET}"',
]
HARMLESS = [
    'hf_token = "none"',
    'ledger_url = "sqlite:////var/ledger.db?timeout=5"',
    'ledger_url = "postgresql://db.example.org/team?sslmode=require"',
    'staging = "s3://bucket/a@b"',
    'base_url = "http://127.0.0.1:8000/v1"',
    'initial_prompt = "Write to ana:x@example.org or https://example.org/?a=b"',
    '[storage.s3]\nanon = true\nendpoint_url = "https://minio.example.org"\nclient_kwargs = { region_name = "EU-RO-1" }',
    '[storage.s3.config_kwargs]\nread_timeout = 2\nretries = { max_attempts = 3 }\ns3 = { addressing_style = "path" }',
    '[storage.sftp]\nusername = "ana"\nkey_filename = "/home/ana/.ssh/id"\nallow_agent = false',
    '[storage.s3]\nkey = ""\nnew_switch = true',
]


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    """A configuration file with this mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("secret", SECRETS)
def test_config_show_prints_no_secret(tmp_path: Path, transcribe: Transcribe, secret: str) -> None:
    """As text and as JSON; from a file given or found; and no error prints it."""
    file = written(tmp_path / "transcribe.toml", secret)
    for options in (["--config", file], ["--config", file, "--json"], [], ["--json"]):
        ran = transcribe("config", "show", *options)
        assert ran.code == 0, ran.err
        assert SECRET not in ran.out + ran.err
    for line in ("beam_size = 0\n", 'until = "x"\n', "nonsense = 1\n"):
        ran = transcribe("config", "show", "--config", written(file, line + secret))
        assert ran.code == 2
        assert SECRET not in ran.out + ran.err


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
@pytest.mark.parametrize("secret", SECRETS)
def test_a_file_with_a_secret_that_others_can_read_is_refused(tmp_path: Path, secret: str, mode: int) -> None:
    """At the top and in profiles that are not used; given, the user's own, and as a profile."""
    (tmp_path / "empty").mkdir()
    file = written(tmp_path / "tree/transcribe.toml", secret, mode)
    places: list[dict[str, Any]] = [
        {"start": tmp_path / "empty", "config": file},
        {"start": tmp_path / "empty", "own": file},
    ]
    check_refused(file, places)
    head, table, rest = secret.partition("[storage")
    written(file, f"[profiles.p{rest and '.storage'}{rest}" if table else f"[profiles.p]\n{head}", mode)
    check_refused(file, places)
    written(file, "", mode)
    profile = written(file.parent / "profiles/p.toml", secret, mode)
    check_refused(profile, [{**place, "profile": "p"} for place in places])
    profile.chmod(0o600)
    for place in places:
        assert load_config({}, environ={}, profile="p", **place)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_that_is_ignored_does_not_end_the_command(tmp_path: Path, secret: str) -> None:
    """In a file that was only found; one line says what is ignored, and that others can read it. In profiles, too."""
    file = written(tmp_path / "transcribe.toml", f'beam_size = 3\nlanguage = "es"\n{secret}', 0o644)
    config = load_config({}, environ={}, start=tmp_path)
    (ignored,) = config.ignored
    assert (config.spec.language, config.spec.beam_size) == ("es", 3)
    assert (len(ignored.exposed), ignored.names) == (1, ignored.exposed)
    assert f"{ignored.names[0]} (other users can read it)" in ignored.message
    assert f"chmod 600 {file} && transcribe config trust {file}" in ignored.message
    assert SECRET not in ignored.message
    head, table, rest = secret.partition("[storage")
    written(file, f"[profiles.p{rest and '.storage'}{rest}" if table else f"[profiles.p]\n{head}", 0o644)
    assert load_config({}, environ={}, start=tmp_path).ignored == ()
    assert load_config({}, environ={}, start=tmp_path, profile="p").ignored[0].exposed == ignored.exposed
    written(file, "", 0o644)
    profile = written(tmp_path / "profiles/p.toml", secret, 0o644)
    (ignored,) = load_config({}, environ={}, start=tmp_path, profile="p").ignored
    assert (ignored.file, len(ignored.exposed)) == (profile, 1)
    profile.chmod(0o600)
    assert load_config({}, environ={}, start=tmp_path, profile="p").ignored[0].exposed == ()


def test_a_trusted_file_with_a_key_is_refused_once_others_can_read_it(tmp_path: Path) -> None:
    """Its keys count, so they matter."""
    file = written(tmp_path / "transcribe.toml", f'hf_token = "{SECRET}"')
    records = TrustRecords(tmp_path / "trusted")
    records.path(file).parent.mkdir()
    records.path(file).write_bytes(records.record(file, file.read_bytes()))
    assert load_config({}, environ={}, start=tmp_path, records=records).settings.hf_token is not None
    file.chmod(0o644)
    check_refused(file, [{"start": tmp_path, "records": records}])


@pytest.mark.parametrize(
    "command", [["run", "."], ["plan", "."], ["status"], ["report"], ["lint", "."], ["render", "."], ["doctor"]]
)
def test_every_command_that_reads_a_found_file_says_what_is_ignored(
    tmp_path: Path, transcribe: Transcribe, command: list[str]
) -> None:
    """Once, in one line; and does its work."""
    file = written(tmp_path / "transcribe.toml", f'hf_token = "{SECRET}"', 0o644)
    ran = transcribe(*command)
    (line,) = [line for line in ran.err.splitlines() if "ignored in it" in line]
    assert "hf_token (other users can read it)" in line
    assert f"chmod 600 {file}" in line
    assert "contains keys" not in ran.err
    assert SECRET not in ran.out + ran.err


def check_refused(file: Path, places: list[dict[str, Any]]) -> None:
    """In one line that names the file and the cure, without the secret."""
    for place in places:
        with pytest.raises(ConfigError) as caught:
            load_config({}, environ={}, **place)
        assert f"{file} contains keys" in str(caught.value)
        assert f"chmod 600 {file}" in str(caught.value)
        assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", HARMLESS)
def test_a_file_without_secrets_may_be_readable_by_others(tmp_path: Path, text: str) -> None:
    """Otherwise people would be taught to chmod every file."""
    file = written(tmp_path / "mine.toml", text, 0o644)
    (tmp_path / "empty").mkdir()
    assert load_config({}, environ={}, start=tmp_path / "empty", config=file).file == file


def test_harmless_values_are_shown(tmp_path: Path, transcribe: Transcribe) -> None:
    """Masking everything would make the command useless."""
    file = written(
        tmp_path / "mine.toml",
        'output_dir = "/data/a@b"\nstaging = "s3://bucket/x"\n[storage.s3]\nendpoint_url = "https://minio.example.org"\nanon = true\n',
    )
    values = json.loads(transcribe("config", "show", "--config", file, "--json").out)
    assert values["output_dir"]["value"] == "/data/a@b"
    assert values["staging"]["value"] == "s3://bucket/x"
    assert values["storage"]["value"] == {"s3": {"endpoint_url": "https://minio.example.org", "anon": True}}
    assert values["base_url"]["value"] == "https://api.openai.com/v1"


@pytest.mark.parametrize(
    "text",
    [
        f'base_url = "https://ana:{SECRET}@h/v1"',
        f'runpod_url = "https://ana:{SECRET}@h/v1"',
        f'runpod_api_url = "https://h/v1?key={SECRET}"',
        f'runpod_api_url = "{SECRET}@h/v1"',
        f'max_cost = "https://ana:{SECRET}@h/v1"',
        f'hf_token = ["{SECRET}"]',
        f'fallback = ["runpod", "ftp//ana:{SECRET}@h"]',
        f'fallback = "ana%3A{SECRET}%40h"',
        f'backend = "https://h/x;key={SECRET}"',
        f'hf_token = {{ x = "{SECRET}" }}',
        "api_key = 123456789012345",
        f'ledger_url = ["postgresql://ana:{SECRET}@h/x"]',
    ],
)
def test_an_error_message_does_not_print_the_secret(tmp_path: Path, transcribe: Transcribe, text: str) -> None:
    """A wrong value may be a key."""
    ran = transcribe("config", "show", "--config", written(tmp_path / "mine.toml", text))
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert SECRET not in ran.err
    assert "123456789012345" not in ran.err


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("TRANSCRIBE_STAGING", f"s3://a:{SECRET}@bucket/x"),
        ("TRANSCRIBE_OUTPUT_DIR", f"https://h/x?sig={SECRET}"),
        ("TRANSCRIBE_LEDGER_URL", f"postgresql://a:{SECRET}@h/x"),
        ("TRANSCRIBE_MODEL", f"https://a:{SECRET}::x y@h/x"),
        ("RUNPOD_API_KEY", SECRET),
        ("TRANSCRIBE_PRICES", f"https://a:{SECRET}@h/x"),
        ("TRANSCRIBE_BASE_URL", f"https://a:{SECRET}@h/x"),
        ("TRANSCRIBE_MAX_COST", f"https://a:{SECRET}@h/x"),
    ],
)
def test_secrets_in_variables_are_not_shown(transcribe: Transcribe, variable: str, value: str) -> None:
    """By the same rule."""
    ran = transcribe("config", "show", env={variable: value})
    assert ran.out or ran.code == 2
    assert SECRET not in ran.out + ran.err
