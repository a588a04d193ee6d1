"""Sends in the tables: taken in hand with a lease, attempts noted before and after, lines kept in health.

Every statement keeps to one street, so that locks work where the tables are sharded.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.intake.notices.lines import Health
from services.intake.notices.outcomes import Fate, Reply
from shared.db import Transaction
from shared.tables import notice_attempts

# Much longer than any message may take: who holds a send beyond it has fallen.
LEASE = timedelta(seconds=60)
_HELD_AT_ONCE = 500
# A vendor must never be asked on the strength of a note that a power cut takes back.
_DURABLE = "SET LOCAL synchronous_commit = on"

_DUE = """
SELECT DISTINCT s.street_id, s.line_id FROM notice_sends s
JOIN notice_lines l ON l.street_id = s.street_id AND l.id = s.line_id
WHERE s.street_id = ANY($1::bigint[]) AND s.state = 'queued' AND s.next_at <= $2 AND l.not_before <= $2"""
_HELD = """
SELECT DISTINCT street_id FROM notice_sends
WHERE street_id = ANY($1::bigint[]) AND state = 'sending' AND claimed_until < $2"""
_LINE = """
SELECT * FROM notice_lines WHERE street_id = $1 AND id = $2 AND not_before <= $3 FOR UPDATE SKIP LOCKED"""
_SEND = """
SELECT s.id, s.notice_id, s.attempts, s.failures, s.granted, s.created_at, s.message_id, n.ticket_id, n.recipient, n.kind,
  n.title, n.facts, n.occurred_at, l.channel, l.id AS line_id
FROM notice_sends s JOIN notices n ON n.street_id = s.street_id AND n.id = s.notice_id
JOIN notice_lines l ON l.street_id = s.street_id AND l.id = s.line_id"""
_READY = f"""{_SEND}
WHERE s.street_id = $1 AND s.line_id = $2 AND s.state = 'queued' AND s.next_at <= $3
ORDER BY s.next_at, s.id LIMIT $4 FOR UPDATE OF s SKIP LOCKED"""
_ABANDONED = f"""{_SEND}
WHERE s.street_id = $1 AND s.state = 'sending' AND s.claimed_until < $2 LIMIT $3 FOR UPDATE OF s SKIP LOCKED"""
_TAKE = """
UPDATE notice_sends SET state = 'sending', message_id = $3, claimed_until = $4, attempts = attempts + 1, granted = $5
WHERE street_id = $1 AND id = ANY($2::uuid[])"""
# Whoever was thought to have fallen, and had not, comes too late to settle anything.
_SETTLE = """
UPDATE notice_sends SET state = $4, next_at = $5, failures = $6, code = $7, granted = $8, message_id = NULL,
  claimed_until = NULL, ended_at = CASE WHEN $4 = 'queued' THEN NULL ELSE $9::timestamptz END
WHERE street_id = $1 AND id = ANY($2::uuid[]) AND message_id IS NOT DISTINCT FROM $3 RETURNING id"""
_HEALTH = "UPDATE notice_lines SET failures = $3, not_before = $4 WHERE street_id = $1 AND id = $2"
_NOT_BEFORE = "UPDATE notice_lines SET not_before = $3 WHERE street_id = $1 AND id = $2"
_LOCKED = "SELECT failures, not_before FROM notice_lines WHERE street_id = $1 AND id = $2 FOR UPDATE"
_END = """
UPDATE notice_lines SET ended_at = $3, ended_why = $4 WHERE street_id = $1 AND id = $2 AND ended_at IS NULL RETURNING channel"""
_GIVE_UP = """
UPDATE notice_sends SET state = $3, code = 'line_ended', ended_at = $4
WHERE street_id = $1 AND line_id = $2 AND state = 'queued'"""
_OPENIDS = """
SELECT r.id AS resident_id, a.id, a.private FROM unnest($2::uuid[]) AS r (id)
LEFT JOIN resident_links l ON l.street_id = $1 AND l.former_id = r.id
JOIN wechat_accounts a ON a.street_id = $1 AND a.resident_id = coalesce(l.resident_id, r.id) AND a.app_id = $3"""
_CONTENTS = "SELECT id, content FROM tickets WHERE street_id = $1 AND id = ANY($2::uuid[])"
_REPLAY = """
UPDATE notice_sends SET state = 'queued', failures = 0, next_at = $3, created_at = $3, ended_at = NULL
WHERE street_id = $1 AND line_id = $2 AND state = 'failed' RETURNING true"""

Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of a send in a message. `attempt` 0: nobody was asked. `granted`: the grant it used stays used."""

    send: Record
    message: UUID | None
    attempt: int
    reply: Reply
    fate: Fate
    granted: bool = False
    template: str = ""


async def due(tx: Transaction, streets: Sequence[int], now: datetime) -> list[tuple[int, UUID]]:
    """Return the (street, line) that have something to send and may."""
    return [(r["street_id"], r["line_id"]) for r in await tx.raw.fetch(_DUE, streets, now)]


async def held_too_long(tx: Transaction, streets: Sequence[int], now: datetime) -> list[int]:
    """Return the streets in which somebody fell with sends in hand."""
    return [r["street_id"] for r in await tx.raw.fetch(_HELD, streets, now)]


async def line(tx: Transaction, street_id: int, line_id: UUID, now: datetime) -> Record | None:
    """Lock a line that may be used now; None if it may not, or another process has it in hand."""
    await tx.raw.execute(_DURABLE)
    row: Record | None = await tx.raw.fetchrow(_LINE, street_id, line_id, now)
    return row


async def ready(
    tx: Transaction, street_id: int, line_id: UUID, now: datetime, limit: int
) -> Sequence[Record]:
    """Lock the next sends of a line."""
    rows: Sequence[Record] = await tx.raw.fetch(_READY, street_id, line_id, now, limit)
    return rows


async def abandoned(tx: Transaction, street_id: int, now: datetime) -> Sequence[Record]:
    """Lock sends whose holder fell."""
    rows: Sequence[Record] = await tx.raw.fetch(_ABANDONED, street_id, now, _HELD_AT_ONCE)
    return rows


async def take(
    tx: Transaction,
    street_id: int,
    letters: Iterable[tuple[UUID, Sequence[Record]]],
    now: datetime,
    *,
    granted: bool,
) -> None:
    """Note before anybody is asked which sends go into which message; `granted`: a grant is used for each."""
    known = list(letters)
    until = now + LEASE
    rows = [(street_id, [send["id"] for send in held], message, until, granted) for message, held in known]
    await tx.raw.executemany(_TAKE, rows)
    begun = [
        _attempt(street_id, send["id"], send["attempts"] + 1, "begun", message, now)
        for message, held in known
        for send in held
    ]
    await tx.insert_many(notice_attempts, begun)


async def settle(tx: Transaction, street_id: int, rows: Sequence[Settled], now: datetime) -> None:
    """Note what came of sends; those that ended alike in one statement."""
    await tx.raw.execute(_DURABLE)
    alike: dict[tuple[UUID | None, Fate, Reply, bool], list[Settled]] = defaultdict(list)
    for row in rows:
        alike[row.message, row.fate, row.reply, row.granted].append(row)
    ended = []
    for (message, fate, reply, granted), some in alike.items():
        settled = await tx.raw.fetch(
            _SETTLE, street_id, [r.send["id"] for r in some], message, fate.state, fate.next_at, fate.failures,
            _code(reply), granted, now,
        )  # fmt: skip
        mine = {row["id"] for row in settled}
        ended += [
            _attempt(street_id, r.send["id"], r.attempt, "ended", message, now, reply)
            for r in some
            if r.attempt and r.send["id"] in mine
        ]
    await tx.insert_many(notice_attempts, ended)


def _attempt(
    street_id: int,
    send: UUID,
    attempt: int,
    phase: str,
    message: UUID | None,
    at: datetime,
    reply: Reply | None = None,
) -> dict[str, Any]:
    return {
        "street_id": street_id, "send_id": send, "attempt": attempt, "phase": phase, "message_id": message,
        "outcome": reply.outcome.value if reply else None, "code": reply.code if reply else None, "at": at,
    }  # fmt: skip


def _code(reply: Reply) -> str:
    return f"{reply.outcome.value}:{reply.code}" if reply.code else reply.outcome.value


async def health(tx: Transaction, street_id: int, line_id: UUID) -> Health:
    """Lock a line and return its health."""
    row = await tx.raw.fetchrow(_LOCKED, street_id, line_id)
    return Health(row["failures"], row["not_before"])


async def note_health(tx: Transaction, street_id: int, line_id: UUID, found: Health) -> None:
    """Write a line's health."""
    await tx.raw.execute(_HEALTH, street_id, line_id, found.failures, found.not_before)


async def hold_back(tx: Transaction, street_id: int, line_id: UUID, until: datetime) -> None:
    """Let nothing else go out over a line before `until`."""
    await tx.raw.execute(_NOT_BEFORE, street_id, line_id, until)


async def end_line(
    tx: Transaction, street_id: int, line_id: UUID, why: str, given_up: Mapping[str, str], now: datetime
) -> bool:
    """End a line and give up what waits for it (`given_up`: channel → state); return whether it was in use."""
    channel = await tx.raw.fetchval(_END, street_id, line_id, now, why)
    if channel is None:
        return False
    await give_up(tx, street_id, line_id, given_up[channel], now)
    return True


async def give_up(tx: Transaction, street_id: int, line_id: UUID, state: str, now: datetime) -> None:
    """Give up what waits for a line that has ended."""
    await tx.raw.execute(_GIVE_UP, street_id, line_id, state, now)


async def accounts(
    tx: Transaction, street_id: int, residents: Iterable[UUID], app_id: str | None
) -> dict[UUID, Record]:
    """Return the account of each of these residents in a mini-program: its id and its sealed openid."""
    rows = await tx.raw.fetch(_OPENIDS, street_id, sorted(residents), app_id)
    return {row["resident_id"]: row for row in rows}


async def contents(tx: Transaction, street_id: int, tickets: Iterable[UUID]) -> dict[UUID, str]:
    """Return what was reported in these tickets."""
    return {r["id"]: r["content"] for r in await tx.raw.fetch(_CONTENTS, street_id, sorted(tickets))}


async def replay(tx: Transaction, street_id: int, line_id: UUID, now: datetime) -> int:
    """Queue a line's dead letters again; return how many."""
    return len(await tx.raw.fetch(_REPLAY, street_id, line_id, now))
