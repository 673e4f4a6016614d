"""Results for a store are written in the background: `add` does not block, every result is written, errors are raised."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from transcribe_cli.batch.background_writer import BackgroundWriter
from transcribe_cli.errors import OutputRefused
from transcribe_cli.storage import locate

STORE = locate("memory://writing", {})


def test_a_local_folder_is_written_to_at_once() -> None:
    """In the thread of the caller."""
    threads: list[str] = []
    with BackgroundWriter[int](lambda _: threads.append(threading.current_thread().name)) as writer:
        writer.add(1, Path("/"))
        assert threads == [threading.current_thread().name]


def test_adding_does_not_block_for_a_store_and_the_end_waits_for_all() -> None:
    """Several results are written at once."""
    go_on, written = threading.Event(), []

    def write(number: int) -> None:
        assert go_on.wait(30)
        written.append(number)

    with BackgroundWriter[int](write) as writer:
        for number in range(8):
            writer.add(number, STORE)
        assert written == []
        go_on.set()
    assert sorted(written) == list(range(8))


def test_adding_blocks_when_too_many_results_are_pending() -> None:
    """So that results do not accumulate in memory when a store is slow."""
    go_on, added = threading.Event(), []

    def add_all() -> None:
        with BackgroundWriter[int](lambda _: go_on.wait(30) and None) as writer:
            for number in range(40):
                writer.add(number, STORE)
                added.append(number)

    thread = threading.Thread(target=add_all)
    thread.start()
    while len(added) < 16:
        thread.join(0.01)
    thread.join(0.3)
    assert len(added) < 20
    go_on.set()
    thread.join(30)
    assert len(added) == 40


def test_an_error_while_writing_is_raised() -> None:
    """At the latest at the end; the other results are written."""
    written = []

    def write(number: int) -> None:
        if number == 0:
            raise OutputRefused("no")
        written.append(number)

    def add_all() -> None:
        with BackgroundWriter[int](write) as writer:
            for number in range(3):
                writer.add(number, STORE)

    with pytest.raises(OutputRefused):
        add_all()
    assert set(written) <= {1, 2}
