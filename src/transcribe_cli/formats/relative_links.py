"""Where the recording is, seen from a rendering: a relative link as long as both are in one place, so that a tree can be moved.

https://www.rfc-editor.org/rfc/rfc3986#section-4.2
"""

from __future__ import annotations

import posixpath
from urllib.parse import quote, urlsplit

from transcribe_cli.transcript import Transcript

# URLs that are percent-encoded already; the keys of object stores are not.
_ENCODED = ("file", "http", "https")


def seen_from(folder: str, transcript: Transcript) -> Transcript:
    """The transcript whose `source.uri` is a reference that works in a document of a folder, which is given as its URL.

    It stays as it is when the folder is "", which is not known, or in another place than the recording.
    """
    source = transcript.source
    return transcript.model_copy(update={"source": source.model_copy(update={"uri": _reference(source.uri, folder)})})


def _reference(uri: str, folder: str) -> str:
    try:
        there, here = urlsplit(uri), urlsplit(folder)
    except ValueError:  # no URL
        return uri
    if not (there.scheme and here.scheme) or (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return uri
    path = posixpath.relpath(there.path or "/", here.path or "/")
    relative = path if there.scheme in _ENCODED else quote(path)
    return f"./{relative}" if ":" in relative.partition("/")[0] else relative  # `a:b.mp3` would be of the scheme a
