"""Matching of files to compare."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from transcribe_cli.errors import SourceNotFound, UsageError
from transcribe_cli.scoring.pairs import match

RTTM = "SPEAKER {0} 1 0 1 <NA> <NA> Ana <NA> <NA>\n"


def tree(top: Path, **files: str) -> Path:
    """A folder of files. In names, two underscores are a slash, and one is a dot."""
    for name, text in files.items():
        path = top / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return top


def names(reference: Path, hypothesis: Path) -> list[tuple[str, str, str]]:
    return [(pair.name, pair.reference.label, pair.hypothesis.label) for pair in match(reference, hypothesis).pairs]


def test_trees_are_matched_by_relative_stem(tmp_path):
    """Files without a counterpart are listed. Hidden files, recordings and other files are ignored."""
    left = tree(tmp_path / "ref", a_txt="um", sub__b_txt="um", sub__c_txt="um", _hidden_txt="um", notes_md="um")
    right = tree(tmp_path / "hyp", a_srt="", a_mp3="x", sub__b_json="{}", b_json="{}", sub___git__c_txt="um")
    assert names(left, right) == [("a", "a.txt", "a.srt"), ("sub/b", "sub/b.txt", "sub/b.json")]
    matched = match(left, right)
    assert (matched.only_reference, matched.only_hypothesis) == (("sub/c.txt",), ("b.json",))


def test_the_most_informative_of_several_files_is_used(tmp_path):
    """`run` writes JSON, SRT and VTT. Turns are from an RTTM next to the words."""
    left = tree(tmp_path / "ref", a_txt="um", a_rttm=RTTM.format("a"))
    right = tree(tmp_path / "hyp", a_json="{}", a_srt="", a_vtt="WEBVTT")
    assert names(left, right) == [("a", "a.txt + a.rttm", "a.json")]
    document = match(left, right).pairs[0].reference.read()
    assert document.utterances
    assert document.turns
    assert document.turns[0].speaker == "Ana"


def test_two_files_are_a_pair_whatever_their_names(tmp_path):
    """Also when the name inside an RTTM differs."""
    folder = tree(tmp_path, referencia_rttm=RTTM.format("x"), aula_json="{}", b_txt="um")
    assert names(folder / "b.txt", folder / "b.txt") == [("b", "b.txt", "b.txt")]
    (tmp_path / "aula.json").write_text('{"text": "um"}')
    assert names(folder / "referencia.rttm", folder / "aula.json") == [("aula", "referencia.rttm", "aula.json")]


def test_a_file_of_many_recordings_is_matched_by_the_names_in_it(tmp_path):
    """With a folder, or with another such file."""
    table = tree(tmp_path, all_rttm=RTTM.format("a") + RTTM.format("sub/b") + RTTM.format("z")) / "all.rttm"
    folder = tree(tmp_path / "hyp", a_json="{}", sub__b_json="{}", c_json="{}")
    assert names(table, folder) == [("a", "all.rttm:a", "a.json"), ("sub/b", "all.rttm:sub/b", "sub/b.json")]
    assert match(table, folder).only_reference == ("all.rttm:z",)
    assert len(match(table, table).pairs) == 3
    assert match(table, table).pairs[2].reference.read().turns


def test_an_rttm_of_one_recording_is_matched_by_either_name(tmp_path):
    """The name inside it, otherwise its file name."""
    folder = tree(tmp_path / "hyp", a_json="{}", b_json="{}")
    files = tree(tmp_path, reference_rttm=RTTM.format("a"), b_rttm=RTTM.format("audio1"))
    assert names(files / "reference.rttm", folder) == [("a", "reference.rttm", "a.json")]
    assert names(folder, files / "b.rttm") == [("b", "b.json", "b.rttm")]


def test_names_match_however_their_accents_are_written(tmp_path):
    """Names copied from a Mac are decomposed."""
    for folder, form in (("ref", "NFC"), ("hyp", "NFD")):
        tree(tmp_path / folder)
        (tmp_path / folder).mkdir()
        (tmp_path / folder / unicodedata.normalize(form, "lição.txt")).write_text("um")
    assert len(match(tmp_path / "ref", tmp_path / "hyp").pairs) == 1


def test_symlinks_in_a_circle_are_not_followed(tmp_path):
    """A folder is listed once."""
    folder = tree(tmp_path / "ref", a_txt="um")
    (folder / "again").symlink_to(folder)
    assert len(match(folder, folder).pairs) == 1


def test_no_counterpart_at_all_is_a_usage_error(tmp_path):
    """The message lists files of each side."""
    left = tree(tmp_path / "ref", a_txt="um", b_txt="", c_txt="", d_txt="")
    right = tree(tmp_path / "hyp", x_json="{}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=r"a\.txt, b\.txt, c\.txt and 1 more in .*ref, x\.json in .*hyp"):
        match(left, right)
    with pytest.raises(UsageError, match=r"no transcripts in .*empty"):
        match(left, tmp_path / "empty")
    with pytest.raises(UsageError, match="No file has a counterpart"):
        match(left / "a.txt", right)


@pytest.mark.parametrize("name", ["nowhere", "x" * 5000, "nul\0"])
def test_a_missing_path_is_reported(name, tmp_path):
    """Also an impossible one."""
    with pytest.raises(SourceNotFound, match="does not exist"):
        match(tmp_path / name, tmp_path)
