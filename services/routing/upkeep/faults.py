"""What is wrong with a row of a list, and where it stands."""

from dataclasses import dataclass


class BadCell(ValueError):  # noqa: N818 - said of the cell, in Chinese, without repeating it: it may be a name
    """A cell does not say what its column is for."""


class Unfit(Exception):  # noqa: N818 - likewise, of the row
    """A row cannot go in; `column` is the column's English name, None where the row as such is wrong."""

    def __init__(self, column: str | None, message: str) -> None:
        super().__init__(message)
        self.column, self.message = column, message


@dataclass(frozen=True, slots=True)
class Place:
    """Where a row stands: the file, the sheet (empty for a CSV), the line as an editor or Excel counts."""

    file: str
    sheet: str
    line: int


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and where it is; `line` 0 of a place is the file or sheet as a whole."""

    place: Place
    column: str | None
    message: str
