"""Everything a user can set that does not change the text: device, places, outputs, choice of files, limits, what is told.

`JobSpec` holds what changes the text. Every field of both is a key of `transcribe.toml` and a flag of `transcribe run`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator

from transcribe_cli import shards
from transcribe_cli.registry import BACKENDS, FORMATS
from transcribe_cli.spec import as_tuple
from transcribe_cli.storage import checked, is_url
from transcribe_cli.subtitles.standards import OTHER_LANGUAGES, Standard, SubtitleStyle

ComputeType = Literal[
    "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
]


def _as_folder(value: object) -> object:
    """A URL stays text: as a path it would lose one of its slashes."""
    return Path(value) if isinstance(value, str) and not is_url(value) else value


class Settings(BaseModel):
    """How and where to run. Frozen and validated; unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # where the outputs go
    output_format: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=("json", "srt", "vtt"),
        min_length=1,
        description=f"formats: {', '.join(FORMATS.names())}, or all that are installed; json is always written",
    )
    output_dir: Annotated[Path | str | None, BeforeValidator(_as_folder)] = Field(
        default=None, description="mirror the tree here, a folder or a URL such as s3://bucket/out; none: next to each recording"
    )
    subtitles: Standard = Field(
        default=Standard(),
        description="standard of subtitles: netflix, bbc, ted or plain, and what is to differ from it: bbc,max_chars=40",
    )
    max_line_width: int | None = Field(
        default=None, ge=1, le=1000, description="most characters in a line of subtitles; none: the standard's"
    )
    max_line_count: int | None = Field(default=None, ge=1, le=10, description="most lines in a cue; none: the standard's")
    max_words_per_line: int | None = Field(default=None, ge=1, le=1000, description="most words in a cue; none: the standard's")
    highlight_words: bool = Field(
        default=False, description="SRT and VTT: underline each word as it is spoken, in a cue of its own"
    )
    karaoke: bool = Field(default=False, description="VTT and ASS: the time of each word inside its cue")
    overwrite: bool = Field(default=False, description="do again what is done, and replace files that this tool did not write")
    trust_names: bool = Field(
        default=False, description="take for done what has files of the right names, without reading the transcripts"
    )

    # which recordings
    include: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="only files whose name or path below the folder matches one of these globs"
    )
    exclude: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="no file that matches one of these"
    )
    shard: str | None = Field(
        default=None,
        description="only this part of the tree: i/n, from 1/n to n/n; auto asks the variables of SLURM, Kubernetes and their like",
    )

    # where it runs
    device: Literal["auto", "cpu", "cuda"] = Field(
        default="auto", description="where to compute; auto takes CUDA when there is a GPU"
    )
    device_index: Annotated[tuple[int, ...], BeforeValidator(as_tuple)] = Field(
        default=(0,), min_length=1, description="which GPUs"
    )
    compute_type: ComputeType = Field(default="default", description="precision; default is float16 on CUDA, int8 on CPU")
    batch_size: int | None = Field(default=None, ge=1, le=1024, description="clips in a batch; none: 16 on CUDA, 2 on CPU")
    threads: int = Field(default=0, ge=0, description="processor threads for recognition; 0: as many as there are cores")
    num_workers: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="batches recognized side by side on a processor, sharing its threads; none: up to 4",
    )
    model_dir: Path | None = Field(default=None, description="where models are cached; none: the Hugging Face cache")
    state_dir: Path | None = Field(
        default=None,
        description="where enrolled voices, failures and finished clips of recordings in progress are kept; none: the user's state folder",
    )
    offline: bool = Field(default=False, description="never ask the hub, only use models that are here")

    # who speaks
    speaker_names: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="names to show for labels: SPEAKER_00=Ana; also from speakers.toml next to the recording"
    )
    voices: bool = Field(
        default=True, description="with diarize: name speakers whose voices were enrolled with `transcribe speakers enroll`"
    )
    voice_threshold: float = Field(
        default=0.7,
        ge=0,
        le=1,
        description="how near a voice must be to an enrolled one to be named, as a cosine; see docs/voices.md",
    )
    hf_token: SecretStr | None = Field(
        default=None, description="Hugging Face token for gated models; none: HF_TOKEN, or what `hf auth login` left"
    )
    diarize_batch_size: int | None = Field(
        default=None, ge=1, le=1024, description="windows in a batch of the diarizer; none: the pipeline's own"
    )

    # elsewhere
    backend: str = Field(default="runpod", description="where `transcribe remote` has the work done: runpod or openai")
    fallback: Annotated[tuple[str, ...], BeforeValidator(as_tuple)] = Field(
        default=(), description="backends that do what the first one fails at, in this order; local is this machine"
    )
    priority: Literal["cost", "speed"] | None = Field(
        default=None,
        description="which of several backends comes first: the cheapest or the fastest for an hour of audio; none: as they are named",
    )
    detach: bool = Field(default=False, description="send the jobs and do not wait; the next run collects what is done")
    in_flight: int = Field(
        default=16, ge=1, le=256, description="jobs that are elsewhere at once; with the backend openai, requests"
    )
    attempts: int = Field(
        default=3, ge=1, le=10, description="tries at a recording where the place fails; each may have to be paid for"
    )
    upload: Literal["auto", "original", "opus"] = Field(
        default="auto",
        description=(
            "what is sent of a file here: opus is mono, 16 kHz, 24 kbit/s; auto sends small files as they are. To the backend openai, "
            "original is WAV, and auto is WAV for servers of your own, Opus for others"
        ),
    )
    staging: str | None = Field(
        default=None, description="a bucket such as s3://bucket/folder for audio and results that are too large for a request"
    )
    max_queue: float = Field(default=6.0, gt=0, le=120, description="hours that a job may wait in the queue of the place")
    max_start: float = Field(
        default=15.0, gt=0, description="minutes that jobs wait for a first worker, before the place is given up"
    )
    runpod_endpoint: str | None = Field(default=None, description="id of the RunPod endpoint, such as abc123xyz")
    runpod_api_key: SecretStr | None = Field(default=None, description="key of the RunPod account; better as RUNPOD_API_KEY")
    dialect: Literal["transcribe", "faster-whisper"] = Field(
        default="transcribe", description="what the RunPod endpoint runs: our image, or RunPod's public faster-whisper worker"
    )
    runpod_url: str = Field(default="https://api.runpod.ai/v2", description="where RunPod's queues are")
    runpod_api_url: str = Field(default="https://api.runpod.io/v2", description="where RunPod tells about endpoints and prices")
    base_url: str = Field(
        default="https://api.openai.com/v1", description="where the server of the OpenAI API is, with the backend openai"
    )
    openai_api_key: SecretStr | None = Field(
        default=None, description="key for api.openai.com, sent to nobody else; better as OPENAI_API_KEY"
    )
    groq_api_key: SecretStr | None = Field(
        default=None, description="key for api.groq.com, sent to nobody else; better as GROQ_API_KEY"
    )
    api_key: SecretStr | None = Field(
        default=None, description="key for the server at base_url, whichever it is; better as TRANSCRIBE_API_KEY"
    )
    api_times: Literal["auto", "word", "segment", "none"] = Field(
        default="auto",
        description="times that the server at base_url can tell: auto goes by the model, and takes word for one that it does not know",
    )
    # where storage is, and how it is used; tables of the configuration file only, since they may hold keys
    storage: Annotated[Mapping[str, Mapping[str, Any]], BeforeValidator(checked)] = Field(
        default_factory=dict, repr=False, exclude=True, description="options of fsspec's file systems, such as storage.s3"
    )

    # limits
    scratch_limit: float = Field(
        default=50.0, gt=0, description="in GB; so much of recordings from elsewhere is on the scratch disk at once"
    )
    max_duration: float = Field(default=16.0, gt=0, description="in hours; a longer recording fails rather than fill the disk")
    fail_fast: bool = Field(default=False, description="stop at the first recording that fails")
    max_cost: float | None = Field(
        default=None, gt=0, description="in USD: stop when the run has cost so much; what is left is for the same command again"
    )
    max_hours: float | None = Field(default=None, gt=0, description="stop after so many hours; the same command goes on")
    until: str | None = Field(default=None, description="stop at this time of day, such as 06:00; the same command goes on")

    # what it costs, and what is remembered
    price_per_hour: float | None = Field(
        default=None, ge=0, description="what an hour of this machine costs, in USD; none: nothing, it is yours"
    )
    prices: Path | None = Field(
        default=None, description="a file of prices that win over the tool's own, of the form of configs/prices.toml"
    )
    rtfx: float | None = Field(
        default=None,
        gt=0,
        description="for estimates: seconds of audio that this machine does in a second; none: as fast as the ledger says it was",
    )
    ledger: bool = Field(default=True, description="remember runs, their cost and failures, for `transcribe report`")
    ledger_url: SecretStr | None = Field(
        default=None,
        description="where they are remembered, as a URL of SQLAlchemy; none: ledger.db in state_dir",
    )

    # what is told
    quiet: bool = Field(default=False, description="only errors")
    log_format: Literal["text", "json"] = Field(
        default="text", description="text for people, or json: events as JSON lines on stderr"
    )

    @field_validator("until")
    @classmethod
    def _time_of_day(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            return f"{datetime.strptime(value, '%H:%M'):%H:%M}"
        except ValueError:
            raise ValueError("it must be a time of day such as 06:00") from None

    @field_validator("shard")
    @classmethod
    def _known_shard(cls, value: str | None) -> str | None:
        return None if value is None else shards.check_shard(value)

    @field_validator("backend")
    @classmethod
    def _known_backend(cls, value: str) -> str:
        return known_backends((value,))[0]

    @field_validator("fallback")
    @classmethod
    def _known_fallback(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_backends(value)

    @field_validator("base_url")
    @classmethod
    def _whole_url(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("it must be a URL such as http://127.0.0.1:8000/v1")
        if url.username or url.password or url.query:
            raise ValueError("no key belongs into it; TRANSCRIBE_API_KEY is for that")
        return value.rstrip("/")

    @field_validator("output_format")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in (*FORMATS.names(), "all")]
        if unknown:
            raise ValueError(f"no output format is called {unknown[0]!r}; there are {', '.join(FORMATS.names())} and all")
        names = FORMATS.installed() if "all" in value else value
        # JSON is what the others are rendered from and what the done test reads: never without it.
        return tuple(dict.fromkeys(("json", *names)))

    @property
    def subtitle_style(self) -> SubtitleStyle:
        """How subtitles are made: the standard, with what was said about lines and words on its own."""
        said = {
            "max_chars": {OTHER_LANGUAGES: self.max_line_width} if self.max_line_width else None,
            "max_lines": self.max_line_count,
            "max_words": self.max_words_per_line,
        }
        standard = self.subtitles.model_copy(update={name: value for name, value in said.items() if value is not None})
        return SubtitleStyle(standard, highlight_words=self.highlight_words, karaoke=self.karaoke)


def known_backends(names: tuple[str, ...]) -> tuple[str, ...]:
    """These names of backends, each once.

    Raises:
        ValueError: one that does not exist.
    """
    if unknown := [name for name in names if name not in BACKENDS.names()]:
        raise ValueError(f"no backend is called {unknown[0]!r}; there are {', '.join(BACKENDS.names())}")
    return tuple(dict.fromkeys(names))
