"""Who hears of a move, and what: pure, from the history as it stands in the table (issue 5, part 7)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from services.intake.notices import words
from services.intake.notices.words import Say
from shared.clock import to_local
from shared.lifecycle import State, action_text
from shared.terms import Agency, Outcome, PauseReason, Role, Term

_AT_THE_DESK = frozenset({State.SUBMITTED.value, State.ACCEPTED.value})
_RESIDENT = Role.RESIDENT.value


@dataclass(frozen=True, slots=True)
class Move:
    """A row of `transitions`, and who led before it."""

    seq: int
    action: str
    to_state: str
    actor_id: UUID
    actor_role: str
    actor_unit: str | None
    reason: str | None
    data: Mapping[str, Any]
    due_at: datetime | None
    sign_due_at: datetime | None
    lead_unit: str | None
    lead_before: str | None
    outcome: str | None
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Matter:
    """What is known of the ticket; `units` names units by their codes."""

    number: str
    category: str
    reporter: UUID | None
    units: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Told:
    """One notice: to whom, of what kind, in which words."""

    recipient: str
    kind: str
    title: str
    detail: str


def resident(who: UUID) -> str:
    return f"resident:{who}"


def resident_of(recipient: str) -> UUID:
    """Return who a `resident:…` is."""
    return UUID(recipient.removeprefix("resident:"))


def person(who: UUID | str) -> str:
    return f"person:{who}"


def unit(code: str) -> str:
    return f"unit:{code}"


def office(role: str) -> str:
    return f"role:{role}"


def line(line_id: UUID) -> str:
    return f"line:{line_id}"


def of_unit(code: str | None) -> str:
    """Return who has a matter: its unit, else the desk."""
    return unit(code) if code is not None else office(Role.DISPATCHER.value)


def kind_of(move: Move) -> str:
    """Return the kind of notice a move makes: its action, or what was decided by it."""
    if move.action == "decide_extension":
        return "grant_extension" if move.data.get("approve") else "refuse_extension"
    if move.action == "comment" and move.data.get("petition_id"):
        return "refuse_petition"
    return move.action


def kind_text(kind: str) -> str:
    """Return a kind's name for people."""
    return words.KIND_TEXT.get(kind) or action_text(kind)


def told(move: Move, matter: Matter, *, last: bool) -> list[Told]:
    """Return the notices a move makes, each recipient once; `last`: of the moves made in one transaction."""
    filled = _fields(move, matter)
    found: dict[str, Told] = {}
    for recipient, kind, say in _sayings(move, matter, last=last):
        if not _by(move, recipient):
            found.setdefault(recipient, saying(recipient, kind, say, filled))
    return list(found.values())


def saying(recipient: str, kind: str, say: Say, filled: Mapping[str, str]) -> Told:
    """Return a notice with its words filled in."""
    return Told(recipient, kind, fit(say.title), say.detail.format_map(filled))


def _sayings(move: Move, matter: Matter, *, last: bool) -> Iterator[tuple[str, str, Say]]:
    kind = kind_of(move)
    if matter.reporter is not None and kind in words.REPORTER:
        yield resident(matter.reporter), kind, words.REPORTER[kind]
    if kind in words.LEAD and (move.lead_unit is not None or kind != "withdraw"):
        yield of_unit(move.lead_unit), kind, words.LEAD[kind]
    if kind in words.FORMER and move.lead_before is not None:
        yield unit(move.lead_before), kind, words.FORMER[kind]
    if kind in words.NAMED:
        name, say = words.NAMED[kind]
        for code in _listed(move.data.get(name)):
            yield unit(code), kind, say
    if kind in words.PERSON and move.data.get(words.PERSON[kind][0]):
        name, say = words.PERSON[kind]
        yield person(str(move.data[name])), kind, say
    if kind in words.OFFICE:
        role, say = words.OFFICE[kind]
        yield office(role), kind, say
    if last and move.to_state in _AT_THE_DESK and kind not in words.LEAD:
        yield office(Role.DISPATCHER.value), "to_dispatch", words.TO_DISPATCH


def _by(move: Move, recipient: str) -> bool:
    """Say whether the recipient made the move themselves; a reporter's wish is granted by routing, and told."""
    own = {person(move.actor_id)}
    if move.actor_unit is not None:
        own.add(unit(move.actor_unit))
    return recipient in own


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [str(code) for code in value] if isinstance(value, list) else [str(value)]


def _fields(move: Move, matter: Matter) -> dict[str, str]:
    return about(matter) | {
        "lead": _unit_name(move.lead_unit, matter),
        "actor": _unit_name(move.actor_unit, matter),
        "due": moment(move.due_at),
        "sign_due": moment(move.sign_due_at),
        "until": moment(_instant(move.data.get("until"))),
        "agency": _term(Agency, move.data.get("agency")),
        "pause": _term(PauseReason, move.data.get("reason_code")),
        "outcome": _term(Outcome, move.outcome),
        "reason": _reason(move),
    }


def about(matter: Matter) -> dict[str, str]:
    """Return what every sentence may say of the ticket."""
    return {"number": matter.number, "category": matter.category}


def _reason(move: Move) -> str:
    if not move.reason:
        return ""
    return f"{'留言' if move.actor_role == _RESIDENT else '说明'}:{move.reason}"


def _unit_name(code: str | None, matter: Matter) -> str:
    return matter.units.get(code, code) if code is not None else "街道"


def _term(vocabulary: type[Term], code: Any) -> str:
    try:
        return vocabulary(code).text
    except ValueError:
        return "其他"


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def moment(at: datetime | None) -> str:
    """Return an instant as people here write it: 11月25日18:00."""
    if at is None:
        return "规定时间"
    local = to_local(at)
    return f"{local.month}月{local.day}日{local:%H:%M}"


def fit(text: str, length: int = words.TITLE_LENGTH) -> str:
    """Return `text` in at most `length` characters; what is cut off is marked."""
    return text if len(text) <= length else f"{text[: length - 1]}…"
