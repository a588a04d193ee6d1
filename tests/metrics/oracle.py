"""The figures once more, slowly: straight from the rows of `tickets` and `transitions`, ticket by ticket.

Nothing of services/metrics is used here; the formulas are the metrics contract (design section 8) as text.
A ticket is a dict of its row, a history a list of dicts in the order of their seq.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

EIGHT_HOURS = timedelta(hours=8)
ENDED = {"closed", "rejected", "merged", "withdrawn", "redirected"}
WITH_A_UNIT = {"dispatched", "signed", "handling", "suspended"}
# Words on a ticket: they change nothing, and what follows them may have happened before them.
REMARKS = {"comment", "urge", "supervise", "mark_overdue"}
DIMENSIONS = ("channel", "kind", "category", "community", "grid", "unit")


def shanghai_day(moment: datetime) -> date:
    """The local day (the property tests stay in years without summer time)."""
    return (moment.astimezone(UTC) + EIGHT_HOURS).date()


@dataclass(frozen=True)
class Stand:
    """How one ticket stands at an instant."""

    ticket: dict[str, Any]
    as_of: datetime
    state: str
    due_at: datetime | None
    closed_at: datetime | None
    states_seen: frozenset[str]
    actions_seen: frozenset[str]
    at_once: bool  # closed by close_directly, never with a unit before
    dimensions: dict[str, str]

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    @property
    def open(self) -> bool:
        return self.state not in ENDED

    @property
    def past_due(self) -> bool:
        return self.due_at is not None and self.due_at <= self.as_of

    @property
    def due(self) -> bool:
        """closed, or due_at <= as_of; what ended otherwise is owed to nobody."""
        return self.closed or (self.open and self.past_due)

    @property
    def on_time(self) -> bool:
        return self.closed and self.due_at is not None and self.closed_at <= self.due_at

    @property
    def suspended(self) -> bool:
        return self.state == "suspended"

    @property
    def matured(self) -> bool:
        return (self.closed or self.open) and self.past_due

    @property
    def dispatched(self) -> bool:
        return bool(self.states_seen & WITH_A_UNIT)

    @property
    def direct(self) -> bool:
        return self.closed and self.at_once


def stand(ticket: dict[str, Any], history: list[dict[str, Any]], as_of: datetime) -> Stand | None:
    """How a ticket stood at `as_of` by what had happened by then, or None if it had not been received."""
    if ticket["occurred_at"] > as_of:
        return None
    # What routing learned on taking the ticket over was so from the beginning.
    moves = [m for m in history if m["action"] not in REMARKS]
    known = [m for m in moves if m["action"] == "register" or m["occurred_at"] <= as_of]
    last = known[-1] if known else None
    closings = [m for m in known if m["to_state"] == "closed" and m["from_state"] != "closed"]
    state = last["to_state"] if last else "submitted"
    closed_at, at_once = None, False
    if state == "closed":
        closed_at = closings[-1]["occurred_at"]
        at_once = closings[-1]["action"] == "close_directly" and not any(
            m["to_state"] in WITH_A_UNIT for m in known
        )
    where = last or {**ticket, "lead_unit": None}
    return Stand(
        ticket=ticket,
        as_of=as_of,
        state=state,
        due_at=last["due_at"] if last else None,
        closed_at=closed_at,
        states_seen=frozenset(m["to_state"] for m in known),
        actions_seen=frozenset(m["action"] for m in known),
        at_once=at_once,
        dimensions={
            "channel": ticket["channel"],
            "kind": where["kind"] or "",
            "category": where["category_code"] or "",
            "community": where["community_code"] or "",
            "grid": where["grid_code"] or "",
            "unit": where["lead_unit"] or "",
        },
    )


def _everyone(_: Stand) -> bool:
    return True


# Every count by its name, as a question to one ticket.
COUNTS = {
    "received": _everyone,
    "accepted": lambda s: "accepted" in s.states_seen,
    "dispatched": lambda s: s.dispatched,
    "closed": lambda s: s.closed,
    "direct": lambda s: s.direct,
    "dispatched_closed": lambda s: s.closed and s.dispatched,
    "closed_on_time": lambda s: s.on_time,
    "dispatched_on_time": lambda s: s.on_time and s.dispatched,
    "due": lambda s: s.due,
    "due_net": lambda s: s.due and not s.suspended,
    "matured": lambda s: s.matured,
    "matured_closed": lambda s: s.matured and s.closed,
    "matured_on_time": lambda s: s.matured and s.on_time,
    "overdue": lambda s: s.due and not s.on_time,
    "open": lambda s: s.open,
    "overdue_open": lambda s: s.open and s.past_due,
    "suspended": lambda s: s.suspended,
    "rejected": lambda s: s.state == "rejected",
    "merged": lambda s: s.state == "merged",
    "withdrawn": lambda s: s.state == "withdrawn",
    "redirected": lambda s: s.state == "redirected",
    "returned": lambda s: "return" in s.actions_seen,
    "reworked": lambda s: "rework" in s.actions_seen,
    "reopened": lambda s: "reopen" in s.actions_seen,
}

# Every rate of the contract that can be had by now: (who is above the line, who is below it).
RATES = {
    ("closure_rate", "due"): (lambda s: s.closed, lambda s: s.due),
    ("closure_rate", "matured"): (lambda s: s.closed and s.matured, lambda s: s.matured),
    ("closure_rate", "received"): (lambda s: s.closed, _everyone),
    ("closure_rate", "accepted"): (lambda s: s.closed, lambda s: "accepted" in s.states_seen),
    ("closure_rate", "dispatched"): (lambda s: s.closed and s.dispatched, lambda s: s.dispatched),
    ("closure_rate", "incl_direct"): (
        lambda s: s.direct or (s.closed and s.dispatched),
        lambda s: s.direct or s.dispatched,
    ),
    ("closure_rate", "due_net_deferred"): (lambda s: s.closed, lambda s: s.due and not s.suspended),
    ("closure_rate", "project"): (lambda s: s.closed and s.dispatched, lambda s: s.dispatched),
    ("on_time_closure_rate", "due"): (lambda s: s.on_time, lambda s: s.due),
    ("on_time_closure_rate", "matured"): (lambda s: s.on_time and s.matured, lambda s: s.matured),
    ("on_time_closure_rate", "due_net_deferred"): (
        lambda s: s.on_time,
        lambda s: s.due and not s.suspended,
    ),
    ("on_time_closure_rate", "dispatched"): (lambda s: s.on_time and s.dispatched, lambda s: s.dispatched),
    ("on_time_closure_rate", "closed_only"): (lambda s: s.on_time, lambda s: s.closed),
    ("overdue_rate", "due"): (lambda s: s.due and not s.on_time, lambda s: s.due),
    ("return_rate", "dispatched"): (lambda s: "return" in s.actions_seen, lambda s: s.dispatched),
    ("rework_rate", "dispatched"): (lambda s: "rework" in s.actions_seen, lambda s: s.dispatched),
    ("reopen_rate", "received"): (lambda s: "reopen" in s.actions_seen, _everyone),
    ("acceptance_rate", "received"): (lambda s: "accepted" in s.states_seen, _everyone),
}


@dataclass(frozen=True)
class Asked:
    """A question: local days from `first` to `last` inclusive, an instant, a basis, filters."""

    first: date
    last: date
    as_of: datetime
    basis: str = "cohort"
    filters: tuple[tuple[str, str], ...] = ()


def chosen(ledger: "Ledger", asked: Asked) -> list[Stand]:
    """The tickets a question is about, as they stood."""
    found = []
    for ticket, history in ledger:
        it = stand(ticket, history, asked.as_of)
        if it is None:
            continue
        by = {"cohort": ticket["occurred_at"], "due": it.due_at, "closed": it.closed_at}[asked.basis]
        if by is None or not asked.first <= shanghai_day(by) <= asked.last:
            continue
        if all(it.dimensions[name] == wanted for name, wanted in asked.filters):
            found.append(it)
    return found


Ledger = list[tuple[dict[str, Any], list[dict[str, Any]]]]


def split(stands: list[Stand], by: str | None) -> dict[str, list[Stand]]:
    """The tickets by key of a dimension; all of them under "" if undivided."""
    parts: dict[str, list[Stand]] = {}
    for it in stands:
        key = "" if by is None else it.dimensions[by]
        parts.setdefault(key, []).append(it)
    return parts


def counts(stands: list[Stand]) -> dict[str, int]:
    """Every count."""
    return {name: sum(1 for it in stands if question(it)) for name, question in COUNTS.items()}


def rate(name: str, variant: str, stands: list[Stand]) -> tuple[set[Any], set[Any], Fraction | None]:
    """The tickets above the line, those below it, and the exact fraction (None over nothing)."""
    above, below = RATES[name, variant]
    upper = {it.ticket["id"] for it in stands if above(it)}
    lower = {it.ticket["id"] for it in stands if below(it)}
    return upper, lower, Fraction(len(upper), len(lower)) if lower else None


def printed(numerator: int, denominator: int, digits: int = 2, rounding: str = "half_up") -> str:
    """A percentage as the contract prints it, by whole-number arithmetic alone."""
    if denominator == 0:
        return "—"
    if numerator == denominator:
        return "100%"
    scaled = numerator * 100 * 10**digits
    units = (
        (2 * scaled + denominator) // (2 * denominator) if rounding == "half_up" else scaled // denominator
    )
    units = min(units, 100 * 10**digits - 1)
    whole, rest = divmod(units, 10**digits)
    return f"{whole}.{rest:0{digits}d}%" if digits else f"{whole}%"


def funnel(stands: list[Stand]) -> dict[str, Any]:
    """Topics (received), issues (accepted), projects (dispatched), closed projects; and who stayed an issue."""
    issues = [it for it in stands if "accepted" in it.states_seen]
    projects = [it for it in stands if it.dispatched]
    return {
        "topic": len(stands),
        "issue": len(issues),
        "project": len(projects),
        "closed": sum(1 for it in projects if it.closed),
        "stayed_behind": {it.ticket["id"] for it in issues if not it.dispatched and not it.direct},
    }
