"""The decoder process: `python -m transcribe_cli.audio.child`. It receives requests with open files, and writes replies as JSON lines.

Its standard input is a Unix socket (request_socket.py):

    -> {"limits": {…}, "fallback": null}                                     once
    -> {"do": "probe", "name", "suffix", "track"}, recording                 <- {"done": {a Probe's fields}}
    -> {"do": "decode", …, "folder": hex, "split"}, recording, scratch file  <- {"seconds", "samples"} …
                                                                             <- {"done": {"damage", "decoder", "channels"}}
                                                                             <- {"error": {"kind", "message", "hint"}}

With `fallback`, the hex path of one recording, it decodes that one with a system `ffmpeg`, which opens its input by name.

It sets its own resource limits and enters its sandbox before it receives a file. It exits when its standard input closes, because its
parent is gone.
"""

from __future__ import annotations

import contextlib
import errno
import importlib
import json
import os
import pkgutil
import queue
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

import av
from av.container import InputContainer

from transcribe_cli.audio import container as media
from transcribe_cli.audio import ffmpeg, request_socket, sandbox, scratch
from transcribe_cli.audio.channel_converter import MAX_CHANNELS
from transcribe_cli.audio.declared_duration import declared_seconds, indexed_seconds, plausible_seconds
from transcribe_cli.audio.limits import (
    BYTES_PER_SECOND,
    MIN_FALLBACK_BYTES_PER_SECOND,
    MIN_SOURCE_BYTES_PER_SECOND,
    Limits,
)
from transcribe_cli.audio.media_info import Damage
from transcribe_cli.audio.pcm_file import PcmFile, ScratchError
from transcribe_cli.audio.recording_file import SourceFile, read_error
from transcribe_cli.audio.track_decoder import TrackDecoder, too_long
from transcribe_cli.errors import DecoderFailed, TranscribeError

_PROGRESS_SECONDS = 0.2  # between two progress lines about the same file


class Request:
    """One request from the parent, with the files that came with it."""

    def __init__(self, fields: dict[str, Any], files: list[int]) -> None:
        self.is_decode = fields["do"] == "decode"
        self.name: str = fields["name"]
        self.suffix: str = fields["suffix"]
        self.track: int | None = fields["track"]
        self.folder = _path(fields.get("folder", ""))  # of the scratch file, for messages
        self.split: bool = fields.get("split", False)
        self.recording = files[0]
        self.scratch = files[1] if self.is_decode else -1


def _path(text: str) -> Path:
    return Path(os.fsdecode(bytes.fromhex(text)))


class RequestLoop:
    """Handles requests one after the other."""

    def __init__(self, replies: TextIO, limits: Limits, fallback: Path | None = None) -> None:
        """`fallback`: the recording that ffmpeg decodes."""
        self._replies = replies
        self._limits = limits
        self._fallback = fallback
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
        self._reply(error={"kind": type(error).__name__, "message": error.message, "hint": error.hint})

    def _on_progress(self, seconds: float) -> None:
        self._seconds = seconds
        self._reply_progress()

    def _reply_progress(self) -> None:
        now = time.monotonic()
        if now - self._last_progress >= _PROGRESS_SECONDS:
            self._last_progress = now
            self._reply(seconds=round(self._seconds, 3), samples=self._pcm.samples if self._pcm else 0)

    def _probe(self, request: Request) -> dict[str, Any]:
        with self._open(request) as (container, _):
            return asdict(media.read_probe(container, media.select_audio_stream(container, request.track, request.name)))

    def _open(self, request: Request) -> AbstractContextManager[tuple[InputContainer, SourceFile]]:
        return media.open_container(request.recording, request.suffix, request.name, self._reply_progress)

    def _decode(self, request: Request) -> dict[str, Any]:
        self._reply_progress()
        _set_file_size_limit(self._limits, MAX_CHANNELS if request.split else 1)
        try:
            with PcmFile(request.scratch) as self._pcm:
                pcm = self._pcm
                if self._fallback is None:
                    damage, decoder = self._decode_with_pyav(request, pcm), "pyav"
                else:
                    damage, decoder = self._decode_with_ffmpeg(request, pcm, self._fallback), "ffmpeg"
                return {"damage": asdict(damage), "decoder": decoder, "channels": pcm.channels}
        except ScratchError as error:
            raise scratch.not_writable(request.folder, error.error) from error

    def _decode_with_pyav(self, request: Request, pcm: PcmFile) -> Damage:
        name, limits = request.name, self._limits
        with self._open(request) as (container, source):
            stream = media.select_audio_stream(container, request.track, name)
            if stream.codec_context is None:
                raise media.undecodable(name, "its audio codec is not supported")
            size = os.fstat(source.fileno()).st_size
            declared = declared_seconds(container, stream, source)
            plausible = size / MIN_SOURCE_BYTES_PER_SECOND
            if declared is not None and min(declared, plausible_seconds(container, source)) > limits.max_seconds:
                raise too_long(name, limits)
            estimate = media.header_duration(container)
            indexed = indexed_seconds(container, stream)
            fill_limit = min(estimate or plausible, plausible) + 1.0
            decoder = TrackDecoder(container, stream, pcm, fill_limit, limits, name, request.split)
            _check_free_space(pcm, pcm.channels * min(declared or estimate or 0.0, plausible))
            try:
                damage = decoder.run(self._on_progress)
            except OSError as error:
                raise read_error(name, error) from error
        if not pcm.samples:
            raise media.undecodable(name, "no audio in it could be decoded")
        return replace(damage, header_seconds=declared, indexed_seconds=indexed)

    def _decode_with_ffmpeg(self, request: Request, pcm: PcmFile, path: Path) -> Damage:
        """Always mixed to mono, also with `split`: the codecs that only this decoder supports have one channel."""
        plausible = os.fstat(request.recording).st_size / MIN_FALLBACK_BYTES_PER_SECOND
        os.close(request.recording)
        damage = None
        if ffmpeg.is_available():
            limit = min(self._limits.max_seconds, plausible)
            damage = ffmpeg.decode(path, request.track, pcm, limit, self._on_progress)
        if damage is None:
            raise media.undecodable(request.name, "no audio in it could be decoded")
        if damage.decoded_seconds > plausible:
            raise DecoderFailed(f"{request.name} claims to contain more audio than fits into a file of its size.")
        if damage.decoded_seconds > self._limits.max_seconds:
            raise too_long(request.name, self._limits)
        return damage


def _check_free_space(pcm: PcmFile, seconds: float) -> None:
    """Fail early if the waveform will not fit on the disk. `seconds` is the sum over all channels."""
    disk = os.fstatvfs(pcm.fileno())
    if disk.f_bavail * disk.f_frsize < seconds * BYTES_PER_SECOND:
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


def _import_the_rest() -> None:
    """PyAV imports some modules when it first meets a stream of their kind, Python 3.13 one to print a traceback; later, none can be."""
    importlib.import_module("tokenize")
    for module in pkgutil.walk_packages(av.__path__, "av."):
        if not module.name.startswith(("av.__main__", "av.datasets")):  # a program, and downloads of samples
            importlib.import_module(module.name)


def _read_requests(received: Iterator[tuple[dict[str, Any], list[int]]], requests: queue.SimpleQueue[Request]) -> None:
    """Read requests in a separate thread, so that the end of the parent is noticed also while a file is decoded.

    (PR_SET_PDEATHSIG does not work here: it fires when the *thread* that started this process ends.)
    """
    for fields, files in received:
        requests.put(Request(fields, files))
    _end_group()
    os._exit(0)


def _end_group() -> None:
    """Kill this process with an ffmpeg that it started. The filter lets it signal its group only."""
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Set the limits, enter the sandbox and handle requests until the parent is gone."""
    replies = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # output of a library must not be mistaken for a reply
    received = request_socket.receive(socket.socket(fileno=0))
    first, _ = next(received)
    limits, fallback = Limits(**first["limits"]), _path(first["fallback"]) if first["fallback"] else None
    _set_resource_limits(limits)
    _import_the_rest()
    if fallback is None:
        sandbox.enter()
    else:
        ffmpeg.is_available()  # imports its package while that can be read
        sandbox.enter("ffmpeg", fallback)
    requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
    threading.Thread(target=_read_requests, args=(received, requests), daemon=True).start()
    if fallback is None:
        sandbox.forbid_threads()
    try:
        RequestLoop(replies, limits, fallback).serve(iter(requests.get, None))
    except BaseException:
        traceback.print_exc()
    sys.stderr.flush()
    if fallback is not None:
        _end_group()
    os._exit(1)  # a normal exit would wait for the thread that reads standard input


if __name__ == "__main__":
    main()
