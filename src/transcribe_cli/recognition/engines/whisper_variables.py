"""What a Whisper model of CTranslate2 consists of: the names, shapes and types of its variables.

The library decides by the names that it finds what it computes (rotary positions, relative positions, shared keys, projections), and uses
sizes and numbers of all of them unchecked. So each variable has to be one of Whisper's, with the shape that follows from the sizes of the
model; another name is refused. The names are those of `ctranslate2.specs.whisper_spec`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

# Numbers of CTranslate2's types.
_FLOAT32, _INT8, _INT16 = 0, 1, 2
_FLOATS = frozenset({_FLOAT32, 4, 5})  # and float16, bfloat16
_MAX_WIDTH, _MAX_INNER, _MAX_LAYERS, _MAX_HEADS, _MAX_TOKENS = 8_192, 65_536, 256, 128, 1_000_000
_KERNEL = 3
# The least and the largest number of positions: 30 s of audio, and the context that the decoder uses.
_POSITIONS = {"encoder/position_encodings": (1_500, 10_000), "decoder/position_encodings": (448, 10_000)}
_EMBEDDINGS = "decoder/embeddings/weight"
_HEADS = ("encoder/num_heads", "decoder/num_heads")
_LAYER = re.compile(r"(encoder|decoder)/layer_(0|[1-9][0-9]{0,3})/")
# Numbers of the decoder that are no sizes: the least and the largest value. Others, of older converters, have to be 0: off.
_SWITCHES: Mapping[str, tuple[int, int]] = {
    "decoder/activation": (0, 6),
    **dict.fromkeys(("decoder/pre_norm", "decoder/scale_embeddings", "decoder/start_from_zero_embedding"), (0, 1)),
    **dict.fromkeys(("decoder/alibi_use_positive_positions", "decoder/scale_alibi"), (0, 1)),
}
_OFF = re.compile(r"(encoder|decoder)/[a-z_]+")


@dataclass(frozen=True)
class Architecture:
    """Sizes of a Whisper model.

    Attributes:
        tokens: in its vocabulary.
        mels: bands of its features.
        layers: of its decoder.
        heads: of each attention in the decoder.
        aligns: whether the model's configuration names the heads whose attention follows the audio. They give word times.
    """

    tokens: int
    mels: int
    layers: int
    heads: int
    aligns: bool = False


@dataclass(frozen=True)
class Variable:
    """A variable of a model file.

    Attributes:
        shape: of it; () for a single number.
        kind: CTranslate2's number of its type.
        value: of a single integer.
    """

    shape: tuple[int, ...]
    kind: int
    value: int | None = None


@dataclass(frozen=True)
class _Sizes:
    tokens: int
    width: int
    mels: int


def architecture_of(variables: Mapping[str, Variable]) -> Architecture:
    """Check the variables of a file, aliases included; returns the sizes of the model.

    Raises:
        ValueError: they are not those of a Whisper model. The message is a predicate.
    """
    try:
        tokens, width = variables[_EMBEDDINGS].shape
        mels = variables["encoder/conv1/weight"].shape[1]
        heads = [variables[name].value for name in _HEADS]
    except (KeyError, ValueError, IndexError) as error:
        raise ValueError("lacks variables of a Whisper model") from error
    if width > _MAX_WIDTH or tokens > _MAX_TOKENS:
        raise ValueError("is larger than a Whisper model")
    for count in heads:
        if count is None or not 1 <= count <= _MAX_HEADS or width % count:
            raise ValueError("has a number of heads that does not divide its width")
    layers = {coder: _layers(variables, coder) for coder in ("encoder", "decoder")}
    sizes = _Sizes(tokens, width, mels)
    _require_all(variables, layers)
    for name, variable in variables.items():
        if variable.value is None:
            _check_array(name, variable, variables, sizes)
        else:
            _check_number(name, variable.value, layers["decoder"], heads[1] or 0)
    return Architecture(tokens, mels, layers["decoder"], heads[1] or 0)


def _layers(variables: Mapping[str, Variable], coder: str) -> int:
    numbers = {int(found[2]) for name in variables if (found := _LAYER.match(name)) and found[1] == coder}
    if not numbers or len(numbers) > _MAX_LAYERS or numbers != set(range(len(numbers))):
        raise ValueError("lacks a layer")
    return len(numbers)


def _require_all(variables: Mapping[str, Variable], layers: Mapping[str, int]) -> None:
    """Check that no layer lacks a part: the library takes it for another kind of layer."""
    for coder, count in layers.items():
        blocks = {"self_attention": 2, "ffn": 2} | ({"attention": 3} if coder == "decoder" else {})
        parts = [f"{block}/linear_{number}/weight" for block, linear in blocks.items() for number in range(linear)]
        parts += [f"{block}/layer_norm/{values}" for block in blocks for values in ("gamma", "beta")]
        for number in range(count):
            if any(f"{coder}/layer_{number}/{part}" not in variables for part in parts):
                raise ValueError("lacks a part of a layer")


def _check_number(name: str, value: int, layers: int, heads: int) -> None:
    if name == "decoder/alignment_layer":
        low, high = -layers, layers - 1
    elif name == "decoder/alignment_heads":
        low, high = 0, heads
    elif name in _HEADS:
        return
    else:
        low, high = _SWITCHES.get(name, (0, 0) if _OFF.fullmatch(name) else (1, 0))
    if not low <= value <= high:
        raise ValueError(f"has a {name[:100]} of {value}, unlike a Whisper model")


def _check_array(name: str, variable: Variable, variables: Mapping[str, Variable], sizes: _Sizes) -> None:
    part, _, values = name.rpartition("/")
    weight = variables.get(f"{part}/weight")
    kinds, shape = _FLOATS, None
    if values == "weight":
        kinds, shape = _FLOATS | {_INT8, _INT16}, _matrix(part, variables, sizes)
    elif values == "bias" and weight is not None:
        shape = weight.shape[:1]
    elif values == "weight_scale" and weight is not None:
        kinds, shape = frozenset({_FLOAT32}), () if weight.kind == _INT16 else weight.shape[:1]
    elif values in ("gamma", "beta") and re.fullmatch(
        r"(en|de)coder/(layer_\d+/(self_attention|attention|ffn)/)?layer_norm", part
    ):
        shape = (sizes.width,)
    elif values == "encodings" and part in _POSITIONS:
        low, high = _POSITIONS[part]
        shape = (max(low, min(high, *variable.shape[:1] or (0,))), sizes.width)
    if shape is None:
        raise ValueError(f"has a variable {name[:100]} that a Whisper model does not have")
    if variable.shape != shape or variable.kind not in kinds:
        raise ValueError(f"has another shape or type in {name[:100]} than a Whisper model")


def _matrix(part: str, variables: Mapping[str, Variable], sizes: _Sizes) -> tuple[int, ...] | None:
    """The shape of the matrix of a part; None if Whisper has no such part."""
    width = sizes.width
    if part in ("decoder/embeddings", "decoder/projection"):
        return sizes.tokens, width
    if part in ("encoder/conv1", "encoder/conv2"):
        return width, sizes.mels if part == "encoder/conv1" else width, _KERNEL
    found = _LAYER.match(part)
    if found is None:
        return None
    rest = part[found.end() :]
    inner = min(_MAX_INNER, *variables[f"{found[0]}ffn/linear_0/weight"].shape[:1] or (0,))
    shapes = {
        "self_attention/linear_0": (3 * width, width),
        "self_attention/linear_1": (width, width),
        "ffn/linear_0": (inner, width),
        "ffn/linear_1": (width, inner),
    }
    crossed = {
        "attention/linear_0": (width, width),
        "attention/linear_1": (2 * width, width),
        "attention/linear_2": (width, width),
    }
    return (shapes | crossed if found[1] == "decoder" else shapes).get(rest)
