"""The action of answering: sums made into rates with everything needed to check them."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.metrics import store
from services.metrics.measures import MEANING
from services.metrics.rates import CATALOGUE, Rate, Rounding, Variant, display, value
from services.metrics.store import STREET, Scope, Sums
from shared.db import Transaction
from shared.errors import invalid
from shared.lifecycle import State
from shared.streets import Street
from shared.tables import MEASURES
from shared.terms import Channel, Kind

NOWHERE = {"": "未划定"}
_TERMS = {"channel": {c.value: c.text for c in Channel}, "kind": {k.value: k.text for k in Kind}}
# Each ticket is in exactly one of these: they add up to what was received.
PARTITION = ("closed", "open", "rejected", "merged", "withdrawn", "redirected")


def rate_of(name: str, variant: str | None) -> tuple[Rate, str, Variant]:
    """Return a rate and one of its variants; raise Invalid for a variant it does not have."""
    rate = CATALOGUE[name]
    chosen = variant or rate.default
    if chosen not in rate.variants:
        raise invalid("variant", f"“{rate.label}”的口径有:{'、'.join(rate.variants)}", code="unknown_variant")
    return rate, chosen, rate.variants[chosen]


def definition(variant: Variant) -> dict[str, str]:
    """Return what stands above and below the line, in words, and who counts so."""
    return {
        "numerator": variant.numerator_text,
        "denominator": variant.denominator_text,
        "source": variant.source,
    }


def row(
    key: str, label: str, sums: Mapping[str, int], variant: Variant, *, digits: int, rounding: Rounding
) -> dict[str, Any]:
    """Return one line of an answer."""
    above = sum(sums[m] for m in variant.numerator)
    below = sum(sums[m] for m in variant.denominator)
    return {
        "key": key, "label": label, "numerator": above, "denominator": below, "excluded": {},
        "value": value(above, below), "display": display(above, below, digits=digits, rounding=rounding),
    }  # fmt: skip


def total(sums: Sums, measures: Sequence[str] = MEASURES) -> dict[str, int]:
    """Return the sums over all keys (pooled)."""
    return {m: sum(part[m] for part in sums.values()) for m in measures}


Part = tuple[str, str, Mapping[str, int]]  # key, label, sums


async def parts(
    tx: Transaction, scope: Scope, by: str | None, streets: Sequence[Street], sums: Sums
) -> list[Part]:
    """Return the parts of a split under the keys and names that people know, in the order of the keys."""
    if by is None:
        return []
    known = {str(s.id): s for s in streets}
    if by == STREET:
        found: list[Part] = [(known[key].code, known[key].name, part) for key, part in sums.items()]
    elif store.of_several(scope, by):
        names = await store.labels(tx, scope, by)
        found = [_of_a_street(known, key, names, part) for key, part in sums.items()]
    else:
        names = _TERMS.get(by) or await store.labels(tx, scope, by)
        found = [(key, names.get(key) or NOWHERE.get(key, key), part) for key, part in sums.items()]
    return sorted(found, key=lambda part: part[0])


def _of_a_street(
    known: Mapping[str, Street], key: str, names: Mapping[str, str], part: Mapping[str, int]
) -> Part:
    street_id, _, code = key.partition("/")
    street = known[street_id]
    return f"{street.code}/{code}", f"{street.name} {names.get(key) or NOWHERE.get(code, code)}", part


def warnings(
    variant: Variant | None, scope: Scope, population: str, waiting: int, sums: Mapping[str, int] | None
) -> list[dict[str, Any]]:
    """Return what a reader must know before quoting the figure."""
    found: list[dict[str, Any]] = []
    if variant is not None and variant.warning:
        found.append({"code": "variant_caution", "message": variant.warning})
    if population == "assessed":
        found.append({"code": "no_exclusions", "message": "尚无剔除登记,考核口径与全口径相同"})
    if waiting:
        found.append(
            {
                "code": "catching_up",
                "message": f"还有 {waiting} 条变动正在入账,稍后再查可能不同",
                "waiting": waiting,
            }
        )
    if scope.basis == "closed":
        found.append(
            {"code": "closed_basis", "message": "按办结时间取数,未办结的工单不在其中,不能代表办结情况"}
        )
    if (
        sums is not None
        and scope.basis == "cohort"
        and (gap := sums["received"] - sum(sums[m] for m in PARTITION))
    ):
        found.append(
            {"code": "does_not_add_up", "message": f"登记数与各状态之和相差 {gap}", "difference": gap}
        )
    return found


def counts(sums: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return every measure with its name and meaning."""
    return [
        {"measure": m, "label": MEANING[m][0], "meaning": MEANING[m][1] or None, "count": sums[m]}
        for m in MEASURES
    ]


STAGES = (("topic", "话题(登记)", "received"), ("issue", "议题(受理)", "accepted"),
          ("project", "项目(派单)", "dispatched"), ("closed", "项目办结", "dispatched_closed"))  # fmt: skip
STEPS = (
    ("topic", "issue"),
    ("issue", "project"),
    ("project", "closed"),
    ("issue", "closed"),
    ("topic", "closed"),
)


def funnel(sums: Mapping[str, int], *, digits: int, rounding: Rounding) -> dict[str, Any]:
    """Return the stages of one cohort and the share that went from one to the next, and from end to end."""
    count = {stage: sums[measure] for stage, _, measure in STAGES}
    names = {stage: label for stage, label, _ in STAGES}
    return {
        "stages": [{"stage": s, "label": names[s], "count": count[s]} for s, _, _ in STAGES],
        "conversions": [
            {
                "from": a, "to": b, "label": f"{names[a]} → {names[b]}", "numerator": count[b], "denominator": count[a],
                "value": value(count[b], count[a]),
                "display": display(count[b], count[a], digits=digits, rounding=rounding),
            }
            for a, b in STEPS
        ],
    }  # fmt: skip


def state_text(state: str) -> str:
    return State(state).text
