"""For how long a thing holds: from a first day to a last one, both included. Plain arithmetic."""

from datetime import date, timedelta

A_DAY = timedelta(days=1)


def holds(since: date, until: date | None, day: date) -> bool:
    """Say whether what is valid from `since` to `until` (None: without a known end) is so on `day`."""
    return since <= day and (until is None or day <= until)


def overlap(since: date, until: date | None, other_since: date, other_until: date | None) -> bool:
    """Say whether two spans share a day."""
    return (until is None or other_since <= until) and (other_until is None or since <= other_until)
