"""Corrections in buckets: taken over, and never replaced."""

from __future__ import annotations

from tests.storage.places import Tree
from tests.transcripts import transcript_of
from transcribe_cli import sinks
from transcribe_cli.batch.correcting import Correcting
from transcribe_cli.batch.rendering import TranscriptFile
from transcribe_cli.formats import render_bytes
from transcribe_cli.settings import Settings
from transcribe_cli.sources import find_recordings

STYLE = Settings().subtitle_style


def test_a_corrected_file_is_taken_over(tree: Tree) -> None:
    """The transcript and the other formats have the correction."""
    tree.put("aula.mp3", b"sound")
    (recording,) = find_recordings([f"{tree.url}/"], storage=tree.options)
    output = sinks.Output(recording.path.parent, "aula")
    transcript = transcript_of(recording)
    rendered = {name: render_bytes(name, transcript, STYLE) for name in ("srt", "txt")}
    sinks.commit(output, transcript, rendered, stamp=STYLE.stamp)
    tree.put("aula.srt", tree.files()["aula.srt"].replace("olá".encode(), "olé".encode()))
    assert sinks.find_corrected(output, recording) is not None
    assert sinks.free_output(output, recording).stem == "aula.new"
    result = Correcting(TranscriptFile(output.path("json"), output.folder), STYLE).take_over()
    assert result.words == {"aula.srt": 1}
    assert "olé" in tree.files()["aula.txt"].decode()
    assert sinks.read_transcript(output.path("json")).text == " olé"
