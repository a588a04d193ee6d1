"""Every rate by its name and variant, as data; and the honest arithmetic.

A rate is a sum of measures over a sum of measures. 100 % is shown only when both are equal (promise 4);
a denominator of nothing gives no figure at all. Formulas and their sources: the domain notes 1.2-1.3 and
the bulletins they quote (天门 2016-12: 应结案为分母; 宁国 2022-04: 派单为分母; 市公众服务热线: 含直办).
"""

from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Literal

from services.metrics.measures import MEANING

Rounding = Literal["half_up", "truncate"]
MOST_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of counting: measures above the line, measures below it, who counts so, and what to beware of."""

    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    source: str
    warning: str | None = None

    @property
    def numerator_text(self) -> str:
        return " + ".join(MEANING[m][0] for m in self.numerator)

    @property
    def denominator_text(self) -> str:
        return " + ".join(MEANING[m][0] for m in self.denominator)


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate of the catalogue; the first variant is the default."""

    id: str
    label: str
    variants: dict[str, Variant] = field(default_factory=dict)

    @property
    def default(self) -> str:
        return next(iter(self.variants))


_CITY_DUE = "数字城管通例:结案数 ÷ 应结案数"
_HIDES = "只看已办结的工单,未办结的超期件被遮住,不宜用于考核"

CATALOGUE: dict[str, Rate] = {
    rate.id: rate
    for rate in (
        Rate("closure_rate", "办结率", {
            "due": Variant(("closed",), ("due",), _CITY_DUE),
            "matured": Variant(("matured_closed",), ("matured",), "同上,只算时限已到的,提前办结不能抬高"),
            "received": Variant(("closed",), ("received",), "办结数 ÷ 登记数(种子文章:收到3950条,办结3950条)"),
            "accepted": Variant(("closed",), ("accepted",), "县区12345季报:办结数 ÷ 受理数,在办未到期也算未结"),
            "dispatched": Variant(("dispatched_closed",), ("dispatched",), "12345通报:办结数 ÷ 转办(派单)数"),
            "incl_direct": Variant(
                ("direct", "dispatched_closed"), ("direct", "dispatched"), "(直办 + 办结) ÷ (直办 + 转办)", "直办会抬高办结率"
            ),
            "due_net_deferred": Variant(("closed",), ("due_net",), "金华市区数字城管:应结案数扣除缓办(挂账)", "挂账的超期件不在分母内"),
            "project": Variant(("dispatched_closed",), ("dispatched",), "办结项目数 ÷ 转为项目数(种子文章:项目办结率)"),
        }),
        Rate("on_time_closure_rate", "按期办结率", {
            "due": Variant(("closed_on_time",), ("due",), "按期结案数 ÷ 应结案数,超期未结的计入分母"),
            "matured": Variant(("matured_on_time",), ("matured",), "同上,只算时限已到的"),
            "due_net_deferred": Variant(("closed_on_time",), ("due_net",), "应结案数扣除缓办(挂账)", "挂账的超期件不在分母内"),
            "dispatched": Variant(("dispatched_on_time",), ("dispatched",), "按时办结 ÷ 派单数"),
            "closed_only": Variant(("closed_on_time",), ("closed",), "按期办结 ÷ 已办结数", _HIDES),
        }),
        Rate("overdue_rate", "超期率", {"due": Variant(("overdue",), ("due",), "(超期办结 + 超期未办结) ÷ 应结案数,与按期办结率之和为1")}),
        Rate("return_rate", "退单率", {"dispatched": Variant(("returned",), ("dispatched",), "退单件数 ÷ 派单数(按件计)")}),
        Rate("rework_rate", "重办率", {"dispatched": Variant(("reworked",), ("dispatched",), "重办件数 ÷ 派单数(按件计)")}),
        Rate("reopen_rate", "重开率", {"received": Variant(("reopened",), ("received",), "重开件数 ÷ 登记数(按件计)")}),
        Rate("acceptance_rate", "受理率", {"received": Variant(("accepted",), ("received",), "受理数 ÷ 登记数")}),
    )
}  # fmt: skip


def value(numerator: int, denominator: int) -> float | None:
    """Return the fraction, or None where there is nothing to divide by."""
    return numerator / denominator if denominator else None


def display(numerator: int, denominator: int, *, digits: int = 2, rounding: Rounding = "half_up") -> str:
    """Return "93.72%", "—" for a denominator of 0, and "100%" when both are equal and never otherwise."""
    if denominator == 0:
        return "—"
    if numerator == denominator:
        return "100%"
    exact = Decimal(numerator) * 100 / Decimal(denominator)
    step = Decimal(1).scaleb(-digits)
    shown = exact.quantize(step, ROUND_HALF_UP if rounding == "half_up" else ROUND_DOWN)
    return f"{min(shown, 100 - step)}%"


def markdown() -> str:
    """Return the catalogue as a table (it stands in services/metrics/README.md; a test keeps it so)."""
    lines = ["| rate | variant | numerator ÷ denominator | who counts so | beware |", "|---|---|---|---|---|"]
    for rate in CATALOGUE.values():
        for name, v in rate.variants.items():
            default = " (default)" if name == rate.default and len(rate.variants) > 1 else ""
            above, below = (" + ".join(f"`{m}`" for m in side) for side in (v.numerator, v.denominator))
            lines.append(
                f"| `{rate.id}` {rate.label} | `{name}`{default} | {above} ÷ {below} | {v.source} | {v.warning or ''} |"
            )
    return "\n".join(lines) + "\n"
