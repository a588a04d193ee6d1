"""What goes over the wire of the rates, the counts, the funnel and the rankings."""

from datetime import date

from pydantic import ConfigDict, Field

from shared.web.fields import Answer, Body, Code, LocalTime


class Definition(Answer):
    """What is counted above and below the line; `version` changes when the way of counting does."""

    numerator: str
    denominator: str
    source: str
    exclusions: str | None
    example: str | None
    version: str


class Window(Answer):
    model_config = ConfigDict(populate_by_name=True)

    basis: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    timezone: str
    period: str | None = Field(description="窗口的名字,如 2026-11、2026-W47")
    starts_at: LocalTime | None = Field(description="不从零点起算的窗口,如每日12时")
    ends_at: LocalTime | None


class Figure(Answer):
    """A numerator and a denominator and what follows from them."""

    numerator: int | float | None
    denominator: int | None
    value: float | None
    display: str
    interval: tuple[float, float] | None = Field(description="95% 威尔逊区间")
    few: bool = Field(description="分母少于 least,样本过少")
    over: bool | None = Field(description="是否严格超过 over")


class ScorePart(Figure):
    rate: str
    variant: str
    label: str


class Row(Figure):
    """A line of an answer; a composite score has parts instead of counts of its own, and points for its value."""

    key: str
    label: str
    keys: list[str]
    excluded: dict[str, int] = Field(description="考核口径中从分母剔除的件数,按事由")
    parts: list[ScorePart] | None = Field(None, description="综合成绩由哪些率合成")


class Total(Row):
    averaged: int | None = Field(None, description="各行平均时,计入平均的行数")
    left_out: int | None = Field(None, description="各行平均时,分母为0未计入的行数")


class Populations(Answer):
    all: Figure
    assessed: Figure
    excluded: dict[str, int]


class Beside(Figure):
    rate: str
    variant: str
    label: str


class Warning_(Answer):  # noqa: N801 - Warning is Python's
    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class Comparison(Answer):
    kind: str
    kind_text: str
    window: Window
    as_of: LocalTime
    total: Total
    change: float | None = Field(description="相差的百分点;综合成绩为相差的分数")


class RateOut(Answer):
    rate: str
    variant: str
    label: str
    definition: Definition
    window: Window
    as_of: LocalTime
    known_at: LocalTime | None
    population: str
    rounding: str
    digits: int
    by: list[str]
    rows: list[Row]
    total: Total
    populations: Populations | None = Field(description="全口径与考核口径并列")
    beside: list[Beside] = Field(description="必须并列的率")
    comparison: Comparison | None
    warnings: list[Warning_]


class VariantOut(Definition):
    variant: str
    numerator_measures: list[str]
    denominator_measures: list[str]
    weights: dict[str, float]
    warning: str | None
    beside: list[dict[str, str]]


class SplitOut(Answer):
    by: str
    label: str


class RateDefinition(Answer):
    rate: str
    label: str
    default_variant: str | None
    path: str
    splits: list[SplitOut]
    filters: list[str]
    variants: list[VariantOut]


class Count(Answer):
    measure: str
    label: str
    meaning: str | None
    count: int


class Share(Answer):
    numerator: int
    denominator: int
    value: float | None
    display: str


class CountsRow(Answer):
    key: str
    label: str
    keys: list[str]
    counts: dict[str, int]
    share: Share = Field(description="占登记数的比例")


class Carried(Answer):
    carried_in: int = Field(description="期初结转:窗口开始时尚未终结的")
    carried_out: int = Field(description="期末结转:窗口结束时(或查询时刻)尚未终结的")


class CountsOut(Answer):
    window: Window
    as_of: LocalTime
    known_at: LocalTime | None
    population: str
    counts: dict[str, int]
    measures: list[Count]
    carried: Carried
    rows: list[CountsRow]
    warnings: list[Warning_]


class Stage(Answer):
    stage: str
    label: str
    count: int


class Conversion(Answer):
    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    label: str
    numerator: int
    denominator: int
    value: float | None
    display: str


class Behind(Answer):
    number: str
    stage: str
    state: str
    state_text: str
    reason: str | None


class FunnelOut(Answer):
    window: Window
    as_of: LocalTime
    stages: list[Stage]
    conversions: list[Conversion]
    stayed_behind: list[Behind]
    stayed_behind_count: int
    warnings: list[Warning_]


class EvidenceItem(Answer):
    id: str
    number: str
    street: str
    state: str
    state_text: str
    received_at: LocalTime
    due_at: LocalTime | None
    closed_at: LocalTime | None
    channel: str
    kind: str
    category: str
    community: str
    grid: str
    unit: str
    level: str
    mode: str
    list: str
    excluded: str


class RankedRow(Row):
    rank: int | None
    tied: bool


class RankingOut(Answer):
    rate: str
    variant: str
    label: str
    definition: Definition
    window: Window
    as_of: LocalTime
    known_at: LocalTime | None
    population: str
    by: list[str]
    order: str
    least: int
    rows: list[RankedRow]
    unranked: list[RankedRow] = Field(description="样本过少、没有可比数或未划定的,不排名")
    red: list[RankedRow] = Field(description="红榜:前几名,同分并列")
    black: list[RankedRow] = Field(description="黑榜:后几名,同分并列")
    warnings: list[Warning_]


class CalendarIn(Body):
    """When a street's assessment periods begin."""

    street: Code
    month_starts_on: int = Field(1, ge=1, le=28, description="考核月从上月几日起算,1 为自然月")
    year_starts_in: int = Field(1, ge=1, le=12, description="考核年从几月起算,1 为自然年")
    day_starts_at: str = Field(
        "00:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", description="考核日从几点起算(北京时间),如 12:00"
    )


class CalendarOut(Answer):
    street: str
    month_starts_on: int
    year_starts_in: int
    day_starts_at: str
