"""What is wrong with a file as a whole, and the mark of a line that cannot be read."""

from typing import Any, Final

Cell = Any
"""str, float, int, bool, date, datetime, time, timedelta or None."""

UNCLOSED: Final = object()
"""Stands for the cells of a line in which a quotation mark opens and does not close."""


class NotATable(ValueError):  # noqa: N818 - said of the file, in its own words
    """The file cannot be read as a table at all; the message is Chinese, for whoever sent it."""
