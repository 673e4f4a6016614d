"""No file can make the decoder open another file, fetch a URL or listen on a port."""

from __future__ import annotations

import http.server
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audio.media import Track, crafted, encode
from transcribe_cli.audio import Decoder
from transcribe_cli.errors import NotAudio

NAMES = sorted(crafted(Path(), Path("/x/secret"), 1))


class Canary(http.server.ThreadingHTTPServer):
    """A web server that must never receive a request."""

    def __init__(self) -> None:
        self.requests: list[str] = []
        canary = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                canary.requests.append(self.path)
                self.send_error(404)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    """The server, running."""
    with Canary() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings in another folder, in each format that a crafted file asks for."""
    folder = tmp_path_factory.mktemp("secret")
    encode(folder / "s.ts", Track())
    encode(folder / "s.mp3", Track("libmp3lame"))
    encode(folder / "s.m4a", Track())
    encode(folder / "s.wav", Track("pcm_s16le", 16_000))
    (folder / "s.m3u8").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1.0,\nfile://{folder}/s.ts\n#EXT-X-ENDLIST\n")
    return folder / "s"


@pytest.mark.parametrize("fallback", [False, True], ids=["pyav", "with ffmpeg"])
@pytest.mark.parametrize("ending", ["mp3", "m3u8", "mov"])
@pytest.mark.parametrize("name", NAMES)
def test_a_crafted_file_is_refused_without_a_request(
    name: str,
    ending: str,
    fallback: bool,
    canary: Canary,
    secret: Path,
    tmp_path: Path,
    shared: dict[bool, Decoder],
    sockets: Path,
) -> None:
    """Each of these made an unprotected FFmpeg or PyAV read a file or fetch a URL."""
    decoder = shared[fallback]
    shutil.copy(f"{secret}.mp3", tmp_path / "neighbour.mp3")
    path = tmp_path / f"a.{ending}"
    crafted(tmp_path, secret, canary.server_port)[name](path)
    sockets.write_text("")
    started = time.monotonic()
    try:
        with decoder.decode(path) as waveform:  # of the QuickTime files: their own bytes, taken for samples
            assert 2 * waveform.samples < path.stat().st_size
            assert name.startswith("mov")
    except NotAudio:
        pass
    assert time.monotonic() - started < 30
    assert canary.requests == []
    assert sockets.read_text() == "1\n"  # to its parent
    ports = {line.split()[1].rpartition(":")[2] for line in Path("/proc/net/udp").read_text().splitlines()[1:]}
    assert not ports & {f"{port:04X}" for port in (5004, 5005)}


COUNT = """
import contextlib, os, stat
import transcribe_cli.audio.container as container

descriptor, open_container = os.open(path, os.O_WRONLY | os.O_APPEND), container.open_container

def is_socket(number):
    try:
        return stat.S_ISSOCK(os.fstat(number).st_mode)
    except OSError:
        return False

@contextlib.contextmanager
def counted(*arguments):
    try:
        with open_container(*arguments) as opened:
            yield opened
    finally:
        os.write(descriptor, b"%d\\n" % sum(map(is_socket, range(64))))

container.open_container = counted
"""


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the child writes how many sockets it has, after each recording. From outside, only root may look."""
    path = tmp_path_factory.mktemp("sockets") / "count"
    path.write_text("")
    (path.parent / "sitecustomize.py").write_text(f"path = {str(path)!r}\n{COUNT}")
    return path


@pytest.fixture(scope="module")
def shared(sockets: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[bool, Decoder]]:
    """Two decoders: PyAV only, and PyAV with the system's ffmpeg as fallback."""
    scratch = tmp_path_factory.mktemp("scratch")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(sockets.parent)
        with Decoder(scratch=scratch, fallback=False) as one, Decoder(scratch=scratch, fallback=True) as two:
            yield {False: one, True: two}


def test_the_canary_notices_a_request(canary: Canary) -> None:
    """So the test above would fail on one."""
    import urllib.error
    import urllib.request

    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"http://127.0.0.1:{canary.server_port}/probe")
    caught.value.close()
    assert canary.requests == ["/probe"]
    canary.requests.clear()
