"""What one attempt at a recording took at a place that may be paid for: what a ledger keeps and a price is put on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """One attempt at one recording, whether it brought a transcript or not. Seconds.

    Attributes:
        backend: its name, such as runpod.
        place: which one of its kind: an endpoint's id, a server's host name. Never a key, never a signed URL.
        tariffs: what the place may charge by: see `backends.Backend`.
        job_id: what the place calls the attempt; "" when it never said.
        computing: what the place says it computed for; 0.0 when it never began, None when nobody knows.
        queued: what the place says it waited before that; None when it does not say.
        audio: length of the recording as sent; None when nobody knows.
        bytes_sent: of audio, by this machine.
        error: code of what it failed with; "" when it brought a transcript.
        perhaps_again: true when an earlier attempt may have been paid for as well, because nobody knows what became of it.
        cost: in USD, put in by whoever knows prices (`backends.billed`); None when nobody does.
    """

    backend: str
    place: str
    tariffs: tuple[str, ...] = ()
    job_id: str = ""
    computing: float | None = 0.0
    queued: float | None = 0.0
    audio: float | None = None
    bytes_sent: int = 0
    error: str = ""
    perhaps_again: bool = False
    cost: float | None = None
