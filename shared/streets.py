"""The streets this installation serves: by id, by code, by the prefix of their ticket numbers."""

import re
from dataclasses import dataclass
from time import monotonic

from sqlalchemy import select

from shared.db import Database
from shared.errors import NotFound, invalid
from shared.tables import streets as table

# Numbers as we give them; those that come with a ledger are only held to `shared.terms.TICKET_NUMBER`.
NUMBER = re.compile(r"([A-Z]{2,6})(\d{8})-(\d{6,9})", re.ASCII)
_FRESH_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Street:
    id: int
    code: str
    name: str
    district: str
    prefix: str


class Streets:
    """A small table kept in memory, read again every few seconds and whenever an unknown street is asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._read_at = -_FRESH_SECONDS
        self._by_id: dict[int, Street] = {}

    async def all(self) -> list[Street]:
        """Return every street, by id."""
        if monotonic() - self._read_at >= _FRESH_SECONDS:
            await self._read()
        return list(self._by_id.values())

    async def _read(self) -> None:
        async with self._database.transaction((), read_only=True) as tx:
            rows = await tx.rows(select(table).order_by(table.c.id))
        self._by_id = {r.id: Street(r.id, r.code, r.name, r.district, r.prefix) for r in rows}
        self._read_at = monotonic()

    async def _find(self, attribute: str, value: object) -> Street | None:
        for _ in range(2):
            for street in await self.all():
                if getattr(street, attribute) == value:
                    return street
            if monotonic() - self._read_at < 1.0:
                return None  # just read: it is not there
            self._read_at = -_FRESH_SECONDS
        return None

    async def by_code(self, code: str) -> Street:
        """Return the street with this code; raise Invalid."""
        street = await self._find("code", code)
        if street is None:
            raise invalid("street", f"没有代码为 {code} 的街道", code="unknown_street")
        return street

    async def by_id(self, street_id: int) -> Street:
        """Return the street with this id; raise NotFound."""
        street = await self._find("id", street_id)
        if street is None:
            raise NotFound("没有这个街道", code="unknown_street")
        return street

    async def of_prefix(self, number: str) -> Street | None:
        """Return the street that gives numbers like this one, if any does."""
        match = NUMBER.fullmatch(number)
        return await self._find("prefix", match[1]) if match else None
