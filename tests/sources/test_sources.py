"""From what the user typed to recordings, each file once."""

from __future__ import annotations

import io
import os
import random
import re
import socket
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.transcripts import commit, transcript_of
from transcribe_cli.errors import SourceNotFound, Unreadable, UsageError
from transcribe_cli.sinks import assign_outputs
from transcribe_cli.sources import find_recordings, refresh
from transcribe_cli.text.links import Links

NOBODY = 65534


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Changes to a new folder; `tree("a/b.mp3", …)` creates files."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str | bytes) -> Path:
        for name in names:
            path = tmp_path / os.fsdecode(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        return tmp_path

    return make


def found(*sources, stdin=b"", **options):
    """Paths below the current folder, in order."""
    here = Path.cwd()
    return [
        str(recording.path.relative_to(here))
        for recording in find_recordings([str(s) for s in sources], stdin=io.BytesIO(stdin), **options)
    ]


@contextmanager
def unprivileged():
    """Drops the privileges of root, who can read and write everything."""
    if os.geteuid() != 0:
        pytest.skip("needs root to become somebody else")
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# folders


def test_a_folder_yields_media_in_natural_order_files_before_subfolders(tree):
    """`aula 2` comes before `aula 10`, ignoring case. Other files and hidden files are skipped."""
    tree(
        "Aula 10.mp3",
        "aula 2.MP3",
        "aula 1.m4a",
        "notes.txt",
        "aula 1.json",
        "a/z.wav",
        "B/x.mkv",
        ".hidden.mp3",
        ".git/y.mp3",
        "._aula 2.mp3",
    )
    assert found(".") == ["aula 1.m4a", "aula 2.MP3", "Aula 10.mp3", "a/z.wav", "B/x.mkv"]


def test_playlists_and_our_own_files_are_not_recordings(tree):
    """Playlists, outputs and temporary files are skipped."""
    tree("a.m3u8", "a.pls", "a.cue", "a.srt", "a.vtt", "a.tsv", ".transcribe-00000000-1-00000000.tmp")
    assert found(".") == []


def test_an_empty_folder_yields_nothing(tree):
    """It is not an error."""
    assert found(tree()) == []


def test_a_walk_is_lazy(tree, monkeypatch):
    """The first recording is yielded before the last folder is listed."""
    tree("a.mp3", "sub/b.mp3")
    listed = []
    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    recordings = find_recordings(["."])
    assert next(recordings).name == "a.mp3"
    assert len(listed) == 1


def test_a_very_deep_tree_is_walked(monkeypatch):
    """Deeper than Python's recursion limit."""
    with tempfile.TemporaryDirectory() as name:
        monkeypatch.chdir(name)
        for _ in range(1500):
            Path("d").mkdir()
            os.chdir("d")
        Path("x.mp3").write_bytes(b"x")
        os.chdir(name)
        assert [path.count("/") for path in found(".")] == [1500]
        # Python's own way to remove a tree is recursive.
        subprocess.run(["rm", "-r", "d"], check=True)


def test_size_and_time_are_those_of_the_file(tree):
    """The time is UTC with microseconds, truncated."""
    path = tree("a.mp3") / "a.mp3"
    os.utime(path, ns=(0, 1_700_000_000_123_456_789))
    (recording,) = find_recordings(["a.mp3"])
    assert (recording.size, recording.modified) == (1, "2023-11-14T22:13:20.123456Z")
    path.write_bytes(b"longer")
    assert refresh(recording).size == 6
    os.utime(path, ns=(0, -1))
    assert refresh(recording).modified == "1969-12-31T23:59:59.999999Z"


# symlinks


def test_a_circular_symlink_is_harmless(tree):
    """Every file is found once, where os.walk with followlinks finds it 41 times."""
    here = tree("a/x.mp3", "a/b/y.mp3")
    (here / "a/b/up").symlink_to(here / "a")
    (here / "a/b/self").symlink_to("self")
    (here / "round.mp3").symlink_to("round.mp3")
    assert found(".")[1:] == ["a/x.mp3", "a/b/y.mp3"]
    (problem,) = [recording.problem for recording in find_recordings(["."]) if recording.problem]
    assert isinstance(problem, Unreadable)


def test_a_real_file_takes_precedence_over_symlinks_to_it(tree):
    """Also if the symlink, or a linked folder, comes first. Outputs are written next to the real file."""
    here = tree("z/real.mp3", "other.mp3")
    (here / "a.mp3").symlink_to("z/real.mp3")
    (here / "b").symlink_to("z")
    assert found(".") == ["other.mp3", "z/real.mp3"]
    assert found("a.mp3", "z/real.mp3") == ["z/real.mp3"]
    assert found("*/*.mp3") == ["z/real.mp3"]


def test_a_file_reached_only_through_symlinks_keeps_that_path(tree, tmp_path_factory):
    """Outputs are written next to the symlink, not next to its target."""
    away = tmp_path_factory.mktemp("away")
    (away / "x.mp3").write_bytes(b"x")
    here = tree("z.mp3")
    (here / "link.mp3").symlink_to(away / "x.mp3")
    (here / "folder").symlink_to(away)
    assert found(".", links=Links(follow=True)) == ["z.mp3", "link.mp3"]
    tree(".annex/y.mp3")
    (here / "y.mp3").symlink_to(".annex/y.mp3")
    assert found(".") == ["z.mp3", "y.mp3"]


def test_a_source_can_be_a_symlink(tree):
    """The source itself, or one of its parent folders."""
    here = tree("data/a.mp3", "data/sub/b.mp3")
    (here / "seen").symlink_to("data")
    assert found("seen") == ["seen/a.mp3", "seen/sub/b.mp3"]
    assert found("seen/sub") == ["seen/sub/b.mp3"]
    assert found("seen", "data") == ["seen/a.mp3", "seen/sub/b.mp3"]


def test_hard_links_are_separate_recordings(tree):
    """It is unknown which of them is the copy."""
    here = tree("a.mp3")
    os.link(here / "a.mp3", here / "b.mp3")
    assert found(".") == ["a.mp3", "b.mp3"]


# what is known to fail


def test_a_file_that_is_not_regular_fails_alone(tree):
    """Opening a FIFO would block. A broken symlink is reported as one. The others continue."""
    here = tree("ok.mp3")
    os.mkfifo(here / "fifo.mp3")
    (here / "broken.mp3").symlink_to("gone.mp3")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s.mp3")
        problems = {recording.name: recording.problem and recording.problem.message for recording in find_recordings(["."])}
    assert problems == {
        "ok.mp3": None,
        "fifo.mp3": "fifo.mp3 is a named pipe, not a regular file.",
        "s.mp3": "s.mp3 is a socket, not a regular file.",
        "broken.mp3": "broken.mp3 is a symbolic link to gone.mp3, which does not exist.",
    }


def test_unreadable_files_and_folders_are_reported(monkeypatch):
    """A folder that cannot be listed, and a file. An excluded folder is not listed."""
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        (top / "closed").mkdir(mode=0o700)
        (top / "secret.mp3").touch(mode=0o600)
        (top / "fine.mp3").touch(mode=0o644)
        with unprivileged():
            problems = {recording.name: recording.problem for recording in find_recordings([name])}
            excluded = [recording.name for recording in find_recordings([name], exclude=["closed/", "secret*"])]
    assert problems["fine.mp3"] is None
    assert "cannot be read (Permission denied)" in problems["secret.mp3"].message
    assert "closed cannot be listed (Permission denied)" in problems["closed"].message
    assert excluded == ["fine.mp3"]


# files and globs


def test_a_single_file_can_have_any_extension(tree):
    """Its root is its folder."""
    here = tree("a/recording.dat")
    (recording,) = find_recordings(["a/recording.dat"])
    assert (recording.path, recording.root, str(recording.relative)) == (here / "a/recording.dat", here / "a", "recording.dat")


def test_outputs_in_expanded_globs_are_skipped(tree):
    """`aulas/*`, expanded by a shell, includes earlier outputs. Files that only look like outputs are used."""
    here = tree("a.mp3", "foreign.srt", "notes.txt", "data.json")
    (recording,) = find_recordings(["a.mp3"])
    (assigned,) = assign_outputs([recording], None)
    commit(assigned.output, transcript_of(recording), {"srt": "1", "txt": "olá"})
    assert {path.name for path in here.iterdir()} >= {"a.json", "a.srt", "a.txt"}
    assert found(*sorted(path.name for path in here.iterdir())) == ["a.mp3", "data.json", "foreign.srt", "notes.txt"]


def test_globs_are_expanded(tree):
    """`*` stays in a folder, `**` does not. Hidden files need an explicit dot. Matches are in natural order, each once."""
    here = tree("aulas/10.mp3", "aulas/2.mp3", "aulas/s/3.mp3", "aulas/s/t/4.mp3", "aulas/.h/5.mp3", "aulas/6.wav", "aulas/7.txt")
    (here / "aulas/s/loop").symlink_to(here / "aulas")
    assert found("aulas/*.mp3") == ["aulas/2.mp3", "aulas/10.mp3"]
    assert found("aulas/**/*.mp3") == ["aulas/2.mp3", "aulas/10.mp3", "aulas/s/3.mp3", "aulas/s/t/4.mp3"]
    assert found("a*/*/?.[mM]p3") == ["aulas/s/3.mp3"]
    assert found("aulas/.*/*") == ["aulas/.h/5.mp3"]
    assert found(here / "aulas/*") == ["aulas/2.mp3", "aulas/6.wav", "aulas/10.mp3", "aulas/s/3.mp3", "aulas/s/t/4.mp3"]
    assert {recording.root for recording in find_recordings(["aulas/**/*.mp3"])} == {here / "aulas"}


def test_an_existing_path_is_not_used_as_a_glob(tree):
    """Brackets are common in names."""
    tree("aula [1].mp3", "aula 1.mp3", "@x.mp3", "a*.mp3")
    assert found("aula [1].mp3") == ["aula [1].mp3"]
    assert found("aula [1]*") == ["aula 1.mp3"]
    assert found("@x.mp3", "a*.mp3") == ["@x.mp3", "a*.mp3"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("alas", r"alas does not exist\. Did you mean aulas\?"),
        ("aulas/licao 1.mp3", r"Did you mean aulas/lição 1\.mp3\?"),
        ("alas/lição 1.mp3", r"Did you mean aulas/lição 1\.mp3\?"),
        ("nothing/like/it.mp3", r"nothing/like/it\.mp3 does not exist\.$"),
        ("aulas/*.wav", r"Nothing matches aulas/\*\.wav\."),
        ("alas/*.mp3", r"alas does not exist\. Did you mean"),
        ("@list.txt", r"The list list\.txt does not exist"),
        ("file:///no/such.mp3", r"/no/such\.mp3 does not exist"),
        ("aulas/lição 1.mp3/x", "does not exist"),
    ],
)
def test_a_missing_source_is_an_error_with_the_most_similar_name(tree, source, message):
    """A typo must not look like an empty folder."""
    tree("aulas/lição 1.mp3")
    with pytest.raises(SourceNotFound) as caught:
        found(source)
    assert re.search(message, str(caught.value))


@pytest.mark.parametrize("url", ["ftp://host/aulas", "S4://bucket/x"])
def test_unsupported_urls_are_rejected(tree, url):
    """They are not used as local paths. The hint lists the supported schemes."""
    with pytest.raises(UsageError, match=r"is not supported.* Choose from: s3://"):
        found(url)


def test_a_url_with_a_missing_slash_gets_a_hint(tree):
    """Path functions collapse the double slash."""
    with pytest.raises(SourceNotFound, match="Did you mean s3://bucket/aulas"):
        found("s3:/bucket/aulas")


def test_file_urls_are_paths(tree):
    """Percent-encoded, and only of this computer."""
    here = tree(b"aula \xe7 100%.mp3")
    (recording,) = find_recordings(["."])
    assert recording.uri == f"file://{here}/aula%20%E7%20100%25.mp3"
    assert [again.path for again in find_recordings([recording.uri])] == [recording.path]
    assert len(found(f"file://localhost{here}")) == 1
    for url in ("file://elsewhere/a.mp3", "file:///a%00b.mp3"):
        with pytest.raises(UsageError):
            found(url)


def test_an_empty_source_is_an_error(tree):
    """It is usually an unset variable, and must not mean the current folder."""
    with pytest.raises(UsageError, match="empty"):
        found("")


def test_dots_in_a_path_are_resolved_unless_they_follow_a_symlink(tree):
    """`link/..` is the parent of the link's target."""
    here = tree("a/x.mp3", "b/c/y.mp3")
    (here / "a/link").symlink_to(here / "b/c")
    assert [str(recording.path) for recording in find_recordings(["a/../a/./x.mp3"])] == [str(here / "a/x.mp3")]
    assert [recording.name for recording in find_recordings(["a/link/.."])] == ["y.mp3"]


# lists and manifests


def test_a_list_has_one_path_per_line(tree):
    """Paths are relative to the current folder, which is mirrored. Blank lines and comments are skipped. Globs are not expanded."""
    here = tree("a/1.mp3", "b [x].mp3", "c/2.mp3", "#3.mp3")
    (here / "list.txt").write_bytes(b"\xef\xbb\xbfa/1.mp3\r\n\n# comment\nb [x].mp3\n./#3.mp3\nc\n" + f"{here}/a/1.mp3".encode())
    assert found("@list.txt") == ["a/1.mp3", "b [x].mp3", "#3.mp3", "c/2.mp3"]
    assert found("-", stdin=(here / "list.txt").read_bytes()) == found("@list.txt")
    assert [str(recording.relative) for recording in find_recordings(["@list.txt"])] == found("@list.txt")


def test_names_in_a_list_with_nuls_are_used_unchanged(tree):
    """As printed by `find -print0`, including newlines."""
    names = [b"a\nb.mp3", b"#c.mp3", b" d .mp3", b"\xe7.mp3"]
    tree(*names)
    assert [os.fsencode(name) for name in found("-", stdin=b"\0".join(names) + b"\0")] == names


def test_a_missing_file_in_a_list_fails_alone(tree):
    """The others continue. So does an unsupported URL, with its line."""
    here = tree("a.mp3")
    recordings = list(find_recordings(["-"], stdin=io.BytesIO(b"gone.mp3\na.mp3")))
    assert [recording.problem and recording.problem.message for recording in recordings] == ["gone.mp3 does not exist.", None]
    (here / "l").write_text("\nftp://b/x.mp3\na.mp3")
    bad, good = find_recordings(["@l"])
    assert good.problem is None
    assert str(bad.problem).startswith("l, line 2: ftp://b/x.mp3: ftp:// is not supported.")
    assert bad.label == "l, line 2"


def test_a_manifest_sets_options_of_single_recordings(tree):
    """Paths are relative to its folder. It can have paths, file:// URLs and folders."""
    here = tree("m/a.mp3", "m/b.dat", "m/c/d.mp3")
    lines = ['{"uri": "a.mp3", "language": "Portuguese", "hotwords": "Capitu"}', "", f'{{"uri": "file://{here}/m/b.dat"}}',
             '{"uri": "c", "language": null, "audio_track": 1}']  # fmt: skip
    (here / "m/all.jsonl").write_text("\n".join(lines))
    recordings = {recording.name: recording for recording in find_recordings(["m/all.jsonl"])}
    assert recordings["a.mp3"].overrides == {"language": "pt", "hotwords": "Capitu"}
    assert recordings["b.dat"].overrides == {}
    assert recordings["d.mp3"].overrides == {"language": None, "audio_track": 1}
    assert {recording.root for recording in recordings.values()} == {here / "m"}
    assert [recording.name for recording in find_recordings(["m/all.jsonl"], exclude=["c/"])] == ["a.mp3", "b.dat"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("not json", "m.jsonl, line 2 is not JSON"),
        ("[1]", "line 2 has no recording"),
        ('{"language": "pt"}', "line 2 has no recording"),
        ('{"uri": "a.mp3", "langauge": "pt"}', "line 2 has an unknown key 'langauge'. Did you mean language?"),
        ('{"uri": "a.mp3", "model": "small"}', "Allowed keys: uri, language"),
        ('{"uri": "a.mp3", "language": "klingonish"}', "line 2: language: unknown language 'klingonish'"),
        ('{"uri": "a.mp3", "audio_track": -1}', "line 2: audio_track"),
        ('{"uri": "a.mp3", "task": "sing"}', "line 2: task"),
        ('{"uri": "ftp://x/a.mp3"}', "line 2: ftp://x/a.mp3: ftp:// is not supported"),
        ('{"uri": "a\\u0000.mp3"}', "line 2: a\\x00.mp3 is not a valid file name"),
        ('{"uri": "\\ud800.mp3"}', "line 2: \\ud800.mp3 is not a valid file name"),
        ("[" * 100_000, "line 2 is not JSON"),
    ],
)
def test_an_error_in_a_manifest_names_its_line(tree, line, message):
    """For an unknown key, the hint has the most similar one. Only this line fails."""
    (tree("a.mp3") / "m.jsonl").write_text('{"uri": "a.mp3"}\n' + line)
    good, bad = find_recordings(["m.jsonl"])
    assert (good.name, good.problem) == ("a.mp3", None)
    assert message in str(bad.problem)
    assert bad.label == "m.jsonl, line 2"


def test_a_manifest_without_a_valid_line_is_an_error(tree):
    """It is another kind of file."""
    (tree("a.mp3") / "m.jsonl").write_text("these\nare\nwords\n")
    with pytest.raises(UsageError, match=r"m\.jsonl, line 1 is not JSON"):
        found("m.jsonl")


def test_one_recording_with_two_settings_is_transcribed_with_the_first(tree):
    """It would be ambiguous. A folder after the manifest adds no settings."""
    here = tree("a.mp3", "b.mp3")
    (here / "m.jsonl").write_text('{"uri": "a.mp3", "language": "pt"}')
    assert [dict(recording.overrides) for recording in find_recordings(["m.jsonl", "."])] == [{"language": "pt"}, {}]
    *listed, again = find_recordings([".", "m.jsonl"])
    assert [(recording.name, recording.problem) for recording in listed] == [("a.mp3", None), ("b.mp3", None)]
    assert "listed twice" in str(again.problem)
    assert again.label == "a.mp3, listed again"


# filters


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({"include": ["*.MP3"]}, ["a.mp3", "x/a.mp3", "x/y/Ação 1.mp3"]),
        ({"include": ["x/*"]}, ["x/a.mp3", "x/b.wav"]),
        ({"include": ["x/**"]}, ["x/a.mp3", "x/b.wav", "x/y/Ação 1.mp3"]),
        ({"include": ["**/b.*"]}, ["b.wav", "x/b.wav"]),
        ({"include": ["**/y/*"]}, ["x/y/Ação 1.mp3"]),
        ({"include": ["ac\u0327a\u0303o [0-9].mp3"]}, ["x/y/Ação 1.mp3"]),
        ({"exclude": ["x/"]}, ["a.mp3", "b.wav"]),
        ({"exclude": ["**/y/**", "b.wav"]}, ["a.mp3", "x/a.mp3"]),
        ({"exclude": ["[!b]*"]}, ["b.wav", "x/b.wav"]),
        ({"include": ["a.mp3"], "exclude": ["x/*"]}, ["a.mp3"]),
    ],
)
def test_filters_are_globs_on_the_name_and_on_the_path_below_the_folder(tree, options, names):
    """Ignoring case and the composition of accents. `*` stays within a folder."""
    tree("a.mp3", "b.wav", "x/a.mp3", "x/b.wav", "x/y/Ação 1.mp3")
    assert found(".", **options) == names
    assert found("**/*", **options) == names
    assert sorted(found("-", stdin="\n".join(found(".")).encode(), **options)) == sorted(names)


def test_filters_do_not_apply_to_single_files(tree):
    """A file that is named explicitly is always used."""
    tree("a.mp3", "b.mp3")
    assert found("a.mp3", ".", exclude=["*"]) == ["a.mp3"]


# names


HOSTILE = [
    b"-rf.mp3", b"a\nb.mp3", b"a\x1b[2J.mp3", "aula 👩‍🏫.mp3".encode(), b"it's \"quoted\".mp3", b"\xff\xfe.mp3", b"ola\xe7\xe3o.mp3",
    b"$(touch x).mp3", b" .mp3", b"%00.mp3", b"..mp3", b"x" * 251 + b".mp3", "é".encode() * 125 + b".mp3", b"a:b|c.mp3", b"\\.mp3",
]  # fmt: skip


def test_hostile_names_are_found_by_every_kind_of_source(tree):
    """Newlines, dashes, escapes, bytes that are not UTF-8, 255 bytes."""
    here = tree(*HOSTILE)
    visible = {name for name in HOSTILE if not name.startswith(b".")}
    assert {os.fsencode(name) for name in found(".")} == visible
    assert {os.fsencode(name) for name in found("*.mp3")} == visible
    assert {os.fsencode(name) for name in found("-", stdin=b"\0".join(HOSTILE))} == set(HOSTILE)
    assert {os.fsencode(name) for name in found(*(here / os.fsdecode(name) for name in HOSTILE))} == set(HOSTILE)
    for recording in find_recordings(["."]):
        recording.name.encode()
        assert [again.path for again in find_recordings([recording.uri])] == [recording.path]


def test_a_name_that_is_not_utf8_is_written_with_its_bytes(tree):
    """JSON cannot represent it otherwise."""
    tree(b"ola\xe7\xe3o \xc3\xa7.mp3")
    assert [recording.name for recording in find_recordings(["."])] == ["ola\\xe7\\xe3o ç.mp3"]


# the law


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_every_file_is_found_exactly_once(seed):
    """In random trees with symlinks to files and folders, also circular ones, and with overlapping random sources."""
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve()
        folders, files = [top], []
        for number in range(dice.randrange(1, 12)):
            folder, kind = dice.choice(folders), dice.random()
            if kind < 0.3:
                folders.append(folder / f"d{number}")
                folders[-1].mkdir()
            elif kind < 0.5:
                (folder / f"link{number}").symlink_to(dice.choice(folders))
            elif kind < 0.6 and files:
                (folder / f"link{number}.mp3").symlink_to(dice.choice(files))
            else:
                files.append(folder / f"f{number}.mp3")
                files[-1].touch()
        ways = [str(path) for path in (*folders, *files)] + [f"{top}/**/*", f"{top}/*"]
        sources = [*dice.choices(ways, k=dice.randrange(4)), name]
        dice.shuffle(sources)
        if not files and any("*" in source for source in sources):
            return
        recordings = [recording.path for recording in find_recordings(sources)]
        assert sorted(map(os.path.realpath, recordings)) == sorted(map(str, files))
        assert set(recordings) == set(files)
