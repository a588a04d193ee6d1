"""What was recorded by an earlier day: the tickets on which more has been recorded since, as they were known then.

A figure at `known_at` is today's figure, less what these tickets add to it now, plus what they added then.
They are few wherever late entries are; the others are read from the books as always.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.metrics.history import histories
from services.metrics.measures import PLACE
from services.metrics.spans import Span
from services.metrics.splits import GROUP, OF_A_STREET, PART_UNIT, SPLITS, STREET
from services.metrics.store import By, Key, Scope, Sets, Sums
from shared.db import Transaction
from shared.tables import FLAG_BITS

PAGE = 2000
_OPEN = PLACE["open"]
# What had not happened by the instant does not count at it, whenever it was recorded.
_MOVED = """
SELECT DISTINCT ticket_id FROM transitions
WHERE street_id = $1 AND recorded_at > $2 AND (occurred_at <= $3 OR action = 'register')
UNION SELECT ticket_id FROM ratings WHERE street_id = $1 AND recorded_at > $2 AND occurred_at <= $3
UNION SELECT id FROM tickets WHERE street_id = $1 AND recorded_at > $2 AND occurred_at <= $3"""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket as it was known."""

    street_id: int
    id: UUID
    spans: Sequence[Span]

    def at(self, moment: datetime) -> Span | None:
        """Return the span in which it stood at an instant, or None before it was received."""
        for span in self.spans:
            if span.valid_from <= moment and (span.valid_to is None or span.valid_to > moment):
                return span
        return None


@dataclass(frozen=True, slots=True)
class Known:
    """The tickets on which more was recorded later, and those of them that were known at all."""

    touched: Collection[UUID] = ()
    tickets: Sequence[Ticket] = field(default=())


NOTHING_LATER = Known()


async def known(tx: Transaction, scope: Scope) -> Known:
    """Return what the scope's `known_at` makes different from now."""
    if scope.known_at is None:
        return NOTHING_LATER
    touched: list[UUID] = []
    tickets: list[Ticket] = []
    for street_id in scope.street_ids:
        rows = await tx.raw.fetch(_MOVED, street_id, scope.known_at, scope.as_of)
        ids = sorted(row["ticket_id"] for row in rows)
        touched += ids
        for start in range(0, len(ids), PAGE):
            page = await histories(tx, street_id, ids[start : start + PAGE], scope.known_at)
            tickets += [Ticket(street_id, ticket_id, spans) for ticket_id, spans in page.items()]
    return Known(touched, tickets)


def chosen(scope: Scope, tickets: Sequence[Ticket]) -> Iterator[tuple[Ticket, Span]]:
    """Yield the tickets of a scope with how they stood at its instant: what `store._where` says, in Python."""
    for ticket in tickets:
        span = ticket.at(scope.as_of)
        if span is not None and _in_window(scope, ticket, span) and _passes(scope, span):
            yield ticket, span


def _in_window(scope: Scope, ticket: Ticket, span: Span) -> bool:
    if scope.basis == "due":
        return span.due_at is not None and scope.start <= span.due_at < scope.end
    if scope.basis == "closed":
        return span.closed_at is not None and scope.start <= span.closed_at < scope.end
    if span.received_at >= scope.end:
        return False
    if span.received_at >= scope.start:
        return True
    return scope.basis == "workload" and _open_before(ticket, scope.opening)


def _open_before(ticket: Ticket, moment: datetime) -> bool:
    """Return whether it was open when the window began: a close in that very instant is the window's."""
    for span in ticket.spans:
        if span.valid_from < moment and (span.valid_to is None or span.valid_to >= moment):
            return has(span, _OPEN)
    return False


def _passes(scope: Scope, span: Span) -> bool:
    for name, wanted in scope.filters.items():
        if name == GROUP:
            named = scope.groups.get(wanted, ()) if wanted else frozenset().union(*scope.groups.values())
            fits = (span.category in named) == bool(wanted)
        elif name == PART_UNIT:
            fits = wanted in span.units or not (wanted or span.units)
        elif name in SPLITS:
            fits = wanted in SPLITS[name].of(span)
        else:  # only the excluded ones
            fits = span.excluded != ""
        if not fits:
            return False
    return True


def has(span: Span, place: int) -> bool:
    """Return whether a span has the measure at this place of the catalogue."""
    column, bit = divmod(place, FLAG_BITS)
    return bool((span.flags1 if column else span.flags0) >> bit & 1)


def sums(scope: Scope, by: By, measures: Sequence[str], tickets: Sequence[Ticket], sets: Sets) -> Sums:
    """Return the sums of these tickets, as `store.facts_sums` would."""
    found: Sums = defaultdict(lambda: dict.fromkeys(measures, 0))
    for ticket, span in chosen(scope, tickets):
        counted = [m for m in measures if counts(m, ticket, span, sets)]
        for key in keys(scope, by, ticket, span) if counted else ():
            part = found[key]
            for measure in counted:
                part[measure] += 1
    return dict(found)


def counts(measure: str, ticket: Ticket, span: Span, sets: Sets) -> bool:
    """Return whether a measure counts a ticket."""
    return ticket.id in sets[measure] if measure in sets else has(span, PLACE[measure])


def keys(scope: Scope, by: By, ticket: Ticket, span: Span) -> list[Key]:
    """Return the keys under which a split counts a ticket: several only by the units that have a part in it."""
    found: list[Key] = [()]
    for split in by:
        if split == STREET:
            pieces: tuple[str, ...] = (str(ticket.street_id),)
        else:
            pieces = SPLITS[split].of(span)
            if scope.of_several and split in OF_A_STREET:
                pieces = tuple(f"{ticket.street_id}/{piece}" for piece in pieces)
        found = [(*key, piece) for key in found for piece in pieces]
    return found


def add(into: Sums, more: Sums, sign: int = 1) -> Sums:
    """Return sums with others added to (or taken from) them; parts of nothing but zeros are left out."""
    found = {key: dict(part) for key, part in into.items()}
    for key, part in more.items():
        held = found.setdefault(key, dict.fromkeys(part, 0))
        for measure, amount in part.items():
            held[measure] += sign * amount
    return {key: part for key, part in found.items() if any(part.values())}
