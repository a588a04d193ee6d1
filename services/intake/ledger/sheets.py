"""A ledger's file as a table: what kind of file it is, in which writing, where its header stands.

CSV in UTF-8 (with or without BOM), UTF-16 with BOM or GB18030, separated by commas, semicolons or tabs; or xlsx.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Final

from services.intake.ledger.columns import Layout, known_headers, layout
from shared.sheets import text, workbook
from shared.sheets.faults import NotATable
from shared.sheets.text import Line, filled
from shared.sheets.workbook import Sheet

# A title or a note may stand above the header, but not a whole page.
HEADER_WITHIN: Final = 10
_DELIMITERS: Final = (",", "\t", ";", "\uff0c", "|")


@dataclass(frozen=True)
class Table:
    """A ledger laid open: `lines` are the rows below the header, empty ones left out; `total`, about how many."""

    layout: Layout
    lines: Iterator[Line]
    total: int


def open_table(content: bytes) -> Table:
    """Return the ledger in a file; raise NotATable, in words for whoever sent it."""
    if workbook.is_workbook(content):
        return _first_with_header(workbook.sheets(content))
    encoding = text.encoding(content)
    total = max(content.count(b"\n"), content.count(b"\r"))
    return _best(lambda delimiter: text.lines(content, encoding, delimiter), total)


def _top(lines: Iterator[Line]) -> list[Line]:
    """Return the first lines that are not empty, taken off `lines`."""
    return list(islice(filled(lines), HEADER_WITHIN))


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
    rows = filled(lines)
    for _, row in islice(rows, HEADER_WITHIN):
        if known_headers(row) >= _ENOUGH:
            return Table(layout(row), rows, total)
    raise NotATable(_NO_HEADER)
