"""How a ticket is shown: to its reporter the public course of it, to staff in scope all, private data masked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.intake.verdicts import PUBLISHABLE, REASONS
from shared.clock import remaining_text
from shared.keyring import Keyring, mask_name, mask_phone
from shared.lifecycle import FINAL, REGISTER, State, action_text
from shared.terms import Channel, ContentVerdict, Kind, Outcome, Resolved, Role, Satisfaction, Term

TITLE_LENGTH = 30
# WeChat's classes of risk (msgSecCheck, version 2).
LABELS = {
    100: "正常", 10001: "广告", 20001: "时政", 20002: "色情", 20003: "辱骂", 20006: "违法犯罪", 20008: "欺诈",
    20012: "低俗", 20013: "版权", 21000: "其他",
}  # fmt: skip
_CLOSING = frozenset({"close", "close_directly", "close_after_review", "close_deferred", "close_transferred"})
# What a resident sees of the course: where the matter went, not how the house talks about it.
PUBLIC_ACTIONS = _CLOSING | {
    "accept", "reject", "merge", "unmerge", "redirect", "withdraw", "dispatch", "designate", "sign", "contact",
    "handle", "rework", "reopen", "suspend", "resume", "decide_extension", "urge", "feed_back",
}  # fmt: skip
# Whose reasons are meant for the reporter (rejections and pauses must be told); the others are working notes.
PUBLIC_REASONS = _CLOSING | {"reject", "redirect", "handle", "suspend", "decide_extension", "feed_back"}


def _text(vocabulary: type[Term], code: str | None) -> str | None:
    return vocabulary(code).text if code else None


def title(content: str) -> str:
    """Return the first 30 characters on one line."""
    return " ".join(content.split())[:TITLE_LENGTH]


def deadline_text(state: State, due_at: datetime | None, now: datetime) -> str | None:
    """Return the deadline in a resident's words; None once nothing is owed."""
    if due_at is None or state in FINAL:
        return None
    return "计时暂停" if state is State.SUSPENDED else remaining_text(due_at, now)


def item(row: Row[Any], now: datetime, thumb_url: str | None = None) -> dict[str, Any]:
    """Return a ticket as it stands in a list."""
    state = State(row.state)
    return {
        "id": str(row.id),
        "number": row.number,
        "title": title(row.content),
        "state": state.value,
        "state_text": state.text,
        "kind": row.kind or None,
        "kind_text": _text(Kind, row.kind),
        "channel": row.channel,
        "channel_text": Channel(row.channel).text,
        "category": row.category,
        "category_text": row.category_text,
        "community_code": row.community_code,
        "occurred_at": row.occurred_at,
        "due_at": row.due_at,
        "deadline_text": deadline_text(state, row.due_at, now),
        "updated_at": row.updated_at,
        "thumb_url": thumb_url,
    }


def own_words(row: Row[Any], keys: Keyring, *, mine: bool) -> dict[str, Any]:
    """Return what was reported; of an anonymous or confidential ticket staff see no reporter and no address."""
    hidden = not mine and (row.anonymous or row.confidential)
    private = keys.open(row.private, row.id.bytes) if row.private and not hidden else {}
    name, phone = mask_name(private.get("name")), mask_phone(private.get("phone"))
    location = {"longitude": row.longitude, "latitude": row.latitude, "crs": row.crs}
    shown = row.crs is not None and (mine or not row.confidential)
    return {
        "content": row.content,
        "deadline_why": row.due_why or [],
        "location": location if shown else None,
        "address": row.address or private.get("address"),
        "grid_code": row.grid_code,
        "anonymous": row.anonymous,
        "confidential": row.confidential,
        "contact": {"name": name, "phone": phone} if name or phone else None,
        "recorded_at": row.recorded_at,
        "late": row.late,
        "version": row.version,
        "outcome": row.outcome,
        "outcome_text": _text(Outcome, row.outcome),
        "confirm_until": row.confirm_until if row.state == State.CALLBACK else None,
    }


def timeline(
    row: Row[Any], moves: Sequence[Row[Any]], names: Mapping[str, str], *, public: bool
) -> list[dict[str, Any]]:
    """Return the course of a ticket, from its registration on."""
    # The ticket itself tells of its registration, with who entered it; routing's own note of it adds nothing.
    shown = [m for m in moves if m.action != REGISTER and (not public or _is_public(m))]
    return [_registered(row), *(_step(move, names, public=public) for move in shown)]


def _is_public(move: Row[Any]) -> bool:
    """Say whether a resident sees a move; of extensions those granted, for only they change anything."""
    return move.action in PUBLIC_ACTIONS and (
        move.action != "decide_extension" or bool(move.data.get("approve"))
    )


def _registered(row: Row[Any]) -> dict[str, Any]:
    role = Role(row.entered_role)
    return {
        "seq": 0,
        "action": REGISTER,
        "action_text": action_text(REGISTER),
        "state": State.SUBMITTED.value,
        "state_text": State.SUBMITTED.text,
        "unit": None,
        "role": role.value,
        "role_text": role.text,
        "reason": None,
        "occurred_at": row.occurred_at,
        "late": row.late,
    }


def _step(move: Row[Any], names: Mapping[str, str], *, public: bool) -> dict[str, Any]:
    role, state = Role(move.actor_role), State(move.to_state)
    # Of a dispatch one wants to know to whom, of all else by whom.
    unit = move.lead_unit if move.action in {"dispatch", "designate"} else move.actor_unit
    told = not public or move.action in PUBLIC_REASONS or role is Role.RESIDENT
    return {
        "seq": move.seq,
        "action": move.action,
        "action_text": action_text(move.action),
        "state": state.value,
        "state_text": state.text,
        "unit": names.get(unit) if unit else None,
        "role": role.value,
        "role_text": role.text,
        "reason": move.reason if told else None,
        "occurred_at": move.occurred_at,
        "late": move.late,
    }


def units_named(row: Row[Any], moves: Sequence[Row[Any]]) -> set[str]:
    """Return the codes of the units whose names the view needs."""
    codes = {row.lead_unit, *(m.lead_unit for m in moves), *(m.actor_unit for m in moves)}
    return {code for code in codes if code}


def group(lead: Row[Any], now: datetime, *, public: bool) -> dict[str, Any]:
    """Return how the ticket fares that this one went into; its number is not told to another's reporter."""
    state = State(lead.state)
    return {
        "number": None if public else lead.number,
        "people": lead.people,
        "state": state.value,
        "state_text": state.text,
        "deadline_text": deadline_text(state, lead.due_at, now),
        "closed_at": lead.closed_at,
        "outcome": lead.outcome,
        "outcome_text": _text(Outcome, lead.outcome),
    }


def supplement(row: Row[Any]) -> dict[str, Any]:
    """Return what was added later."""
    role = Role(row.author_role)
    return {
        "id": str(row.id),
        "content": row.content,
        "role": role.value,
        "role_text": role.text,
        "recorded_at": row.recorded_at,
    }


def rating(row: Row[Any]) -> dict[str, Any]:
    """Return a rating of a closure."""
    return {
        "closure": row.closure,
        "satisfaction": row.satisfaction,
        "satisfaction_text": _text(Satisfaction, row.satisfaction),
        "resolved": row.resolved,
        "resolved_text": _text(Resolved, row.resolved),
        "contacted": row.contacted,
        "comment": row.comment,
        "recorded_at": row.recorded_at,
    }


def content_check(row: Row[Any]) -> dict[str, Any]:
    """Return what the check of the text says, for staff; flagged is whatever stays out of public view for it."""
    verdict = ContentVerdict(row.verdict)
    return {
        "verdict": verdict.value,
        "verdict_text": verdict.text,
        "flagged": verdict not in PUBLISHABLE,
        "label": row.label,
        "label_text": LABELS.get(row.label),
        "reason": row.reason,
        "reason_text": REASONS.get(row.reason),
    }
