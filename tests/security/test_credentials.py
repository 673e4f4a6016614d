"""Attacker: the author of a page, feed, list or manifest that the user names, or a server that it leads to.

They choose hosts, ports, schemes, redirects and the names of buckets and accounts. They want the credentials that the user has
configured for somebody else.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from tests.storage.places import Tree
from tests.storage.web import Web
from transcribe_cli.backends.openai.client import Client as OpenAIClient
from transcribe_cli.backends.openai.models import Server
from transcribe_cli.backends.runpod.client import Client as RunPodClient
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.costs.prices import load_prices
from transcribe_cli.costs.prices.catalogue import CatalogueUnavailable, with_todays_prices
from transcribe_cli.errors import TranscribeError, UsageError
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.storage import bind_to_sources, locate
from transcribe_cli.storage.origins import azure_options

SECRET = "geheim-7f3a"
# Each way to write credentials into [storage.http].
WAYS: dict[str, Mapping[str, Any]] = {
    "key": {"headers": {"X-Api-Key": SECRET}},
    "session key": {"client_kwargs": {"headers": {"X-Api-Key": SECRET}}},
    "bearer": {"headers": {"Authorization": f"Bearer {SECRET}"}},
    "cookie header": {"client_kwargs": {"headers": {"Cookie": f"session={SECRET}"}}},
    "cookies": {"client_kwargs": {"cookies": {"session": SECRET}}},
    "request cookies": {"cookies": {"session": SECRET}},
    "password": {"client_kwargs": {"auth": ["ana", SECRET]}},
    "query": {"params": {"token": SECRET}},
}


def saw_secret(web: Web) -> bool:
    """Whether credentials arrived at this server in any form."""
    return any(SECRET in text or "authorization" in text.lower() for text in (*map(json.dumps, web.headers), *web.queries))


def redirect_to(url: str, status: int = 302) -> Callable[[BaseHTTPRequestHandler], None]:
    """An answer that redirects."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", url)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def fetch_all(sources: list[str], options: Mapping[str, Any], folder: Path) -> list[bytes]:
    """Find and download the recordings of sources."""
    data = []
    for recording in find_recordings(sources, storage=options):
        if recording.problem is None:
            with Fetcher(folder=folder).fetch(recording) as (path, _):
                data.append(path.read_bytes())
    return data


@pytest.fixture
def victim(make_web: Callable[[], Web]) -> Web:
    """The server that the credentials are for."""
    return make_web()


@pytest.fixture
def thief(make_web: Callable[[], Web]) -> Web:
    """Another server, with a recording."""
    web = make_web()
    web.files["/x.mp3"] = b"sound"
    return web


@pytest.mark.parametrize("way", WAYS)
def test_links_do_not_take_credentials_to_other_origins(victim: Web, thief: Web, tmp_path: Path, way: str) -> None:
    """The named page and its own recordings get them: that is what they are for."""
    victim.files |= {
        "/feed": f'<rss><enclosure url="{thief.url}/x.mp3"/><enclosure url="/own.mp3"/></rss>'.encode(),
        "/own.mp3": b"own",
    }
    victim.types["/feed"] = "application/rss+xml"
    assert fetch_all([f"{victim.url}/feed"], {"http": WAYS[way]}, tmp_path) == [b"sound", b"own"]
    assert thief.asked
    assert not saw_secret(thief)
    assert all(
        SECRET in json.dumps(headers) + query or "Basic" in json.dumps(headers)
        for headers, query in zip(victim.headers, victim.queries, strict=True)
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("way", WAYS)
def test_redirects_do_not_take_credentials_to_other_origins(
    victim: Web, thief: Web, tmp_path: Path, way: str, status: int
) -> None:
    """Of a recording and of a page, there and back again."""
    victim.files["/back.mp3"] = b"back"
    thief.answers["/again.mp3"] = redirect_to(f"{victim.url}/back.mp3", status)
    victim.answers |= {
        "/x.mp3": redirect_to(f"{thief.url}/x.mp3", status),
        "/again.mp3": redirect_to(f"{thief.url}/again.mp3", status),
        "/user.mp3": redirect_to(f"{thief.url.replace('//', '//ana:x@')}/x.mp3", status),
    }
    sources = [f"{victim.url}/{name}.mp3" for name in ("x", "again", "user")]
    assert fetch_all(sources, {"http": WAYS[way]}, tmp_path) == [b"sound", b"back", b"sound"]
    assert thief.asked
    assert not saw_secret(thief)


def test_lists_and_manifests_do_not_take_credentials_to_the_hosts_that_they_name(victim: Web, thief: Web, tmp_path: Path) -> None:
    """Local, on a server, with an archive."""
    victim.files |= {"/list": f"{thief.url}/x.mp3\n".encode(), "/m.jsonl": json.dumps({"uri": f"{thief.url}/x.mp3?y"}).encode()}
    (tmp_path / "list").write_text(f"{thief.url}/x.mp3\n")
    for source in (f"@{tmp_path}/list", f"@{victim.url}/list", f"{victim.url}/m.jsonl"):
        assert fetch_all([source], {"http": WAYS["key"]}, tmp_path) == [b"sound"]
    assert not saw_secret(thief)
    assert saw_secret(victim)


def test_a_table_names_an_origin_that_only_a_link_leads_to(
    victim: Web, thief: Web, make_web: Callable[[], Web], tmp_path: Path
) -> None:
    """It gets those credentials and no others, also after a redirect."""
    host = make_web()
    host.files["/a.mp3"] = b"a"
    thief.answers["/to-host.mp3"] = redirect_to(f"{host.url}/a.mp3")
    victim.files["/p/"] = f'<a href="{host.url}/a.mp3">a</a><a href="{thief.url}/to-host.mp3?1">b</a>'.encode()
    victim.types["/p/"] = "text/html"
    options = {"http": {**WAYS["key"], f"{host.url}/": {"headers": {"X-Other": "for-host"}}}}
    assert fetch_all([f"{victim.url}/p/"], options, tmp_path) == [b"a", b"a"]
    assert all(headers.get("x-other") == "for-host" for headers in host.headers)
    assert not saw_secret(host)
    assert not saw_secret(thief)
    assert "for-host" not in json.dumps(thief.headers) + json.dumps(victim.headers)


def test_passwords_of_netrc_go_to_named_origins_only(
    victim: Web, thief: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It knows no ports, and may have a default for all hosts."""
    netrc = tmp_path / "netrc"
    netrc.write_text(f"default login ana password {SECRET}\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    victim.answers["/x.mp3"] = redirect_to(f"{thief.url}/x.mp3")
    assert fetch_all([f"{victim.url}/x.mp3"], {}, tmp_path) == [b"sound"]
    assert not saw_secret(thief)
    assert saw_secret(victim)


def test_cookies_that_a_server_sets_return_to_its_origin_only(victim: Web, thief: Web, tmp_path: Path) -> None:
    """A browser ignores the port of a cookie."""

    def login(request: BaseHTTPRequestHandler) -> None:
        request.send_response(302)
        request.send_header("Set-Cookie", f"session={SECRET}; Path=/")
        request.send_header("Location", "/next.mp3")
        request.send_header("Content-Length", "0")
        request.end_headers()

    victim.answers |= {"/x.mp3": login, "/next.mp3": redirect_to(f"{thief.url}/x.mp3")}
    assert fetch_all([f"{victim.url}/x.mp3"], {}, tmp_path) == [b"sound"]
    assert SECRET in victim.headers[1]["cookie"]
    assert not saw_secret(thief)


def test_credentials_for_https_do_not_go_to_http(make_web: Callable[[], Web], tmp_path: Path) -> None:
    """The same host, by a redirect and by a link."""
    secure, plain = make_web(), make_web()
    secure._server.socket = _tls(tmp_path).wrap_socket(secure._server.socket, server_side=True)
    url = f"https://127.0.0.1:{secure.port}"
    plain.files["/x.mp3"] = b"sound"
    secure.answers["/x.mp3"] = redirect_to(f"{plain.url}/x.mp3")
    secure.files["/p/"], secure.types["/p/"] = f'<a href="{plain.url}/x.mp3?1">x</a>'.encode(), "text/html"
    options = {"http": {**WAYS["key"], "ssl": False}}
    assert fetch_all([f"{url}/x.mp3", f"{url}/p/"], options, tmp_path) == [b"sound", b"sound"]
    assert saw_secret(secure)
    assert not saw_secret(plain)


def test_headers_that_say_nothing_about_the_user_go_everywhere(victim: Web, thief: Web, tmp_path: Path) -> None:
    """Some servers of podcasts require a name of the client."""
    victim.answers["/x.mp3"] = redirect_to(f"{thief.url}/x.mp3")
    fetch_all([f"{victim.url}/x.mp3"], {"http": {"headers": {"User-Agent": "aulas/1", "X-Api-Key": SECRET}}}, tmp_path)
    assert {headers["user-agent"] for headers in (*victim.headers, *thief.headers)} == {"aulas/1"}
    assert not saw_secret(thief)


def test_the_query_of_a_signed_url_stays_with_its_server(victim: Web, thief: Web, tmp_path: Path) -> None:
    """Neither a redirect, nor a link, nor a Referer repeats it."""
    victim.answers["/x.mp3"] = redirect_to(f"{thief.url}/x.mp3")
    victim.files["/p/"], victim.types["/p/"] = f'<a href="{thief.url}/x.mp3?1">x</a>'.encode(), "text/html"
    fetch_all([f"{victim.url}/x.mp3?X-Amz-Signature={SECRET}", f"{victim.url}/p/?sig={SECRET}"], {}, tmp_path)
    assert thief.asked
    assert not saw_secret(thief)
    assert "referer" not in {name for headers in thief.headers for name in headers}


@pytest.mark.parametrize(
    "url",
    ["http://ana:geheim@127.0.0.1/x.mp3", "http://127.0.0.1\\@{thief}/x.mp3", "http://[::1/x.mp3", "http://h:99999999/x.mp3"],
)
def test_a_link_that_cannot_be_used_is_that_recording(victim: Web, thief: Web, url: str) -> None:
    """User info, a host that two parsers read differently, an invalid host and port. The others are found."""
    url = url.replace("{thief}", thief.url.partition("//")[2])
    victim.files |= {"/feed": f'<rss><enclosure url="{url}"/><enclosure url="/own.mp3"/></rss>'.encode(), "/own.mp3": b"own"}
    victim.types["/feed"] = "application/rss+xml"
    bad, own = find_recordings([f"{victim.url}/feed"], storage={"http": WAYS["key"]})
    assert bad.problem is not None
    assert "geheim" not in str(bad.problem) + bad.uri
    assert (own.name, own.problem) == ("own.mp3", None)
    assert not saw_secret(thief)


def test_a_link_that_needs_credentials_is_that_recording(victim: Web, thief: Web) -> None:
    """The message says where they belong."""

    def refuse(request: BaseHTTPRequestHandler) -> None:
        request.send_response(401)
        request.send_header("Content-Length", "0")
        request.end_headers()

    thief.answers["/x.mp3"] = refuse
    victim.files |= {"/p/": f'<a href="{thief.url}/x.mp3">x</a><a href="/own.mp3">own</a>'.encode(), "/own.mp3": b"own"}
    victim.types["/p/"] = "text/html"
    refused, own = find_recordings([f"{victim.url}/p/"], storage={"http": WAYS["key"]})
    assert '[storage.http."https://HOST"]' in str(refused.problem)
    assert own.problem is None


def test_a_line_of_a_list_does_not_get_the_ssh_password(servers: Callable[[str], Tree], tmp_path: Path) -> None:
    """Its host may be one that the user knows, and does not trust with this password."""
    server = servers("sftp")
    (tmp_path / "list").write_text(f"{server.url}/x.mp3\n")
    (refused,) = find_recordings([f"@{tmp_path}/list"], storage=server.options)
    assert "no credentials" in str(refused.problem)
    own_table = {"sftp": {**server.options["sftp"], server.url: {"password": server.options["sftp"]["password"]}}}
    assert len(list(find_recordings([f"@{tmp_path}/list"], storage=own_table))) == 1


@pytest.mark.parametrize("host", ["other.dfs.core.windows.net", "2130706433#", "evil?", "acc:x", "ACC", "a/b"])
def test_a_url_does_not_choose_the_azure_account(host: str) -> None:
    """Azure's library would send it the token of the environment, or build the URL of another host from it."""
    table = {"account_name": "acc", "sas_token": SECRET}
    with pytest.raises(UsageError, match="not one that you named"):
        azure_options(f"abfs://c@{host}/", f"c@{host}", table)
    named = bind_to_sources({"azure": table}, ["abfs://c@mine.dfs.core.windows.net/x"])["azure"]
    assert azure_options("", "c@mine.dfs.core.windows.net", named)["account_name"] == "mine"
    assert azure_options("", "c@acc.dfs.core.windows.net", table) == table
    assert azure_options("", "c", table) == table


@pytest.mark.parametrize(
    "name", ["{thief}", "user@{thief}", "{thief}#", "arn:aws:s3:evil.example:123456789012:accesspoint/x", "..", "a%2f..%2f"]
)
def test_the_name_of_a_bucket_does_not_choose_the_server(bucket: Tree, thief: Web, name: str) -> None:
    """All requests go to the endpoint."""
    url = f"s3://{name.replace('{thief}', thief.url.partition('//')[2])}/x.mp3"
    with pytest.raises(TranscribeError):
        list(find_recordings([url], storage=bucket.options))
    assert thief.asked == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_an_s3_server_does_not_pass_the_keys_on(victim: Web, thief: Web, tmp_path: Path, status: int) -> None:
    """Neither by a redirect, nor by the name of a region."""

    def moved(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        request.send_header("Location", f"{thief.url}/b/x.mp3")
        request.send_header("x-amz-bucket-region", f"x@{thief.url.partition('//')[2]}/")
        request.send_header("Content-Length", "0")
        request.end_headers()

    victim.answers |= {"/b/x.mp3": moved, "/b": moved, "/b/": moved}
    options = {"s3": {"endpoint_url": victim.url, "key": "AKIA", "secret": SECRET, "token": SECRET}}
    with pytest.raises(TranscribeError):
        list(find_recordings(["s3://b/x.mp3"], storage=options))
    assert victim.asked
    assert thief.asked == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_takes_the_key_of_a_backend(victim: Web, thief: Web, status: int) -> None:
    """OpenAI's API, RunPod's queue and API, the catalogue of prices."""
    moved = redirect_to(f"{thief.url}/x.mp3", status)
    victim.answers |= {
        f"/{path}": moved for path in ("models", "audio/transcriptions", "e/run", "e/status/j", "e/cancel/j", "e/health")
    }
    victim.answers |= {"/serverless/e": moved, "/catalog/gpus": moved}
    server = OpenAIClient(Server(victim.url), SECRET, StopFlag())
    queue = RunPodClient("e", SECRET, victim.url, victim.url, lambda seconds: None)
    with closing(server), closing(queue):
        assert server.models() is None
        for call in (
            server.check_address,
            lambda: server.transcribe([], ("a.wav", b"x", "audio/wav"), seconds=1, translate=False),
            lambda: queue.submit({}),
            lambda: queue.status("j"),
        ):
            with pytest.raises(TranscribeError):
                call()
        assert (queue.cancel("j"), dict(queue.worker_counts()), dict(queue.endpoint_config())) == (False, {}, {})
    with pytest.raises(CatalogueUnavailable):
        with_todays_prices(load_prices(), victim.url, SECRET)
    assert len(victim.asked) == 9
    assert thief.asked == []


def test_unbound_options_give_no_credentials(victim: Web) -> None:
    """Code that forgets to say what the user named gets none."""
    victim.files["/x.mp3"] = b"sound"
    location = locate(f"{victim.url}/x.mp3", {"http": WAYS["bearer"]})
    assert location.store.read(location) == b"sound"
    assert not saw_secret(victim)


def _tls(folder: Path) -> ssl.SSLContext:
    """A TLS server's context with a new certificate."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "tls.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
