"""What published shares are shares of: the total beside them, the sum of their parts, or neither.

A table may print one total and divide by another (唐山 2024-11: 63.72 % is 124599 of 195532, the parts' sum, not of the
total 284406 above it). A share whose count is given is divided by either and compared; of one without, it is asked
whether any whole number makes it. Shares of all parts must make 100 %, as near as their rounding allows.
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from services.metrics.approximate import Count, Span, ratio
from services.metrics.reachability import check
from services.metrics.reconcile import Counts, Finding, together
from services.metrics.shares import Range, Share

Shares = Mapping[str, Share]
Base = tuple[str, Count]


def of_shares(shares: Shares, parts: Counts, total: Count | None) -> list[Finding]:
    """Return what comes of comparing shares with their parts and total. Raises nothing: what cannot be is a finding."""
    counted = {name: share for name, share in shares.items() if name in parts}
    bases = _bases(parts, total)
    found = [_base(counted, parts, bases)] if counted else []
    found += [_alone(name, share, bases) for name, share in shares.items() if name not in parts]
    if len(shares) > 1 and parts.keys() <= shares.keys():
        found.append(_whole(shares, complete=bool(parts) and len(bases) == 1))
    return found


def _bases(parts: Counts, total: Count | None) -> list[Base]:
    made = together(parts.values())
    given = [("公布合计", total)] if total is not None else []
    if parts and (total is None or (made.low, made.high) != (total.low, total.high)):
        given.append(("分项合计", made))
    return given


def _base(counted: Shares, parts: Counts, bases: list[Base]) -> Finding:
    """Return which base all these shares have, by the first that contradicts none of them."""
    off = {
        label: [n for n, s in counted.items() if _fits(s, parts[n], base) is False] for label, base in bases
    }
    fitting = [(label, base) for label, base in bases if not off[label]]
    if not fitting:
        label, base = min(bases, key=lambda b: len(off[b[0]]))
        wrong = ";".join(_misfit(counted[n], n, parts[n], base) for n in off[label])
        return Finding(
            "shares_differ", agrees=False, message=f"占比与{label}{base.interval_text}对不上:{wrong}"
        )
    label, base = fitting[0]
    told = f"占比以{label}{base.interval_text}为分母"
    if bases[0] != fitting[0]:
        message = f"{told},不是{bases[0][0]}{bases[0][1].interval_text}"
        return Finding("shares_of_parts", agrees=False, message=message)
    if not all(_fits(share, parts[name], base) for name, share in counted.items()):
        return Finding("shares_open", agrees=None, message=f"{told}说得通,但有约数,不能证实")
    return Finding("shares_agree", agrees=True, message=f"{told},相符")


def _fits(share: Share, part: Count, base: Count) -> bool | None:
    """Say whether a part of a base would be published so; None where approximate counts leave it open."""
    span = _span(part, base)
    if span is None:
        return False
    if part.exact and base.exact:
        return span.low in share.allows_any()
    return None if _touch(span, share.allows_any()) else False


def _span(part: Count, base: Count) -> Span | None:
    """Return what share the part is, or None where it is no part at all."""
    too_much = base.high is not None and part.low > base.high
    return None if too_much else ratio(part, base)


def _touch(span: Span, allowed: Range) -> bool:
    """Say whether what may be and what is allowed have something in common."""
    return span.low in allowed or span.high in allowed or span.low <= allowed.low < span.high


def _misfit(share: Share, name: str, part: Count, base: Count) -> str:
    told, span = f"{name}写作{share.text}", _span(part, base)
    if span is not None:
        return f"{told},{part.interval_text}/{base.interval_text}应为{span.display(max(2, share.digits))}"
    return f"{told},而分母为0" if base.high == 0 else f"{told},而{part.interval_text}大于{base.interval_text}"


def _alone(name: str, share: Share, bases: list[Base]) -> Finding:
    """Return whether a share without a count of its own can be of one of the bases at all."""
    exact = [base for _, base in bases if base.exact]
    if not exact:
        return Finding("share_open", agrees=None, message=f"{name}{share.text}没有件数和确切的合计,无从核对")
    tried = [check(share.text, base.low) for base in exact]
    answer = next((one for one in tried if one.reachable), tried[0])
    code = "share_reachable" if answer.reachable else "share_unreachable"
    return Finding(code, agrees=answer.reachable, message=f"{name}{share.text}{answer.message}")


def _whole(shares: Shares, *, complete: bool) -> Finding:
    """Return whether the shares make 100 %; `complete`: they are known to be of all parts."""
    allowed = [share.allows_any() for share in shares.values()]
    printed = sum((share.value for share in shares.values()), Fraction(0))
    low, high = (sum(ends, Fraction(0)) for ends in ((r.low for r in allowed), (r.high for r in allowed)))
    told = f"占比之和为{_percent(printed)}"
    if low <= 1 <= high:
        return Finding("shares_make_the_whole", agrees=True, message=f"{told},在取整误差之内")
    told += f",与100%相差{_percent(abs(1 - printed)).removesuffix('%')}个百分点"
    if printed < 1 and not complete:
        return Finding("shares_make_less", agrees=None, message=f"{told},其余占比没有给出")
    return Finding("shares_miss_the_whole", agrees=False, message=f"{told},不是取整造成的")


def _percent(value: Fraction) -> str:
    return f"{(Decimal(value.numerator) * 100 / Decimal(value.denominator)).normalize():f}%"
