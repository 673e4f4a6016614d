"""The options that do not change the text: device, backends, outputs, selection of files, limits, logging.

`JobSpec` holds the options that change the text. Every field of both is a key of `transcribe.toml` and a flag of `transcribe run`, and
says what it decides (`spec.Weight`): a file that was only found among the recordings cannot set options with authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator, model_validator

from transcribe_cli import shards
from transcribe_cli.registry import BACKENDS, FORMATS
from transcribe_cli.spec import Authority, Limit, Preference, Texts, as_tuple
from transcribe_cli.storage import as_folder, validate_options
from transcribe_cli.subtitles.standards import OTHER_LANGUAGES, Standard, SubtitleStyle
from transcribe_cli.text.verdicts import Level

ComputeType = Literal[
    "default", "auto", "int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32"
]


class Settings(BaseModel):
    """How and where to run. Frozen and validated; unknown keys are rejected."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # outputs
    output_format: Preference[Texts] = Field(
        default=("json", "srt", "vtt"),
        min_length=1,
        description=f"Output formats: {', '.join(FORMATS.names())}, or all for every installed one. JSON is always written.",
    )
    output_dir: Authority[Annotated[Path | str | None, BeforeValidator(as_folder)]] = Field(
        default=None,
        description="Folder or URL (s3://bucket/out) that mirrors the source tree. Default: next to each recording.",
    )
    subtitles: Preference[Standard] = Field(
        default=Standard(),
        description="Subtitle standard: netflix, bbc, ted or plain, with optional changes such as bbc,max_chars=40.",
    )
    max_line_width: Preference[int | None] = Field(
        default=None, ge=1, le=1000, description="Maximum number of characters in a subtitle line. Default: the standard's value."
    )
    max_line_count: Preference[int | None] = Field(
        default=None, ge=1, le=10, description="Maximum number of lines in a cue. Default: the standard's value."
    )
    max_words_per_line: Preference[int | None] = Field(
        default=None, ge=1, le=1000, description="Maximum number of words in a cue. Default: the standard's value."
    )
    highlight_words: Preference[bool] = Field(
        default=False, description="SRT and VTT: underline each word as it is spoken, in its own cue."
    )
    karaoke: Preference[bool] = Field(default=False, description="VTT and ASS: put the time of each word inside its cue.")
    overwrite: Authority[bool] = Field(
        default=False, description="Redo finished recordings, and replace files not written by this tool."
    )
    replace_corrected: Authority[bool] = Field(
        default=False, description="Also replace what people corrected. Default: write beside."
    )
    keep: Preference[bool] = Field(default=False, description="Keep transcripts that were made with other options.")
    update: Authority[bool] = Field(
        default=False, description="Also redo transcripts that differ by a default, or that another version of this tool made."
    )
    trust_names: Preference[bool] = Field(default=False, description="Take a recording for done if its files exist, unread.")

    # selection of recordings
    include: Preference[Texts] = Field(
        default=(), description="Process only files whose name, or path below the folder, matches one of these globs."
    )
    exclude: Preference[Texts] = Field(
        default=(), description="Skip files whose name, or path below the folder, matches one of these globs."
    )
    follow_links: Authority[bool] = Field(
        default=False,
        description="Follow links below a source or output folder also where they lead out of it. Only where you trust who put them.",
    )
    shard: Preference[str | None] = Field(
        default=None, description="One shard of the tree: i/n, from 1/n to n/n. auto takes it from SLURM, Kubernetes and similar."
    )

    # device and resources
    device: Preference[Literal["auto", "cpu", "cuda"]] = Field(
        default="auto", description="Device for the models. auto uses CUDA if a GPU is available."
    )
    device_index: Preference[Annotated[tuple[Annotated[int, Field(ge=0, le=1023)], ...], BeforeValidator(as_tuple)]] = Field(
        default=(0,), min_length=1, max_length=1024, description="Indexes of the GPUs to use."
    )
    compute_type: Preference[ComputeType] = Field(
        default="default", description="Numeric precision. default is float16 on CUDA and int8 on CPU."
    )
    batch_size: Preference[int | None] = Field(
        default=None, ge=1, le=1024, description="Number of clips in a batch. Default: 16 on CUDA, 2 on CPU."
    )
    threads: Preference[int] = Field(default=0, ge=0, le=1024, description="CPU threads for recognition. 0 uses all cores.")
    num_workers: Preference[int | None] = Field(
        default=None,
        ge=1,
        le=256,
        description="Batches recognized at a time on the CPU; they share its threads. Default: up to 4.",
    )
    model_dir: Authority[Path | None] = Field(default=None, description="Folder of the model cache. Default: Hugging Face's.")
    state_dir: Authority[Path | None] = Field(
        default=None, description="Folder for enrolled voices, failures and checkpoints. Default: the user's state folder."
    )
    offline: Authority[bool] = Field(default=False, description="Use only downloaded models; never contact the Hugging Face hub.")

    # speakers
    speaker_names: Preference[Texts] = Field(
        default=(),
        description="Display names for labels, such as SPEAKER_00=Ana. Also read from speakers.toml next to the recording.",
    )
    voices: Preference[bool] = Field(
        default=True, description="With diarize: name speakers whose voices were enrolled with `transcribe speakers enroll`."
    )
    voice_threshold: Preference[float] = Field(
        default=0.7, ge=0, le=1, description="Minimum cosine similarity to an enrolled voice to use its name. See docs/voices.md."
    )
    hf_token: Authority[SecretStr | None] = Field(
        default=None, description="Hugging Face token for gated models. Default: HF_TOKEN, or the token saved by `hf auth login`."
    )
    trust_model_code: Authority[bool] = Field(
        default=False,
        description="Also load diarizers whose files contain a program, and run it. Only for files that you trust like a program.",
    )
    diarize_batch_size: Preference[int | None] = Field(
        default=None, ge=1, le=1024, description="Number of windows in a diarizer batch. Default: the pipeline's value."
    )

    # remote backends
    backend: Authority[str] = Field(default="runpod", description="Backend of `transcribe remote`: runpod or openai.")
    fallback: Authority[Texts] = Field(
        default=(), description="Backends to try, in this order, for recordings that the first one fails. local is this machine."
    )
    priority: Preference[Literal["cost", "speed"] | None] = Field(
        default=None,
        description="Order of several backends: the cheapest or the fastest per hour of audio first. Default: as listed.",
    )
    detach: Preference[bool] = Field(default=False, description="Submit the jobs and exit. The next run collects the results.")
    in_flight: Limit[int] = Field(
        default=16, ge=1, le=256, description="Maximum number of concurrent remote jobs. For the backend openai: of requests."
    )
    attempts: Limit[int] = Field(
        default=3, ge=1, le=10, description="Maximum number of attempts if the backend fails. Each may be billed."
    )
    upload: Preference[Literal["auto", "original", "opus"]] = Field(
        default="auto",
        description=(
            "Audio to upload for a local file. opus is mono, 16 kHz, 24 kbit/s. auto uploads small files unchanged. For the backend "
            "openai, original is WAV, and auto is WAV for your own servers and Opus for others."
        ),
    )
    staging: Authority[str | None] = Field(
        default=None, description="Bucket, such as s3://bucket/folder, for audio and results that are too large for a request."
    )
    max_queue: Preference[float] = Field(
        default=6.0, gt=0, le=120, description="Maximum time of a job in the backend's queue, in hours."
    )
    max_start: Preference[float] = Field(
        default=15.0, gt=0, le=10_000, description="Maximum time to wait for the backend's first worker, in minutes."
    )
    runpod_endpoint: Authority[str | None] = Field(default=None, description="RunPod endpoint ID, such as abc123xyz.")
    runpod_api_key: Authority[SecretStr | None] = Field(
        default=None, description="RunPod API key. Prefer the variable RUNPOD_API_KEY."
    )
    dialect: Preference[Literal["transcribe", "faster-whisper"]] = Field(
        default="transcribe", description="Worker on the RunPod endpoint: our image, or RunPod's public faster-whisper worker."
    )
    runpod_url: Authority[str] = Field(default="https://api.runpod.ai/v2", description="Base URL of RunPod's job API.")
    runpod_api_url: Authority[str] = Field(
        default="https://api.runpod.io/v2", description="Base URL of RunPod's endpoint and price API."
    )
    base_url: Authority[str] = Field(
        default="https://api.openai.com/v1", description="Base URL of the OpenAI-compatible server, with the backend openai."
    )
    openai_api_key: Authority[SecretStr | None] = Field(
        default=None, description="API key for api.openai.com, sent to no other server. Prefer the variable OPENAI_API_KEY."
    )
    groq_api_key: Authority[SecretStr | None] = Field(
        default=None, description="API key for api.groq.com, sent to no other server. Prefer the variable GROQ_API_KEY."
    )
    api_key: Authority[SecretStr | None] = Field(
        default=None, description="API key for the server at base_url, whichever it is. Prefer the variable TRANSCRIBE_API_KEY."
    )
    api_times: Preference[Literal["auto", "word", "segment", "none"]] = Field(
        default="auto",
        description="Timestamps that the server at base_url returns. auto decides by the model, and assumes word for an unknown one.",
    )
    # storage: only in the configuration file, because the tables may hold keys
    storage: Authority[Annotated[Mapping[str, Mapping[str, Any]], BeforeValidator(validate_options)]] = Field(
        default_factory=dict, repr=False, exclude=True, description="Options of fsspec's file systems: tables such as storage.s3."
    )

    # limits
    scratch_limit: Limit[float] = Field(
        default=50.0, gt=0, le=1e9, description="Maximum size of the fetched recordings on the scratch disk at a time, in GB."
    )
    max_duration: Limit[float] = Field(
        default=16.0, gt=0, le=10_000, description="Maximum duration of a recording, in hours. Longer ones fail."
    )
    fail_fast: Preference[bool] = Field(default=False, description="Stop at the first recording that fails.")
    fail_on: Preference[Level | None] = Field(
        default=None,
        description="Exit with code 3 if the verdict on any transcript is check or worse, or only if bad. Default: never.",
    )
    max_cost: Limit[float | None] = Field(
        default=None, gt=0, le=1e9, description="Stop when the run has cost this much, in USD. The same command continues."
    )
    max_hours: Limit[float | None] = Field(
        default=None, gt=0, le=1e6, description="Stop after this many hours. The same command continues."
    )
    until: Preference[str | None] = Field(
        default=None, description="Stop at this time of day, such as 06:00. The same command continues."
    )

    # costs and the ledger
    price_per_hour: Authority[float | None] = Field(
        default=None, ge=0, le=1e6, description="Price of this machine per hour, in USD. Default: free."
    )
    prices: Authority[Path | None] = Field(
        default=None, description="Price file that overrides the built-in prices, in the format of configs/prices.toml."
    )
    rtfx: Preference[float | None] = Field(default=None, ge=0.001, le=1e6, description="Speed, for estimates. Default: measured.")
    ledger: Preference[bool] = Field(default=True, description="Record runs, costs and failures for `transcribe report`.")
    ledger_url: Authority[SecretStr | None] = Field(
        default=None, description="SQLAlchemy URL of the ledger. Default: ledger.db in state_dir."
    )

    # logging
    quiet: Preference[bool] = Field(default=False, description="Show only errors, warnings and bad texts.")
    log_format: Preference[Literal["text", "json"]] = Field(
        default="text", description="Log format: text for people, or json for events as JSON lines on stderr."
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

    @model_validator(mode="after")
    def _keep_and_update_exclude_each_other(self) -> Settings:
        if self.keep and self.update:
            raise ValueError("keep leaves transcripts as they are, and update makes them again")
        return self

    @field_validator("shard")
    @classmethod
    def _known_shard(cls, value: str | None) -> str | None:
        return None if value is None else shards.check_shard(value)

    @field_validator("backend", "fallback")
    @classmethod
    def _known_backends(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for name in (value,) if isinstance(value, str) else value:
            if name not in BACKENDS.names():
                raise ValueError(f"unknown backend {name!r}; choose from {', '.join(BACKENDS.names())}")
        return value if isinstance(value, str) else tuple(dict.fromkeys(value))

    @field_validator("base_url", "runpod_url", "runpod_api_url")
    @classmethod
    def _whole_url(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("it must be a URL such as http://127.0.0.1:8000/v1")
        if "@" in url.netloc or url.query:
            raise ValueError("it must not contain a key; use TRANSCRIBE_API_KEY or RUNPOD_API_KEY")
        return value.rstrip("/")

    @field_validator("output_format")
    @classmethod
    def _known_formats(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in value if name not in (*FORMATS.names(), "all")]
        if unknown:
            raise ValueError(f"unknown output format {unknown[0]!r}; choose from {', '.join(FORMATS.names())} and all")
        names = FORMATS.installed() if "all" in value else value
        # JSON is always written: the other formats are rendered from it, and the done test reads it.
        return tuple(dict.fromkeys(("json", *names)))

    @property
    def subtitle_style(self) -> SubtitleStyle:
        """How to render subtitles: the standard with the separate options for lines and words applied."""
        overrides = {
            "max_chars": {OTHER_LANGUAGES: self.max_line_width} if self.max_line_width else None,
            "max_lines": self.max_line_count,
            "max_words": self.max_words_per_line,
        }
        standard = self.subtitles.model_copy(update={name: value for name, value in overrides.items() if value is not None})
        return SubtitleStyle(standard, highlight_words=self.highlight_words, karaoke=self.karaoke)
