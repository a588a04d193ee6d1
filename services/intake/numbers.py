"""Ticket numbers that people can read out: prefix of the street, day of recording, running number.

Taken in blocks, because a number per row would make every commit of a street wait for the one before. The
block grows with the traffic and shrinks to one when it is quiet, so gaps (blocks of a process that died)
stay small. The reservation is not flushed by itself: any ticket that used it is committed later in the
same log, so a durable ticket implies a durable reservation.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from time import monotonic

from shared.db import Database

MOST = 500
_QUICK = 1.0  # a block used up within this many seconds doubles the next one
_TAKE = """
INSERT INTO number_counters (street_id, day, taken) VALUES ($1, $2, $3)
ON CONFLICT (street_id, day) DO UPDATE SET taken = number_counters.taken + excluded.taken RETURNING taken"""


@dataclass(slots=True)
class _Block:
    day: date = date.min
    next: int = 0
    end: int = 0
    size: int = 1
    taken_at: float = 0.0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Numbers:
    """Hands out numbers of many streets; one instance a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._blocks: dict[int, _Block] = defaultdict(_Block)

    async def take(self, street_id: int, prefix: str, day: date, count: int) -> list[str]:
        """Return `count` fresh numbers of a street, in order."""
        block = self._blocks[street_id]
        async with block.lock:
            if block.day != day:
                block.day, block.next, block.end, block.size = day, 0, 0, 1
            if block.end - block.next < count:
                await self._reserve(street_id, block, count)
            first, block.next = block.next, block.next + count
        return [f"{prefix}{day:%Y%m%d}-{n:06d}" for n in range(first, first + count)]

    async def _reserve(self, street_id: int, block: _Block, count: int) -> None:
        quick = monotonic() - block.taken_at < _QUICK
        block.size = min(block.size * 2, MOST) if quick else 1
        wanted = max(count, block.size)
        async with self._database.transaction([street_id]) as tx:
            await tx.raw.execute("SET LOCAL synchronous_commit = off")
            taken: int = await tx.raw.fetchval(_TAKE, street_id, block.day, wanted)
        block.next, block.end, block.taken_at = taken - wanted + 1, taken + 1, monotonic()
