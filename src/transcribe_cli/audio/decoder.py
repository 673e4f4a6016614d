"""The parent's side of decoding: one persistent child process, restarted after it crashed, hung or was killed."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from transcribe_cli.audio import scratch as scratch_files
from transcribe_cli.audio.facts import Damage, Probe
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.process import ChildProcess
from transcribe_cli.audio.waveform import Waveform
from transcribe_cli.errors import (
    DecoderFailed,
    NoAudioTrack,
    NotAudio,
    StorageNotReady,
    TooLong,
    TooManyChannels,
    TranscribeError,
    Unreadable,
)

_ERRORS: dict[str, type[TranscribeError]] = {
    kind.code: kind for kind in (DecoderFailed, NoAudioTrack, NotAudio, StorageNotReady, TooLong, TooManyChannels, Unreadable)
}


class Decoder:
    """Probes and decodes local files in a child process, one at a time; any thread may ask.

    Whatever a file does to the child (crash, hang, memory, endless output) is raised as that file's error, and the next file gets a
    new child. The child is started by the first request, if not by `start`.
    """

    def __init__(self, scratch: Path | None = None, limits: Limits | None = None, fallback: bool = True) -> None:
        """Sweeps what dead processes left in the scratch folder.

        Args:
            scratch: the folder for waveforms, 115 MB for each hour of audio; None is the system's (TMPDIR).
            limits: how much one file may ask for.
            fallback: whether a system `ffmpeg` may try what PyAV cannot decode (needs the extra `ffmpeg`).

        Raises:
            StorageNotReady: there is no folder for temporary files.
        """
        self.scratch = scratch_files.folder(scratch)
        self.limits = limits or Limits()
        self.fallback = fallback
        self._child: ChildProcess | None = None
        self._asking = threading.Lock()  # one request at a time
        self._state = threading.RLock()  # of the two below; reentrant, because a signal handler may cancel
        self._busy = False
        self._cancelled = False
        scratch_files.sweep(self.scratch)

    def start(self) -> None:
        """Start the child now, so that it is ready when there is something to decode; it takes a third of a second."""
        with self._asking:
            self._living_child()

    def probe(self, path: Path, *, track: int | None = None) -> Probe:
        """What the header says; about a millisecond.

        Raises:
            Unreadable, NotAudio, NoAudioTrack, DecoderFailed: as in `decode`.
        """
        return Probe(**self._ask({"do": "probe", "track": track}, path, _unheard, path.name))

    def decode(
        self,
        path: Path,
        *,
        track: int | None = None,
        split: bool = False,
        on_progress: Callable[[Waveform], None] | None = None,
        name: str | None = None,
    ) -> Waveform:
        """The recording as 16 kHz on scratch, mixed to mono or with its channels apart; the caller closes it.

        Args:
            path: a local file.
            track: which audio track, from 0; None is the one that the file calls its default, or the first.
            split: keep the channels apart; their number is known, and they can be read, once all of it is decoded.
            on_progress: called with the waveform as far as it is decoded, in this thread, at once and then up to five times a second
                while the decoder goes on; it may take its time. The waveform is closed when decoding fails.
            name: what errors call it; None is the path's.

        Raises:
            Unreadable: it cannot be opened, or is not a regular file.
            NotAudio: no allowed format is recognized, or nothing could be decoded.
            NoAudioTrack: it has no audio, or not that track.
            TooLong: more audio than `limits.max_seconds`.
            TooManyChannels: more than can be kept apart.
            DecoderFailed: the child crashed, hung, ran past its limits, or was cancelled.
            StorageNotReady: the scratch folder cannot be written or is full.
        """
        waveform = Waveform(scratch_files.create(self.scratch))

        def grow(samples: int) -> None:
            waveform.samples = samples
            if on_progress is not None:
                on_progress(waveform)

        try:
            scratch = os.fsencode(waveform.path).hex()
            wanted = {"do": "decode", "track": track, "scratch": scratch, "fallback": self.fallback, "split": split}
            done = self._ask(wanted, path, grow, name or path.name)
            waveform.complete(Damage(**done["damage"]), done["decoder"], done["channels"])
        except BaseException:
            waveform.close()
            raise
        return waveform

    def cancel(self) -> None:
        """Make the request under way in another thread end now with DecoderFailed; without one, nothing happens."""
        with self._state:
            if self._busy:
                self._cancelled = True
                if self._child is not None:
                    self._child.kill()

    def close(self) -> None:
        """End the child. The next request would start another."""
        with self._asking:
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _ask(self, wanted: dict[str, Any], path: Path, grow: Callable[[int], None], name: str) -> dict[str, Any]:
        with self._asking:
            with self._state:
                self._busy, self._cancelled = True, False
            try:
                child = self._living_child()
                if self._cancelled:  # while the child was starting
                    child.kill()
                child.send(wanted | {"path": os.fsencode(path.absolute()).hex(), "name": name})
                return self._answer(child, name, grow)
            except BaseException as error:
                # A child that failed once is not trusted again; after KeyboardInterrupt it is still busy with this file.
                if isinstance(error, DecoderFailed) or not isinstance(error, TranscribeError):
                    self._end()
                raise
            finally:
                with self._state:
                    self._busy = False

    def _living_child(self) -> ChildProcess:
        child = self._child
        if child is None or not child.alive:  # killed between two files (out of memory): not this file's fault
            self._end()
            child = ChildProcess(self.limits)
            with self._state:
                self._child = child
        return child

    def _answer(self, child: ChildProcess, name: str, grow: Callable[[int], None]) -> dict[str, Any]:
        """Wait for the end of a request, however it ends; `grow` hears how many samples there are."""
        waited = 0.0  # for the child: what `grow` takes is not its fault
        while True:
            asked = time.monotonic()
            try:
                reply = child.replies.get(timeout=self.limits.stall_seconds)
            except queue.Empty:
                raise DecoderFailed(
                    f"{name}: the decoder made no progress for {self.limits.stall_seconds:g} s and was stopped."
                ) from None
            waited += time.monotonic() - asked
            if reply is None:
                raise self._ended(child, name)
            if "done" in reply:
                done: dict[str, Any] = reply["done"]
                return done
            if "error" in reply:
                error = reply["error"]
                raise _ERRORS.get(error["code"], DecoderFailed)(error["message"], error["hint"])
            if waited > self.limits.allowed_seconds(reply["seconds"]):
                raise DecoderFailed(f"{name}: the decoder was too slow ({reply['seconds']:.0f} s of audio) and was stopped.")
            grow(reply["samples"])

    def _ended(self, child: ChildProcess, name: str) -> DecoderFailed:
        """The error of a child that ended in the middle of a file."""
        code = child.end()
        if self._cancelled:
            return DecoderFailed(f"{name}: decoding was cancelled.")
        how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        last = f" Its last words: {child.complaints[-1]}" if child.complaints else ""
        return DecoderFailed(f"{name}: the decoder {how}.{last}")

    def _end(self) -> None:
        with self._state:
            child, self._child = self._child, None
        if child is not None:
            child.end()


def _unheard(samples: int) -> None:
    """Progress that nobody asked for."""
