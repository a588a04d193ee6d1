"""A row as a table shows it: every value as text, safe to open in Excel, and losing nothing.

With Chinese headers the codes are written as people call them, with English ones as the API does; an import
takes both. Pure.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from services.metrics.ledger.columns import BETWEEN_UNITS, COLUMNS, Column
from shared.clock import to_local

Headers = Literal["zh", "en"]
# Column's registry → code → the name that leads back to it.
Names = Mapping[str, Mapping[str, str]]
NO_NAMES: Names = {}
_FLAGS: dict[Headers, dict[bool, str]] = {
    "zh": {True: "是", False: "否"},
    "en": {True: "true", False: "false"},
}
# What Excel would take for a formula; and what looks as if it had been made safe already.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


def header(headers: Headers) -> list[str]:
    """Return the first line of a table."""
    return [column.header if headers == "zh" else name for name, column in COLUMNS.items()]


def cells(row: Mapping[str, Any], headers: Headers, names: Names = NO_NAMES) -> list[str]:
    """Return a row as the texts of its cells; nothing told is an empty text."""
    return [_cell(row[name], column, headers, names) for name, column in COLUMNS.items()]


def _cell(value: Any, column: Column, headers: Headers, names: Names) -> str:
    if value is None:
        return ""
    if column.holds == "text":
        return safe(_text(value, column, headers, names))
    if isinstance(value, bool):
        return _FLAGS[headers][value]
    return local(value) if isinstance(value, datetime) else str(value)


def _text(value: str | Sequence[str], column: Column, headers: Headers, names: Names) -> str:
    codes = [value] if isinstance(value, str) else value
    if headers == "zh":
        words = names.get(column.registry, {}) if column.registry else column.words
        codes = [words.get(code, code) for code in codes]
    return BETWEEN_UNITS.join(codes)


def local(moment: datetime) -> str:
    """Return an instant as ledgers write it: 2026-11-21 08:30:00 in Shanghai, with microseconds where it has them."""
    return to_local(moment).replace(tzinfo=None).isoformat(" ")


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: a ' goes before it, which an import takes away."""
    return f"'{text}" if _FORMULA.match(text) else text
