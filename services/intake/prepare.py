"""A request is checked and sealed: from what came over the wire to a Draft that only lacks its number."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.intake.attachments import store
from services.intake.phone import digits_of
from services.intake.registry import Registry
from services.intake.schemas import Contact, TicketIn
from services.intake.submit import Draft
from shared import clock
from shared.auth import Actor
from shared.errors import invalid
from shared.keyring import Keyring
from shared.process import Process
from shared.streets import Street
from shared.terms import Channel, Role

RESIDENT_CHANNELS = frozenset({Channel.MINI_PROGRAM, Channel.WEB, Channel.GROUP_TOPIC})
_CODE = re.compile(r"[A-Za-z0-9_-]{1,32}")
LATE_AFTER = timedelta(seconds=60)


async def prepare(
    body: TicketIn, actor: Actor, process: Process, registry: Registry, *, key: str | None, body_hash: bytes
) -> Draft:
    """Return the draft of a ticket; raise Invalid (what was filled in) or Forbidden (another street)."""
    street = await street_for(process, actor, body.street)
    channel = _channel(body, actor)
    if actor.role is Role.RESIDENT and body.occurred_at is not None:
        raise invalid("occurred_at", "居民提交的诉求不能填写发生时间", code="no_backdating")
    community = body.community
    if body.category or body.community or body.grid_code:
        community = await registry.community_of(
            street.id, category=body.category, community=body.community, grid=body.grid_code
        )
    columns = _columns(body, actor, process.keys, street.id, channel, community)
    if body.attachment_ids:
        await _hold(process, street, actor, body.attachment_ids)
    return Draft(street, columns, actor.id, key, body_hash, tuple(body.attachment_ids))


async def _hold(process: Process, street: Street, actor: Actor, ids: Sequence[UUID]) -> None:
    """See that the photos are the actor's own, and stay until the ticket that refers to them is written."""
    async with process.database.transaction([street.id]) as tx:
        # Lost only together with the ticket, whose commit comes later in the same log.
        await tx.raw.execute("SET LOCAL synchronous_commit = off")
        await store.hold(tx, street.id, actor.id, ids, clock.now())


async def street_for(process: Process, actor: Actor, code: str | None) -> Street:
    """Return the street a request is for: the one named, or the actor's only one."""
    if code is not None:
        street = await process.streets.by_code(code)
        actor.in_street(street.id)
        return street
    if len(actor.streets) != 1:
        raise invalid("street", "您属于多个街道,请填写街道代码", code="street_required")
    return await process.streets.by_id(next(iter(actor.streets)))


def street_in(said: object) -> str | None:
    """Return the street's code as a form has it; whether there is such a street is asked next."""
    if said is not None and not (isinstance(said, str) and _CODE.fullmatch(said)):
        raise invalid("street", "街道代码格式不正确", code="bad_street")
    return said


def _channel(body: TicketIn, actor: Actor) -> Channel:
    if actor.role is Role.RESIDENT:
        channel = body.channel or Channel.MINI_PROGRAM
        if channel not in RESIDENT_CHANNELS:
            raise invalid("channel", f"居民不能使用“{channel.text}”渠道", code="channel_not_allowed")
        return channel
    if body.channel is Channel.COMMITMENT and not actor.is_staff:
        # Only a person can promise for the street, and only a promise goes by a plan instead of a limit.
        raise invalid("channel", f"只有工作人员可以登记“{body.channel.text}”事项", code="channel_not_allowed")
    return body.channel or (Channel.LEDGER if actor.role is Role.SCRIPT else Channel.WINDOW)


def _columns(
    body: TicketIn, actor: Actor, keys: Keyring, street_id: int, channel: Channel, community: str | None
) -> dict[str, Any]:
    """Return every column but the number, always in this order: rows of one batch share their columns."""
    ticket_id, now = uuid7(), clock.now()
    occurred_at = min(body.occurred_at, now) if body.occurred_at is not None else now
    location = body.location
    phone = phone_digits(body.contact)
    return {
        "street_id": street_id,
        "id": ticket_id,
        "channel": channel.value,
        "kind": body.kind.value if body.kind is not None else None,
        "category_code": body.category,
        "content": body.content,
        "longitude": location.longitude if location else None,
        "latitude": location.latitude if location else None,
        "crs": location.crs if location else None,
        "address": None if body.confidential else body.address,
        "community_code": community,
        "grid_code": body.grid_code,
        "anonymous": body.anonymous,
        "confidential": body.confidential,
        "reporter_id": actor.id if actor.role is Role.RESIDENT else None,
        "private": _sealed(body, keys, ticket_id),
        "phone_index": keys.blind_index("phone", phone) if phone else None,
        "entered_by": actor.id,
        "entered_role": actor.role.value,
        "occurred_at": occurred_at,
        "recorded_at": now,
        "late": _is_late(occurred_at, now),
    }


def _is_late(occurred_at: datetime, now: datetime) -> bool:
    return now - occurred_at > LATE_AFTER


def _sealed(body: TicketIn, keys: Keyring, ticket_id: UUID) -> bytes | None:
    private: dict[str, str] = {}
    if body.contact and body.contact.name:
        private["name"] = body.contact.name
    if body.contact and body.contact.phone:
        private["phone"] = body.contact.phone
    if body.confidential and body.address:
        private["address"] = body.address
    return keys.seal(private, ticket_id.bytes) if private else None


def phone_digits(contact: Contact | None) -> str | None:
    """Return the digits by which a phone number is found again: +86-138-1234-5678 is 13812345678."""
    if contact is None or contact.phone is None:
        return None
    digits = digits_of(contact.phone)
    if digits is None:
        raise invalid("contact.phone", "电话号码不完整", code="bad_phone")
    return digits
