r"""Untrusted text made safe for a terminal: names, transcript text, titles in metadata, bodies of error messages.

Controls, terminal escapes, undecodable bytes and bidirectional controls become visible \xNN and \uNNNN; letters, accents and
emoji stay. Terminals act on escapes wherever they appear (OSC 52 writes the clipboard), and rich passes them on, even after
`escape`. https://unicode.org/reports/tr36/#Bidirectional_Text_Spoofing
"""

from __future__ import annotations

from itertools import chain

_UNSAFE = (
    range(0x20),  # C0: ESC, newline, …
    range(0x7F, 0xA0),  # DEL and C1, where 0x9B alone begins a sequence
    (0xAD, 0x61C, 0x200B, 0x200E, 0x200F),  # soft hyphen, zero-width space and direction marks; not the joiners, which emoji need
    range(0x2028, 0x202F),  # line separators, embeddings and overrides
    range(0x2060, 0x2070),  # word joiner, isolates, deprecated formatting
    (0xFEFF, 0xFFF9, 0xFFFA, 0xFFFB),  # byte order mark, annotations
)
_SHOWN = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in chain(*_UNSAFE, range(0xD800, 0xE000))}
# An undecodable byte reads as that byte: os.fsdecode gives it as a lone surrogate (PEP 383).
_SHOWN |= {code: f"\\x{code - 0xDC00:02x}" for code in range(0xDC80, 0xDD00)}


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would act on; it can always be encoded as UTF-8.

    Backslashes stay as they are, so that it may be applied twice; it is for reading, not for getting the name back.
    """
    return text.translate(_SHOWN)
