"""Symbolic links in a tree lead nowhere else.

The attacker fills a tree that the user transcribes, or the folder that receives the outputs. They can put links there, with any name and
target, but no file outside. They want a private file to be read, so that its text appears where they see it, or outputs to be written
over or beside private files.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.recordings import SHORT
from tests.conftest import Ran, spoken
from tests.storage.places import started
from tests.transcripts import add, commit, transcript_of
from transcribe_cli.audio import Decoder
from transcribe_cli.backends.audio_upload import AudioUploader
from transcribe_cli.backends.thread_pool import StopFlag
from transcribe_cli.batch.claims import Claims
from transcribe_cli.batch.failures import Failures
from transcribe_cli.config import TrustRecords, load_config
from transcribe_cli.errors import ConfigError, OutputRefused, Unreadable
from transcribe_cli.events import Notice
from transcribe_cli.pipeline.checkpoint import Checkpoints
from transcribe_cli.plan import Decision, plan
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings
from transcribe_cli.sources.fetch import Fetcher
from transcribe_cli.spec import JobSpec
from transcribe_cli.state_folder import open_for_append
from transcribe_cli.text.links import Links

Transcribe = Callable[..., Ran]
OUTPUTS = {"aula.json", "aula.srt", "aula.vtt"}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with one recording; `private` beside it has what the attacker wants."""
    folder = tmp_path / "tree"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/aula.wav").write_bytes(spoken(SHORT))
    private = tmp_path / "private"
    private.mkdir()
    (private / "secret.wav").write_bytes(spoken(SHORT))
    return folder


@pytest.fixture
def private(tree: Path) -> Path:
    """The user's folder outside of the tree."""
    return tree.parent / "private"


def contents(folder: Path) -> dict[str, bytes]:
    """All files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def found(*sources: str | Path, links: Links | None = None, **options: object) -> list[str]:
    """Names of the recordings that will be read."""
    return [
        recording.path.name
        for recording in find_recordings([str(source) for source in sources], links=links, **options)  # type: ignore[arg-type]
        if recording.problem is None
    ]


# what is found


LINKS: dict[str, tuple[str, str]] = {
    "file": ("planted.wav", "../private/secret.wav"),
    "absolute file": ("planted.wav", "{private}/secret.wav"),
    "folder": ("planted", "../private"),
    "absolute folder": ("planted", "{private}"),
    "folder with the name of a recording": ("planted.wav", "{private}"),
    "parent": ("planted", ".."),
    "parent of a subfolder": ("sub/planted", "../.."),
    "root": ("planted", "/"),
    "dots": ("planted", "sub/../../private"),
    "sibling with the name of the tree as prefix": ("planted", "../tree-of-mine"),
    "proc": ("planted", "/proc/self/root{private}"),
    "working folder": ("planted", "/proc/self/cwd"),
    "chain of two": ("planted", "sub/hop"),
}


@pytest.mark.parametrize("kind", LINKS)
def test_a_link_out_of_the_tree_is_not_followed(tree: Path, private: Path, kind: str) -> None:
    """To a file or a folder; absolute, relative, through others. It is found with the setting."""
    sibling = tree.parent / "tree-of-mine"
    sibling.mkdir()
    (sibling / "secret.wav").write_bytes(b"x")
    (tree / "sub/hop").symlink_to(private)
    name, target = LINKS[kind]
    (tree / name).symlink_to(target.format(private=private))
    links = Links()
    for source in (tree, tree / "**/*.wav", tree / "*", tree / "**", f"{tree}/*/*.wav", f"{tree}/*/../sub/*.wav"):
        assert "secret.wav" not in found(source, links=links)
        assert "planted.wav" not in found(source, links=links)
    assert (name.rpartition("/")[2] in links.message) or "hop" in links.message
    assert "--follow-links" in links.message
    if kind not in ("proc", "working folder", "root", "parent", "parent of a subfolder"):
        assert {"secret.wav", "planted.wav"} & set(found(tree, links=Links(follow=True)))


def test_links_that_stay_in_the_tree_are_followed(tree: Path, private: Path) -> None:
    """Also through a place outside; the source itself may be a link, or lie below one. Loops end."""
    (tree / ".hidden").mkdir()
    (tree / ".hidden/b.wav").write_bytes(b"x")
    (tree / "b.wav").symlink_to(".hidden/b.wav")
    (tree / "absolute.wav").symlink_to(tree / ".hidden/b.wav")
    (tree / ".hidden/more").mkdir()
    (tree / ".hidden/more/c.wav").write_bytes(b"x")
    (private / "back").symlink_to(tree / ".hidden/more")
    (tree / "through").symlink_to("../private/back")
    (tree / "self").symlink_to(".")
    (tree / "loop").symlink_to("loop")
    (tree / "one").symlink_to("two")
    (tree / "two").symlink_to("one")
    links = Links()
    assert sorted(found(tree, links=links)) == ["absolute.wav", "aula.wav", "c.wav"]
    (tree.parent / "mine").symlink_to("tree")
    assert len(found(tree.parent / "mine", links=links)) == 3
    assert found(tree.parent / "mine/sub", links=links) == ["aula.wav"]
    assert links.message == ""


def test_a_source_may_be_any_link(tree: Path, private: Path) -> None:
    """It is the user's own word, on the command line and in a list; not what lies below it."""
    (tree / "mine.wav").symlink_to(private / "secret.wav")
    (tree / "folder").symlink_to(private)
    (private / "aula.wav").symlink_to(tree / "sub/aula.wav")
    links = Links()
    assert found(tree / "mine.wav", links=links) == ["mine.wav"]
    assert links.message == ""
    assert found(tree / "folder", links=links) == ["secret.wav"]
    (tree.parent / "list").write_text(f"{tree / 'mine.wav'}\n{tree / 'folder'}\n")
    assert found(f"@{tree.parent / 'list'}", links=links) == ["secret.wav"]  # its own name comes first
    assert "aula.wav" in links.message


def test_broken_links_fail_wherever_they_lead(tree: Path) -> None:
    """Nothing can be read through them, and a user wants to know of a disk that is missing."""
    (tree / "gone.wav").symlink_to("/nowhere/at/all.wav")
    (tree / "near.wav").symlink_to("missing.wav")
    problems = [recording.problem for recording in find_recordings([str(tree)]) if recording.problem]
    assert len(problems) == 2
    (tree / "gone.wav").unlink()
    target = tree.parent / "private/later.wav"
    (tree / "gone.wav").symlink_to(target)
    [recording] = [each for each in find_recordings([str(tree)]) if each.name == "gone.wav"]
    target.write_bytes(b"private")
    with pytest.raises(Unreadable, match="leads out"), Fetcher().fetch(recording):
        pass


def test_one_line_names_the_first_links(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """On standard error, escaped, the same for every command that walks; none if nothing was skipped."""
    for name in ("a\x1b[2J.wav", "b.wav", "c.wav", "d.wav"):
        (tree / name).symlink_to(private / "secret.wav")
    (tree / "notes.txt").symlink_to("/etc/hostname")
    (tree / "excluded.wav").symlink_to("/etc/hostname")
    for command in (("plan",), ("status",), ("run", "--dry-run"), ("remote", "--dry-run"), ("plan", "--log-format", "json")):
        ran = transcribe(*command, tree, "--model", "demo", "--exclude", "excluded*")
        lines = [line for line in ran.err.splitlines() if "not followed" in line]
        assert len(lines) == 1, ran.err
        assert "4 links" in lines[0]
        assert "d.wav" not in lines[0]
        assert "and 1 more" in lines[0]
        assert "--follow-links" in lines[0]
        assert "\x1b" not in ran.err
        assert "secret" not in ran.err
    ran = transcribe("plan", tree, "--model", "demo", "--exclude", "excluded*", "--follow-links", "--json")
    assert len(json.loads(ran.out)["recordings"]) == 2
    assert "not followed" not in ran.err
    assert "not followed" not in transcribe("plan", tree / "sub", "--model", "demo").err


def test_only_the_user_can_follow_links(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """Not a file that lies in the tree."""
    (tree / "planted").symlink_to(private)
    (tree / "transcribe.toml").write_text("follow_links = true\n")
    ran = transcribe("plan", tree, "--model", "demo")
    assert "secret" not in ran.out
    assert "ignored in it: follow_links" in ran.err
    assert "secret" in transcribe("plan", tree, "--model", "demo", "--config", tree / "transcribe.toml").out
    assert "secret" in transcribe("plan", tree, "--model", "demo", env={"TRANSCRIBE_FOLLOW_LINKS": "true"}).out


def test_a_run_leaves_the_private_folder_alone(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """No transcript of a private recording in the tree, and no file beside one. With the flag, both."""
    (tree / "planted").symlink_to(private)
    (tree / "sub/stolen.wav").symlink_to(private / "secret.wav")
    before = contents(private)
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 0, ran.err
    assert contents(private) == before
    assert {path.name for path in (tree / "sub").iterdir()} == {"aula.wav", "stolen.wav", *OUTPUTS}
    assert transcribe("run", tree, "--model", "demo", "--follow-links").code == 0
    assert (tree / "sub/stolen.json").exists()


# races


def test_a_recording_that_becomes_a_link_is_not_read(tree: Path, private: Path, decoder: Decoder) -> None:
    """Between the listing and the reading, or between the check and the opening; also a folder above it."""
    [recording] = find_recordings([str(tree)])
    path = tree / "sub/aula.wav"
    path.unlink()
    path.symlink_to(private / "secret.wav")
    with pytest.raises(Unreadable, match="leads out of its tree"), Fetcher().fetch(recording):
        pass
    for read in (decoder.decode, decoder.probe):
        with pytest.raises(Unreadable, match="leads out of its tree"):
            read(path, tree=recording.tree)
    path.unlink()
    (tree / "sub").rename(tree / "moved")
    shutil.copy(private / "secret.wav", private / "aula.wav")
    (tree / "sub").symlink_to(private)
    with pytest.raises(Unreadable, match="leads out of its tree"), Fetcher().fetch(recording):
        pass
    [job] = plan([recording], JobSpec(model="demo"), Settings())
    assert job.decision is Decision.FAIL
    assert isinstance(job.error, OutputRefused)


def test_an_open_file_is_compared_with_the_tree(tree: Path, private: Path) -> None:
    """The path may have led elsewhere for just the moment of opening."""
    [recording] = find_recordings([str(tree)])
    assert recording.tree is not None
    with (private / "secret.wav").open("rb") as file:
        assert not recording.tree.holds_open(tree / "sub/aula.wav", file.fileno())
    with (tree / "sub/aula.wav").open("rb") as file:
        assert recording.tree.holds_open(tree / "sub/aula.wav", file.fileno())
        assert not recording.tree.holds_open(private / "secret.wav", file.fileno())


def test_an_upload_reads_no_file_outside(tree: Path, private: Path, decoder: Decoder) -> None:
    """A remote job sends the bytes of the file that was found, or none."""
    [job] = plan(find_recordings([str(tree)]), JobSpec(model="demo"), Settings())
    uploads = AudioUploader(Settings(upload="original"), [decoder], Fetcher(), None, 10**9)
    sent = uploads.prepare(job, 60.0, StopFlag(), lambda _: None)
    assert base64.b64decode(sent.data) == (tree / "sub/aula.wav").read_bytes()
    (tree / "sub/aula.wav").unlink()
    (tree / "sub/aula.wav").symlink_to(private / "secret.wav")
    with pytest.raises(Unreadable, match="leads out of its tree"):
        uploads.prepare(job, 60.0, StopFlag(), lambda _: None)


# outputs


def test_nothing_is_written_into_a_folder_that_became_a_link(tree: Path, private: Path) -> None:
    """Hours after the plan: no transcript, no rendering, no lease."""
    settings, spec = Settings(), JobSpec(model="demo")
    [job] = plan(find_recordings([str(tree)]), spec, settings)
    transcript = transcript_of(job.recording, spec)
    (tree / "sub").rename(tree.parent / "away")
    shutil.copytree(tree.parent / "away", private / "sub")
    (tree / "sub").symlink_to(private / "sub")
    before = contents(private)
    for write in (commit, add):
        with pytest.raises(OutputRefused, match="leads out of its tree"):
            write(job.output, transcript, {"srt": "1"}, overwrite=True)
    with Claims(spec, settings, lambda event: None) as claims:
        claimed = claims.claim(job)
        assert claimed.job.decision is Decision.FAIL
        assert contents(private) == before


def test_outputs_replace_links_instead_of_writing_through_them(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """To a file, to a folder, to nothing, with `--overwrite`; without it, they are refused."""
    for name, target in (("json", "a.json"), ("srt", "b.srt"), ("vtt", "new.vtt")):
        if name != "vtt":
            (private / target).write_text("{}")
        (tree / f"sub/aula.{name}").symlink_to(private / target)
    before = contents(private)
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 3
    assert "aula.json is a link out of its tree" in ran.err
    assert contents(private) == before
    assert transcribe("run", tree, "--model", "demo", "--overwrite").code == 0
    assert contents(private) == before
    assert not any((tree / f"sub/{name}").is_symlink() for name in OUTPUTS)


def test_a_private_transcript_is_not_rendered_into_the_tree(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """The attacker knows name, size and time of a recording, and links its transcript: `run` and `render` would write its text."""
    shutil.copy2(tree / "sub/aula.wav", private / "aula.wav")
    assert transcribe("run", private / "aula.wav", "--model", "demo", "-f", "json").code == 0
    (tree / "sub/aula.json").symlink_to(private / "aula.json")
    before = contents(private)
    ran = transcribe("run", tree, "--model", "demo")
    assert ran.code == 3
    assert "link out of its tree" in ran.err
    ran = transcribe("render", tree)
    assert "not followed" in ran.err
    ran = transcribe("render", tree / "sub/aula.wav")
    assert "not followed" in ran.err
    assert {path.name for path in (tree / "sub").iterdir()} == {"aula.wav", "aula.json"}
    assert contents(private) == before
    assert transcribe("render", tree, "--follow-links").code == 0
    assert (tree / "sub/aula.srt").exists()


def test_a_folder_in_the_output_folder_must_stay_there(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """A link where a subfolder of outputs would be. The output folder itself may be a link."""
    out = tree.parent / "real"
    out.mkdir()
    (tree.parent / "out").symlink_to("real")
    (out / "sub").symlink_to(private)
    before = contents(private)
    for command in ("run", "plan", "status"):
        ran = transcribe(command, tree, "--model", "demo", "--output-dir", tree.parent / "out")
        assert ran.code == 3
        assert "leads out of its tree" in ran.out + ran.err
        assert contents(private) == before
        assert {path.name for path in private.iterdir()} == {"secret.wav"}
    (out / "sub").unlink()
    assert transcribe("run", tree, "--model", "demo", "--output-dir", tree.parent / "out").code == 0
    assert {path.name for path in (out / "sub").iterdir()} >= OUTPUTS
    target = tree.parent / "rendered"
    target.mkdir()
    (target / "sub").symlink_to(private)
    ran = transcribe("render", out, "--output-dir", target)
    assert ran.code == 3
    assert contents(private) == before
    assert transcribe("render", out, "--output-dir", target, "--follow-links").code == 0
    assert (private / "aula.srt").exists()


def test_leftovers_behind_links_stay(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """Recovery neither removes nor moves what lies behind a link."""
    name = ".transcribe-00000000-1-00000000.tmp"
    (private / name).write_text("mine")
    os.utime(private / name, (0, 0))
    (tree / "planted").symlink_to(private)
    (tree / "sub" / name).symlink_to(private / name)
    assert transcribe("run", tree, "--model", "demo").code == 0
    assert (private / name).read_text() == "mine"


# files beside recordings


def test_speaker_names_behind_a_link_are_not_read(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """One line says so; the transcript is written without names."""
    (private / "names.toml").write_text('SPEAKER_00 = "Secret Name"\n')
    (tree / "sub/speakers.toml").symlink_to(private / "names.toml")
    (tree / "sub/aula.rttm").write_text("SPEAKER aula 1 0.0 1.0 <NA> <NA> SPEAKER_00 <NA> <NA>\n")
    flags = (tree, "--model", "demo", "--diarize", "--diarize-model", "rttm")
    ran = transcribe("run", *flags)
    assert ran.code == 0, ran.err
    assert "speakers.toml is a link out of its tree" in ran.err
    assert "Secret" not in (tree / "sub/aula.json").read_text()
    assert transcribe("render", tree).code == 3
    assert "Secret" not in (tree / "sub/aula.srt").read_text()
    ran = transcribe("run", *flags, "--overwrite", "--follow-links")
    assert "Secret Name" in (tree / "sub/aula.json").read_text()


def test_turns_behind_a_link_are_not_read(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """Labels of a private RTTM file would appear in the transcript."""
    (private / "r.rttm").write_text("SPEAKER aula 1 0.0 1.0 <NA> <NA> Secret <NA> <NA>\n")
    (tree / "sub/aula.rttm").symlink_to(private / "r.rttm")
    ran = transcribe("run", tree, "--model", "demo", "--diarize", "--diarize-model", "rttm")
    assert ran.code == 3
    assert "aula.rttm is a link out of its tree" in ran.err
    assert "Secret" not in (tree / "sub/aula.json").read_text()


def test_a_found_configuration_behind_a_link_does_not_count(tree: Path, private: Path, tmp_path: Path) -> None:
    """Not even its preferences: a private prompt would appear in transcripts. A trusted link counts."""
    (private / "t.toml").write_text('initial_prompt = "Secret"\n')
    (tree / "transcribe.toml").symlink_to(private / "t.toml")
    records = TrustRecords(tmp_path / "trusted")
    config = load_config({}, environ={}, start=tree, records=records)
    assert config.spec.initial_prompt is None
    assert [ignored.names for ignored in config.ignored] == [("initial_prompt",)]
    records.folder.mkdir(mode=0o700)
    file = tree / "transcribe.toml"
    records.path(file).write_bytes(records.record(file, file.read_bytes()))
    records.path(file).chmod(0o600)
    assert load_config({}, environ={}, start=tree, records=records).spec.initial_prompt == "Secret"
    file.unlink()
    (tree / "real.toml").write_text('initial_prompt = "Mine"\n')
    file.symlink_to("real.toml")
    assert load_config({}, environ={}, start=tree).spec.initial_prompt == "Mine"
    (private / "p.toml").write_text('initial_prompt = "Secret"\n')
    (tree / "profiles").symlink_to(private)
    assert load_config({}, environ={}, start=tree, profile="p").spec.initial_prompt == "Mine"
    (tree / "profiles").unlink()
    (tree / "profiles").mkdir()
    (tree / "profiles/p.toml").symlink_to(private / "p.toml")
    assert load_config({}, environ={}, start=tree, profile="p").spec.initial_prompt == "Mine"
    assert load_config({}, environ={}, start=tree, config=file, profile="p").spec.initial_prompt == "Secret"


# a state folder in a tree


def test_a_state_folder_is_not_left_through_links(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """Its subfolders, its ledger and its files are where the user said."""
    state = tree / ".state"
    state.mkdir()
    for name, make in (("checkpoints", Checkpoints), ("failures", Failures)):
        (state / name).symlink_to(private)
        with pytest.raises(ConfigError, match="link out of the state folder"):
            make(state)
        (state / name).unlink()
    for name in ("checkpoints", "failures", "ledger.db"):
        (state / name).symlink_to(private / "new" if name == "ledger.db" else private)
        ran = transcribe("run", tree, "--model", "demo", "--state-dir", state)
        assert ran.code == 2, ran.err
        assert "link out of the state folder" in ran.err
        (state / name).unlink()
    assert {path.name for path in private.iterdir()} == {"secret.wav"}
    (state / "a.jsonl").symlink_to(private / "secret.wav")
    with pytest.raises(OSError, match="levels"):
        open_for_append(state / "a.jsonl")
    (tree.parent / "mine").symlink_to(state)
    assert Failures(tree.parent / "mine")


# servers and archives


def test_links_on_an_sftp_server_stay_below_the_source(tree: Path, tmp_path: Path) -> None:
    """The server follows links for its client. Those below the source are followed, as on a disk."""
    server = tmp_path / "server"
    server.mkdir()
    with started("sftp", server) as place:
        place.put("tree/a.wav", b"a")
        place.put("tree/sub/b.wav", b"b")
        place.put("private.wav", b"secret")
        (top,) = [path.parent for path in server.rglob("private.wav")]
        (top / "tree/in.wav").symlink_to("sub/b.wav")
        (top / "tree/out.wav").symlink_to("../private.wav")
        (top / "tree/sub/up").symlink_to("..")
        (top / "tree/root.wav").symlink_to("/root.wav")
        (server / "sftp/root.wav").write_bytes(b"secret")
        (top / "tree/hops.wav").symlink_to("sub/up/../private.wav")
        (top / "tree/loop.wav").symlink_to("loop.wav")
        (top / "tree/broken.wav").symlink_to("nowhere.wav")
        (top / "tree/folder").symlink_to(top)
        links = Links()
        options = {"storage": place.options, "links": links}
        assert found(f"{place.url}/tree", **options) == ["a.wav", "broken.wav", "in.wav", "b.wav"]
        assert "4 links" in links.message
        assert "hops.wav" in links.message
        assert "private.wav" not in found(f"{place.url}/tree/*.wav", **options)
        assert "out.wav" in found(f"{place.url}/tree", storage=place.options, links=Links(follow=True))
        assert found(f"{place.url}/tree/out.wav", **options) == ["out.wav"]


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_links_in_an_archive_lead_nowhere(tree: Path, private: Path, transcribe: Transcribe, kind: str) -> None:
    """A member that is a link has no content outside of the archive."""
    archive = tree / f"all.{kind}"
    target = str(private / "secret.wav")
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            info = zipfile.ZipInfo("planted.wav")
            info.external_attr = 0o120777 << 16
            file.writestr(info, target)
            file.writestr("a.wav", (private / "secret.wav").read_bytes())
    else:
        with tarfile.open(archive, "w") as file:
            member = tarfile.TarInfo("planted.wav")
            member.type, member.linkname = tarfile.SYMTYPE, target
            file.addfile(member)
            data = (private / "secret.wav").read_bytes()
            member = tarfile.TarInfo("a.wav")
            member.size = len(data)
            file.addfile(member, io.BytesIO(data))
    ran = transcribe("run", f"{kind}://::{archive}", "--model", "demo", "-o", tree.parent / "out")
    written = {path.name for path in (tree.parent / "out").rglob("*.json")}
    assert written == {"a.json"}, ran.err


# from Python, and the commands for other files


def test_the_library_does_not_follow_links_either(tree: Path, private: Path) -> None:
    """`transcribe()` sends a notice."""
    from transcribe_cli import transcribe

    (tree / "planted.wav").symlink_to(private / "secret.wav")
    notices: list[str] = []
    outcomes = list(
        transcribe(
            tree,
            JobSpec(model="demo"),
            Settings(device="cpu"),
            lambda event: notices.append(event.message) if isinstance(event, Notice) else None,
        )
    )
    assert [outcome.job.recording.name for outcome in outcomes] == ["aula.wav"]
    assert any("not followed: " in notice for notice in notices)


def test_lint_and_score_stay_in_their_folders(tree: Path, private: Path, transcribe: Transcribe) -> None:
    """Their findings quote the files."""
    (private / "s.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nSecret\n")
    (tree / "sub/s.srt").symlink_to(private / "s.srt")
    (tree / "sub/ok.srt").write_text("1\n00:00:01,000 --> 00:00:02,000\nOlá\n")
    ran = transcribe("lint", tree)
    assert "s.srt" in next(line for line in ran.err.splitlines() if "not followed" in line)
    assert "in 1 cue of 1 file" in ran.out
    assert "of 2 files" in transcribe("lint", tree, "--follow-links").out
    ran = transcribe("score", tree / "sub", tree / "sub", "--per-file")
    assert "1 link leads out of its tree and was not followed" in ran.err
    assert "2 recordings" in transcribe("score", tree / "sub", tree / "sub", "--follow-links").out
