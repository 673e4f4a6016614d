"""`--channels split`: each channel is a speaker and is recognized separately; the result is one transcript."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import Ran, command, environment
from tests.conversations import TALK, Audio, conversation, with_crosstalk, with_noise, write_wav
from transcribe_cli.spec import JobSpec

Transcribe = Callable[..., Ran]
ARGUMENTS = ("--model", "demo", "--threads", "1")
SPLIT = (*ARGUMENTS, "--language", "pt", "--channels", "split")


def document(recording: Path) -> dict[str, Any]:
    """Its transcript."""
    found: dict[str, Any] = json.loads(recording.with_suffix(".json").read_text())
    return found


def said(recording: Path) -> dict[str, str]:
    """What each speaker said."""
    texts: dict[str, str] = {}
    for segment in document(recording)["segments"]:
        speaker = segment.get("speaker", "")
        texts[speaker] = texts.get(speaker, "") + segment["text"]
    return texts


def expected(who: int, talk: Sequence[tuple[int, str]] = TALK) -> str:
    """All words of one speaker."""
    return "".join(f" {text}" for speaker, text in talk if speaker == who)


def recorded(folder: Path, sound: Audio, name: str = "conversa.wav") -> Path:
    """A recording in a folder of its own."""
    return write_wav(folder / "in" / name, sound)


HEARD: dict[str, Callable[[], Audio]] = {
    "one after the other": lambda: with_noise(conversation()),
    "interrupting each other": lambda: with_noise(conversation(pause=-0.5)),
    "heard in each other's microphone": lambda: with_noise(with_crosstalk(conversation(), -15.0)),
    "with an echo": lambda: with_noise(with_crosstalk(conversation(), -30.0, delay=0.2)),
    "through a quiet microphone": lambda: with_noise(with_crosstalk(conversation(), -20.0) * (1.0, 0.2), -75.0),
}


@pytest.mark.parametrize("kind", HEARD)
def test_each_speaker_has_the_words_of_one_channel_and_nothing_is_repeated(
    transcribe: Transcribe, tmp_path: Path, kind: str
) -> None:
    """Whoever speaks first is SPEAKER_00; segments and words know who said them."""
    path = recorded(tmp_path, HEARD[kind]())
    assert transcribe("run", path, *SPLIT).code == 0
    assert said(path) == {"SPEAKER_00": expected(0), "SPEAKER_01": expected(1)}
    found = document(path)
    assert found["speakers"] == ["SPEAKER_00", "SPEAKER_01"]
    assert {turn["speaker"] for turn in found["turns"]} == set(found["speakers"])
    assert all(word["speaker"] == segment["speaker"] for segment in found["segments"] for word in segment["words"])
    assert "channels_alike" not in found["flags"]
    assert found["text"] == "".join(segment["text"] for segment in found["segments"])
    starts = [segment["start"] for segment in found["segments"]]
    assert starts == sorted(starts)


def test_the_text_alternates_as_in_the_conversation(transcribe: Transcribe, tmp_path: Path) -> None:
    """Also when the first speaker sits in the second channel; all formats show who speaks, with the names that they have."""
    path = recorded(tmp_path, conversation()[:, ::-1])
    path.with_name("speakers.toml").write_text('SPEAKER_00 = "Ana"\n')
    assert transcribe("run", path, *SPLIT, "-f", "txt,rttm,vtt").code == 0
    names = ("Ana", "SPEAKER_01")
    assert [line for line in path.with_suffix(".txt").read_text().splitlines() if line] == [
        f"{names[who]}: {text}" for who, text in TALK
    ]
    assert [line.split()[7] for line in path.with_suffix(".rttm").read_text().splitlines()] == [names[who] for who, _ in TALK]
    assert path.with_suffix(".vtt").read_text().count("<v Ana>") >= 3


def test_identical_channels_are_treated_as_one(transcribe: Transcribe, tmp_path: Path) -> None:
    """The transcript is that of the mixed recording, without speakers, and says why."""
    one = conversation().sum(axis=1)
    path = recorded(tmp_path, np.stack([one, one], axis=1))
    assert transcribe("run", path, *SPLIT).code == 0
    split = document(path)
    assert "channels alike" in transcribe("run", path, *SPLIT, "--overwrite").err
    assert (split["speakers"], split["turns"]) == ([], [])
    assert transcribe("run", path, *SPLIT, "--channels", "mix").code == 0
    mixed = document(path)
    assert set(split["flags"]) - set(mixed["flags"]) == {"channels_alike"}
    assert (split["segments"], split["quality"]) == (mixed["segments"], mixed["quality"])


def test_mono_is_the_same_as_without_the_option(transcribe: Transcribe, tmp_path: Path) -> None:
    """One channel has no speaker label."""
    path = recorded(tmp_path, conversation().sum(axis=1, keepdims=True))
    assert transcribe("run", path, *SPLIT).code == 0
    split = document(path)
    assert transcribe("run", path, *SPLIT, "--channels", "mix").code == 0
    mixed = document(path)
    for key in ("text", "segments", "speakers", "turns", "flags", "quality"):
        assert split[key] == mixed[key]


@pytest.mark.parametrize("noise", [None, -60.0])
def test_a_channel_without_speech_has_no_speaker(transcribe: Transcribe, tmp_path: Path, noise: float | None) -> None:
    """Silent or noisy."""
    sound = conversation() * (0.0, 1.0)
    path = recorded(tmp_path, sound if noise is None else with_noise(sound, noise))
    assert transcribe("run", path, *SPLIT).code == 0
    assert said(path) == {"SPEAKER_00": expected(1)}
    assert document(path)["speakers"] == ["SPEAKER_00"]


def test_silence_in_all_channels_is_no_speech(transcribe: Transcribe, tmp_path: Path) -> None:
    """There is a transcript."""
    path = recorded(tmp_path, conversation() * 0)
    assert transcribe("run", path, *SPLIT).code == 0
    assert (document(path)["text"], document(path)["speakers"], document(path)["flags"]) == ("", [], ["no_speech"])


def test_three_people_have_three_channels(transcribe: Transcribe, tmp_path: Path) -> None:
    """In the order of their first words."""
    two = conversation()
    third = np.roll(conversation(talk=((0, "Vamos começar a aula."),)), 20_000, axis=0)[:, 0]
    sound = np.zeros((len(two) + len(third), 3))
    sound[: len(two), :2] = two
    sound[len(two) :, 2] = third
    path = recorded(tmp_path, sound)
    assert transcribe("run", path, *SPLIT).code == 0
    assert said(path) == {"SPEAKER_00": expected(0), "SPEAKER_01": expected(1), "SPEAKER_02": " Vamos começar a aula."}


def test_too_many_channels_fail_with_one_line(transcribe: Transcribe, tmp_path: Path) -> None:
    """The others are done."""
    sound = conversation(talk=TALK[:1])
    path = recorded(tmp_path, np.repeat(sound[:, :1], 17, axis=1), "muitos.wav")
    other = recorded(tmp_path, sound)
    ran = transcribe("run", path.parent, *SPLIT)
    assert ran.code == 3
    [line] = [line for line in ran.err.splitlines() if line.startswith("FAILED")]
    assert line == "FAILED    muitos.wav has 17 channels; at most 16 can be transcribed separately. Use `--channels mix`."
    assert said(other) == {"SPEAKER_00": expected(0, TALK[:1])}


def test_channels_and_a_diarizer_cannot_be_combined(transcribe: Transcribe, tmp_path: Path) -> None:
    """The combination is rejected before any work."""
    ran = transcribe("run", tmp_path, *SPLIT, "--diarize")
    assert ran.code == 2
    assert "channels split already assigns each channel to a speaker; remove diarize" in ran.err


def test_the_option_is_part_of_the_job_only_where_it_is_used(transcribe: Transcribe, tmp_path: Path) -> None:
    """Older transcripts stay done; with `split` they are made again."""
    assert "channels" not in JobSpec().canonical()
    assert JobSpec().fingerprint == JobSpec(channels="mix").fingerprint != JobSpec(channels="split").fingerprint
    path = recorded(tmp_path, conversation(talk=TALK[:2]))
    transcribe("run", path, *ARGUMENTS, "--language", "pt")
    assert "1 done already" in transcribe("run", path, *ARGUMENTS, "--language", "pt", "--channels", "mix").err
    assert "outdated: channels mix -> split" in transcribe("plan", path, *SPLIT).out
    assert transcribe("run", path, *SPLIT).code == 0
    assert document(path)["speakers"] == ["SPEAKER_00", "SPEAKER_01"]


def test_the_language_is_that_of_all_channels(transcribe: Transcribe, tmp_path: Path) -> None:
    """They vote together."""
    path = recorded(tmp_path, conversation())
    assert transcribe("run", path, *ARGUMENTS, "--channels", "split").code == 0
    assert document(path)["language"] == "pt"
    assert said(path) == {"SPEAKER_00": expected(0), "SPEAKER_01": expected(1)}


def test_sequential_decoding_does_not_continue_text_of_another_channel(transcribe: Transcribe, tmp_path: Path) -> None:
    """Each channel is a text of its own."""
    path = recorded(tmp_path, conversation())
    assert transcribe("run", path, *SPLIT, "--sequential").code == 0
    assert said(path) == {"SPEAKER_00": expected(0), "SPEAKER_01": expected(1)}


def test_a_killed_run_resumes_and_writes_the_same(transcribe: Transcribe, tmp_path: Path) -> None:
    """The checkpoint distinguishes clips of both channels, even at the same time."""
    path = recorded(tmp_path, with_noise(np.concatenate([conversation(pause=6.0)] * 2)))
    arguments = (*SPLIT, "--batch-size", "1", "--log-format", "json")
    state = tmp_path / "state"
    seen = 0
    killed = command(["run", path, *arguments, "--state-dir", state])
    with subprocess.Popen(killed, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for line in process.stderr:
            seen += json.loads(line)["event"] == "recording_progress"
            if seen == 8:
                process.kill()
                break
    assert {found.name for found in path.parent.iterdir()} == {"conversa.wav", ".conversa.wav.transcribe-lease"}
    for place, folder in (("whole", tmp_path / "new"), ("resumed", state)):
        ran = transcribe("run", path, *arguments, "-f", "all", "--state-dir", folder, "--output-dir", tmp_path / place)
        assert ran.code == 0
        assert ("recording_resumed" in ran.err) == (place == "resumed")
    for ending in ("srt", "vtt", "txt", "tsv", "rttm"):
        assert (tmp_path / "resumed" / f"conversa.{ending}").read_bytes() == (
            tmp_path / "whole" / f"conversa.{ending}"
        ).read_bytes()
    assert said(tmp_path / "resumed" / "conversa.wav") == {"SPEAKER_00": expected(0) * 2, "SPEAKER_01": expected(1) * 2}
