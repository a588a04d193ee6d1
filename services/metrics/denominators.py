"""The smallest denominator over which a fraction lies in a range, found without trying each.

How many fractions k ÷ m lie in a range for all m up to n is a sum of floors, which Euclid's algorithm adds up in a few
dozen steps however great n is; it only rises, so the first m that has one is found by halving.
"""

from collections.abc import Callable
from fractions import Fraction

from services.metrics.shares import Range

_BEYOND = 10**15  # a denominator without upper bound is not looked for any further


def first(allowed: Range, numerator: int | None, low: int, high: int | None) -> int | None:
    """Return the smallest denominator from low to high that will do, or None; `high` None: without bound.

    `numerator`: the one that must lie in the range over it; None: any.
    """
    up_to = _having(allowed) if numerator is None else _fitting(allowed, numerator)
    before = up_to(low - 1)
    if high is None:
        high = low
        while up_to(high) == before:
            high *= 2
            if high > _BEYOND:
                return None
    elif up_to(high) == before:
        return None
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if up_to(middle) > before else (middle + 1, high)
    return low


def _having(allowed: Range) -> Callable[[int], int]:
    """Return n → how many k ÷ m lie in the range for all m up to n."""
    low = (allowed.low.numerator, allowed.low.denominator)
    high = (allowed.high.numerator, allowed.high.denominator)

    def up_to(n: int) -> int:
        # Σ(last − first + 1); ⌈x⌉ is ⌊(p·m + q − 1) ÷ q⌋
        ends = _floors(n, *high, 0) + n if allowed.high_in else _floors(n, *high, high[1] - 1)
        begins = _floors(n, *low, low[1] - 1) if allowed.low_in else _floors(n, *low, 0) + n
        return ends - begins

    return up_to


def _fitting(allowed: Range, k: int) -> Callable[[int], int]:
    """Return n → how many denominators up to n make k ÷ m lie in the range."""

    def up_to(n: int) -> int:
        if k == 0 or allowed.high == 0:
            return n if k == 0 and Fraction(0) in allowed else 0
        # k ÷ m falls as m grows: those not yet below the range, less those still above it.
        most = _greatest(k, allowed.low, include=allowed.low_in) if allowed.low else n
        above = _greatest(k, allowed.high, include=not allowed.high_in)
        top = min(n, most)
        return max(0, top - min(top, above))

    return up_to


def _greatest(k: int, bound: Fraction, *, include: bool) -> int:
    """Return the greatest m with k ÷ m ≥ bound, or > bound."""
    edge = Fraction(k) / bound
    whole = int(edge)
    return whole if include or whole != edge else whole - 1


def _floors(n: int, p: int, q: int, r: int) -> int:
    """Return Σ ⌊(p·m + r) ÷ q⌋ for m from 1 to n, in as many steps as Euclid's algorithm takes."""
    total, r = 0, r + p  # from here on m runs from 0 to n − 1
    while True:
        total += (n * (n - 1) // 2) * (p // q) + n * (r // q)
        p, r = p % q, r % q
        top = p * n + r
        if top < q:
            return total
        n, r, p, q = top // q, top % q, q, p
