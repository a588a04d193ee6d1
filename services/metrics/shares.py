"""A percentage as it was published, and which fractions it allows: 97.3%, 0.973, 百分之95, 超过95%, 约95%.

A printed percentage stands for all fractions that print so: under half_up half a step of its last digit to either
side, under truncate a step upwards, and 100 % for the whole alone. Words make it wider: 超过95% is strictly over,
95%以上 includes it (民法典), 近95% is within a step below, 约95% within one to either side.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from services.metrics.approximate import PREFIX, SUFFIX, Qualifier, plain, said_of
from services.metrics.rates import MOST_DIGITS, Rounding

ROUNDINGS: tuple[Rounding, ...] = ("half_up", "truncate")
ROUNDING_TEXT: dict[Rounding, str] = {"half_up": "四舍五入", "truncate": "截断"}
_SHARE = re.compile(
    rf"(?:达到|达|为)?(?P<prefix>{PREFIX})?(?P<per>百分之)?(?P<number>\d{{1,3}}(?:\.\d+)?)(?P<sign>%)?(?P<suffix>{SUFFIX})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Range:
    """Fractions from low to high; each end is in it or not."""

    low: Fraction
    high: Fraction
    low_in: bool = True
    high_in: bool = False

    def __contains__(self, share: Fraction) -> bool:
        above = share >= self.low if self.low_in else share > self.low
        return above and (share <= self.high if self.high_in else share < self.high)

    def numerators(self, denominator: int) -> range:
        """Return the k for which k ÷ denominator lies here."""
        low, high = self.low * denominator, self.high * denominator
        first = ceil(low) if self.low_in else floor(low) + 1
        return range(first, floor(high) + 1 if self.high_in else ceil(high))


@dataclass(frozen=True, slots=True)
class Share:
    """A published percentage: its value as a fraction of one, and the decimals of the percentage."""

    text: str
    value: Fraction
    digits: int
    qualifier: Qualifier
    strict: bool
    nearly: bool

    @property
    def step(self) -> Fraction:
        """One in its last digit."""
        return Fraction(1, 100) / Fraction(10) ** self.digits

    def allows(self, rounding: Rounding) -> Range:
        """Return the fractions that would be published so."""
        if self.qualifier == "gte":
            return Range(self.value, Fraction(1), low_in=not self.strict, high_in=True)
        if self.qualifier == "lte":
            low = self.value - self.step if self.nearly else Fraction(0)
            return Range(max(Fraction(0), low), self.value, high_in=not self.strict)
        if self.qualifier == "approx":
            low, high = max(Fraction(0), self.value - self.step), min(Fraction(1), self.value + self.step)
            return Range(low, high, high_in=True)
        if self.value == 1:
            return Range(Fraction(1), Fraction(1), high_in=True)
        if (
            self.value + self.step == 1
        ):  # the last step before the whole takes all that must not be called 100 %
            high = Fraction(1)
        else:
            high = self.value + (self.step / 2 if rounding == "half_up" else self.step)
        low = self.value - self.step / 2 if rounding == "half_up" else self.value
        return Range(max(Fraction(0), low), high)

    def allows_any(self) -> Range:
        """Return the fractions that would be published so under one rounding or another."""
        found = [self.allows(rounding) for rounding in ROUNDINGS]
        widest = max(found, key=lambda r: r.high)
        return Range(min(r.low for r in found), widest.high, found[0].low_in, widest.high_in)

    def forbidden(self) -> Range | None:
        """Return what would be published so only by rounding up to 100 %, or None if this is no 100 %."""
        if self.value != 1 or self.qualifier != "exact":
            return None
        return Range(1 - self.step / 2, Fraction(1))


def share(text: str) -> Share:
    """Return what a published percentage says; without a sign, up to 1 is a fraction. Raises ValueError (in Chinese)."""
    written = plain(text)
    found = _SHARE.fullmatch(written)
    if found is None or (found["per"] and found["sign"]):
        raise ValueError("看不懂的百分数,应如97.3%、0.973、超过95%、约95%")
    number, digits = Fraction(found["number"]), len(found["number"].partition(".")[2])
    if not found["per"] and not found["sign"] and number <= 1:
        if not digits:
            raise ValueError("请写明百分号:1%或100%")
        value, digits = number, digits - 2
    else:
        value = number / 100
    if digits > MOST_DIGITS:
        raise ValueError(f"百分数的小数位数最多{MOST_DIGITS}位")
    if value > 1:
        raise ValueError("占比不能超过100%")
    qualifier, strict, kind = said_of(found["prefix"], found["suffix"])
    return Share(written, value, digits, qualifier, strict, nearly=kind == "nearly")


def over(numerator: Fraction | int, denominator: int, threshold: str) -> bool:
    """Say whether a share is strictly over a threshold ("95%"), by whole numbers; a share of nothing is not."""
    return denominator > 0 and numerator > share(threshold).value * denominator


def at_least(numerator: Fraction | int, denominator: int, threshold: str) -> bool:
    """Say whether a share reaches a threshold; a share of nothing does not."""
    return denominator > 0 and numerator >= share(threshold).value * denominator
