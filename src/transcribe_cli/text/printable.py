r"""Makes untrusted text safe for a terminal: names, transcript text, titles in metadata, bodies of error messages.

Control characters, terminal escapes, undecodable bytes and bidirectional controls become visible \xNN and \uNNNN. Letters, accents
and emoji stay. Terminals execute escapes wherever they appear (OSC 52 writes the clipboard), and rich passes them on, even after
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
_ESCAPES = {code: f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" for code in chain(*_UNSAFE, range(0xD800, 0xE000))}
# os.fsdecode returns an undecodable byte as a lone surrogate (PEP 383); it is shown as that byte.
_ESCAPES |= {code: f"\\x{code - 0xDC00:02x}" for code in range(0xDC80, 0xDD00)}


def printable(text: str) -> str:
    """The text on one line, without anything that a terminal would execute. It can always be encoded as UTF-8.

    Backslashes are not escaped, so the function is idempotent. The result is for display; it cannot be converted back.
    """
    return text.translate(_ESCAPES)
