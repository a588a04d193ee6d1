"""A ledger's file as a table: what kind of file it is, in which writing, where its header stands.

CSV in UTF-8 (with or without BOM), UTF-16 with BOM or GB18030, separated by commas, semicolons or tabs; or xlsx.
"""

import codecs
import csv
import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from services.intake.ledger import workbook
from services.intake.ledger.cells import Cell
from services.intake.ledger.columns import Layout, known_headers, layout
from services.intake.ledger.faults import UNCLOSED, NotATable
from services.intake.ledger.workbook import Sheet

# A title or a note may stand above the header, but not a whole page.
HEADER_WITHIN: Final = 10
MOST_LINES: Final = 500
"""Lines that one row may take; more than its longest cell has room for in any ledger that people keep."""
_DELIMITERS: Final = (",", "\t", ";", "\uff0c", "|")
_ZIP, _OLE, _PDF = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_PIECE: Final = 1 << 20
_BINARY_WITHIN: Final = 1 << 16

Line = tuple[int, Sequence[Cell]]
"""A row and the number of the line it begins on, as an editor or Excel counts."""


@dataclass(frozen=True)
class Table:
    """A ledger laid open: `lines` are the rows below the header, empty ones left out; `total`, about how many."""

    layout: Layout
    lines: Iterator[Line]
    total: int


def open_table(content: bytes) -> Table:
    """Return the ledger in a file; raise NotATable, in words for whoever sent it."""
    if not content.strip():
        raise NotATable("文件是空的")
    if content.startswith(_ZIP):
        return _first_with_header(workbook.sheets(content))
    if content.startswith(_OLE):
        raise NotATable("这是旧版 Excel(.xls)或加了密码的文件,请另存为不加密码的 .xlsx 或 CSV 再导入")
    if content.startswith(_PDF):
        raise NotATable("这是 PDF 文件,请导入 .xlsx 或 CSV 格式的台账")
    encoding = _encoding(content)
    csv.field_size_limit(max(csv.field_size_limit(), len(content) + 1))
    total = max(content.count(b"\n"), content.count(b"\r"))
    return _best(lambda delimiter: _csv(content, encoding, delimiter), total)


def _encoding(content: bytes) -> str:
    """Return how a text file is written: by its BOM, else UTF-8 if it is that, else GB18030."""
    named = next((name for bom, name in _BOMS if content.startswith(bom)), None)
    if named != "utf-16" and b"\0" in content[:_BINARY_WITHIN]:
        raise NotATable("这不是表格文件,请导入 .xlsx 或 CSV 格式的台账")
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


def _csv(content: bytes, encoding: str, delimiter: str) -> Iterator[Line]:
    lines = _Lines(io.TextIOWrapper(io.BytesIO(content), encoding=encoding, newline=""))
    reader = csv.reader(lines, delimiter=delimiter)
    while True:
        begins = lines.begin()
        row: Sequence[Cell] | None
        try:
            row = next(reader)
        except StopIteration:
            return
        except _TooLong:
            row = None
        if row is None or lines.broken(delimiter):
            # Only this line is lost: what follows it was never part of it.
            lines.back_to_second()
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


def _filled(lines: Iterable[Line]) -> Iterator[Line]:
    return (line for line in lines if not _is_blank(line[1]))


def _top(lines: Iterator[Line]) -> list[Line]:
    """Return the first lines that are not empty, taken off `lines`."""
    return list(islice(_filled(lines), HEADER_WITHIN))


def _promise(top: Sequence[Line]) -> int:
    return max((known_headers(row) for _, row in top), default=0)


def _best(opened: Callable[[str], Iterator[Line]], total: int) -> Table:
    """Return the table under the separator that makes most sense of its first lines."""
    tops = {delimiter: _top(opened(delimiter)) for delimiter in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda delimiter: _promise(tops[delimiter]))
    return _below_header(opened(best), total)


def _first_with_header(sheets: Iterable[Sheet]) -> Table:
    """Return the first sheet that begins with a header; where none does, say what the first one lacks."""
    empty = True
    for sheet in sheets:
        lines = enumerate(sheet.rows, start=1)
        top = _top(lines)
        empty = empty and not top
        if _promise(top) >= _ENOUGH:
            return _below_header(chain(top, lines), sheet.height)
    raise NotATable("文件里没有数据" if empty else _NO_HEADER)


_ENOUGH: Final = 2  # fewer headers of ours in a row are a coincidence
_NO_HEADER: Final = "没有找到表头:第一行应为列名,至少有 受理时间(received_at)、渠道(channel)、内容(content)"


def _below_header(lines: Iterator[Line], total: int) -> Table:
    filled = _filled(lines)
    for _, row in islice(filled, HEADER_WITHIN):
        if known_headers(row) >= _ENOUGH:
            return Table(layout(row), filled, total)
    raise NotATable(_NO_HEADER)
