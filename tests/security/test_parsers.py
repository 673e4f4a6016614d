"""No parser of ours fails in another way than with an error of ours, whatever it gets.

The attacker wrote the file or answers the request: transcripts, lists, manifests, RTTM, subtitles, pages, leases, entries of archives, and
the files of a state folder that is on a shared disk. They know the formats, and what Python's own parsers fail on.
"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.formats.documents import DIALOGUE, LESSON
from tests.formats.documents import transcript as document_of
from tests.security.hostile_data import FUZZ, ODD_JSON, TEXT, VALUE, as_json, mutated, only_ours
from transcribe_cli.formats import render
from transcribe_cli.formats.speaker_names import read_name_files
from transcribe_cli.plan.contents import is_same_recording
from transcribe_cli.plan.fit import Fit
from transcribe_cli.plan.reasons import change_reason, done_reason
from transcribe_cli.registry import FORMATS
from transcribe_cli.scoring.readers import READERS
from transcribe_cli.sinks.header import read_header
from transcribe_cli.sinks.ownership import belongs_to_another
from transcribe_cli.sources import Recording
from transcribe_cli.sources.lists import list_lines, manifest_lines
from transcribe_cli.sources.patterns import Filter, glob_pattern
from transcribe_cli.sources.walk import natural_key
from transcribe_cli.sources.web_pages import _LinkParser
from transcribe_cli.speakers.diarizers import rttm
from transcribe_cli.speakers.voices.library import Library
from transcribe_cli.spec import JobSpec
from transcribe_cli.storage import Location, Store, locate
from transcribe_cli.storage.entry import parse_entry
from transcribe_cli.subtitles.lint.files import SubtitleFile
from transcribe_cli.text.html_references import resolve_references, without_impossible_references
from transcribe_cli.text.json_data import parse_json
from transcribe_cli.text.numbers import checked_count, checked_number, checked_seconds, parse_seconds
from transcribe_cli.transcript import Transcript

TRANSCRIPT = json.loads(DIALOGUE.dumps())
ANY_TRANSCRIPT = mutated(TRANSCRIPT) | ODD_JSON | st.binary(max_size=60)


# transcripts


@FUZZ
@given(ANY_TRANSCRIPT)
def test_transcripts(data: bytes) -> None:
    """What is accepted can be written again, and rendered in every format."""
    found = only_ours(lambda: Transcript.loads(data, "x.json"))
    if found is not None:
        assert Transcript.loads(found.dumps().encode()).dumps() == found.dumps()
        for name in FORMATS.names():
            only_ours(lambda name=name: render(name, found))


@FUZZ
@given(ANY_TRANSCRIPT)
def test_headers(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """None for what is not ours, and a header whose values the plan can compare and quote."""
    path = tmp_path_factory.getbasetemp() / "header.json"
    path.write_bytes(data)
    header = read_header(path)
    if header is not None:
        belongs_to_another(header, Recording(Path("/x/aula.mp3"), Path("/x")), Path("/x"))
        is_same_recording(header, Recording(Path("/x/aula.mp3"), Path("/x"), header.size, digest="sha256:0"))
        for fit in (Fit(JobSpec(), update=True), Fit(JobSpec(language="pt", model="o/m@1", diarize=True, vad_filter=False))):
            change_reason(fit.changes(header))
            done_reason(fit.variant(header), ())
        assert hash(header.identity)


@FUZZ
@given(VALUE, st.binary(max_size=30))
def test_json(value: object, data: bytes) -> None:
    """A ValueError, or a document that can be written as JSON in UTF-8."""
    for text in (as_json(value), data):
        try:
            document = parse_json(text)
        except ValueError:
            continue
        json.dumps(document, allow_nan=False, ensure_ascii=False).encode()


@FUZZ
@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**63) + 1, 2**63 - 1) | st.text(max_size=20))
def test_json_keeps_every_digit(value: float | str) -> None:
    """Checkpoints depend on it."""
    if not isinstance(value, str) or value.encode("utf-8", "replace").decode() == value:
        assert parse_json(json.dumps(value)) == value


@FUZZ
@given(VALUE)
def test_numbers(value: object) -> None:
    """A ValueError, or a finite number in range."""
    for check in (checked_seconds, checked_count, checked_number):
        try:
            number = check(value)
        except ValueError:
            continue
        assert abs(float(number)) < 1e19
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            assert 0 <= parse_seconds(value) <= 1e8


# lists


@FUZZ
@given(st.binary(max_size=80) | st.lists(TEXT, max_size=4).map(lambda lines: "\n".join(lines).encode("utf-8", "surrogatepass")))
def test_lists(data: bytes) -> None:
    """Any bytes are names."""
    assert all(line.text for line in list_lines(data))


@FUZZ
@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["uri", "language", "languages", "initial_prompt", "audio_track", "channels", "x"]), VALUE
        ),
        max_size=3,
    ),
    ODD_JSON | st.binary(max_size=40),
)
def test_manifests(entries: list[dict[str, object]], odd: bytes) -> None:
    """Each line by itself."""
    for line in only_ours(lambda: manifest_lines(b"\n".join([*map(as_json, entries), odd]), "m.jsonl")) or ():
        assert isinstance(line.text, str)
        if line.error is None:
            JobSpec(model="small", **line.overrides).fingerprint  # noqa: B018 - must not fail


@FUZZ
@given(TEXT, TEXT)
def test_urls(host: str, path: str) -> None:
    """A location, or an error without a password."""
    for scheme in ("http", "s3", "memory", "zip", "nowhere"):
        only_ours(lambda scheme=scheme: locate(f"{scheme}://{host}/{path}", {}))


@FUZZ
@given(TEXT | st.text("[]!*?^-\\a/", max_size=20), TEXT)
def test_patterns_and_names(pattern: str, name: str) -> None:
    """Names of objects may have 1,024 characters, those in archives 65,535."""
    natural_key(name)
    glob_pattern(pattern).fullmatch(name)
    Filter([pattern], [pattern]).matches(name)


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["size", "mtime", "LastModified", "ETag", "md5Hash", "Content-MD5", "date_time", "type", "mimetype"]),
        VALUE | st.tuples(*[st.integers(0, 70)] * 6),
        max_size=5,
    ),
    TEXT,
)
def test_entries_of_listings(info: dict[str, object], name: str) -> None:
    """What a server or an archive says about a file."""
    entry = parse_entry({"name": name, **info})
    assert entry.size is None or entry.size >= 0
    assert entry.modified_ns is not None


# pages


@FUZZ
@given(
    st.lists(
        TEXT | st.sampled_from(["<a href='", "<!", "<![", "<?", "]]>", "<a ", "&#x", "<script>", "--", "<enclosure url='", "'>"]),
        max_size=12,
    )
)
def test_pages(parts: list[str]) -> None:
    """Browsers accept any text as HTML."""
    page = _LinkParser()
    page.feed(without_impossible_references("".join(parts)))
    store = Store("http://h/", "", locate("http://h/", {}).store.kind, locate("http://h/", {}).store._fs, "http://h/")
    for link in page.links:
        only_ours(lambda link=link: locate(f"http://h/{link}", {}))
    assert Location(store, "p").name == "p"
    resolve_references("".join(parts))


# text formats


LINE = st.lists(
    TEXT
    | st.sampled_from(
        ["SPEAKER", "a", "1", "0.5", "<NA>", "A", ";;", "00:00:01,000", "-->", "9" * 9 + ":00:00.000", "WEBVTT", "<o,f0>"]
    ),
    max_size=11,
)
LINES = st.lists(LINE.map(" ".join), max_size=6).map("\n".join)


@FUZZ
@given(LINES)
def test_rttm(text: str) -> None:
    """Turns end after they start, in finite time."""
    for turn in only_ours(lambda: rttm.parse(text, "a", "a.rttm")) or ():
        assert 0 <= turn.start <= turn.end <= 1e8


@FUZZ
@given(LINES | ANY_TRANSCRIPT.map(lambda data: data.decode("utf-8", "replace")), st.sampled_from(sorted(READERS)))
def test_references_of_scoring(text: str, suffix: str) -> None:
    """Every format that can be scored."""
    only_ours(lambda: READERS[suffix](text, "x"))


@FUZZ
@given(LINES, st.sampled_from([".srt", ".vtt"]))
def test_subtitles(tmp_path_factory: pytest.TempPathFactory, text: str, suffix: str) -> None:
    """As `lint` reads them."""
    path = tmp_path_factory.getbasetemp() / f"x{suffix}"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    only_ours(SubtitleFile(path).cues)


@FUZZ
@given(
    LINES
    | st.dictionaries(TEXT, VALUE, max_size=3).map(lambda names: "\n".join(f"{key} = {value!r}" for key, value in names.items()))
)
def test_speaker_names_and_voices(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """TOML, next to a recording and in the state folder."""
    folder = tmp_path_factory.getbasetemp() / "voices"
    folder.mkdir(exist_ok=True)
    (folder / "speakers.toml").write_bytes(text.encode("utf-8", "surrogatepass"))
    only_ours(lambda: read_name_files(folder / "a.mp3"))
    only_ours(Library(folder.parent).voices)


def test_the_documents_are_valid_before_they_are_changed() -> None:
    """So the changes reach all of each parser."""
    assert Transcript.loads(json.dumps(TRANSCRIPT)) == DIALOGUE
    assert document_of(*LESSON.segments).dumps()
