"""`banjie calendar day` and `banjie calendar policy`: a street's own days and how its clocks run; open deadlines follow."""

import json
from datetime import date
from pathlib import Path
from typing import Any

from uuid_utils.compat import uuid7

from services.console import owner
from services.routing.policy import read_policy
from services.routing.turn import take_turn
from services.routing.upkeep.state import Action
from services.routing.upkeep.store import record
from shared import clock
from shared.db import Database, Transaction
from shared.tables import clock_policies

KINDS = {"off": "不上班", "half": "上半天班", "work": "上班"}
_DAY = """
INSERT INTO local_days (street_id, day, kind, note) VALUES ($1, $2, $3, $4)
ON CONFLICT (street_id, day) DO UPDATE SET kind = excluded.kind, note = excluded.note"""
_NEWEST = "SELECT version, document FROM clock_policies WHERE street_id = $1 ORDER BY version DESC LIMIT 1"


def set_day(code: str, day: date, kind: str, note: str) -> str:
    """Write one of a street's own days (`off`, `half` or `work`), noted among the registry's changes; say what it is."""
    if kind not in KINDS:
        raise RuntimeError(f"只能是 {'、'.join(KINDS)}")
    if not note.strip():
        raise RuntimeError("请写明原因,如:台风停工")

    async def write(opened: Database) -> None:
        [street] = await owner.streets(opened, [code])
        async with opened.transaction([street.id]) as tx:
            before = await tx.raw.fetchrow(
                "SELECT kind, note FROM local_days WHERE street_id = $1 AND day = $2", street.id, day
            )
            known, told = dict(before) if before else None, {"kind": kind, "note": note.strip()}
            if known != told:
                await tx.raw.execute(_DAY, street.id, day, *told.values())
                await _changed(tx, street.id, "local_day", day.isoformat(), known, told)

    owner.run(write)
    return f"{day:%Y-%m-%d} {KINDS[kind]}({note.strip()})"


def set_policy(code: str, file: Path, since: date | None) -> int:
    """Add a version of a street's clock policy, in force from `since` (today); return its number.

    RuntimeError says in Chinese what is wrong with the file.
    """
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuntimeError(f"读不了文件 {file}:{error}") from error
    try:
        read_policy(1, document)
    except AttributeError as error:
        raise RuntimeError("时限方案应为一个 JSON 对象") from error
    except ValueError as error:
        raise RuntimeError(str(error)) from error
    version = 0

    async def write(opened: Database) -> None:
        nonlocal version
        [street] = await owner.streets(opened, [code])
        async with opened.transaction([street.id]) as tx:
            await take_turn(tx, street.id)
            newest = await tx.raw.fetchrow(_NEWEST, street.id)
            version = (newest["version"] if newest else 0) + 1
            now = clock.now()
            first = since or clock.local_day(now)
            row = {
                "street_id": street.id, "version": version, "valid_from": first, "document": document,
                "recorded_at": now,
            }  # fmt: skip
            await tx.insert_many(clock_policies, [row])
            after = {"valid_from": first.isoformat(), "document": document}
            before = {"document": newest["document"]} if newest else None
            await _changed(tx, street.id, "clock_policy", str(version), before, after)

    owner.run(write)
    return version


async def _changed(
    tx: Transaction,
    street_id: int,
    kind: str,
    code: str,
    before: dict[str, Any] | None,
    after: dict[str, Any],
) -> None:
    action = Action.CHANGED if before else Action.ADDED
    await record(tx, street_id, [(kind, code, action, before, after)], None, uuid7())
    await owner.audited(tx, [street_id], f"{kind}_set", {"code": code, **after})
