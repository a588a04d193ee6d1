"""A ticket's wanted course: which move it makes from which state, by whom and when. Plain data and arithmetic.

State-driven, so that a course can be taken up anywhere: after an interruption, or by a second run. Where a
course passes a state twice (rework, reopening) its second passage is another `Life`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.calendar import parse_limit
from shared.clock import SHANGHAI
from shared.lifecycle import State
from shared.terms import Role

OPENS, CLOSES = 9, 17  # hours in which offices work
STEP = timedelta(minutes=4)
QUICKEST, SLOWEST = 0.15, 0.8  # of the limit, from receipt to closure


@dataclass(frozen=True, slots=True)
class Move:
    """One wanted move. `by_lead`: made by the unit that has the ticket. `ends_life`: what follows is the next life."""

    action: str
    role: Role
    at: datetime
    body: Mapping[str, Any] = field(default_factory=dict)
    by_lead: bool = False
    ends_life: bool = False


Life = Mapping[State, Move]


@dataclass(frozen=True, slots=True)
class Wanted:
    """A ticket to be there. `goal` is where its course ends; `unit` who probably leads it."""

    serial: str
    filing: Mapping[str, Any]
    lives: tuple[Life, ...]
    goal: State
    unit: str
    places_itself: bool = True


@dataclass(frozen=True, slots=True)
class Times:
    """When a normal course signs, contacts, handles, passes the review and closes."""

    sign: datetime
    contact: datetime
    handle: datetime
    review: datetime
    close: datetime


def times(
    received: datetime, limits: Mapping[str, str], chance: random.Random, latest: datetime | None = None
) -> Times:
    """Return moments within a category's limits, closed by `latest`; urgent matters run day and night."""
    limit = parse_limit(limits["resolve_limit"])
    share = chance.uniform(QUICKEST, SLOWEST)
    if limit.by_clock:
        first = min(parse_limit(limits["sign_limit"]).span, parse_limit(limits["contact_limit"]).span)
        sign, contact = received + first * share, received + first * (share + 0.15)
        close = received + limit.span * share
    else:
        sign = received + timedelta(minutes=chance.randint(5, 90))
        contact = sign + timedelta(minutes=chance.randint(5, 120))
        close = office_hours(received + timedelta(days=min(limit.amount, 12) * share), chance)
    if latest is not None and close > latest:
        close = latest - timedelta(minutes=chance.randint(0, 240))
    return _in_order(received, sign, contact, close)


def _in_order(received: datetime, sign: datetime, contact: datetime, close: datetime) -> Times:
    close = max(close, received + 5 * STEP)
    sign = min(sign, close - 4 * STEP)
    contact = min(max(contact, sign), close - 3 * STEP)
    handle = contact + (close - contact) * 0.7
    return Times(sign, contact, handle, handle + (close - handle) * 0.4, close)


def office_hours(moment: datetime, chance: random.Random) -> datetime:
    """Return `moment`, or a time of its day when offices work."""
    local = moment.astimezone(SHANGHAI)
    if OPENS <= local.hour < CLOSES:
        return local
    return local.replace(hour=chance.randint(OPENS, CLOSES - 1), minute=chance.randint(0, 59))


def handling(at: Times, reason: str, outcome: str = "resolved") -> dict[State, Move]:
    """Return the moves from dispatch to closure."""
    lead = {"role": Role.UNIT, "by_lead": True}
    result = {"reason": reason, "outcome": outcome}
    return {
        State.DISPATCHED: Move("sign", at=at.sign, **lead),  # type: ignore[arg-type]
        State.SIGNED: Move("contact", at=at.contact, **lead),  # type: ignore[arg-type]
        State.HANDLING: Move("handle", at=at.handle, body=result, **lead),  # type: ignore[arg-type]
        State.HANDLED: Move("review_pass", Role.SUPERVISOR, at.review),
        State.CALLBACK: Move("close", Role.CALLBACK_CLERK, at.close, {"outcome": outcome}),
    }


def placing(at: datetime, unit: str) -> dict[State, Move]:
    """Return the moves by which people place a ticket: accepted, then dispatched to `unit`."""
    return {
        State.SUBMITTED: Move("accept", Role.DISPATCHER, at),
        State.ACCEPTED: Move("dispatch", Role.DISPATCHER, at + STEP / 4, {"unit": unit}),
    }
