"""One row of a ledger, each cell understood: what was told, before anything follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import orjson

from services.intake.ledger.cells import When
from services.intake.ledger.columns import BY_NAME, COLUMNS, MOST_CONTENT, Layout
from services.intake.ledger.faults import BadCell, Fault, Unfit, unfit
from shared.sheets.faults import UNCLOSED, Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The columns of `columns.COLUMNS` by name; None (or an empty tuple) is a cell that says nothing."""

    received_at: When
    channel: str
    content: str
    number: str | None = None
    recorded_at: When | None = None
    kind: str | None = None
    category_code: str | None = None
    community: str | None = None
    grid_code: str | None = None
    title: str | None = None
    reporter_name: str | None = None
    reporter_phone: str | None = None
    confidential: bool | None = None
    disposition: str | None = None
    reject_reason: str | None = None
    stage: str | None = None
    lead_unit: str | None = None
    co_units: tuple[str, ...] = ()
    dispatched_at: When | None = None
    signed_at: When | None = None
    contacted_at: When | None = None
    due_at: datetime | None = None
    extended_to: datetime | None = None
    suspended_from: When | None = None
    suspended_to: When | None = None
    handled_at: When | None = None
    closed_at: When | None = None
    outcome: str | None = None
    callback_at: When | None = None
    callback_valid: bool | None = None
    callback_contacted: bool | None = None
    callback_resolved: str | None = None
    callback_satisfaction: str | None = None
    rating: str | None = None
    return_count: int | None = None
    rework_count: int | None = None
    checklist: str | None = None
    list_level: str | None = None
    excluded_reason: str | None = None

    @property
    def text(self) -> str:
        """Return the content as a ticket keeps it: the title goes before it unless it stands there already."""
        if self.title is None or self.title in self.content:
            return self.content
        return f"【{self.title}】{self.content}"

    def told(self, *names: str) -> list[str]:
        """Return those of `names` whose cells say something."""
        return [name for name in names if _says(getattr(self, name))]


def _says(value: Any) -> bool:
    """Return whether a value says something: a count of 0 says no more than an empty cell, a "no" does."""
    return bool(value) or value is False


_FIELDS = tuple(f.name for f in fields(Row))
_REQUIRED = tuple(column for column in COLUMNS if column.required)


def read(cells: Sequence[Cell], layout: Layout) -> Row:
    """Return the row these cells make; raise Unfit with every cell that does not say what it should."""
    if cells and cells[0] is UNCLOSED:
        raise unfit(None, "这一行的引号没有成对,没有读到;内容里的引号要写成两个,或改用中文引号")
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    width = len(cells)
    for index, column in layout.places:
        if index < width:
            cell = cells[index]
            if cell not in ("", None):
                try:
                    values[column.name] = column.parse(cell)
                except BadCell as bad:
                    faults.append(Fault(column.name, f"{column.header}:{bad}"))
    if any(cell not in ("", None) for cell in cells[layout.width :]):
        faults.append(Fault(None, "这一行的单元格比表头多,可能有未加引号的分隔符"))
    wrong = {fault.column for fault in faults}
    faults += [
        Fault(column.name, f"{column.header}不能为空")
        for column in _REQUIRED
        if values.get(column.name) is None and column.name not in wrong
    ]
    if faults:
        raise Unfit(faults)
    row = Row(**values)
    if len(row.text) > MOST_CONTENT:
        raise Unfit([Fault("content", f"{BY_NAME['content'].header}:连同标题最多 {MOST_CONTENT} 个字")])
    return row


def said(row: Row) -> bytes:
    """Return what tells whether two rows say the same, however they were written; as it is, not for keeping."""
    return orjson.dumps({name: value for name in _FIELDS if _says(value := getattr(row, name))})
