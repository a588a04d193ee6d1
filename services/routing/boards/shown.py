"""Rows of the boards as people see them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.routing import view
from services.routing.boards.gaps import Gap
from services.routing.boards.load import Hand, Team
from services.routing.registry import Registry
from shared import clock
from shared.lifecycle import State
from shared.terms import ListLevel

_AS_IT_IS = (
    "number",
    "state",
    "owner_unit",
    "lead_unit",
    "due_at",
    "mode",
    "level",
    "list_level",
    "supervised",
    "version",
)


def item(row: Any, registry: Registry, street: str, now: datetime, *, names: bool) -> dict[str, Any]:
    """Return WorkItem's fields; `names`: whether the caller is told the names of the staff."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    texts = view.texts(fields)
    responsible = registry.responsible_for(row.grid_code, clock.local_day(now)) if row.grid_code else None
    return {
        **{name: fields[name] for name in _AS_IT_IS},
        "id": str(row.ticket_id),
        "street": street,
        "title": row.content[: view.TITLE],
        "state_text": texts["state_text"],
        "mode_text": texts["mode_text"],
        "level_text": texts["level_text"],
        "list_level_text": ListLevel(row.list_level).text if row.list_level else None,
        "category": row.category_code,
        "category_name": view.category_name(registry, row.category_code),
        "community": row.community_code,
        "community_name": registry.communities.get(row.community_code),
        "grid": row.grid_code,
        "grid_worker": responsible.name if names and responsible is not None else None,
        "owner_unit_name": view.unit_name(registry, row.owner_unit),
        "lead_unit_name": view.unit_name(registry, row.lead_unit),
        "assignee": str(row.assignee_id) if row.assignee_id is not None else None,
        "assignee_name": person_name(registry, row.assignee_id) if names else None,
        "deadline_text": view.deadline_text(fields, now),
        "seconds_left": int((row.due_at - now).total_seconds()),
        "overdue": view.overdue(fields, now),
    }


def person_name(registry: Registry, person: UUID | None) -> str | None:
    """Return somebody's name; None for nobody, and for whoever is not on the street's list."""
    known = registry.people.get(person) if person is not None else None
    return known.name if known is not None else None


_COUNTED = ("open", "overdue", "due_soon", "supervised")


def board_row(row: Any, registry: Registry, street: str) -> dict[str, Any]:
    """Return BoardRow's fields."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    community, category = fields.get("community_code"), fields.get("category_code")
    return {
        **{name: fields[name] for name in (*_COUNTED, "earliest_due_at")},
        "street": street,
        "owner_unit": row.owner_unit,
        "owner_unit_name": view.unit_name(registry, row.owner_unit),
        "state": row.state,
        "state_text": State(row.state).text,
        "community": community,
        "community_name": registry.communities.get(community) if community else None,
        "category": category,
        "category_name": view.category_name(registry, category) if category else None,
    }


def total(rows: Iterable[Any]) -> dict[str, Any]:
    """Return the sums of all rows of a board."""
    found = list(rows)
    sums = {name: sum(row._mapping[name] for row in found) for name in _COUNTED}  # noqa: SLF001 - a public name
    return {**sums, "earliest_due_at": min((row.earliest_due_at for row in found), default=None)}


def team(known: Team, registry: Registry, street: str) -> dict[str, Any]:
    """Return UnitLoad's fields; who has most comes first."""
    people = sorted(known.people.items(), key=lambda p: (-p[1].open, str(p[0] or "")))
    return {
        **_load(known.whole),
        "street": street,
        "unit": known.unit,
        "unit_name": view.unit_name(registry, known.unit),
        "people": [
            {
                **_load(hand),
                "person": str(person) if person is not None else None,
                "name": person_name(registry, person),
            }
            for person, hand in people
        ],
    }


def _load(hand: Hand) -> dict[str, int]:
    return {
        "open": hand.open,
        "overdue": hand.overdue,
        "due_soon": hand.due_soon,
        "done_this_week": hand.done,
    }


def gap_key(row: Any) -> tuple[Any, ...]:
    """Return what gaps are sorted by: the deadline, or where there is none yet the receipt."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    placed = "due_at" in fields
    return (row.due_at.isoformat(), row.ticket_id) if placed else (row.recorded_at.isoformat(), row.id)


def gap(
    row: Any,
    found: Gap,
    moved: Mapping[UUID, datetime | None],
    registry: Registry,
    street: str,
    now: datetime,
) -> dict[str, Any]:
    """Return GapItem's fields."""
    fields = row._mapping  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    placed = "due_at" in fields
    since = (moved.get(row.ticket_id) or row.received_at) if placed else row.recorded_at
    return {
        "id": str(row.ticket_id if placed else row.id),
        "number": row.number,
        "street": street,
        "title": row.content[: view.TITLE],
        "gap": found.value,
        "gap_text": found.text,
        "state": fields.get("state"),
        "state_text": State(row.state).text if placed else None,
        "owner_unit": fields.get("owner_unit"),
        "owner_unit_name": view.unit_name(registry, fields.get("owner_unit")),
        "due_at": fields.get("due_at"),
        "since": since,
        "since_text": f"{clock.duration_text(int((now - since).total_seconds()))}未有人办理",
    }
