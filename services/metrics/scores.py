"""Composite scores by their names, as data: several rates, each with its weight, made into one mark.

Pure. None of them is *the* score: they are never the default and never mixed (domain notes 1.7). A score is worked
out from unrounded rates; where a part has no figure there is no score, never a nought.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

F = Fraction
_NOUGHT = F(0)
RateKey = tuple[str, str]  # rate, variant


@dataclass(frozen=True, slots=True)
class Curve:
    """Full marks from `full` on; below it `step` of the weight is lost for each `per` that is missing, down to `floor`."""

    full: Fraction
    per: Fraction
    step: Fraction
    floor: Fraction = _NOUGHT

    def share(self, value: Fraction) -> Fraction:
        """Return the share of the weight that a rate earns."""
        if value >= self.full:
            return F(1)
        return max(self.floor, 1 - (self.full - value) / self.per * self.step)


@dataclass(frozen=True, slots=True)
class Part:
    """A rate of the score and its weight in points; without a curve the points are weight × rate."""

    rate: RateKey
    weight: Fraction
    curve: Curve | None = None


@dataclass(frozen=True, slots=True)
class Score:
    """A named composite score out of the sum of its weights."""

    id: str
    label: str
    parts: tuple[Part, ...]
    source: str
    digits: int = 1
    warning: str | None = None
    # the share of all tickets received counts too, with this weight
    volume: Fraction | None = None
    rates: tuple[RateKey, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", tuple(part.rate for part in self.parts))

    @property
    def version(self) -> str:
        """A mark of this definition: scores frozen under another one were made otherwise."""
        told = (self.parts, self.volume, self.digits)
        return hashlib.sha256(repr(told).encode()).hexdigest()[:12]

    @property
    def full(self) -> Fraction:
        return sum((part.weight for part in self.parts), self.volume or F(0))


_ONE = F(1)
SCORES: dict[str, Score] = {
    score.id: score
    for score in (
        Score("bj_huairou_10_50_40", "怀柔“三率”综合成绩(响应10、解决50、满意40)", (
            Part(("response_rate", "contact_valid"), F(10)), Part(("resolution_rate", "surveyed"), F(50)),
            Part(("satisfaction_rate", "basic_0_9"), F(40)),
        ), "怀柔区12345统计服务的实现:(响应×0.1 + 解决×0.5 + 满意×0.4)×100,一位小数"),
        Score("zhungeer_30_35_35", "准格尔综合成绩(响应30、解决35、满意35)", (
            Part(("response_rate", "contact_valid"), F(30)), Part(("resolution_rate", "surveyed"), F(35)),
            Part(("satisfaction_rate", "top2"), F(35)),
        ), "二手文章转述:响应30 + 解决35 + 满意35", warning="出处为二手文章;响应还含签收时效、影像证明,此处只取回访"),
        Score("sh_town_5_30_20_40", "上海某镇综合成绩(受理量5、先行联系30、解决20、满意40)", (
            Part(("response_rate", "first_contact"), F(30)), Part(("resolution_rate", "actual"), F(20)),
            Part(("satisfaction_rate", "strict"), F(40)),
        ), "某镇热线报表的实现:受理量占比×5 + 先行联系×30 + 诉求解决(有即20) + 满意×40",
              warning="满分95;“诉求解决”在原报表中有解决即得满分,此处按比例", volume=F(5)),
        Score("lyg_piecewise", "连云港式分段成绩(按时办结60、满意40)", (
            Part(("on_time_closure_rate", "due"), F(60), Curve(_ONE, F(1, 100), F(1, 60))),
            Part(("satisfaction_rate", "top2"), F(40), Curve(F(95, 100), F(1, 100), F(1, 40), F(1, 2))),
        ), "由公布得分反推:低于门槛后分段线性扣分,满意率得分有下限,用未取整的率计分", digits=2,
              warning="规则原文未公开,门槛、扣分和下限是推定值"),
    )
}  # fmt: skip


def score(
    definition: Score, values: Mapping[RateKey, Fraction | None], volume: Fraction | None = None
) -> Fraction | None:
    """Return the points (out of `definition.full`), or None where a part has no figure."""
    points = F(0)
    if definition.volume is not None:
        if volume is None:
            return None
        points += definition.volume * volume
    for part in definition.parts:
        value = values[part.rate]
        if value is None:
            return None
        points += part.weight * (part.curve.share(value) if part.curve else value)
    return points


def shown(points: Fraction | None, of: Score) -> str:
    """Return points as a score prints them, halves rounded up; full marks only for full marks, "—" for none."""
    if points is None:
        return "—"
    unit = 10**of.digits
    scaled = (2 * points.numerator * unit + points.denominator) // (2 * points.denominator)
    if points < of.full <= Fraction(scaled, unit):
        scaled -= 1
    whole, rest = divmod(scaled, unit)
    return f"{whole}.{rest:0{of.digits}d}" if of.digits else str(whole)
