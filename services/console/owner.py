"""The console's way into the database: as its owner, fenced to named streets like everybody else."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import asyncpg
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from shared import clock, settings
from shared.db import Database, Transaction
from shared.streets import Street, Streets
from shared.tables import audit_log

T = TypeVar("T")
ACTOR = "console"


def run(work: Callable[[Database], Awaitable[T]], url: str | None = None) -> T:
    """Do `work` with the owner's database (`url`, else the one the settings know); return what it returns.

    Unavailable when it cannot be reached, RuntimeError when it refuses.
    """
    try:
        return asyncio.run(_within(work, url or settings.load().owner_url()))
    except (asyncpg.PostgresError, DBAPIError) as error:
        if isinstance(error, asyncpg.UndefinedTableError) or "does not exist" in str(error):
            raise RuntimeError("数据库还没有建表或版本过旧,请先运行 banjie migrate") from error
        raise RuntimeError(f"数据库拒绝了这个操作:{error}") from error


async def _within(work: Callable[[Database], Awaitable[T]], url: str) -> T:
    opened = Database(url, pool_size=2, statement_timeout=120)
    try:
        return await work(opened)
    finally:
        await opened.close()


async def streets(opened: Database, codes: Iterable[str]) -> list[Street]:
    """Return the streets with these codes, in this order; RuntimeError lists what there is."""
    known = {street.code: street for street in await Streets(opened).all()}
    wanted = split(codes)
    missing = [code for code in wanted if code not in known]
    if missing or not wanted:
        there = "、".join(f"{s.code}({s.name})" for s in known.values()) or "一个也没有"
        raise RuntimeError(f"没有代码为“{'、'.join(missing)}”的街道;现有:{there}")
    return [known[code] for code in wanted]


def split(values: Iterable[str]) -> list[str]:
    """Return each value once, whether given apart or with commas."""
    parts = (part.strip() for value in values for part in value.replace("\uff0c", ",").split(","))
    return list(dict.fromkeys(part for part in parts if part))


async def all_ids(opened: Database) -> list[int]:
    """Return the ids of every street."""
    return [street.id for street in await Streets(opened).all()]


async def audited(tx: Transaction, street_ids: Iterable[int], action: str, detail: dict[str, object]) -> None:
    """Note in each street's audit log what the console did, in its transaction."""
    now = clock.now()
    await tx.insert_many(
        audit_log,
        [
            {
                "street_id": street_id, "id": uuid7(), "actor": ACTOR, "action": action, "detail": detail,
                "recorded_at": now,
            }
            for street_id in street_ids
        ],
    )  # fmt: skip
