"""Intake's event doors: from what happened to a ticket follow the notices, and the sends over each line.

An event says where to look; what is told is read in the tables. A notice is unique by its cause, recipient and kind,
so that a repeated event tells nobody twice.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake import store as tickets
from services.intake.notices import routes, store, words
from services.intake.notices.routes import Line
from services.intake.notices.told import (
    Matter,
    Move,
    Told,
    about,
    fit,
    line as to_line,
    of_unit,
    saying,
    told,
)
from shared.db import Transaction
from shared.events import Event, RatingGivenV1, SupplementAddedV1, TicketMovedV1
from shared.lifecycle import State, action_text
from shared.settings import MessageTemplate
from shared.terms import Role, Satisfaction

_MOVE = tuple(Move.__dataclass_fields__)
_OURS = (TicketMovedV1, SupplementAddedV1, RatingGivenV1)
_UNKNOWN = "未分类"


class Consumer:
    """What intake does about each event; all of it in the transaction it is handed."""

    def __init__(self, templates: Mapping[str, MessageTemplate]) -> None:
        """Take the templates of subscribe messages, by topic."""
        self._templates = templates

    async def handle(self, tx: Transaction, happened: Sequence[Event]) -> None:
        """Tell whoever is concerned by events of any streets; RuntimeError for an event that is not ours."""
        by_street: dict[int, list[Event]] = defaultdict(list)
        for event in happened:
            if not isinstance(event, _OURS):
                raise RuntimeError(f"intake handles no {event.TYPE}")  # noqa: TRY004 - the map of subscribers is wrong
            by_street[event.street_id].append(event)
        for street_id, events in sorted(by_street.items()):
            lines = await routes.lines_of(tx, street_id)
            rows = [
                *await _of_moves(tx, street_id, [e for e in events if isinstance(e, TicketMovedV1)], lines),
                *await _of_supplements(
                    tx, street_id, [e for e in events if isinstance(e, SupplementAddedV1)]
                ),
                *await _of_ratings(tx, street_id, [e for e in events if isinstance(e, RatingGivenV1)]),
            ]
            written = await store.write(tx, rows)
            await routes.queue(tx, street_id, written, lines, self._templates)


async def _of_moves(
    tx: Transaction, street_id: int, events: Sequence[TicketMovedV1], lines: Sequence[Line]
) -> list[dict[str, Any]]:
    """Return the notices of the moves that these events speak of, those of ledgers and of other events left out."""
    if not events:
        return []
    last = {(e.ticket_id, e.version) for e in events}
    spoken = {
        (e.ticket_id, seq) for e in events for seq in range(e.version - len(e.actions) + 1, e.version + 1)
    }
    found = await store.moves(tx, street_id, sorted({e.ticket_id for e in events}))
    history = [row for row in found if (row["ticket_id"], row["seq"]) in spoken]
    names = await tickets.unit_names(tx, street_id, set(_units(history)))
    rows = []
    for row in history:
        move, key = Move(**{name: row[name] for name in _MOVE}), (row["ticket_id"], row["seq"])
        notices = [*told(move, _matter(row, names), last=key in last), *_to_programs(move, lines)]
        rows += [
            _row(street_id, row, f"move/{move.seq}", n, row["to_state"], row["occurred_at"]) for n in notices
        ]
    return rows


def _to_programs(move: Move, lines: Sequence[Line]) -> Iterator[Told]:
    """Yield a notice for each webhook that wants the move; what it says is made when it goes out."""
    for line in lines:
        if line.wants(move.action):
            yield Told(to_line(line.id), move.action, fit(action_text(move.action)), "")


def _units(history: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for row in history:
        yield from (row[name] for name in ("lead_unit", "actor_unit") if row[name])


async def _of_supplements(
    tx: Transaction, street_id: int, events: Sequence[SupplementAddedV1]
) -> list[dict[str, Any]]:
    """Return the notices of what reporters added: to the unit that has the matter."""
    if not events:
        return []
    added = await store.supplements_of(tx, street_id, [UUID(e.supplement_id) for e in events])
    standing = await store.standings(tx, street_id, sorted({row["ticket_id"] for row in added}))
    rows = []
    for row in added:
        at = standing.get(row["ticket_id"])
        if at is None or row["author_role"] != Role.RESIDENT.value:
            continue  # before routing has it nobody has it: whoever takes it on reads it all
        notice = saying(of_unit(at["lead_unit"]), "supplement", words.SUPPLEMENT, about(_matter(at, {})))
        rows.append(_row(street_id, at, f"supplement/{row['id']}", notice, at["state"], row["recorded_at"]))
    return rows


async def _of_ratings(
    tx: Transaction, street_id: int, events: Sequence[RatingGivenV1]
) -> list[dict[str, Any]]:
    """Return the notices of ratings: to the unit whose work was rated."""
    if not events:
        return []
    wanted = {(e.ticket_id, e.closure) for e in events}
    ids = sorted({e.ticket_id for e in events})
    standing = await store.standings(tx, street_id, ids)
    rows = []
    for row in await store.ratings_of(tx, street_id, ids):
        at = standing.get(row["ticket_id"])
        if at is None or (row["ticket_id"], row["closure"]) not in wanted:
            continue
        filled = about(_matter(at, {})) | {"satisfaction": Satisfaction(row["satisfaction"]).text}
        notice = saying(of_unit(at["lead_unit"]), "rating", words.RATING, filled)
        rows.append(_row(street_id, at, f"rating/{row['closure']}", notice, at["state"], row["occurred_at"]))
    return rows


def _matter(row: Mapping[str, Any], names: Mapping[str, str]) -> Matter:
    return Matter(row["number"], row["category"] or _UNKNOWN, row["reporter_id"], names)


def _row(
    street_id: int, row: Mapping[str, Any], cause: str, notice: Told, state: str, occurred_at: Any
) -> dict[str, Any]:
    return {
        "street_id": street_id,
        "ticket_id": row["ticket_id"],
        "cause": cause,
        "recipient": notice.recipient,
        "kind": notice.kind,
        "title": notice.title,
        "detail": notice.detail,
        "facts": {
            "number": row["number"],
            "state": state,
            "state_text": State(state).text,
            "category_text": row["category"] or _UNKNOWN,
        },
        "occurred_at": occurred_at,
    }
