"""Prompt and hotwords: they share half of the decoder, and never come out as text where nobody speaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from faster_whisper.tokenizer import Tokenizer

from tests.conftest import Ran
from tests.fake_engine import attempt
from transcribe_cli.recognition.engines.faster_whisper import FasterWhisper
from transcribe_cli.recognition.engines.gates import choose_attempt
from transcribe_cli.recognition.engines.prompts import ROOM, fit, is_copied, prompt_tokens, shortening
from transcribe_cli.settings import Settings
from transcribe_cli.spec import JobSpec

NAMES = "Kubernetes, Prometheus, Grafana, Ansible, "
PORTUGUESE = "O mandado de segurança protege direito líquido e certo, não amparado por habeas corpus. "
JAPANESE = "東京都知事選挙立候補者討論会"


@pytest.fixture(scope="module")
def engine() -> FasterWhisper:
    """The demo model on the CPU."""
    [load] = FasterWhisper.load("demo", Settings(device="cpu", threads=1))
    return load()


@pytest.fixture(scope="module")
def tokenizer(engine: FasterWhisper) -> Tokenizer:
    """Of the demo model."""
    return engine._tokenizer(JobSpec(model="demo"), "pt")


@pytest.mark.parametrize("text", [NAMES, PORTUGUESE, JAPANESE], ids=["en", "pt", "ja"])
@pytest.mark.parametrize(("hotwords", "prompt"), [(40, 40), (40, 0), (0, 40), (40, 1), (1, 40), (0, 0)])
def test_both_together_leave_half_of_the_decoder_for_text(
    engine: FasterWhisper, tokenizer: Tokenizer, text: str, hotwords: int, prompt: int
) -> None:
    """Whatever the language, also where words have no spaces; what fits remains whole."""
    given = prompt_tokens(tokenizer, text * hotwords), prompt_tokens(tokenizer, text * prompt)
    kept = fit(tokenizer, *given)
    assert sum(map(len, kept)) <= ROOM
    assert kept[0] == given[0][: len(kept[0])]
    assert kept[1] == given[1][len(given[1]) - len(kept[1]) :]
    assert all(len(short) >= min(len(long), ROOM // 2 - 20) for short, long in zip(kept, given, strict=True))
    assert "\ufffd" not in tokenizer.decode(kept[0])
    whole = engine._whisper.get_prompt(tokenizer, given[1], without_timestamps=True, hotwords=text * hotwords)
    assert len(whole) <= 228


def test_what_fits_is_not_shortened(tokenizer: Tokenizer) -> None:
    """And nothing is said of it; otherwise one sentence says how much is left out, of which."""
    assert shortening(tokenizer, JobSpec(initial_prompt=PORTUGUESE, hotwords=NAMES)) == ""
    assert shortening(tokenizer, JobSpec()) == ""
    both = shortening(tokenizer, JobSpec(initial_prompt=PORTUGUESE * 40, hotwords=NAMES * 40))
    assert "tokens of hotwords" in both
    assert "tokens of initial_prompt" in both
    assert "hotwords and" not in shortening(tokenizer, JobSpec(initial_prompt=PORTUGUESE * 40)).partition(". ")[2]


def test_control_tokens_in_a_prompt_are_left_out(tokenizer: Tokenizer) -> None:
    """They would end the text before it begins, or change its task."""
    control = "<|endoftext|><|startoftranscript|><|nospeech|>"
    assert prompt_tokens(tokenizer, f"Aula{control}") == prompt_tokens(tokenizer, "Aula")
    assert prompt_tokens(tokenizer, " \n") == prompt_tokens(tokenizer, None) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Kubernetes,", True),
        ("grafana ansible", True),
        ("O mandado de segredo.", True),  # it ends in a word of the model's own
        ("mandado de segurança protege", True),
        ("", False),
        ("Kubernetes e Grafana", False),
        ("O dia", False),
        ("Ansible O mandado de segurança", False),
    ],
)
def test_a_passage_of_the_prompt_is_recognized(text: str, expected: bool) -> None:
    """The same words in a row, of one of the two."""
    assert is_copied(text, JobSpec(initial_prompt=PORTUGUESE, hotwords=NAMES)) is expected
    assert not is_copied(text, JobSpec())


def test_the_prompt_is_not_text_where_nobody_speaks() -> None:
    """Whisper base writes "Kubernetes," over noise. Clearly spoken hotwords remain."""
    spec = JobSpec(hotwords=NAMES)
    said = replace(attempt(), text="Kubernetes, Prometheus,")
    assert choose_attempt([said], spec, is_last=False) == said
    doubted, improbable = replace(said, no_speech_prob=0.9), replace(said, avg_logprob=-2.0)
    for given, is_last in ((doubted, False), (doubted, True), (improbable, True)):
        chosen = choose_attempt([given], spec, is_last=is_last)
        assert chosen is not None
        assert (chosen.text, chosen.tokens) == ("", ())
    assert choose_attempt([improbable], spec, is_last=False) is None
    other = choose_attempt([replace(improbable, text="Bom dia a todos")], spec, is_last=True)
    assert other is not None
    assert other.failed_gates


@pytest.mark.parametrize("options", [(), ("--sequential", "--max-new-tokens", "400")], ids=["batched", "sequential"])
def test_a_run_with_too_much_prompt_transcribes_and_says_so_once(
    transcribe: Callable[..., Ran], say: Callable[..., Path], tmp_path: Path, options: tuple[str, ...]
) -> None:
    """Each recording failed before, or lost half of its text."""
    for name in ("a", "b"):
        say(tmp_path / "in" / f"{name}.wav")
    long = ("--initial-prompt", PORTUGUESE * 30, "--hotwords", NAMES * 30)
    ran = transcribe("run", tmp_path / "in", "--model", "demo", "--language", "pt", "-f", "txt", *long, *options)
    assert ran.code == 0, ran.err
    assert ran.err.count("has room for 223 tokens") == 1
    for name in ("a", "b"):
        assert "Kubernetes" not in (tmp_path / "in" / f"{name}.txt").read_text()
