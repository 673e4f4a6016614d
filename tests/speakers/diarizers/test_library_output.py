"""What a library prints does not reach standard output; other threads can still print."""

from __future__ import annotations

import logging
import sys
import threading
import warnings

import pytest

from transcribe_cli.speakers.diarizers.library_output import library_output_to_log


def test_printed_text_goes_to_the_log(capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "transcribe_cli"):
        with library_output_to_log():
            sys.stdout.write("Found only 2 clusters.\n")
            sys.stdout.flush()
        sys.stdout.write("transcript\n")
    assert capsys.readouterr().out == "transcript\n"
    assert caplog.messages == ["Found only 2 clusters."]


def test_other_threads_can_print(capsys: pytest.CaptureFixture[str]) -> None:
    inside, release = threading.Event(), threading.Event()

    def library() -> None:
        with library_output_to_log():
            sys.stdout.write("noise\n")
            inside.set()
            release.wait(10)
            sys.stdout.write("more noise\n")

    thread = threading.Thread(target=library)
    thread.start()
    assert inside.wait(10)
    sys.stdout.write("ours\n")
    with library_output_to_log():
        sys.stdout.write("noise here, too\n")
    release.set()
    thread.join()
    sys.stdout.write("ours again\n")
    assert capsys.readouterr().out == "ours\nours again\n"


def test_standard_output_is_restored_after_an_error() -> None:
    before = sys.stdout
    with pytest.raises(KeyError), library_output_to_log(), library_output_to_log():
        raise KeyError
    assert sys.stdout is before


def test_only_warnings_of_the_library_are_ignored() -> None:
    with library_output_to_log():
        warnings.warn_explicit("TF32", UserWarning, "reproducibility.py", 1, module="pyannote.audio.utils.reproducibility")
        with pytest.warns(UserWarning, match="ours"):
            warnings.warn_explicit("ours", UserWarning, "x.py", 1, module="transcribe_cli.x")
    with pytest.warns(UserWarning, match="torching"):
        warnings.warn_explicit("torching", UserWarning, "x.py", 1, module="torching.x")
