"""Models for the benchmarks: the bundled demo model, and models in Whisper's sizes with random weights, which need no download.

A random model takes as long as a trained one of the same size. End-of-text and timestamp tokens are suppressed, so it always generates
the maximum number of tokens, the same for every contender.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.attention_spec import MultiHeadAttentionSpec
from ctranslate2.specs.common_spec import Conv1DSpec, LayerNormSpec, LinearSpec
from ctranslate2.specs.transformer_spec import FeedForwardSpec
from numpy.typing import NDArray

from transcribe_cli.recognition.engines.models import DEMO_FOLDER

FRAMES = 1500
TARGETS = 448
# A bias that no random logit exceeds.
NEVER = -60.0
VERSION = 1


@dataclass(frozen=True)
class Shape:
    """The dimensions of a Whisper network."""

    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int
    mels: int = 80


SHAPES = {
    "tiny": Shape(384, 6, 4, 4),
    "base": Shape(512, 8, 6, 6),
    "small": Shape(768, 12, 12, 12),
    "turbo": Shape(1280, 20, 32, 4, mels=128),
}
NAMES = ("demo", *SHAPES)


def folder(name: str, cache: Path) -> Path:
    """The CTranslate2 folder of a model. A random model is written to the cache if it does not exist."""
    if name == "demo":
        return DEMO_FOLDER
    made = cache / "models" / f"random-{name}-{VERSION}"
    if not (made / "model.bin").is_file():
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as unfinished:
            _write(SHAPES[name], Path(unfinished))
            shutil.copytree(unfinished, made, dirs_exist_ok=True)
    return made


def _write(shape: Shape, out: Path) -> None:
    """Write a model folder of this shape, with the demo model's tokenizer."""
    tokens = json.loads((DEMO_FOLDER / "vocabulary.json").read_text("utf-8"))
    _Random(shape).spec(tokens).save(str(out))
    shutil.copy(DEMO_FOLDER / "tokenizer.json", out)
    features = json.loads((DEMO_FOLDER / "preprocessor_config.json").read_text("utf-8"))
    (out / "preprocessor_config.json").write_text(json.dumps(features | {"feature_size": shape.mels}))


class _Random:
    """Random weights from a fixed seed."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._numbers = np.random.default_rng(7)

    def spec(self, tokens: list[str]) -> WhisperSpec:
        """The whole network, in half precision."""
        shape, width = self._shape, self._shape.width
        spec = WhisperSpec(shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads)
        self._convolution(spec.encoder.conv1, shape.mels)
        self._convolution(spec.encoder.conv2, width)
        spec.encoder.position_encodings.encodings = self._weights(FRAMES, width)
        self._norm(spec.encoder.layer_norm)
        for layer in spec.encoder.layer:
            self._attention(layer.self_attention)
            self._feed_forward(layer.ffn)
        spec.decoder.embeddings.weight = self._weights(len(tokens), width)
        spec.decoder.position_encodings.encodings = self._weights(TARGETS, width)
        self._norm(spec.decoder.layer_norm)
        for layer in spec.decoder.layer:
            self._attention(layer.self_attention)
            self._attention(layer.attention)
            self._feed_forward(layer.ffn)
        self._linear(spec.decoder.projection, width, len(tokens))
        spec.decoder.projection.bias = np.array([NEVER * _is_marker(token) for token in tokens], np.float32)
        spec.register_vocabulary(tokens)
        _configure(spec, shape, tokens)
        spec.validate()
        spec.optimize(quantization="float16")
        return spec

    def _weights(self, *size: int) -> NDArray[np.float16]:
        return (self._numbers.standard_normal(size, np.float32) * np.float32(0.05)).astype(np.float16)

    def _linear(self, spec: LinearSpec, inputs: int, outputs: int) -> None:
        spec.weight = self._weights(outputs, inputs)
        spec.bias = np.zeros(outputs, np.float16)

    def _convolution(self, spec: Conv1DSpec, inputs: int) -> None:
        spec.weight = self._weights(self._shape.width, inputs, 3)
        spec.bias = np.zeros(self._shape.width, np.float16)

    def _norm(self, spec: LayerNormSpec) -> None:
        spec.gamma = np.ones(self._shape.width, np.float16)
        spec.beta = np.zeros(self._shape.width, np.float16)

    def _attention(self, spec: MultiHeadAttentionSpec) -> None:
        """Queries, keys and values are one matrix in self-attention; keys and values are one in cross-attention."""
        width = self._shape.width
        parts = (3, 1) if len(spec.linear) == 2 else (1, 2, 1)
        self._norm(spec.layer_norm)
        for linear, count in zip(spec.linear, parts, strict=True):
            self._linear(linear, width, count * width)

    def _feed_forward(self, spec: FeedForwardSpec) -> None:
        width = self._shape.width
        self._norm(spec.layer_norm)
        self._linear(spec.linear_0, width, 4 * width)
        self._linear(spec.linear_1, 4 * width, width)


def _is_marker(token: str) -> bool:
    return token.startswith("<|") and token.endswith("|>")


def _configure(spec: WhisperSpec, shape: Shape, tokens: list[str]) -> None:
    demo = json.loads((DEMO_FOLDER / "config.json").read_text("utf-8"))
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = []
    spec.config.lang_ids = demo["lang_ids"]
    # The number of OpenAI's models; which heads does not matter.
    last = shape.decoder_layers - 1
    spec.config.alignment_heads = [(last - number % 2, number // 2) for number in range(6)]
