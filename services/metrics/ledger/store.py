"""The ledger's reading SQL: a page of tickets in the order of their receipt, and all that is told of each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared import clock
from shared.db import Transaction
from shared.lifecycle import OPEN, State

_OPEN = ", ".join(f"'{state.value}'" for state in sorted(OPEN))
# A ticket that routing has not looked at yet has no row there: what its reporter said is all there is.
_FILTERS = {
    "state": f"coalesce(s.state, '{State.SUBMITTED.value}')",
    "channel": "t.channel",
    "kind": "coalesce(s.kind, t.kind, '')",
    "category": "coalesce(s.category_code, t.category_code, '')",
    "community": "coalesce(s.community_code, t.community_code, '')",
    "grid": "coalesce(s.grid_code, t.grid_code, '')",
    "unit": "coalesce(s.lead_unit, '')",
}
_COLUMNS = (
    "t.street_id, t.id, t.number, t.occurred_at, t.recorded_at, t.channel, t.kind, t.category_code, "
    "t.community_code, t.grid_code, t.content, t.anonymous, t.confidential, t.private"
)
_FROM = (
    "tickets t LEFT JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.id "
    "WHERE t.street_id = $1"
)
_NAMED = "WHERE street_id = ANY($1::bigint[])"
_REGISTRY = {
    "category": f"SELECT street_id, code, name FROM categories {_NAMED}",  # noqa: S608 - our own words
    "community": f"SELECT street_id, code, name FROM communities {_NAMED}",  # noqa: S608
    "unit": f"SELECT street_id, code, name FROM units {_NAMED}",  # noqa: S608
    "grid": f"SELECT street_id, code, name FROM grids {_NAMED}",  # noqa: S608
}
_OF = "WHERE street_id = ANY($1::bigint[]) AND ticket_id = ANY($2::uuid[])"
_MOVES = (
    "SELECT ticket_id, action, to_state, reason, data, due_at, lead_unit, category_code, community_code, grid_code, "  # noqa: S608
    f"kind, outcome, occurred_at FROM transitions {_OF} ORDER BY ticket_id, seq"
)
_RATINGS = f"SELECT ticket_id, satisfaction FROM ratings {_OF} ORDER BY ticket_id, closure"  # noqa: S608
_PARTS = (
    f"SELECT ticket_id, unit_code FROM parts {_OF} "  # noqa: S608 - our own words
    "GROUP BY ticket_id, unit_code ORDER BY ticket_id, min(asked_at), unit_code"
)
Place = tuple[int, datetime, UUID]  # of a ticket in the ledger: street, received, id


@dataclass(frozen=True, slots=True)
class Selection:
    """Which tickets: streets, days of receipt (local, inclusive), what each filter admits, past due at an instant."""

    street_ids: tuple[int, ...]
    first: date | None = None
    last: date | None = None
    admitted: Mapping[str, Sequence[str]] = field(default_factory=dict)
    overdue_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """A ticket with all that its row is made of."""

    ticket: Mapping[str, Any]
    moves: Sequence[Mapping[str, Any]]
    rating: str | None
    helpers: Sequence[str]

    @property
    def place(self) -> Place:
        return self.ticket["street_id"], self.ticket["occurred_at"], self.ticket["id"]


async def page(tx: Transaction, wanted: Selection, after: Place | None, limit: int) -> list[Told]:
    """Return the `limit` tickets after a place in the ledger: street by street, as they were received."""
    tickets: list[Mapping[str, Any]] = []
    # One street after the other: the index on receipt then gives each page in its order, however far on it is.
    for street_id in sorted(wanted.street_ids):
        if after is not None and street_id < after[0]:
            continue
        since = after[1:] if after is not None and street_id == after[0] else None
        sql, parameters = _tickets(wanted, street_id, since, limit - len(tickets))
        tickets += await tx.raw.fetch(sql, *parameters)
        if len(tickets) == limit:
            break
    return await _with_history(tx, tickets)


def _tickets(
    wanted: Selection, street_id: int, since: tuple[datetime, UUID] | None, limit: int
) -> tuple[str, list[Any]]:
    parameters: list[Any] = [street_id]

    def p(value: Any) -> str:
        parameters.append(value)
        return f"${len(parameters)}"

    where = "" if since is None else f" AND (t.occurred_at, t.id) > ({p(since[0])}, {p(since[1])})"
    if wanted.first is not None:
        where += f" AND t.occurred_at >= {p(clock.day_start(wanted.first))}"
    if wanted.last is not None:
        where += f" AND t.occurred_at < {p(clock.day_end(wanted.last))}"
    for name, values in wanted.admitted.items():
        where += f" AND {_FILTERS[name]} = ANY({p(list(values))}::text[])"
    if wanted.overdue_at is not None:
        where += f" AND s.due_at <= {p(wanted.overdue_at)} AND s.state IN ({_OPEN})"
    sql = f"SELECT {_COLUMNS} FROM {_FROM}{where} ORDER BY t.occurred_at, t.id LIMIT {p(limit)}"  # noqa: S608
    return sql, parameters


async def _with_history(tx: Transaction, tickets: Sequence[Mapping[str, Any]]) -> list[Told]:
    if not tickets:
        return []
    these = sorted({t["street_id"] for t in tickets}), [t["id"] for t in tickets]
    moves, helpers = defaultdict(list), defaultdict(list)
    for move in await tx.raw.fetch(_MOVES, *these):
        moves[move["ticket_id"]].append(move)
    for part in await tx.raw.fetch(_PARTS, *these):
        helpers[part["ticket_id"]].append(part["unit_code"])
    ratings = {r["ticket_id"]: r["satisfaction"] for r in await tx.raw.fetch(_RATINGS, *these)}
    return [Told(t, moves[t["id"]], ratings.get(t["id"]), helpers[t["id"]]) for t in tickets]


async def registry(tx: Transaction, street_ids: Sequence[int], kind: str) -> list[tuple[int, str, str]]:
    """Return (street, code, name) of the categories, communities, units or grids of these streets."""
    return [tuple(row) for row in await tx.raw.fetch(_REGISTRY[kind], list(street_ids))]
