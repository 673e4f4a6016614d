"""Damage to a file that a fuzzer tries: flipped bits, extreme numbers in headers, cuts, splices, repeated and lost chunks."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

_EXTREMES = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0x8000,
    0xFFFF,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFE,
    0xFFFFFFFF,
    2**63 - 1,
    2**64 - 1,
)
_CHUNK_NAME = re.compile(rb"[A-Za-z0-9 ]{4}")
_HEADER_BYTES = 4096
MAX_BYTES = 4 << 20
"""No mutated file is larger."""

Mutation = Callable[[bytearray, list[bytes], random.Random], None]


def mutate(data: bytes, others: list[bytes], chance: random.Random) -> tuple[bytes, list[str]]:
    """A damaged copy of `data`, and the names of the one to five kinds of damage. `others`: files to splice with."""
    changed = bytearray(data)
    names: list[str] = []
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        mutation = chance.choice(MUTATIONS)
        if changed:
            mutation(changed, others, chance)
            names.append(mutation.__name__)
    return bytes(changed[:MAX_BYTES]), names


def flip_bits(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """One to a thousand bits, anywhere or only near the start."""
    end = min(len(data), chance.choice((64, 512, _HEADER_BYTES, len(data))))
    for _ in range(chance.choice((1, 4, 30, 1000))):
        data[chance.randrange(end)] ^= 1 << chance.randrange(8)


def set_bytes(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """Random bytes."""
    end = min(len(data), chance.choice((512, _HEADER_BYTES, len(data))))
    for _ in range(chance.choice((1, 8, 100))):
        data[chance.randrange(end)] = chance.randrange(256)


def set_number(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """An extreme number of one to eight bytes in the header, in either byte order."""
    _put_number(data, chance.randrange(min(len(data), _HEADER_BYTES)), chance)


def set_chunk_size(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """The number before or after a four-letter name: the size of a RIFF chunk, of a box of MP4, of a block of CAF."""
    start = chance.randrange(len(data)) if chance.random() < 0.3 else 0
    names = [match.start() for match in _CHUNK_NAME.finditer(data, start, start + _HEADER_BYTES)]
    if names:
        _put_number(data, max(chance.choice(names) + chance.choice((-4, 4, 8, 12)), 0), chance)


def _put_number(data: bytearray, position: int, chance: random.Random) -> None:
    width = chance.choice((1, 2, 4, 8))
    value = chance.choice(_EXTREMES) if chance.random() < 0.7 else chance.getrandbits(64)
    number = (value & ((1 << 8 * width) - 1)).to_bytes(width, chance.choice(("little", "big")))
    end = min(position + width, len(data))
    data[position:end] = number[: end - position]


def truncate(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """Cut off the end."""
    del data[chance.randrange(len(data)) :]


def behead(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """Cut off the start."""
    del data[: chance.randrange(min(len(data), _HEADER_BYTES))]


def splice(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """The end of another file after the start of this one."""
    other = chance.choice(others)
    data[chance.randrange(len(data)) :] = other[chance.randrange(len(other)) :]


def insert_other(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """A part of another file in the middle of this one."""
    begin, end = _range(chance.choice(others), chance)
    place = chance.randrange(len(data))
    data[place:place] = chance.choice(others)[begin:end]


def repeat(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """A part again, up to twenty times."""
    begin, end = _range(data, chance)
    data[end:end] = data[begin:end] * min(chance.choice((1, 2, 20)), MAX_BYTES // (end - begin + 1))


def lose(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """A part is missing."""
    begin, end = _range(data, chance)
    del data[begin:end]


def blank(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """A part is zeros or ones."""
    begin, end = _range(data, chance)
    data[begin:end] = chance.choice((b"\0", b"\xff")) * (end - begin)


def swap(data: bytearray, others: list[bytes], chance: random.Random) -> None:
    """Two parts change places."""
    begin, end = _range(data, chance)
    middle = chance.randrange(begin, end) if end > begin else begin
    data[begin:end] = data[middle:end] + data[begin:middle]


def _range(data: bytes | bytearray, chance: random.Random) -> tuple[int, int]:
    begin = chance.randrange(len(data))
    return begin, min(len(data), begin + chance.choice((1, 4, 16, 188, 1024, 30_000)))


MUTATIONS: tuple[Mutation, ...] = (
    flip_bits,
    set_bytes,
    set_number,
    set_number,
    set_chunk_size,
    set_chunk_size,
    truncate,
    behead,
    splice,
    insert_other,
    repeat,
    lose,
    blank,
    swap,
)
