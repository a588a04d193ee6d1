"""A standing as people see it."""

from datetime import datetime
from typing import Any

from services.routing.closing.demands import barred
from services.routing.held import Standing
from services.routing.oversight import policy_on
from services.routing.registry import Registry
from services.routing.rules.vocabulary import Tag
from services.routing.timing import policy_of
from shared import clock
from shared.auth import Actor
from shared.lifecycle import FINAL, Relation, State, action_text, actions
from shared.streets import Street
from shared.terms import (
    CallbackMode,
    CallbackResult,
    Channel,
    Kind,
    Level,
    ListLevel,
    Mode,
    Outcome,
    Role,
    SpecialClosure,
    SupervisionLevel,
    Term,
)

TITLE = 30
NOT_TOLD = "未注明"  # a ledger need not say of what kind a request was


def deadline_text(row: Any, now: datetime) -> str | None:
    """Return the countdown of an open ticket, or None."""
    if State(row["state"]) in FINAL or row["due_at"] is None:
        return None
    if row["suspended_at"] is not None:
        return "挂账中,时限暂停"
    return clock.remaining_text(row["due_at"], now)


def overdue(row: Any, now: datetime) -> bool:
    """Return whether an open ticket's deadline has passed (a suspended one's stands still)."""
    return State(row["state"]) not in FINAL and row["suspended_at"] is None and row["due_at"] < now


def ticket(
    standing: Standing, registry: Registry, street: Street, actor: Actor, window: int
) -> dict[str, Any]:
    """Return TicketOut's fields for this actor."""
    row, now = standing.row, clock.now()
    relations: set[Relation] = standing.relations(actor, registry)
    return {
        **{name: row[name] for name in _AS_IT_IS},
        "id": str(row["ticket_id"]),
        "street": street.code,
        "category": row["category_code"],
        "category_name": category_name(registry, row["category_code"]),
        "community": row["community_code"],
        "community_name": registry.communities.get(row["community_code"]),
        "grid": row["grid_code"],
        "owner_unit_name": unit_name(registry, row["owner_unit"]),
        "lead_unit_name": unit_name(registry, row["lead_unit"]),
        "about_unit_name": unit_name(registry, row["about_unit"]),
        "responsible_unit_name": unit_name(registry, row["responsible_unit"]),
        "assignee": str(row["assignee_id"]) if row["assignee_id"] is not None else None,
        "list_level_text": ListLevel(row["list_level"]).text if row["list_level"] else None,
        "tags_text": [Tag(tag).text for tag in row["tags"]],
        **texts(row),
        **supervision(row, registry, now),
        "outcome_text": Outcome(row["outcome"]).text if row["outcome"] else None,
        **{f"{name}_text": _of_closing(name, row) for name in _CLOSING},
        "deadline_text": deadline_text(row, now),
        "overdue": overdue(row, now),
        "actions": [
            action
            for action in actions(
                standing.situation(window, policy_of(row, registry).max_extensions),
                actor.role,
                relations,
                max(now, row["moved_at"]),
            )
            if barred(action, standing, actor) is None
        ],
    }


_CLOSING: dict[str, type[Term]] = {
    "callback_mode": CallbackMode,
    "callback_result": CallbackResult,
    "closure_asked": SpecialClosure,
}


def _of_closing(name: str, row: Any) -> str | None:
    return _CLOSING[name](row[name]).text if row[name] else None


_AS_IT_IS = (
    "number", "state", "version", "channel", "kind", "mode", "level", "owner_unit", "lead_unit", "received_at",
    "sign_due_at", "contact_due_at", "due_at", "due_provisional", "extension_until", "accepted_at",
    "dispatched_at", "signed_at", "contacted_at", "handled_at", "closed_at", "supervised", "outcome",
    "return_count", "urge_count", "about_unit", "responsible_unit", "tags", "list_level", "failed_dispatches", "disputed",
    "designated", "why", "due_why", "first_due_at", "feedback_due_at", "paused_seconds", "extension_count",
    "catalogue_version", "key_since", "callback_mode", "callback_result", "confirm_until", "closure_asked", "answered_at",
)  # fmt: skip
_VOCABULARIES: dict[str, type[Term]] = {
    "state": State,
    "channel": Channel,
    "kind": Kind,
    "mode": Mode,
    "level": Level,
}


def texts(row: Any) -> dict[str, str]:
    """Return the Chinese twin of each enum of a row."""
    return {
        f"{name}_text": vocabulary(row[name]).text if row[name] else NOT_TOLD
        for name, vocabulary in _VOCABULARIES.items()
    }


def unit_name(registry: Registry, code: str | None) -> str | None:
    """Return a unit's name for its code."""
    return registry.units[code].name if code is not None and code in registry.units else None


def category_name(registry: Registry, code: str) -> str:
    """Return a category's name for its code; the code itself where it was imported only a moment ago."""
    known = registry.categories.get(code)
    return known.name if known is not None else code


def supervision(row: Any, registry: Registry, now: datetime) -> dict[str, str | None]:
    """Return the level a ticket has reached and its colour."""
    level = row["supervision_level"]
    colour = policy_on(registry, now).colour(level)
    return {
        "supervision_level": level, "supervision_level_text": SupervisionLevel(level).text if level else None,
        "supervision_colour": colour.code, "supervision_colour_text": colour.name,
    }  # fmt: skip


def move(row: Any, registry: Registry) -> dict[str, Any]:
    """Return one line of a ticket's history."""
    return {
        "seq": row.seq,
        "action": row.action,
        "action_text": action_text(row.action),
        "from_state": row.from_state,
        "to_state": row.to_state,
        "to_state_text": State(row.to_state).text,
        "actor_role": row.actor_role,
        "actor_role_text": Role(row.actor_role).text,
        "unit": unit_name(registry, row.actor_unit),
        "reason": row.reason,
        "data": row.data,
        "occurred_at": row.occurred_at,
        "recorded_at": row.recorded_at,
        "late": row.late,
    }
