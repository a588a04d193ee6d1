"""What the moves of handling and closing leave on a ticket: who worked on it, who passed it, whose word ends it. Pure."""

from collections.abc import Callable

from services.routing.closing.answers import answered, result_of, told_by
from services.routing.closing.sampling import why_call
from services.routing.held import Change
from services.routing.timing import due_by
from shared.lifecycle import State
from shared.terms import CallbackMode, FeedbackChannel, Role

_HANDS = frozenset({Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER})
_REVIEWERS = frozenset({Role.SUPERVISOR, Role.DISPATCHER})
_ANEW = (
    "reviewer_id", "callback_mode", "callback_result", "confirm_until", "closure_asked", "asked_by", "answered_at",
)  # fmt: skip


def note(action: str, c: Change) -> None:
    """Note what a move means for the closing of its ticket; before its state changes."""
    effect = _EFFECTS.get(action)
    if effect is not None:
        effect(c)


def _worked(c: Change) -> None:
    # Of a ledger's moves nobody knows whose they were: whoever brought it in did not work on the matter.
    if c.actor.role in _HANDS and c.actor.id not in c.row["handler_ids"]:
        c.row["handler_ids"] = [*c.row["handler_ids"], c.actor.id]


def _passed(c: Change) -> None:
    if c.data.get("assumed"):
        return  # a ledger does not tell of it: nobody was asked anything
    c.row["reviewer_id"] = c.actor.id if c.actor.role in _REVIEWERS else None
    policy = c.registry.closing_on(c.at)
    why = why_call(c.row, policy, reporter=c.standing.reporter_id is not None)
    if why is not None:
        _by_a_person(c, why)
        return
    until = due_by(c.row, c.at, str(policy.confirm_within), c.registry).at
    c.row.update(callback_mode=CallbackMode.REPORTER.value, confirm_until=until)
    c.data.update(callback_mode=CallbackMode.REPORTER.value, confirm_until=until)


def _by_a_person(c: Change, why: str) -> None:
    c.row.update(callback_mode=CallbackMode.PERSON.value, confirm_until=None)
    c.data.update(callback_mode=CallbackMode.PERSON.value, callback_why=why)


def _pressed(c: Change) -> None:
    """Let a person call where a matter that waits for its reporter is urged again, or supervised."""
    if c.standing.state is State.CALLBACK and c.row["callback_mode"] == CallbackMode.REPORTER:
        why = why_call(c.row, c.registry.closing_on(c.at), reporter=True)
        if why is not None:
            _by_a_person(c, why)


def _begin_anew(c: Change) -> None:
    c.row.update(dict.fromkeys(_ANEW))


def _called(c: Change) -> None:
    c.row["callback_result"] = result_of(c.data).value
    if answered(c.data):
        _tell(c, FeedbackChannel.PHONE)


def _ask(c: Change) -> None:
    c.row.update(closure_asked=c.data["closure"], asked_by=c.actor.id)


def _fed_back(c: Change) -> None:
    _tell(c, FeedbackChannel(c.data["feedback_channel"]))


def _close(c: Change) -> None:
    if c.actor.role is Role.RESIDENT:
        c.data["confirmed_by"] = "reporter"
        _tell(c, FeedbackChannel.MINI_PROGRAM)
        return
    if answered(c.data):
        c.row["callback_result"] = result_of(c.data).value
    _end(c)


def _close_specially(c: Change) -> None:
    if c.row["asked_by"] is not None:
        c.data["asked_by"] = str(c.row["asked_by"])
    _end(c)


def _end(c: Change) -> None:
    channel = told_by(c.standing, c.data)
    if channel is not None:
        _tell(c, channel)


def _tell(c: Change, channel: FeedbackChannel) -> None:
    c.row["answered_at"] = c.row["answered_at"] or c.at
    c.data["feedback_channel"] = channel.value


_EFFECTS: dict[str, Callable[[Change], None]] = {
    "contact": _worked, "handle": _worked, "finish_part": _worked, "review_pass": _passed, "review_fail": _begin_anew,
    "rework": _begin_anew, "reopen": _begin_anew, "unmerge": _begin_anew, "urge": _pressed, "supervise": _pressed, "call_back": _called,
    "ask_closure": _ask, "feed_back": _fed_back, "close": _close, "close_after_review": _close_specially,
    "close_deferred": _close_specially, "close_transferred": _close_specially, "close_directly": _end, "reject": _end,
    "redirect": _end, "merge": _end,
}  # fmt: skip
