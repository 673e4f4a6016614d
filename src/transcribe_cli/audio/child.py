"""The decoder's process: `python -m transcribe_cli.audio.child`, reading requests as JSON lines and answering with JSON lines.

    -> {"limits": {…}}                                                    once
    -> {"do": "probe", "path": hex of its bytes, "name", "track"}         <- {"done": {a Probe's fields}}
    -> {"do": "decode", …, "scratch": hex, "fallback": true, "split"}     <- {"seconds", "samples"} …
                                                                          <- {"done": {"damage", "decoder", "channels"}}
                                                                          <- {"error": {"code", "message", "hint"}}

It takes its own resource limits before it touches a file, and ends when its standard input does: whoever started it is gone.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import queue
import resource
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from transcribe_cli.audio import container as media
from transcribe_cli.audio import ffmpeg, scratch
from transcribe_cli.audio.channels import MAX_CHANNELS
from transcribe_cli.audio.decode import Decoding, too_long
from transcribe_cli.audio.facts import Damage
from transcribe_cli.audio.limits import BYTES_PER_SECOND, SPARSEST_BYTES_PER_SECOND, Limits
from transcribe_cli.audio.pcm import Pcm, ScratchError
from transcribe_cli.audio.promised import promised_seconds
from transcribe_cli.errors import DecoderFailed, TranscribeError

_PROGRESS_SECONDS = 0.2  # between two lines about the same file


class Request:
    """One line from the parent."""

    def __init__(self, line: str) -> None:
        fields: dict[str, Any] = json.loads(line)
        self.decode = fields["do"] == "decode"
        self.path = Path(os.fsdecode(bytes.fromhex(fields["path"])))
        self.name: str = fields["name"]
        self.track: int | None = fields["track"]
        self.scratch = Path(os.fsdecode(bytes.fromhex(fields.get("scratch", ""))))
        self.fallback: bool = fields.get("fallback", False)
        self.split: bool = fields.get("split", False)


class Child:
    """The command loop."""

    def __init__(self, replies: TextIO, limits: Limits) -> None:
        self._replies = replies
        self._limits = limits
        self._said = 0.0
        self._seconds = 0.0
        self._pcm: Pcm | None = None

    def serve(self, requests: Iterable[Request]) -> None:
        """Answer requests until there are no more, or until one may have left this process in disorder."""
        for request in requests:
            self._said = self._seconds = 0.0
            self._pcm = None
            try:
                done = self._decode(request) if request.decode else self._probe(request)
            except TranscribeError as error:
                self._refuse(error)
            except MemoryError:
                limit = f"{self._limits.memory_bytes / 2**30:.3g} GiB"
                self._refuse(DecoderFailed(f"{request.name} needs more than {limit} of memory to decode."))
                return
            except Exception as error:  # whatever else a crafted file makes PyAV raise; its trace goes to stderr
                self._refuse(DecoderFailed(f"{request.name} could not be decoded ({type(error).__name__})."))
                raise
            else:
                self._reply(done=done)

    def _reply(self, **answer: object) -> None:
        self._replies.write(json.dumps(answer) + "\n")
        self._replies.flush()

    def _refuse(self, error: TranscribeError) -> None:
        self._reply(error={"code": error.code, "message": error.message, "hint": error.hint})

    def _progress(self, seconds: float) -> None:
        self._seconds = seconds
        self._alive()

    def _alive(self) -> None:
        now = time.monotonic()
        if now - self._said >= _PROGRESS_SECONDS:
            self._said = now
            self._reply(seconds=round(self._seconds, 3), samples=self._pcm.samples if self._pcm else 0)

    def _probe(self, request: Request) -> dict[str, Any]:
        with media.opened(request.path, request.name, self._alive) as (container, _):
            return asdict(media.describe(container, media.audio_stream(container, request.track, request.name)))

    def _decode(self, request: Request) -> dict[str, Any]:
        self._alive()
        _limit_scratch(self._limits, MAX_CHANNELS if request.split else 1)
        try:
            with Pcm(request.scratch) as self._pcm:
                pcm = self._pcm
                try:
                    damage, decoder = self._with_pyav(request, pcm), "pyav"
                except media.Undecodable:
                    tried = self._with_ffmpeg(request, pcm) if request.fallback and ffmpeg.available() else None
                    if tried is None:
                        raise
                    damage, decoder = tried, "ffmpeg"
                return {"damage": asdict(damage), "decoder": decoder, "channels": pcm.channels}
        except ScratchError as error:
            raise scratch.not_writable(request.scratch.parent, error.error) from error

    def _with_pyav(self, request: Request, pcm: Pcm) -> Damage:
        name, limits = request.name, self._limits
        with media.opened(request.path, name, self._alive) as (container, source):
            stream = media.audio_stream(container, request.track, name)
            if stream.codec_context is None:
                raise media.undecodable(name, "its audio codec is not known")
            size = os.fstat(source.fileno()).st_size
            promised = promised_seconds(container, stream, source)
            if promised is not None and promised > limits.max_seconds:
                raise too_long(name, limits)
            believable = size / SPARSEST_BYTES_PER_SECOND
            estimate = media.seconds(container)
            longest = min(estimate or believable, believable)
            decoding = Decoding(container, stream, pcm, longest + 1.0, limits, name, request.split)
            _check_space(request.scratch.parent, pcm.channels * min(promised or estimate or 0.0, believable))
            try:
                damage = decoding.run(self._progress)
            except OSError as error:
                raise media.unreadable(name, error) from error
        if not pcm.samples:
            raise media.undecodable(name, "nothing in it could be decoded")
        return Damage(**{**asdict(damage), "header_seconds": promised})

    def _with_ffmpeg(self, request: Request, pcm: Pcm) -> Damage | None:
        """Mixed, also where channels were to be apart: what only this decoder knows are codecs of one channel."""
        pcm.channels = 1
        damage = ffmpeg.decode(request.path, request.track, pcm, self._limits.max_seconds, self._progress)
        if damage is not None and damage.decoded_seconds > self._limits.max_seconds:
            raise too_long(request.name, self._limits)
        return damage


def _check_space(where: Path, seconds: float) -> None:
    """Refuse at once what will not fit, instead of filling the disk first; `seconds` of all channels together."""
    if shutil.disk_usage(where).free < seconds * BYTES_PER_SECOND:
        raise ScratchError(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def _limit(limits: Limits) -> None:
    """Take the limits that the kernel keeps: address space, size of files written, no core files, few open files."""
    wanted = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.scratch_bytes(MAX_CHANNELS),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for what, value in wanted.items():
        _, hard = resource.getrlimit(what)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(what, (value, value))


def _limit_scratch(limits: Limits, channels: int) -> None:
    """Within that, the largest file that this recording may fill; it may be another for the next one."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    wanted = limits.scratch_bytes(channels)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _listen(requests: queue.SimpleQueue[Request]) -> None:
    """Read requests in a thread of its own, so that the end of the parent is noticed also in the middle of a file.

    (PR_SET_PDEATHSIG would not do: it fires when the *thread* that started us ends.)
    """
    for line in sys.stdin:
        requests.put(Request(line))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # an ffmpeg that we started goes with us
    os._exit(0)


def main() -> None:
    """Take limits and serve until the parent goes away."""
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what a library prints must not be taken for an answer
    limits = Limits(**json.loads(sys.stdin.readline())["limits"])
    _limit(limits)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    try:
        Child(replies, limits).serve(iter(requests.get, None))
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)  # not through the interpreter's end, which would wait for the thread that reads standard input


if __name__ == "__main__":
    main()
