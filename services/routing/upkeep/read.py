"""Files as rows of lists: a workbook with a sheet for each list, a CSV for one. Broken rows are named and left out."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePath
from typing import Any, Final

from services.routing.upkeep import cells
from services.routing.upkeep.faults import BadCell, Fault, Place
from services.routing.upkeep.kinds import KINDS, Column, Kind, kind_called
from shared.sheets import text, workbook
from shared.sheets.faults import UNCLOSED, Cell, NotATable
from shared.sheets.text import Line, filled

HEADER_WITHIN: Final = 10
MOST_FAULTS: Final = 10_000
_DELIMITERS: Final = (",", "\t", ";")


@dataclass(frozen=True, slots=True)
class Row:
    """What a row of a list says: only of the columns that are there."""

    place: Place
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of one list, and what is wrong with the others."""

    kind: Kind
    rows: list[Row]
    faults: list[Fault]


def lists(name: str, content: bytes, kind_name: str | None = None) -> list[Read]:
    """Return the lists in a file; raise NotATable. A CSV's list is told by `kind_name` or by the file's name."""
    if workbook.is_workbook(content):
        found = [
            _list(name, sheet.name, kind, enumerate(sheet.rows, start=1))
            for sheet in workbook.sheets(content)
            if (kind := kind_called(sheet.name)) is not None
        ]
        if not found:
            raise NotATable(f"没有一个工作表叫做 {'、'.join(k.title for k in KINDS)}")
        return found
    kind = kind_called(kind_name or PurePath(name).stem)
    if kind is None:
        raise NotATable(f"看不出这是哪一类清单,请把文件命名为 {'、'.join(f'{k.title}.csv' for k in KINDS)}")
    encoding = text.encoding(content)
    best = max(
        _DELIMITERS, key=lambda d: max((len(_known(kind, row)) for _, row in _top(content, encoding, d)), default=0)
    )  # fmt: skip
    return [_list(name, "", kind, text.lines(content, encoding, best))]


def _top(content: bytes, encoding: str, delimiter: str) -> Iterator[Line]:
    return islice(filled(text.lines(content, encoding, delimiter)), HEADER_WITHIN)


def _known(kind: Kind, row: Sequence[Cell]) -> dict[int, Column]:
    """Return the columns of a header by their place."""
    words = {cells.key(word): column for column in kind.columns for word in (column.name, column.title)}
    return {
        place: words[word]
        for place, cell in enumerate(row)
        if isinstance(cell, str) and (word := cells.key(cell)) in words
    }


def _list(name: str, sheet: str, kind: Kind, lines: Iterable[Line]) -> Read:
    read, rows = Read(kind, [], []), filled(lines)
    needed = {column.name for column in kind.columns if column.required}
    for line, row in islice(rows, HEADER_WITHIN):
        columns = _known(kind, row)
        if needed <= {column.name for column in columns.values()}:
            break
        if len(columns) > 1:
            missing = [c.title for c in kind.columns if c.required and c not in columns.values()]
            read.faults.append(Fault(Place(name, sheet, line), None, f"缺少列:{'、'.join(missing)}"))
            return read
    else:
        titles = "、".join(column.title for column in kind.columns if column.required)
        read.faults.append(Fault(Place(name, sheet, 0), None, f"没有找到表头,至少要有:{titles}"))
        return read
    for line, row in rows:
        _row(read, Place(name, sheet, line), columns, row)
        if len(read.faults) > MOST_FAULTS:
            break
    return read


def _row(read: Read, place: Place, columns: dict[int, Column], row: Sequence[Cell]) -> None:
    if row and row[0] is UNCLOSED:
        read.faults.append(Fault(place, None, "引号没有配对,这一行读不出来"))
        return
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    for position, column in columns.items():
        try:
            value = column.read(row[position] if position < len(row) else None)
        except BadCell as fault:
            faults.append(Fault(place, column.name, f"{column.title}:{fault}"))
            continue
        if value is None and column.required:
            faults.append(Fault(place, column.name, f"{column.title}不能为空"))
        values[column.name] = column.default if value is None else value
    read.faults.extend(faults)
    if not faults:
        read.rows.append(Row(place, values))
