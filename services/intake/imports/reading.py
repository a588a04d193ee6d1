"""A file read on and on: batches of entries, the same ones however often it is begun anew."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import orjson

from services.intake.ledger.course import Course, course
from services.intake.ledger.faults import Fault, Unfit, unfit
from services.intake.ledger.rows import Row, read, said
from services.intake.ledger.sheets import open_table
from shared.clock import local_day
from shared.sheets.text import Line
from shared.streets import NUMBER

AT_ONCE: Final = 500
# What must stay as it was when a later ledger tells more of the same ticket; the moves are compared apart.
_FIXED: Final = (
    "received_at", "channel", "kind", "category_code", "community", "grid_code", "reporter_name", "reporter_phone",
    "confidential", "due_at",
)  # fmt: skip
# Makes a digest under the keyring's own key: a plain one of a row would give a telephone number away to whoever
# tries them all.
Keyed = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Entry:
    """A row understood, with the history it tells. `identity` is by which it is found again."""

    line: int
    identity: str
    digest: bytes
    row: Row
    course: Course
    keyed: Keyed

    def fixed(self) -> bytes:
        """Return the digest of what may not change any more."""
        told = [getattr(self.row, name) for name in _FIXED]
        return self.keyed(orjson.dumps([self.row.text, *told]))

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

    def __init__(self, content: bytes, *, prefix: str, keyed: Keyed, position: int = 0) -> None:
        """Open the file; raise NotATable. `prefix` opens the numbers that the street gives by itself."""
        table = open_table(content)
        self.ignored = table.layout.ignored
        self.lines = table.total
        self._layout = table.layout
        self._rows: Iterator[Line] = table.lines
        self._position = position
        self._prefix = prefix
        self._keyed = keyed
        self._numbers: set[str] = set()
        self._equal: Counter[bytes] = Counter()

    def next(self, now: datetime) -> list[Entry | Misfit]:
        """Return the next rows, none at the end of the file."""
        found: list[Entry | Misfit] = []
        while len(found) < AT_ONCE:
            lines = list(islice(self._rows, AT_ONCE - len(found)))
            if not lines:
                break
            for line in lines:
                if line[0] > self._position:
                    found.append(self._entry(line, now))
                else:
                    self._pass_over(line, now)
        return found

    def _entry(self, line: Line, now: datetime) -> Entry | Misfit:
        number, cells = line
        try:
            row = read(cells, self._layout)
            digest = self._keyed(said(row))
            identity = self._identity(row, digest, now)
            return Entry(number, identity, digest, row, course(row, now), self._keyed)
        except Unfit as wrong:
            return Misfit(number, wrong.faults)

    def _pass_over(self, line: Line, now: datetime) -> None:
        """Remember of a row that is stored what tells later ones apart from it."""
        with suppress(Unfit):
            row = read(line[1], self._layout)
            self._identity(row, self._keyed(said(row)) if row.number is None else b"", now)

    def _identity(self, row: Row, digest: bytes, now: datetime) -> str:
        """Return by what a row is known again; equal rows without numbers are told apart by their order."""
        if row.number is None:
            self._equal[digest] += 1
            return f"row:{digest.hex()}:{self._equal[digest]}"
        if row.number in self._numbers:
            raise unfit("number", "编号在这个文件里重复")
        self._numbers.add(row.number)
        own = NUMBER.fullmatch(row.number)
        if own is not None and own[1] == self._prefix and own[2] >= f"{local_day(now):%Y%m%d}":
            raise unfit("number", "这样的编号由系统自己编排,请换一个或留空")
        return f"no:{row.number}"
