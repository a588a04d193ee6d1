"""The figures once more, slowly: straight from the rows of `tickets`, `transitions` and `ratings`, ticket by ticket.

Nothing of services/metrics is used here; the formulas are the metrics contract (design section 8) as text. A
ticket is a dict of its row, a history a list of dicts in the order of their seq, ratings are the rows of all
tickets in one list. How one ticket stood, and every count: `tests/metrics/standing.py`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import product
from typing import Any
from uuid import UUID

from tests.metrics.standing import (
    COUNTS,
    DIMENSIONS,
    EIGHT_HOURS,
    EVERY_FILTER,
    EVERY_SPLIT,
    REMARKS,
    Question,
    Row,
    Stand,
    shanghai_day,
    stand,
)

__all__ = [
    "COMPUTED", "COUNTS", "DIMENSIONS", "EIGHT_HOURS", "EVERY_FILTER", "EVERY_SPLIT", "RATES", "REMARKS", "WEIGHTS",
    "Asked", "Ledger", "Stand", "amount", "chosen", "computed", "counts", "durations", "excluded", "funnel", "printed", "rate",
    "shanghai_day", "split", "stand", "stands",
]  # fmt: skip

Ledger = Sequence[tuple[Row, Sequence[Row]]]

A_MONTH, IN_BULK, TICK = timedelta(days=30), 10, timedelta(microseconds=1)

# Figures that compare a ticket with others: each a question to a ticket, beside all of the ledger.


def reporter(it: Stand) -> tuple[str, Any] | None:
    """Who reported, as far as one can tell: by login, else by telephone."""
    if it.ticket.get("reporter_id") is not None:
        return "login", it.ticket["reporter_id"]
    phone = it.ticket.get("phone_index")
    return None if phone is None else ("phone", phone)


def _others(it: Stand, everyone: Sequence[Stand]) -> Iterable[Stand]:
    """The other tickets of the same street and category."""
    for other in everyone:
        same_street = other.ticket["street_id"] == it.ticket["street_id"]
        if other is not it and same_street and other.dimensions["category"] == it.dimensions["category"]:
            yield other


def _repeated(it: Stand, everyone: Sequence[Stand]) -> bool:
    received = it.ticket["occurred_at"]
    return reporter(it) is not None and any(
        reporter(o) == reporter(it) and received - A_MONTH <= o.ticket["occurred_at"] < received
        for o in _others(it, everyone)
    )


def _closed_in_grid(it: Stand, _: Sequence[Stand]) -> bool:
    return it.closed and it.dimensions["grid"] != ""


def _recurred(it: Stand, everyone: Sequence[Stand]) -> bool:
    return _closed_in_grid(it, everyone) and any(
        o.dimensions["grid"] == it.dimensions["grid"]
        and it.closed_at < o.ticket["occurred_at"] <= it.closed_at + A_MONTH
        for o in _others(it, everyone)
    )


def _minute_of_closing(it: Stand) -> tuple[Any, ...]:
    minute = (it.closed_at + EIGHT_HOURS).replace(second=0, microsecond=0)
    return it.ticket["street_id"], it.dimensions["unit"], minute


def _closed_in_bulk(it: Stand, everyone: Sequence[Stand]) -> bool:
    if not it.closed or it.dimensions["unit"] == "":
        return False
    mine = _minute_of_closing(it)
    return sum(1 for o in everyone if o.closed and _minute_of_closing(o) == mine) >= IN_BULK


COMPUTED: dict[str, Callable[[Stand, Sequence[Stand]], bool]] = {
    "repeated": _repeated,
    "traceable": lambda it, _: reporter(it) is not None,
    "recurred": _recurred,
    "closed_in_grid": _closed_in_grid,
    "closed_in_bulk": _closed_in_bulk,
    "visited": lambda *_: False,
    "to_visit": lambda *_: False,
}


# Every rate of the contract: (who is above the line, who is below it).
def _everyone(_: Stand) -> bool:
    return True


def _compared(name: str) -> Question:
    return lambda s: name in s.compared


def _valid(s: Stand) -> bool:
    return s.answer is not None


def _found(*levels: str) -> Question:
    return lambda s: s.told("satisfaction") in levels


def _said(*levels: str) -> Question:
    return lambda s: s.rating in levels


def _solved_at(*levels: str) -> Question:
    return lambda s: s.closed and s.dimensions["level"] in levels


def _dispatched(s: Stand) -> bool:
    return s.dispatched


def _accepted(s: Stand) -> bool:
    return s.accepted


def _closed(s: Stand) -> bool:
    return s.closed


def _due(s: Stand) -> bool:
    return s.due


def _due_net(s: Stand) -> bool:
    return s.due and not s.suspended


def _project_closed(s: Stand) -> bool:
    return s.closed and s.dispatched


def _called(answers: Callable[[list[timedelta | None]], bool]) -> Question:
    return lambda s: bool(s.answers) and answers(s.answers)


RATES: dict[tuple[str, str], tuple[Question, Question]] = {
    ("closure_rate", "due"): (_closed, _due),
    ("closure_rate", "matured"): (lambda s: s.closed and s.matured, lambda s: s.matured),
    ("closure_rate", "received"): (_closed, _everyone),
    ("closure_rate", "accepted"): (_closed, _accepted),
    ("closure_rate", "dispatched"): (_project_closed, _dispatched),
    ("closure_rate", "incl_direct"): (
        lambda s: s.direct or (s.closed and s.dispatched),
        lambda s: s.direct or s.dispatched,
    ),
    ("closure_rate", "due_net_deferred"): (_closed, _due_net),
    ("closure_rate", "project"): (_project_closed, _dispatched),
    ("closure_rate", "handled"): (lambda s: s.result is not None, _dispatched),
    ("on_time_closure_rate", "due"): (lambda s: s.on_time, _due),
    ("on_time_closure_rate", "matured"): (lambda s: s.on_time and s.matured, lambda s: s.matured),
    ("on_time_closure_rate", "due_net_deferred"): (lambda s: s.on_time, _due_net),
    ("on_time_closure_rate", "dispatched"): (lambda s: s.on_time and s.dispatched, _dispatched),
    ("on_time_closure_rate", "closed_only"): (lambda s: s.on_time, _closed),
    ("on_time_closure_rate", "first_deadline"): (lambda s: s.by_first_deadline, _due),
    ("on_time_closure_rate", "handled"): (COUNTS["handled_on_time"], COUNTS["handled_due"]),
    ("overdue_rate", "due"): (lambda s: s.due and not s.on_time, _due),
    ("overdue_rate", "open"): (lambda s: s.due and s.open, _due),
    ("response_rate", "contact_valid"): (lambda s: s.told("contacted") is True, _valid),
    ("response_rate", "first_contact"): (
        lambda s: s.told("contacted") is True,
        lambda s: s.told("contacted") is not None,
    ),
    ("response_rate", "sign_in"): (lambda s: s.first_in_time("sign"), _dispatched),
    ("response_rate", "contacted_on_time"): (lambda s: s.first_in_time("contact"), _dispatched),
    ("resolution_rate", "surveyed"): (lambda s: s.told("resolved") == "yes", _valid),
    ("resolution_rate", "incl_partly"): (lambda s: s.told("resolved") in {"yes", "partly"}, _valid),
    ("resolution_rate", "actual"): (
        lambda s: s.outcome == "resolved",
        lambda s: s.outcome in {"resolved", "explained"},
    ),
    ("resolution_rate", "self_declared"): (lambda s: s.outcome == "resolved", _closed),
    ("satisfaction_rate", "strict"): (_found("very_satisfied", "satisfied"), _valid),
    ("satisfaction_rate", "top2"): (_found("very_satisfied", "satisfied", "basic"), _valid),
    ("satisfaction_rate", "basic_0_9"): (_found("very_satisfied", "satisfied", "basic"), _valid),
    ("satisfaction_rate", "five_level"): (
        _said("very_satisfied", "satisfied", "basic"),
        lambda s: s.rating != "",
    ),
    ("satisfaction_rate", "rated_strict"): (_said("very_satisfied", "satisfied"), lambda s: s.rating != ""),
    ("dissatisfaction_rate", "channel"): (lambda s: s.dispatched and s.unhappy, _dispatched),
    ("dissatisfaction_rate", "valid_callback"): (_found("dissatisfied", "very_dissatisfied"), _valid),
    ("dissatisfaction_rate", "rated"): (
        _said("dissatisfied", "very_dissatisfied"),
        lambda s: s.rating != "",
    ),
    ("callback_rate", "closed"): (lambda s: s.closed and s.callback is not None, _closed),
    ("valid_callback_rate", "called_back"): (_valid, lambda s: s.callback is not None),
    ("participation_rate", "ever_closed"): (lambda s: s.rating != "", lambda s: s.ever_closed),
    ("acceptance_rate", "received"): (_accepted, _everyone),
    ("registration_rate", "received"): (_dispatched, _everyone),
    ("registration_rate", "accepted"): (_dispatched, _accepted),
    ("direct_rate", "received"): (lambda s: s.direct, _everyone),
    ("reply_rate", "received"): (COUNTS["replied"], _everyone),
    ("return_rate", "dispatched"): (lambda s: bool(s.did("return")), _dispatched),
    ("return_rate", "thrice"): (lambda s: len(s.did("return")) > 2, _dispatched),
    ("dispatch_accuracy", "dispatched"): (lambda s: s.dispatched and not s.did("return"), _dispatched),
    ("first_receiver_completion_rate", "dispatched"): (lambda s: s.first_receiver_closed, _dispatched),
    ("rework_rate", "dispatched"): (lambda s: bool(s.did("rework")), _dispatched),
    ("rework_rate", "handled"): (lambda s: bool(s.did("rework")), lambda s: s.ever_handled),
    ("rework_rate", "again"): (lambda s: len(s.did("rework")) > 1, _dispatched),
    ("reopen_rate", "received"): (lambda s: bool(s.did("reopen")), _everyone),
    ("reopen_rate", "ever_closed"): (lambda s: bool(s.did("reopen")), lambda s: s.ever_closed),
    ("repeat_rate", "received"): (_compared("repeated"), _everyone),
    ("repeat_rate", "traceable"): (_compared("repeated"), _compared("traceable")),
    ("recurrence_rate", "closed"): (_compared("recurred"), _compared("closed_in_grid")),
    ("extension_rate", "accepted"): (lambda s: s.extended, _accepted),
    ("extension_rate", "closed"): (lambda s: s.extended and s.closed, _closed),
    ("suspension_rate", "accepted"): (lambda s: bool(s.came_to("suspended")), _accepted),
    ("suspension_rate", "open"): (lambda s: s.suspended, lambda s: s.open),
    ("escalation_rate", "dispatched"): (lambda s: bool(s.did("escalate")), _dispatched),
    ("whistle_rate", "dispatched"): (lambda s: bool(s.answers), _dispatched),
    ("report_in_rate", "all"): (_called(lambda took: None not in took), lambda s: bool(s.answers)),
    ("report_in_rate", "within_30m"): (COUNTS["reported_in_30m"], lambda s: bool(s.answers)),
    ("solved_at_level_rate", "grid"): (_solved_at("grid"), _closed),
    ("solved_at_level_rate", "community"): (_solved_at("community"), _closed),
    ("solved_at_level_rate", "within_community"): (_solved_at("grid", "community"), _closed),
    ("solved_at_level_rate", "street"): (_solved_at("street"), _closed),
    ("solved_at_level_rate", "district"): (_solved_at("district"), _closed),
    ("commitment_rate", "closed"): (COUNTS["listed_closed"], COUNTS["listed"]),
    ("commitment_rate", "on_time"): (COUNTS["listed_on_time"], COUNTS["listed_due"]),
    ("visit_coverage", "roster"): (_compared("visited"), _compared("to_visit")),
    ("late_entry_rate", "received"): (COUNTS["entered_late"], _everyone),
    ("dispute_rate", "ever_closed"): (lambda s: s.disputed, lambda s: s.ever_closed),
    ("last_hour_rate", "closed"): (lambda s: s.last_hour, _closed),
    ("bulk_closure_rate", "closed"): (_compared("closed_in_bulk"), _closed),
    ("conversion_rate", "topic_issue"): (_accepted, _everyone),
    ("conversion_rate", "issue_project"): (_dispatched, _accepted),
    ("conversion_rate", "project_closed"): (_project_closed, _dispatched),
    ("conversion_rate", "issue_closed"): (_project_closed, _accepted),
    ("conversion_rate", "topic_closed"): (_project_closed, _everyone),
}
# Who above the line counts for less than one.
WEIGHTS: dict[tuple[str, str], tuple[Question, Fraction]] = {
    ("satisfaction_rate", "basic_0_9"): (_found("basic"), Fraction(9, 10)),
}


@dataclass(frozen=True)
class Asked:
    """A question: local days from `first` to `last` inclusive, an instant, a basis, filters, who is assessed.

    `exact`: instants [start, end) in place of the days; `groups`: category → its group.
    """

    first: date
    last: date
    as_of: datetime
    basis: str = "cohort"
    filters: tuple[tuple[str, str], ...] = ()
    known_at: datetime | None = None
    exact: tuple[datetime, datetime] | None = None
    population: str = "all"
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def start(self) -> datetime:
        return self.exact[0] if self.exact else _midnight(self.first)

    @property
    def end(self) -> datetime:
        return self.exact[1] if self.exact else _midnight(self.last) + timedelta(days=1)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC) - EIGHT_HOURS


def stands(
    ledger: Ledger,
    as_of: datetime,
    known_at: datetime | None = None,
    ratings: Collection[Row] = (),
    groups: Mapping[str, str] | None = None,
) -> list[Stand]:
    """Every ticket that had been received, as it stood, and what it was beside the others."""
    alone = [
        it
        for ticket, history in ledger
        if (it := stand(ticket, history, as_of, known_at, ratings, groups)) is not None
    ]
    return [
        replace(it, compared=frozenset(name for name, has in COMPUTED.items() if has(it, alone)))
        for it in alone
    ]


def chosen(ledger: Ledger, asked: Asked, ratings: Collection[Row] = ()) -> list[Stand]:
    """The tickets a question is about, as they stood."""
    histories = {ticket["id"]: history for ticket, history in ledger}
    return [
        it
        for it in stands(ledger, asked.as_of, asked.known_at, ratings, asked.groups)
        if _in_window(it, histories[it.ticket["id"]], asked)
        and all(wanted in it.keys(name) for name, wanted in asked.filters)
        and (asked.population == "all" or it.excluded == "")
    ]


def _in_window(it: Stand, history: Sequence[Row], asked: Asked) -> bool:
    received = it.ticket["occurred_at"]
    if asked.basis == "workload" and received < asked.start:
        # Closed in the very instant at which the window starts, it was open until then.
        before = stand(it.ticket, history, min(asked.start - TICK, asked.as_of), asked.known_at)
        return before is not None and before.open
    by = {"due": it.due_at, "closed": it.closed_at}.get(asked.basis, received)
    return by is not None and asked.start <= by < asked.end


def split(found: Iterable[Stand], by: str | Sequence[str] | None) -> dict[Any, list[Stand]]:
    """The tickets by key of a split; by tuples of keys for several crossed; all of them under "" if undivided.

    Under `part_unit` a ticket is in as many parts as it has units.
    """
    parts: dict[Any, list[Stand]] = {}
    for it in found:
        if by is None:
            keys: Iterable[Any] = ("",)
        elif isinstance(by, str):
            keys = it.keys(by)
        else:
            keys = product(*(it.keys(name) for name in by))
        for key in keys:
            parts.setdefault(key, []).append(it)
    return parts


def counts(found: Collection[Stand]) -> dict[str, int]:
    """Every count that a ticket has by itself."""
    return {name: sum(1 for it in found if question(it)) for name, question in COUNTS.items()}


def computed(found: Collection[Stand]) -> dict[str, int]:
    """Every count that a ticket has beside others."""
    return {name: sum(1 for it in found if name in it.compared) for name in COMPUTED}


def rate(name: str, variant: str, found: Collection[Stand]) -> tuple[set[UUID], set[UUID], Fraction | None]:
    """The tickets above the line, those below it, and the exact fraction (None over nothing)."""
    above, below = RATES[name, variant]
    upper = {it.ticket["id"] for it in found if above(it)}
    lower = {it.ticket["id"] for it in found if below(it)}
    return upper, lower, amount(name, variant, found) / len(lower) if lower else None


def amount(name: str, variant: str, found: Iterable[Stand]) -> Fraction:
    """What stands above the line: a number of tickets, unless some count for less than one."""
    above, _ = RATES[name, variant]
    lighter, weight = WEIGHTS.get((name, variant), (lambda _: False, Fraction(1)))
    return sum((weight if lighter(it) else Fraction(1) for it in found if above(it)), Fraction(0))


def excluded(name: str, variant: str, everyone: Iterable[Stand]) -> dict[str, int]:
    """The tickets of the whole population that are left out below the line, by reason."""
    _, below = RATES[name, variant]
    return dict(Counter(it.excluded for it in everyone if below(it) and it.excluded != ""))


# What a closed ticket took, each from one instant to another.
Span = tuple[Callable[[Stand], datetime | None], Callable[[Stand], datetime | None]]


def _at(move: Row | None) -> datetime | None:
    return move["occurred_at"] if move is not None else None


def _first_handover(it: Stand) -> datetime | None:
    return _at(it.handovers[0]) if it.dispatched else None


DURATIONS: dict[str, Span] = {
    "received_closed": (lambda s: s.ticket["occurred_at"], lambda s: s.closed_at),
    "dispatched_signed": (_first_handover, lambda s: _at(s.first("sign"))),
    "dispatched_contacted": (_first_handover, lambda s: _at(s.first("contact"))),
    "dispatched_handled": (_first_handover, lambda s: _at(s.result)),
}


def durations(found: Iterable[Stand]) -> dict[UUID, dict[str, float | None]]:
    """Of each closed ticket the natural seconds it took; None where an end is unknown or before the beginning."""
    return {
        it.ticket["id"]: {name: _seconds(start(it), end(it)) for name, (start, end) in DURATIONS.items()}
        for it in found
        if it.closed
    }


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return None if start is None or end is None or end < start else (end - start).total_seconds()


def printed(numerator: Fraction | int, denominator: int, digits: int = 2, rounding: str = "half_up") -> str:
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


def funnel(found: Collection[Stand]) -> dict[str, Any]:
    """Topics (received), issues (accepted), projects (dispatched), closed projects; and who stayed an issue."""
    issues = [it for it in found if it.accepted]
    projects = [it for it in found if it.dispatched]
    return {
        "topic": len(found),
        "issue": len(issues),
        "project": len(projects),
        "closed": sum(1 for it in projects if it.closed),
        "stayed_behind": {it.ticket["id"] for it in issues if not it.dispatched and not it.direct},
    }
