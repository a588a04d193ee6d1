"""Lists and undertakings as people see them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from services.routing.commitments.days import months_between
from services.routing.commitments.tally import Tally, display, value
from services.routing.commitments.vocabulary import OwnerKind, RecordKind, UndertakingKind
from services.routing.commitments.works import Milestone
from services.routing.registry import Registry
from services.routing.view import TITLE, overdue, unit_name
from shared import clock
from shared.lifecycle import State
from shared.terms import ListLevel, Outcome

Fields = dict[str, Any]
_OF_A_LIST = (
    "code", "title", "level", "year", "last_year", "major", "owner_kind", "owner_name", "owner_unit", "place", "households",
    "promised_on", "published_on", "recorded_at", "closed_at", "closing_note",
)  # fmt: skip
_OF_A_PLAN = (
    "kind", "code", "title", "planned_start", "planned_end", "steps", "responsible", "responsible_unit", "task_force", "liaison",
    "sponsor", "partner", "investment", "budget", "budget_source", "beneficiaries", "trades", "first_reported", "completed",
)  # fmt: skip
_OF_A_TICKET = ("number", "state", "received_at", "due_at", "closed_at", "outcome", "merged")


def checklist(row: Any, tally: Tally, registry: Registry) -> Fields:
    """Return ChecklistOut's fields."""
    return {
        **{name: getattr(row, name) for name in _OF_A_LIST},
        "level_text": ListLevel(row.level).text,
        "owner_kind_text": OwnerKind(row.owner_kind).text,
        "owner_unit_name": unit_name(registry, row.owner_unit),
        "tally": tally.shown(),
    }


def kept(tally: Tally) -> Fields:
    """Return KeptOut's fields: what was promised, put up in public, and done."""
    return {
        "promised": tally.items, "published": tally.published, "kept": tally.closed, "kept_on_time": tally.on_time,
        "value": value(tally.closed, tally.items), "display": display(tally.closed, tally.items),
    }  # fmt: skip


def section(by_level: Mapping[str, Tally], lists: tuple[int, int]) -> Fields:
    """Return a Section's fields."""
    whole = sum(by_level.values(), Tally())
    return {
        "lists": lists[0], "lists_closed": lists[1], "tally": whole.shown(), "kept": kept(whole),
        "by_level": {level: tally.shown() for level, tally in sorted(by_level.items())},
    }  # fmt: skip


def undertaking(row: Any, linked: Sequence[Mapping[str, Any]], registry: Registry) -> Fields:
    """Return UndertakingOut's fields; `linked` are its tickets, of which those in sight are shown."""
    now = clock.now()
    since = min([clock.local_day(t["received_at"]) for t in linked] + _first(row))
    done = _done(row, linked)
    ended = date.fromisoformat(done["last"]) if done else None
    return {
        **{name: getattr(row, name) for name in _OF_A_PLAN},
        "id": str(row.id),
        "checklist": row.checklist_code,
        "kind_text": UndertakingKind(row.kind).text,
        **{f"{n}_name": unit_name(registry, getattr(row, n)) for n in ("responsible_unit", "task_force", "partner")},
        "since": since,
        "age_days": ((ended or clock.local_day(now)) - since).days,
        "completed": done,
        "on_time": ended <= row.planned_end if ended else None,
        "on_plan": _on_plan(linked) if ended and row.kind == UndertakingKind.ITEM else None,
        "months": months_between(row.planned_start, ended) if ended and ended >= row.planned_start else None,
        "tickets": [_ticket(t, registry, now) for t in linked if t["in_sight"]],
    }  # fmt: skip


def _first(row: Any) -> list[date]:
    told = row.first_reported
    return [date.fromisoformat(told["first"])] if told else [clock.local_day(row.recorded_at)]


def _done(row: Any, linked: Sequence[Mapping[str, Any]]) -> dict[str, str] | None:
    """Return when it was done: an item when its ticket was closed, a project when somebody said so."""
    if row.kind == UndertakingKind.PROJECT:
        told: dict[str, str] | None = row.completed
        return told
    [one] = linked
    if one["state"] != State.CLOSED:
        return None
    day = clock.local_day(one["closed_at"]).isoformat()
    return {"said": day, "first": day, "last": day}


def _on_plan(linked: Sequence[Mapping[str, Any]]) -> bool:
    [one] = linked
    return bool(one["closed_at"] <= one["due_at"])


def _ticket(row: Mapping[str, Any], registry: Registry, now: datetime) -> Fields:
    return {
        **{name: row[name] for name in _OF_A_TICKET},
        "title": row["content"][:TITLE],
        "state_text": State(row["state"]).text,
        "unit": row["owner_unit"],
        "unit_name": unit_name(registry, row["owner_unit"]),
        "outcome_text": Outcome(row["outcome"]).text if row["outcome"] else None,
        "overdue": row["due_at"] is not None and overdue(row, now),
    }


def record(row: Any) -> Fields:
    """Return RecordOut's fields."""
    return {
        "id": str(row.id), "kind": row.kind, "kind_text": RecordKind(row.kind).text, "content": row.content,
        "on": days_of(row), "quantities": row.quantities, "parties": row.parties, "recorded_at": row.recorded_at,
    }  # fmt: skip


def days_of(row: Any) -> Fields:
    """Return the days a record tells of."""
    return {"said": row.said_on, "first": row.first_on, "last": row.last_on}


def milestones(works: Mapping[Any, Milestone]) -> list[Fields]:
    """Return MilestoneOut's fields of each stage."""
    return [
        {"stage": stage.value, "stage_text": stage.text, "planned_on": one.planned_on, "done_on": one.done_on}
        for stage, one in works.items()
    ]
