"""Links from renderings to recordings."""

from __future__ import annotations

import pytest

from tests.formats.documents import transcript
from transcribe_cli.formats.relative_links import with_relative_link
from transcribe_cli.transcript import Source


@pytest.mark.parametrize(
    ("uri", "folder", "link"),
    [
        ("file:///a/b/aula%201.mp3", "file:///a/b", "aula%201.mp3"),
        ("file:///a/b/aula.mp3", "file:///a/out/b", "../../b/aula.mp3"),
        ("file:///a/b%20c/aula.mp3", "file:///a/b%20c/out", "../aula.mp3"),
        ("file:///a/ol%E7%E3o.mp3", "file:///a", "ol%E7%E3o.mp3"),
        ("file:///a/javascript%3Ax.mp3", "file:///a", "javascript%3Ax.mp3"),
        ("s3://bucket/a/aula 1.mp3", "s3://bucket/out", "../a/aula%201.mp3"),
        ("s3://bucket/javascript:x.mp3", "s3://bucket", "javascript%3Ax.mp3"),
        ("https://a.b/javascript:x.mp3", "https://a.b", "./javascript:x.mp3"),
        ("s3://bucket/aula.mp3", "s3://other/out", "s3://bucket/aula.mp3"),
        ("https://a.b/aula.mp3", "file:///a", "https://a.b/aula.mp3"),
        ("file:///a/aula.mp3", "", "file:///a/aula.mp3"),
        ("/a/aula.mp3", "file:///a", "/a/aula.mp3"),
        ("http://[a", "file:///a", "http://[a"),
    ],
)
def test_a_link_is_relative_if_possible(uri: str, folder: str, link: str) -> None:
    """So that recordings and outputs can be moved together; a name can never introduce a scheme."""
    document = transcript(source=Source(name="aula.mp3", uri=uri, size=1))
    assert with_relative_link(document, folder).source.uri == link
