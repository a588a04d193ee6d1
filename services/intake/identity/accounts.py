"""Which resident a WeChat account is: one person keeps one id, whichever mini-program they come through.

An account without a unionid is a resident of its own, by its openid. When a unionid first appears, whoever was known
by it first is the person; the account's former resident is linked to them, and what was reported stays theirs
(`Actor.also`). First writer wins by the key of `wechat_unions`: two first sign-ins at once come to the same person.
"""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.intake.wechat import Identity
from shared.db import Transaction
from shared.keyring import Keyring

_ACCOUNT = "SELECT resident_id FROM wechat_accounts WHERE street_id = $1 AND id = $2"
_UNION = "SELECT resident_id FROM wechat_unions WHERE street_id = $1 AND union_index = $2"
_CLAIM_UNION = """
INSERT INTO wechat_unions (street_id, union_index, resident_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
_REMEMBER_RESIDENT = """
INSERT INTO residents (street_id, id, private, first_seen_at, last_seen_at) VALUES ($1, $2, $3, $4, $4)
ON CONFLICT (street_id, id) DO UPDATE SET last_seen_at = excluded.last_seen_at"""
_REMEMBER_ACCOUNT = """
INSERT INTO wechat_accounts (street_id, id, app_id, resident_id, private, first_seen_at, last_seen_at)
VALUES ($1, $2, $3, $4, $5, $6, $6)
ON CONFLICT (street_id, id) DO UPDATE SET resident_id = excluded.resident_id, last_seen_at = excluded.last_seen_at"""
_IS_KNOWN = "SELECT true FROM residents WHERE street_id = $1 AND id = $2"
_LINK = """
INSERT INTO resident_links (street_id, former_id, resident_id, linked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (street_id, former_id) DO UPDATE SET resident_id = excluded.resident_id"""
# What pointed to the former resident points to the person now: links never form chains.
_MOVE = tuple(
    f"UPDATE {table} SET resident_id = $3 WHERE street_id = $1 AND resident_id = $2"  # noqa: S608 - our own names
    for table in ("wechat_accounts", "wechat_unions", "resident_links", "resident_sessions")
)
_FORMER = "SELECT former_id FROM resident_links WHERE street_id = $1 AND resident_id = $2"
_REACH = """
SELECT id, app_id, private FROM wechat_accounts
WHERE street_id = $1 AND resident_id = coalesce(
  (SELECT resident_id FROM resident_links WHERE street_id = $1 AND former_id = $2), $2)
ORDER BY last_seen_at DESC"""
_COUNT = """
SELECT count(*) AS users, count(*) FILTER (WHERE EXISTS (
    SELECT FROM resident_phones p WHERE p.street_id = r.street_id AND p.resident_id = r.id)) AS with_phone
FROM residents r WHERE r.street_id = $1 AND r.first_seen_at < $2 AND NOT EXISTS (
  SELECT FROM resident_links l WHERE l.street_id = r.street_id AND l.former_id = r.id)"""


class Reach(NamedTuple):
    """Where WeChat finds a resident."""

    app_id: str
    openid: str


async def recognised(
    tx: Transaction, keys: Keyring, street_id: int, app_id: str, who: Identity, now: datetime
) -> UUID:
    """Return the resident whose account this is, remembering both."""
    account = keys.account_id(app_id, who.openid)
    sealed = keys.seal({"openid": who.openid}, account.bytes)
    known = await tx.raw.fetchval(_ACCOUNT, street_id, account)
    own: UUID = known or keys.resident_id(who.openid)

    async def remember(resident: UUID) -> None:
        private = keys.seal({"openid": who.openid}, resident.bytes)
        await tx.raw.execute(_REMEMBER_RESIDENT, street_id, resident, private, now)

    person = own
    if who.unionid is not None:
        index = keys.blind_index("unionid", who.unionid)
        found = await tx.raw.fetchval(_UNION, street_id, index)
        if found is None:
            await remember(own)
            await tx.raw.execute(_CLAIM_UNION, street_id, index, own)
            found = await tx.raw.fetchval(_UNION, street_id, index)
        person = found
    if person != own:
        await _link(tx, street_id, own, person, now)
    await remember(person)
    await tx.raw.execute(_REMEMBER_ACCOUNT, street_id, account, app_id, person, sealed, now)
    return person


async def _link(tx: Transaction, street_id: int, former: UUID, person: UUID, now: datetime) -> None:
    """Make a resident who turned out to be another one that other; nothing to do for one never seen."""
    if await tx.raw.fetchval(_IS_KNOWN, street_id, former) is None:
        return
    for statement in _MOVE:
        await tx.raw.execute(statement, street_id, former, person)
    await tx.raw.execute(_LINK, street_id, former, person, now)


async def former(tx: Transaction, street_id: int, resident: UUID) -> frozenset[UUID]:
    """Return the other ids under which a resident reported."""
    return frozenset(row["former_id"] for row in await tx.raw.fetch(_FORMER, street_id, resident))


async def reach(tx: Transaction, keys: Keyring, street_id: int, resident: UUID) -> list[Reach]:
    """Return where WeChat finds a resident, or whom they have become; the mini-program used last first."""
    rows = await tx.raw.fetch(_REACH, street_id, resident)
    return [Reach(row["app_id"], str(keys.open(row["private"], row["id"].bytes)["openid"])) for row in rows]


async def counted(tx: Transaction, street_id: int, before: datetime) -> tuple[int, int]:
    """Return how many people had signed in before an instant, and how many of them left a number."""
    row = await tx.raw.fetchrow(_COUNT, street_id, before)
    return row["users"], row["with_phone"]
