"""Metrics' reading SQL: sums of measures from the running totals or from the facts, and the tickets behind them."""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from services.metrics.cells import BETWEEN, EXCLUDED, Question, question
from services.metrics.splits import (
    GROUP,
    OF_A_STREET,
    PART_UNIT,
    SPLITS,
    STREET,
    day_sql,
    has,
    in_totals,
    needs_days,
    needs_months,
)
from shared import clock
from shared.db import Transaction
from shared.tables import DIMENSIONS, MEASURES

Basis = Literal["cohort", "due", "closed", "workload"]
_BASIS_COLUMN = {"due": "due_at", "closed": "closed_at"}


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tickets, seen when.

    Streets; window of local days (inclusive), or of exact instants [start, end) where it does not begin at
    midnight; its basis; the instant it is judged at, by what was recorded at `known_at` (None: by now);
    filters; `groups`: the categories of each group, where a group is asked for.
    """

    street_ids: tuple[int, ...]
    first: date
    last: date
    as_of: datetime
    basis: Basis = "cohort"
    filters: Mapping[str, str] = field(default_factory=dict)
    known_at: datetime | None = None
    exact: tuple[datetime, datetime] | None = None
    groups: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def start(self) -> datetime:
        return self.exact[0] if self.exact else clock.day_start(self.first)

    @property
    def end(self) -> datetime:
        return self.exact[1] if self.exact else clock.day_end(self.last)

    @property
    def opening(self) -> datetime:
        """Just before this, what is carried in was open: the window's start, or the instant asked about if earlier."""
        return min(self.start, self.as_of + timedelta(microseconds=1))

    @property
    def of_several(self) -> bool:
        return len(self.street_ids) > 1


By = tuple[str, ...]
Key = tuple[str, ...]
Sums = dict[Key, dict[str, int]]  # key, a piece for each split → measure → sum
Sets = Mapping[str, Collection[UUID]]  # computed measure → the tickets that have it


@dataclass(frozen=True, slots=True)
class Among:
    """Which of the facts to look at: all, only these tickets, or all but these."""

    only: Collection[UUID] | None = None
    without: Collection[UUID] | None = None


ALL = Among()
_UNITS = " CROSS JOIN LATERAL unnest(CASE WHEN f.units = '{}' THEN ARRAY[''] ELSE f.units END) AS u(unit)"


class _Parameters(list[Any]):
    """Positional parameters as they are mentioned."""

    def __call__(self, value: Any) -> str:
        self.append(value)
        return f"${len(self)}"


def quick(scope: Scope, by: By, measures: Iterable[str]) -> bool:
    """Return whether the running totals can answer this."""
    return (
        scope.basis == "cohort"
        and scope.exact is None
        and in_totals(by, scope.filters) is not None
        and all(m in MEASURES for m in measures)
    )


async def sums(
    tx: Transaction, scope: Scope, by: By, measures: Sequence[str] = MEASURES, sets: Sets | None = None
) -> Sums:
    """Return the sums of measures of all that is recorded by now, split by `by` (undivided under the key ())."""
    if _not_yet(scope):
        return {}
    if quick(scope, by, measures):
        return await _fetch(tx, *_from_totals(scope, by, measures), by, measures)
    return await facts_sums(tx, scope, by, measures, sets)


async def facts_sums(
    tx: Transaction,
    scope: Scope,
    by: By,
    measures: Sequence[str],
    sets: Sets | None = None,
    among: Among = ALL,
) -> Sums:
    """Return the same from the facts themselves: any filter, any basis, at the price of reading them."""
    return await _fetch(tx, *_from_facts(scope, by, measures, sets or {}, among), by, measures)


async def excluded_sums(
    tx: Transaction, scope: Scope, by: By, measures: Sequence[str], sets: Sets | None = None
) -> Sums:
    """Return the sums of the tickets left out of the assessed population; the first piece of a key is the reason."""
    if _not_yet(scope):
        return {}
    if not quick(scope, by, measures):
        narrowed = replace(scope, filters={**scope.filters, EXCLUDED: ""})
        return await facts_sums(tx, narrowed, ("excluded", *by), measures, sets)
    sql, parameters = _from_totals(scope, by, measures, excluded=True)
    return await _fetch(tx, sql, parameters, ("excluded", *by), measures)


def _not_yet(scope: Scope) -> bool:
    """Return whether the instant lies before the window: nothing had been received by then."""
    return scope.basis == "cohort" and scope.as_of < scope.start


async def _fetch(tx: Transaction, sql: str, parameters: list[Any], by: By, measures: Sequence[str]) -> Sums:
    rows = await tx.raw.fetch(sql, *parameters)
    pieces = len(by)
    return {
        tuple(str(piece) for piece in row[:pieces]): {m: int(n or 0) for m, n in zip(measures, row[pieces:], strict=True)}
        for row in rows
        if any(row[pieces:])
    }  # fmt: skip


def _keyed(scope: Scope, split: str, expression: str) -> str:
    """Return the expression that tells the parts of a split from one another, streets' own codes apart."""
    return f"street_id || '/' || {expression}" if scope.of_several and split in OF_A_STREET else expression


def _select(pieces: Sequence[str], columns: str, source: str) -> str:
    keys = "".join(f"{piece} AS k{n}, " for n, piece in enumerate(pieces))
    grouping = f" GROUP BY {', '.join(str(n + 1) for n in range(len(pieces)))}" if pieces else ""
    return f"SELECT {keys}{columns} FROM {source}{grouping}"  # noqa: S608 - our own names; values are parameters


def _from_totals(
    scope: Scope, by: By, measures: Sequence[str], *, excluded: bool = False
) -> tuple[str, list[Any]]:
    """Return the query over the running totals: a few ranges of cells, and the steps since the last bucket."""
    p = _Parameters()
    dimension = in_totals(by, scope.filters) or ""
    asked = question(
        scope.first, scope.last, scope.as_of, dimension, by_days=needs_days(by), by_months=needs_months(by)
    )
    parts = [
        *_ranges(scope, by, measures, dimension, asked, p, excluded=excluded),
        *_loose(scope, by, measures, asked, p, excluded=excluded),
    ]
    pieces = [f"k{n}" for n in range(len(by) + excluded)]
    columns = ", ".join(f"sum({m}) AS {m}" for m in measures)
    return _select(pieces, columns, f"({' UNION ALL '.join(parts)}) AS steps"), p


def _ranges(
    scope: Scope,
    by: By,
    measures: Sequence[str],
    dimension: str,
    asked: Question,
    p: _Parameters,
    *,
    excluded: bool,
) -> Iterable[str]:
    streets, name = p(list(scope.street_ids)), p(dimension + EXCLUDED if excluded else dimension)
    key = f"split_part(key, '{BETWEEN}', 2)" if excluded else "key"
    narrow = "".join(f" AND {key} = {p(wanted)}" for wanted in scope.filters.values())
    columns = ", ".join(f"sum({m}) AS {m}" for m in measures)
    pieces = [f"split_part(key, '{BETWEEN}', 1)"] if excluded else []
    for split in by:
        if split == STREET:
            pieces.append("street_id::text")
        elif SPLITS[split].period:
            pieces.append(day_sql(split, "cohort"))
        else:
            pieces.append(_keyed(scope, split, key))
    for r in asked.ranges:
        since = "" if r.since is None else f" AND step >= {p(r.since)}"
        yield _select(
            pieces,
            columns,
            f"totals WHERE street_id = ANY({streets}::bigint[]) AND dimension = {name} AND tier = {p(r.tier)} "
            f"AND cohort BETWEEN {p(r.first)} AND {p(r.last)}{since} AND step < {p(r.until)}{narrow}",
        )


def _loose(
    scope: Scope, by: By, measures: Sequence[str], asked: Question, p: _Parameters, *, excluded: bool
) -> Iterable[str]:
    streets, until = p(list(scope.street_ids)), p(scope.as_of)
    narrow = "".join(f" AND f.{name} = {p(wanted)}" for name, wanted in scope.filters.items())
    narrow += " AND f.excluded <> ''" if excluded else ""
    pieces = _pieces(scope, by, excluded=excluded)
    for loose in asked.loose:
        since, first, last = p(loose.since), p(loose.first), p(loose.last)
        for column, sign in (("valid_from", ""), ("valid_to", "-")):
            yield _select(
                pieces,
                _counted(measures, {}, p, sign),
                f"ticket_facts f WHERE street_id = ANY({streets}::bigint[]) AND {column} >= {since} "
                # + 0: the index by day of receipt would read the whole window for a handful of steps
                f"AND {column} <= {until} AND received_day + 0 BETWEEN {first} AND {last}{narrow}",
            )


def _pieces(scope: Scope, by: By, *, excluded: bool = False) -> list[str]:
    found = ["f.excluded"] if excluded else []
    return found + [_keyed(scope, split, SPLITS[split].sql) for split in by]


def _counted(measures: Sequence[str], sets: Sets, p: _Parameters, sign: str = "") -> str:
    return ", ".join(f"{sign}count(*) FILTER (WHERE {_has(m, sets, p)}) AS {m}" for m in measures)


def _has(measure: str, sets: Sets, p: _Parameters) -> str:
    return f"f.ticket_id = ANY({p(list(sets[measure]))}::uuid[])" if measure in sets else has(measure)


def _where(scope: Scope, p: _Parameters, among: Among = ALL) -> str:
    """Return the condition on `ticket_facts f` for the tickets of a scope as they stood at its instant."""
    as_of = p(scope.as_of)
    conditions = [
        f"f.street_id = ANY({p(list(scope.street_ids))}::bigint[])",
        f"f.valid_from <= {as_of} AND (f.valid_to IS NULL OR f.valid_to > {as_of})",
        *_window(scope, p),
    ]
    for name, wanted in scope.filters.items():
        if name == EXCLUDED:
            conditions.append("f.excluded <> ''")
        elif name == GROUP:
            conditions.append(f"f.category {'=' if wanted else '<>'} {_of_group(scope, wanted, p)}")
        elif name == PART_UNIT:
            conditions.append(f"{p(wanted)} = ANY(f.units)" if wanted else "f.units = '{}'")
        else:
            conditions.append(f"{SPLITS[name].sql} = {p(wanted)}")
    if among.only is not None:
        conditions.append(f"f.ticket_id = ANY({p(list(among.only))}::uuid[])")
    if among.without:
        conditions.append(f"f.ticket_id <> ALL({p(list(among.without))}::uuid[])")
    return " AND ".join(conditions)


def _of_group(scope: Scope, wanted: str, p: _Parameters) -> str:
    """Return the categories of a group; for none, all but those of any group."""
    if wanted:
        return f"ANY({p(sorted(scope.groups.get(wanted, ())))}::text[])"
    return f"ALL({p(sorted({code for codes in scope.groups.values() for code in codes}))}::text[])"


def _window(scope: Scope, p: _Parameters) -> Iterable[str]:
    if scope.basis in _BASIS_COLUMN:
        column = _BASIS_COLUMN[scope.basis]
        yield f"f.{column} >= {p(scope.start)} AND f.{column} < {p(scope.end)}"
        return
    yield f"f.received_day <= {p(clock.local_day(scope.end) if scope.exact else scope.last)}"
    if scope.exact:
        yield f"f.received_at < {p(scope.end)}"
    since = f"f.received_day >= {p(clock.local_day(scope.start))}"
    if scope.exact:
        since += f" AND f.received_at >= {p(scope.start)}"
    if scope.basis == "workload":
        start = p(scope.opening)
        was_open = has("open").replace("f.", "o.")
        since = (
            f"(({since}) OR EXISTS (SELECT FROM ticket_facts o WHERE o.street_id = f.street_id "
            f"AND o.ticket_id = f.ticket_id AND o.valid_from < {start} "
            f"AND (o.valid_to IS NULL OR o.valid_to >= {start}) AND {was_open}))"
        )
    yield since


def _from_facts(
    scope: Scope, by: By, measures: Sequence[str], sets: Sets, among: Among = ALL
) -> tuple[str, list[Any]]:
    p = _Parameters()
    source = "ticket_facts f"
    if PART_UNIT in by:
        source += _UNITS
    columns = _counted(measures, sets, p)
    return _select(_pieces(scope, by), columns, f"{source} WHERE {_where(scope, p, among)}"), p


_ITEM = ("state", "due_at", "closed_at", *DIMENSIONS, "excluded")


async def stream(
    tx: Transaction, scope: Scope, by: By, columns: Sequence[str], among: Among = ALL
) -> AsyncIterator[tuple[Key, tuple[Any, ...]]]:
    """Yield the key and some columns of every ticket of a scope as it stood, never all of them at once."""
    p = _Parameters()
    source = "ticket_facts f"
    if PART_UNIT in by:
        source += _UNITS
    pieces = _pieces(scope, by)
    sql = f"SELECT {', '.join([*pieces, *(f'f.{c}' for c in columns)])} FROM {source} WHERE {_where(scope, p, among)}"  # noqa: S608
    async for row in tx.raw.cursor(sql, *p, prefetch=2000):
        values = tuple(row.values())
        yield values[: len(pieces)], values[len(pieces) :]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Tickets that any of `measures` counts and none of `without`, after a place in the order of receipt."""

    measures: Sequence[str]
    without: Sequence[str] = ()
    assessed: bool = False
    after: tuple[date, UUID] | None = None
    limit: int = 100


async def tickets_behind(
    tx: Transaction, scope: Scope, wanted: Wanted, sets: Sets | None = None, among: Among = ALL
) -> list[dict[str, Any]]:
    """Return the tickets wanted; one row more if there is more."""
    p = _Parameters()
    sets = sets or {}
    where = f"{_where(scope, p, among)} AND ({' OR '.join(_has(m, sets, p) for m in wanted.measures)})"
    for measure in wanted.without:
        where += f" AND NOT {_has(measure, sets, p)}"
    if wanted.assessed:
        where += " AND f.excluded = ''"
    if wanted.after is not None:
        where += f" AND (f.received_day, f.ticket_id) > ({p(wanted.after[0])}, {p(wanted.after[1])})"
    sql = (
        f"SELECT f.ticket_id, f.street_id, f.received_day, f.received_at, {', '.join(f'f.{c}' for c in _ITEM)} "  # noqa: S608
        f"FROM ticket_facts f WHERE {where} ORDER BY f.received_day, f.ticket_id LIMIT {p(wanted.limit + 1)}"
    )
    return [dict(row) for row in await tx.raw.fetch(sql, *p)]
