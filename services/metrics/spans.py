"""A ticket's life as spans of time in which every measure stands still: the ground of all figures.

Pure. From what was reported, the history of moves and the reporter's ratings comes a list of spans
[valid_from, valid_to). A deadline passing ends a span just as a move does, so the figure of any past
instant is a sum, whatever happened since. What each measure means: `services/metrics/measures.py`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from services.metrics.measures import CLOSED, Callback, flags, places
from shared.clock import local_day
from shared.lifecycle import QUIET, REGISTER, WITH_UNIT, State
from shared.tables import FLAG_BITS, MEASURES

_WITH_UNIT = frozenset(state.value for state in WITH_UNIT)
_HANDLED, _ACCEPTED = State.HANDLED.value, State.ACCEPTED.value
_FOUND = ("valid", "contacted", "resolved", "satisfaction")
_MASK = (1 << FLAG_BITS) - 1
_MOST_RETURNS, _MOST_REWORKS = 3, 2  # more than the rules ask for would only make more kinds of stands


class Span(NamedTuple):
    """One stretch of a ticket's life, in the order of the columns of `ticket_facts` after street and ticket."""

    number: int
    valid_from: datetime
    valid_to: datetime | None
    received_at: datetime
    received_day: date
    due_at: datetime | None
    dispatched_at: datetime | None
    signed_at: datetime | None
    contacted_at: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    flags0: int
    flags1: int
    state: str
    channel: str
    kind: str
    category: str
    community: str
    grid: str
    unit: str
    level: str
    mode: str
    list: str
    list_level: str
    outcome: str
    excluded: str
    units: Any  # the lead unit and those asked to help by then, sorted

    @property
    def flags(self) -> int:
        return self.flags0 | self.flags1 << FLAG_BITS

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it counts under, in the order of `shared.tables.DIMENSIONS`."""
        return (
            self.channel, self.kind, self.category, self.community, self.grid, self.unit, self.level, self.mode,
            self.list,
        )  # fmt: skip

    @property
    def measures(self) -> tuple[int, ...]:
        """0 or 1 for every measure, in the order of `shared.tables.MEASURES`."""
        found = [0] * len(MEASURES)
        for place in places(self.flags):
            found[place] = 1
        return tuple(found)


COLUMNS = ("span", *Span._fields[1:])


class Reckoning(NamedTuple):
    """How instants are told: the rules only compare them, and need of time no more than this."""

    hour: Any
    half_hour: Any
    day_of: Callable[[Any], Any]


DATES = Reckoning(timedelta(hours=1), timedelta(minutes=30), local_day)


class Rating(NamedTuple):
    """What the reporter said of a closure, and when."""

    occurred_at: datetime
    satisfaction: str


@dataclass(slots=True)
class _Life:
    """What has happened to a ticket so far."""

    reckoning: Reckoning
    received_at: datetime
    received_day: date
    channel: str
    late: bool
    place: tuple[str, str, str, str, str, str, str] = ("", "", "", "", "", "", "")
    state: str = State.SUBMITTED.value
    due_at: datetime | None = None
    first_due: datetime | None = None
    dispatched_at: datetime | None = None
    signed_at: datetime | None = None
    contacted_at: datetime | None = None
    handled_at: datetime | None = None
    closed_at: datetime | None = None
    accepted: bool = False
    dispatched: bool = False
    direct: bool = False
    ever_handled: bool = False
    ever_closed: bool = False
    signed_on_time: bool = False
    contacted_on_time: bool = False
    returns: int = 0
    reworks: int = 0
    reopened: bool = False
    escalated: bool = False
    extension_asked: bool = False
    extended: bool = False
    ever_suspended: bool = False
    checklist: str = ""
    list_level: str = ""
    outcome: str = ""
    excluded: str = ""
    callback: Callback | None = None
    called_after: bool = False
    rating: str = ""
    leads: set[str] = field(default_factory=set)
    parts: set[str] = field(default_factory=set)
    # unit → when it was whistled for, and how long it took to report in
    whistles: dict[str, datetime] = field(default_factory=dict)
    reported: dict[str, timedelta] = field(default_factory=dict)


def spans(
    ticket: Any, moves: Sequence[Any], ratings: Sequence[Rating] = (), reckoning: Reckoning = DATES
) -> list[Span]:
    """Return a ticket's spans; `moves` in the order of their seq (rows of `transitions`), `data` as a mapping."""
    received_at = ticket["occurred_at"]
    life = _Life(
        reckoning, received_at, reckoning.day_of(received_at), ticket["channel"], ticket["late"],
        (ticket["kind"] or "", ticket["category_code"] or "", ticket["community_code"] or "",
         ticket["grid_code"] or "", "", "", ""),
    )  # fmt: skip
    found: list[Span] = []
    since = life.received_at
    for at, turn in _turns(since, moves, ratings):
        if at > since:
            _add(found, life, since, at)
            since = at
        if isinstance(turn, Rating):
            life.rating = turn.satisfaction
        else:
            _take_in(life, turn, at)
    _add(found, life, since, None)
    return found


def _turns(
    since: datetime, moves: Sequence[Any], ratings: Sequence[Rating]
) -> Iterator[tuple[datetime, Any]]:
    """Yield what changed a ticket, in the order in which it did, never going back in time."""
    said = sorted(ratings, reverse=True)
    for move in moves:
        if move["action"] in QUIET:
            continue
        # What routing learned when it took the ticket over was true from the start.
        at = since if move["action"] == REGISTER else max(since, move["occurred_at"])
        while said and said[-1].occurred_at < at:
            rating = said.pop()
            since = max(since, rating.occurred_at)
            yield since, rating
        since = at
        yield at, move
    for rating in reversed(said):
        since = max(since, rating.occurred_at)
        yield since, rating


def _take_in(life: _Life, move: Any, at: datetime) -> None:
    """Let a move change what is known of the ticket."""
    action, state, data = move["action"], move["to_state"], move["data"] or {}
    lead = move["lead_unit"] or ""
    life.place = (
        move["kind"], move["category_code"], move["community_code"] or "", move["grid_code"] or "", lead,
        move["level"], move["mode"],
    )  # fmt: skip
    if lead:
        life.leads.add(lead)
    life.due_at = move["due_at"]
    life.accepted = life.accepted or state == _ACCEPTED
    # A reopened ticket goes straight to a unit's hands, even if it was closed without one before.
    if state in _WITH_UNIT and not life.dispatched:
        life.dispatched, life.dispatched_at, life.first_due = True, at, move["due_at"]
    _end_or_go_on(life, action, state, move, at)
    effect = _EFFECTS.get(action)
    if effect is not None:
        effect(life, move, data, at)
    if action in _ENDS_A_CALLBACK and any(data.get(name) is not None for name in _FOUND):
        life.callback, life.called_after = _callback(data), life.ever_closed
    life.state = state


def _end_or_go_on(life: _Life, action: str, state: str, move: Any, at: datetime) -> None:
    if state == CLOSED:
        if life.state != CLOSED:
            life.closed_at, life.ever_closed = at, True
            life.direct = action == "close_directly" and not life.dispatched
        life.outcome = move["outcome"] or ""
    else:
        life.closed_at, life.direct, life.outcome = None, False, ""
        if state == _HANDLED and life.state != _HANDLED:
            life.handled_at, life.ever_handled = at, True
        elif state in _WITH_UNIT:
            life.handled_at = None


def _callback(data: Mapping[str, Any]) -> Callback:
    """Return what a callback found; one that was answered is valid unless it is said not to be."""
    answers = (data.get("contacted"), data.get("resolved"), data.get("satisfaction"))
    valid = data.get("valid")
    return Callback(any(a is not None for a in answers) if valid is None else bool(valid), *answers)


def _register(life: _Life, _: Any, data: Mapping[str, Any], __: datetime) -> None:
    life.checklist, life.list_level = data.get("checklist") or "", data.get("list_level") or ""
    life.excluded = data.get("exclusion") or ""


def _relist(life: _Life, _: Any, data: Mapping[str, Any], __: datetime) -> None:
    life.list_level = data.get("list_level") or ""
    life.checklist = data.get("checklist") or life.checklist


def _exclude(life: _Life, _: Any, data: Mapping[str, Any], __: datetime) -> None:
    life.excluded = data.get("exclusion") or ""


def _readmit(life: _Life, *_: Any) -> None:
    life.excluded = ""


def _sign(life: _Life, move: Any, data: Mapping[str, Any], at: datetime) -> None:
    # A ledger that does not say when it was signed proves no timeliness: the move is only assumed.
    if life.signed_at is None and not data.get("assumed"):
        life.signed_at = at
        # Deemed to have signed because it did not answer: no timeliness in that, whichever limit was the shorter.
        in_time = move["sign_due_at"] is not None and at <= move["sign_due_at"]
        life.signed_on_time = in_time and not data.get("deemed")


def _contact(life: _Life, move: Any, data: Mapping[str, Any], at: datetime) -> None:
    if life.contacted_at is None and not data.get("assumed"):
        life.contacted_at = at
        life.contacted_on_time = move["contact_due_at"] is not None and at <= move["contact_due_at"]


def _return(life: _Life, *_: Any) -> None:
    life.returns = min(life.returns + 1, _MOST_RETURNS)


def _rework(life: _Life, *_: Any) -> None:
    life.reworks = min(life.reworks + 1, _MOST_REWORKS)


def _reopen(life: _Life, *_: Any) -> None:
    life.reopened = True


def _escalate(life: _Life, *_: Any) -> None:
    life.escalated = True


def _extend(life: _Life, *_: Any) -> None:
    life.extension_asked = True


def _decide_extension(life: _Life, _: Any, data: Mapping[str, Any], __: datetime) -> None:
    life.extended = life.extended or bool(data.get("approve"))


def _suspend(life: _Life, *_: Any) -> None:
    life.ever_suspended = True


def _assist(life: _Life, _: Any, data: Mapping[str, Any], __: datetime) -> None:
    life.parts.add(data.get("unit") or "")


def _whistle(life: _Life, _: Any, data: Mapping[str, Any], at: datetime) -> None:
    for unit in data.get("units") or ():
        life.parts.add(unit)
        life.whistles.setdefault(unit, at)


def _report_in(life: _Life, move: Any, _: Any, at: datetime) -> None:
    unit = move["actor_unit"]
    if unit in life.whistles:
        life.reported.setdefault(unit, at - life.whistles[unit])


_ENDS_A_CALLBACK = frozenset({"call_back", "close", "rework"})
_EFFECTS = {
    REGISTER: _register, "relist": _relist, "exclude": _exclude, "readmit": _readmit, "sign": _sign, "contact": _contact,
    "return": _return, "rework": _rework, "reopen": _reopen, "escalate": _escalate, "extend": _extend,
    "decide_extension": _decide_extension, "suspend": _suspend, "assist": _assist, "whistle": _whistle,
    "report_in": _report_in,
}  # fmt: skip


def _add(found: list[Span], life: _Life, since: datetime, until: datetime | None) -> None:
    """Add the stretch [since, until), cut where the deadline passes."""
    due = life.due_at
    cut = due if due is not None and since < due and (until is None or due < until) else None
    if cut is None:
        found.append(_span(len(found), life, since, until, past_due=due is not None and due <= since))
        return
    found.append(_span(len(found), life, since, cut, past_due=False))
    found.append(_span(len(found), life, cut, until, past_due=True))


def _span(number: int, life: _Life, since: datetime, until: datetime | None, *, past_due: bool) -> Span:
    has = flags(_stand(life, past_due=past_due))
    lead = life.place[4]
    return Span(
        number, since, until, life.received_at, life.received_day, life.due_at, life.dispatched_at, life.signed_at,
        life.contacted_at, life.handled_at, life.closed_at, has & _MASK, has >> FLAG_BITS, life.state, life.channel,
        *life.place, life.checklist, life.list_level, life.outcome, life.excluded,
        sorted({lead, *life.parts} - {""}) if life.parts else ([lead] if lead else []),
    )  # fmt: skip


def _stand(life: _Life, *, past_due: bool) -> tuple[Any, ...]:
    """Return the fields of the ticket's Stand, in their order."""
    closed_at, due, handled_at = life.closed_at, life.due_at, life.handled_at
    first = life.first_due if life.dispatched else due
    on_time = closed_at is not None and due is not None and closed_at <= due
    all_in = bool(life.whistles) and life.whistles.keys() <= life.reported.keys()
    one_lead = len(life.leads) == 1 and life.place[4] != ""
    return (
        life.state, past_due, on_time,
        closed_at is not None and first is not None and closed_at <= first,
        handled_at is not None,
        handled_at is not None and due is not None and handled_at <= due,
        on_time and due is not None and closed_at is not None and due - closed_at < life.reckoning.hour,
        life.accepted, life.dispatched, life.direct, life.ever_handled, life.ever_closed,
        life.signed_at is not None, life.signed_on_time, life.contacted_at is not None, life.contacted_on_time,
        one_lead, life.returns, life.reworks, life.reopened, life.escalated, life.extension_asked, life.extended,
        life.ever_suspended, bool(life.whistles), all_in,
        all_in and all(took <= life.reckoning.half_hour for took in life.reported.values()),
        life.late, bool(life.checklist), life.place[5], life.outcome, life.callback, life.called_after, life.rating,
    )  # fmt: skip
