"""The parent's side of decoding: one persistent child process, restarted after a crash, a hang or a kill."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from transcribe_cli.audio import scratch as scratch_files
from transcribe_cli.audio.awaiting import INVALID_REPLY, TooSlow, await_reply
from transcribe_cli.audio.child_process import ChildProcess
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.media_info import SAMPLE_RATE, Damage, Probe
from transcribe_cli.audio.recording_file import Undecodable, open_regular
from transcribe_cli.audio.replies import Decoded, Done, InvalidReply, to_decoded, to_probe
from transcribe_cli.audio.waveform import Waveform
from transcribe_cli.errors import DecoderFailed, TranscribeError
from transcribe_cli.text.links import Tree

T = TypeVar("T")


class Decoder:
    """Probes and decodes local files in a child process, one at a time. Any thread may call it.

    If a file makes the child crash, hang, run out of memory or write without end, the request raises an error for that file, and the
    next file gets a new child. The first request starts the child, unless `start` did.
    """

    def __init__(self, scratch: Path | None = None, limits: Limits | None = None, fallback: bool = True) -> None:
        """Removes scratch files that dead processes left in the scratch folder.

        Args:
            scratch: the folder for waveforms, 115 MB for each hour of audio. Default: the system's (TMPDIR).
            limits: resource limits for one file.
            fallback: whether a system `ffmpeg` may decode what PyAV cannot (needs the extra `ffmpeg`).

        Raises:
            StorageNotReady: there is no folder for temporary files.
        """
        self.scratch = scratch_files.folder(scratch)
        self.limits = limits or Limits()
        self.fallback = fallback
        self._child: ChildProcess | None = None
        self._request_lock = threading.Lock()  # one request at a time
        # For `_child` and the two below; reentrant, because a signal handler may call `cancel`.
        self._state_lock = threading.RLock()
        self._busy = False
        self._cancelled = False
        scratch_files.sweep(self.scratch)

    def start(self) -> None:
        """Start the child in advance. Starting takes a third of a second."""
        with self._request_lock:
            self._running_child()

    def probe(self, path: Path, *, track: int | None = None, tree: Tree | None = None) -> Probe:
        """Read the header; takes about a millisecond. For `tree`, see `decode`.

        Raises:
            Unreadable, NotAudio, NoAudioTrack, DecoderFailed: as in `decode`.
        """
        with _open(path, path.name, tree) as recording:
            request = {"do": "probe", "track": track, "name": path.name, "suffix": path.suffix}
            return self._request(request, [recording], path.name, _ignore_progress, to_probe)

    def decode(
        self,
        path: Path,
        *,
        track: int | None = None,
        split: bool = False,
        on_progress: Callable[[Waveform], None] | None = None,
        name: str | None = None,
        tree: Tree | None = None,
    ) -> Waveform:
        """Decode the recording to 16 kHz, mixed to mono or with separate channels. The caller closes the waveform.

        Args:
            path: a local file.
            track: number of the audio track, from 0. Default: the track that the file marks as default, or else the first.
            split: keep the channels separate. Their number is known, and they can be read, once decoding is complete.
            on_progress: called in this thread with the waveform decoded so far, at once and then up to five times per second. It may
                take long; decoding continues meanwhile. The waveform is closed when decoding fails.
            name: name of the recording in errors. Default: the path's.
            tree: links in the path must not lead out of it. Default: they may lead anywhere.

        Raises:
            Unreadable: it cannot be opened, is not a regular file, or is not in the tree.
            NotAudio: no allowed format is recognized, or no audio could be decoded.
            NoAudioTrack: it has no audio track, or not the requested one.
            TooLong: more audio than `limits.max_seconds`.
            TooManyChannels: more channels than can be kept separate.
            DecoderFailed: the child crashed, hung, exceeded its limits, or was cancelled.
            StorageNotReady: the scratch folder cannot be written or is full.
        """
        waveform = Waveform(scratch_files.create(self.scratch))

        def on_samples(samples: int) -> None:
            waveform.samples = samples
            if on_progress is not None:
                on_progress(waveform)

        try:
            try:
                done = self._decode(path, track, split, waveform, on_samples, name or path.name, tree)
            except TooSlow:
                channels = self.probe(path, track=track, tree=tree).channels if split else 1
                waveform.complete(Damage(stopped=True), "pyav", max(channels, 1))
                if waveform.samples < SAMPLE_RATE:
                    raise
                waveform.damage = replace(waveform.damage, decoded_seconds=waveform.seconds, reached_seconds=waveform.seconds)
            else:
                waveform.complete(done.damage, done.decoder, done.channels)
        except BaseException:
            waveform.close()
            raise
        return waveform

    def cancel(self) -> None:
        """End the current request of another thread with DecoderFailed. Does nothing if there is none."""
        with self._state_lock:
            if self._busy:
                self._cancelled = True
                if self._child is not None:
                    self._child.kill()

    def close(self) -> None:
        """Stop the child. The next request starts a new one."""
        with self._request_lock:
            self._stop_child()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _decode(
        self,
        path: Path,
        track: int | None,
        split: bool,
        waveform: Waveform,
        on_samples: Callable[[int], None],
        name: str,
        tree: Tree | None,
    ) -> Decoded:
        folder = os.fsencode(waveform.path.parent).hex()
        request = {"do": "decode", "track": track, "split": split, "name": name, "suffix": path.suffix, "folder": folder}

        def ask(fallback: Path | None = None) -> Decoded:
            with _open(path, name, tree) as recording, _closing(waveform.open_to_write()) as scratch:
                return self._request(request, [recording, scratch], name, on_samples, to_decoded, fallback)

        try:
            return ask()
        except Undecodable:
            if not self.fallback or not _may_have_ffmpeg():
                raise
            with contextlib.suppress(Undecodable):
                return ask(path.absolute())
            raise

    def _request(
        self,
        request: dict[str, Any],
        files: list[int],
        name: str,
        on_samples: Callable[[int], None],
        convert: Callable[[Done], T],
        fallback: Path | None = None,
    ) -> T:
        with self._request_lock:
            with self._state_lock:
                self._busy, self._cancelled = True, False
            try:
                with self._child_for(fallback) as child:
                    if self._cancelled:  # while the child was starting
                        child.kill()
                    child.send(request, files)
                    return convert(await_reply(child, self.limits, name, on_samples, lambda: self._cancelled))
            except InvalidReply as error:
                self._stop_child()
                raise DecoderFailed(INVALID_REPLY.format(name=name)) from error
            except BaseException as error:
                # A child that failed once is not reused. After KeyboardInterrupt it is still busy with this file.
                if isinstance(error, DecoderFailed) or not isinstance(error, TranscribeError):
                    self._stop_child()
                raise
            finally:
                with self._state_lock:
                    self._busy = False

    def _running_child(self) -> ChildProcess:
        child = self._child
        if child is None or not child.is_running:  # killed between two files (out of memory): not an error of this file
            self._stop_child()
            child = ChildProcess(self.limits)
            with self._state_lock:
                self._child = child
        return child

    @contextmanager
    def _child_for(self, fallback: Path | None) -> Iterator[ChildProcess]:
        """The persistent child, or one for the only recording that it may open by name."""
        if fallback is None:
            yield self._running_child()
            return
        with self._state_lock:
            kept, self._child = self._child, ChildProcess(self.limits, fallback)
            child = self._child
        try:
            yield child
        finally:
            self._stop_child()
            with self._state_lock:
                self._child = kept

    def _stop_child(self) -> None:
        with self._state_lock:
            child, self._child = self._child, None
        if child is not None:
            child.stop()


def _may_have_ffmpeg() -> bool:
    """Whether the fallback decoder is worth a try; its child knows for certain (ffmpeg.py), and imports what this process need not."""
    return importlib.util.find_spec("ffmpeg") is not None and shutil.which("ffmpeg") is not None


def _open(path: Path, name: str, tree: Tree | None) -> AbstractContextManager[int]:
    return _closing(open_regular(path, name, tree))


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _ignore_progress(samples: int) -> None:
    """Progress callback of requests that report none."""
