"""A row that was brought in before and now tells more: what is new, if all that was told stays as it was.

Histories stand here as they are stored: [[action, ISO instant, data], …].
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.intake.ledger.course import FROM_LEDGER

Stored = Sequence[Sequence[Any]]
# A matter that was waiting when it was last told of, and was turned away since.
_TOLD_LATER = ("outcome", "assumed")
_TURNED_AWAY = frozenset({"reject", "merge", "withdraw", "redirect"})


def grown(before: Stored, now: Stored, moment: datetime) -> list[list[Any]] | None:
    """Return the moves that `now` tells beyond `before`, none if it tells the same; None where they differ."""
    first, *rest = (list(move) for move in now)
    registered, *told = _with_exclusion(before)
    late = _excluded_since(registered, first, moment)
    if late is None:
        return None
    same = 0
    while same < min(len(told), len(rest)) and _same(told[same], rest[same]):
        same += 1
    left = [move[0] for move in told[same:]]
    if not left or (left == ["accept"] and rest[same:] and rest[same][0] in _TURNED_AWAY):
        return [*rest[same:], *late]
    return None


def _with_exclusion(before: Stored) -> list[Sequence[Any]]:
    """Return the moves with an exclusion that an earlier import added put where a ledger tells it: at the start."""
    registered, *told = before
    data = dict(registered[2])
    for move in told:
        if move[0] == "exclude":
            data["exclusion"] = move[2]["exclusion"]
    return [[*registered[:2], data], *(move for move in told if move[0] != "exclude")]


def _same(before: Sequence[Any], now: Sequence[Any]) -> bool:
    """Return whether two moves are one; the outcome, or whose time it was, may be told only with the closing.

    Whose a matter would be, said while it waited, may be said otherwise once it is sent.
    """
    names = (*_TOLD_LATER, "unit") if now[0] == "accept" else _TOLD_LATER
    return list(before[:2]) == list(now[:2]) and _without(before[2], *names) == _without(now[2], *names)


def _without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in names}


def _excluded_since(before: Sequence[Any], now: Sequence[Any], moment: datetime) -> list[list[Any]] | None:
    """Return the exclusion from assessment that came since as a move; None where the registration differs."""
    if _same(before, now):
        return []
    why = now[2].get("exclusion")
    if "exclusion" in before[2] or list(before[:2]) != list(now[:2]):
        return None
    if _without(now[2], "exclusion") != before[2]:
        return None
    return [["exclude", moment.isoformat(), {"reason": FROM_LEDGER, "exclusion": why}]]
