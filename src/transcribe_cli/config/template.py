"""Generates a transcribe.toml with a description of every option and its default. configs/transcribe.toml is this text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from textwrap import wrap

from transcribe_cli.config.fields import FIELDS, allowed_values
from transcribe_cli.subtitles.standards import Standard

# The options of `transcribe remote`, which `run` does not use.
REMOTE_GROUP = "Remote backends"
# Title -> options, the most used first.
OPTION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Recognition": (
        "model",
        "language",
        "languages",
        "task",
        "audio_track",
        "channels",
        "multilingual",
        "word_timestamps",
        "initial_prompt",
        "hotwords",
    ),
    "Speakers": (
        "diarize",
        "diarize_model",
        "num_speakers",
        "min_speakers",
        "max_speakers",
        "speaker_names",
        "voices",
        "voice_threshold",
        "hf_token",
        "diarize_batch_size",
        "trust_model_code",
    ),
    "Outputs": ("output_format", "output_dir", "overwrite", "replace_corrected", "keep", "update", "trust_names"),
    "Subtitles": ("subtitles", "max_line_width", "max_line_count", "max_words_per_line", "highlight_words", "karaoke"),
    "Selection of recordings": (
        "include",
        "exclude",
        "follow_links",
        "shard",
        "max_duration",
        "scratch_limit",
        "fail_fast",
        "fail_on",
    ),
    "Device and resources": (
        "device",
        "device_index",
        "compute_type",
        "batch_size",
        "threads",
        "num_workers",
        "model_dir",
        "offline",
        "state_dir",
    ),
    "Limits and costs": ("max_cost", "max_hours", "until", "price_per_hour", "prices", "rtfx", "ledger", "ledger_url"),
    REMOTE_GROUP: (
        "backend",
        "fallback",
        "priority",
        "detach",
        "in_flight",
        "attempts",
        "upload",
        "staging",
        "max_queue",
        "max_start",
        "runpod_endpoint",
        "runpod_api_key",
        "dialect",
        "runpod_url",
        "runpod_api_url",
        "base_url",
        "openai_api_key",
        "groq_api_key",
        "api_key",
        "api_times",
    ),
    "Logging": ("quiet", "log_format"),
    "Speech detection": (
        "vad_filter",
        "vad_threshold",
        "vad_min_speech_duration_ms",
        "vad_min_silence_duration_ms",
        "vad_speech_pad_ms",
    ),
    "Decoding": (
        "preset",
        "sequential",
        "beam_size",
        "best_of",
        "patience",
        "length_penalty",
        "repetition_penalty",
        "no_repeat_ngram_size",
        "temperature",
        "compression_ratio_threshold",
        "log_prob_threshold",
        "no_speech_threshold",
        "suppress_tokens",
        "max_new_tokens",
        "rescue",
        "full_window",
    ),
}
_COMMENT_CHARACTERS = 100
_HEADER = """\
# Configuration of transcribe-cli (https://github.com/transcribe-cli/transcribe-cli).
#
# Every option is listed with its default. Remove the "#" before a line to change it.
#
# `transcribe run` looks for transcribe.toml in the folder of its first source, then in the folders above. A file that it finds there
# sets preferences only: options that name places, models, keys or backends, that let files be overwritten, or that raise a limit, count
# after `transcribe config trust FILE` (until the file changes), in a file given by --config, and in your own file:
# ~/.config/transcribe-cli/transcribe.toml on Linux.
# Precedence: defaults < your own file < this file < a profile < variables such as TRANSCRIBE_BATCH_SIZE < flags such as --batch-size.
# `transcribe config show` prints every value and its origin, and what is ignored.
#
# "none" means no value, for options that accept none (for numbers, "auto" is the same). Relative paths are relative to this
# file; "~" is your home folder.
"""
_FOOTER = """
# ---- Profiles ----

# A set of options for `transcribe run --profile night`. A file profiles/night.toml next to this one is equivalent.
# [profiles.night]
# model = "large-v3"

# ---- Storage ----

# Options of fsspec's file systems for s3://, gs://, az://, https://, sftp://: see docs/storage.md. A file that contains keys must
# be readable by you only. Prefer environment variables for keys (AWS_PROFILE, GOOGLE_APPLICATION_CREDENTIALS, …).
# [storage.s3]
# endpoint_url = "https://minio.example.org"

# ---- Subtitle standard ----

# Replaces the line `subtitles = "netflix"` above: a table with changes to a standard, here with the values of netflix.
# Times are in seconds; "none" means no limit; docs/subtitles.md has the values of all standards.
# [subtitles]
"""


def template() -> str:
    """The text of the file, generated from the descriptions and defaults of the fields."""
    groups = "".join(text for title, names in OPTION_GROUPS.items() for text in _group(title, names))
    return _HEADER + groups + _FOOTER + "".join(_standard_fields())


def _group(title: str, names: tuple[str, ...]) -> Iterator[str]:
    yield f"\n# ---- {title} ----\n"
    for name in names:
        explained = f"{FIELDS[name].description} Accepts {allowed_values(name)}."
        yield "\n" + "".join(f"# {line}\n" for line in wrap(explained, _COMMENT_CHARACTERS, break_on_hyphens=False))
        yield f"# {name} = {_toml(FIELDS[name].default)}\n"


def _standard_fields() -> Iterator[str]:
    """The fields of the default standard with their descriptions."""
    for name, value in Standard():
        yield f"#\n# # {Standard.model_fields[name].description}\n# {name} = {_toml(value)}\n"


def _toml(value: object) -> str:
    """Format a default as TOML. Strings, numbers, booleans and arrays are the same in JSON; null is the text `none`."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key} = {_toml(item)}' for key, item in value.items())}}}"
    return json.dumps("none" if value is None else str(value) if isinstance(value, Standard) else value, ensure_ascii=False)
