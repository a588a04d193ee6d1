"""Every rate by its name and variant, as data; and the honest arithmetic.

A rate is a sum of measures over a sum of measures. 100 % is shown only when both are equal (promise 4);
a denominator of nothing gives no figure at all. Formulas and their sources: the domain notes 1.2-1.8 and
the bulletins they quote; none of them is a national standard.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Literal

from services.metrics.measures import MEASURE

Rounding = Literal["half_up", "truncate"]
MOST_DIGITS = 6
# What is counted tickets against tickets rather than a flag of one: worked out when asked (services/metrics/sets.py).
COMPUTED = {
    "repeated": ("重复诉求数", "同一诉求人就同一类事项在30天内再次提出的"),
    "traceable": ("可辨诉求人数", "留有诉求人身份(登录或电话)、可以判断是否重复的"),
    "recurred": ("复发件数", "办结后30天内,同一网格、同一类事项又有人提出的"),
    "closed_in_grid": ("网格内办结数", "已办结且落在网格内、可以判断是否复发的"),
    "visited": ("已走访对象数", "底册上已走访的对象,去重"),
    "to_visit": ("应走访对象数", "冻结的底册上的对象"),
    "closed_in_bulk": ("批量办结数", "同一单位在一分钟内办结十件以上的,其中之一"),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of counting: measures above the line, measures below it, who counts so, and what to beware of.

    `weights`: what a measure above the line counts for, where that is not one. `exclusions`: who is on neither side.
    """

    numerator: tuple[str, ...]
    denominator: tuple[str, ...]
    source: str
    warning: str | None = None
    exclusions: str = ""
    example: str = ""
    weights: Mapping[str, Fraction] = field(default_factory=dict)

    @property
    def numerator_text(self) -> str:
        return " + ".join(self._weighed(m) for m in self.numerator)

    @property
    def denominator_text(self) -> str:
        return " + ".join(label(m) for m in self.denominator)

    @property
    def version(self) -> str:
        """A mark of this definition: figures frozen under another one were counted otherwise."""
        told = (
            self.numerator, self.denominator, sorted((m, str(w)) for m, w in self.weights.items()),
            [meaning(m) for m in (*self.numerator, *self.denominator)],
        )  # fmt: skip
        return hashlib.sha256(repr(told).encode()).hexdigest()[:12]

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.numerator, *self.denominator)))

    def _weighed(self, measure: str) -> str:
        weight = self.weights.get(measure)
        return label(measure) if weight is None else f"{float(weight):g} × {label(measure)}"

    def above(self, sums: Mapping[str, int]) -> Fraction:
        """Return the numerator: a whole number unless something in it is weighed."""
        whole = Fraction(sum(sums[m] for m in self.numerator if m not in self.weights))
        return whole + sum(weight * sums[m] for m, weight in self.weights.items()) if self.weights else whole

    def below(self, sums: Mapping[str, int]) -> int:
        return sum(sums[m] for m in self.denominator)


def label(measure: str) -> str:
    """Return a measure's Chinese name."""
    return MEASURE[measure].label if measure in MEASURE else COMPUTED[measure][0]


def meaning(measure: str) -> str:
    """Return what a measure counts, in words."""
    return MEASURE[measure].meaning if measure in MEASURE else COMPUTED[measure][1]


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
_NOT_YET = "未到时限的在办件"
_SUSPENDED = "挂账的超期件不在分母内"
_SELF = "办理方自己认定的结果,不是诉求人的评价"
_CALLS = ("callback_very_satisfied", "callback_satisfied")
_RATES = ("rated_very_satisfied", "rated_satisfied")
_NO_ANSWER = "未回访、无效回访的,不当作满意"
_NOT_RATED = "未评价的,不当作满意"
_BASIC_0_9 = {"callback_basic": Fraction(9, 10)}
V = Variant

CATALOGUE: dict[str, Rate] = {
    rate.id: rate
    for rate in (
        Rate("closure_rate", "办结率", {
            "due": V(("closed",), ("due",), _CITY_DUE, exclusions=_NOT_YET, example="天门 2016-12:911 ÷ 972 = 93.72%"),
            "matured": V(("matured_closed",), ("matured",), "同上,只算时限已到的,提前办结不能抬高", exclusions="时限未到的,不论是否办结"),
            "received": V(("closed",), ("received",), "办结数 ÷ 登记数(种子文章)", example="新北街道 2021:3950 ÷ 3950 = 100%"),
            "accepted": V(("closed",), ("accepted",), "县区12345季报:办结数 ÷ 受理数,在办未到期也算未结",
                          exclusions="不予受理等从未受理的", example="杨凌 2021-07:3884 ÷ 3942 = 98.53%"),
            "dispatched": V(("dispatched_closed",), ("dispatched",), "12345通报:办结数 ÷ 转办(派单)数", exclusions="直办",
                            example="某市半年:11925 ÷ 12275 = 97.15%"),
            "incl_direct": V(("direct", "dispatched_closed"), ("direct", "dispatched"), "(直办 + 办结) ÷ (直办 + 转办)", "直办会抬高办结率",
                             example="某市半年:50405 ÷ 50755 = 99.31%"),
            "due_net_deferred": V(("closed",), ("due_net",), "金华市区数字城管:应结案数扣除缓办(挂账)", _SUSPENDED,
                                  exclusions="未到时限的在办件;正在挂账的"),
            "project": V(("dispatched_closed",), ("dispatched",), "办结项目数 ÷ 转为项目数(种子文章:项目办结率)",
                         "须与话题、议题为基数的转化率并列", example="合肥路街道:2209 ÷ 2209 = 100%"),
            "handled": V(("handled",), ("dispatched",), "承办单位自报办结 ÷ 派单数", "承办办结未经审核、回访,不等于结案", exclusions="直办"),
        }),
        Rate("on_time_closure_rate", "按期办结率", {
            "due": V(("closed_on_time",), ("due",), "按期结案数 ÷ 应结案数,超期未结的计入分母", exclusions=_NOT_YET,
                     example="天门 2016-12:737 ÷ 972 = 75.82%"),
            "matured": V(("matured_on_time",), ("matured",), "同上,只算时限已到的", exclusions="时限未到的,不论是否办结"),
            "due_net_deferred": V(("closed_on_time",), ("due_net",), "应结案数扣除缓办(挂账)", _SUSPENDED, exclusions="未到时限的在办件;正在挂账的"),
            "dispatched": V(("dispatched_on_time",), ("dispatched",), "按时办结 ÷ 派单数", exclusions="直办",
                            example="宁国 2022-04:597 ÷ 601 = 99.33%"),
            "closed_only": V(("closed_on_time",), ("closed",), "按期办结 ÷ 已办结数", _HIDES, exclusions="一切未办结的"),
            "first_deadline": V(("closed_by_first_deadline",), ("due",), "按首次时限办结 ÷ 应结案数,延期、挂账、重办、重开后移的时限不算", exclusions=_NOT_YET),
            "handled": V(("handled_on_time",), ("handled_due",), "承办单位在时限内提交结果 ÷ 应承办办结数,审核回访所用时间不算在内",
                         "承办办结未经审核、回访", exclusions="直办;派单后未到时限的在办件"),
        }),
        Rate("overdue_rate", "超期率", {
            "due": V(("overdue",), ("due",), "(超期办结 + 超期未办结) ÷ 应结案数,与按期办结率之和为1", exclusions=_NOT_YET),
            "open": V(("overdue_open",), ("due",), "只算超期未办结的", "超期后才办结的不在分子内", exclusions=_NOT_YET),
        }),
        Rate("response_rate", "响应率", {
            "contact_valid": V(("callback_contacted",), ("valid_callback",), "北京系:回访确认已联系 ÷ 有效回访", exclusions="未回访、无效回访"),
            "first_contact": V(("callback_contacted",), ("callback_contact_known",), "上海系先行联系率:有 ÷ (有 + 无)", exclusions="未答复是否联系过的"),
            "sign_in": V(("signed_on_time",), ("dispatched",), "及时签收 ÷ 总派单数(不是应办结数)", example="连云港:7件中1件超时签收,6 ÷ 7"),
            "contacted_on_time": V(("contacted_on_time",), ("dispatched",), "时限内先行联系 ÷ 派单数(系统留痕)"),
        }),
        Rate("resolution_rate", "解决率", {
            "surveyed": V(("callback_resolved",), ("valid_callback",), "北京系:回访已解决 ÷ 有效回访,部分解决不计入", exclusions="未回访、无效回访"),
            "incl_partly": V(("callback_resolved", "callback_partly"), ("valid_callback",), "回访已解决和部分解决 ÷ 有效回访", "部分解决被当作解决"),
            "actual": V(("closed_resolved",), ("closed_resolved", "closed_explained"), "上海系:实际解决 ÷ (实际解决 + 解释说明)", _SELF,
                        exclusions="部分解决、移交等其他结果"),
            "self_declared": V(("closed_resolved",), ("closed",), "承办单位自认解决 ÷ 办结", _SELF),
        }),
        Rate("satisfaction_rate", "满意率", {
            "strict": V(_CALLS, ("valid_callback",), "(非常满意 + 满意) ÷ 有效回访", exclusions=_NO_ANSWER, example="江阴 2023-09:240 ÷ 246 = 97.56%"),
            "top2": V((*_CALLS, "callback_basic"), ("valid_callback",), "(满意 + 基本满意) ÷ 有效回访", "“基本满意(一般)”被当作满意",
                      exclusions=_NO_ANSWER, example="江阴 2023-09:245 ÷ 246 = 99.59%"),
            "basic_0_9": V((*_CALLS, "callback_basic"), ("valid_callback",), "北京系:(满意 + 0.9 × 基本满意) ÷ 有效回访", exclusions=_NO_ANSWER,
                           weights=_BASIC_0_9),
            "five_level": V((*_RATES, "rated_basic"), ("rated",), "好差评:诉求人本人五级评价的前三级 ÷ 参评数", "只有参评的人,须与参评率并列", exclusions=_NOT_RATED),
            "rated_strict": V(_RATES, ("rated",), "诉求人本人评为满意以上 ÷ 参评数", "只有参评的人,须与参评率并列", exclusions=_NOT_RATED),
        }),
        Rate("dissatisfaction_rate", "不满意率", {
            "channel": V(("dispatched_dissatisfied",), ("dispatched",), "不满意数 ÷ 该渠道派单数,按渠道筛选",
                         example="宁国 2022-04 某单位:8 ÷ 87 = 9.20%"),
            "valid_callback": V(("callback_dissatisfied", "callback_very_dissatisfied"), ("valid_callback",), "回访不满意 ÷ 有效回访"),
            "rated": V(("rated_dissatisfied", "rated_very_dissatisfied"), ("rated",), "诉求人本人评为不满意 ÷ 参评数"),
        }),
        Rate("callback_rate", "回访率", {"closed": V(("closed_called_back",), ("closed",), "回访 ÷ 办结")}),
        Rate("valid_callback_rate", "有效回访率", {
            "called_back": V(("valid_callback",), ("called_back",), "有效回访 ÷ 回访", example="江阴 2023-09:246 ÷ 300 = 82%"),
        }),
        Rate("participation_rate", "参评率", {"ever_closed": V(("rated",), ("ever_closed",), "参评 ÷ 曾办结")}),
        Rate("acceptance_rate", "受理率", {
            "received": V(("accepted",), ("received",), "受理 ÷ 登记;有效诉求率同此", example="杨凌 2021-07:3942 ÷ 4415 = 89.29%"),
        }),
        Rate("registration_rate", "立案率", {
            "received": V(("dispatched",), ("received",), "立案(派单) ÷ 登记", example="天门 2016-12:996 ÷ 1054 = 94.50%"),
            "accepted": V(("dispatched",), ("accepted", ), "立案(派单) ÷ 受理"),
        }),
        Rate("direct_rate", "直办率", {"received": V(("direct",), ("received",), "直办 ÷ 登记", example="江阴 2023-09:27929 ÷ 46653 = 59.87%")}),
        Rate("reply_rate", "回音率", {
            "received": V(("replied",), ("received",), "件件有回音:有回音 ÷ 登记,差额就是没有回音的", "有回音不等于办结"),
        }),
        Rate("return_rate", "退单率", {
            "dispatched": V(("returned",), ("dispatched",), "退单件数 ÷ 派单数(按件计)"),
            "thrice": V(("returned_thrice",), ("dispatched",), "退单三次及以上(推诿) ÷ 派单数"),
        }),
        Rate("dispatch_accuracy", "准确派单率", {"dispatched": V(("never_returned",), ("dispatched",), "(派单 − 退单) ÷ 派单")}),
        Rate("first_receiver_completion_rate", "首接办结率", {"dispatched": V(("first_receiver_closed",), ("dispatched",), "首接单位未转出即办结 ÷ 派单")}),
        Rate("rework_rate", "重办率", {
            "dispatched": V(("reworked",), ("dispatched",), "重办件数 ÷ 派单数(按件计)"),
            "handled": V(("reworked",), ("ever_handled",), "返工件 ÷ 曾承办办结件"),
            "again": V(("reworked_again",), ("dispatched",), "重办两次及以上 ÷ 派单数"),
        }),
        Rate("reopen_rate", "重开率", {
            "received": V(("reopened",), ("received",), "重开件数 ÷ 登记数(按件计)"),
            "ever_closed": V(("reopened",), ("ever_closed",), "重开件数 ÷ 曾办结数"),
        }),
        Rate("repeat_rate", "重复诉求率", {
            "received": V(("repeated",), ("received",), "同一诉求人同一类事项30天内再次提出 ÷ 登记", "匿名件无从判断,计入分母"),
            "traceable": V(("repeated",), ("traceable",), "同上,只算可辨诉求人的", exclusions="匿名、无从判断的"),
        }),
        Rate("recurrence_rate", "复发率", {"closed": V(("recurred",), ("closed_in_grid",), "办结后30天内同网格同类事项再发 ÷ 网格内办结", exclusions="不在网格内的")}),
        Rate("extension_rate", "延期率", {
            "accepted": V(("extended",), ("accepted",), "延期件 ÷ 受理件"),
            "closed": V(("extended_closed",), ("closed",), "延期后办结 ÷ 办结", example="福州 2022Q2:延期率0.20%"),
        }),
        Rate("suspension_rate", "挂账率", {
            "accepted": V(("ever_suspended",), ("accepted",), "曾挂账件 ÷ 受理件"),
            "open": V(("suspended",), ("open",), "正在挂账 ÷ 在办"),
        }),
        Rate("escalation_rate", "上报率", {"dispatched": V(("escalated",), ("dispatched",), "以问题交接单上报 ÷ 派单")}),
        Rate("whistle_rate", "吹哨率", {"dispatched": V(("whistled",), ("dispatched",), "吹哨件 ÷ 派单件", "吹哨率不可太低也不可太高")}),
        Rate("report_in_rate", "报到率", {
            "all": V(("reported_in",), ("whistled",), "被召部门全部报到 ÷ 吹哨件(按件计)"),
            "within_30m": V(("reported_in_30m",), ("whistled",), "均在30分钟内报到 ÷ 吹哨件(平谷:召集信号后30分钟内到场)"),
        }),
        Rate("solved_at_level_rate", "分级办结占比", {
            "grid": V(("closed_at_grid",), ("closed",), "小事不出格:网格办结 ÷ 办结"),
            "community": V(("closed_at_community",), ("closed",), "大事不出社区:社区办结 ÷ 办结"),
            "within_community": V(("closed_at_grid", "closed_at_community"), ("closed",), "网格和社区办结 ÷ 办结"),
            "street": V(("closed_at_street",), ("closed",), "街道办结 ÷ 办结"),
            "district": V(("closed_at_district",), ("closed",), "区级办结 ÷ 办结"),
        }),
        Rate("commitment_rate", "践诺率", {
            "closed": V(("listed_closed",), ("listed",), "清单办结 ÷ 清单事项(种子文章)", example="市西街道:152 ÷ 316 = 48.10%"),
            "on_time": V(("listed_on_time",), ("listed_due",), "清单按期办结 ÷ 清单应办结"),
        }),
        Rate("visit_coverage", "走遍率", {
            "roster": V(("visited",), ("to_visit",), "已走访对象(去重) ÷ 底册对象,底册冻结", "走访和底册尚未登记,没有分母,走遍率不可复算"),
        }),
        Rate("late_entry_rate", "补录率", {"received": V(("entered_late",), ("received",), "收到后一分钟以上才录入 ÷ 登记")}),
        Rate("dispute_rate", "办结异议率", {"ever_closed": V(("disputed",), ("ever_closed",), "办结后重开、回访或评价为不满意 ÷ 曾办结(空转指标)")}),
        Rate("last_hour_rate", "压线办结率", {"closed": V(("closed_last_hour",), ("closed",), "距时限不足一小时才办结 ÷ 办结(空转指标)")}),
        Rate("bulk_closure_rate", "批量办结率", {"closed": V(("closed_in_bulk",), ("closed",), "同单位一分钟内办结十件以上 ÷ 办结(空转指标)")}),
        Rate("conversion_rate", "转化率", {
            "topic_issue": V(("accepted",), ("received",), "议题 ÷ 话题,同一队列", example="合肥路街道:2218 ÷ 3575 = 62.04%"),
            "issue_project": V(("dispatched",), ("accepted",), "项目 ÷ 议题,同一队列", example="合肥路街道:2209 ÷ 2218 = 99.59%"),
            "project_closed": V(("dispatched_closed",), ("dispatched",), "项目办结 ÷ 项目,同一队列"),
            "issue_closed": V(("dispatched_closed",), ("accepted",), "项目办结 ÷ 议题,同一队列"),
            "topic_closed": V(("dispatched_closed",), ("received",), "端到端:项目办结 ÷ 话题", example="合肥路街道:2209 ÷ 3575 = 61.79%"),
        }),
    )
}  # fmt: skip


def value(numerator: Fraction | int, denominator: int) -> float | None:
    """Return the fraction, or None where there is nothing to divide by."""
    # Of whole numbers the quotient is the nearest float, just as that of the exact fraction.
    return numerator.numerator / (numerator.denominator * denominator) if denominator else None


def display(
    numerator: Fraction | int, denominator: int, *, digits: int = 2, rounding: Rounding = "half_up"
) -> str:
    """Return "93.72%", "—" for a denominator of 0, and "100%" when both are equal and never otherwise."""
    if denominator == 0:
        return "—"
    if numerator == denominator:
        return "100%"
    exact = Decimal(numerator.numerator) * 100 / Decimal(numerator.denominator * denominator)
    step = Decimal(1).scaleb(-digits)
    shown = exact.quantize(step, ROUND_HALF_UP if rounding == "half_up" else ROUND_DOWN)
    return f"{min(shown, 100 - step)}%"


def markdown() -> str:
    """Return the catalogue as a table (it stands in services/metrics/README.md; a test keeps it so)."""
    lines = ["| rate | variant | numerator ÷ denominator | who counts so | beware |", "|---|---|---|---|---|"]
    for rate in CATALOGUE.values():
        for name, v in rate.variants.items():
            default = " (default)" if name == rate.default and len(rate.variants) > 1 else ""
            above = " + ".join(
                f"{float(v.weights[m]):g} × `{m}`" if m in v.weights else f"`{m}`" for m in v.numerator
            )
            below = " + ".join(f"`{m}`" for m in v.denominator)
            lines.append(
                f"| `{rate.id}` {rate.label} | `{name}`{default} | {above} ÷ {below} | {v.source} | {v.warning or ''} |"
            )
    return "\n".join(lines) + "\n"
