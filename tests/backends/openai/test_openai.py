"""`transcribe remote --backend openai` with servers of the API on this machine."""

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

from tests.backends.openai.conftest import SPEC, Remote
from tests.backends.openai.server import DROP_AFTER, DROP_BEFORE, KEY, Api, Asked, Trouble, openai_says
from tests.conftest import EXAMPLES, SENTENCES, Ran, lecture
from transcribe_cli.backends.openai import OpenAI
from transcribe_cli.errors import NotReady, TranscribeError, UsageError
from transcribe_cli.events import RecordingFailed, RecordingProgress, RecordingSent, ignore_event
from transcribe_cli.plan import plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.spec import JobSpec

LONG = ((SENTENCES, "pt-br+m3"),) * 4


def until(true: Callable[[], object]) -> None:
    """Wait for something that is about to happen."""
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    pytest.fail("it did not happen")


def test_a_real_server_gives_the_text_of_run(fws: str, remote: Remote, transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    """The same model behind both: the same words, and where nobody speaks nothing is asked."""
    remote.url = fws
    for name in ("hearing.wav", "silencio.m4a"):
        shutil.copy(EXAMPLES / name, remote.folder / name)
    here = shutil.copytree(remote.folder, tmp_path / "here")
    ran = remote.program()
    assert ran.code == 0, ran.err
    assert "tells times of segments only" in ran.err
    assert transcribe("run", here, "--model", "demo", "-l", "pt").code == 0
    for name in ("um", "hearing"):
        there = remote.transcript(name)
        assert there.text == Remote("", here, here).transcript(name).text
        assert (there.job.backend, there.job.device) == ("openai", fws.split("/")[2])
        assert (remote.folder / f"{name}.srt").read_text().count("-->") >= 1
    assert remote.transcript("silencio").flags == ("no_speech",)


def test_words_are_those_of_the_text_with_their_times(api: Api, remote: Remote) -> None:
    """OpenAI tells words without their punctuation: it comes from the segments."""
    assert remote.run().exit_code == 0
    [asked] = api.asked
    assert asked.fields["timestamp_granularities[]"] == ["word", "segment"]
    transcript = remote.transcript("um.wav")
    assert transcript.text.count(".") == 2
    words = [word for segment in transcript.segments for word in segment.words or ()]
    assert "".join(word.word for word in words) == transcript.text
    assert len(words) == 11
    assert all(word.aligned for word in words)
    assert [word.start for word in words] == sorted(word.start for word in words)


def test_words_inside_segments_are_taken_too(api: Api, remote: Remote) -> None:
    api.words = "inside"
    assert remote.run().exit_code == 0
    words = [word for segment in remote.transcript("um.wav").segments for word in segment.words or ()]
    assert len(words) == 11
    assert any(0 < word.probability < 1 for word in words)


@pytest.mark.parametrize("segments", ["sentences", "whole"])
def test_without_words_there_are_segments(api: Api, remote: Remote, segments: str) -> None:
    """Also where a server's segment is all that it was sent."""
    api.words, api.segments = "nowhere", segments
    assert remote.run().exit_code == 0
    transcript = remote.transcript("um.wav")
    assert all(segment.words is None for segment in transcript.segments)
    assert "professor" in (remote.folder / "um.srt").read_text()


def test_a_server_that_tells_no_times_is_found_out_and_can_be_used(api: Api, remote: Remote) -> None:
    """Subtitles then have the times of our own cuts."""
    api.segments = "none"
    lecture(remote.folder / "long.wav", LONG, pause=2.0)
    with pytest.raises(NotReady, match="tells no times"):
        remote.run()
    api.asked.clear()
    assert remote.run(api_times="none").exit_code == 0
    assert "come from where this machine cuts" in remote.messages
    assert {asked.fields["response_format"][0] for asked in api.asked} == {"json"}
    segments = remote.transcript("long.wav").segments
    assert len(segments) == 4
    assert [round(segment.start / segments[1].start) for segment in segments] == [0, 1, 2, 3]
    assert (remote.folder / "long.srt").read_text().count("-->") >= 4


@pytest.mark.parametrize("names", [True, False])
def test_the_language_is_voted_on_and_its_answers_are_not_paid_for_again(api: Api, remote: Remote, names: bool) -> None:
    """As a name or as a code."""
    api.names = names
    assert remote.run(SPEC.model_copy(update={"language": None})).exit_code == 0
    assert (remote.transcript("um.wav").language, len(api.asked)) == ("pt", 1)
    assert "language" not in api.asked[0].fields


def test_a_server_that_does_not_tell_the_language_leaves_it_open(api: Api, remote: Remote) -> None:
    api.silent = True
    assert remote.run(SPEC.model_copy(update={"language": None})).exit_code == 0
    transcript = remote.transcript("um.wav")
    assert (transcript.language, len(api.asked)) == ("und", 1)
    assert transcript.text


def test_long_recordings_are_cut_by_speech_and_put_together(api: Api, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within the limits, with the silence left out, each word where it was said."""
    monkeypatch.setattr("transcribe_cli.backends.openai.MOST_BYTES", 32_000 * 12)
    (remote.folder / "um.wav").unlink()
    lecture(remote.folder / "long.wav", LONG)
    assert remote.run().exit_code == 0
    assert len(api.asked) == 3
    assert max(len(asked.data) for asked in api.asked) <= 32_000 * 12 + 100
    transcript = remote.transcript("long.wav")
    assert sum(asked.seconds for asked in api.asked) < 0.6 * transcript.duration
    days = [word.start for segment in transcript.segments for word in segment.words or () if word.word == " Bom"]
    assert len(days) == 4
    assert days[3] == pytest.approx(days[0] + 3 * transcript.duration / 4, abs=0.3)
    assert [event for event in remote.of(RecordingProgress) if getattr(event, "recording", "") == "long.wav"]


def test_one_request_where_the_server_takes_it(api: Api, remote: Remote) -> None:
    """Fewer requests, and the next of a batch do not wait for it."""
    lecture(remote.folder / "long.wav", LONG)
    assert remote.run().exit_code == 0
    assert len(api.asked) == 2


def test_opus_is_small_and_gives_the_same_words(api: Api, remote: Remote) -> None:
    remote.run()
    text = remote.transcript("um.wav").text
    assert remote.run(upload="opus", overwrite=True).exit_code == 0
    wav, opus = api.asked
    assert (wav.name, opus.name) == ("audio.wav", "audio.webm")
    assert len(opus.data) < len(wav.data) / 5
    assert opus.seconds == pytest.approx(wav.seconds, abs=0.05)
    assert remote.transcript("um.wav").text == text


def test_so_many_requests_are_made_at_once(api: Api, remote: Remote, say: Callable[..., Path]) -> None:
    for number in range(4):
        say(remote.folder / f"{number}.wav", "Bom dia a todos.")
    api.hold.set()
    process = remote.started("--in-flight", "2")
    until(lambda: api.at_once == 2)
    api.hold.clear()
    assert process.wait(60) == 0
    assert (api.most_at_once, len(api.asked)) == (2, 5)


def test_what_is_said_about_the_text_reaches_the_server(api: Api, remote: Remote) -> None:
    spec = SPEC.model_copy(update={"initial_prompt": "Aula de física.", "hotwords": "Lamarck, mitose", "temperature": (0.4,)})
    assert remote.run(spec, api_times="segment").exit_code == 0
    fields = api.asked[0].fields
    assert fields["prompt"] == ["Lamarck, mitose Aula de física."]
    assert (fields["temperature"], fields["language"], fields["model"]) == (["0.4"], ["pt"], ["demo"])
    assert fields["timestamp_granularities[]"] == ["segment"]


def test_translation_has_an_address_of_its_own(api: Api, remote: Remote) -> None:
    assert remote.run(SPEC.model_copy(update={"task": "translate"})).exit_code == 0
    assert api.asked[0].path == "/v1/audio/translations"
    assert "language" not in api.asked[0].fields


def test_speakers_are_found_on_this_machine(api: Api, remote: Remote) -> None:
    (remote.folder / "um.wav").unlink()
    shutil.copy(EXAMPLES / "hearing.wav", remote.folder / "hearing.wav")
    spec = SPEC.model_copy(update={"diarize": True, "diarize_model": "demo"})
    assert remote.run(spec).exit_code == 0, remote.messages
    assert len(remote.transcript("hearing.wav").speakers) == 3
    asked = len(api.asked)
    remote.run(spec.model_copy(update={"num_speakers": 2}))
    assert len(remote.transcript("hearing.wav").speakers) == 2
    assert len(api.asked) == asked


def test_channels_are_kept_apart(api: Api, remote: Remote) -> None:
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
    assert len(api.asked) == 2


def test_money_is_told_for_every_attempt(api: Api, remote: Remote) -> None:
    """Also for those that failed, and those of which nobody knows."""
    api.then.extend([DROP_AFTER, openai_says(500, "The server had an error."), openai_says(500, "The server had an error.")])
    [outcome] = remote.outcomes().values()
    failed, done = outcome.usage
    seconds = api.asked[0].seconds
    assert (failed.error, failed.perhaps_again) == ("place_failed", True)
    assert failed.audio == pytest.approx(seconds, abs=0.01)
    assert (done.error, done.perhaps_again, done.place) == ("", False, api.url.split("/")[2])
    assert done.audio == pytest.approx(seconds, abs=0.01)
    assert done.bytes_sent == len(api.asked[-1].data)
    sent = [event for event in remote.events if isinstance(event, RecordingSent)]
    assert [round(event.duration / seconds) for event in sent if event.duration] == [1, 2, 1, 1]


def test_servers_in_a_list_of_prices_have_a_tariff(api: Api, remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "prices.toml").write_text(
        f'[openai.mine]\nbase_url = "{api.url}"\nsource = "us"\n[openai.mine.models.demo]\nper_audio_hour = 0.1\n'
    )
    [outcome] = remote.outcomes(prices=tmp_path / "prices.toml").values()
    assert [usage.tariffs for usage in outcome.usage] == [("mine.demo",)]


def test_refusals_and_failures_are_waited_out(api: Api, remote: Remote) -> None:
    api.then.extend(
        [openai_says(429, "Rate limit reached", "rate_limit_exceeded", retry_after="0"), Trouble(503, "busy"), DROP_BEFORE]
    )
    assert remote.run().exit_code == 0
    assert len(api.asked) == 4


def test_a_recording_that_fails_there_costs_the_others_nothing(api: Api, remote: Remote, say: Callable[..., Path]) -> None:
    say(remote.folder / "dois.wav", "Vamos começar a aula de hoje com uma história.")
    longest = 0.0

    def trouble(asked: Asked) -> Trouble | None:
        nonlocal longest
        longest = max(longest, asked.seconds)
        return Trouble(500, "Internal Server Error") if asked.seconds > 3.3 else None

    api.trouble = trouble
    finished = remote.run(attempts=2)
    assert longest > 3.3
    assert (finished.failed, finished.transcribed, finished.exit_code) == (1, 1, 3)
    [failed] = remote.of(RecordingFailed)
    assert getattr(failed, "code", "") == "place_failed"
    assert "HTTP 500 (Internal Server Error)" in remote.messages


def test_an_empty_account_is_not_asked_again(api: Api, remote: Remote) -> None:
    api.trouble = lambda asked: openai_says(429, "You exceeded your current quota", "insufficient_quota")
    with pytest.raises(NotReady):
        remote.run()
    assert len(api.asked) == 1


def test_a_killed_run_pays_for_no_answer_twice(api: Api, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that came are on disk at once."""
    monkeypatch.setattr("transcribe_cli.backends.openai.MOST_BYTES", 32_000 * 12)
    (remote.folder / "um.wav").unlink()
    lecture(remote.folder / "long.wav", LONG)
    api.trouble = lambda asked: Trouble(500, "broken") if api.answered == 2 else None
    first = remote.run(in_flight=1, attempts=1)
    assert (first.failed, api.answered) == (1, 2)
    assert list(remote.state.rglob("*.answers.jsonl"))
    api.trouble = lambda asked: None
    assert remote.run(in_flight=1).exit_code == 0
    assert api.answered == 3
    assert "were paid for before are used" in remote.messages
    assert not list(remote.state.rglob("*.answers.jsonl"))
    assert remote.transcript("long.wav").text.count("Bom dia") == 4


def test_ctrl_c_ends_at_once(api: Api, remote: Remote) -> None:
    """Although an answer may take minutes."""
    api.hold.set()
    process = remote.started()
    until(lambda: api.asked)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    api.hold.clear()


def test_no_key_is_in_any_file_or_line(api: Api, remote: Remote, tmp_path: Path) -> None:
    api.key = KEY
    ran = remote.program("--log-format", "json", TRANSCRIBE_API_KEY=KEY)
    assert ran.code == 0, ran.err
    assert api.asked[0].authorization == f"Bearer {KEY}"
    wrong = remote.program("--overwrite", TRANSCRIBE_API_KEY=f"{KEY}-wrong")
    assert wrong.code == 4
    assert "does not accept the key" in wrong.err
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
    assert KEY not in ran.out + ran.err + wrong.out + wrong.err


def test_keys_of_services_go_to_no_other_server(api: Api, remote: Remote) -> None:
    ran = remote.program(OPENAI_API_KEY=KEY, GROQ_API_KEY=KEY)
    assert ran.code == 0, ran.err
    assert api.asked[0].authorization == ""


@pytest.mark.parametrize(
    ("change", "spec", "kind", "says"),
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
            "--karaoke needs a time for each word, and the model gpt-transcribe",
        ),
        ({"api_times": "segment", "highlight_words": True}, {}, UsageError, "--highlight-words needs a time for each word"),
        ({}, {"sequential": True}, UsageError, "--sequential"),
    ],
)
def test_what_cannot_be_had_is_refused_before_anything_is_sent(
    api: Api, remote: Remote, change: dict[str, Any], spec: dict[str, Any], kind: type[TranscribeError], says: str
) -> None:
    with pytest.raises(kind, match=says.replace("(", r"\(").replace(")", r"\)")):
        remote.run(JobSpec.model_validate({"model": "demo", "language": "pt", **spec}), **change)
    assert not api.asked


def test_what_is_left_out_is_said(api: Api, remote: Remote) -> None:
    remote.run(SPEC.model_copy(update={"beam_size": 3, "suppress_tokens": (1,)}))
    assert "has no beam_size, suppress_tokens: left out" in remote.messages
    remote.events.clear()
    remote.run(JobSpec(model="demo", language="pt", preset="fast"), overwrite=True)
    assert "left out" not in remote.messages


def test_a_server_that_lists_other_models_is_asked_all_the_same(api: Api, remote: Remote) -> None:
    api.models = [{"id": "whisper-large"}]
    assert remote.run().exit_code == 0
    assert "does not list the model demo, but whisper-large" in remote.messages


def test_an_address_with_a_key_in_it_is_refused(remote: Remote) -> None:
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
def test_each_server_has_its_key(url: str, given: dict[str, Any], sent: str | None) -> None:
    assert OpenAI(SPEC, Settings(base_url=url, **given), ignore_event)._key() == sent


def test_a_wrong_address_is_said_before_anything_is_sent(api: Api, remote: Remote) -> None:
    api.fileless = Trouble(404, {"detail": "Not Found"})
    with pytest.raises(NotReady, match="There is no transcription API at"):
        remote.run()
    assert not api.asked


def test_jobs_cannot_be_left_there(api: Api, remote: Remote) -> None:
    with pytest.raises(UsageError, match="--detach"):
        remote.run(detach=True)


def test_doctor_looks_at_the_server(api: Api, transcribe: Callable[..., Ran], tmp_path: Path) -> None:
    (tmp_path / "transcribe.toml").write_text(f'backend = "openai"\nbase_url = "{api.url}"\nmodel = "demo"\n')
    assert f"ok       The server at {api.url} answers." in transcribe("doctor", cwd=tmp_path).out
    api.key = KEY
    assert "wants a key" in transcribe("doctor", cwd=tmp_path).out


def test_what_an_account_cannot_pay_any_more_goes_to_this_machine(api: Api, remote: Remote, say: Callable[..., Path]) -> None:
    """What was done stands, what was not is done elsewhere, and nothing is lost between."""
    for number in range(3):
        say(remote.folder / f"{number}.wav", "Bom dia a todos.")
    quota = openai_says(429, "You exceeded your current quota", "insufficient_quota")
    api.trouble = lambda asked: quota if api.answered >= 2 else None
    finished = remote.run(in_flight=1, fallback=("local",))
    assert (finished.transcribed, finished.exit_code) == (4, 0)
    backends = [remote.transcript(name).job.backend for name in ("um", "0", "1", "2")]
    assert sorted(backends) == ["local", "local", "openai", "openai"]
    assert "openai: The account at" in remote.messages


def test_what_is_closed_early_leaves_no_thread_at_work(api: Api, remote: Remote) -> None:
    """Also while the server is silent."""
    api.hold.set()
    before = set(threading.enumerate())  # a worker of other tests may be there
    settings = remote.settings()
    backend = OpenAI(SPEC, settings, ignore_event)
    jobs = plan(find_recordings([str(remote.folder)]), SPEC, settings)
    reached: list[bool] = []

    def should_stop() -> bool:
        reached.append(bool(api.asked))
        return reached[-1]

    assert list(backend.run(iter(jobs), lambda job: True, should_stop)) == []
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name in ("pipeline", "prepare", "elsewhere")]
