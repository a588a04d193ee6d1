"""A CSV file as rows of cells: in which writing it is, and where a row begins and ends.

UTF-8 (with or without BOM), UTF-16 with BOM or GB18030.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from shared.sheets.faults import UNCLOSED, Cell, NotATable

MOST_LINES: Final = 500
"""Lines that one row may take; more than its longest cell has room for in any ledger that people keep."""
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE: Final = 1 << 20
_BINARY_WITHIN: Final = 1 << 16

Line = tuple[int, Sequence[Cell]]
"""A row and the number of the line it begins on, as an editor or Excel counts."""


def encoding(content: bytes) -> str:
    """Return how a text file is written: by its BOM, else UTF-8 if it is that, else GB18030."""
    named = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    if named != "utf-16" and b"\0" in content[:_BINARY_WITHIN]:
        raise NotATable("这不是表格文件,请导入 .xlsx 或 CSV 格式的文件")
    for name in (named,) if named else ("utf-8", "gb18030"):
        if _is(content, name):
            return name
    raise NotATable("文字编码无法识别,请把文件存为 UTF-8 或 GB18030(GBK)编码的 CSV,或 .xlsx")


def _is(content: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(content), _PIECE):
            decoder.decode(content[start : start + _PIECE])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def lines(content: bytes, encoding: str, delimiter: str) -> Iterator[Line]:
    """Yield the rows of a text file; a row whose quotation mark does not close is UNCLOSED, and costs no other."""
    csv.field_size_limit(max(csv.field_size_limit(), len(content) + 1))
    begun = _Lines(io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline=""))
    reader = csv.reader(begun, delimiter=delimiter)
    while True:
        begins = begun.begin()
        row: Sequence[Cell] | None
        try:
            row = next(reader)
        except StopIteration:
            return
        except _TooLong:
            row = None
        if row is None or begun.broken(delimiter):
            # Only this line is lost: what follows it was never part of it.
            begun.back_to_second()
            row = [UNCLOSED]
        yield begins, row


class _TooLong(Exception):  # noqa: N818 - no record of ours has so many lines
    pass


class _Lines:
    """The lines of a file, with those of the present record kept until it is known to be whole."""

    def __init__(self, text: Iterator[str]) -> None:
        self._text = text
        self._number = 0
        self._record: list[str] = []
        self._again: deque[str] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._record) > MOST_LINES:
            raise _TooLong
        line = self._again.popleft() if self._again else next(self._text)
        self._number += 1
        self._record.append(line)
        return line

    def begin(self) -> int:
        """Begin a record; return the number of its first line."""
        self._record.clear()
        return self._number + 1

    def broken(self, delimiter: str) -> bool:
        """Return whether the record runs over its line for want of a closing quotation mark.

        Within a line much is forgiven; what runs over several must be written as the book says.
        """
        if len(self._record) == 1:
            return False
        try:
            next(csv.reader(self._record, delimiter=delimiter, strict=True))
        except csv.Error:
            return True
        return False

    def back_to_second(self) -> None:
        """Let the lines after the record's first be read again."""
        rest = self._record[1:]
        self._again.extendleft(reversed(rest))
        self._number -= len(rest)


def _is_blank(row: Sequence[Cell]) -> bool:
    return not any(cell not in {"", None} and (not isinstance(cell, str) or cell.strip()) for cell in row)


def filled(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield the rows that are not empty."""
    return (line for line in lines if not _is_blank(line[1]))
