"""What is wrong with a ledger: with the file as a whole, or with one row of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

UNCLOSED: Final = object()
"""Stands for the cells of a line in which a quotation mark opens and does not close."""


class NotATable(ValueError):  # noqa: N818 - said of the file, in its own words
    """The file cannot be read as a ledger at all; the message is Chinese, for whoever sent it."""


class BadCell(ValueError):  # noqa: N818 - likewise
    """A cell does not say what its column is for; the message never repeats the cell, which may be a name."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a row; `column` is the column's English name, None where the row as such is wrong."""

    column: str | None
    message: str


class Unfit(Exception):  # noqa: N818 - likewise
    """A row cannot go in, for these reasons."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{f.column}: {f.message}" for f in faults))
        self.faults = tuple(faults)


def unfit(column: str | None, message: str) -> Unfit:
    """Return the refusal of a row for one reason."""
    return Unfit([Fault(column, message)])
