"""What each move does to a ticket: its state, its hands, its clocks.

Pure: no database. `services/routing/transitions.py` loads a Standing under a lock, moves it and writes it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from services.routing import handover
from services.routing.assign import accept_by
from services.routing.deadlines import due_dates
from services.routing.hands import clear_of
from services.routing.held import Change, Standing
from services.routing.registry import Category, Registry
from shared.calendar import Deadline, parse_limit
from shared.lifecycle import FIXED_OUTCOME, QUIET, State
from shared.terms import Level, Mode, Outcome

RETURN_LIMIT, RETURN_LIMIT_JOINT = parse_limit("1wd"), parse_limit("2wd")
ABOVE = {"grid": Level.COMMUNITY, "community": Level.STREET, "street": Level.DISTRICT}


class Decided(Protocol):
    """What has been decided, or told, of a ticket that is taken over."""

    @property
    def kind(self) -> str: ...
    @property
    def category(self) -> Category: ...
    @property
    def community_code(self) -> str | None: ...
    @property
    def grid_code(self) -> str | None: ...
    @property
    def why(self) -> list[str]: ...


def registered(ticket: Any, plan: Decided, registry: Registry, moment: datetime) -> Standing:
    """Return the standing of a ticket routing has just taken over: with the desk, to be accepted by tomorrow."""
    due = accept_by(ticket["occurred_at"], registry)
    row: dict[str, Any] = {
        "street_id": registry.street_id, "ticket_id": ticket["id"], "number": ticket["number"],
        "state": State.SUBMITTED.value, "version": 0, "channel": ticket["channel"], "kind": plan.kind,
        "category_code": plan.category.code, "community_code": plan.community_code, "grid_code": plan.grid_code,
        "mode": plan.category.mode, "level": plan.category.level, "owner_unit": registry.desk.code, "due_at": due.at,
        "lead_unit": None, "sign_due_at": None, "contact_due_at": None, "return_until": None, "extension_until": None,
        "due_provisional": due.provisional,
        "clock_from": ticket["occurred_at"], "resolve_limit": plan.category.limits.resolve,
        "received_at": ticket["occurred_at"], "moved_at": moment, "accepted_at": None, "dispatched_at": None,
        "signed_at": None, "contacted_at": None, "handled_at": None, "closed_at": None, "suspended_at": None,
        "overdue_at": None, "outcome": None, "merged_into": None, "supervised": False, "return_count": 0,
        "urge_count": 0, "about_unit": None, "tags": [], "failed_dispatches": 0, "disputed": False,
        "designated": False, "responsible_unit": None, "assignee_id": None, "list_level": None,
        "why": plan.why,
    }  # fmt: skip
    return Standing(row, reporter_id=ticket["reporter_id"], new=True, content=ticket.get("content") or "")


def apply(action: str, to: State, change: Change) -> None:
    """Let a legal move take effect on the standing."""
    effect = EFFECTS.get(action)
    if effect is not None:
        effect(change)
    change.row["state"] = to.value
    if action not in QUIET:
        change.row["moved_at"] = change.at


def _accept(c: Change) -> None:
    row, data = c.row, c.data
    if data.get("category"):
        _recategorise(c, data["category"])
    if data.get("kind"):
        row["kind"] = data["kind"]
    handover.set_about(c)
    row["accepted_at"] = row["accepted_at"] or c.at
    row["owner_unit"] = c.registry.desk.code
    _start_clocks(c, row["received_at"])


def _recategorise(c: Change, code: str) -> None:
    category = c.registry.category(code)
    c.row.update(
        category_code=category.code,
        mode=c.data.get("mode") or category.mode,
        level=c.data.get("level") or category.level,
        resolve_limit=category.limits.resolve,
    )


def _start_clocks(c: Change, since: datetime) -> None:
    """Set the three clocks of the ticket's category, counted from `since`."""
    sign, contact, resolve = due_dates(
        c.registry.category(c.row["category_code"]).limits, since, c.registry.calendar
    )
    c.row.update(
        sign_due_at=sign.at, contact_due_at=contact.at, due_at=resolve.at,
        due_provisional=sign.provisional or contact.provisional or resolve.provisional,
        clock_from=since, overdue_at=None,
    )  # fmt: skip


def _dispatch(c: Change) -> None:
    if c.data.get("category"):
        _recategorise(c, c.data["category"])
        _start_clocks(c, c.row["received_at"])
    handover.set_about(c)
    unit = c.registry.unit(c.data["unit"])
    _hand_to(c, unit.code)
    c.row["disputed"] = False
    c.row["dispatched_at"] = c.row["dispatched_at"] or c.at


def _designate(c: Change) -> None:
    _dispatch(c)
    c.row["designated"] = True


def _hand_to(c: Change, unit_code: str) -> None:
    """Give the ticket to a unit: its signing and returning clocks begin, the handling clock runs on."""
    category = c.registry.category(c.row["category_code"])
    limit = RETURN_LIMIT_JOINT if c.row["mode"] == Mode.JOINT else RETURN_LIMIT
    c.row.update(
        owner_unit=unit_code,
        lead_unit=unit_code,
        sign_due_at=c.registry.calendar.due(c.at, parse_limit(category.limits.sign)).at,
        return_until=c.registry.calendar.due(c.at, limit).at,
        signed_at=None, designated=False, assignee_id=None,
    )  # fmt: skip
    handover.end_part(c, unit_code, "转为主办")


def _contact(c: Change) -> None:
    c.row["contacted_at"] = c.row["contacted_at"] or c.at


def _handle(c: Change) -> None:
    c.row.update(
        handled_at=c.at, outcome=c.data.get("outcome") or c.row["outcome"], owner_unit=c.registry.desk.code,
        extension_until=None,
    )  # fmt: skip


def _suspend(c: Change) -> None:
    c.row["suspended_at"] = c.at


def _resume(c: Change) -> None:
    row = c.row
    limit = parse_limit(row["resolve_limit"])
    due = c.registry.calendar.resume(row["due_at"], limit, row["suspended_at"], c.at)
    row.update(
        due_at=due.at, due_provisional=due.provisional, clock_from=None, suspended_at=None, overdue_at=None
    )


def _escalate(c: Change) -> None:
    below = c.registry.units[c.row["lead_unit"]]
    above = clear_of(c.registry.above(below), c.row["about_unit"], c.registry)
    c.standing.slips.append({"from_unit": below.code, "to_unit": above.code})
    c.data.update(from_unit=below.code, to_unit=above.code)
    c.row["level"] = ABOVE.get(c.row["level"], Level.DISTRICT).value
    _hand_to(c, above.code)


def _back_to_lead(c: Change) -> None:
    c.row.update(owner_unit=c.row["lead_unit"], handled_at=None, outcome=None)


def _close(c: Change) -> None:
    c.row.update(
        closed_at=c.at,
        owner_unit=None,
        outcome=c.data.get("outcome") or c.row["outcome"] or Outcome.RESOLVED.value,
    )


def _close_fixed(action: str) -> Callable[[Change], None]:
    def close(c: Change) -> None:
        _close(c)
        c.row["outcome"] = FIXED_OUTCOME[action].value

    return close


def _end(c: Change) -> None:
    c.row["owner_unit"] = None


def _merge(c: Change) -> None:
    _end(c)
    # A ledger may know that it was merged and not into which.
    c.row["merged_into"] = c.data.pop("into_id", None)


def _unmerge(c: Change) -> None:
    c.row["merged_into"] = None
    _accept(c)


def _reopen(c: Change) -> None:
    """Give a reopened ticket back to who had it (or should have had it); its clock begins anew."""
    category = c.registry.category(c.row["category_code"])
    usual = c.registry.lead_of(category, c.row["community_code"])
    lead = c.row["lead_unit"] or clear_of(usual, c.row["about_unit"], c.registry).code
    c.row.update(lead_unit=lead, owner_unit=lead, closed_at=None, handled_at=None, outcome=None)
    _start_clocks(c, c.at)


def _extend(c: Change) -> None:
    c.row["extension_until"] = c.data["until"]


def _decide_extension(c: Change) -> None:
    # A pause in between may have moved the deadline beyond what was asked for.
    if c.data["approve"] and c.row["extension_until"] > c.row["due_at"]:
        c.row.update(due_at=c.row["extension_until"], due_provisional=False, clock_from=None, overdue_at=None)
    c.data["until"] = c.row["extension_until"]
    c.row["extension_until"] = None


def _urge(c: Change) -> None:
    c.row["urge_count"] += 1


def _supervise(c: Change) -> None:
    c.row["supervised"] = True


def due_anew(row: Mapping[str, Any], registry: Registry) -> Deadline | None:
    """Return the deadline by the calendar as it is now, or None where the calendar does not decide it."""
    if row["clock_from"] is None or row["suspended_at"] is not None:
        return None
    if row["state"] == State.SUBMITTED.value:
        return accept_by(row["received_at"], registry)
    return registry.calendar.due(row["clock_from"], parse_limit(row["resolve_limit"]))


def _recalculate(c: Change) -> None:
    due = due_anew(c.row, c.registry)
    if due is not None:
        c.data["before"] = c.row["due_at"]
        c.row.update(due_at=due.at, due_provisional=due.provisional, overdue_at=None)


def _mark_overdue(c: Change) -> None:
    c.row["overdue_at"] = c.row["due_at"]


EFFECTS: dict[str, Callable[[Change], None]] = {
    "accept": _accept, "reject": _end, "merge": _merge, "redirect": _end, "withdraw": _end, "dispatch": _dispatch, "designate": _designate, "assign": handover.assign, "relist": handover.relist,
    "close_directly": _close, "sign": handover.sign, "return": handover.returned, "recall": handover.back_to_desk, "contact": _contact,
    "handle": _handle, "suspend": _suspend, "resume": _resume, "escalate": _escalate, "review_fail": _back_to_lead,
    "close": _close, "rework": _back_to_lead, "close_after_review": _close,
    "close_deferred": _close_fixed("close_deferred"), "close_transferred": _close_fixed("close_transferred"),
    "reopen": _reopen, "unmerge": _unmerge, "whistle": handover.whistle, "report_in": handover.report_in, "assist": handover.assist,
    "finish_part": handover.finish_part, "extend": _extend, "decide_extension": _decide_extension, "urge": _urge,
    "supervise": _supervise, "mark_overdue": _mark_overdue, "recalculate": _recalculate,
}  # fmt: skip
