"""Text in cells of CSV and TSV, such that no spreadsheet takes it for a formula and executes it.

Excel, LibreOffice and others calculate a cell that begins with `=`, `+`, `-` or `@`, also with a command or a URL in it. An apostrophe
before it makes it text. https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import re

from transcribe_cli.formats.plain_text import one_line

# A cell begins at the start, and after a separator: some spreadsheets split at semicolons, and at commas also in a TSV. A quotation mark
# may be taken for quoting. The wide forms are formulas in East Asian versions.
_FORMULA = re.compile('(?:^|(?<=[;,"\t\r]))(?=[=+@\uff1d\uff0b\uff20\uff0d\t\r-])')


def text_cell(text: str) -> str:
    """The text on one line, with an apostrophe before whatever a spreadsheet would take for a formula."""
    return _FORMULA.sub("'", one_line(text))
