"""A reporter's contact data in the clear: for those who must reach them, with a reason, and never unseen.

Sources: domain 7 (查看明文需理由+留痕; a screenshot of a report's contact data went to the property company it was
about). A confidential report's reporter stays hidden from every handler outside government, and from the unit
complained about in any case.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, func, insert, select
from uuid_utils.compat import uuid7

from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Forbidden, NotFound, TooMany
from shared.keyring import Keyring
from shared.tables import disclosures, ticket_states, units
from shared.terms import STREET_WIDE, UnitKind

GOVERNMENT = frozenset(
    {
        UnitKind.DISTRICT, UnitKind.DESK, UnitKind.OFFICE, UnitKind.DEPARTMENT, UnitKind.AGENCY, UnitKind.INSTITUTE,
        UnitKind.STATION, UnitKind.COMMUNITY, UnitKind.PARTY_BRANCH,
    }
)  # fmt: skip
MOST_AN_HOUR = 60


async def disclose(
    tx: Transaction, keys: Keyring, actor: Actor, ticket: Row[Any], reason: str
) -> dict[str, Any]:
    """Return name, telephone and sealed address, and write down who asked and why.

    Raises Forbidden for whoever must not know the reporter, NotFound where nothing was left, TooMany after
    60 in an hour.
    """
    await _refuse_unfit(tx, actor, ticket)
    await _refuse_too_many(tx, actor, ticket.street_id)
    private = keys.open(ticket.private, ticket.id.bytes) if ticket.private else {}
    if not private:
        raise NotFound("这件诉求没有留下联系方式", code="no_contact")
    now = clock.now()
    await tx.execute(
        insert(disclosures).values(
            street_id=ticket.street_id, id=uuid7(), ticket_id=ticket.id, number=ticket.number, reader_id=actor.id,
            reader_role=actor.role.value, reader_unit=actor.unit, reason=reason, fields=sorted(private), recorded_at=now,
        )
    )  # fmt: skip
    return {**{name: private.get(name) for name in ("name", "phone", "address")}, "recorded_at": now}


async def _refuse_unfit(tx: Transaction, actor: Actor, ticket: Row[Any]) -> None:
    if ticket.anonymous:
        raise NotFound("这件诉求是匿名的", code="no_contact")
    about = await tx.one(
        select(ticket_states.c.about_unit).where(
            ticket_states.c.street_id == ticket.street_id, ticket_states.c.ticket_id == ticket.id
        )
    )
    if actor.unit is not None and about is not None and about.about_unit == actor.unit:
        raise Forbidden("反映的是您所在的单位,不能查看诉求人", code="complained_about")
    if not ticket.confidential:
        return
    if not await _in_government(tx, actor, ticket.street_id):
        raise Forbidden("这件诉求要求保密,您的单位不能查看诉求人", code="confidential")


async def _in_government(tx: Transaction, actor: Actor, street_id: int) -> bool:
    if actor.unit is None:
        return actor.role in STREET_WIDE
    unit = await tx.one(
        select(units.c.kind).where(units.c.street_id == street_id, units.c.code == actor.unit)
    )
    return unit is not None and unit.kind in GOVERNMENT


async def _refuse_too_many(tx: Transaction, actor: Actor, street_id: int) -> None:
    since = clock.now() - timedelta(hours=1)
    seen = await tx.one(
        select(func.count().label("n"))
        .select_from(disclosures)
        .where(
            disclosures.c.street_id == street_id,
            disclosures.c.reader_id == actor.id,
            disclosures.c.recorded_at > since,
        )
    )
    if seen is not None and seen.n >= MOST_AN_HOUR:
        raise TooMany(
            f"一小时内已查看 {MOST_AN_HOUR} 次,请稍后再试", retry_after=600, code="too_many_disclosures"
        )
