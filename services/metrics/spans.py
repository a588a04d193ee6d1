"""A ticket's life as spans of time in which every measure stands still: the ground of all figures.

Pure. From what was reported and the history of moves comes a list of spans [valid_from, valid_to), each
with 0 or 1 for every measure. A deadline passing ends a span just as a move does, so the figure of any
past instant is a sum, whatever happened since. What each measure means: `services/metrics/measures.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from shared.clock import local_day
from shared.lifecycle import OPEN, QUIET, REGISTER, WITH_UNIT, State
from shared.tables import MEASURES

_OPEN = frozenset(state.value for state in OPEN)
_WITH_UNIT = frozenset(state.value for state in WITH_UNIT)
CLOSED = State.CLOSED.value


class Dimensions(NamedTuple):
    """What a ticket counts under; empty text where nothing is known. Order of `shared.tables.DIMENSIONS`."""

    channel: str
    kind: str
    category: str
    community: str
    grid: str
    unit: str


@dataclass(frozen=True, slots=True)
class Span:
    """One stretch of a ticket's life. `measures` in the order of `shared.tables.MEASURES`."""

    number: int
    received_day: date
    valid_from: datetime
    valid_to: datetime | None
    state: str
    due_at: datetime | None
    closed_at: datetime | None
    dimensions: Dimensions
    measures: tuple[int, ...]


@dataclass(slots=True)
class _Life:
    """What has happened to a ticket so far."""

    received_day: date
    state: str
    dimensions: Dimensions
    due_at: datetime | None = None
    closed_at: datetime | None = None
    accepted: bool = False
    dispatched: bool = False
    direct: bool = False
    returned: bool = False
    reworked: bool = False
    reopened: bool = False


def spans(ticket: Any, moves: Sequence[Any]) -> list[Span]:
    """Return a ticket's spans; `moves` in the order of their seq (rows of `transitions`)."""
    life = _Life(
        local_day(ticket["occurred_at"]),
        State.SUBMITTED.value,
        Dimensions(
            ticket["channel"], ticket["kind"] or "", ticket["category_code"] or "",
            ticket["community_code"] or "", ticket["grid_code"] or "", "",
        ),
    )  # fmt: skip
    found: list[Span] = []
    since: datetime = ticket["occurred_at"]
    for move in moves:
        if move["action"] in QUIET:
            continue
        # What routing learned when it took the ticket over was true from the start.
        at = since if move["action"] == REGISTER else max(since, move["occurred_at"])
        if at > since:
            _add(found, life, since, at)
            since = at
        _take_in(life, move, at)
    _add(found, life, since, None)
    return found


def _take_in(life: _Life, move: Any, at: datetime) -> None:
    """Let a move change what is known of the ticket."""
    action, state = move["action"], move["to_state"]
    life.dimensions = Dimensions(
        life.dimensions.channel, move["kind"], move["category_code"], move["community_code"] or "",
        move["grid_code"] or "", move["lead_unit"] or "",
    )  # fmt: skip
    if state == CLOSED and life.state != CLOSED:
        life.closed_at = at
        life.direct = action == "close_directly" and not life.dispatched
    elif state != CLOSED:
        life.closed_at, life.direct = None, False
    life.due_at = move["due_at"]
    life.accepted = life.accepted or state == State.ACCEPTED.value
    # A reopened ticket goes straight to a unit's hands, even if it was closed without one before.
    life.dispatched = life.dispatched or state in _WITH_UNIT
    life.returned = life.returned or action == "return"
    life.reworked = life.reworked or action == "rework"
    life.reopened = life.reopened or action == "reopen"
    life.state = state


def _add(found: list[Span], life: _Life, since: datetime, until: datetime | None) -> None:
    """Add the stretch [since, until), cut where the deadline passes."""
    due = life.due_at
    cut = due if due is not None and since < due and (until is None or due < until) else None
    if cut is None:
        found.append(_span(len(found), life, since, until, past_due=due is not None and due <= since))
        return
    found.append(_span(len(found), life, since, cut, past_due=False))
    found.append(_span(len(found), life, cut, until, past_due=True))


def _span(number: int, life: _Life, since: datetime, until: datetime | None, *, past_due: bool) -> Span:
    measured = _measure(life, past_due=past_due)
    return Span(
        number, life.received_day, since, until, life.state, life.due_at, life.closed_at, life.dimensions,
        tuple(int(measured[name]) for name in MEASURES),
    )  # fmt: skip


def _measure(life: _Life, *, past_due: bool) -> dict[str, bool]:
    closed, alive = life.state == CLOSED, life.state in _OPEN
    on_time = (
        closed and life.closed_at is not None and life.due_at is not None and life.closed_at <= life.due_at
    )
    due = closed or (alive and past_due)
    matured = (closed or alive) and past_due
    return {
        "received": True,
        "accepted": life.accepted,
        "dispatched": life.dispatched,
        "closed": closed,
        "direct": closed and life.direct,
        "dispatched_closed": closed and life.dispatched,
        "closed_on_time": on_time,
        "dispatched_on_time": on_time and life.dispatched,
        "due": due,
        "due_net": due and life.state != State.SUSPENDED.value,
        "matured": matured,
        "matured_closed": matured and closed,
        "matured_on_time": matured and on_time,
        "overdue": due and not on_time,
        "open": alive,
        "overdue_open": alive and past_due,
        "suspended": life.state == State.SUSPENDED.value,
        "rejected": life.state == State.REJECTED.value,
        "merged": life.state == State.MERGED.value,
        "withdrawn": life.state == State.WITHDRAWN.value,
        "redirected": life.state == State.REDIRECTED.value,
        "returned": life.returned,
        "reworked": life.reworked,
        "reopened": life.reopened,
    }
