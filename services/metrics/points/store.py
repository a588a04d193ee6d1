"""The SQL of points: rules, histories as merits need them, the ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from services.metrics.book import HOLD
from services.metrics.points.rules import Merit, Rule, Rulebook
from services.metrics.points.settle import Entry, Group
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.tables import point_rules, points

_RULES = "SELECT * FROM point_rules WHERE street_id = $1 ORDER BY code, version"
_ENTRY = (
    "id, staff_id, kind, points, day, occurred_at, rule_code, rule_version, ticket_id, seq, reverses, reason"
)
# A ledger's moves stand under the name of whoever brought it in: theirs are no merits.
_MOVES = """
SELECT t.ticket_id, t.seq, t.action, t.actor_id, t.actor_role, t.category_code, t.due_at, t.sign_due_at, t.contact_due_at,
  t.occurred_at, t.recorded_at, CASE WHEN t.data <> '{}' THEN t.data END AS data,
  i.entered_by IS NOT DISTINCT FROM t.actor_id AS told
FROM transitions t LEFT JOIN (
  SELECT k.id, k.entered_by FROM tickets k WHERE k.street_id = $1 AND k.id = ANY($2::uuid[])
  AND EXISTS (SELECT FROM import_rows r WHERE r.street_id = k.street_id AND r.ticket_id = k.id)
) i ON i.id = t.ticket_id
WHERE t.street_id = $1 AND t.ticket_id = ANY($2::uuid[]) ORDER BY t.ticket_id, t.seq"""
_RATINGS = """
SELECT ticket_id, closure, satisfaction, occurred_at, recorded_at FROM ratings
WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY ticket_id, closure"""
_ABOUT = f"SELECT {_ENTRY} FROM points WHERE street_id = $1 AND ticket_id = ANY($2::uuid[]) ORDER BY id"  # noqa: S608
_GROUP = (
    f"SELECT {_ENTRY} FROM points WHERE street_id = $1 AND staff_id = $2 AND rule_code = $3 AND rule_version = $4 "  # noqa: S608
    "AND day >= $5 AND day < $6 ORDER BY id"
)
_RANKED = """
SELECT staff_id, sum(points) AS total, coalesce(sum(points) FILTER (WHERE points > 0), 0) AS gained,
  coalesce(-sum(points) FILTER (WHERE points < 0), 0) AS lost, count(*) AS entries
FROM points WHERE street_id = $1 AND day BETWEEN $2 AND $3 GROUP BY staff_id ORDER BY total DESC, staff_id"""
_SHOWN = f"""
SELECT {_ENTRY}, recorded_at, entered_role,
  EXISTS (SELECT FROM points r WHERE r.street_id = p.street_id AND r.reverses = p.id) AS reversed
FROM points p WHERE street_id = $1 AND """  # noqa: S608 - our own columns
_OF_ONE = f"{_SHOWN} staff_id = $2 AND day BETWEEN $3 AND $4 AND ($5::uuid IS NULL OR id < $5) ORDER BY id DESC LIMIT $6"
_SUM = "SELECT coalesce(sum(points), 0) FROM points WHERE street_id = $1 AND staff_id = $2 AND day BETWEEN $3 AND $4"
_PEOPLE = "SELECT id, code, name FROM staff WHERE street_id = $1 AND id = ANY($2::uuid[])"


def rule(row: Mapping[str, Any]) -> Rule:
    """Return a version of a rule as it is stored."""
    return Rule(
        row["code"], row["version"], Merit(row["merit"]), row["points"], row["valid_from"], row["valid_until"],
        row["recorded_at"], row["daily_cap"], row["monthly_cap"], row["weights"], row["note"],
    )  # fmt: skip


async def rules_of(tx: Transaction, street_id: int) -> list[Rule]:
    """Return a street's rules, all versions of them."""
    return [rule(row) for row in await tx.raw.fetch(_RULES, street_id)]


async def rulebook_of(tx: Transaction, street_id: int) -> Rulebook:
    return Rulebook(await rules_of(tx, street_id))


async def histories(
    tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]
) -> dict[UUID, tuple[list[Any], list[Any]]]:
    """Return each ticket's moves and ratings, as `rules.merits` takes them."""
    found: dict[UUID, tuple[list[Any], list[Any]]] = {ticket_id: ([], []) for ticket_id in ticket_ids}
    for row in await tx.raw.fetch(_MOVES, street_id, ticket_ids):
        move = dict(row)
        data = move.pop("data") or {}
        found[row["ticket_id"]][0].append({**move, "satisfaction": data.get("satisfaction")})
    for row in await tx.raw.fetch(_RATINGS, street_id, ticket_ids):
        found[row["ticket_id"]][1].append(row)
    return found


async def about(tx: Transaction, street_id: int, ticket_ids: Sequence[UUID]) -> dict[UUID, list[Entry]]:
    """Return the entries about tickets."""
    found: dict[UUID, list[Entry]] = defaultdict(list)
    for row in await tx.raw.fetch(_ABOUT, street_id, ticket_ids):
        found[row["ticket_id"]].append(Entry(*row))
    return found


async def of_group(tx: Transaction, street_id: int, group: Group) -> list[Entry]:
    """Return all entries that a cap counts together."""
    first = group.month
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    rows = await tx.raw.fetch(
        _GROUP, street_id, group.staff_id, group.rule_code, group.rule_version, first, after
    )  # fmt: skip
    return [Entry(*row) for row in rows]


async def find(tx: Transaction, street_id: int, entry_id: UUID) -> Entry | None:
    """Return an entry, if it is there."""
    sql = f"SELECT {_ENTRY} FROM points WHERE street_id = $1 AND id = $2"  # noqa: S608 - our own columns
    row = await tx.raw.fetchrow(sql, street_id, entry_id)
    return Entry(*row) if row is not None else None


async def write(
    tx: Transaction, street_id: int, entries: Iterable[Entry], by: Actor | None = None
) -> list[UUID]:
    """Write entries, by the rules or by somebody's word; return their ids."""
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {
            "street_id": street_id, "id": uuid7(), "staff_id": e.staff_id, "kind": e.kind, "points": e.points, "day": e.day,
            "occurred_at": e.occurred_at, "recorded_at": now, "rule_code": e.rule_code, "rule_version": e.rule_version,
            "ticket_id": e.ticket_id, "seq": e.seq, "reverses": e.reverses, "reason": e.reason,
            "entered_by": by.id if by else None, "entered_role": by.role.value if by else None,
        }
        for e in entries
    ]  # fmt: skip
    await tx.insert_many(points, rows)
    return [row["id"] for row in rows]


async def write_rules(tx: Transaction, street_id: int, rules: Iterable[Rule], by: UUID) -> None:
    """Write versions of rules."""
    await tx.insert_many(
        point_rules,
        [
            {
                "street_id": street_id, "code": r.code, "version": r.version, "merit": r.merit.value, "points": r.points,
                "daily_cap": r.daily_cap, "monthly_cap": r.monthly_cap, "weights": dict(r.weights),
                "valid_from": r.valid_from, "valid_until": r.valid_until, "note": r.note, "recorded_at": r.recorded_at,
                "recorded_by": by,
            }
            for r in rules
        ],
    )  # fmt: skip


async def ranked(tx: Transaction, street_id: int, first: date, last: date) -> list[Any]:
    """Return everybody's sums over some days, the most first."""
    return list(await tx.raw.fetch(_RANKED, street_id, first, last))


async def of_one(
    tx: Transaction, street_id: int, staff_id: UUID, first: date, last: date, before: UUID | None, limit: int
) -> list[Any]:
    """Return a person's entries of some days, newest first; one row more than `limit` if there is more."""
    return list(await tx.raw.fetch(_OF_ONE, street_id, staff_id, first, last, before, limit + 1))


async def total(tx: Transaction, street_id: int, staff_id: UUID, first: date, last: date) -> int:
    """Return a person's points of some days."""
    return int(await tx.raw.fetchval(_SUM, street_id, staff_id, first, last))


async def people(tx: Transaction, street_id: int, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the names of people on the staff."""
    return {row["id"]: row["name"] for row in await tx.raw.fetch(_PEOPLE, street_id, list(ids))}


async def has_ticket(tx: Transaction, street_id: int, number: str) -> UUID | None:
    """Return the id of the ticket with a number, if the street has one."""
    sql = "SELECT id FROM tickets WHERE street_id = $1 AND number = $2"
    found: UUID | None = await tx.raw.fetchval(sql, street_id, number)
    return found


def moment_of(day: date, now: datetime) -> datetime:
    """Return an instant of a day for what somebody enters: now, or where the day is past its beginning."""
    return now if clock.local_day(now) == day else clock.day_start(day)


async def is_reversed(tx: Transaction, street_id: int, entry_id: UUID) -> bool:
    """Return whether an entry has been taken back."""
    sql = "SELECT EXISTS (SELECT FROM points WHERE street_id = $1 AND reverses = $2)"
    return bool(await tx.raw.fetchval(sql, street_id, entry_id))


async def shown(tx: Transaction, street_id: int, entry_id: UUID) -> Any:
    """Return one entry as `of_one` does."""
    return await tx.raw.fetchrow(f"{_SHOWN} id = $2", street_id, entry_id)


async def hold(tx: Transaction, street_id: int) -> None:
    """Hold a street's books: whoever else books, caps or changes rules waits."""
    await tx.raw.execute(HOLD, street_id, clock.now())
