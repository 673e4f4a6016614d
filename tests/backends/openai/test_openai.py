"""`transcribe remote --backend openai` with servers on this machine."""

from __future__ import annotations

import shutil
import signal
import threading
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.backends.openai.conftest import SPEC, RemoteRunner
from tests.backends.openai.server import DROP_AFTER, DROP_BEFORE, KEY, FakeServer, Reply, Request, openai_error
from tests.conftest import EXAMPLES, SENTENCES, Ran, lecture
from transcribe_cli.backends.openai import OpenAI
from transcribe_cli.errors import NotReady, TranscribeError, UsageError
from transcribe_cli.events import RecordingFailed, RecordingProgress, RecordingSent, ignore_event
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

LONG = ((SENTENCES, "pt-br+m3"),) * 4


def wait_until(condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")


def test_a_real_server_returns_the_text_of_run(
    fws: str, remote: RemoteRunner, transcribe: Callable[..., Ran], tmp_path: Path
) -> None:
    """Both use the same model, so the words are the same. Silence is not sent."""
    remote.url = fws
    for name in ("hearing.wav", "silencio.m4a"):
        shutil.copy(EXAMPLES / name, remote.folder / name)
    here = shutil.copytree(remote.folder, tmp_path / "here")
    ran = remote.program()
    assert ran.code == 0, ran.err
    assert "returns segment timestamps, but no word timestamps" in ran.err
    assert transcribe("run", here, "--model", "demo", "-l", "pt").code == 0
    for name in ("um", "hearing"):
        there = remote.transcript(name)
        assert there.text == RemoteRunner("", here, here).transcript(name).text
        assert (there.job.backend, there.job.device) == ("openai", fws.split("/")[2])
        assert (remote.folder / f"{name}.srt").read_text().count("-->") >= 1
    assert remote.transcript("silencio").flags == ("no_speech",)


def test_words_have_the_punctuation_of_the_text(api: FakeServer, remote: RemoteRunner) -> None:
    """OpenAI returns words without punctuation; it is taken from the segments."""
    assert remote.run().exit_code == 0
    [request] = api.requests
    assert request.fields["timestamp_granularities[]"] == ["word", "segment"]
    transcript = remote.transcript("um.wav")
    assert transcript.text.count(".") == 2
    words = [word for segment in transcript.segments for word in segment.words or ()]
    assert "".join(word.word for word in words) == transcript.text
    assert len(words) == 11
    assert all(word.aligned for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


def test_words_inside_segments_are_used_too(api: FakeServer, remote: RemoteRunner) -> None:
    api.words = "inside"
    assert remote.run().exit_code == 0
    words = [word for segment in remote.transcript("um.wav").segments for word in segment.words or ()]
    assert len(words) == 11
    assert any(0 < word.probability < 1 for word in words)


@pytest.mark.parametrize("segments", ["sentences", "whole"])
def test_without_words_there_are_segments(api: FakeServer, remote: RemoteRunner, segments: str) -> None:
    """Also where a server returns a single segment."""
    api.words, api.segments = "nowhere", segments
    assert remote.run().exit_code == 0
    transcript = remote.transcript("um.wav")
    assert all(segment.words is None for segment in transcript.segments)
    assert "professor" in (remote.folder / "um.srt").read_text()


def test_a_server_without_timestamps_is_detected_and_can_be_used(api: FakeServer, remote: RemoteRunner) -> None:
    """Subtitles then have the times of the cuts."""
    api.segments = "none"
    lecture(remote.folder / "long.wav", LONG, pause=2.0)
    with pytest.raises(NotReady, match="returns no timestamps"):
        remote.run()
    api.requests.clear()
    assert remote.run(api_times="none").exit_code == 0
    assert "those of the cuts that this machine makes" in remote.messages
    assert {request.fields["response_format"][0] for request in api.requests} == {"json"}
    segments = remote.transcript("long.wav").segments
    assert len(segments) == 4
    assert [round(segment.start / segments[1].start) for segment in segments] == [0, 1, 2, 3]
    assert (remote.folder / "long.srt").read_text().count("-->") >= 4


@pytest.mark.parametrize("names", [True, False])
def test_answers_of_the_language_vote_are_reused(api: FakeServer, remote: RemoteRunner, names: bool) -> None:
    """The language is a name or a code."""
    api.uses_language_names = names
    assert remote.run(SPEC.model_copy(update={"language": None})).exit_code == 0
    assert (remote.transcript("um.wav").language, len(api.requests)) == ("pt", 1)
    assert "language" not in api.requests[0].fields


def test_without_a_language_in_the_answer_it_is_undetermined(api: FakeServer, remote: RemoteRunner) -> None:
    api.omits_language = True
    assert remote.run(SPEC.model_copy(update={"language": None})).exit_code == 0
    transcript = remote.transcript("um.wav")
    assert (transcript.language, len(api.requests)) == ("und", 1)
    assert transcript.text


def test_long_recordings_are_split_and_joined(api: FakeServer, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each request is within the limit and without silence; words have their times in the recording."""
    monkeypatch.setattr("transcribe_cli.backends.openai.MAX_FILE_BYTES", 32_000 * 12)
    (remote.folder / "um.wav").unlink()
    lecture(remote.folder / "long.wav", LONG)
    assert remote.run().exit_code == 0
    assert len(api.requests) == 3
    assert max(len(request.data) for request in api.requests) <= 32_000 * 12 + 100
    transcript = remote.transcript("long.wav")
    assert sum(request.seconds for request in api.requests) < 0.6 * transcript.duration
    days = [word.start for segment in transcript.segments for word in segment.words or () if word.word == " Bom"]
    assert len(days) == 4
    assert days[3] == pytest.approx(days[0] + 3 * transcript.duration / 4, abs=0.3)
    assert [event for event in remote.events_of(RecordingProgress) if getattr(event, "recording", "") == "long.wav"]


def test_one_request_where_the_server_accepts_its_length(api: FakeServer, remote: RemoteRunner) -> None:
    """One request for the long recording and one for the short one."""
    lecture(remote.folder / "long.wav", LONG)
    assert remote.run().exit_code == 0
    assert len(api.requests) == 2


def test_opus_is_smaller_and_has_the_same_words(api: FakeServer, remote: RemoteRunner) -> None:
    remote.run()
    text = remote.transcript("um.wav").text
    assert remote.run(upload="opus", overwrite=True).exit_code == 0
    wav, opus = api.requests
    assert (wav.name, opus.name) == ("audio.wav", "audio.webm")
    assert len(opus.data) < len(wav.data) / 5
    assert opus.seconds == pytest.approx(wav.seconds, abs=0.05)
    assert remote.transcript("um.wav").text == text


def test_in_flight_limits_the_requests(api: FakeServer, remote: RemoteRunner, say: Callable[..., Path]) -> None:
    for number in range(4):
        say(remote.folder / f"{number}.wav", "Bom dia a todos.")
    api.hold.set()
    process = remote.started("--in-flight", "2")
    wait_until(lambda: api.in_flight == 2)
    api.hold.clear()
    assert process.wait(60) == 0
    assert (api.max_in_flight, len(api.requests)) == (2, 5)


def test_prompt_hotwords_and_temperature_are_sent(api: FakeServer, remote: RemoteRunner) -> None:
    spec = SPEC.model_copy(update={"initial_prompt": "Aula de física.", "hotwords": "Lamarck, mitose", "temperature": (0.4,)})
    assert remote.run(spec, api_times="segment").exit_code == 0
    fields = api.requests[0].fields
    assert fields["prompt"] == ["Lamarck, mitose Aula de física."]
    assert (fields["temperature"], fields["language"], fields["model"]) == (["0.4"], ["pt"], ["demo"])
    assert fields["timestamp_granularities[]"] == ["segment"]


def test_translation_uses_its_own_endpoint(api: FakeServer, remote: RemoteRunner) -> None:
    assert remote.run(SPEC.model_copy(update={"task": "translate"})).exit_code == 0
    assert api.requests[0].path == "/v1/audio/translations"
    assert "language" not in api.requests[0].fields


def test_speakers_are_identified_on_this_machine(api: FakeServer, remote: RemoteRunner) -> None:
    (remote.folder / "um.wav").unlink()
    shutil.copy(EXAMPLES / "hearing.wav", remote.folder / "hearing.wav")
    spec = SPEC.model_copy(update={"diarize": True, "diarize_model": "demo"})
    assert remote.run(spec).exit_code == 0, remote.messages
    assert len(remote.transcript("hearing.wav").speakers) == 3
    requests = len(api.requests)
    remote.run(spec.model_copy(update={"num_speakers": 2}))
    assert len(remote.transcript("hearing.wav").speakers) == 2
    assert len(api.requests) == requests


def test_channels_are_split(api: FakeServer, remote: RemoteRunner) -> None:
    with wave.open(str(remote.folder / "um.wav")) as file:
        speech, parameters = np.frombuffer(file.readframes(file.getnframes()), "<i2"), file.getparams()
    (remote.folder / "um.wav").unlink()
    silence = np.zeros_like(speech)
    both = np.stack([np.concatenate([speech, silence]), np.concatenate([silence, speech])], axis=1)
    with wave.open(str(remote.folder / "dois.wav"), "wb") as file:
        file.setparams(parameters)
        file.setnchannels(2)
        file.writeframes(both.tobytes())
    assert remote.run(SPEC.model_copy(update={"channels": "split"})).exit_code == 0, remote.messages
    assert len(remote.transcript("dois.wav").speakers) == 2
    assert len(api.requests) == 2


def test_every_attempt_has_its_usage(api: FakeServer, remote: RemoteRunner) -> None:
    """Also failed attempts and lost answers."""
    api.faults.extend([DROP_AFTER, openai_error(500, "The server had an error."), openai_error(500, "The server had an error.")])
    [outcome] = remote.outcomes().values()
    failed, done = outcome.usage
    seconds = api.requests[0].seconds
    assert (failed.error, failed.perhaps_again) == ("place_failed", True)
    assert failed.audio == pytest.approx(seconds, abs=0.01)
    assert (done.error, done.perhaps_again, done.place) == ("", False, api.url.split("/")[2])
    assert done.audio == pytest.approx(seconds, abs=0.01)
    assert done.bytes_sent == len(api.requests[-1].data)
    sent = [event for event in remote.events if isinstance(event, RecordingSent)]
    assert [round(event.duration / seconds) for event in sent if event.duration] == [1, 2, 1, 1]


def test_servers_in_a_price_file_have_a_tariff(api: FakeServer, remote: RemoteRunner, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        f'[openai.mine]\nbase_url = "{api.url}"\nsource = "us"\n[openai.mine.models.demo]\nper_audio_hour = 0.1\n'
    )
    [outcome] = remote.outcomes(prices=tmp_path / "prices.toml").values()
    assert [usage.tariffs for usage in outcome.usage] == [("mine.demo",)]


def test_refused_and_dropped_requests_are_retried(api: FakeServer, remote: RemoteRunner) -> None:
    api.faults.extend(
        [openai_error(429, "Rate limit reached", "rate_limit_exceeded", retry_after="0"), Reply(503, "busy"), DROP_BEFORE]
    )
    assert remote.run().exit_code == 0
    assert len(api.requests) == 4


def test_a_recording_that_fails_does_not_affect_the_others(
    api: FakeServer, remote: RemoteRunner, say: Callable[..., Path]
) -> None:
    say(remote.folder / "dois.wav", "Vamos começar a aula de hoje com uma história.")
    longest = 0.0

    def fault_for(request: Request) -> Reply | None:
        nonlocal longest
        longest = max(longest, request.seconds)
        return Reply(500, "Internal Server Error") if request.seconds > 3.3 else None

    api.fault_for = fault_for
    finished = remote.run(attempts=2)
    assert longest > 3.3
    assert (finished.failed, finished.transcribed, finished.exit_code) == (1, 1, 3)
    [failed] = remote.events_of(RecordingFailed)
    assert getattr(failed, "code", "") == "place_failed"
    assert "HTTP 500 (Internal Server Error)" in remote.messages


def test_an_account_without_credit_is_not_retried(api: FakeServer, remote: RemoteRunner) -> None:
    api.fault_for = lambda request: openai_error(429, "You exceeded your current quota", "insufficient_quota")
    with pytest.raises(NotReady):
        remote.run()
    assert len(api.requests) == 1


def test_a_killed_run_pays_for_no_answer_twice(api: FakeServer, remote: RemoteRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are on disk as soon as they arrive."""
    monkeypatch.setattr("transcribe_cli.backends.openai.MAX_FILE_BYTES", 32_000 * 12)
    (remote.folder / "um.wav").unlink()
    lecture(remote.folder / "long.wav", LONG)
    api.fault_for = lambda request: Reply(500, "broken") if api.answered == 2 else None
    first = remote.run(in_flight=1, attempts=1)
    assert (first.failed, api.answered) == (1, 2)
    assert list(remote.state.rglob("*.answers.jsonl"))
    api.fault_for = lambda request: None
    assert remote.run(in_flight=1).exit_code == 0
    assert api.answered == 3
    assert "answers of an earlier run are reused" in remote.messages
    assert not list(remote.state.rglob("*.answers.jsonl"))
    assert remote.transcript("long.wav").text.count("Bom dia") == 4


def test_ctrl_c_ends_at_once(api: FakeServer, remote: RemoteRunner) -> None:
    """It does not wait for an answer, which may take minutes."""
    api.hold.set()
    process = remote.started()
    wait_until(lambda: api.requests)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    api.hold.clear()


def test_no_key_is_in_any_file_or_line(api: FakeServer, remote: RemoteRunner, tmp_path: Path) -> None:
    api.key = KEY
    ran = remote.program("--log-format", "json", TRANSCRIBE_API_KEY=KEY)
    assert ran.code == 0, ran.err
    assert api.requests[0].authorization == f"Bearer {KEY}"
    wrong = remote.program("--overwrite", TRANSCRIBE_API_KEY=f"{KEY}-wrong")
    assert wrong.code == 4
    assert "does not accept the key" in wrong.err
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in ran.out + ran.err + wrong.out + wrong.err


def test_keys_of_services_go_to_no_other_server(api: FakeServer, remote: RemoteRunner) -> None:
    ran = remote.program(OPENAI_API_KEY=KEY, GROQ_API_KEY=KEY)
    assert ran.code == 0, ran.err
    assert api.requests[0].authorization == ""


@pytest.mark.parametrize(
    ("change", "spec", "kind", "message"),
    [
        ({"base_url": "http://127.0.0.1:9/v1"}, {}, NotReady, "cannot be reached"),
        ({"base_url": "https://api.openai.com/v1"}, {"model": "whisper-1"}, NotReady, "no key for OpenAI. Set OPENAI_API_KEY"),
        ({"base_url": "https://api.groq.com/openai/v1"}, {"model": "large-v3"}, NotReady, "Set GROQ_API_KEY"),
        (
            {"base_url": "https://api.openai.com/v1"},
            {"model": "large-v3-turbo"},
            UsageError,
            "OpenAI has no model large-v3-turbo",
        ),
        ({"base_url": "https://api.openai.com/v1"}, {"model": "gpt-4o-transcribe", "task": "translate"}, UsageError, "whisper-1"),
        (
            {"base_url": "https://api.openai.com/v1", "karaoke": True},
            {"model": "gpt-transcribe"},
            UsageError,
            "--karaoke needs word timestamps, which the model gpt-transcribe",
        ),
        ({"api_times": "segment", "highlight_words": True}, {}, UsageError, "--highlight-words needs word timestamps"),
        ({}, {"sequential": True}, UsageError, "--sequential"),
    ],
)
def test_unsupported_requests_are_refused_before_anything_is_sent(
    api: FakeServer, remote: RemoteRunner, change: dict[str, Any], spec: dict[str, Any], kind: type[TranscribeError], message: str
) -> None:
    with pytest.raises(kind, match=message.replace("(", r"\(").replace(")", r"\)")):
        remote.run(JobSpec.model_validate({"model": "demo", "language": "pt", **spec}), **change)
    assert not api.requests


def test_ignored_options_are_reported(api: FakeServer, remote: RemoteRunner) -> None:
    remote.run(SPEC.model_copy(update={"beam_size": 3, "suppress_tokens": (1,)}))
    assert "does not support beam_size, suppress_tokens: ignored" in remote.messages
    remote.events.clear()
    remote.run(JobSpec(model="demo", language="pt", preset="fast"), overwrite=True)
    assert "ignored" not in remote.messages


def test_a_model_that_is_not_listed_is_tried(api: FakeServer, remote: RemoteRunner) -> None:
    api.models = [{"id": "whisper-large"}]
    assert remote.run().exit_code == 0
    assert "does not list the model demo. Its list has: whisper-large." in remote.messages


def test_an_address_with_a_key_in_it_is_refused(remote: RemoteRunner) -> None:
    for url in ("http://me:secret@127.0.0.1/v1", "127.0.0.1:8000", "ftp://x/v1"):
        remote.url = url
        ran = remote.program()
        assert ran.code == 2
        assert "base-url" in ran.err


@pytest.mark.parametrize(
    ("url", "given", "sent"),
    [
        ("https://api.openai.com/v1", {"openai_api_key": KEY, "groq_api_key": "another"}, KEY),
        ("https://api.groq.com/openai/v1", {"openai_api_key": "another", "groq_api_key": KEY}, KEY),
        ("https://api.openai.com/v1", {"openai_api_key": "another", "api_key": KEY}, KEY),
        ("https://api.openai.com.example.org/v1", {"openai_api_key": KEY}, None),
        ("http://speech.example.org/v1", {"api_key": KEY}, KEY),
        ("http://speech.example.org/v1", {}, None),
    ],
)
def test_each_server_gets_its_key(url: str, given: dict[str, Any], sent: str | None) -> None:
    assert OpenAI(SPEC, Settings(base_url=url, **given), ignore_event)._key() == sent


def test_a_wrong_address_is_an_error_before_anything_is_sent(api: FakeServer, remote: RemoteRunner) -> None:
    api.fileless_reply = Reply(404, {"detail": "Not Found"})
    with pytest.raises(NotReady, match="There is no transcription API at"):
        remote.run()
    assert not api.requests


def test_detach_is_refused(api: FakeServer, remote: RemoteRunner) -> None:
    with pytest.raises(UsageError, match="--detach"):
        remote.run(detach=True)


def test_doctor_checks_the_server(api: FakeServer, transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "transcribe.toml").write_text(f'backend = "openai"\nbase_url = "{api.url}"\nmodel = "demo"\n')
    assert f"ok       The server at {api.url} responds." in transcribe("doctor", "--config", "transcribe.toml", cwd=tmp_path).out
    api.key = KEY
    assert "requires a key" in transcribe("doctor", "--config", "transcribe.toml", cwd=tmp_path).out


def test_without_credit_the_fallback_takes_the_rest(api: FakeServer, remote: RemoteRunner, say: Callable[..., Path]) -> None:
    """Finished recordings keep their transcripts, and none is lost."""
    for number in range(3):
        say(remote.folder / f"{number}.wav", "Bom dia a todos.")
    quota = openai_error(429, "You exceeded your current quota", "insufficient_quota")
    api.fault_for = lambda request: quota if api.answered >= 2 else None
    finished = remote.run(in_flight=1, fallback=("local",))
    assert (finished.transcribed, finished.exit_code) == (4, 0)
    backends = [remote.transcript(name).job.backend for name in ("um", "0", "1", "2")]
    assert sorted(backends) == ["local", "local", "openai", "openai"]
    assert "openai: The account at" in remote.messages


def test_a_run_that_is_closed_early_leaves_no_threads(api: FakeServer, remote: RemoteRunner) -> None:
    """Also while the server does not answer."""
    api.hold.set()
    before = set(threading.enumerate())  # a worker of other tests may be there
    settings = remote.settings()
    backend = OpenAI(SPEC, settings, ignore_event)
    jobs = plan(find_recordings([str(remote.folder)]), SPEC, settings)
    reached: list[bool] = []

    def should_stop() -> bool:
        reached.append(bool(api.requests))
        return reached[-1]

    assert list(backend.run(iter(jobs), lambda job: True, should_stop)) == []
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name in ("pipeline", "prepare", "remote-job")]
