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
    """Another unit's share."""

    unit_code: str
    kind: str
    asked_at: datetime
    report_due_at: datetime | None = None
    reported_at: datetime | None = None
    finished_at: datetime | None = None
    result: str | None = None

    @property
    def open(self) -> bool:
        return self.finished_at is None and (self.kind == "assist" or self.reported_at is None)


@dataclass(slots=True)
class Standing:
    """`row` holds the columns of ticket_states; `changed_parts` what must be written of the parts."""

    row: dict[str, Any]
    parts: dict[str, Part] = field(default_factory=dict)
    reporter_id: UUID | None = None
    new: bool = False
    changed_parts: set[str] = field(default_factory=set)
    slips: list[dict[str, Any]] = field(default_factory=list)
    orders: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)
    content: str = ""

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
        if actor.unit is None or actor.unit != self.row["lead_unit"]:
            held.add(Relation.NOT_LEAD)
        if actor.unit is not None:
            if actor.unit == self.row["lead_unit"]:
                held.add(Relation.LEAD)
            if actor.unit in self.parts:
                held.add(Relation.PART)
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
