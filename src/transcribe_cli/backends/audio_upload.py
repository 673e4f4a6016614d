"""Sends the audio of a recording to a worker: as a signed URL of its location, inside the request, or through a staging bucket.

Local files that fit into a request are sent unchanged, so the worker reads the same bytes. Others are sent as Opus, mono, 16 kHz (two
channels where these are split): a fortieth of the size of a video, with little loss.
"""

from __future__ import annotations

import base64
import os
import queue
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from transcribe_cli.audio import Decoder, Waveform, choose_track
from transcribe_cli.audio.media_info import Spans
from transcribe_cli.audio.opus import MAX_CHANNELS, write_opus
from transcribe_cli.audio.recording_file import open_regular
from transcribe_cli.backends.staging import MAX_BYTES, Staging, download_url
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.errors import RecordingError, StorageNotReady, Unreadable
from transcribe_cli.plan import Job
from transcribe_cli.settings import Settings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location
from transcribe_cli.text.links import Tree
from transcribe_cli.text.printable import printable
from transcribe_cli.vad import speech_seconds


@dataclass(frozen=True)
class AudioUpload:
    """Audio that is ready to be sent or downloaded.

    Attributes:
        url: where a worker downloads it; "" when `data` holds it. A secret.
        data: base64 of the file.
        spec: the job's, without `audio_track` when the track was extracted here.
        bytes: size of the file that this machine sends.
        seconds: duration; None when it is unknown.
        promised: duration in seconds in the header, for a file that was decoded here.
        flags: faults of the audio, when it was decoded here.
        skipped: damaged packets.
        left_out: stretches of time in which channels were left out of the mix here.
        louder: stretches of time that were made louder here.
        staged: unsigned URL of the staged object, to be removed afterwards.
    """

    url: str
    data: str
    spec: JobSpec
    bytes: int = 0
    seconds: float | None = None
    promised: float | None = None
    flags: tuple[str, ...] = ()
    skipped: int = 0
    left_out: Spans = ()
    louder: Spans = ()
    staged: str = ""


class AudioUploader:
    """Prepares uploads, as many at once as it has decoders. Thread-safe.

    Args:
        inline_bytes: maximum size of a file inside a request.
        staging: None without a bucket.
    """

    def __init__(
        self, settings: Settings, decoders: list[Decoder], fetcher: Fetcher, staging: Staging | None, inline_bytes: int
    ) -> None:
        self._settings = settings
        self._fetcher = fetcher
        self._staging = staging
        self._inline_bytes = inline_bytes
        self._free_decoders: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in decoders:
            self._free_decoders.put(decoder)

    def prepare(self, job: Job, url_seconds: float, stop: StopFlag, on_staging: Callable[[str], None]) -> AudioUpload:
        """The audio of a job. The caller removes the staged object; `on_staging` gets its URL before it is written.

        Raises:
            RecordingError: the audio cannot be read or decoded, or is too large to be sent.
            StorageNotReady: the staging bucket or the scratch disk cannot be written.
            Stopped: the run was stopped.
        """
        path = job.recording.path
        if isinstance(path, Location) and path.store.kind.family in ("http", "s3", "gcs", "azure"):
            try:
                return AudioUpload(download_url(path, url_seconds), "", job.spec)
            except StorageNotReady:  # no credentials that can sign: this machine sends the audio
                pass
        with self._fetcher.fetch(job.recording) as (local_path, recording), self._decoder() as decoder:
            tree = recording.tree
            track = job.spec.audio_track
            duration = decoder.probe(local_path, track=track if isinstance(track, int) else None, tree=tree).duration
            if self._settings.upload != "opus" and (self._settings.upload == "original" or recording.size <= self._inline_bytes):
                upload = AudioUpload("", "", job.spec, seconds=duration)
                return self._with_file(upload, local_path, url_seconds, on_staging, tree)
            split = job.spec.channels == "split"
            track = choose_track(decoder, local_path, track, job.spec.language, speech_seconds, tree=tree)
            with decoder.decode(local_path, track=track, split=split, on_progress=lambda _: stop.check(), tree=tree) as waveform:
                return self._as_opus(job, waveform, url_seconds, stop, on_staging)

    def _as_opus(
        self, job: Job, waveform: Waveform, url_seconds: float, stop: StopFlag, on_staging: Callable[[str], None]
    ) -> AudioUpload:
        if waveform.channels > MAX_CHANNELS:
            raise RecordingError(
                f"{printable(job.recording.name)} has {waveform.channels} channels to split; Opus takes at most {MAX_CHANNELS}.",
                "Use --upload original.",
            )
        damage = waveform.damage
        spec = job.spec.model_copy(update={"audio_track": None})
        upload = AudioUpload(
            url="",
            data="",
            spec=spec,
            seconds=waveform.seconds,
            promised=damage.header_seconds,
            flags=damage.flags,
            skipped=damage.skipped_packets,
            left_out=damage.left_out,
            louder=damage.louder,
        )
        with tempfile.NamedTemporaryFile(prefix="transcribe-", suffix=".ogg") as file:
            path = Path(file.name)
            try:
                write_opus(waveform, path, stop.check)
            except OSError as error:
                raise StorageNotReady(
                    f"Scratch files cannot be written ({error.strerror}).", "Free space on the disk of TMPDIR."
                ) from error
            return self._with_file(upload, path, url_seconds, on_staging)

    def _with_file(
        self, upload: AudioUpload, path: Path, url_seconds: float, on_staging: Callable[[str], None], tree: Tree | None = None
    ) -> AudioUpload:
        """The upload with the file inside it, or with the URL of the file in the staging bucket."""
        size = path.stat().st_size
        if size > self._inline_bytes and self._staging is None:
            raise RecordingError(
                f"It needs an upload of {size / 1e6:.0f} MB; a request takes at most {self._inline_bytes / 1e6:.0f} MB.",
                "Set a staging bucket: --staging s3://bucket/folder.",
            )
        if size > MAX_BYTES:
            raise RecordingError(
                f"It needs an upload of {size / 1e6:.0f} MB; at most {MAX_BYTES / 1e6:.0f} MB can be sent.", "Use --upload auto."
            )
        try:
            with os.fdopen(open_regular(path, printable(path.name), tree), "rb") as file:
                data = file.read()
        except OSError as error:
            raise Unreadable(f"{printable(path.name)} cannot be read ({error.strerror}).") from error
        if size <= self._inline_bytes or self._staging is None:
            return replace(upload, data=base64.b64encode(data).decode(), bytes=size)
        location = self._staging.new_object("audio")
        on_staging(location.uri)
        try:
            self._staging.put(location, data)
            url = download_url(location, url_seconds)
        except BaseException:
            self._staging.remove(location.uri)
            raise
        return replace(upload, url=url, bytes=size, staged=location.uri)

    @contextmanager
    def _decoder(self) -> Iterator[Decoder]:
        """A decoder, as soon as one is free."""
        decoder = self._free_decoders.get()
        try:
            yield decoder
        finally:
            self._free_decoders.put(decoder)
