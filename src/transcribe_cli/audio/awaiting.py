"""Waits for the child's reply to a request: until it comes, or the child fails, hangs or takes too long."""

from __future__ import annotations

import queue
import time
from collections.abc import Callable

from transcribe_cli.audio.child_process import ChildProcess
from transcribe_cli.audio.limits import Limits
from transcribe_cli.audio.recording_file import Undecodable
from transcribe_cli.audio.replies import Done, Failure
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

INVALID_REPLY = "{name}: the decoder wrote an invalid reply and was stopped."

_ERRORS: dict[str, type[TranscribeError]] = {
    kind.__name__: kind
    for kind in (DecoderFailed, NoAudioTrack, NotAudio, StorageNotReady, TooLong, TooManyChannels, Undecodable, Unreadable)
}


class TooSlow(DecoderFailed):
    """The time limit of a recording was reached. What was decoded before is kept."""


def await_reply(
    child: ChildProcess, limits: Limits, name: str, on_samples: Callable[[int], None], is_cancelled: Callable[[], bool]
) -> Done:
    """Wait for the result of a request about the recording `name`. `on_samples` receives the number of samples so far.

    Raises:
        DecoderFailed: the child ended, made no progress, or was cancelled.
        TooSlow: it takes longer than `limits` allow.
        TranscribeError: the error that the child replied.
    """
    waited = 0.0  # for the child; the time spent in `on_samples` does not count
    while True:
        started = time.monotonic()
        try:
            reply = child.replies.get(timeout=limits.stall_seconds)
        except queue.Empty:
            raise DecoderFailed(f"{name}: the decoder made no progress for {limits.stall_seconds:g} s and was stopped.") from None
        waited += time.monotonic() - started
        if reply is None:
            raise _exit_error(child, name, is_cancelled())
        if isinstance(reply, Done):
            return reply
        if isinstance(reply, Failure):
            raise _ERRORS.get(reply.kind, DecoderFailed)(reply.message, reply.hint)
        if waited > limits.timeout_seconds(reply.seconds):
            raise TooSlow(f"{name}: the decoder was too slow and was stopped after {reply.seconds:.0f} s of audio.")
        on_samples(reply.samples)


def _exit_error(child: ChildProcess, name: str, is_cancelled: bool) -> DecoderFailed:
    """The error of a child that ended during a request."""
    code = child.stop()
    if is_cancelled:
        return DecoderFailed(f"{name}: decoding was cancelled.")
    if child.has_lied:
        return DecoderFailed(INVALID_REPLY.format(name=name))
    how = f"was killed by signal {-code}" if code < 0 else f"exited with code {code}"
    output = f" Its last output: {child.stderr_lines[-1]}" if child.stderr_lines else ""
    return DecoderFailed(f"{name}: the decoder {how}.{output}")
