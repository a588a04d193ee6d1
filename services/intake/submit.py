"""The action of taking a request in: once this returns, it is durable (promise 1).

Requests that arrive while a commit is in flight share the next one; a repeated Idempotency-Key gets the
first one's answer, whether it repeats within the batch, across processes, or next week.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from services.intake.attachments.store import references
from services.intake.attachments.words import Origin
from services.intake.numbers import Numbers
from shared import clock
from shared.db import Database
from shared.errors import Problem
from shared.events import TicketSubmittedV1
from shared.group_commit import GroupCommit
from shared.lifecycle import State
from shared.outbox import Outbox
from shared.streets import Street
from shared.tables import idempotency_keys, ticket_attachments, tickets
from shared.terms import Channel
from shared.web.idempotency import same

_STORED = """
SELECT k.street_id, k.actor_id, k.key, k.body_hash, k.answer
FROM idempotency_keys k JOIN unnest($1::bigint[], $2::uuid[], $3::text[]) AS w (street_id, actor_id, key)
  USING (street_id, actor_id, key)"""
Key = tuple[int, UUID, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """A request that was checked and sealed, waiting for its number and its commit."""

    street: Street
    columns: dict[str, Any]
    actor_id: UUID
    key: str | None
    body_hash: bytes
    attachments: tuple[UUID, ...] = ()

    @property
    def identity(self) -> Key | None:
        return (self.street.id, self.actor_id, self.key) if self.key is not None else None


class Submissions:
    """The one way a ticket comes into being."""

    def __init__(self, database: Database, outbox: Outbox, *, max_waiting: int) -> None:
        self._database = database
        self._outbox = outbox
        self._numbers = Numbers(database)
        self._batches: GroupCommit[Draft, bytes] = GroupCommit(self._flush, max_waiting=max_waiting)

    async def submit(self, draft: Draft) -> bytes:
        """Return the receipt (JSON) of a durable ticket; raise Conflict for a key used with another body."""
        return await self._batches.put(draft)

    async def drain(self) -> None:
        await self._batches.drain()

    async def _flush(self, drafts: Sequence[Draft]) -> list[bytes | Exception]:
        answers: dict[int, bytes | Exception] = {}
        first: dict[Key, int] = {}
        fresh: list[int] = []
        for index, draft in enumerate(drafts):
            identity = draft.identity
            if identity is None or first.setdefault(identity, index) == index:
                fresh.append(index)
        try:
            written = await self._write([drafts[i] for i in fresh])
        except asyncpg.UniqueViolationError:
            written = await self._write_the_new([drafts[i] for i in fresh])
        answers.update(zip(fresh, written, strict=True))
        for index, draft in enumerate(drafts):
            if index not in answers and draft.identity is not None:
                leader = first[draft.identity]
                answers[index] = _repeated(draft, drafts[leader].body_hash, answers[leader])
        return [answers[index] for index in range(len(drafts))]

    async def _write_the_new(self, drafts: Sequence[Draft]) -> list[bytes | Exception]:
        """Answer repetitions from what is stored and write the rest (raises if yet another one came first)."""
        stored = await self._stored(drafts)
        new = [d for d in drafts if d.identity not in stored]
        written = iter(await self._write(new) if new else ())
        return [
            _repeated(d, *stored[d.identity])
            if d.identity is not None and d.identity in stored
            else next(written)
            for d in drafts
        ]

    async def _stored(self, drafts: Sequence[Draft]) -> dict[Key, tuple[bytes, bytes]]:
        wanted = [d.identity for d in drafts if d.identity is not None]
        columns = [list(column) for column in zip(*wanted, strict=True)]
        async with self._database.transaction({d.street.id for d in drafts}, read_only=True) as tx:
            rows = await tx.raw.fetch(_STORED, *columns)
        return {
            (r["street_id"], r["actor_id"], r["key"]): (
                bytes(r["body_hash"]),
                orjson.dumps(r["answer"]),
            )
            for r in rows
        }

    async def _write(self, drafts: Sequence[Draft]) -> list[bytes | Exception]:
        now = clock.now()
        numbers = await self._number(drafts, now)
        rows, keys, happened, receipts = [], [], [], []
        photos: list[dict[str, Any]] = []
        for draft, number in zip(drafts, numbers, strict=True):
            columns = draft.columns
            rows.append({**columns, "number": number})
            happened.append(
                TicketSubmittedV1(
                    street_id=draft.street.id, ticket_id=columns["id"], channel=columns["channel"]
                )
            )
            answer = orjson.dumps(receipt(draft.street, columns, number))
            receipts.append(answer)
            photos += references(
                draft.street.id, columns["id"], Origin.REPORT, columns["id"], draft.attachments, now
            )
            if draft.key is not None:
                keys.append(
                    {
                        "street_id": draft.street.id, "actor_id": draft.actor_id, "key": draft.key,
                        "body_hash": draft.body_hash, "status": 201, "answer": orjson.Fragment(answer),
                        "recorded_at": now,
                    }
                )  # fmt: skip
        async with self._database.transaction(sorted({d.street.id for d in drafts})) as tx:
            await tx.insert_many(idempotency_keys, keys)
            await tx.insert_many(tickets, rows)
            await tx.insert_many(ticket_attachments, photos)
            await self._outbox.record(tx, happened)
        return list(receipts)

    async def _number(self, drafts: Sequence[Draft], now: datetime) -> list[str]:
        """Return a number for each draft; streets are numbered apart."""
        day = clock.local_day(now)
        counts: dict[Street, int] = {}
        for draft in drafts:
            counts[draft.street] = counts.get(draft.street, 0) + 1
        taken = {s: iter(await self._numbers.take(s.id, s.prefix, day, n)) for s, n in counts.items()}
        return [next(taken[draft.street]) for draft in drafts]


def receipt(street: Street, columns: dict[str, Any], number: str) -> dict[str, Any]:
    """Return what the one who handed a request in is told."""
    return {
        "id": str(columns["id"]),
        "number": number,
        "state": State.SUBMITTED.value,
        "state_text": State.SUBMITTED.text,
        "street": street.code,
        "channel": columns["channel"],
        "channel_text": Channel(columns["channel"]).text,
        "occurred_at": clock.to_local(columns["occurred_at"]).isoformat(timespec="milliseconds"),
        "recorded_at": clock.to_local(columns["recorded_at"]).isoformat(timespec="milliseconds"),
        "late": columns["late"],
    }


def _repeated(draft: Draft, stored_hash: bytes, answer: bytes | Exception) -> bytes | Exception:
    try:
        same(stored_hash, draft.body_hash)
    except Problem as problem:
        return problem
    return answer
