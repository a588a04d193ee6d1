"""督导专班 and periodic evaluation: who supervises, and how each unit and community did with what it is advised to do."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Row, func, insert, select, update
from uuid_utils.compat import uuid7

from services.routing.registry import Registry
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, NotFound, invalid
from shared.tables import (
    supervision_groups as groups,
    supervision_members as members,
    unit_evaluations as evaluations,
)


async def make(
    tx: Transaction, registry: Registry, actor: Actor, name: str, task: str, people: Sequence[str]
) -> UUID:
    """Make a group; raise Conflict for a name that is taken, Invalid for people who are not on the staff."""
    made, now = uuid7(), clock.now()
    row = {
        "street_id": registry.street_id, "id": made, "name": name, "task": task, "created_at": now,
        "created_by": actor.id,
    }  # fmt: skip
    try:
        await tx.insert_many(groups, [row])
    except asyncpg.UniqueViolationError as error:
        raise Conflict(f"已有名为“{name}”的专班", code="group_exists") from error
    await _join(tx, registry, made, people, "members")
    return made


async def change(
    tx: Transaction, registry: Registry, group: UUID, join: Sequence[str], leave: Sequence[str]
) -> None:
    """Let people join and leave; who is there already stays, who is not there cannot leave (Invalid)."""
    m = members
    await find(tx, registry.street_id, group)
    here = (m.c.street_id == registry.street_id, m.c.group_id == group, m.c.left_at.is_(None))
    # Held, so that two changes at once follow one another.
    present = {row.staff_code for row in await tx.rows(select(m.c.staff_code).where(*here).with_for_update())}
    strangers = sorted(set(leave) - present)
    if strangers:
        raise invalid("leave", f"工号 {strangers[0]} 不在专班中", code="not_a_member")
    await tx.execute(update(m).where(*here, m.c.staff_code.in_(leave)).values(left_at=clock.now()))
    await _join(tx, registry, group, sorted(set(join) - (present - set(leave))), "join")


async def _join(tx: Transaction, registry: Registry, group: UUID, people: Sequence[str], field: str) -> None:
    known = {person.code for person in registry.people.values()}
    unknown = sorted(set(people) - known)
    if unknown:
        raise invalid(field, f"没有工号为 {unknown[0]} 的人员", code="unknown_person")
    now = clock.now()
    rows = [
        {
            "street_id": registry.street_id, "group_id": group, "staff_code": one, "joined_at": now, "left_at": None,
        }
        for one in sorted(set(people))
    ]  # fmt: skip
    try:
        await tx.insert_many(members, rows)
    except asyncpg.UniqueViolationError as error:
        raise Conflict("成员名单刚刚有变动,请重试", code="group_changed") from error


async def find(tx: Transaction, street_id: int, group: UUID) -> Row[Any]:
    """Return a group; raise NotFound."""
    row = await tx.one(select(groups).where(groups.c.street_id == street_id, groups.c.id == group))
    if row is None:
        raise NotFound("没有这个专班", code="group_not_found")
    return row


async def listed(tx: Transaction, street_id: int, after: UUID | None, limit: int) -> Sequence[Row[Any]]:
    """Return groups in the order they were made; one more than `limit` if there is more."""
    query = select(groups).where(groups.c.street_id == street_id).order_by(groups.c.id).limit(limit + 1)
    return await tx.rows(query.where(groups.c.id > after) if after is not None else query)


async def members_of(tx: Transaction, street_id: int, wanted: Sequence[UUID]) -> dict[UUID, list[Row[Any]]]:
    """Return the people of these groups, those who left too."""
    m = members
    found: dict[UUID, list[Row[Any]]] = {one: [] for one in wanted}
    query = select(m).where(m.c.street_id == street_id, m.c.group_id.in_(wanted))
    for row in await tx.rows(query.order_by(m.c.joined_at, m.c.staff_code)):
        found[row.group_id].append(row)
    return found


async def evaluate(
    tx: Transaction, registry: Registry, actor: Actor, unit: str, period: str, score: Decimal, guidance: str
) -> UUID:
    """Write down how a unit did in a period; what was said before stays on record."""
    made = uuid7()
    await tx.execute(
        insert(evaluations).values(
            street_id=registry.street_id, id=made, unit_code=registry.unit(unit).code, period=period, score=score,
            guidance=guidance, recorded_at=clock.now(), recorded_by=actor.id,
        )
    )  # fmt: skip
    return made


async def evaluated(
    tx: Transaction, street_id: int, *, unit: str | None, period: str | None, one: UUID | None = None,
    before: UUID | None = None, limit: int = 1,
) -> Sequence[Row[Any]]:  # fmt: skip
    """Return evaluations, the latest first, each with the id of the one that counts; one more than `limit` if there is more."""
    e = evaluations
    newest = func.first_value(e.c.id).over(partition_by=(e.c.unit_code, e.c.period), order_by=e.c.id.desc())
    known = select(e, newest.label("newest")).where(e.c.street_id == street_id)
    if unit is not None:
        known = known.where(e.c.unit_code == unit)
    if period is not None:
        known = known.where(e.c.period == period)
    all_of = known.subquery()
    query = select(all_of).order_by(all_of.c.id.desc()).limit(limit + 1)
    if one is not None:
        query = query.where(all_of.c.id == one)
    return await tx.rows(query.where(all_of.c.id < before) if before is not None else query)
