"""Reporters who may hand nothing in for a while: with a reason they are told, and a day on which it ends.

What they handed in before goes its way, and they may still add to it, urge, confirm and rate: a block loses nothing.
"""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from uuid_utils.compat import uuid7

from shared import clock
from shared.auth import Actor
from shared.db import Database, Transaction
from shared.errors import Conflict, Forbidden, NotFound
from shared.tables import reporter_blocks, tickets

FRESH_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Block:
    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class _Known:
    blocks: dict[UUID, Block]
    read_at: float


def _in_force(now: datetime) -> Any:
    return (reporter_blocks.c.lifted_at.is_(None)) & (reporter_blocks.c.until > now)


class Blocks:
    """A street's blocks in memory, read anew every ten seconds: the busiest door asks them each time."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, _Known] = {}

    async def refuse(self, street_id: int, reporter: UUID) -> None:
        """Raise Forbidden, with reason and end, if this reporter is blocked now."""
        known = self._known.get(street_id)
        if known is None or monotonic() - known.read_at > FRESH_SECONDS:
            known = await self._read(street_id)
        block, now = known.blocks.get(reporter), clock.now()
        if block is not None and block.until > now:
            until = clock.to_local(block.until)
            raise Forbidden(
                f"您在{until:%Y年%m月%d日%H时%M分}前不能提交新的诉求:{block.reason}。已提交的继续办理;急事请拨打12345或110",
                code="reporter_blocked", until=until.isoformat(timespec="seconds"),
            )  # fmt: skip

    async def _read(self, street_id: int) -> _Known:
        query = select(
            reporter_blocks.c.reporter_id, reporter_blocks.c.reason, reporter_blocks.c.until
        ).where(reporter_blocks.c.street_id == street_id, _in_force(clock.now()))
        async with self._database.transaction([street_id], read_only=True) as tx:
            rows = await tx.rows(query.order_by(reporter_blocks.c.until))
        known = _Known({row.reporter_id: Block(row.reason, row.until) for row in rows}, monotonic())
        self._known[street_id] = known
        return known

    def forget(self, street_id: int) -> None:
        """Read this street anew at the next question: something was changed here."""
        self._known.pop(street_id, None)


async def block(
    tx: Transaction, actor: Actor, street_id: int, number: str, reason: str, until: datetime
) -> Row[Any]:
    """Block the reporter of the ticket `number` until then; raise NotFound or Conflict where there is nobody."""
    ticket = await tx.one(
        select(tickets.c.reporter_id).where(tickets.c.street_id == street_id, tickets.c.number == number)
    )
    if ticket is None:
        raise NotFound("没有这张工单", code="ticket_not_found")
    if ticket.reporter_id is None:
        raise Conflict("这件诉求不是居民通过小程序提交的,没有可以限制的账号", code="no_account")
    block_id = uuid7()
    await tx.execute(
        insert(reporter_blocks).values(
            street_id=street_id, id=block_id, reporter_id=ticket.reporter_id, reason=reason,
            blocked_by=actor.id, recorded_at=clock.now(), until=until,
        )
    )  # fmt: skip
    return await _found(tx, block_id)


async def lift(tx: Transaction, actor: Actor, block_id: UUID, reason: str) -> Row[Any]:
    """End a block before its day; raise NotFound, or Conflict if it has ended."""
    row, now = await _found(tx, block_id), clock.now()
    if row.lifted_at is not None or row.until <= now:
        raise Conflict("这条限制已经结束", code="block_ended")
    await tx.execute(
        update(reporter_blocks)
        .where(reporter_blocks.c.street_id == row.street_id, reporter_blocks.c.id == block_id)
        .values(lifted_by=actor.id, lifted_at=now, lift_reason=reason)
    )
    return await _found(tx, block_id)


async def _found(tx: Transaction, block_id: UUID) -> Row[Any]:
    row = await tx.one(select(reporter_blocks).where(reporter_blocks.c.id == block_id))
    if row is None:
        raise NotFound("没有这条限制", code="block_not_found")
    return row
