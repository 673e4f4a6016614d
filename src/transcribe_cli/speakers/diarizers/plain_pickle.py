"""Reads the values of a pickle without running it: no function is called, no class is created, no memory is claimed.

A pickle is a program for a small stack machine. Python's own machine calls what it names; PyTorch's `weights_only` calls only what is on
a list, but that list has `bytearray`, which takes any size, and hashes keys of any depth. This machine only builds lists, dicts and
tuples of what is in the file. Whatever the file calls is returned as a `Call`, for the caller to understand or to ignore.
The opcodes are described in Lib/pickletools.py.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from transcribe_cli.text.numbers import MAX_COUNT

# A checkpoint of the largest of pyannote's networks, with the state of its optimizer, has 1 MB.
MAX_PICKLE_BYTES = 8_000_000
_MAPPINGS = ("collections.OrderedDict", "collections.Counter", "builtins.dict")


class CallsCode(ValueError):
    """The pickle calls something that is not allowed.

    Attributes:
        called: its name.
    """

    def __init__(self, called: str) -> None:
        super().__init__(f"calls {called}")
        self.called = called


@dataclass(frozen=True)
class Name:
    """A function or class that a pickle names, as `module.name`."""

    name: str


@dataclass(eq=False)
class Call:
    """A call of a function or class that was not made.

    Attributes:
        name: of the function or class, as `module.name`.
        arguments: of the call.
        state: what the pickle would set on the result.
    """

    name: str
    arguments: tuple[Any, ...]
    state: Any = None


@dataclass(eq=False)
class External:
    """Something that is outside of the pickle, such as the numbers of a tensor; `key` identifies it."""

    key: tuple[Any, ...]


def read_pickle(data: bytes, allowed: Collection[str]) -> Any:  # noqa: ANN401 - whatever the pickle holds
    """The value of a pickle: numbers, text, bytes, None, lists, tuples, dicts, and `Call`, `Name` and `External` instead of the rest.

    Args:
        data: the pickle.
        allowed: what it may name, each as `module.name`.

    Raises:
        CallsCode: it names something else.
        ValueError: it is damaged, too large, or uses something that no checkpoint needs.
    """
    if len(data) > MAX_PICKLE_BYTES:
        raise ValueError("the pickle is too large")
    try:
        return _Machine(allowed).run(data)
    except (LookupError, TypeError, OverflowError) as error:
        raise ValueError("the pickle is damaged") from error


class _Machine:
    def __init__(self, allowed: Collection[str]) -> None:
        self.allowed = allowed
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self, data: bytes) -> Any:  # noqa: ANN401
        for opcode, argument, _ in pickletools.genops(data):
            if opcode.name == "STOP":
                return self.stack.pop()
            if opcode.name in _LITERALS:
                self.stack.append(_checked(argument))
            elif opcode.name in _EMPTY:
                self.stack.append(_EMPTY[opcode.name]())
            elif opcode.name in _STEPS:
                _STEPS[opcode.name](self, argument)
            else:
                raise ValueError(f"the pickle uses {opcode.name}")
        raise ValueError("the pickle has no end")

    def pop_to_mark(self) -> list[Any]:
        start = self.marks.pop()
        items = self.stack[start:]
        del self.stack[start:]
        return items

    def collect(self, count: int) -> None:
        _require(len(self.stack) >= count)
        items = tuple(self.stack[-count:])
        del self.stack[-count:]
        self.stack.append(items)

    def extend(self, items: list[Any]) -> None:
        """Append to the list on the stack."""
        _require(isinstance(self.stack[-1], list))
        self.stack[-1].extend(items)

    def update(self, items: list[Any]) -> None:
        """Set keys and values of the dict on the stack."""
        _require(isinstance(self.stack[-1], dict))
        self.stack[-1].update(_pairs(zip(items[::2], items[1::2], strict=True)))

    def name(self, module: object, name: object) -> None:
        # Python 2, and protocol 2 of Python 3, call the module of built-in functions so.
        called = f"{'builtins' if module == '__builtin__' else module}.{name}"
        if called not in self.allowed:
            raise CallsCode(called)
        self.stack.append(Name(called))

    def call(self, _: object) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        _require(isinstance(function, Name) and isinstance(arguments, tuple))
        is_mapping = function.name in _MAPPINGS
        self.stack.append(_mapping(*arguments) if is_mapping else Call(function.name, arguments))

    def build(self, _: object) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Call):
            self.stack[-1].state = state

    def append(self, _: object) -> None:
        item = self.stack.pop()
        self.extend([item])

    def set_item(self, _: object) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.update([key, value])

    def remember(self, place: int | None) -> None:
        self.memo[len(self.memo) if place is None else place] = self.stack[-1]

    def external(self, _: object) -> None:
        key = self.stack.pop()
        _require(isinstance(key, tuple))
        self.stack.append(External(key))


def _require(condition: bool) -> None:
    if not condition:
        raise ValueError("the pickle is damaged")


def _checked(value: object) -> object:
    if isinstance(value, int) and abs(value) > MAX_COUNT:
        raise ValueError("the pickle has an integer that exceeds 64 bits")
    return value


def _pairs(items: Any) -> dict[Any, Any]:  # noqa: ANN401 - pairs, or what the pickle has in their place
    """The pairs whose keys are text or numbers. Hashing a tuple takes a time that grows exponentially with its depth."""
    return {key: value for key, value in items if isinstance(key, str | int | float | bytes)}


def _mapping(items: Any = ()) -> dict[Any, Any]:  # noqa: ANN401
    return _pairs(items.items() if isinstance(items, dict) else items)


def _nothing(_: _Machine, __: object) -> None:
    pass


_EMPTY: Mapping[str, Callable[[], object]] = {
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}
_LITERALS = frozenset(
    {
        *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
        *("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINBYTES", "SHORT_BINBYTES"),
    }
)
_STEPS: Mapping[str, Callable[[_Machine, Any], object]] = {
    "PROTO": _nothing,
    "FRAME": _nothing,
    "MARK": lambda machine, _: machine.marks.append(len(machine.stack)),
    "POP": lambda machine, _: machine.stack.pop(),
    "TUPLE": lambda machine, _: machine.stack.append(tuple(machine.pop_to_mark())),
    "TUPLE1": lambda machine, _: machine.collect(1),
    "TUPLE2": lambda machine, _: machine.collect(2),
    "TUPLE3": lambda machine, _: machine.collect(3),
    "LIST": lambda machine, _: machine.stack.append(machine.pop_to_mark()),
    "DICT": lambda machine, _: machine.stack.append(_mapping(zip(*[iter(machine.pop_to_mark())] * 2, strict=True))),
    "APPEND": _Machine.append,
    "APPENDS": lambda machine, _: machine.extend(machine.pop_to_mark()),
    "SETITEM": _Machine.set_item,
    "SETITEMS": lambda machine, _: machine.update(machine.pop_to_mark()),
    "PUT": _Machine.remember,
    "BINPUT": _Machine.remember,
    "LONG_BINPUT": _Machine.remember,
    "MEMOIZE": _Machine.remember,
    "GET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "LONG_BINGET": lambda machine, place: machine.stack.append(machine.memo[place]),
    "GLOBAL": lambda machine, named: machine.name(*named.split(" ", 1)),
    "STACK_GLOBAL": lambda machine, _: machine.name(*reversed([machine.stack.pop(), machine.stack.pop()])),
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.call,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.external,
}
