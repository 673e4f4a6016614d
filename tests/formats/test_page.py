"""The HTML page in a browser: Chromium, opened from the disk as users do."""

from __future__ import annotations

import re
import shutil
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.formats.documents import segment, spoken, transcript, words
from tests.verdicts import quality, reason
from transcribe_cli.formats import render
from transcribe_cli.transcript import Quality, Segment, Source, Transcript

SECONDS = 60
HOSTILE = "</script><script>hacked = 1</script><img src=x onerror=hacked=2> {{7*7}} \u202e"
LESSON = (
    spoken("Bom dia, João. A lição começa.", 1.0, speaker="Ana"),
    spoken("Tudo bem?", 8.0, speaker="Rui"),
    segment(" Muito bem.", 10.0, 11.0, words=words("Muito", 10.0) + words("bem.", 10.5, probability=0.2), speaker="Ana"),
    spoken("Então vamos.", 20.0),
)

UNCHECKED = Quality(speech=10.0, covered=1.0)
Opener = Callable[..., Page]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium: what `tools/system_packages.sh` installs."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        )
        yield launched
        launched.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Opener]:
    """Write a recording and its page, and open that: `opened(*segments, name=…, hash=…)`. The browser may log no other errors."""
    contexts = []
    logged: list[str] = []

    def open_page(
        *segments: Segment,
        name: str = "aula.wav",
        at: str = "",
        elsewhere: bool = False,
        gone: bool = False,
        errors: bool = False,
        checked: Quality = UNCHECKED,
        **options: Any,
    ) -> Page:
        recording = tmp_path / "in" / name
        recording.parent.mkdir(exist_ok=True)
        silence(recording)
        folder = tmp_path / "out" if elsewhere else recording.parent
        folder.mkdir(exist_ok=True)
        source = Source(name=name, uri=recording.as_uri(), size=1)
        page_path = folder / f"{recording.stem}.html"
        document: Transcript = transcript(*(segments or LESSON), source=source, duration=float(SECONDS), quality=checked)
        page_path.write_text(str(render("html", document, folder=folder.as_uri())), encoding="utf-8", newline="")
        if gone:
            recording.unlink()
        context = browser.new_context(**{"viewport": {"width": 1100, "height": 800}, "reduced_motion": "reduce"} | options)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "console", lambda message: logged.append(message.text) if message.type == "error" and not (gone or errors) else None
        )
        page.on("pageerror", lambda error: logged.append(str(error)))
        page.goto(page_path.as_uri() + at)
        if not gone and options.get("java_script_enabled", True):
            until(page, "media.readyState >= 1")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert logged == []


def silence(path: Path) -> None:
    """A WAV of a minute."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes([128]) * 8000 * SECONDS)


def until(page: Page, condition: str) -> None:
    """Wait for the condition. `wait_for_function` evaluates text in the page, which its policy forbids."""
    for _ in range(1000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(condition)


def time_of(page: Page) -> float:
    """The position of the player in seconds."""
    return round(page.evaluate("media.currentTime"), 3)


def spoken_word(page: Page) -> str:
    """The word that is marked as spoken."""
    return "".join(page.locator(".said .spoken").all_inner_texts())


def test_a_click_on_a_word_goes_to_it(opened: Opener) -> None:
    """The word and its paragraph are marked, and the position is displayed."""
    page = opened()
    page.get_by_text("começa.").click()
    assert (time_of(page), spoken_word(page)) == (3.5, "começa.")
    assert page.locator("[aria-current]").get_attribute("data-first") == "0"
    expect(page.locator("#position")).to_have_text("0:03")
    page.get_by_text("bem?").click()
    assert (time_of(page), spoken_word(page)) == (8.5, "bem?")
    assert page.locator("[aria-current]").get_attribute("data-first") == "6"


def test_the_word_being_spoken_is_marked_while_it_plays(opened: Opener) -> None:
    """One after the other, and none in a long pause."""
    page = opened()
    page.get_by_text("Bom").click()
    page.get_by_role("button", name="Play", exact=True).click()
    for word in ("dia,", "João.", "lição"):
        until(page, f"document.querySelector('.spoken')?.textContent === '{word}'")
    until(page, "media.currentTime > 4.8 && !document.querySelector('.spoken')")
    expect(page.locator("[aria-current]")).to_have_count(1)
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate("media.paused")


def test_a_place_to_check_goes_there(opened: Opener) -> None:
    """The player seeks, the word is marked and in view; also where nobody speaks, and a second time."""
    many = [spoken("Então vamos.", 22.0 + number, speaker=f"P{number}") for number in range(30)]
    places = reason("Loops were removed.", (50.2, 51.0), (8.6, 9.0), (15.0, 16.0), level="bad")
    page = opened(*LESSON, *many, checked=quality(places, reason(HOSTILE)))
    box = page.get_by_role("note")
    expect(box.get_by_role("heading")).to_have_text("This text is probably wrong")
    assert box.get_by_role("link").all_inner_texts() == ["0:50-0:51", "0:08-0:09", "0:15-0:16"]
    for name, time, word in (("0:50", 50.2, "Então"), ("0:08", 8.6, "bem?"), ("0:15", 15.0, ""), ("0:50", 50.2, "Então")):
        box.get_by_role("link", name=name).click()
        assert time_of(page) == time
        marked = page.locator(".said .spoken")
        expect(marked).to_have_text([word] if word else [])  # it waits: the player tells the page when it is there
        expect(page.locator("[aria-current]")).to_be_in_viewport()
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.evaluate("location.hash") == "#t=50.200"


def test_a_time_is_a_link(opened: Opener) -> None:
    """A shared link opens the page at that position."""
    page = opened(at="#t=10.2")
    assert (time_of(page), spoken_word(page)) == (10.2, "Muito")
    page.get_by_role("link", name="0:20").click()
    assert (time_of(page), spoken_word(page)) == (20.0, "Então")
    assert page.url.endswith("#t=20.000")


def test_search_finds_phrases_without_accents_and_capitals(opened: Opener) -> None:
    """Next and previous wrap around; the count is displayed; Escape clears the search."""
    page = opened()
    search = page.get_by_label("Search the transcript")
    search.fill("JOAO. a  licao")
    expect(page.locator("#count")).to_have_text("1 of 1")
    assert page.locator(".selected-match").all_inner_texts() == ["João.", "A", "lição"]
    search.fill("bem")
    expect(page.locator("#count")).to_have_text("1 of 2")
    search.press("Enter")
    expect(page.locator("#count")).to_have_text("2 of 2")
    assert page.locator(".selected-match").all_inner_texts() == ["bem."]
    page.get_by_role("button", name="Next match").click()
    expect(page.locator("#count")).to_have_text("1 of 2")
    page.get_by_role("button", name="Previous match").click()
    expect(page.locator("#count")).to_have_text("2 of 2")
    search.fill("xyz")
    expect(page.locator("#count")).to_have_text("No match")
    expect(page.locator(".match")).to_have_count(0)
    search.press("Escape")
    expect(search).to_have_value("")
    expect(page.locator("#count")).to_have_text("")


def test_speakers_can_be_shown_alone(opened: Opener) -> None:
    """One or several; the search is limited to them."""
    page = opened()
    page.get_by_role("button", name="Ana").click()
    assert page.locator("section:visible .said").all_inner_texts() == ["Bom dia, João. A lição começa.", "Muito bem."]
    page.get_by_label("Search the transcript").fill("bem")
    expect(page.locator("#count")).to_have_text("1 of 1")
    page.get_by_role("button", name="Unknown").click()
    expect(page.locator("section:visible")).to_have_count(3)
    page.get_by_role("button", name="Ana").click()
    page.get_by_role("button", name="Unknown").click()
    expect(page.locator("section:visible")).to_have_count(4)
    expect(page.locator("#count")).to_have_text("1 of 2")


def test_everything_can_be_done_by_keyboard(opened: Opener) -> None:
    """As its help says."""
    page = opened()
    for key, time, word in (
        (".", 1.0, "Bom"), (".", 1.5, "dia,"), (",", 1.0, "Bom"), ("]", 8.0, "Tudo"), ("]", 10.0, "Muito"), ("[", 8.0, "Tudo"),
        ("u", 10.5, "bem."), ("ArrowRight", 15.5, ""), ("ArrowLeft", 10.5, "bem."),
    ):  # fmt: skip
        page.keyboard.press(key)
        assert (time_of(page), spoken_word(page)) == (time, word), key
    page.keyboard.press("+")
    assert page.evaluate("media.playbackRate") == 1.25
    page.keyboard.press("Space")
    until(page, "!media.paused")
    page.keyboard.press("k")
    until(page, "media.paused")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("previous, next paragraph")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.type("dia.")
    expect(page.get_by_label("Search the transcript")).to_have_value("dia.")
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement !== document.body")


def test_every_control_has_a_name(opened: Opener) -> None:
    """For screen readers."""
    page = opened()
    controls = page.locator("button:visible, input:visible, select:visible, main a")
    assert controls.count() > 15
    for control in controls.all():
        expect(control).to_have_accessible_name(re.compile(r"\S"))


def test_untrusted_text_is_never_executed(opened: Opener) -> None:
    """Names of files and speakers and the text are shown as they are."""
    page = opened(spoken(HOSTILE, speaker=HOSTILE), name="a'\"><svg onload=hacked=3>#?%41 &amp;.wav", errors=True)
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == "a'\"><svg onload=hacked=3>#?%41 &amp;.wav"
    assert page.locator(".said").inner_text() == HOSTILE.strip()
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=hacked=4>')")
    page.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'hacked = 5'}))")
    assert page.evaluate("typeof hacked") == "undefined"


def test_a_page_in_another_folder_finds_its_recording(opened: Opener) -> None:
    """With a relative link."""
    page = opened(elsewhere=True)
    assert page.evaluate("media.currentSrc").endswith("/in/aula.wav")
    expect(page.locator("#missing")).to_be_hidden()


def test_a_moved_recording_can_be_opened(opened: Opener, tmp_path: Path) -> None:
    """From any folder; the text is readable without it."""
    page = opened(gone=True)
    expect(page.locator("#missing")).to_be_visible()
    page.get_by_text("bem?").click()
    assert spoken_word(page) == "bem?"
    silence(tmp_path / "moved.wav")
    page.locator("#file").set_input_files(tmp_path / "moved.wav")
    until(page, "media.readyState >= 1")
    expect(page.locator("#missing")).to_be_hidden()
    assert time_of(page) == 8.5


def test_a_long_page_scrolls_to_the_right_word(opened: Opener) -> None:
    """Although most of the page was never rendered; it follows until the user scrolls away."""
    lines = [spoken("uma palavra e outra", 0.1 * n, 0.02, speaker=f"S{n // 7 % 9}") for n in range(500)]
    page = opened(*lines, at="#t=40.05")
    assert spoken_word(page) == "e"
    expect(page.locator(".spoken")).to_be_in_viewport()
    page.keyboard.press("k")
    page.mouse.move(400, 400)
    page.mouse.wheel(0, -4000)
    page.get_by_role("button", name="Follow").click()
    page.keyboard.press("k")
    expect(page.locator("[aria-current]")).to_be_in_viewport()


def test_it_is_readable_without_javascript(opened: Opener) -> None:
    """And the recording can be played with the browser's own controls."""
    page = opened(java_script_enabled=False)
    assert page.locator("section:visible .said").count() == 4
    expect(page.locator("audio")).to_be_visible()
    expect(page.locator("#query")).to_be_hidden()


def test_it_fits_a_phone_and_a_sheet_of_paper(opened: Opener) -> None:
    """Nothing is wider than the screen; nothing but the text is printed."""
    page = opened(viewport={"width": 360, "height": 640}, has_touch=True, is_mobile=True, color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    page.get_by_text("bem?").tap()
    assert spoken_word(page) == "bem?"
    page.emulate_media(media="print")
    expect(page.locator(".player")).to_be_hidden()
    expect(page.locator("#top")).to_be_hidden()
    assert page.locator("section:visible .said").count() == 4
