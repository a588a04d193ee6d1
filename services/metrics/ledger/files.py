"""Ledgers as files: CSV as Excel reads it (UTF-8 with BOM, CRLF) and xlsx, both written line after line."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import IO

from xlsxwriter import Workbook

from services.metrics.ledger.cells import Headers, header
from services.metrics.ledger.columns import COLUMNS
from shared.errors import Invalid

BOM = "\ufeff"
MOST_LINES = 1_048_576  # of a sheet, its header included
_CHUNK = 64 * 1024


def csv_lines(lines: Iterable[Sequence[str]]) -> bytes:
    """Return lines of a CSV file."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue().encode()


def csv_head(headers: Headers) -> bytes:
    """Return how a CSV file begins."""
    return BOM.encode() + csv_lines([header(headers)])


class Sheet:
    """An xlsx file of one sheet, in constant memory: what is written goes to the disk and is packed by `close`."""

    def __init__(self, file: IO[bytes], folder: str, headers: Headers) -> None:
        """Begin the sheet that ends up in `file`; `folder` is where it grows meanwhile."""
        self._book = Workbook(file, {"constant_memory": True, "tmpdir": folder, "in_memory": False})
        self._sheet = self._book.add_worksheet("台账" if headers == "zh" else "ledger")
        for place, column in enumerate(COLUMNS.values()):
            self._sheet.set_column(place, place, column.width)
        self._sheet.freeze_panes(1, 1)
        self._line = 0
        self.add([header(headers)])

    def add(self, lines: Iterable[Sequence[str]]) -> None:
        """Write lines; raise Invalid when there are more than a sheet can hold."""
        for line in lines:
            if self._line == MOST_LINES:
                raise Invalid(
                    f"超过一张工作表的 {MOST_LINES - 1} 行,请缩小范围或改用 csv", code="too_many_rows"
                )
            for place, text in enumerate(line):
                if text:
                    # never `write`: it makes formulas
                    self._sheet.write_string(self._line, place, _plain(text))
            self._line += 1

    def close(self) -> None:
        """Pack the file."""
        self._book.close()

    def abandon(self) -> None:
        """Let go of what was written so far; there will be no file."""
        self._sheet.row_data_fh.close()


def _plain(text: str) -> str:
    """Return a text that is written as one; xlsxwriter takes <r>…</r> for finished XML, and a space saves it."""
    return f"{text} " if text.startswith("<r>") and text.endswith("</r>") else text


def chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yield a file from its beginning, and close it."""
    with file:
        file.seek(0)
        while chunk := file.read(_CHUNK):
            yield chunk
