"""The attacker is the author of a recording, and has found a bug in FFmpeg: their code runs in the process that decodes.

It has the rights of the user who runs the tool. It must not read or write any other file, reach any host or process, or start a
program. Here that code is a module that the tests put into the real child; it tries each thing and reports what happened.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audio.conftest import child_of
from tests.audio.media import tone, wav
from tests.security.child_code import attack, not_refused
from transcribe_cli.audio import Damage, Decoder, landlock
from transcribe_cli.errors import DecoderFailed, NotAudio

ATTEMPTS = """
def connect(family, kind, address):
    with socket.socket(family, kind) as client:
        client.settimeout(5)
        client.connect(address)
        client.send(b"secret")

def ptrace():
    if libc.ptrace(0x4206, parent, 0, 0) == -1:  # PTRACE_SEIZE, which does not stop it
        raise OSError(ctypes.get_errno(), "ptrace")

ATTEMPTS = {
    "read": lambda: open(folder + "/secret").read(),
    "read the system": lambda: open("/etc/passwd").read(),
    "read the parent's environment": lambda: open(f"/proc/{parent}/environ").read(),
    "read the parent's memory": lambda: open(f"/proc/{parent}/mem", "rb"),
    "write": lambda: open(folder + "/secret", "a"),
    "create": lambda: open(folder + "/new", "x"),
    "truncate": lambda: os.truncate(folder + "/secret", 0),
    "list": lambda: os.listdir(folder),
    "remove": lambda: os.unlink(folder + "/secret"),
    "rename": lambda: os.rename(folder + "/secret", folder + "/moved"),
    "link": lambda: os.link(folder + "/secret", folder + "/linked"),
    "symlink": lambda: os.symlink("/etc", folder + "/etc"),
    "make a folder": lambda: os.mkdir(folder + "/sub"),
    "make a pipe": lambda: os.mkfifo(folder + "/pipe"),
    "open the recording again": lambda: open("/proc/self/fd/" + str(source), "rb"),
    "TCP": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)),
    "UDP": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port)),
    "IPv6": lambda: connect(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", port)),
    "Unix socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, folder + "/socket"),
    "listen": lambda: socket.create_server(("127.0.0.1", 0)),
    "netlink": lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "io_uring": lambda: call(425, 8, ctypes.create_string_buffer(256)),
    "run a program": lambda: subprocess.run(["/bin/true"], stdin=0, stdout=2, stderr=2, check=True),
    "debug the parent": ptrace,
    "signal the parent": lambda: os.kill(parent, 0),
    "signal everybody": lambda: os.kill(1, 0),
    "a namespace of its own": lambda: call(272 if os.uname().machine == "x86_64" else 97, 0x20000),
}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of the user's, with a secret."""
    folder = tmp_path / "home"
    folder.mkdir()
    (folder / "secret").write_text("secret")
    return folder


@pytest.fixture
def listener(folder: Path) -> Iterator[socket.socket]:
    """A server on 127.0.0.1, and one on a Unix socket in the folder."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as local:
        local.bind(str(folder / "socket"))
        local.listen()
        yield server


@pytest.mark.parametrize("lacking", ["nothing", "landlock"])
def test_code_in_the_child_reaches_nothing(
    lacking: str, folder: Path, listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything that it tries is refused, and nothing has changed. The system calls are filtered, so Landlock may be missing."""
    before = sorted(entry.name for entry in folder.iterdir())
    without = "import transcribe_cli.audio.landlock as part\npart.version = lambda: 0\n" if lacking == "landlock" else ""
    port = listener.getsockname()[1]
    found = attack(without + ATTEMPTS, tmp_path, monkeypatch, folder=str(folder), port=port)
    assert not_refused(found) == {}
    assert len(found) == 27
    assert sorted(entry.name for entry in folder.iterdir()) == before
    assert (folder / "secret").read_text() == "secret"


@pytest.mark.parametrize("what", ["environ", "mem", "cmdline", "maps", "auxv"])
def test_a_link_to_the_process_itself_is_not_opened_for_the_child(what: str, tmp_path: Path) -> None:
    """The parent opens the file, and has secrets in its environment. Such files say that they have no size."""
    (tmp_path / "a.wav").symlink_to(f"/proc/self/{what}")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch) as decoder:
        for call in (decoder.probe, decoder.decode):
            with pytest.raises(NotAudio, match=r"^a\.wav is empty"):
                call(tmp_path / "a.wav")
        assert decoder._child is None


def test_the_fallback_reads_one_file_and_runs_one_program(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attacker's bug is in the system's ffmpeg, for which cp stands here. It can read its libraries, and nothing else."""
    if landlock.version() < 3:
        pytest.skip("this kernel has no Landlock, or an early one")
    programs = tmp_path / "programs"
    programs.mkdir()
    shutil.copy(shutil.which("cp") or "cp", programs / "ffmpeg")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    recording = tmp_path / "a.mp3"
    recording.write_bytes(b"\0\1\2" * 5000)
    code = (
        "import os, subprocess, sys\n"
        "from pathlib import Path\n"
        "from transcribe_cli.audio import sandbox\n"
        "folder, recording = map(Path, sys.argv[1:])\n"
        "sandbox.enter('ffmpeg', recording)\n"
        "for source in (recording, folder / 'secret', Path('/etc/passwd')):\n"
        "    print(subprocess.run(['ffmpeg', source, '/dev/null'], stderr=subprocess.DEVNULL).returncode, flush=True)\n"
        "for program in ('/bin/cat', sys.executable):\n"
        "    try: print(subprocess.run([program, '--version']).returncode)\n"
        "    except PermissionError: print('refused')\n"
        "try: (folder / 'new').write_text('')\n"
        "except PermissionError: print('refused')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, folder, recording], capture_output=True, text=True)
    assert ran.stdout.split() == ["0", "1", "1", "refused", "refused", "refused"], ran.stderr


@pytest.mark.parametrize("lacking", ["landlock", "seccomp", "both"])
def test_a_kernel_that_lacks_a_part_decodes_all_the_same(lacking: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other measures remain, and nothing is printed."""
    code = tmp_path / "code"
    code.mkdir()
    lines = {
        "landlock": "import transcribe_cli.audio.landlock as part\npart.version = lambda: 0\n",
        "seccomp": "import transcribe_cli.audio.seccomp as part\npart._MACHINES.clear()\n",
    }
    (code / "sitecustomize.py").write_text("".join(lines.values()) if lacking == "both" else lines[lacking])
    monkeypatch.syspath_prepend(code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch, fallback=False) as decoder:
        decoder.decode(wav(tmp_path / "a.wav", tone(0.1))).close()
        status = Path(f"/proc/{child_of(decoder)}/status").read_text()
        assert decoder._child is not None
        assert not decoder._child.stderr_lines
    fields = dict(line.split(":\t", 1) for line in status.splitlines())
    assert fields["NoNewPrivs"] == "1"
    assert int(fields["CapPrm"], 16) == int(fields["CapEff"], 16) == 0
    assert fields["Seccomp"] == ("2" if lacking == "landlock" else "0")


REPLIES = {
    "no JSON": b"\xff",
    "a list": b"[]",
    "nothing": b"null",
    "an empty object": b"{}",
    "nested": b"[" * 100_000,
    "long": b"x" * (2 << 20),
    "a long number": b'{"seconds": 1, "samples": ' + b"1" * 5000 + b"}",
    "samples without end": b'{"seconds": 1, "samples": 9223372036854775807}',
    "infinite samples": b'{"seconds": 1, "samples": 1e999}',
    "negative samples": b'{"seconds": 1, "samples": -5}',
    "time without end": b'{"seconds": 1e308, "samples": 0}',
    "no number": b'{"seconds": NaN, "samples": 0}',
    "other types": b'{"seconds": "1", "samples": []}',
    "an error without a text": b'{"error": {"kind": "NotAudio"}}',
    "an error of another type": b'{"error": {"kind": [], "message": {}, "hint": 1}}',
    "a long error": b'{"error": {"kind": "NotAudio", "hint": "", "message": "' + b"x" * 100_000 + b'"}}',
    "an empty result": b'{"done": {}}',
    "a result of another type": b'{"done": 7}',
    "no channels": b'{"done": {"damage": DAMAGE, "decoder": "pyav", "channels": 0}}',
    "many channels": b'{"done": {"damage": DAMAGE, "decoder": "pyav", "channels": 1000000000}}',
    "another decoder": b'{"done": {"damage": DAMAGE, "decoder": ["pyav"], "channels": 1}}',
    "no damage": b'{"done": {"damage": null, "decoder": "pyav", "channels": 1}}',
    "other damage": b'{"done": {"damage": {"header_seconds": "1"}, "decoder": "pyav", "channels": 1}}',
    "damage without end": b'{"done": {"damage": ENDLESS, "decoder": "pyav", "channels": 1}}',
}
DAMAGE = json.dumps(vars(Damage())).encode()
ENDLESS = DAMAGE.replace(b"0.0", b"1e999")


@pytest.mark.parametrize("what", REPLIES)
def test_what_the_child_says_is_checked(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has taken the child over can write any reply. It is an error of that recording, and the next one gets a new child."""
    code = tmp_path / "code"
    code.mkdir()
    reply = REPLIES[what].replace(b"DAMAGE", DAMAGE).replace(b"ENDLESS", ENDLESS)
    (code / "reply").write_bytes(reply + b"\n")
    (code / "sitecustomize.py").write_text(
        "import os, stat, time\n"
        "import transcribe_cli.audio.container as container\n"
        f"reply, honest = open({str(code / 'reply')!r}, 'rb').read(), container.open_container\n"
        "def lie(recording, suffix, *rest):\n"
        "    if suffix != '.mp3': return honest(recording, suffix, *rest)\n"
        "    for descriptor in range(3, 10):\n"
        "        try: os.write(descriptor, reply)\n"
        "        except OSError: pass\n"
        "    time.sleep(60)\n"
        "container.open_container = lie\n"
    )
    monkeypatch.syspath_prepend(code)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with Decoder(scratch=scratch, fallback=False) as decoder:
        with pytest.raises(DecoderFailed, match=r"^a\.mp3: the decoder wrote an invalid reply and was stopped\.$"):
            decoder.decode(wav(tmp_path / "a.mp3", tone(0.1)))
        decoder.decode(wav(tmp_path / "a.wav", tone(0.1))).close()
    assert list(scratch.iterdir()) == []
