"""How one ticket stood at an instant, asked of its rows of `tickets`, `transitions` and `ratings`: the slow way.

Nothing of services/metrics is used here. Every answer is a question to the list of moves known by then; nothing
is carried along from move to move. The words of the measures (design section 8, the catalogue) are the rule.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

Row = Mapping[str, Any]

EIGHT_HOURS = timedelta(hours=8)
MINUTE, HALF_HOUR, HOUR = timedelta(minutes=1), timedelta(minutes=30), timedelta(hours=1)
ENDED = {"closed", "rejected", "merged", "withdrawn", "redirected"}
WITH_A_UNIT = {"dispatched", "signed", "handling", "suspended"}
# Words on a ticket: they change nothing, and what follows them may have happened before them.
REMARKS = {
    "comment", "urge", "supervise", "mark_overdue", "reply_supervision", "list_key", "unlist_key", "resolve_meeting", "inspect", "feed_back",
}  # fmt: skip
DIMENSIONS = ("channel", "kind", "category", "community", "grid", "unit", "level", "mode", "list")
UNHAPPY = {"dissatisfied", "very_dissatisfied"}
FINDINGS = ("valid", "contacted", "resolved", "satisfaction")


def shanghai_day(moment: datetime) -> date:
    """The local day (the property tests stay in years without summer time)."""
    return (moment.astimezone(UTC) + EIGHT_HOURS).date()


@dataclass(frozen=True)
class Stand:
    """One ticket at an instant: what had happened by then, as far as it was known."""

    ticket: Row
    as_of: datetime
    moves: Sequence[Row]  # without remarks, in the order of their seq
    ratings: Sequence[Row] = ()
    groups: Mapping[str, str] = field(default_factory=dict)  # category → its group
    compared: frozenset[str] = frozenset()  # what it has only beside other tickets, by name

    def did(self, *actions: str) -> list[Row]:
        return [m for m in self.moves if m["action"] in actions]

    def came_to(self, state: str) -> list[Row]:
        return [m for m in self.moves if m["to_state"] == state and m["from_state"] != state]

    @property
    def last(self) -> Row | None:
        return self.moves[-1] if self.moves else None

    # where it stands

    @property
    def state(self) -> str:
        return self.last["to_state"] if self.last else "submitted"

    @property
    def due_at(self) -> datetime | None:
        return self.last["due_at"] if self.last else None

    @property
    def closed(self) -> bool:
        return self.state == "closed"

    @property
    def open(self) -> bool:
        return self.state not in ENDED

    @property
    def closed_at(self) -> datetime | None:
        return self.came_to("closed")[-1]["occurred_at"] if self.closed else None

    @property
    def past_due(self) -> bool:
        return self.due_at is not None and self.due_at <= self.as_of

    @property
    def due(self) -> bool:
        """closed, or due_at <= as_of; what ended otherwise is owed to nobody."""
        return self.closed or (self.open and self.past_due)

    @property
    def matured(self) -> bool:
        return (self.closed or self.open) and self.past_due

    @property
    def on_time(self) -> bool:
        return self.closed and self.due_at is not None and self.closed_at <= self.due_at

    @property
    def suspended(self) -> bool:
        return self.state == "suspended"

    # how it came there

    @property
    def accepted(self) -> bool:
        return bool(self.came_to("accepted"))

    @property
    def handovers(self) -> list[Row]:
        return [m for m in self.moves if m["to_state"] in WITH_A_UNIT]

    @property
    def dispatched(self) -> bool:
        return bool(self.handovers)

    @property
    def direct(self) -> bool:
        return self.closed and not self.dispatched

    @property
    def result(self) -> Row | None:
        """The unit's result that stands: handed in, and nothing was given back into a unit's hands since."""
        for move in reversed(self.moves):
            if move["to_state"] in WITH_A_UNIT:
                return None
            if move["to_state"] == "handled" and move["from_state"] != "handled":
                return move
        return None

    @property
    def by_first_deadline(self) -> bool:
        """Closed by the deadline of the first hand-over; who never was handed over has only the one it closed with."""
        first = self.handovers[0]["due_at"] if self.dispatched else self.due_at
        return self.closed and first is not None and self.closed_at <= first

    @property
    def ever_closed(self) -> bool:
        return bool(self.came_to("closed"))

    @property
    def ever_handled(self) -> bool:
        return bool(self.came_to("handled"))

    @property
    def outcome(self) -> str:
        """What it was closed as, while it is."""
        return self.came_to("closed")[-1]["outcome"] or "" if self.closed else ""

    def first(self, action: str) -> Row | None:
        """The first such move of which it is known when it happened."""
        return next((m for m in self.did(action) if not m["data"].get("assumed")), None)

    def first_in_time(self, action: str) -> bool:
        move = self.first(action)
        limit = move[f"{action}_due_at"] if move else None
        # signed for by the system: nobody was in time
        return limit is not None and move["occurred_at"] <= limit and not move["data"].get("deemed")

    @property
    def first_receiver_closed(self) -> bool:
        """The unit it was first given to had it all the time and still had it when it was closed."""
        units = {m["lead_unit"] for m in self.moves if m["lead_unit"]}
        kept = bool(self.last and self.last["lead_unit"]) and len(units) == 1
        return self.closed and self.dispatched and kept and not self.did("return")

    @property
    def extended(self) -> bool:
        return any(m["data"].get("approve") for m in self.did("decide_extension"))

    @property
    def last_hour(self) -> bool:
        return self.on_time and self.due_at - self.closed_at < HOUR

    # who was called in

    @property
    def answers(self) -> list[timedelta | None]:
        """For every unit whistled for: how long after the first whistle it reported in, or None."""
        called: dict[str, int] = {}
        for place, move in enumerate(self.moves):
            if move["action"] == "whistle":
                for unit in move["data"]["units"]:
                    called.setdefault(unit, place)
        return [self._answer(unit, place) for unit, place in called.items()]

    def _answer(self, unit: str, place: int) -> timedelta | None:
        for move in self.moves[place:]:
            if move["action"] == "report_in" and move["actor_unit"] == unit:
                return move["occurred_at"] - self.moves[place]["occurred_at"]
        return None

    @property
    def units(self) -> tuple[str, ...]:
        """The lead unit and all that were asked to help or whistled for; nobody is ""."""
        asked = [m["data"]["unit"] for m in self.did("assist")]
        asked += [unit for m in self.did("whistle") for unit in m["data"]["units"]]
        lead = self.last["lead_unit"] if self.last else None
        return tuple(sorted({*asked, lead} - {None, ""})) or ("",)

    # what people said

    @property
    def callback(self) -> Row | None:
        """The last move that brought a callback's findings."""
        found = [
            m
            for m in self.did("call_back", "close", "rework")
            if any(m["data"].get(name) is not None for name in FINDINGS)
        ]
        return found[-1] if found else None

    @property
    def answer(self) -> Mapping[str, Any] | None:
        """What the callback was told, if it was valid: said to be, or by the answers that it brought."""
        if self.callback is None:
            return None
        data = self.callback["data"]
        valid = data.get("valid")
        if valid is None:
            valid = any(data.get(name) is not None for name in FINDINGS)
        return data if valid else None

    def told(self, finding: str) -> Any:
        return self.answer.get(finding) if self.answer is not None else None

    @property
    def unhappy(self) -> bool:
        return self.told("satisfaction") in UNHAPPY

    @property
    def rating(self) -> str:
        """The reporter's own last word."""
        said = sorted(self.ratings, key=lambda r: (r["occurred_at"], r["closure"]))
        return said[-1]["satisfaction"] if said else ""

    @property
    def disputed(self) -> bool:
        """Closed once, and *then* reopened, or found or called wanting: not what a callback before it found."""
        if not self.ever_closed:
            return False
        first, last = self.came_to("closed")[0]["seq"], self.callback
        complaint = (
            last is not None and last["seq"] >= first and (self.unhappy or self.told("resolved") == "no")
        )
        return bool(self.did("reopen")) or complaint or self.rating in UNHAPPY

    # what it is counted under

    @property
    def excluded(self) -> str:
        """Why it is left out of the assessed population, or ""."""
        said = self.did("register", "exclude", "readmit")
        return (said[-1]["data"].get("exclusion") or "") if said else ""

    def listing(self, name: str) -> str:
        """What was said of its commitment list when it was registered, or last when it was moved to another."""
        said = [
            m["data"].get(name) or ""
            for m in self.moves
            if m["action"] in {"register", "relist"} and name in m["data"]
        ]
        return said[-1] if said else ""

    @property
    def stage(self) -> str:
        if self.dispatched:
            return "project"
        if self.direct:
            return "direct"
        return "issue" if self.accepted else "topic"

    @property
    def dimensions(self) -> dict[str, str]:
        """The nine of the running totals."""
        where = self.last or {**self.ticket, "lead_unit": None, "level": None, "mode": None}
        return {
            "channel": self.ticket["channel"],
            "kind": where["kind"] or "",
            "category": where["category_code"] or "",
            "community": where["community_code"] or "",
            "grid": where["grid_code"] or "",
            "unit": where["lead_unit"] or "",
            "level": where["level"] or "",
            "mode": where["mode"] or "",
            "list": self.listing("checklist"),
        }

    def keys(self, by: str) -> tuple[str, ...]:
        """The parts of a split in which this ticket counts: one, but for `part_unit`."""
        if by in DIMENSIONS:
            return (self.dimensions[by],)
        return self.units if by == "part_unit" else (SPLITS[by](self),)


def _received(name: Callable[[date], str]) -> Callable[[Stand], str]:
    return lambda s: name(shanghai_day(s.ticket["occurred_at"]))


def _week(day: date) -> str:
    year, week, _ = day.isocalendar()
    return f"{year:04d}-W{week:02d}"


# What else a figure can be split by.
SPLITS: dict[str, Callable[[Stand], str]] = {
    "street": lambda s: str(s.ticket["street_id"]),
    "group": lambda s: s.groups.get(s.dimensions["category"], ""),
    "list_level": lambda s: s.listing("list_level"),
    "outcome": lambda s: s.outcome,
    "excluded": lambda s: s.excluded,
    "state": lambda s: s.state,
    "stage": lambda s: s.stage,
    "day": _received(lambda d: f"{d.year:04d}-{d.month:02d}-{d.day:02d}"),
    "week": _received(_week),
    "month": _received(lambda d: f"{d.year:04d}-{d.month:02d}"),
    "quarter": _received(lambda d: f"{d.year:04d}-Q{1 + (d.month - 1) // 3}"),
    "year": _received(lambda d: f"{d.year:04d}"),
}
PERIODS = ("day", "week", "month", "quarter", "year")
EVERY_SPLIT = (*DIMENSIONS, *SPLITS, "part_unit")
EVERY_FILTER = tuple(name for name in EVERY_SPLIT if name != "street" and name not in PERIODS)


def stand(
    ticket: Row,
    history: Sequence[Row],
    as_of: datetime,
    known_at: datetime | None = None,
    ratings: Iterable[Row] = (),
    groups: Mapping[str, str] | None = None,
) -> Stand | None:
    """How a ticket stood at `as_of` by what had happened by then, or None if it had not been received.

    With `known_at` only the rows recorded by then exist. `ratings` may be those of other tickets too.
    """

    def known(row: Row) -> bool:
        return known_at is None or row["recorded_at"] <= known_at

    if ticket["occurred_at"] > as_of or not known(ticket):
        return None
    return Stand(
        ticket=ticket,
        as_of=as_of,
        # What routing learned on taking the ticket over was so from the beginning.
        moves=tuple(
            m
            for m in history
            if m["action"] not in REMARKS
            and known(m)
            and (m["action"] == "register" or m["occurred_at"] <= as_of)
        ),
        ratings=tuple(
            r for r in ratings if r["ticket_id"] == ticket["id"] and known(r) and r["occurred_at"] <= as_of
        ),
        groups=groups or {},
    )


Question = Callable[[Stand], bool]


def _closed_as(outcome: str) -> Question:
    return lambda s: s.outcome == outcome


def _closed_at(level: str) -> Question:
    return lambda s: s.closed and s.dimensions["level"] == level


def _satisfaction(found: str) -> Question:
    return lambda s: s.told("satisfaction") == found


def _rated(said: str) -> Question:
    return lambda s: s.rating == said


def _in_half_an_hour(answers: Sequence[timedelta | None]) -> bool:
    return all(took is not None and took <= HALF_HOUR for took in answers)


# Every count by its name, as a question to one ticket.
COUNTS: dict[str, Question] = {
    "received": lambda _: True,
    "accepted": lambda s: s.accepted,
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
    "returned": lambda s: bool(s.did("return")),
    "reworked": lambda s: bool(s.did("rework")),
    "reopened": lambda s: bool(s.did("reopen")),
    # how it was closed
    "handled": lambda s: s.result is not None,
    "handled_on_time": lambda s: (
        s.result is not None and s.due_at is not None and s.result["occurred_at"] <= s.due_at
    ),
    "handled_due": lambda s: s.result is not None or (s.dispatched and s.open and s.past_due),
    "closed_by_first_deadline": lambda s: s.by_first_deadline,
    "ever_handled": lambda s: s.ever_handled,
    "ever_closed": lambda s: s.ever_closed,
    "closed_resolved": _closed_as("resolved"),
    "closed_partly": _closed_as("partly"),
    "closed_explained": _closed_as("explained"),
    "closed_beyond_level": _closed_as("beyond_level"),
    "closed_transferred": _closed_as("transferred"),
    "closed_deferred": _closed_as("deferred"),
    "closed_at_grid": _closed_at("grid"),
    "closed_at_community": _closed_at("community"),
    "closed_at_street": _closed_at("street"),
    "closed_at_district": _closed_at("district"),
    # how it went
    "signed": lambda s: s.first("sign") is not None,
    "signed_on_time": lambda s: s.first_in_time("sign"),
    "contacted": lambda s: s.first("contact") is not None,
    "contacted_on_time": lambda s: s.first_in_time("contact"),
    "replied": lambda s: (
        s.first("contact") is not None
        or s.ever_handled
        or s.ever_closed
        or s.state in {"rejected", "redirected", "merged"}
    ),
    "never_returned": lambda s: s.dispatched and not s.did("return"),
    "first_receiver_closed": lambda s: s.first_receiver_closed,
    "returned_thrice": lambda s: len(s.did("return")) >= 3,
    "reworked_again": lambda s: len(s.did("rework")) >= 2,
    "escalated": lambda s: bool(s.did("escalate")),
    "extension_asked": lambda s: bool(s.did("extend")),
    "extended": lambda s: s.extended,
    "extended_closed": lambda s: s.extended and s.closed,
    "ever_suspended": lambda s: bool(s.came_to("suspended")),
    "whistled": lambda s: bool(s.answers),
    "reported_in": lambda s: bool(s.answers) and None not in s.answers,
    "reported_in_30m": lambda s: bool(s.answers) and _in_half_an_hour(s.answers),
    "entered_late": lambda s: s.ticket["recorded_at"] - s.ticket["occurred_at"] > MINUTE,
    "closed_last_hour": lambda s: s.last_hour,
    "disputed": lambda s: s.disputed,
    # what the staff's callback found
    "called_back": lambda s: s.callback is not None,
    "closed_called_back": lambda s: s.closed and s.callback is not None,
    "valid_callback": lambda s: s.answer is not None,
    "callback_contact_known": lambda s: s.told("contacted") is not None,
    "callback_contacted": lambda s: s.told("contacted") is True,
    "callback_resolved": lambda s: s.told("resolved") == "yes",
    "callback_partly": lambda s: s.told("resolved") == "partly",
    "callback_very_satisfied": _satisfaction("very_satisfied"),
    "callback_satisfied": _satisfaction("satisfied"),
    "callback_basic": _satisfaction("basic"),
    "callback_dissatisfied": _satisfaction("dissatisfied"),
    "callback_very_dissatisfied": _satisfaction("very_dissatisfied"),
    "dispatched_dissatisfied": lambda s: s.dispatched and s.unhappy,
    # what the reporter said
    "rated": lambda s: s.rating != "",
    "rated_very_satisfied": _rated("very_satisfied"),
    "rated_satisfied": _rated("satisfied"),
    "rated_basic": _rated("basic"),
    "rated_dissatisfied": _rated("dissatisfied"),
    "rated_very_dissatisfied": _rated("very_dissatisfied"),
    # items of commitment lists
    "listed": lambda s: s.dimensions["list"] != "",
    "listed_closed": lambda s: s.dimensions["list"] != "" and s.closed,
    "listed_due": lambda s: s.dimensions["list"] != "" and s.due,
    "listed_on_time": lambda s: s.dimensions["list"] != "" and s.on_time,
}
