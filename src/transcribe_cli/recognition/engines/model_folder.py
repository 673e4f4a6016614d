"""Checks the folder of a recognizer before libraries in C++ and Rust read it: kinds and sizes of its files, and the numbers in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from transcribe_cli.errors import ModelUnavailable
from transcribe_cli.recognition.engines.weights_file import Architecture, read_architecture
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import open_regular_file, read_regular_file

CONFIG, WEIGHTS, TOKENIZER, FEATURES = "config.json", "model.bin", "tokenizer.json", "preprocessor_config.json"
# CTranslate2 opens the first of these that there is.
_VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
# large-v3 has 6 GB as 32-bit numbers, a tokenizer of 3 MB and a vocabulary of 1 MB.
_MAX_BYTES: Mapping[str, int] = {
    CONFIG: 1_000_000,
    FEATURES: 1_000_000,
    TOKENIZER: 64_000_000,
    WEIGHTS: 8_000_000_000,
    **dict.fromkeys(_VOCABULARIES, 64_000_000),
}
# They decide how much memory the features take, and how long they take to compute. Whisper: 80 or 128, 16000, 160, 30, 400.
_FEATURE_RANGES: Mapping[str, tuple[int, int]] = {
    "feature_size": (1, 512),
    "sampling_rate": (8_000, 48_000),
    "hop_length": (40, 1_600),
    "chunk_length": (1, 60),
    "n_fft": (64, 4_096),
}
_TOKEN_LISTS = ("lang_ids", "suppress_ids", "suppress_ids_begin")
_HINT = "Download the model again, or use another one with --model."


def check(folder: Path, name: str) -> Architecture:
    """Check a folder; returns the sizes of the model.

    Args:
        folder: of the model.
        name: of the model, for messages.

    Raises:
        ModelUnavailable: a file is damaged, no regular file, too large, or describes something that is no Whisper model.
    """
    try:
        return _check(folder)
    except OSError as error:
        file = Path(str(error.filename)).name
        raise refusal(name, f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise refusal(name, str(error)) from error


def check_tokenizer(name: str, tokens: int, architecture: Architecture) -> None:
    """Check that a tokenizer with this number of tokens has none that the model lacks: the model uses them as indices, unchecked.

    Raises:
        ModelUnavailable: it has.
    """
    if tokens > architecture.tokens:
        raise refusal(name, f"{TOKENIZER} has {tokens} tokens, the model has {architecture.tokens}")


def refusal(name: str, reason: str) -> ModelUnavailable:
    """The error for a model whose files cannot be used."""
    return ModelUnavailable(f"Model {printable(name)} does not load: {printable(reason)[:300]}.", _HINT)


def _check(folder: Path) -> Architecture:
    for file, limit in _MAX_BYTES.items():
        if (folder / file).is_symlink() or (folder / file).exists():
            with open_regular_file(folder / file) as opened:
                if opened.seek(0, 2) > limit:
                    raise ValueError(f"{file} has more than {limit / 1e6:,.0f} MB")
    try:
        architecture = read_architecture(folder / WEIGHTS)
    except ValueError as error:
        raise ValueError(f"{WEIGHTS} {error}") from error
    _check_config(_read_table(folder, CONFIG), architecture)
    _check_vocabulary(folder, architecture)
    if (folder / FEATURES).exists():
        _check_features(_read_table(folder, FEATURES), architecture)
    return architecture


def _read_table(folder: Path, file: str) -> dict[str, Any]:
    try:
        table = parse_json(read_regular_file(folder / file, _MAX_BYTES[file]))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON") from error
    if isinstance(table, dict):
        return table
    raise ValueError(f"{file} is no JSON object")


def _check_config(config: Mapping[str, Any], architecture: Architecture) -> None:
    """CTranslate2 uses the numbers of tokens, layers and heads as indices, unchecked."""
    for key in _TOKEN_LISTS:
        if not _are_indices(config.get(key) or [], architecture.tokens):
            raise ValueError(f"{CONFIG} has {key} that the model does not have")
    heads = config.get("alignment_heads") or []
    if not isinstance(heads, list) or not all(_is_head(pair, architecture) for pair in heads):
        raise ValueError(f"{CONFIG} has alignment_heads that the model does not have")


def _is_head(pair: object, architecture: Architecture) -> bool:
    """Whether this is a layer and a head of it."""
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    return _are_indices(pair[:1], architecture.layers) and _are_indices(pair[1:], architecture.heads)


def _check_vocabulary(folder: Path, architecture: Architecture) -> None:
    file = next((file for file in _VOCABULARIES if (folder / file).exists()), None)
    if file is None:
        raise ValueError("there is no vocabulary")
    data = read_regular_file(folder / file, _MAX_BYTES[file])
    if file.endswith(".txt"):
        count = len(data.splitlines())
    else:
        entries = parse_json(data)
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ValueError(f"{file} is no list of tokens")
        count = len(entries)
    if count > architecture.tokens:
        raise ValueError(f"{file} has {count} tokens, the model has {architecture.tokens}")


def _are_indices(given: object, count: int) -> bool:
    return isinstance(given, list) and all(
        isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count for index in given
    )


def _check_features(given: Mapping[str, Any], architecture: Architecture) -> None:
    for key, (low, high) in _FEATURE_RANGES.items():
        value = given.get(key, low)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"{FEATURES} has a {key} that is not a number from {low} to {high}")
    if given.get("feature_size", architecture.mels) != architecture.mels:
        raise ValueError(f"{FEATURES} has {given['feature_size']} mel bands, the model has {architecture.mels}")
