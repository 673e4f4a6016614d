"""What one attempt at a recording used of a backend that may charge: the basis of its price and of its row in the ledger."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Usage:
    """The usage of one attempt at one recording, successful or not. Times in seconds.

    Attributes:
        backend: name of the backend, such as runpod.
        place: the endpoint's id or the server's host name. Never a key, never a signed URL.
        tariffs: see `backends.Backend.tariffs`.
        job_id: the backend's id of the attempt; "" if it is not known.
        computing: compute time that the backend reports; 0.0 if the attempt never started, None if the time is not known.
        queued: time in the queue that the backend reports; None if it reports none.
        audio: length of the recording as sent; None if it is not known.
        bytes_sent: audio sent by this machine.
        error: code of the error; "" on success.
        perhaps_again: true if an earlier attempt, whose result is not known, may be charged as well.
        cost: in USD, set by `backends.metered`; None if it is not known.
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
