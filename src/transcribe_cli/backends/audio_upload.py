"""How the audio of a recording gets elsewhere: a signed URL of where it is, inside the request, or by way of a staging bucket.

Files of this machine are sent as they are when they are small enough to go inside a request: the worker then reads the very same bits.
Otherwise as Opus, mono, 16 kHz (both channels where they are to be kept apart), which is a fortieth of a video, and little else.
"""

from __future__ import annotations

import base64
import queue
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from transcribe_cli.audio import Decoder, Waveform
from transcribe_cli.audio.opus import MAX_CHANNELS, write_opus
from transcribe_cli.backends.staging import MOST_BYTES, Staging, download_url
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import RecordingError, StorageNotReady, Unreadable
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location
from transcribe_cli.text.printable import printable


@dataclass(frozen=True)
class AudioUpload:
    """Audio, ready to be sent or fetched.

    Attributes:
        url: where it can be fetched; "" when `data` holds it. A secret.
        data: base64 of the file.
        spec: what is to be done with it, which is not the job's when a track was chosen here.
        bytes: sent, or about to be.
        seconds: length; None when nobody knows.
        promised: seconds that the header of a file that was decoded here promises.
        flags: what was wrong with the audio when it was decoded here.
        skipped: damaged packets.
        staged: unsigned URL of an object to be removed afterwards.
    """

    url: str
    data: str
    spec: JobSpec
    bytes: int = 0
    seconds: float | None = None
    promised: float | None = None
    flags: tuple[str, ...] = ()
    skipped: int = 0
    staged: str = ""


class AudioUploader:
    """Makes parcels, a few at a time. From any thread.

    Args:
        inline_bytes: a file of so many bytes may be inside a request.
        staging: None when there is no bucket.
    """

    def __init__(
        self, settings: Settings, decoders: list[Decoder], fetcher: Fetcher, staging: Staging | None, inline_bytes: int
    ) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._staging = staging
        self._inline = inline_bytes
        self._decoders: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in decoders:
            self._decoders.put(decoder)

    def prepare(self, job: Job, url_seconds: float, stop: StopFlag, staged: Callable[[str], None]) -> AudioUpload:
        """The audio of a job; what is staged is removed by whoever asked, who is told where before it is put there.

        Raises:
            RecordingError: it cannot be read or decoded, or is too large to go anywhere.
            StorageNotReady: staging or scratch cannot be written.
            Stopped: the run was stopped.
        """
        path = job.recording.path
        if isinstance(path, Location) and path.store.kind.family in ("http", "s3", "gcs", "azure"):
            try:
                return AudioUpload(download_url(path, url_seconds), "", job.spec)
            except StorageNotReady:  # no credentials that can sign: it goes through this machine
                pass
        with self._fetcher.fetch(job.recording) as (here, recording), self._decoder() as decoder:
            length = decoder.probe(here, track=job.spec.audio_track).duration
            if self._settings.upload != "opus" and (self._settings.upload == "original" or recording.size <= self._inline):
                return self._addressed(AudioUpload("", "", job.spec, seconds=length), here, url_seconds, staged)
            split = job.spec.channels == "split"
            with decoder.decode(here, track=job.spec.audio_track, split=split, on_progress=lambda _: stop.check()) as waveform:
                return self._as_opus(job, waveform, url_seconds, stop, staged)

    def _as_opus(
        self, job: Job, waveform: Waveform, url_seconds: float, stop: StopFlag, staged: Callable[[str], None]
    ) -> AudioUpload:
        if waveform.channels > MAX_CHANNELS:
            raise RecordingError(
                f"{printable(job.recording.name)} has {waveform.channels} channels to keep apart, which cannot be sent as Opus.",
                "Use --upload original.",
            )
        damage = waveform.damage
        flags = (*(["truncated"] if damage.truncated else []), *(["damaged"] if damage.skipped_packets else []))
        spec = job.spec.model_copy(update={"audio_track": None})
        upload = AudioUpload("", "", spec, 0, waveform.seconds, damage.header_seconds, flags, damage.skipped_packets)
        with tempfile.NamedTemporaryFile(prefix="transcribe-", suffix=".ogg") as file:
            path = Path(file.name)
            try:
                write_opus(waveform, path, stop.check)
            except OSError as error:
                raise StorageNotReady(f"Scratch files cannot be written ({error.strerror}).", "Make room in TMPDIR.") from error
            return self._addressed(upload, path, url_seconds, staged)

    def _addressed(self, upload: AudioUpload, path: Path, url_seconds: float, staged: Callable[[str], None]) -> AudioUpload:
        """With the file inside it, or in the staging bucket."""
        size = path.stat().st_size
        if size > self._inline and self._staging is None:
            raise RecordingError(
                f"It has {size / 1e6:.0f} MB to send, and only {self._inline / 1e6:.0f} MB fit into a request.",
                "Set a staging bucket: --staging s3://bucket/folder.",
            )
        if size > MOST_BYTES:
            raise RecordingError(f"It has {size / 1e6:.0f} MB to send, which is too much.", "Use --upload auto.")
        try:
            data = path.read_bytes()
        except OSError as error:
            raise Unreadable(f"{printable(path.name)} cannot be read ({error.strerror}).") from error
        if size <= self._inline or self._staging is None:
            return replace(upload, data=base64.b64encode(data).decode(), bytes=size)
        place = self._staging.new_object("audio")
        staged(place.uri)
        try:
            self._staging.put(place, data)
            url = download_url(place, url_seconds)
        except BaseException:
            self._staging.remove(place.uri)
            raise
        return replace(upload, url=url, bytes=size, staged=place.uri)

    @contextmanager
    def _decoder(self) -> Iterator[Decoder]:
        """One of them, when it is free."""
        decoder = self._decoders.get()
        try:
            yield decoder
        finally:
            self._decoders.put(decoder)
