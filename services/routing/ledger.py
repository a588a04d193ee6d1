"""The action of writing down what ledgers tell: each row's moves through the door, a whole batch at once.

Intake has checked that a row does not contradict itself; here the lifecycle judges it once more. A row that still
cannot be written holds up no other: its ticket goes to the desk with a word why, so that it too has an owner.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from services.routing import naming
from services.routing.held import Standing
from services.routing.naming import Names
from services.routing.registry import Category, Registry
from services.routing.transitions import Door
from shared.auth import Actor
from shared.calendar import parse_limit
from shared.db import Transaction, insert_sql, values
from shared.errors import Problem
from shared.lifecycle import REGISTER, State
from shared.tables import categories, communities, units
from shared.terms import Role

_ROWS = """
SELECT r.line, r.ticket_id, r.course, t.number, t.channel, t.occurred_at, t.reporter_id, t.phone_index, i.entered_by, i.entered_role
FROM import_rows r
JOIN tickets t ON t.street_id = r.street_id AND t.id = r.ticket_id
JOIN imports i ON i.street_id = r.street_id AND i.id = r.import_id
WHERE r.street_id = $1 AND r.import_id = $2 AND r.line BETWEEN $3 AND $4 ORDER BY r.line"""
_TABLES = {"units": units, "communities": communities, "categories": categories}
# What the unit that had the matter did, as far as a ledger knows.
_BY_THE_LEAD = frozenset({"sign", "contact", "handle", "return", "extend"})
# A matter that no unit was sent may still be some unit's, by the ledger's word: figures by unit count it there.
_OF_A_UNIT = frozenset({"accept", "close_directly", "reject", "merge", "withdraw", "redirect"})
_A_DAY = timedelta(days=1)
_WHY = "由台账导入,经过以台账为准"
_NO_CATEGORY = "台账没有注明分类"
_ASSUMED_DUE = "台账没有注明办理时限,按“{name}”的时限({limit})推算"
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a ledger says of a ticket, in the registry's codes."""

    kind: str
    category: Category
    community_code: str | None
    grid_code: str | None
    why: list[str]

    @property
    def mode(self) -> str:
        """A ledger tells of no mode: the category's."""
        return self.category.mode


@dataclass(frozen=True, slots=True)
class Told:
    """A row with its names turned into codes and its instants read."""

    ticket: Mapping[str, Any]
    more: bool
    kind: str
    category: str
    community: str | None
    grid: str | None
    classified: bool
    due_at: datetime | None
    recorded_at: datetime
    moves: list[tuple[str, datetime, dict[str, Any]]]

    @property
    def extended_to(self) -> datetime | None:
        return next((data["until"] for action, _, data in self.moves if action == "extend"), None)


async def fetch(tx: Transaction, street_id: int, import_id: UUID, first: int, last: int) -> list[Any]:
    """Return the rows of an import from line `first` to `last`."""
    return list(await tx.raw.fetch(_ROWS, street_id, import_id, first, last))


def read(rows: Iterable[Any], names: Names) -> list[Told]:
    """Return rows with everything found in the registry, or made."""
    return [_read(row, names) for row in rows]


def _read(row: Any, names: Names) -> Told:
    course = row["course"]
    due_at, grid = course["due_at"], course["grid"]
    return Told(
        ticket={"id": row["ticket_id"], **{name: row[name] for name in _OF_THE_TICKET}},
        more=course.get("more", False),
        kind=course["kind"] or "",
        category=names.category(course["category"]),
        community=names.community(course["community"], grid),
        grid=grid,
        classified=course["category"] is not None,
        due_at=datetime.fromisoformat(due_at) if due_at is not None else None,
        recorded_at=datetime.fromisoformat(course["recorded_at"]),
        moves=[
            (action, datetime.fromisoformat(at), _in_codes(data, names))
            for action, at, data in course["moves"]
        ],
    )


_OF_THE_TICKET = (
    "number",
    "channel",
    "occurred_at",
    "reporter_id",
    "phone_index",
    "entered_by",
    "entered_role",
)


def _in_codes(data: dict[str, Any], names: Names) -> dict[str, Any]:
    if "unit" in data:
        data["unit"] = names.unit(data["unit"])
    if "co_units" in data:
        data["co_units"] = [names.unit(unit) for unit in data["co_units"]]
    if "until" in data:
        data["until"] = datetime.fromisoformat(data["until"])
    return data


async def make(tx: Transaction, made: naming.Made, street_id: int) -> None:
    """Write registry entries that were made; what another process made meanwhile is left as it is."""
    for name, new in naming.rows(made, street_id).items():
        if new:
            table, columns = _TABLES[name], tuple(new[0])
            sql = f"{insert_sql(table, columns)} ON CONFLICT DO NOTHING"
            await tx.raw.executemany(sql, values(table, columns, new))


async def write_down(door: Door, registry: Registry, told: Sequence[Told]) -> None:
    """Play all rows through the door; nothing is written until the door is told to."""
    again = await door.lock({t.ticket["id"] for t in told if t.more})
    for one in told:
        standing = again.get(one.ticket["id"])
        try:
            _play(door, registry, one, standing)
        except Exception as error:
            door.forget(one.ticket["id"])
            log.exception("ledger_row_failed", ticket_id=str(one.ticket["id"]))
            await _fall_back(door, registry, one, error)


def _play(door: Door, registry: Registry, told: Told, standing: Standing | None) -> Standing:
    hold = _deadline(told, registry)
    if standing is not None and standing.state is not State.SUBMITTED:
        hold = _deadline_so_far(told, standing)
        standing.row["due_at"] = hold or standing.row["due_at"]
    for action, at, data in told.moves:
        recorded_at = max(told.recorded_at, at)
        if action == REGISTER:
            standing = door.enrol(
                told.ticket, _decided(told, registry), _actor(told), at, data, recorded_at=recorded_at, due_at=hold
            )  # fmt: skip
            continue
        if standing is None:
            raise LookupError("a row that tells more of a ticket which is not there")
        if action == "decide_extension":
            hold = data["until"]
        if action in _OF_A_UNIT and "unit" in data:
            standing.row["lead_unit"] = data["unit"]
        actor = _actor(told, _acting_unit(action, data, standing))
        door.tell(standing, action, actor, at, data, recorded_at=recorded_at, due_at=hold)
    if standing is None:
        raise LookupError("a row without moves")
    return standing


def _acting_unit(action: str, data: Mapping[str, Any], standing: Standing) -> str | None:
    if action in _BY_THE_LEAD:
        lead: str | None = standing.row["lead_unit"]
        return lead
    return data["unit"] if action == "finish_part" else None


def _actor(told: Told, unit: str | None = None) -> Actor:
    """Return who stands in the history: whoever brought the ledger in, for the unit that it says acted."""
    ticket = told.ticket
    return Actor(ticket["entered_by"], Role(ticket["entered_role"]), frozenset(), unit)


def _decided(told: Told, registry: Registry) -> _Decided:
    category = registry.category(told.category)
    why = [_WHY] if told.classified else [_WHY, _NO_CATEGORY]
    if told.due_at is None:
        limit = parse_limit(category.limits.resolve).text
        why.append(_ASSUMED_DUE.format(name=category.name, limit=limit))
    return _Decided(told.kind, category, told.community, told.grid, why)


def _deadline(told: Told, registry: Registry) -> datetime | None:
    """Return the deadline that is in force from the start: the one told, or one that a told extension can follow.

    None: the category's limit decides, as for any other ticket.
    """
    if told.due_at is not None or told.extended_to is None:
        return told.due_at
    limit = parse_limit(registry.category(told.category).limits.resolve)
    computed = registry.calendar.due(told.ticket["occurred_at"], limit).at
    asked = next(at for action, at, _ in told.moves if action == "extend")
    return max(asked, min(computed, told.extended_to - _A_DAY))


def _deadline_so_far(told: Told, standing: Standing) -> datetime | None:
    """Return the deadline that a ticket has had until now, if it is not to go on following from the limits.

    A person's word stays; a limit gives way where it would leave no room for the extension that is told now.
    """
    due_at: datetime = standing.row["due_at"]
    until = told.extended_to
    if standing.row["clock_from"] is None:
        return due_at
    if until is None or due_at < until:
        return None
    asked = next(at for action, at, _ in told.moves if action == "extend")
    return max(asked, until - _A_DAY)


async def _fall_back(door: Door, registry: Registry, told: Told, error: Exception) -> None:
    """Leave a ticket whose row cannot be written where somebody sees it."""
    why = error.detail if isinstance(error, Problem) else "系统出错"
    ticket, actor = told.ticket, _actor(told)
    if told.more:
        standing = (await door.lock([ticket["id"]])).get(ticket["id"])
        if standing is None:
            return
        at = max(told.recorded_at, standing.row["moved_at"])
    else:
        at = ticket["occurred_at"]
        recorded = max(told.recorded_at, at)
        standing = door.enrol(
            ticket, _decided(told, registry), actor, at, {"imported": True}, recorded_at=recorded, due_at=None
        )
        door.tell(standing, "accept", actor, at, {}, recorded_at=recorded, due_at=None)
    reason = f"台账中的经过没有能够录入,请人工核对:{why}"
    door.tell(
        standing, "comment", actor, at, {"reason": reason}, recorded_at=max(told.recorded_at, at), due_at=None
    )
