"""Speech from a process of its own: what the library of espeak-ng says depends on all that it said before, so on the order of tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Made = TypeVar("Made")


def in_fresh_process(make: Callable[Arguments, Made], *args: Arguments.args, **kwargs: Arguments.kwargs) -> Made:
    """What a function of `tools/` returns in a process that has said nothing yet."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(make, *args, **kwargs).result()
