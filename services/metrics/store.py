"""Metrics' reading SQL: sums of measures from the running totals or from the facts, and the tickets behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from services.metrics.cells import TOTAL, question
from shared import clock
from shared.db import Transaction
from shared.lifecycle import QUIET
from shared.tables import DIMENSIONS, MEASURES

Basis = Literal["cohort", "due", "closed"]
STREET = "street"  # a dimension of every row rather than of the totals
# Codes that each street gives its own: over several streets one code means several things.
OF_A_STREET = frozenset({"community", "grid", "unit"})
_BASIS_COLUMN = {"due": "due_at", "closed": "closed_at"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tickets, seen when: streets, window (local days, inclusive), its basis, the instant, filters."""

    street_ids: tuple[int, ...]
    first: date
    last: date
    as_of: datetime
    basis: Basis = "cohort"
    filters: Mapping[str, str] = field(default_factory=dict)


Sums = dict[str, dict[str, int]]  # key → measure → sum


class _Parameters(list[Any]):
    """Positional parameters as they are mentioned."""

    def __call__(self, value: Any) -> str:
        self.append(value)
        return f"${len(self)}"


def _sums(names: Sequence[str], sign: str = "") -> str:
    return ", ".join(f"sum({sign}{name}) AS {name}" for name in names)


def _key(scope: Scope, by: str | None, column: str) -> str:
    """Return the expression that tells the parts of a split from one another."""
    if by is None:
        return "''"
    if by == STREET:
        return "street_id::text"
    return f"street_id || '/' || {column}" if of_several(scope, by) else column


def of_several(scope: Scope, by: str) -> bool:
    """Return whether keys of this split carry their street: "7/u01"."""
    return by in OF_A_STREET and len(scope.street_ids) > 1


async def sums(tx: Transaction, scope: Scope, by: str | None, measures: Sequence[str] = MEASURES) -> Sums:
    """Return the sums of measures, split by a dimension or by street, or undivided under the key ""."""
    only = next(iter(scope.filters), None)
    quick = scope.basis == "cohort" and (
        not scope.filters or (len(scope.filters) == 1 and by in {None, only})
    )
    if quick:
        sql, parameters = _from_totals(scope, by, measures)
    else:
        sql, parameters = _from_facts(scope, by, measures)
    rows = await tx.raw.fetch(sql, *parameters)
    return {str(r["key"]): {m: int(r[m] or 0) for m in measures} for r in rows if any(r[m] for m in measures)}


def _from_totals(scope: Scope, by: str | None, measures: Sequence[str]) -> tuple[str, _Parameters]:
    """Return the query over the running totals: a few ranges of cells, and the steps since the last bucket."""
    p = _Parameters()
    dimension = next(iter(scope.filters), None) or (by if by in DIMENSIONS else None) or TOTAL
    wanted = scope.filters.get(dimension)
    streets, name = p(list(scope.street_ids)), p(dimension)
    narrow = "" if wanted is None else f" AND key = {p(wanted)}"
    asked = question(scope.first, scope.last, scope.as_of, split=dimension != TOTAL)
    parts = []
    for r in asked.ranges:
        since = "" if r.since is None else f" AND step >= {p(r.since)}"
        parts.append(
            f"SELECT {_key(scope, by, 'key')} AS key, {_sums(measures)} FROM totals "  # noqa: S608 - our own names; values are parameters
            f"WHERE street_id = ANY({streets}::bigint[]) AND dimension = {name} AND tier = {p(r.tier)} "
            f"AND cohort BETWEEN {p(r.first)} AND {p(r.last)}{since} AND step < {p(r.until)}{narrow} GROUP BY 1"
        )
    narrow = "" if wanted is None else f" AND {dimension} = {p(wanted)}"
    since, until, first, last = p(asked.raw_since), p(scope.as_of), p(scope.first), p(scope.last)
    for column, sign in (("valid_from", ""), ("valid_to", "-")):
        parts.append(
            f"SELECT {_key(scope, by, dimension)} AS key, {_sums(measures, sign)} FROM ticket_facts "  # noqa: S608 - as above
            f"WHERE street_id = ANY({streets}::bigint[]) AND {column} >= {since} AND {column} <= {until} "
            f"AND received_day BETWEEN {first} AND {last}{narrow} GROUP BY 1"
        )
    return f"SELECT key, {_sums(measures)} FROM ({' UNION ALL '.join(parts)}) AS steps GROUP BY key", p  # noqa: S608


def _where(scope: Scope, p: _Parameters) -> str:
    """Return the condition on `ticket_facts f` for the tickets of a scope as they stood at its instant."""
    as_of = p(scope.as_of)
    conditions = [
        f"f.street_id = ANY({p(list(scope.street_ids))}::bigint[])",
        f"f.valid_from <= {as_of} AND (f.valid_to IS NULL OR f.valid_to > {as_of})",
    ]
    if scope.basis == "cohort":
        conditions.append(f"f.received_day BETWEEN {p(scope.first)} AND {p(scope.last)}")
    else:
        column = _BASIS_COLUMN[scope.basis]
        since, until = p(clock.day_start(scope.first)), p(clock.day_end(scope.last))
        conditions.append(f"f.{column} >= {since} AND f.{column} < {until}")
    conditions += [f"f.{name} = {p(wanted)}" for name, wanted in scope.filters.items()]
    return " AND ".join(conditions)


def _from_facts(scope: Scope, by: str | None, measures: Sequence[str]) -> tuple[str, _Parameters]:
    """Return the query over the facts themselves: any filter, any basis, at the price of reading them."""
    p = _Parameters()
    where = _where(scope, p)
    key = _key(scope, by, f"f.{by}")
    return f"SELECT {key} AS key, {_sums(measures)} FROM ticket_facts f WHERE {where} GROUP BY 1", p  # noqa: S608


async def tickets_behind(
    tx: Transaction,
    scope: Scope,
    measures: Sequence[str],
    *,
    without: Sequence[str] = (),
    after: tuple[date, UUID] | None = None,
    limit: int,
) -> Sequence[Mapping[str, Any]]:
    """Return the tickets that any of `measures` counts and none of `without`; one row more if there is more."""
    p = _Parameters()
    where = _where(scope, p)
    counted = " + ".join(f"f.{m}" for m in measures)
    where += f" AND {counted} > 0"
    if without:
        where += f" AND {' + '.join(f'f.{m}' for m in without)} = 0"
    if after is not None:
        where += f" AND (f.received_day, f.ticket_id) > ({p(after[0])}, {p(after[1])})"
    sql = (
        "SELECT t.number, f.ticket_id, f.street_id, f.received_day, f.state, f.due_at, f.closed_at, "  # noqa: S608
        f"t.occurred_at AS received_at, {', '.join(f'f.{d}' for d in DIMENSIONS)} "
        "FROM ticket_facts f JOIN tickets t ON t.street_id = f.street_id AND t.id = f.ticket_id "
        f"WHERE {where} ORDER BY f.received_day, f.ticket_id LIMIT {p(limit + 1)}"
    )
    return list(await tx.raw.fetch(sql, *p))


async def last_words(
    tx: Transaction, street_ids: Sequence[int], ticket_ids: Sequence[UUID], as_of: datetime
) -> dict[UUID, Any]:
    """Return each ticket's last move with a reason as of an instant (action, reason)."""
    rows = await tx.raw.fetch(
        "SELECT DISTINCT ON (ticket_id) ticket_id, action, to_state, reason FROM transitions "
        "WHERE street_id = ANY($1::bigint[]) AND ticket_id = ANY($2::uuid[]) AND occurred_at <= $3 "
        "AND action <> ALL($4::text[]) ORDER BY ticket_id, seq DESC",
        list(street_ids), list(ticket_ids), as_of, sorted(QUIET),
    )  # fmt: skip
    return {row["ticket_id"]: row for row in rows}


async def not_booked(tx: Transaction, street_ids: Sequence[int]) -> int:
    """Return how many deliveries these streets' figures still wait for: to be placed, or to be booked."""
    return int(
        await tx.raw.fetchval(
            "SELECT count(*) FROM deliveries WHERE street_id = ANY($1::bigint[]) AND consumer IN ('routing', 'metrics')",
            list(street_ids),
        )
    )


_LABELS = {
    "category": "SELECT street_id, code, name FROM categories WHERE street_id = ANY($1::bigint[])",
    "community": "SELECT street_id, code, name FROM communities WHERE street_id = ANY($1::bigint[])",
    "grid": "SELECT street_id, code, name FROM grids WHERE street_id = ANY($1::bigint[])",
    "unit": "SELECT street_id, code, name FROM units WHERE street_id = ANY($1::bigint[])",
}


async def labels(tx: Transaction, scope: Scope, by: str) -> dict[str, str]:
    """Return the names of a registry dimension's keys, as `sums` writes the keys."""
    rows = await tx.raw.fetch(_LABELS[by], list(scope.street_ids)) if by in _LABELS else ()
    several = of_several(scope, by)
    return {f"{r['street_id']}/{r['code']}" if several else r["code"]: r["name"] for r in rows}
