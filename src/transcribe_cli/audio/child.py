"""The decoder process: `python -m transcribe_cli.audio.child`. It reads requests and writes replies as JSON lines.

    -> {"limits": {…}}                                                    once
    -> {"do": "probe", "path": hex of its bytes, "name", "track"}         <- {"done": {a Probe's fields}}
    -> {"do": "decode", …, "scratch": hex, "fallback": true, "split"}     <- {"seconds", "samples"} …
                                                                          <- {"done": {"damage", "decoder", "channels"}}
                                                                          <- {"error": {"code", "message", "hint"}}

It sets its own resource limits before it opens a file. It exits when its standard input closes, because its parent is gone.
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
from transcribe_cli.audio.channel_converter import MAX_CHANNELS
from transcribe_cli.audio.declared_duration import declared_seconds
from transcribe_cli.audio.limits import (
    BYTES_PER_SECOND,
    MIN_FALLBACK_BYTES_PER_SECOND,
    MIN_SOURCE_BYTES_PER_SECOND,
    Limits,
)
from transcribe_cli.audio.media_info import Damage
from transcribe_cli.audio.pcm_file import PcmFile, ScratchError
from transcribe_cli.audio.track_decoder import TrackDecoder, too_long
from transcribe_cli.errors import DecoderFailed, TranscribeError

_PROGRESS_SECONDS = 0.2  # between two progress lines about the same file


class Request:
    """One line from the parent."""

    def __init__(self, line: str) -> None:
        fields: dict[str, Any] = json.loads(line)
        self.is_decode = fields["do"] == "decode"
        self.path = Path(os.fsdecode(bytes.fromhex(fields["path"])))
        self.name: str = fields["name"]
        self.track: int | None = fields["track"]
        self.scratch = Path(os.fsdecode(bytes.fromhex(fields.get("scratch", ""))))
        self.fallback: bool = fields.get("fallback", False)
        self.split: bool = fields.get("split", False)


class RequestLoop:
    """Handles requests one after the other."""

    def __init__(self, replies: TextIO, limits: Limits) -> None:
        self._replies = replies
        self._limits = limits
        self._last_progress = 0.0
        self._seconds = 0.0
        self._pcm: PcmFile | None = None

    def serve(self, requests: Iterable[Request]) -> None:
        """Reply to requests until there are no more, or until one may have left this process in an inconsistent state."""
        for request in requests:
            self._last_progress = self._seconds = 0.0
            self._pcm = None
            try:
                done = self._decode(request) if request.is_decode else self._probe(request)
            except TranscribeError as error:
                self._reply_error(error)
            except MemoryError:
                limit = f"{self._limits.memory_bytes / 2**30:.3g} GiB"
                self._reply_error(DecoderFailed(f"Decoding {request.name} needs more than {limit} of memory."))
                return
            except Exception as error:  # anything else that a crafted file makes PyAV raise; the traceback goes to stderr
                self._reply_error(DecoderFailed(f"{request.name} could not be decoded ({type(error).__name__})."))
                raise
            else:
                self._reply(done=done)

    def _reply(self, **fields: object) -> None:
        self._replies.write(json.dumps(fields) + "\n")
        self._replies.flush()

    def _reply_error(self, error: TranscribeError) -> None:
        self._reply(error={"code": error.code, "message": error.message, "hint": error.hint})

    def _on_progress(self, seconds: float) -> None:
        self._seconds = seconds
        self._reply_progress()

    def _reply_progress(self) -> None:
        now = time.monotonic()
        if now - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = now
            self._reply(seconds=round(self._seconds, 3), samples=self._pcm.samples if self._pcm else 0)

    def _probe(self, request: Request) -> dict[str, Any]:
        with media.open_container(request.path, request.name, self._reply_progress) as (container, _):
            return asdict(media.read_probe(container, media.select_audio_stream(container, request.track, request.name)))

    def _decode(self, request: Request) -> dict[str, Any]:
        self._reply_progress()
        _set_file_size_limit(self._limits, MAX_CHANNELS if request.split else 1)
        try:
            with PcmFile(request.scratch) as self._pcm:
                pcm = self._pcm
                try:
                    damage, decoder = self._decode_with_pyav(request, pcm), "pyav"
                except media.Undecodable:
                    fallback = self._decode_with_ffmpeg(request, pcm) if request.fallback and ffmpeg.is_available() else None
                    if fallback is None:
                        raise
                    damage, decoder = fallback, "ffmpeg"
                return {"damage": asdict(damage), "decoder": decoder, "channels": pcm.channels}
        except ScratchError as error:
            raise scratch.not_writable(request.scratch.parent, error.error) from error

    def _decode_with_pyav(self, request: Request, pcm: PcmFile) -> Damage:
        name, limits = request.name, self._limits
        with media.open_container(request.path, name, self._reply_progress) as (container, source):
            stream = media.select_audio_stream(container, request.track, name)
            if stream.codec_context is None:
                raise media.undecodable(name, "its audio codec is not supported")
            size = os.fstat(source.fileno()).st_size
            declared = declared_seconds(container, stream, source)
            if declared is not None and declared > limits.max_seconds:
                raise too_long(name, limits)
            plausible = size / MIN_SOURCE_BYTES_PER_SECOND
            estimate = media.header_duration(container)
            fill_limit = min(estimate or plausible, plausible) + 1.0
            decoder = TrackDecoder(container, stream, pcm, fill_limit, limits, name, request.split)
            _check_free_space(request.scratch.parent, pcm.channels * min(declared or estimate or 0.0, plausible))
            try:
                damage = decoder.run(self._on_progress)
            except OSError as error:
                raise media.read_error(name, error) from error
        if not pcm.samples:
            raise media.undecodable(name, "no audio in it could be decoded")
        return Damage(**{**asdict(damage), "header_seconds": declared})

    def _decode_with_ffmpeg(self, request: Request, pcm: PcmFile) -> Damage | None:
        """Always mixed to mono, also with `split`: the codecs that only this decoder supports have one channel."""
        pcm.channels = 1
        plausible = request.path.stat().st_size / MIN_FALLBACK_BYTES_PER_SECOND
        damage = ffmpeg.decode(request.path, request.track, pcm, min(self._limits.max_seconds, plausible), self._on_progress)
        if damage is not None and damage.decoded_seconds > plausible:
            raise DecoderFailed(f"{request.name} claims to contain more audio than fits into a file of its size.")
        if damage is not None and damage.decoded_seconds > self._limits.max_seconds:
            raise too_long(request.name, self._limits)
        return damage


def _check_free_space(folder: Path, seconds: float) -> None:
    """Fail early if the waveform will not fit on the disk. `seconds` is the sum over all channels."""
    if shutil.disk_usage(folder).free < seconds * BYTES_PER_SECOND:
        raise ScratchError(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def _set_resource_limits(limits: Limits) -> None:
    """Set the limits that the kernel enforces: address space, size of written files, no core files, few open files."""
    values = {
        resource.RLIMIT_AS: limits.memory_bytes,
        resource.RLIMIT_FSIZE: limits.scratch_bytes(MAX_CHANNELS),
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: 64,
    }
    for kind, value in values.items():
        _, hard = resource.getrlimit(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(OSError, ValueError):  # macOS refuses RLIMIT_AS
            resource.setrlimit(kind, (value, value))


def _set_file_size_limit(limits: Limits, channels: int) -> None:
    """Set the soft limit of the file size for this recording; it may differ for the next one."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = limits.scratch_bytes(channels)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size if hard == resource.RLIM_INFINITY else min(size, hard), hard))


def _read_requests(requests: queue.SimpleQueue[Request]) -> None:
    """Read requests in a separate thread, so that the end of the parent is noticed also while a file is decoded.

    (PR_SET_PDEATHSIG does not work here: it fires when the *thread* that started this process ends.)
    """
    for line in sys.stdin:
        requests.put(Request(line))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)  # including an ffmpeg that this process started
    os._exit(0)


def main() -> None:
    """Set the limits and handle requests until the parent is gone."""
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # output of a library must not be mistaken for a reply
    limits = Limits(**json.loads(sys.stdin.readline())["limits"])
    _set_resource_limits(limits)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(requests,), daemon=True).start()
    try:
        RequestLoop(replies, limits).serve(iter(requests.get, None))
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    os._exit(1)  # a normal exit would wait for the thread that reads standard input


if __name__ == "__main__":
    main()
