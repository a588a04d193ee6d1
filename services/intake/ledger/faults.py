"""What is wrong with one row of a ledger."""

from collections.abc import Sequence
from dataclasses import dataclass


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
