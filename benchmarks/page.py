"""Response times of the HTML page of a long recording, in the Chromium of this machine.

    .venv/bin/python -m benchmarks.page                # 50,000 words, five hours; --words

Each action runs five times on a page on the disk, next to its recording, and is timed until the browser has drawn the change; the table
has the medians. `script` is the share of our script. The last line is the CPU share of the page's script, style and layout during playback.
"""

from __future__ import annotations

import argparse
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from rich.console import Console
from rich.table import Table

from transcribe_cli.formats import render_bytes
from transcribe_cli.spec import JobSpec
from transcribe_cli.transcript import JobRecord, Quality, Segment, Source, Transcript, Word

SENTENCE = """a o de que em um para com não uma os no se na por mais as dos como mas foi ao ele das tem seu sua ou ser quando muito há
 está eu também só pelo até isso entre era depois sem mesmo aula professora universidade pesquisa história matemática resultado exemplo
 pergunta hipótese célula energia temperatura experimento equação"""
VOCABULARY = SENTENCE.split()
SPEAKERS = ("Helena", "João", "Mariana", "Álvaro")
ROUNDS = 5
PLAYING_SECONDS = 10
# Action -> the script that performs it in the page.
ACTIONS = {
    "jump to a word in the middle": "goToWord(words.length >> 1)",
    "jump to the end": "goToWord(words.length - 1)",
    "next word": "stepWords(1)",
    "search a word": "$('query').value = 'temperatura'; search()",
    "next match": "selectMatch(selected + 1)",
    "search a letter": "$('query').value = 'a'; search()",
    "clear the search": "$('query').value = ''; search()",
    "show one speaker": "toggleSpeaker(document.querySelector('.chip'))",
    "show everybody": "toggleSpeaker(document.querySelector('.chip'))",
    "scroll far": "scrollTo(0, document.documentElement.scrollHeight * 0.7)",
}
# Runs an action and waits until it is drawn. Returns the milliseconds of the script, and in total.
DRAWN = """action => new Promise(done => {
  const begun = performance.now(); eval(action); const script = performance.now() - begun;
  requestAnimationFrame(() => setTimeout(() => done([script, performance.now() - begun]), 0));
})"""


def lecture(count: int, source: Source) -> Transcript:
    """A conversation of this many words, from a fixed seed; every thirtieth word is uncertain."""
    rng = random.Random(1)
    segments = tuple(_segments(count, rng))
    return Transcript(
        source=source,
        job=JobRecord(
            fingerprint="",
            spec=JobSpec().canonical(),
            tool="transcribe-cli",
            backend="local",
            device="cpu",
            finished_at="2026-01-01T00:00:00Z",
        ),
        language="pt",
        language_probability=1.0,
        duration=segments[-1].end,
        speakers=SPEAKERS,
        text="",
        segments=segments,
        quality=Quality(speech=segments[-1].end, covered=1.0),
    )


def _segments(count: int, rng: random.Random) -> Iterator[Segment]:
    position, speaker, number = 0.0, SPEAKERS[0], 0
    while count > 0:
        words = []
        for _ in range(min(rng.randint(5, 22), count)):
            end = position + rng.uniform(0.12, 0.5)
            probability = 0.3 if rng.random() < 1 / 30 else 0.95
            words.append(Word(word=f" {rng.choice(VOCABULARY)}", start=position, end=end, probability=probability))
            position = end
        text = "".join(word.word for word in words) + "."
        yield Segment(id=number, seek=0, start=words[0].start, end=position, text=text, words=tuple(words), speaker=speaker)
        count -= len(words)
        number += 1
        if rng.random() < 0.2:
            speaker = rng.choice(SPEAKERS)
            position += 1.0


def measured(page: Page) -> Iterator[tuple[str, float, float]]:
    """Action, milliseconds of script, milliseconds until it is drawn."""
    times: dict[str, list[tuple[float, float]]] = {action: [] for action in ACTIONS}
    for _ in range(ROUNDS):
        for name, action in ACTIONS.items():
            script, drawn = page.evaluate(DRAWN, action)
            times[name].append((script, drawn))
            page.wait_for_timeout(200)
    for name, both in times.items():
        scripts, drawn_times = zip(*both, strict=True)
        yield name, statistics.median(scripts), statistics.median(drawn_times)


def busy(page: Page) -> float:
    """The CPU share of the page's own work during playback at normal speed."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def task_seconds() -> float:
        found = {metric["name"]: metric["value"] for metric in session.send("Performance.getMetrics")["metrics"]}
        return float(found["ScriptDuration"] + found["LayoutDuration"] + found["RecalcStyleDuration"])

    page.evaluate("goToWord(1000); media.play()")
    page.wait_for_timeout(1000)
    before = task_seconds()
    page.wait_for_timeout(PLAYING_SECONDS * 1000)
    return (task_seconds() - before) / PLAYING_SECONDS


def main() -> None:
    """Write the page, measure, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description="Measure the response times of a long page.")
    parser.add_argument("--words", type=int, default=50_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        recording = Path(folder) / "aula.flac"
        document = lecture(arguments.words, Source(name=recording.name, uri=recording.as_uri(), size=1))
        silence = ["-f", "lavfi", "-t", f"{document.duration:.0f}", "-i", "anullsrc=r=8000:cl=mono"]
        subprocess.run(["ffmpeg", "-v", "error", *silence, recording], check=True)
        begun = time.perf_counter()
        content = render_bytes("html", document, folder=Path(folder).as_uri())
        rendering = time.perf_counter() - begun
        (Path(folder) / "aula.html").write_bytes(content)
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        page = browser.new_page(viewport={"width": 1100, "height": 800}, reduced_motion="reduce")
        page.goto((Path(folder) / "aula.html").as_uri())
        loading = page.evaluate("performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
        table = Table("action", "script, ms", "until drawn, ms")
        for name, script, drawn in measured(page):
            table.add_row(name, f"{script:.0f}", f"{drawn:.0f}")
        console = Console()
        console.print(
            f"{arguments.words:,} words, {document.duration / 3600:.1f} h, {len(content) / 1e6:.1f} MB: "
            f"rendered in {rendering:.1f} s, loaded in {loading / 1000:.1f} s."
        )
        console.print(table)
        console.print(f"Playback takes {busy(page):.1%} of a CPU core.")
        browser.close()


if __name__ == "__main__":
    main()
