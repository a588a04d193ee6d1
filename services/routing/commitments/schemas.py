"""What goes over the wire about promises."""

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from services.routing.commitments.amounts import LONGEST, amount
from services.routing.commitments.days import LONGEST as LONGEST_DAY, days
from services.routing.commitments.vocabulary import OwnerKind, RecordKind, Stage
from services.routing.joint_schemas import Number
from shared import clock
from shared.terms import ListLevel
from shared.web.fields import (
    EARLIEST,
    Answer,
    Body,
    Code,
    Content,
    Day,
    Line,
    LocalTime,
    PastInstant,
    Short,
)
from shared.web.paging import Page

# Their paths are taken: a list of that code could not be looked at.
TAKEN = frozenset({"summary", "views", "longstanding"})
LATEST_YEAR, MOST_YEARS = 2100, 20


def _an_amount(value: str) -> str:
    amount(value)
    return value


def _a_day(value: str) -> str:
    days(value, clock.local_day(clock.now()).year)
    return value


def _no_path(value: str) -> str:
    if value in TAKEN:
        raise ValueError("这个代码不能使用")
    return value


SaidAmount = Annotated[Short, Field(max_length=LONGEST), AfterValidator(_an_amount)]
SaidDay = Annotated[Short, Field(max_length=LONGEST_DAY), AfterValidator(_a_day)]
Year = Annotated[int, Field(ge=EARLIEST.year, le=LATEST_YEAR, strict=True)]
Target = Annotated[float, Field(ge=0, le=1e12, allow_inf_nan=False)]


class ChecklistIn(Body):
    """A list of commitments: whose word it is, for which years, whether it is of major matters."""

    street: Code | None = None
    code: Annotated[Code, AfterValidator(_no_path)]
    title: Line
    level: ListLevel = Field(description="三级清单:街道、社区、党组织")
    year: Year
    last_year: Year | None = Field(None, description="多年目标的最后一年;默认同一年")
    major: bool = Field(False, description="重大事项,单独统计")
    owner_kind: OwnerKind
    owner_name: Short = Field(description="承诺人")
    owner_unit: Short | None = None
    place: Line | None = Field(None, description="小区、道路等地点")
    households: SaidAmount | None = Field(None, description="户数,如 超过3000户", examples=["超过3000户"])
    promised_on: Day | None = Field(None, description="承诺日期,默认今天")
    published_on: Day | None = Field(None, description="亮诺(公示)日期")

    @model_validator(mode="after")
    def _years_in_order(self) -> "ChecklistIn":
        last = self.last_year if self.last_year is not None else self.year
        if not self.year <= last < self.year + MOST_YEARS:
            raise ValueError(f"最后一年不能早于第一年,最多跨{MOST_YEARS}年")
        today = clock.local_day(clock.now())
        if not (self.promised_on or today) <= (self.published_on or today) <= today:
            raise ValueError("公示日期应在承诺之后,都不晚于今天")
        return self


class PublicationIn(Body):
    published_on: Day


class ClosingIn(Body):
    note: Line


class TallyOut(Answer):
    """Counts and what they make: a rate is null of nothing and 100% only of all."""

    items: int
    closed: int
    open: int
    ended: int = Field(description="没有办结而终止的(不予受理、撤回等)")
    on_time: int = Field(description="在最初承诺的日期以前办结的")
    value: float | None
    display: str
    on_time_value: float | None
    on_time_display: str


class AmountOut(Answer):
    said: str
    value: str
    unit: str
    qualifier: str
    qualifier_text: str


class DaysOut(Answer):
    said: str
    first: date
    last: date


class IndicatorOut(Answer):
    name: str
    year: int
    unit: str
    target: float
    latest: float | None
    read_on: date | None
    reached: bool | None


class ChecklistOut(Answer):
    code: str
    title: str
    level: str
    level_text: str
    year: int
    last_year: int
    major: bool
    owner_kind: str
    owner_kind_text: str
    owner_name: str
    owner_unit: str | None
    owner_unit_name: str | None
    place: str | None
    households: AmountOut | None
    promised_on: date
    published_on: date | None
    recorded_at: LocalTime
    closed_at: LocalTime | None
    closing_note: str | None
    tally: TallyOut


class ChecklistDetail(ChecklistOut):
    indicators: list[IndicatorOut]


class KeptOut(Answer):
    """Promised, published, kept: of the items, whichever list they stand on."""

    promised: int
    published: int
    kept: int
    kept_on_time: int
    value: float | None
    display: str


class Section(Answer):
    """A section of the summary: major matters are never added to the others."""

    lists: int
    lists_closed: int
    tally: TallyOut
    kept: KeptOut
    by_level: dict[str, TallyOut]


class SummaryOut(Answer):
    year: int | None
    regular: Section
    major: Section


class MilestoneIn(Body):
    stage: Stage
    planned_on: Day | None = None
    done_on: Day | None = None


class PlanIn(Body):
    """What every undertaking must say: by when, on which way, by whom."""

    planned_start: Day = Field(description="时间表:开始日期")
    planned_end: Day = Field(description="时间表:完成日期")
    steps: Annotated[list[Line], Field(min_length=1, max_length=30, description="路线图:步骤")]
    responsible: Short = Field(description="责任人")
    responsible_unit: Short | None = Field(None, description="责任单位(代码或名称)")
    task_force: Short | None = Field(None, description="工作专班(单位代码或名称,类型为专班队伍)")
    liaison: Short | None = Field(None, description="联络员")
    sponsor: Short | None = Field(None, description="包联领导")
    partner: Short | None = Field(None, description="红色合伙人等合作单位(代码或名称)")
    investment: SaidAmount | None = Field(None, description="合作单位的投入", examples=["20余万元"])
    budget: SaidAmount | None = Field(None, description="经费")
    budget_source: Line | None = Field(None, description="经费来源")
    beneficiaries: SaidAmount | None = Field(None, description="受益或涉及的户数、人数", examples=["近20户"])
    trades: list[Short] = Field(default=[], max_length=30, description="涉及的经营门类")
    first_reported: SaidDay | None = Field(None, description="最早反映的时间,可以模糊", examples=["2004年"])
    milestones: list[MilestoneIn] = Field(default=[], max_length=len(Stage))

    @model_validator(mode="after")
    def _whole(self) -> "PlanIn":
        if self.planned_end < self.planned_start:
            raise ValueError("完成日期不能早于开始日期")
        if self.budget is not None and self.budget_source is None:
            raise ValueError("有经费须写明来源(budget_source)")
        if self.investment is not None and self.partner is None:
            raise ValueError("有投入须写明合作单位(partner)")
        return self


class ItemIn(PlanIn):
    number: Number = Field(description="工单编号,渠道须为目标清单")
    co_units: list[Short] | None = Field(None, max_length=20, description="协办单位,联办事项必填")
    occurred_at: PastInstant | None = Field(None, description="列入清单的时间,补录时填写")


class ProjectIn(PlanIn):
    street: Code | None = None
    code: Code
    title: Line
    task_force: Short = Field(description="工作专班(单位代码或名称,类型为专班队伍)")
    tickets: Annotated[list[Number], Field(min_length=1, max_length=100, description="并入项目的工单编号")]


class ProjectTicketsIn(Body):
    tickets: Annotated[list[Number], Field(min_length=1, max_length=100)]


class CompletionIn(Body):
    completed: SaidDay = Field(description="完成的日期,可以模糊", examples=["6月上旬"])


class RecordIn(Body):
    """One entry that is never changed; what was measured keeps its unit and how exact it is."""

    kind: RecordKind
    content: Content
    on: SaidDay | None = Field(None, description="日期,可以模糊;默认今天", examples=["6月上旬"])
    quantities: list[SaidAmount] = Field(default=[], max_length=20, description="成果数量,如 9000余米")
    parties: list[Short] = Field(default=[], max_length=10, description="签订协议的各方")

    @model_validator(mode="after")
    def _an_agreement_has_parties(self) -> "RecordIn":
        if self.kind is RecordKind.AGREEMENT and len(self.parties) < 2:  # noqa: PLR2004 - one cannot agree alone
            raise ValueError("协议至少有两方(parties)")
        return self


class RecordOut(Answer):
    id: str
    kind: str
    kind_text: str
    content: str
    on: DaysOut
    quantities: list[AmountOut]
    parties: list[str]
    recorded_at: LocalTime


class MilestoneOut(Answer):
    stage: str
    stage_text: str
    planned_on: date | None
    done_on: date | None


class LinkedTicket(Answer):
    """A ticket of an undertaking, with the topics that were merged into it."""

    number: str
    title: str
    state: str
    state_text: str
    unit: str | None
    unit_name: str | None
    received_at: LocalTime
    due_at: LocalTime | None
    closed_at: LocalTime | None
    outcome: str | None
    outcome_text: str | None
    overdue: bool
    merged: list[str]


class UndertakingOut(Answer):
    """An item of a list or a project, judged by what was promised at first and by the plan in force."""

    id: str
    kind: str
    kind_text: str
    code: str
    title: str
    checklist: str | None
    planned_start: date
    planned_end: date
    steps: list[str]
    responsible: str
    responsible_unit: str | None
    responsible_unit_name: str | None
    task_force: str | None
    task_force_name: str | None
    liaison: str | None
    sponsor: str | None
    partner: str | None
    partner_name: str | None
    investment: AmountOut | None
    budget: AmountOut | None
    budget_source: str | None
    beneficiaries: AmountOut | None
    trades: list[str]
    first_reported: DaysOut | None
    since: date = Field(description="最早反映或登记的日期")
    age_days: int
    completed: DaysOut | None
    on_time: bool | None
    on_plan: bool | None
    months: int | None = Field(description="从开始到完成历时几个月")
    tickets: list[LinkedTicket]


class UndertakingDetail(UndertakingOut):
    milestones: list[MilestoneOut]
    latest_note: DaysOut | None


class ChainCounts(Answer):
    """Each of the three lists counted by itself; `reconciled`: each follows from the one before."""

    demands: int = Field(description="需求:事项本身的和并入的诉求")
    merged: int
    tasks: int = Field(description="实事:列入清单的事项")
    results: int = Field(description="账单:办结的事项")
    open: int
    ended: int
    reconciled: bool


class ChainPage(Page[UndertakingOut]):
    view: str
    view_text: str
    counts: ChainCounts


class LongPage(Page[UndertakingOut]):
    months: int
    total: int
    solved: int
    value: float | None
    display: str


class IndicatorIn(Body):
    name: Short
    year: Year
    unit: Short
    target: Target


class ReadingIn(Body):
    name: Short
    year: Year
    value: Target
    on: Day | None = None


class CampaignIn(Body):
    """A roster of places, each of which is to be reached."""

    street: Code | None = None
    code: Code
    title: Line
    places: Annotated[list[Line], Field(min_length=1, max_length=1000)]


class ReachedIn(Body):
    places: Annotated[list[Line], Field(min_length=1, max_length=1000)]
    on: Day | None = None


class CampaignOut(Answer):
    code: str
    title: str
    places: int
    done: int
    value: float | None
    display: str
    missing: list[str] = Field(description="还没有完成的,最多 100 个")


def shown_amount(said: str | None) -> dict[str, str] | None:
    """Return what is kept of an amount, if one is given."""
    return amount(said).document() if said is not None else None


def shown_day(said: str | None, today: date) -> dict[str, str] | None:
    """Return what is kept of a day, if one is given; one without a year is of this year."""
    return days(said, today.year).document() if said is not None else None
