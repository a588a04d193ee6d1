"""From a row to the moves it tells of, each with its moment: the history that routing will write.

What must have happened but has no time of its own in the ledger stands at the nearest moment told and is
marked `assumed`: it is there because the next step could not be without it, and is evidence of nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from services.intake.ledger import disposition
from services.intake.ledger.columns import HEADER_OF
from services.intake.ledger.faults import unfit
from services.intake.ledger.rows import Row
from services.intake.ledger.times import Times, in_order
from services.intake.ledger.words import Disposition, Stage
from shared.terms import Agency, ListLevel, Outcome, PauseReason, RejectReason, Resolved, Satisfaction

FROM_LEDGER: Final = "台账记载"
UNSPECIFIED_UNIT: Final = "未注明单位"
_REASONS: Final = {reason.text: reason.value for reason in RejectReason}


@dataclass(frozen=True, slots=True)
class Told:
    """One move a ledger tells of; `data` is what `shared.lifecycle` wants it to bring, JSON all through."""

    action: str
    at: datetime
    data: dict[str, Any]


@dataclass(slots=True)
class _Moves:
    made: list[Told] = field(default_factory=list)

    def actions(self) -> list[str]:
        return [move.action for move in self.made]

    def add(self, action: str, at: datetime, *, assumed: bool = False, **data: Any) -> None:
        said = {name: value for name, value in data.items() if value is not None}
        self.made.append(Told(action, at, said | {"assumed": True} if assumed else said))


@dataclass(frozen=True, slots=True)
class Course:
    """The whole history of a row. `recorded`: when it was written down; `ended`: when it closed, if it did."""

    moves: tuple[Told, ...]
    recorded: datetime
    closed: datetime | None
    rated: datetime | None


def course(row: Row, now: datetime) -> Course:
    """Return the history a row tells as of `now`; raise Unfit naming the columns that contradict it."""
    times = in_order(row, now)
    found = disposition.of(row)
    moves = _Moves()
    moves.add(
        "register", times.received, imported=True, checklist=row.checklist, exclusion=row.excluded_reason,
        list_level=ListLevel(row.list_level).value if row.list_level else None,
    )  # fmt: skip
    closed = _TELLERS[found](moves, row, times)
    rated = (closed or times.called or times.received) if row.rating is not None else None
    return Course(tuple(moves.made), times.recorded, closed, rated)


def _pending(moves: _Moves, row: Row, times: Times) -> None:
    if row.stage == Stage.TOPIC:
        return
    moves.add("accept", times.received, unit=None if row.return_count else row.lead_unit)
    _returns(moves, row, times, row.return_count or 0)


def _returns(moves: _Moves, row: Row, times: Times, count: int) -> datetime:
    """Tell of `count` dispatches that came back; return when the matter was (first) dispatched."""
    at = times.get("dispatched_at")
    sent = at or times.received
    for number in range(count):
        moves.add("dispatch", sent, assumed=at is None or number > 0, **_to_units(row))
        moves.add("return", sent, assumed=True, reason=FROM_LEDGER)
    return sent


def _to_units(row: Row) -> dict[str, Any]:
    return {"unit": row.lead_unit or UNSPECIFIED_UNIT, "co_units": list(row.co_units) or None}


def _direct(moves: _Moves, row: Row, times: Times) -> datetime:
    closed = times.first_of("closed_at", "handled_at") or times.received
    moves.add("accept", times.received)
    moves.add(
        "close_directly", closed, reason=FROM_LEDGER, unit=row.lead_unit, outcome=row.outcome or Outcome.RESOLVED.value
    )  # fmt: skip
    if disposition.called_back(row):
        called = times.called or closed
        if called < closed:
            raise unfit("callback_at", f"{HEADER_OF['callback_at']}不能早于{HEADER_OF['closed_at']}")
        _call_back(moves, row, called)
    return closed


def _ended(action: str, **brings: Any) -> Callable[[_Moves, Row, Times], None]:
    """Return the teller of a matter that ended so; it was accepted only where the row shows that it was."""

    def tell(moves: _Moves, row: Row, times: Times) -> None:
        out = ("dispatched_at", "signed_at", "extended_to", "return_count")
        sent = bool(row.told(*out)) or row.stage == Stage.PROJECT
        if sent or row.stage == Stage.ISSUE:
            moves.add("accept", times.received)
        at = times.first_of("closed_at", "handled_at") or times.until("contacted_at")
        if sent:
            _sent_and_back(moves, row, times, withdrawn=action == "withdraw")
        reason = row.reject_reason or FROM_LEDGER
        code = _REASONS.get(reason) if action == "reject" else None
        moves.add(
            action, at, reason=reason, reason_code=code, outcome=row.outcome, unit=row.lead_unit, **brings
        )

    return tell


def _sent_and_back(moves: _Moves, row: Row, times: Times, *, withdrawn: bool) -> None:
    """Tell how a matter went out and came back to the desk, where alone it can end."""
    signed, returns = times.get("signed_at"), row.return_count or 0
    in_hands = signed is not None or row.extended_to is not None
    # Where it was in hand, the last return is the one by which it came back from there.
    before = max(returns - 1, 0) if in_hands else returns
    sent = _returns(moves, row, times, before)
    if returns and not in_hands:
        return
    assumed = bool(before) or "dispatched_at" not in times.steps
    moves.add("dispatch", sent, assumed=assumed, **_to_units(row))
    if in_hands:
        at = signed or sent
        moves.add("sign", at, assumed=signed is None)
        _extension(moves, row, times, at)
        moves.add("return", at, assumed=True, reason=FROM_LEDGER)
    elif not withdrawn:
        moves.add("recall", sent, assumed=True, reason=FROM_LEDGER)


def _dispatched(moves: _Moves, row: Row, times: Times) -> datetime | None:
    moves.add("accept", times.received)
    sent = _returns(moves, row, times, row.return_count or 0)
    assumed = bool(row.return_count) or "dispatched_at" not in times.steps
    moves.add("dispatch", sent, assumed=assumed, **_to_units(row))
    closed = times.get("closed_at")
    called = _called(row, times, closed)
    # A callback before a rework says nothing of when the matter was done at last.
    handled = _handled_at(times, None if row.rework_count else called)
    if called is not None and row.rework_count and (handled is None or called < handled):
        _sent_back(moves, row, times, sent, called)
        called = None
    else:
        contacted = _in_hands(moves, row, times, sent, handled)
        if handled is None and row.rework_count:
            _finish_parts(moves, row, contacted or sent)
            _reworks(moves, row, contacted or sent)
        _pause(moves, times, handled)
        if handled is not None:
            _finish_parts(moves, row, handled)
    if handled is None:
        return None
    if "rework" not in moves.actions():
        _reworks(moves, row, handled)
    told = "handled_at" in times.steps
    moves.add("handle", handled, assumed=not told, reason=FROM_LEDGER, outcome=row.outcome)
    _check_and_close(moves, row, handled, called, closed)
    return closed


def _sent_back(moves: _Moves, row: Row, times: Times, sent: datetime, called: datetime) -> None:
    """Tell of a callback that led to a rework: done by then, found wanting, and in hand again."""
    _in_hands(moves, row, times, sent, called)
    paused = times.get("suspended_from")
    if paused is not None and paused <= called:
        if times.paused_still or (times.get("suspended_to") or called) > called:
            raise unfit("callback_at", f"{HEADER_OF['callback_at']}不能在挂账期间")
        _pause(moves, times, called)
    for number in range(row.rework_count or 0):
        if number == 0:
            _finish_parts(moves, row, called)
        moves.add("handle", called, assumed=True, reason=FROM_LEDGER)
        moves.add("review_pass", called, assumed=True)
        if number == 0:
            _call_back(moves, row, called)
        moves.add("rework", called, assumed=True, reason=FROM_LEDGER)
    if paused is not None and paused > called:
        _pause(moves, times, times.first_of("handled_at", "closed_at"))


def _called(row: Row, times: Times, closed: datetime | None) -> datetime | None:
    if not disposition.called_back(row):
        return None
    return times.called or closed or times.get("handled_at") or times.until("suspended_from")


def _handled_at(times: Times, called: datetime | None) -> datetime | None:
    """Return when the unit was done: told, or at the latest when somebody called back or closed."""
    told = times.get("handled_at")
    closed = times.get("closed_at")
    if told is not None or closed is None:
        return told
    return min(called or closed, closed)


def _in_hands(
    moves: _Moves, row: Row, times: Times, sent: datetime, handled: datetime | None
) -> datetime | None:
    """Tell of signing, contact, and what was asked for meanwhile; return since when it is being handled."""
    signed, contacted = times.get("signed_at"), times.get("contacted_at")
    next_told = [at for at in (times.get("suspended_from"), handled) if at is not None]
    held = contacted or min(next_told, default=signed or sent if row.rework_count else None)
    if signed is None and held is None and row.extended_to is None:
        return None
    at = signed or (sent if row.extended_to or held is None else held)
    moves.add("sign", at, assumed=signed is None)
    _extension(moves, row, times, at)
    for unit in _helpers(row):
        moves.add("assist", at, assumed=True, unit=unit)
    if held is not None:
        moves.add("contact", held, assumed=contacted is None)
    return held


def _helpers(row: Row) -> list[str]:
    return [unit for unit in row.co_units if unit != row.lead_unit]


def _extension(moves: _Moves, row: Row, times: Times, signed: datetime) -> None:
    """Tell of a granted extension: asked for as soon as it could be, which must be before the deadline."""
    if row.extended_to is None:
        return
    asked = HEADER_OF["signed_at" if "signed_at" in times.steps else "dispatched_at"]
    if row.due_at is not None and signed > row.due_at:
        told = HEADER_OF["due_at"]
        raise unfit("extended_to", f"{HEADER_OF['extended_to']}:须在{told}之前提出,而{asked}已在其后")
    if row.extended_to <= signed:
        raise unfit("extended_to", f"{HEADER_OF['extended_to']}须晚于{asked}")
    until = row.extended_to.isoformat()
    moves.add("extend", signed, assumed=True, reason=FROM_LEDGER, until=until)
    moves.add("decide_extension", signed, assumed=True, approve=True, until=until)


def _pause(moves: _Moves, times: Times, handled: datetime | None) -> None:
    paused, resumed = times.get("suspended_from"), times.get("suspended_to")
    if paused is None:
        return
    if times.paused_still and handled is not None:
        raise unfit("suspended_to", f"{HEADER_OF['suspended_to']}晚于现在,与已经办结不符")
    moves.add("suspend", paused, reason=FROM_LEDGER, reason_code=PauseReason.ENGINEERING.value)
    if resumed is not None:
        moves.add("resume", resumed)
    elif handled is not None:
        moves.add("resume", handled, assumed=True)


def _finish_parts(moves: _Moves, row: Row, at: datetime) -> None:
    for unit in _helpers(row):
        moves.add("finish_part", at, assumed=True, unit=unit, reason=FROM_LEDGER)


def _reworks(moves: _Moves, row: Row, at: datetime) -> None:
    """Tell of each rework: done by then, found wanting, and in hand again."""
    for _ in range(row.rework_count or 0):
        moves.add("handle", at, assumed=True, reason=FROM_LEDGER)
        moves.add("review_pass", at, assumed=True)
        moves.add("rework", at, assumed=True, reason=FROM_LEDGER)


def _check_and_close(
    moves: _Moves, row: Row, handled: datetime, called: datetime | None, closed: datetime | None
) -> None:
    if called is None and closed is None:
        return
    moves.add("review_pass", handled, assumed=True)
    if called is not None and (closed is None or called < closed):
        _call_back(moves, row, called)
    if closed is not None:
        moves.add("close", closed, outcome=row.outcome or Outcome.RESOLVED.value)
        if called is not None and called >= closed:
            _call_back(moves, row, called)


def _call_back(moves: _Moves, row: Row, at: datetime) -> None:
    answers = (row.callback_contacted, row.callback_resolved, row.callback_satisfaction)
    valid = row.callback_valid
    if valid is None:
        valid = any(answer is not None for answer in answers)
    moves.add(
        "call_back", at, assumed=row.callback_at is None, valid=valid, contacted=row.callback_contacted,
        resolved=Resolved(row.callback_resolved).value if row.callback_resolved else None,
        satisfaction=Satisfaction(row.callback_satisfaction).value if row.callback_satisfaction else None,
    )  # fmt: skip


_TELLERS: Final[Mapping[Disposition, Callable[[_Moves, Row, Times], datetime | None]]] = {
    Disposition.PENDING: _pending,
    Disposition.DIRECT: _direct,
    Disposition.DISPATCHED: _dispatched,
    Disposition.REJECTED: _ended("reject"),
    Disposition.MERGED: _ended("merge", into="unknown"),
    Disposition.WITHDRAWN: _ended("withdraw"),
    Disposition.REDIRECTED: _ended("redirect", agency=Agency.OTHER.value),
}
