"""A file read on and on: batches of entries, the same ones however often it is begun anew."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import orjson

from services.intake.ledger.course import Course, course
from services.intake.ledger.faults import Fault, Unfit, unfit
from services.intake.ledger.rows import Row, digest, read
from services.intake.ledger.sheets import Line, open_table
from shared.clock import local_day
from shared.streets import NUMBER

AT_ONCE: Final = 500
# What must stay as it was when a later ledger tells more of the same ticket; the moves are compared apart.
_FIXED: Final = (
    "received_at", "channel", "kind", "category_code", "community", "grid_code", "reporter_name", "reporter_phone",
    "confidential", "due_at",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A row understood, with the history it tells. `identity` is by which it is found again."""

    line: int
    identity: str
    digest: bytes
    row: Row
    course: Course

    def fixed(self) -> bytes:
        """Return the digest of what may not change any more."""
        told = [getattr(self.row, name) for name in _FIXED]
        return hashlib.sha256(orjson.dumps([self.row.text, *told])).digest()

    def stored(self) -> dict[str, Any]:
        """Return what is kept of the row for routing: no personal data, instants as text."""
        row = self.row
        return {
            "kind": row.kind, "category": row.category_code, "community": row.community, "grid": row.grid_code,
            "due_at": row.due_at.isoformat() if row.due_at is not None else None,
            "recorded_at": self.course.recorded.isoformat(), "rating": row.rating,
            "moves": [[m.action, m.at.isoformat(), m.data] for m in self.course.moves],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Misfit:
    """A row that cannot go in, and why."""

    line: int
    faults: tuple[Fault, ...]


class Reader:
    """Reads a ledger's file from the line after `position` on; what came before is only remembered."""

    def __init__(self, content: bytes, *, prefix: str, position: int = 0) -> None:
        """Open the file; raise NotATable. `prefix` opens the numbers that the street gives by itself."""
        table = open_table(content)
        self.ignored = table.layout.ignored
        self.lines = table.total
        self._layout = table.layout
        self._rows: Iterator[Line] = table.lines
        self._position = position
        self._prefix = prefix
        self._numbers: set[str] = set()
        self._equal: Counter[bytes] = Counter()

    def next(self, now: datetime) -> list[Entry | Misfit]:
        """Return the next rows, none at the end of the file."""
        found: list[Entry | Misfit] = []
        while len(found) < AT_ONCE:
            lines = list(islice(self._rows, AT_ONCE - len(found)))
            if not lines:
                break
            found += [e for e in (self._entry(line, now) for line in lines) if e.line > self._position]
        return found

    def _entry(self, line: Line, now: datetime) -> Entry | Misfit:
        number, cells = line
        try:
            row = read(cells, self._layout)
            said = digest(row)
            identity = self._identity(row, said, now)
            return Entry(number, identity, said, row, course(row, now))
        except Unfit as wrong:
            return Misfit(number, wrong.faults)

    def _identity(self, row: Row, said: bytes, now: datetime) -> str:
        """Return by what a row is known again; equal rows without numbers are told apart by their order."""
        if row.number is None:
            self._equal[said] += 1
            return f"row:{said.hex()}:{self._equal[said]}"
        if row.number in self._numbers:
            raise unfit("number", "编号在这个文件里重复")
        self._numbers.add(row.number)
        own = NUMBER.fullmatch(row.number)
        if own is not None and own[1] == self._prefix and own[2] >= f"{local_day(now):%Y%m%d}":
            raise unfit("number", "这样的编号由系统自己编排,请换一个或留空")
        return f"no:{row.number}"
