"""Whether a published percentage can come of its counts at all (the GRIM test of Brown and Heathers 2016).

Of 137 tickets no whole number makes 97.3 %: 133 are 97.08 %, 134 are 97.81 %. Exact counts are answered exactly;
approximate ones (8700余) by whether any count they may stand for would do. 100 % is reached by the whole alone: what
would only be printed so by rounding up is named as that.
"""

from dataclasses import dataclass
from fractions import Fraction

from services.metrics import shares
from services.metrics.approximate import Count, Span, count, ratio
from services.metrics.denominators import first
from services.metrics.rates import Rounding, display
from services.metrics.shares import ROUNDING_TEXT, ROUNDINGS, Range, Share

MOST_CANDIDATES = 20


@dataclass(frozen=True, slots=True)
class Candidate:
    """One k ÷ n with what it prints, and under which roundings that is the published text."""

    numerator: int
    denominator: int
    display: str
    roundings: tuple[Rounding, ...] = ()

    @property
    def text(self) -> str:
        return f"{self.numerator}/{self.denominator}({self.display})"


@dataclass(frozen=True, slots=True)
class Check:
    """What came of a check. `reachable` is None where too little was given to tell.

    `candidates`: up to MOST_CANDIDATES that print as published, of `candidate_count` (None: without number).
    `nearest`: just below and above, where none does. `interval`: what the share of approximate counts may be.
    `rounded_up`: only rounding up to 100 %, which is not allowed, would print so.
    """

    published: Share
    reachable: bool | None
    message: str
    candidates: tuple[Candidate, ...] = ()
    candidate_count: int | None = None
    nearest: tuple[Candidate, ...] = ()
    interval: Span | None = None
    rounded_up: bool = False


def check(
    published: str,
    n: int | str | None = None,
    numerator: int | str | None = None,
    rounding: Rounding | None = None,
) -> Check:
    """Check a published percentage against its denominator, and its numerator where that is known.

    `rounding`: the one that was used; None stands for either. Raises ValueError (in Chinese) for what cannot be read
    and for a numerator greater than its denominator.
    """
    what = shares.share(published)
    allowed = what.allows(rounding) if rounding else what.allows_any()
    whole = count(n) if n is not None else None
    part = count(numerator) if numerator is not None else None
    if whole is None:
        return Check(what, None, f"没有给出分母,{what.text}无法核对")
    span = ratio(part, whole) if part is not None else None
    if whole.high == 0:
        return Check(what, reachable=False, message="分母为0,没有占比可言")
    if not whole.exact:
        return _of_about(what, allowed, whole, part, span)
    if part is None:
        return _of_exact(what, allowed, whole.low)
    if part.exact:
        return _of_both(what, allowed, part.low, whole.low)
    return _of_about_part(what, allowed, part, whole, span)


def _of_exact(what: Share, allowed: Range, n: int) -> Check:
    found = allowed.numerators(n)
    if not found:
        near = _nearest(what, allowed, n)
        told = "和".join(c.text for c in near)
        return Check(
            what,
            reachable=False,
            message=f"不可达:分母为{n}时,没有整数分子能得出{what.text};最接近的是{told}",
            nearest=near,
        )
    some = tuple(_candidate(what, k, n) for k in found[:MOST_CANDIDATES])
    forbidden = what.forbidden()
    risen = forbidden.numerators(n) if forbidden is not None else range(0)
    told = (
        some[0].text
        if len(found) == 1
        else f"{some[0].text}至{_candidate(what, found[-1], n).text},共{len(found)}种"
    )
    told += _how(some) + (f";{_risen_text(risen, n)}" if risen else "")
    return Check(what, reachable=True, message=f"可达:{told}", candidates=some, candidate_count=len(found))


def _of_both(what: Share, allowed: Range, k: int, n: int) -> Check:
    one, forbidden = _candidate(what, k, n), what.forbidden()
    span = Span(Fraction(k, n), Fraction(k, n))
    if Fraction(k, n) in allowed:
        return Check(
            what,
            reachable=True,
            message=f"相符:{one.text}{_how((one,))}",
            candidates=(one,),
            candidate_count=1,
            interval=span,
        )
    if forbidden is not None and Fraction(k, n) in forbidden:
        message = f"不符:{one.text}只有进位到100%才会写成{what.text},这不允许;分子等于分母才是100%"
        return Check(what, reachable=False, message=message, nearest=(one,), interval=span, rounded_up=True)
    others = allowed.numerators(n)
    hint = f";分母为{n}时,{_candidate(what, others[0], n).text}才相符" if len(others) == 1 else ""
    return Check(
        what, reachable=False, message=f"不符:{one.text},不是{what.text}{hint}", nearest=(one,), interval=span
    )


def _of_about_part(what: Share, allowed: Range, part: Count, whole: Count, span: Span | None) -> Check:
    n, every = whole.low, allowed.numerators(whole.low)
    high = n if part.high is None else min(part.high, n)
    found = range(max(every.start, part.low), min(every.stop - 1, high) + 1)
    interval = f",{part.text}/{n}应在{span.display()}之间" if span is not None else ""
    if not found:
        return Check(
            what,
            reachable=False,
            message=f"不可达:{part.text}即{part.interval_text}{interval}",
            interval=span,
        )
    some = tuple(_candidate(what, k, n) for k in found[:MOST_CANDIDATES])
    message = (
        f"可达:分子为{found[0]}至{found[-1]}时相符{interval}"
        if len(found) > 1
        else f"可达:{some[0].text}{interval}"
    )
    return Check(
        what, reachable=True, message=message, candidates=some, candidate_count=len(found), interval=span
    )


def _of_about(what: Share, allowed: Range, whole: Count, part: Count | None, span: Span | None) -> Check:
    """Answer for an approximate denominator: by its smallest value that would do."""
    told = f"分母{whole.text}即{whole.interval_text}"
    if part is not None and span is not None and not part.exact:
        # Both approximate: what the intervals leave open; that whole numbers hit it is not asked.
        touches = span.low in allowed or span.high in allowed or span.low <= allowed.low < span.high
        verb = "可达" if touches else "不可达"
        return Check(what, touches, f"{verb}:{told},占比应在{span.display()}之间", interval=span)
    n = first(allowed, part.low if part is not None else None, max(1, whole.low), whole.high)
    interval = f",占比应在{span.display()}之间" if span is not None else ""
    if n is None:
        return Check(
            what, reachable=False, message=f"不可达:{told}{interval},没有一个能得出{what.text}", interval=span
        )
    one = _candidate(what, part.low if part is not None else allowed.numerators(n)[0], n)
    return Check(
        what,
        reachable=True,
        message=f"可达:{told}{interval},例如{one.text}",
        candidates=(one,),
        interval=span,
    )


def _candidate(what: Share, k: int, n: int) -> Candidate:
    fits = tuple(r for r in ROUNDINGS if Fraction(k, n) in what.allows(r))
    return Candidate(k, n, display(k, n, digits=max(2, what.digits)), fits)


def _nearest(what: Share, allowed: Range, n: int) -> tuple[Candidate, ...]:
    """Return the candidates around a range that holds none."""
    above = allowed.numerators(n).start
    return tuple(_candidate(what, k, n) for k in (above - 1, above) if 0 <= k <= n)


def _how(candidates: tuple[Candidate, ...]) -> str:
    """Say which rounding it takes, where it is not the same under both."""
    common = [r for r in ROUNDINGS if all(r in c.roundings for c in candidates)]
    return f",须{ROUNDING_TEXT[common[0]]}" if len(common) == 1 else ""


def _risen_text(risen: range, n: int) -> str:
    which = f"{risen[0]}/{n}" if len(risen) == 1 else f"{risen[0]}/{n}至{risen[-1]}/{n}"
    return f"{which}四舍五入后也会写成100%,但不允许进位到100%"
