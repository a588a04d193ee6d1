"""The share closed within d days, as a product-limit (Kaplan–Meier) curve: open tickets are censored, never dropped.

Pure. A plain "closed within 5 days ÷ all" counts yesterday's tickets as failures, and "÷ closed" forgets the open
ones; the product-limit estimator (Kaplan & Meier 1958) does neither. The band is Greenwood's variance on the
log(-log) scale, 95 %.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp, log, sqrt

from services.metrics.intervals import Z95


@dataclass(frozen=True, slots=True)
class Point:
    """How things stand after so many days."""

    day: int
    at_risk: int  # still open at the beginning of the day, and observed that long
    closed: int  # on that day
    censored: int  # observed no further than that day, and still open
    share: float  # closed within so many days, estimated
    low: float
    high: float


def curve(closed: Mapping[int, int], censored: Mapping[int, int]) -> list[Point]:
    """Return a point for each day on which something was closed; days are whole days since receipt.

    `closed`: how many were closed after so many days; `censored`: how many are open after so many. Who is open after
    d days was at risk on day d.
    """
    at_risk = sum(closed.values()) + sum(censored.values())
    left, variance = 1.0, 0.0
    found = []
    for day in sorted({*closed, *censored}):
        ended, lost = closed.get(day, 0), censored.get(day, 0)
        if ended:
            left *= 1 - ended / at_risk
            if at_risk > ended:
                variance += ended / (at_risk * (at_risk - ended))
            low, high = _band(left, variance)
            found.append(Point(day, at_risk, ended, lost, 1 - left, 1 - high, 1 - low))
        at_risk -= ended + lost
    return found


def _band(left: float, variance: float) -> tuple[float, float]:
    """Return the 95 % band of the share left open."""
    if left <= 0.0 or left >= 1.0:
        return left, left
    reach = Z95 * sqrt(variance) / abs(log(left))
    return left ** exp(reach), left ** exp(-reach)


def quantile(points: list[Point], share: float) -> int | None:
    """Return within how many days this share is closed, or None if the curve does not get there."""
    return next((p.day for p in points if p.share >= share - 1e-12), None)


def within(points: list[Point], days: int) -> Point | None:
    """Return how things stand after so many days: the last point not later, or None before the first."""
    before = [p for p in points if p.day <= days]
    return before[-1] if before else None
