"""The clocks of a ticket's row: by which policy they run, when they run out, and what a new calendar changes. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.routing.assign import accept_by
from services.routing.deadlines import explain
from services.routing.policy import ClockPolicy
from services.routing.registry import Registry
from shared.calendar import Deadline, parse_limit
from shared.lifecycle import State
from shared.terms import Mode

_BEFORE_CONTACT = frozenset({State.ACCEPTED, State.DISPATCHED, State.SIGNED})


def policy_of(row: Mapping[str, Any], registry: Registry) -> ClockPolicy:
    """Return the policy a ticket was clocked under."""
    return registry.clockwork.version(row["clock_policy"])


def due_by(row: Mapping[str, Any], since: datetime, limit: str, registry: Registry) -> Deadline:
    """Return when a limit begun at `since` runs out, counted as the ticket's policy says."""
    policy = policy_of(row, registry)
    return registry.calendar.due(
        since, parse_limit(limit), count_from=policy.count_from, after_hours=policy.after_hours
    )


def sign_limit(row: Mapping[str, Any], registry: Registry) -> str:
    """Return the limit for signing the ticket was clocked under; of one from before these were kept, the category's."""
    kept: str | None = row["sign_limit"]
    return kept or registry.category(row["category_code"]).limits.sign


def return_until(row: Mapping[str, Any], registry: Registry) -> datetime:
    """Return until when the unit that has it now may send it back."""
    policy = policy_of(row, registry)
    limit = policy.return_joint_within if row["mode"] == Mode.JOINT else policy.return_within
    return due_by(row, row["handed_at"], str(limit), registry).at


def handling_text(row: Mapping[str, Any], registry: Registry) -> str:
    """Return the sentence that explains the handling deadline of a clock that nothing has moved yet."""
    policy, limit = policy_of(row, registry), parse_limit(row["resolve_limit"])
    due = Deadline(row["due_at"], row["due_provisional"])
    return explain(
        "办理", limit, row["clock_from"], due, registry.calendar,
        count_from=policy.count_from, after_hours=policy.after_hours,
    )  # fmt: skip


def anew(row: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """Return the deadlines that the calendar as it is now would set otherwise; what a person or a pause set stays."""
    found: dict[str, Any] = {}
    if row["clock_from"] is not None and row["suspended_at"] is None:
        if row["state"] == State.SUBMITTED.value:
            due = accept_by(row["received_at"], registry)
        else:
            due = due_by(row, row["clock_from"], row["resolve_limit"], registry)
        found.update(due_at=due.at, due_provisional=due.provisional)
    if row["state"] == State.DISPATCHED.value and row["handed_at"] and row["sign_limit"]:
        found["sign_due_at"] = due_by(row, row["handed_at"], row["sign_limit"], registry).at
        found["return_until"] = return_until(row, registry)
    uncontacted = row["state"] in _BEFORE_CONTACT and row["contacted_at"] is None
    if uncontacted and row["contact_limit"] and row["contact_due_at"] and row["clock_from"]:
        found["contact_due_at"] = due_by(row, row["clock_from"], row["contact_limit"], registry).at
    if row["feedback_due_at"] is not None and row["handled_at"] is not None:
        feedback = str(policy_of(row, registry).feedback)
        found["feedback_due_at"] = due_by(row, row["handled_at"], feedback, registry).at
    return {name: value for name, value in found.items() if value != row[name]}
