"""Text as people's programs write it: with or without a byte order mark."""

from __future__ import annotations

import codecs
import os
from pathlib import Path

# The longer mark first: UTF-32's little-endian mark begins with UTF-16's.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: str | os.PathLike) -> str:
    """Return a file's text without its byte order mark, line ends unchanged.

    Spreadsheets and Windows editors begin UTF-8 with a mark; PowerShell writes UTF-16. A file without a mark
    must be UTF-8.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: the bytes are not of that encoding.
    """
    content = Path(path).read_bytes()
    encoding = next((encoding for mark, encoding in MARKS if content.startswith(mark)), "utf-8")
    return content.decode(encoding)
