"""A ticket as it is held while it is being moved: the row, its parts, how an actor stands to it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.routing.registry import Registry
from shared.auth import Actor
from shared.lifecycle import Relation, Situation, State
from shared.terms import Channel


@dataclass(slots=True)
class Part:
    """A share of the work with its own task, deadline and result; a unit may hold several."""

    part: int
    unit_code: str
    kind: str
    asked_at: datetime
    task: str | None = None
    crew: str | None = None
    due_at: datetime | None = None
    whistle: int | None = None
    report_due_at: datetime | None = None
    reported_at: datetime | None = None
    reported_from: dict[str, Any] | None = None
    finished_at: datetime | None = None
    released: bool = False
    result: str | None = None
    rated_by_lead: int | None = None
    rated_by_unit: int | None = None

    @property
    def open(self) -> bool:
        """Whether it is waited for: of a whistle without a task of its own, coming is all that was asked."""
        came = self.kind == "whistle" and self.task is None and self.reported_at is not None
        return self.finished_at is None and not came

    @property
    def state(self) -> str:
        """open, done or released."""
        if self.released:
            return "released"
        return "open" if self.open else "done"


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something earlier that waits for what is to come: a whistle, a slip or a matter passed on, by its number."""

    number: int
    kind: str
    unit: str | None = None
    closed: frozenset[str] = frozenset()
    """The steps that can be taken once and have been."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a ticket has of each kind; read only where an action asks for it."""

    whistles: tuple[Waiting, ...] = ()
    slips: tuple[Waiting, ...] = ()
    forwards: tuple[Waiting, ...] = ()


@dataclass(slots=True)
class Standing:
    """`row` holds the columns of ticket_states; `changed_parts` what must be written of the parts.

    `records`: lines for other tables (by name); `handed_up`: the units that owe an answer to a slip; `known`: what
    is read for an action that goes back to something earlier.
    """

    row: dict[str, Any]
    parts: dict[int, Part] = field(default_factory=dict)
    reporter_id: UUID | None = None
    new: bool = False
    changed_parts: set[int] = field(default_factory=set)
    slips: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    content: str = ""
    # whether the house has a telephone number to reach the reporter by
    reachable: bool = False
    handed_up: frozenset[str] = frozenset()
    known: Earlier = field(default_factory=Earlier)
    records: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def helpers(self) -> set[str]:
        """The units that have, or had, a part."""
        return {part.unit_code for part in self.parts.values()}

    @property
    def state(self) -> State:
        return State(self.row["state"])

    def situation(self, reopen_window_days: int, max_extensions: int) -> Situation:
        """Return what the lifecycle must know to judge a move."""
        r = self.row
        return Situation(
            state=self.state, moved_at=r["moved_at"], closed_at=r["closed_at"], return_until=r["return_until"],
            due_at=r["due_at"], open_parts=sum(p.open for p in self.parts.values()),
            extension_pending=r["extension_until"] is not None, reopen_window_days=reopen_window_days,
            extensions=r["extension_count"], max_extensions=max_extensions, disputed=r["disputed"], designated=r["designated"],
            key_listed=r["key_since"] is not None,
            promised=r["channel"] == Channel.COMMITMENT,
        )  # fmt: skip

    def relations(self, actor: Actor, registry: Registry) -> set[Relation]:
        """Return how `actor` stands to this ticket."""
        held = set()
        if self.reporter_id is not None and actor.id == self.reporter_id:
            held.add(Relation.REPORTER)
        if actor.unit is not None and actor.unit == self.row["about_unit"]:
            return held  # nobody handles or checks what is said of their own unit
        if actor.unit is None or (actor.unit != self.row["lead_unit"] and actor.unit not in self.helpers):
            held.add(Relation.NOT_LEAD)
        if actor.unit is not None:
            if actor.unit == self.row["lead_unit"]:
                held.add(Relation.LEAD)
            if actor.unit in self.helpers:
                held.add(Relation.PART)
            if actor.unit in self.handed_up:
                held.add(Relation.RECEIVER)
            unit = registry.units.get(actor.unit)
            if unit and unit.community_code and unit.community_code == self.row["community_code"]:
                held.add(Relation.AREA)
        return held


@dataclass(frozen=True, slots=True)
class Change:
    """One legal move about to take effect."""

    standing: Standing
    registry: Registry
    actor: Actor
    at: datetime
    data: dict[str, Any]

    @property
    def row(self) -> dict[str, Any]:
        return self.standing.row

    @property
    def seq(self) -> int:
        """The number this move will have in the history."""
        number: int = self.row["version"] + 1
        return number

    def record(self, table: str, **fields: Any) -> None:
        """Keep a line of this move for another table."""
        of = {"street_id": self.row["street_id"], "ticket_id": self.row["ticket_id"], "seq": self.seq}
        self.standing.records.append((table, of | fields))
