"""What is kept of voices survives crashes and several writers, is for its owner only, and says what is wrong with it in one line."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import numpy as np
import pytest

from tests.speakers.voices.vectors import NETWORK, OTHER_NETWORK, SAMPLE, at
from transcribe_cli.errors import ConfigError, StorageNotReady, UsageError
from transcribe_cli.speakers.voices.library import Library, checked_name


@pytest.fixture
def library(tmp_path: Path) -> Library:
    """Empty."""
    return Library(tmp_path / "state")


def test_a_library_that_is_not_there_is_empty_and_reading_makes_none(library: Library) -> None:
    """Nothing is written before somebody enrols."""
    assert library.voices() == ()
    assert not library.folder.exists()


def test_what_was_enrolled_is_read_back(library: Library) -> None:
    """Name, model, sample and embedding, also those with characters that TOML or a terminal would stumble over."""
    name, model = 'Ana "Nena" Souza ção', "C:\\models\x7f"
    library.add(name, model, NETWORK, at(0.6), SAMPLE)
    [voice] = Library(library.folder.parent).voices()
    assert (voice.name, voice.diarize_model, voice.dimensions, voice.samples) == (name, "C:\\models\\x7f", 4, (SAMPLE,))
    assert library.vector(voice) == pytest.approx(at(0.6))


def test_another_sample_makes_the_voice_the_mean_of_both(library: Library) -> None:
    """Of length 1; the file of the earlier embeddings goes."""
    library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    voice = library.add("Ana", "demo", NETWORK, at(0, 1), SAMPLE)
    assert library.voices() == (voice,)
    assert (len(voice.samples), voice.seconds) == (2, 36.5)
    assert library.vector(voice) == pytest.approx(np.array([2**-0.5, 2**-0.5, 0, 0]))
    assert [path.name for path in library.folder.glob("*.npy")] == [voice.file]


def test_voices_of_different_networks_stay_apart_and_are_forgotten_together(library: Library) -> None:
    """Two people, one of them enrolled with two diarizers."""
    library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    library.add("Rui", "demo", NETWORK, at(0, 1), SAMPLE)
    library.add("Ana", "other", OTHER_NETWORK, at(0, 0, 1), SAMPLE)
    assert [(voice.name, voice.embedded_by) for voice in library.voices()] == [
        ("Ana", NETWORK),
        ("Rui", NETWORK),
        ("Ana", OTHER_NETWORK),
    ]
    assert len(library.forget(" Ana ")) == 2
    [rui] = library.voices()
    assert [path.name for path in library.folder.glob("*.npy")] == [rui.file]


def test_nobody_else_can_read_it(library: Library) -> None:
    """Whatever the umask is."""
    library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    assert stat.S_IMODE(library.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in library.folder.iterdir()} == {0o600}


def test_a_name_may_be_changed_by_hand(library: Library) -> None:
    """In speakers.toml; with the byte order mark that some editors leave."""
    before = library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    file = library.folder / "speakers.toml"
    file.write_text("\ufeff" + file.read_text().replace('"Ana"', '"Ana Souza"'), encoding="utf-8")
    assert library.voices() == (before.model_copy(update={"name": "Ana Souza"}),)


def test_several_writers_lose_nothing(library: Library) -> None:
    """Each enrolls its own voices, at the same time."""
    threads = [
        threading.Thread(
            target=lambda n=n: [library.add(f"voice {n} {i}", "demo", NETWORK, at(n / 9, i / 9), SAMPLE) for i in range(4)]
        )
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(voice.name for voice in library.voices()) == sorted(f"voice {n} {i}" for n in range(4) for i in range(4))
    for voice in library.voices():
        assert library.vector(voice).shape == (4,)


def test_two_names_for_one_sound_share_its_file_until_both_are_forgotten(library: Library) -> None:
    """Files are named after their content."""
    library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    library.add("Ana Souza", "demo", NETWORK, at(1), SAMPLE)
    library.forget("Ana")
    assert library.vector(library.voices()[0]) == pytest.approx(at(1))


def test_whom_nobody_enrolled_cannot_be_forgotten(library: Library) -> None:
    """With the name that may be meant, or those that there are."""
    with pytest.raises(UsageError, match="No voice is enrolled"):
        library.forget("Ana")
    library.add("João", "demo", NETWORK, at(1), SAMPLE)
    for typed, hint in (("Joao", "Did you mean João?"), ("Zé", "Enrolled voices: João.")):
        with pytest.raises(UsageError) as caught:
            library.forget(typed)
        assert str(caught.value) == f"No voice is called {typed!r}. {hint}"


def test_letters_typed_as_two_characters_are_the_same_name(library: Library) -> None:
    """As macOS has them in file names."""
    decomposed = "Joa\u0303o"
    library.add(checked_name(f" {decomposed} "), "demo", NETWORK, at(1), SAMPLE)
    assert library.voices()[0].name == "João"
    assert library.forget(decomposed)


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "is empty"), ("  ", "is empty"), ("a\nb", "a line break"), ("a" * 81, "longer than 80"), ("\x1b[2J", "shown")],
)
def test_what_cannot_be_a_name_is_refused(name: str, says: str) -> None:
    """In one line that a terminal can take."""
    with pytest.raises(UsageError, match=says) as caught:
        checked_name(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda file: file.write_text("voices = ["), "is not TOML"),
        (lambda file: file.write_bytes(b'\xff = "x"'), "is not UTF-8 text"),
        (lambda file: file.write_text("[[voices]]\nname = 'Ana'\n"), r"is not a voice library \(voices.0"),
        (lambda file: file.write_text(file.read_text().replace(".npy", "/../../x.npy")), "is not a voice library"),
        (lambda file: file.write_text(file.read_text().replace('"Ana"', r'"A\u001bna"')), "cannot be shown"),
        (lambda file: [path.unlink() for path in file.parent.glob("*.npy")], "No such file"),
        (lambda file: [path.write_bytes(b"junk") for path in file.parent.glob("*.npy")], "not a NumPy array"),
        (
            lambda file: [np.save(path, np.zeros((2, 4), np.float32)) for path in file.parent.glob("*.npy")],
            "does not match speakers.toml",
        ),
        (
            lambda file: [np.save(path, np.zeros((1, 4), np.float32)) for path in file.parent.glob("*.npy")],
            "cancel each other out",
        ),
    ],
)
def test_a_damaged_library_is_one_line_that_names_the_file(library: Library, change: object, says: str) -> None:
    """Whatever is wrong with it; one voice that is damaged can still be forgotten."""
    library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    change(library.folder / "speakers.toml")  # type: ignore[operator]
    with pytest.raises(ConfigError, match=says) as caught:
        [library.vector(voice) for voice in library.voices()]
    assert str(library.folder) in str(caught.value)
    assert "\n" not in str(caught.value)
    if "forget" in caught.value.hint:
        assert library.forget("Ana")
        assert library.voices() == ()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """With the way out."""
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StorageNotReady, match=r"cannot be written .* --state-dir"):
        Library(tmp_path / "state").add("Ana", "demo", NETWORK, at(1), SAMPLE)


def test_embeddings_that_a_crash_left_without_a_voice_go_with_the_next_writing(library: Library) -> None:
    """They are written before speakers.toml, which decides."""
    voice = library.add("Ana", "demo", NETWORK, at(1), SAMPLE)
    (library.folder / "0000000000000000.npy").write_bytes(b"half")
    assert library.voices() == (voice,)
    library.add("Rui", "demo", NETWORK, at(0, 0, 1), SAMPLE)
    assert {path.name for path in library.folder.glob("*.npy")} == {known.file for known in library.voices()}
