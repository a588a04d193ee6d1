"""The same key and the same body get the same answer; another body under the same key is a conflict.

The key's row is written in the transaction of the work it guards: both are there, or neither.
"""

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header, Request

from shared import clock
from shared.db import Transaction
from shared.errors import Conflict

Key = Annotated[
    str | None,
    Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$",
           description="同一次提交的重试使用同一个值"),
]  # fmt: skip

_RESERVE = """
INSERT INTO idempotency_keys (street_id, actor_id, key, body_hash, status, answer, recorded_at)
VALUES ($1, $2, $3, $4, 0, '{}', $5) ON CONFLICT DO NOTHING RETURNING true"""
_KEEP = (
    "UPDATE idempotency_keys SET status = $4, answer = $5 WHERE street_id = $1 AND actor_id = $2 AND key = $3"
)
_FIND = "SELECT body_hash, answer FROM idempotency_keys WHERE street_id = $1 AND actor_id = $2 AND key = $3"


def fingerprint(path: str, body: bytes) -> bytes:
    """Return the digest that tells whether two requests under one key are the same request."""
    return hashlib.sha256(path.encode() + b"\0" + body).digest()


async def fingerprint_of(request: Request) -> bytes:
    """Return the fingerprint of a request (its body is already read)."""
    return fingerprint(request.url.path, await request.body())


def same(stored: bytes, wanted: bytes) -> None:
    """Raise Conflict when a key comes back with another body."""
    if bytes(stored) != wanted:
        raise Conflict("同一个 Idempotency-Key 已用于另一份内容", code="idempotency_key_reused")


async def answered(
    tx: Transaction, street_id: int, actor_id: UUID, key: str, wanted: bytes
) -> dict[str, Any] | None:
    """Return what was answered under this key, if anything was; raise Conflict for another body."""
    row = await tx.raw.fetchrow(_FIND, street_id, actor_id, key)
    if row is None:
        return None
    same(row["body_hash"], wanted)
    stored: dict[str, Any] = row["answer"]
    return stored


async def once(
    tx: Transaction,
    street_id: int,
    actor_id: UUID,
    key: str | None,
    wanted: bytes,
    status: int,
    work: Callable[[], Awaitable[dict[str, Any]]],
) -> dict[str, Any]:
    """Do `work` in `tx` unless it was done under this key; return its answer either way.

    A second request under the same key waits for the first one's commit, then gets its answer.
    """
    if key is None:
        return await work()
    if await tx.raw.fetchval(_RESERVE, street_id, actor_id, key, wanted, clock.now()) is None:
        stored = await answered(tx, street_id, actor_id, key, wanted)
        if stored is not None:
            return stored
    answer = await work()
    await tx.raw.execute(_KEEP, street_id, actor_id, key, status, orjson.dumps(answer, default=str).decode())
    return answer
