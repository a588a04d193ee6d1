"""Ledgers as tests write them: rows by column name, in every kind of file."""

import csv
import io
from datetime import UTC, datetime

import xlsxwriter

from services.intake.ledger.columns import HEADER_OF, layout
from services.intake.ledger.course import course
from services.intake.ledger.faults import Unfit
from services.intake.ledger.rows import read
from services.intake.ledger.sheets import open_table

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LEAST = {"received_at": "2026-11-02 09:00", "channel": "hotline", "content": "3号楼前路灯不亮"}
# A matter as it goes when all goes well, every step told.
FULL = LEAST | {
    "number": "XF-0001", "category_code": "0101", "community": "晨晖社区", "lead_unit": "物业办", "kind": "投诉",
    "dispatched_at": "2026-11-02 10:00", "signed_at": "2026-11-02 11:00", "contacted_at": "2026-11-02 12:00",
    "due_at": "2026-11-05", "handled_at": "2026-11-03 16:00", "closed_at": "2026-11-04 10:00",
    "callback_at": "2026-11-04 11:00", "callback_contacted": "是", "callback_resolved": "已解决",
    "callback_satisfaction": "满意", "rating": "非常满意",
}  # fmt: skip


def table_of(rows, *, chinese=False):
    """Return (header, lines) of rows given as dicts."""
    names = list(dict.fromkeys(name for row in rows for name in row)) or list(LEAST)
    header = [HEADER_OF.get(name, name) if chinese else name for name in names]
    return [header, *([row.get(name, "") for name in names] for row in rows)]


def as_csv(rows, *, encoding="utf-8", delimiter=",", chinese=False, newline="\r\n"):
    """Return the bytes of a CSV file with these rows."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline).writerows(table_of(rows, chinese=chinese))
    return text.getvalue().encode(encoding)


def as_xlsx(rows, *, chinese=True, above=0):
    """Return the bytes of a workbook with these rows; `above`: empty rows before the header."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "default_date_format": "yyyy-mm-dd hh:mm"}) as book:
        sheet = book.add_worksheet("台账")
        for number, row in enumerate(table_of(rows, chinese=chinese), start=above):
            for place, cell in enumerate(row):
                if isinstance(cell, str):
                    sheet.write_string(number, place, cell)
                else:
                    sheet.write(number, place, cell)
    return file.getvalue()


def understood(content):
    """Return [(line, Row or the faults as (column, message))] of a file."""
    table = open_table(content)
    found = []
    for line, cells in table.lines:
        try:
            found.append((line, read(cells, table.layout)))
        except Unfit as wrong:
            found.append((line, [(f.column, f.message) for f in wrong.faults]))
    return found


def row(**cells):
    """Return a Row of the least cells and these."""
    told = LEAST | cells
    return read(list(told.values()), layout(list(told)))


def moves(now=NOW, **cells):
    """Return the moves that a row tells of."""
    return list(course(row(**cells), now).moves)


def actions(now=NOW, **cells):
    """Return the actions of the moves that a row tells of, as one line."""
    return " ".join(m.action for m in moves(now, **cells))


def wrong(now=NOW, **cells):
    """Return {column: message} of a row that cannot go in."""
    try:
        course(row(**cells), now)
    except Unfit as unfit:
        return {f.column: f.message for f in unfit.faults}
    return {}
