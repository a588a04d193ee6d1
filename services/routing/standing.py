"""What each move does to a ticket: its state, its hands, its clocks.

Pure: no database. `services/routing/transitions.py` loads a Standing under a lock, moves it and writes it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from services.routing import handover, oversight
from services.routing.assign import accept_by
from services.routing.closing import effects as closing
from services.routing.deadlines import moment_text
from services.routing.hands import clear_of
from services.routing.held import Change, Standing
from services.routing.joint import effects as joint, parts
from services.routing.registry import Category, Registry
from services.routing.timing import anew, due_by, handling_text, policy_of, return_until, sign_limit
from shared.calendar import Deadline, parse_limit
from shared.clock import duration_text
from shared.lifecycle import FIXED_OUTCOME, QUIET, State
from shared.terms import Channel, Level, Outcome, PauseReason

ABOVE = {"grid": Level.COMMUNITY, "community": Level.STREET, "street": Level.DISTRICT}


class Decided(Protocol):
    """What has been decided, or told, of a ticket that is taken over."""

    @property
    def kind(self) -> str: ...
    @property
    def category(self) -> Category: ...
    @property
    def mode(self) -> str: ...
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
        "category_code": plan.category.code, "catalogue_version": registry.catalogue_version, "community_code": plan.community_code, "grid_code": plan.grid_code,
        "mode": plan.mode, "level": plan.category.level, "owner_unit": registry.desk.code, "due_at": due.at,
        "lead_unit": None, "sign_due_at": None, "contact_due_at": None, "return_until": None, "extension_until": None,
        "due_provisional": due.provisional,
        "clock_from": ticket["occurred_at"], "sign_limit": plan.category.limits.sign,
        "contact_limit": plan.category.limits.contact, "resolve_limit": plan.category.limits.resolve,
        "clock_policy": None, "first_due_at": None, "handed_at": None, "feedback_due_at": None, "paused_seconds": 0,
        "extension_count": 0, "due_why": [],
        "received_at": ticket["occurred_at"], "moved_at": moment, "accepted_at": None, "dispatched_at": None,
        "signed_at": None, "contacted_at": None, "handled_at": None, "closed_at": None, "suspended_at": None,
        "overdue_at": None, "outcome": None, "merged_into": None, "supervised": False, "return_count": 0,
        "urge_count": 0, "about_unit": None, "tags": [], "failed_dispatches": 0, "disputed": False,
        "designated": False, "responsible_unit": None, "assignee_id": None, "list_level": None,
        "why": plan.why, "handler_ids": [], "reviewer_id": None, "callback_mode": None, "callback_result": None,
        "confirm_until": None, "closure_asked": None, "asked_by": None, "answered_at": None,
        "clock_run": 0, "run_started_at": None, "run_urges": 0, "ladder_step": 0, "supervision_level": None,
        "supervise_at": None, "key_since": None,
    }  # fmt: skip
    return Standing(
        row, reporter_id=ticket["reporter_id"], new=True, content=ticket.get("content") or "",
        reachable=ticket["phone_index"] is not None,
    )  # fmt: skip


def apply(action: str, to: State, change: Change) -> None:
    """Let a legal move take effect on the standing."""
    effect = EFFECTS.get(action)
    if effect is not None:
        effect(change)
    closing.note(action, change)
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
    )


def _start_clocks(c: Change, since: datetime) -> None:
    """Set the three clocks, counted from `since`, by the catalogue and the policy in force now."""
    row, policy = c.row, c.registry.policy_on(c.at)
    limits = policy.limits(c.registry.category(row["category_code"]).limits, row["kind"], row["mode"])
    row.update(
        sign_limit=limits.sign, contact_limit=limits.contact, resolve_limit=limits.resolve,
        clock_policy=policy.version or None, catalogue_version=c.registry.catalogue_version, due_why=[],
    )  # fmt: skip
    row.update(sign_due_at=_due(c, since, limits.sign).at, contact_due_at=_due(c, since, limits.contact).at)
    _start_handling(c, since)


def _start_handling(c: Change, since: datetime) -> None:
    """Start the handling clock alone, under the limits the ticket has; what was waited before heals nothing now."""
    due = _due(c, since, c.row["resolve_limit"])
    if _planned(c.row) and c.row["due_at"] > due.at:
        c.row["overdue_at"] = None
        _tell(c, f"仍按计划办理,办理时限{moment_text(c.row['due_at'])}")
        return
    c.row.update(due_at=due.at, due_provisional=due.provisional, clock_from=since, overdue_at=None)
    c.row["due_why"] = [*c.row["due_why"], handling_text(c.row, c.registry)]


def _planned(row: dict[str, Any]) -> bool:
    """Return whether a plan has set the deadline: a commitment's, which no limit has counted."""
    return row["channel"] == Channel.COMMITMENT and row["clock_from"] is None


def _due(c: Change, since: datetime, limit: str) -> Deadline:
    return due_by(c.row, since, limit, c.registry)


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
    c.row["handed_at"] = c.at
    c.row.update(
        owner_unit=unit_code,
        lead_unit=unit_code,
        first_due_at=c.row["first_due_at"] or c.row["due_at"],
        sign_due_at=_due(c, c.at, sign_limit(c.row, c.registry)).at,
        return_until=return_until(c.row, c.registry),
        signed_at=None, designated=False, assignee_id=None,
    )  # fmt: skip
    parts.end(c, unit_code, "转为主办")


def _contact(c: Change) -> None:
    c.row["contacted_at"] = c.row["contacted_at"] or c.at


def _handle(c: Change) -> None:
    c.row.update(
        handled_at=c.at, outcome=c.data.get("outcome") or c.row["outcome"], owner_unit=c.registry.desk.code,
        extension_until=None, feedback_due_at=_due(c, c.at, str(policy_of(c.row, c.registry).feedback)).at,
    )  # fmt: skip


def _suspend(c: Change) -> None:
    c.row["suspended_at"] = c.at
    named = c.data.get("reason_code")
    why = f"因{PauseReason(named).text}" if named else ""
    _tell(c, f"{moment_text(c.at)}{why}暂停计时")


def _tell(c: Change, sentence: str) -> None:
    c.row["due_why"] = [*c.row["due_why"], sentence]


def _resume(c: Change) -> None:
    row = c.row
    limit = parse_limit(row["resolve_limit"])
    due = c.registry.calendar.resume(row["due_at"], limit, row["suspended_at"], c.at)
    paused = int((c.at - row["suspended_at"]).total_seconds())
    moved = due.at != row["due_at"]
    row.update(
        due_at=due.at, due_provisional=due.provisional, clock_from=None, suspended_at=None, overdue_at=None,
        paused_seconds=row["paused_seconds"] + paused,
    )  # fmt: skip
    then = f"办理时限顺延至{moment_text(due.at)}" if moved else "办理时限不变"
    _tell(c, f"{moment_text(c.at)}恢复计时,暂停了{duration_text(paused)},{then}")


def _escalate(c: Change) -> None:
    below = c.registry.units[c.row["lead_unit"]]
    above = clear_of(c.registry.above(below), c.row["about_unit"], c.registry)
    c.standing.slips.append({"from_unit": below.code, "to_unit": above.code})
    c.standing.handed_up |= {above.code}
    c.data.update(from_unit=below.code, to_unit=above.code)
    c.row["level"] = ABOVE.get(c.row["level"], Level.DISTRICT).value
    _hand_to(c, above.code)


def _back_to_lead(c: Change) -> None:
    c.row.update(owner_unit=c.row["lead_unit"], handled_at=None, outcome=None, feedback_due_at=None)


def _rework(c: Change) -> None:
    """Send it back with a clock of its own; the first deadline is kept (domain 2.3: 重办开新钟但保留首次截止)."""
    _back_to_lead(c)
    _tell(c, f"{moment_text(c.at)}发回重办,重新计时")
    _start_handling(c, c.at)


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
    had = c.registry.units[c.row["lead_unit"]] if c.row["lead_unit"] is not None else usual
    lead = clear_of(c.registry.lasting(had), c.row["about_unit"], c.registry).code
    c.row.update(
        lead_unit=lead, owner_unit=lead, closed_at=None, handled_at=None, outcome=None, feedback_due_at=None
    )
    _start_clocks(c, c.at)
    c.row["first_due_at"] = c.row["first_due_at"] or c.row["due_at"]


def _extend(c: Change) -> None:
    c.row["extension_until"] = c.data["until"]


def _decide_extension(c: Change) -> None:
    # A pause in between may have moved the deadline beyond what was asked for.
    if c.data["approve"]:
        c.row["extension_count"] += 1
        if c.row["extension_until"] > c.row["due_at"]:
            c.row.update(
                due_at=c.row["extension_until"], due_provisional=False, clock_from=None, overdue_at=None
            )
        _tell(c, f"{moment_text(c.at)}经{c.actor.role.text}批准,办理时限延期至{moment_text(c.row['due_at'])}")
    c.data["until"] = c.row["extension_until"]
    c.row["extension_until"] = None


def _replan(c: Change) -> None:
    """Let the end of a commitment's plan be its deadline; the first plan is also the deadline it began with."""
    first = not _planned(c.row)
    c.data["before"] = None if first else c.row["due_at"]
    c.row.update(due_at=c.data["until"], due_provisional=False, clock_from=None, overdue_at=None)
    if first:
        c.row["first_due_at"] = c.row["due_at"]
    _tell(
        c, f"{moment_text(c.at)}{'列入计划' if first else '调整计划'},办理时限{moment_text(c.row['due_at'])}"
    )


def _recalculate(c: Change) -> None:
    changed = anew(c.row, c.registry)
    if "due_at" in changed:
        c.data["before"] = c.row["due_at"]
        c.row["overdue_at"] = None
    c.row.update(changed)
    if changed.keys() & {"due_at", "due_provisional"} and c.row["state"] != State.SUBMITTED.value:
        _tell(c, f"工作日历有更新,重新计算:{handling_text(c.row, c.registry)}")


def _mark_overdue(c: Change) -> None:
    c.row["overdue_at"] = c.row["due_at"]


EFFECTS: dict[str, Callable[[Change], None]] = {
    "accept": _accept, "reject": _end, "merge": _merge, "redirect": _end, "withdraw": _end, "dispatch": _dispatch, "designate": _designate, "assign": handover.assign, "relist": handover.relist,
    "close_directly": _close, "sign": handover.sign, "return": handover.returned, "recall": handover.back_to_desk, "contact": _contact,
    "handle": _handle, "suspend": _suspend, "resume": _resume, "escalate": _escalate, "review_fail": _back_to_lead,
    "close": _close, "rework": _rework, "close_after_review": _close,
    "close_deferred": _close_fixed("close_deferred"), "close_transferred": _close_fixed("close_transferred"),
    "reopen": _reopen, "unmerge": _unmerge, "extend": _extend, "decide_extension": _decide_extension, "urge": oversight.urge,
    "supervise": oversight.supervise, "mark_overdue": _mark_overdue, "recalculate": _recalculate, "replan": _replan,
    "reply_supervision": oversight.reply, "list_key": oversight.list_key, "unlist_key": oversight.unlist_key,
    **joint.EFFECTS,
}  # fmt: skip
