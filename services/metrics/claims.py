"""What somebody published, examined as a whole: a percentage with its counts, parts with their total, shares, identities.

One examination for the door and the command. Nothing given is passed over in silence: each part of a claim ends as a
check or a finding, if only to say that it cannot be told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from services.metrics import bases, reconcile
from services.metrics.approximate import Count, Span, count, ratio
from services.metrics.rates import Rounding
from services.metrics.reachability import Check, check
from services.metrics.reconcile import Counts, Finding
from services.metrics.shares import share
from shared.errors import invalid

Written = int | str
MOST_ENTRIES = 200
W = TypeVar("W")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Claim:
    """What was published, as it was written; counts may be approximate (8700余). `rounding`: None for either."""

    published: str | None = None
    n: Written | None = None
    numerator: Written | None = None
    total: Written | None = None
    parts: Mapping[str, Written] = field(default_factory=dict)
    shares: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, Written] = field(default_factory=dict)
    rounding: Rounding | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `interval`: what the numerator may be of the denominator, where both were given."""

    check: Check | None
    interval: Span | None
    findings: tuple[Finding, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing contradicts; what cannot be told does not."""
        refuted = self.check is not None and self.check.reachable is False
        return not refuted and all(finding.agrees is not False for finding in self.findings)


def examine(claim: Claim) -> Verdict:
    """Examine a claim. Raises Invalid, naming the field, for what cannot be read or gives nothing to compare."""
    n, numerator, total = (
        _count("n", claim.n),
        _count("numerator", claim.numerator),
        _count("total", claim.total),
    )
    parts = {name: _read(f"parts.{name}", written, count) for name, written in claim.parts.items()}
    shares = {name: _read(f"shares.{name}", written, share) for name, written in claim.shares.items()}
    interval = _interval(numerator, n)
    verdict = Verdict(
        _checked(claim),
        interval,
        (
            *_sums(total, parts, shared=bool(shares)),
            *bases.of_shares(shares, parts, total),
            *reconcile.identities(_named(claim.counts)),
            *_ratio(claim, numerator, n, interval),
        ),
    )
    if verdict.check is None and not verdict.findings:
        raise invalid("published", "没有可以核对的内容:请给出公布值和分母,或合计和分项,或占比,或恒等式的各项")
    return verdict


def _read(name: str, written: W, reader: Callable[[W], T]) -> T:
    try:
        return reader(written)
    except ValueError as error:
        raise invalid(name, str(error)) from error


def _count(name: str, written: Written | None) -> Count | None:
    return None if written is None else _read(name, written, count)


def _interval(numerator: Count | None, n: Count | None) -> Span | None:
    if numerator is None or n is None:
        return None
    return _read("numerator", numerator, lambda part: ratio(part, n))


def _checked(claim: Claim) -> Check | None:
    if claim.published is None:
        return None
    _read("published", claim.published, share)
    return check(claim.published, claim.n, claim.numerator, claim.rounding)


def _sums(total: Count | None, parts: Counts, *, shared: bool) -> list[Finding]:
    """Return the comparison of a total and its parts; where one of them is missing, that is said."""
    if total is not None and parts:
        return [reconcile.against_total(total, parts)]
    if parts and not shared:
        made = reconcile.together(parts.values()).interval_text
        return [Finding("total_missing", agrees=None, message=f"分项合计{made},没有给出公布合计,无从核对")]
    if total is not None and not shared:
        told = f"公布合计{total.interval_text},没有给出分项,无从核对"
        return [Finding("parts_missing", agrees=None, message=told)]
    return []


def _ratio(claim: Claim, numerator: Count | None, n: Count | None, interval: Span | None) -> list[Finding]:
    """Say what a share must be that nobody published, or what is missing for it."""
    if claim.published is not None or (numerator is None and n is None):
        return []
    if numerator is None or n is None:
        told = "分子、分母只给出了一个,也没有给出公布值,无从核对"
    elif interval is None:
        told = "分母为0,没有占比可言"
    else:
        told = f"{numerator.text}/{n.text}应为{interval.display()},没有给出公布值"
    return [Finding("published_missing", agrees=None, message=told)]


def _named(counts: Mapping[str, Written]) -> Counts:
    found: dict[str, Count] = {}
    for written_name, written in counts.items():
        name = _read(f"counts.{written_name}", written_name, reconcile.named)
        if name in found:
            raise invalid(f"counts.{written_name}", f"“{reconcile.NAMES[name]}”写了两次")
        found[name] = _read(f"counts.{written_name}", written, count)
    return found
