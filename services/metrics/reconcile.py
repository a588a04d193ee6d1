"""Whether published counts add up: parts and their total, one count told in several ways. Never silent.

Every comparison gives a finding, also where all is well. `agrees` is None where the numbers given cannot tell: an
approximate count that would fit proves nothing, and what is missing may be in the parts that nobody named. Differences
are named, with both sides (唐山 2024-11: 分项合计195532,公布合计284406,相差88874).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.metrics.approximate import Count

Counts = Mapping[str, Count]


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison: `difference` is what the whole says less what its parts make, None where that is no one number."""

    code: str
    agrees: bool | None
    message: str
    difference: int | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """Counts that must make the same sum.

    `may`: what stands on the right too, and often goes unpublished. `unless`: the count beside which another identity
    holds (with tickets carried over, a period's closures are not those of the tickets it took in).
    """

    left: tuple[str, ...]
    right: tuple[str, ...]
    may: tuple[str, ...] = ()
    unless: str | None = None

    def applies(self, given: Collection[str]) -> bool:
        """Say whether enough is given to try it."""
        return {*self.left, *self.right} <= {*given} and self.unless not in given


NAMES: dict[str, str] = {
    "received": "登记", "valid": "有效诉求", "invalid": "无效诉求", "accepted": "受理", "rejected": "不予受理", "merged": "并案",
    "withdrawn": "撤回", "redirected": "引导", "direct": "直办", "dispatched": "派单", "carried_in": "上期结转", "carried_out": "结转下期",
    "closed": "办结", "open": "在办", "due": "应办结", "closed_on_time": "按期办结", "closed_late": "超期办结", "overdue_open": "超期未办结",
    "called_back": "回访", "valid_callback": "有效回访", "invalid_callback": "无效回访",
}  # fmt: skip
"""The counts that identities are made of, and what bulletins call them."""
# Domain notes 1.0; design 8: received = closed + open + rejected + merged + withdrawn + redirected.
_ENDED = ("merged", "withdrawn", "redirected")
IDENTITIES: tuple[Identity, ...] = (
    Identity(("received",), ("valid", "invalid")),
    Identity(("received",), ("closed", "open"), ("rejected", *_ENDED), unless="carried_in"),
    Identity(("valid",), ("accepted", "rejected"), _ENDED),
    Identity(("accepted",), ("direct", "dispatched")),
    Identity(("accepted",), ("closed", "open"), _ENDED, unless="carried_in"),
    Identity(("accepted", "carried_in"), ("closed", "carried_out"), _ENDED),
    Identity(("closed",), ("closed_on_time", "closed_late")),
    Identity(("due",), ("closed_on_time", "closed_late", "overdue_open")),
    Identity(("called_back",), ("valid_callback", "invalid_callback")),
)  # fmt: skip


def named(key: str) -> str:
    """Return the id of a count given by id or by its Chinese name. Raises ValueError for an unknown one."""
    for name, label in NAMES.items():
        if key in (name, label):
            return name
    raise ValueError(f"没有“{key}”这项计数,可用:{'、'.join(NAMES.values())}")


def together(counts: Iterable[Count]) -> Count:
    """Return what these counts make together, as one count without a text of its own."""
    every = list(counts)
    low, highs = sum(c.low for c in every), [c.high for c in every if c.high is not None]
    high = sum(highs) if len(highs) == len(every) else None
    return Count("", sum(c.value for c in every), "exact" if low == high else "approx", low, high)


def against_total(total: Count, parts: Counts) -> Finding:
    """Compare a published total with its parts (by channel, by category, by state …)."""
    made = together(parts.values())
    return _compared("total", f"分项合计{made.interval_text},公布合计{total.interval_text}", total, made)


def identities(counts: Counts) -> list[Finding]:
    """Try every identity for which enough is given (by id); say which counts none of them could use."""
    tried = [identity for identity in IDENTITIES if identity.applies(counts)]
    used = {name for i in tried for name in (*i.left, *i.right, *i.may)}
    found = [_tried(identity, counts) for identity in tried]
    idle = [label for name, label in NAMES.items() if name in counts and name not in used]
    if idle:
        message = f"{'、'.join(idle)}无从核对:与之相加减的各项没有给出"
        found.append(Finding("identity_unknown", agrees=None, message=message))
    return found


def _tried(identity: Identity, counts: Counts) -> Finding:
    right = (*identity.right, *(name for name in identity.may if name in counts))
    missing = [NAMES[name] for name in identity.may if name not in counts]
    whole, made = (together(counts[name] for name in side) for side in (identity.left, right))
    told = f"{_told(identity.left, counts)},{_told(right, counts)}"
    if missing and _below(made, whole):
        message = f"{told},其余{_apart(made, whole)}应为{'、'.join(missing)},没有给出"
        return Finding("identity_incomplete", agrees=None, message=message)
    return _compared("identity", told, whole, made)


def _told(names: Sequence[str], counts: Counts) -> str:
    """Return "受理2877", or "直办2276 + 派单601 = 2877"."""
    side = " + ".join(f"{NAMES[name]}{counts[name].interval_text}" for name in names)
    return side if len(names) == 1 else f"{side} = {together(counts[n] for n in names).interval_text}"


def _compared(what: str, told: str, whole: Count, made: Count) -> Finding:
    difference = whole.low - made.low if whole.exact and made.exact else None
    if difference == 0:
        return Finding(f"{what}_agrees", agrees=True, message=f"{told},相符", difference=0)
    if _below(whole, made) or _below(made, whole):
        gap = _apart(whole, made) if _below(whole, made) else _apart(made, whole)
        return Finding(f"{what}_differs", agrees=False, message=f"{told},相差{gap}", difference=difference)
    return Finding(f"{what}_open", agrees=None, message=f"{told},有约数,可能相符,不能证实")


def _below(one: Count, other: Count) -> bool:
    """Say whether the one is less than the other for certain."""
    return one.high is not None and one.high < other.low


def _apart(lower: Count, upper: Count) -> str:
    """Return how far they are apart at least: 88874, or 至少97 where it is not one number."""
    gap = upper.low - (lower.high or 0)
    return str(gap) if lower.exact and upper.exact else f"至少{gap}"
