"""Checks the folder of a recognizer before libraries in C++ and Rust read it: kinds and sizes of its files, and the numbers in them."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transcribe_cli.errors import ModelUnavailable, TranscribeError, UsageError
from transcribe_cli.recognition.engines.tokenizer_file import TOKENIZER, check_steps, check_tokenizer, check_tokenizer_file
from transcribe_cli.recognition.engines.weights_file import read_architecture
from transcribe_cli.recognition.engines.whisper_variables import Architecture
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.printable import printable
from transcribe_cli.text.regular_files import open_regular_file, read_regular_file

if TYPE_CHECKING:
    from tokenizers import Tokenizer

CONFIG, WEIGHTS, FEATURES = "config.json", "model.bin", "preprocessor_config.json"
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
# What PyTorch, Transformers and openai/whisper save.
_OTHER_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.pt", "*.pth", "ggml*.bin")
_TOKEN_LISTS = ("lang_ids", "suppress_ids", "suppress_ids_begin")
# The hub's client keeps its downloads in models--OWNER--NAME/snapshots/COMMIT.
_CACHE_FOLDER = "snapshots"
_DEFAULT_MELS = 80  # of faster-whisper, without a preprocessor_config.json


def check(folder: Path, name: str, *, word_times: bool = False) -> None:
    """Check a folder completely, so that nothing of it is found out with the first recording.

    Args:
        folder: of the model.
        name: of the model, for messages.
        word_times: whether words are to be aligned.

    Raises:
        ModelUnavailable: a file is missing, damaged, no regular file, too large, or describes something that is no Whisper model.
    """
    architecture = check_numbers(folder, name)
    with _refusals(folder, name):
        check_tokenizer_file(folder, _vocabulary(folder), architecture.tokens)
    if word_times and not architecture.aligns:
        message = f"Model {printable(name)} cannot find word times: {CONFIG} has no alignment_heads."
        raise ModelUnavailable(message, "Use --no-word-timestamps, or convert the model again.")


def check_numbers(folder: Path, name: str) -> Architecture:
    """Check everything that libraries in C++ and Rust use unchecked; returns the sizes of the model.

    Raises:
        ModelUnavailable: as above.
    """
    with _refusals(folder, name):
        architecture = _check(folder)
    if not (folder / TOKENIZER).exists():
        hint = f"Put the tokenizer.json of the Whisper model that it was made from into {printable(str(folder))}."
        raise ModelUnavailable(f"Model {printable(name)} does not load: {TOKENIZER} is missing.", hint)
    return architecture


def check_loaded(folder: Path, name: str, tokenizer: Tokenizer, architecture: Architecture) -> None:
    """Check that the tokenizer that was loaded is that of the model.

    Raises:
        ModelUnavailable: it is another one.
    """
    with _refusals(folder, name):
        check_tokenizer(tokenizer, _vocabulary(folder), architecture.tokens)


def incomplete(folder: Path, name: str) -> TranscribeError:
    """The error for a folder that lacks the configuration or the weights of a model."""
    if not (folder / WEIGHTS).exists() and any(True for pattern in _OTHER_WEIGHTS for _ in folder.glob(pattern)):
        return ModelUnavailable(
            f"Model {printable(name)} has the format of another library: {WEIGHTS} of CTranslate2 is missing.",
            "Convert it: ct2-transformers-converter --model FOLDER --output_dir NEW --copy_files tokenizer.json preprocessor_config.json",
        )
    missing = [file for file in (CONFIG, WEIGHTS) if not (folder / file).is_file()]
    if len(missing) == 1 or (folder / TOKENIZER).exists() or any((folder / file).exists() for file in _VOCABULARIES):
        return refusal(folder, name, f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
    return UsageError(f"The folder {printable(name)} contains no CTranslate2 model: {WEIGHTS} or {CONFIG} is missing.")


def refusal(folder: Path, name: str, reason: str) -> ModelUnavailable:
    """The error for a model whose files cannot be used."""
    hint = (
        f"Download it again: `transcribe models pull {printable(name)}`."
        if folder.parent.name == _CACHE_FOLDER
        else "Fetch or convert this folder again, or use another model with --model."
    )
    return ModelUnavailable(f"Model {printable(name)} does not load: {printable(reason)[:300]}.", hint)


@contextmanager
def _refusals(folder: Path, name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        file = Path(str(error.filename)).name
        reason = "is missing" if error.errno == errno.ENOENT else f"cannot be read: {error.strerror}"
        raise refusal(folder, name, f"{file} {reason}") from error
    except ValueError as error:
        raise refusal(folder, name, str(error)) from error


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
    config = _read_table(folder, CONFIG)
    _check_config(config, architecture)
    _check_vocabulary(folder, architecture)
    if (folder / FEATURES).exists():
        _check_features(_read_table(folder, FEATURES), architecture)
    elif architecture.mels != _DEFAULT_MELS:
        raise ValueError(f"{FEATURES} is missing")
    if (folder / TOKENIZER).exists():
        check_steps(_read_table(folder, TOKENIZER))
    return replace(architecture, aligns=bool(config.get("alignment_heads")))


def _read_table(folder: Path, file: str) -> dict[str, Any]:
    try:
        table = parse_json(read_regular_file(folder / file, _MAX_BYTES[file]))
    except ValueError as error:
        raise ValueError(f"{file} is damaged: it is not JSON") from error
    if isinstance(table, dict):
        return table
    raise ValueError(f"{file} is no JSON object")


def _check_config(config: Mapping[str, Any], architecture: Architecture) -> None:
    """CTranslate2 uses the numbers of tokens, layers and heads as indices, unchecked."""
    for key in _TOKEN_LISTS:
        if not _are_indices(config.get(key) or [], architecture.tokens):
            raise ValueError(f"{CONFIG} has {key} that the model does not have")
    if config.get("quantization_type"):
        # Matrices of four bits, which Whisper models do not have, are read with the shapes of others.
        raise ValueError(f"{CONFIG} has a quantization_type that a Whisper model does not have")
    heads = config.get("alignment_heads") or []
    if not isinstance(heads, list) or not all(_is_head(pair, architecture) for pair in heads):
        raise ValueError(f"{CONFIG} has alignment_heads that the model does not have")
    if len({tuple(pair) for pair in heads}) != len(heads):
        # Each takes the memory of an attention.
        raise ValueError(f"{CONFIG} has alignment_heads twice")


def _is_head(pair: object, architecture: Architecture) -> bool:
    """Whether this is a layer and a head of it."""
    if not isinstance(pair, list) or len(pair) != 2:
        return False
    return _are_indices(pair[:1], architecture.layers) and _are_indices(pair[1:], architecture.heads)


def _check_vocabulary(folder: Path, architecture: Architecture) -> None:
    file, tokens = _read_vocabulary(folder)
    if len(tokens) > architecture.tokens:
        raise ValueError(f"{file} has {len(tokens)} tokens, the model has {architecture.tokens}")


def _vocabulary(folder: Path) -> dict[str, int]:
    """The number of each token."""
    return {token: number for number, token in enumerate(_read_vocabulary(folder)[1])}


def _read_vocabulary(folder: Path) -> tuple[str, list[str]]:
    """The name of the file, and its tokens in order."""
    file = next((file for file in _VOCABULARIES if (folder / file).exists()), None)
    if file is None:
        raise ValueError(f"{_VOCABULARIES[0]} is missing")
    data = read_regular_file(folder / file, _MAX_BYTES[file])
    if file.endswith(".txt"):
        return file, data.decode("utf-8", "replace").splitlines()
    entries = parse_json(data)
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise ValueError(f"{file} is no list of tokens")
    return file, entries


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
