"""Links from a rendering to the recording: relative if both are on the same host or bucket, so that a tree can be moved.

https://www.rfc-editor.org/rfc/rfc3986#section-4.2
"""

from __future__ import annotations

import posixpath
from urllib.parse import quote, urlsplit

from transcribe_cli.transcript import Transcript

# URLs of these schemes are already percent-encoded; keys of object stores are not.
_ENCODED_SCHEMES = ("file", "http", "https")


def with_relative_link(transcript: Transcript, folder: str) -> Transcript:
    """The transcript with a `source.uri` that works as a link in a document in `folder`, given as a URL.

    It is unchanged if the folder is unknown ("") or on another host or bucket than the recording.
    """
    source = transcript.source
    return transcript.model_copy(update={"source": source.model_copy(update={"uri": _relative_link(source.uri, folder)})})


def _relative_link(uri: str, folder: str) -> str:
    try:
        target, base = urlsplit(uri), urlsplit(folder)
    except ValueError:  # not a URL
        return uri
    if not (target.scheme and base.scheme) or (target.scheme, target.netloc) != (base.scheme, base.netloc):
        return uri
    path = posixpath.relpath(target.path or "/", base.path or "/")
    relative = path if target.scheme in _ENCODED_SCHEMES else quote(path)
    return f"./{relative}" if ":" in relative.partition("/")[0] else relative  # `a:b.mp3` would have the scheme a
