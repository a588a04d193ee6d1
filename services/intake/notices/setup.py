"""The lines of a street: set up, shown without their secrets, ended, and their dead letters sent again."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select
from uuid_utils.compat import uuid7

from services.intake import store as tickets
from services.intake.notices import sends
from services.intake.notices.outcomes import Channel, given_up
from services.intake.notices.schemas import LineIn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, NotFound, invalid
from shared.keyring import Keyring
from shared.tables import audit_log, notice_lines, notice_sends, notices

_GIVEN_UP = {channel.value: given_up(channel.value) for channel in Channel}


async def set_up(
    tx: Transaction, keys: Keyring, actor: Actor, street_id: int, body: LineIn, host: str
) -> dict[str, Any]:
    """Write a line whose address was judged (`host`); raise Invalid for a unit that is not there."""
    if body.unit is not None and not await tickets.unit_names(tx, street_id, {body.unit}):
        raise invalid("unit", f"没有代码为 {body.unit} 的单位", code="unknown_unit")
    line_id, now = uuid7(), clock.now()
    private = {"url": body.url.get_secret_value()}
    if body.secret is not None:
        private["secret"] = body.secret.get_secret_value()
    await tx.execute(
        insert(notice_lines).values(
            street_id=street_id, id=line_id, channel=body.channel, name=body.name,
            sealed=keys.seal(private, line_id.bytes), host=host, unit_code=body.unit, actions=body.actions,
            with_content=body.with_content, created_at=now, created_by=actor.id, not_before=now,
        )
    )  # fmt: skip
    await _audited(
        tx, street_id, actor, "notice_line_made", line_id, name=body.name, channel=body.channel, host=host
    )
    return item(await found(tx, street_id, line_id))


async def _audited(
    tx: Transaction, street_id: int, actor: Actor, action: str, line_id: UUID, **detail: Any
) -> None:
    row = {
        "street_id": street_id, "id": uuid7(), "actor": str(actor.id), "action": action,
        "detail": {"line": str(line_id), **detail}, "recorded_at": clock.now(),
    }  # fmt: skip
    await tx.insert_many(audit_log, [row])


def _of_state(state: str) -> Any:
    return (
        select(func.count())
        .where(
            notice_sends.c.street_id == notice_lines.c.street_id,
            notice_sends.c.line_id == notice_lines.c.id,
            notice_sends.c.state == state,
        )
        .scalar_subquery()
        .label(state)
    )


_SHOWN = (notice_lines, _of_state("queued"), _of_state("failed"))


async def listed(
    tx: Transaction, streets: Sequence[int], before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return one more than `limit` of the newest lines."""
    query = select(*_SHOWN).where(notice_lines.c.street_id.in_(streets))
    if before is not None:
        query = query.where(notice_lines.c.id < before)
    return await tx.rows(query.order_by(notice_lines.c.id.desc()).limit(limit + 1))


async def found(tx: Transaction, street_id: int, line_id: UUID) -> Row[Any]:
    """Return a line of a street; raise NotFound."""
    query = select(*_SHOWN).where(notice_lines.c.street_id == street_id, notice_lines.c.id == line_id)
    return _there(await tx.one(query))


async def street_with(tx: Transaction, streets: Sequence[int], line_id: UUID) -> int:
    """Return which of these streets has a line; raise NotFound."""
    query = select(notice_lines.c.street_id).where(
        notice_lines.c.street_id.in_(streets), notice_lines.c.id == line_id
    )
    return int(_there(next(iter(await tx.rows(query)), None)).street_id)


def _there(row: Row[Any] | None) -> Row[Any]:
    if row is None:
        raise NotFound("没有这条线路", code="line_not_found")
    return row


def item(row: Row[Any]) -> dict[str, Any]:
    """Return a line as it is shown: the address's host, never the address or the secret."""
    return {
        "id": str(row.id),
        "channel": row.channel,
        "channel_text": Channel(row.channel).text,
        "name": row.name,
        "host": row.host,
        "unit": row.unit_code,
        "actions": row.actions,
        "with_content": row.with_content,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
        "ended_why": row.ended_why,
        "paused_until": row.not_before if row.failures else None,
        "queued": row.queued,
        "failed": row.failed,
    }


async def end(tx: Transaction, actor: Actor, street_id: int, line_id: UUID) -> dict[str, Any]:
    """End a line; raise Conflict if it has ended."""
    if not await sends.end_line(tx, street_id, line_id, "由管理员停用", _GIVEN_UP, clock.now()):
        raise Conflict("线路已经停用", code="line_ended")
    await _audited(tx, street_id, actor, "notice_line_ended", line_id)
    return item(await found(tx, street_id, line_id))


async def replay(tx: Transaction, actor: Actor, street_id: int, line_id: UUID) -> dict[str, Any]:
    """Queue a webhook's dead letters again; raise Conflict if the line has ended."""
    if (await found(tx, street_id, line_id)).ended_at is not None:
        raise Conflict("线路已经停用", code="line_ended")
    count = await sends.replay(tx, street_id, line_id, clock.now())
    await _audited(tx, street_id, actor, "notice_line_replayed", line_id, count=count)
    return {"id": str(line_id), "replayed": count}


async def sent(
    tx: Transaction, street_id: int, line_id: UUID, state: str | None, before: UUID | None, limit: int
) -> Sequence[Row[Any]]:
    """Return one more than `limit` of a line's newest sends."""
    at = (notices.c.street_id == notice_sends.c.street_id) & (notices.c.id == notice_sends.c.notice_id)
    query = (
        select(notice_sends, notices.c.kind, notices.c.facts)
        .select_from(notice_sends.join(notices, at))
        .where(notice_sends.c.street_id == street_id, notice_sends.c.line_id == line_id)
    )
    if state is not None:
        query = query.where(notice_sends.c.state == state)
    if before is not None:
        query = query.where(notice_sends.c.id < before)
    return await tx.rows(query.order_by(notice_sends.c.id.desc()).limit(limit + 1))
