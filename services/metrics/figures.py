"""The action of answering: sums made into rates with everything needed to check them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from services.metrics import registry
from services.metrics.counting import Counted, Part
from services.metrics.intervals import wilson
from services.metrics.measures import MEASURE
from services.metrics.rates import CATALOGUE, Rate, Rounding, Variant, display, value
from services.metrics.splits import OF_A_STREET, PART_UNIT, SPLITS, STREET
from services.metrics.store import By, Key, Scope
from shared.db import Transaction
from shared.errors import invalid
from shared.lifecycle import State
from shared.streets import Street
from shared.tables import MEASURES

NOWHERE = "未划定"
# Each ticket is in exactly one of these: they add up to what was received.
PARTITION = ("closed", "open", "rejected", "merged", "withdrawn", "redirected")
# What is never quoted without these beside it.
BESIDE: dict[tuple[str, str | None], tuple[tuple[str, str], ...]] = {
    ("closure_rate", "project"): (("conversion_rate", "issue_project"), ("conversion_rate", "issue_closed"), ("conversion_rate", "topic_closed")),
    ("satisfaction_rate", None): (("callback_rate", "closed"), ("valid_callback_rate", "called_back")),
    ("satisfaction_rate", "five_level"): (("participation_rate", "ever_closed"),),
    ("satisfaction_rate", "rated_strict"): (("participation_rate", "ever_closed"),),
    ("dissatisfaction_rate", None): (("callback_rate", "closed"), ("valid_callback_rate", "called_back")),
    ("dissatisfaction_rate", "rated"): (("participation_rate", "ever_closed"),),
    ("resolution_rate", None): (("callback_rate", "closed"), ("valid_callback_rate", "called_back")),
    ("response_rate", None): (("callback_rate", "closed"), ("valid_callback_rate", "called_back")),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Manner:
    """How figures are to be shown: digits and rounding; `over`: a percentage to be exceeded; `least`: a fair sample."""

    digits: int = 2
    rounding: Rounding = "half_up"
    over: Fraction | None = None
    least: int = 5
    assessed: bool = False


def rate_of(name: str, variant: str | None) -> tuple[Rate, str, Variant]:
    """Return a rate and one of its variants; raise Invalid for a variant it does not have."""
    rate = CATALOGUE[name]
    chosen = variant or rate.default
    if chosen not in rate.variants:
        raise invalid("variant", f"“{rate.label}”的口径有:{'、'.join(rate.variants)}", code="unknown_variant")
    return rate, chosen, rate.variants[chosen]


def beside(name: str, variant: str) -> tuple[tuple[str, str], ...]:
    """Return the rates and variants that must stand beside one."""
    return BESIDE.get((name, variant)) or BESIDE.get((name, None)) or ()


def measures_of(name: str, variant: str) -> tuple[str, ...]:
    """Return the measures that an answer needs."""
    shown = [CATALOGUE[r].variants[v] for r, v in ((name, variant), *beside(name, variant))]
    return tuple(dict.fromkeys((*(m for v in shown for m in v.measures), "received", *PARTITION)))


def definition(variant: Variant) -> dict[str, Any]:
    """Return what stands above and below the line, in words, and who counts so."""
    return {
        "numerator": variant.numerator_text, "denominator": variant.denominator_text, "source": variant.source,
        "exclusions": variant.exclusions or None, "example": variant.example or None, "version": variant.version,
    }  # fmt: skip


def number(amount: Fraction) -> int | float:
    """Return a numerator for the wire: whole unless it is weighed."""
    return amount.numerator if amount.denominator == 1 else float(amount)


def figure(sums: Part, variant: Variant, manner: Manner) -> dict[str, Any]:
    """Return numerator, denominator and all that follows from them."""
    above, below = variant.above(sums), variant.below(sums)
    whole = above.denominator == 1 and 0 <= above.numerator <= below
    low, high = wilson(above.numerator, below) if whole and below else (None, None)
    return {
        "numerator": number(above),
        "denominator": below,
        "value": value(above, below),
        "display": display(above, below, digits=manner.digits, rounding=manner.rounding),
        "interval": None if low is None else [low, high],
        "few": below < manner.least,
        "over": None if manner.over is None or not below else above / below > manner.over,
    }


def row(
    name: tuple[str, str], keys: Sequence[str], counted: Counted, key: Key | None, variant: Variant, manner: Manner
) -> dict[str, Any]:  # fmt: skip
    """Return one line of an answer; `key` None for the whole."""
    if key is None:
        sums = counted.total(assessed=manner.assessed)
    else:
        sums = counted.part(key, assessed=manner.assessed)
    out = counted.left_out(key) if manner.assessed else {}
    excluded = {reason: n for reason, part in sorted(out.items()) if (n := variant.below(part))}
    return {"key": name[0], "label": name[1], "keys": list(keys), "excluded": excluded, **figure(sums, variant, manner)}  # fmt: skip


def populations(counted: Counted, variant: Variant, manner: Manner) -> dict[str, Any]:
    """Return the whole by both populations, side by side, and by reason what lies between them."""
    out = counted.left_out(None)
    return {
        "all": figure(counted.total(assessed=False), variant, manner),
        "assessed": figure(counted.total(assessed=True), variant, manner),
        "excluded": {reason: n for reason, part in sorted(out.items()) if (n := variant.below(part))},
    }


def mean_of(
    rows: Sequence[Mapping[str, Any]], variant: Variant, counted: Counted, manner: Manner
) -> dict[str, Any]:
    """Return the arithmetic mean of the rows' values: every unit weighs the same, one without a value nothing."""
    values = [
        variant.above(part) / variant.below(part)
        for key in counted.parts()
        if variant.below(part := counted.part(key, assessed=manner.assessed))
    ]
    mean = sum(values, Fraction(0)) / len(values) if values else None
    shown = (
        "—"
        if mean is None
        else display(mean.numerator, mean.denominator, digits=manner.digits, rounding=manner.rounding)
    )
    whole = row(("total", "各行平均"), (), counted, None, variant, manner)
    over = None if manner.over is None or mean is None else mean > manner.over
    return {
        **whole, "value": None if mean is None else float(mean), "display": shown, "interval": None, "over": over,
        "averaged": len(values), "left_out": len(rows) - len(values),
    }  # fmt: skip


class Names:
    """The names of keys as people know them."""

    def __init__(self, by: By, streets: Sequence[Street], known: Mapping[str, Mapping[str, str]]) -> None:
        self._by, self._known = by, known
        self._streets = {str(s.id): s for s in streets}

    @classmethod
    async def of(cls, tx: Transaction, scope: Scope, by: By, streets: Sequence[Street]) -> "Names":
        """Read what the registry calls the keys of these splits."""
        known: dict[str, dict[str, str]] = {}
        for split in by:
            rows = await registry.names(tx, scope.street_ids, split)
            several = scope.of_several and split in OF_A_STREET
            known[split] = {f"{s}/{code}" if several else code: name for s, code, name in rows}
        return cls(by, streets, known)

    def of_key(self, key: Key) -> tuple[tuple[str, str], tuple[str, ...]]:
        """Return (key, label) of a row, and the pieces of its key."""
        pieces = [self._piece(split, piece) for split, piece in zip(self._by, key, strict=True)]
        keys = tuple(code for code, _ in pieces)
        return ("|".join(keys), " · ".join(label for _, label in pieces)), keys

    def _piece(self, split: str, piece: str) -> tuple[str, str]:
        if split == STREET:
            return self._streets[piece].code, self._streets[piece].name
        name = self._known[split].get(piece)
        street_id, slash, code = piece.partition("/")
        if slash and street_id in self._streets and split in OF_A_STREET:
            street = self._streets[street_id]
            return f"{street.code}/{code}", f"{street.name} {name or code or NOWHERE}"
        texts = SPLITS[split].texts or {}
        return piece, name or texts.get(piece) or piece or NOWHERE


def warnings(
    variant: Variant | None,
    scope: Scope,
    waiting: int,
    counted: Counted,
    by: By = (),
    *,
    assessed: bool = False,
) -> list[dict[str, Any]]:
    """Return what a reader must know before quoting the figure."""
    sums = counted.total(assessed=False)
    found: list[dict[str, Any]] = []
    if variant is not None and variant.warning:
        found.append(_warning("variant_caution", variant.warning))
    if waiting:
        found.append(
            _warning("catching_up", f"还有 {waiting} 条变动正在入账,稍后再查可能不同", waiting=waiting)
        )
    if scope.basis == "closed":
        found.append(_warning("closed_basis", "按办结时间取数,未办结的工单不在其中,不能代表办结情况"))
    if scope.basis == "workload":
        found.append(_warning("workload_basis", "本期收到的,加上期初未办结结转的"))
    gap = sums["received"] - sum(sums[m] for m in PARTITION)
    if gap:
        found.append(_warning("does_not_add_up", f"登记数与各状态之和相差 {gap}", difference=gap))
    if PART_UNIT in by:
        more = sum(part["received"] for part in counted.sums.values()) - sums["received"]
        found.append(
            _warning("parts_overlap", f"一件工单计入每个参办单位,各行之和比工单数多 {more}", difference=more)
        )
    if variant is not None and not variant.below(counted.total(assessed=assessed)):
        found.append(_warning("no_denominator", f"分母({variant.denominator_text})为0,没有可比的数"))
    return found


def _warning(code: str, message: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **more}


def counts(sums: Part) -> list[dict[str, Any]]:
    """Return every measure with its name and meaning."""
    return [
        {"measure": m, "label": MEASURE[m].label, "meaning": MEASURE[m].meaning, "count": sums[m]} for m in MEASURES
    ]  # fmt: skip


STAGES = (("topic", "话题(登记)", "received"), ("issue", "议题(受理)", "accepted"),
          ("project", "项目(派单)", "dispatched"), ("closed", "项目办结", "dispatched_closed"))  # fmt: skip
STEPS = (
    ("topic", "issue"),
    ("issue", "project"),
    ("project", "closed"),
    ("issue", "closed"),
    ("topic", "closed"),
)


def funnel(sums: Part, manner: Manner) -> dict[str, Any]:
    """Return the stages of one cohort and the share that went from one to the next, and from end to end."""
    count = {stage: sums[measure] for stage, _, measure in STAGES}
    names = {stage: label for stage, label, _ in STAGES}
    return {
        "stages": [{"stage": s, "label": names[s], "count": count[s]} for s, _, _ in STAGES],
        "conversions": [
            {
                "from": a, "to": b, "label": f"{names[a]} → {names[b]}", "numerator": count[b], "denominator": count[a],
                "value": value(count[b], count[a]),
                "display": display(count[b], count[a], digits=manner.digits, rounding=manner.rounding),
            }
            for a, b in STEPS
        ],
    }  # fmt: skip


def state_text(state: str) -> str:
    return State(state).text
