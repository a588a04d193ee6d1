"""What a reporter has answered, and whether they were told how their matter ended. Pure."""

from collections.abc import Mapping
from typing import Any

from services.routing.held import Standing
from shared.terms import CallbackResult, FeedbackChannel, Resolved, Satisfaction

ANSWERS = ("resolved", "satisfaction")
_UNHAPPY = frozenset({Satisfaction.DISSATISFIED.value, Satisfaction.VERY_DISSATISFIED.value})


def answered(data: Mapping[str, Any]) -> bool:
    """Return whether a callback reached somebody who gave an answer; metrics count it valid by the same rule."""
    valid = data.get("valid")
    if valid is not None:
        return bool(valid)
    return any(data.get(name) is not None for name in ("contacted", *ANSWERS))


def result_of(data: Mapping[str, Any]) -> CallbackResult:
    """Return what a callback came to."""
    if not answered(data):
        return CallbackResult.UNREACHED
    return CallbackResult.BAD if unhappy(data) else CallbackResult.GOOD


def unhappy(data: Mapping[str, Any]) -> bool:
    """Return whether it is called unsolved, or whoever was asked is not satisfied."""
    return data.get("resolved") == Resolved.NO or data.get("satisfaction") in _UNHAPPY


def told_by(standing: Standing, data: Mapping[str, Any]) -> FeedbackChannel | None:
    """Return how the reporter learns of a move that ends their matter; None where nothing shows that they do.

    Whoever is in the mini-program reads the outcome there; who left no telephone has the public answer only.
    """
    named = data.get("feedback_channel")
    if named is not None:
        return FeedbackChannel(named)
    if answered(data):
        return FeedbackChannel.PHONE
    if standing.reporter_id is not None:
        return FeedbackChannel.MINI_PROGRAM
    return None if standing.reachable else FeedbackChannel.PUBLIC
