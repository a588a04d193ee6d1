"""A street's registry out of the tables and into them. Nothing is deleted; every change is recorded beside itself."""

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from uuid_utils.compat import uuid7

from services.routing.upkeep.kinds import EVERYTHING, Kind
from services.routing.upkeep.state import Action, Change, Row, State
from shared import clock
from shared.auth import Actor
from shared.db import Transaction, insert_sql, values
from shared.streets import Street
from shared.tables import category_versions, registry_changes, streets

CONSOLE = "console"
_VERSIONED = tuple(
    c.name for c in category_versions.c if c.name not in {"street_id", "version", "recorded_at"}
)


async def hold(tx: Transaction, street_id: int) -> None:
    """Let one import of a street follow another."""
    await tx.raw.execute("SELECT pg_advisory_xact_lock($1)", street_id)


async def load(tx: Transaction, street: Street, today: date) -> State:
    """Return everything there is in a street's registry."""
    row = await tx.one(select(streets.c.grid_digits).where(streets.c.id == street.id))
    state = State(street.code, row.grid_digits if row is not None else 0, today)
    for kind in EVERYTHING:
        names = [str(column.name) for column in kind.table.c if column.name != "street_id"]
        wanted = select(*(kind.table.c[name] for name in names)).where(kind.table.c.street_id == street.id)
        for found in await tx.rows(wanted):
            known = dict(zip(names, found, strict=True))
            state.rows[kind.name][kind.key_of(known)] = known
    return state


async def write(
    tx: Transaction, street: Street, changes: Sequence[Change], by: Actor | None, import_id: UUID
) -> None:
    """Write changes, what is referred to first, and who made them (None: the console)."""
    for kind in EVERYTHING:
        rows = [change.after for change in changes if change.kind is kind]
        if rows:
            await _upsert(tx, street.id, kind, _parents_first(rows) if kind.name == "units" else rows)
    await _versions(tx, street.id, [change for change in changes if change.kind.name == "categories"])
    told = [
        (change.kind.name, change.code, change.action, _told(change.before), _told(change.after) or {})
        for change in changes
    ]
    await record(tx, street.id, told, by, import_id)


async def record(
    tx: Transaction,
    street_id: int,
    changes: Iterable[tuple[str, str, Action, Row | None, Row]],
    by: Actor | None,
    import_id: UUID,
) -> None:
    """Note changes: (list, code, what happened, as it was, as it is now). It is by these that processes read anew."""
    now = clock.now()
    await tx.insert_many(
        registry_changes,
        [
            {
                "street_id": street_id, "id": uuid7(), "recorded_at": now, "actor_id": by.id if by else None,
                "actor_role": by.role.value if by else CONSOLE, "import_id": import_id, "kind": kind, "code": code,
                "action": action.value, "before": before, "after": after,
            }
            for kind, code, action, before, after in changes
        ],
    )  # fmt: skip


def _told(row: Row | None) -> Row | None:
    """Return a row as it is recorded; polygons stand in the boundaries, which are kept."""
    return None if row is None else {name: value for name, value in row.items() if name != "polygons"}


def _parents_first(rows: Iterable[Row]) -> list[Row]:
    left = {row["code"]: row for row in rows}
    ordered: list[Row] = []
    while left:
        ready = [row for row in left.values() if row["parent_code"] not in left]
        ordered += ready
        for row in ready:
            del left[row["code"]]
    return ordered


async def _upsert(tx: Transaction, street_id: int, kind: Kind, rows: Sequence[Row]) -> None:
    tenant = [{"street_id": street_id, **row} for row in rows]
    columns = tuple(tenant[0])
    target = kind.target or kind.key
    changed = [name for name in columns if name not in {"street_id", *target}]
    sets = ", ".join(f"{name} = excluded.{name}" for name in changed)
    statement = (
        f"{insert_sql(kind.table, columns)} ON CONFLICT (street_id, {', '.join(target)}) DO UPDATE SET {sets}"
    )
    ordered: list[dict[str, Any]] = [{name: row[name] for name in columns} for row in tenant]
    await tx.raw.executemany(statement, values(kind.table, columns, ordered))


async def _versions(tx: Transaction, street_id: int, changes: Sequence[Change]) -> None:
    """Begin a new version of the catalogue with the categories that changed; the others keep theirs."""
    if not changes:
        return
    newest = select(func.max(category_versions.c.version)).where(category_versions.c.street_id == street_id)
    version = ((await tx.rows(newest))[0][0] or 0) + 1
    now = clock.now()
    rows = [
        {
            "street_id": street_id, **{name: change.after[name] for name in _VERSIONED}, "version": version,
            "recorded_at": now,
        } | ({} if change.action is Action.ADDED else {"valid_from": clock.local_day(now)})
        for change in changes
    ]  # fmt: skip
    await tx.insert_many(category_versions, rows)
