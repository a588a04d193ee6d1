"""What goes over the wire about supervision."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from pydantic import Field, StringConstraints

from services.routing.joint_schemas import Number
from shared.terms import InspectionMethod, Resolved, Satisfaction
from shared.web.fields import Answer, Body, Code, Day, Line, LocalTime, Short


class SupervisedOut(Answer):
    """An open ticket and how far its supervision has gone."""

    number: str
    title: str
    state: str
    state_text: str
    owner_unit: str | None
    owner_unit_name: str | None
    due_at: LocalTime
    deadline_text: str
    overdue: bool
    supervision_level: str | None
    supervision_level_text: str | None
    supervision_colour: str
    supervision_colour_text: str
    next_step: str | None
    next_step_text: str | None
    next_step_at: LocalTime | None
    next_step_why: str | None
    key_since: LocalTime | None


class ReplyOut(Answer):
    unit: str
    unit_name: str | None
    content: str
    replied_at: LocalTime
    late: bool


class OrderOut(Answer):
    """A 督办单: to whom, about what, to be answered by when, and what was answered."""

    order: str
    number: str
    level: str
    level_text: str
    colour: str
    colour_text: str
    unit: str
    unit_name: str | None
    head_unit: str | None
    head_unit_name: str | None
    head_staff: str | None
    by_ladder: bool
    reason: str
    issued_at: LocalTime
    issued_role: str
    issued_role_text: str
    reply_due_at: LocalTime
    state: str
    state_text: str
    replies: list[ReplyOut]


class KeyEntryOut(Answer):
    """One line of the key ledger: who put a ticket on it, or took it off, when and why."""

    number: str
    action: str
    action_text: str
    reason: str | None
    by: str
    role: str
    role_text: str
    occurred_at: LocalTime
    recorded_at: LocalTime
    on_ledger: bool = Field(description="现在是否仍在台账中")


class PolicyIn(Body):
    street: Code | None = None
    document: dict[str, Any] = Field(
        description="督办方案:ladder、colours、usual_colour、reply_within、meeting_weekday"
    )
    valid_from: Day | None = Field(None, description="从哪天起生效,默认今天")


class StepOut(Answer):
    level: str
    level_text: str
    elapsed: int | None
    overdue: str | None
    urges: int | None
    reply_within: str


class ColourOut(Answer):
    level: str | None
    code: str
    name: str


class PolicyOut(Answer):
    version: int
    valid_from: date | None
    ladder: list[StepOut]
    colours: list[ColourOut]
    reply_within: str
    meeting_weekday: int | None


class StreetIn(Body):
    """Which street; whoever has only one need not say."""

    street: Code | None = None


class UnitShare(Answer):
    """What of an agenda lies with one unit, and how much of it is closed by now."""

    unit: str | None
    unit_name: str | None
    items: int
    closed: int


class MeetingOut(Answer):
    """A week's coordination meeting."""

    week: str
    held_on: date
    moved_why: str | None
    called_at: LocalTime


class MeetingDetail(MeetingOut):
    progress: int
    results: int
    problems: int
    units: list[UnitShare]


class AgendaItemOut(Answer):
    place: int
    part: str
    part_text: str
    number: str
    title: str
    unit: str | None
    unit_name: str | None
    state: str = Field(description="会议召集时的状态")
    state_text: str
    state_now: str
    state_now_text: str
    why: str


class ResolutionIn(Body):
    """What the meeting resolved about one item: whose it is, what is to be done, by when."""

    street: Code | None = None
    number: Number
    unit: Short
    measure: Line
    due_on: Day


class ReportIn(Body):
    street: Code | None = None
    done: bool
    note: Line


class ReportOut(Answer):
    done: bool
    note: str
    reported_at: LocalTime


class ResolutionOut(Answer):
    id: str
    week: str
    number: str
    state: str
    state_text: str
    unit: str
    unit_name: str | None
    measure: str
    due_on: date
    decided_at: LocalTime
    done: bool
    reports: list[ReportOut]


Month = Annotated[str, StringConstraints(pattern=r"^(199\d|20\d\d)-(0[1-9]|1[0-2])$")]


class RoundIn(Body):
    street: Code | None = None
    month: Month = Field(description="督查的月份,如 2026-03")


class FindingIn(Body):
    street: Code | None = None
    number: Number
    method: InspectionMethod
    passed: bool
    finding: Line = Field(description="督查情况;不合格的写明理由")


class FindingOut(Answer):
    number: str
    passed: bool
    remedy: str | None
    remedy_text: str | None


class RoundOut(Answer):
    month: str
    posted: int = Field(description="清单上的件数")
    inspected: int
    opened_at: LocalTime
    published_at: LocalTime | None


class MethodCount(Answer):
    method: str
    method_text: str
    inspected: int


class UnitFindings(Answer):
    unit: str | None
    unit_name: str | None
    inspected: int
    passed: int
    failed: int


class RoundDetail(RoundOut):
    """A month's inspection: posted = inspected + remaining, inspected = passed + failed."""

    remaining: int
    passed: int
    failed: int
    methods: list[MethodCount]
    units: list[UnitFindings]
    digest: str | None = Field(description="通报后冻结结果的摘要(SHA-256)")


class InspectionItemOut(Answer):
    number: str
    title: str
    unit: str | None
    unit_name: str | None
    state: str = Field(description="列入清单时的状态")
    state_text: str
    method: str | None
    method_text: str | None
    passed: bool | None
    finding: str | None
    remedy: str | None
    remedy_text: str | None
    inspected_at: LocalTime | None


class DrawIn(Body):
    street: Code | None = None
    first_day: Day
    last_day: Day
    size: int = Field(ge=1, le=1000)
    seed: Short | None = Field(None, description="随机种子;同一种子、同一批工单,抽取结果相同")


class DrawOut(Answer):
    id: str
    seed: str
    first_day: date
    last_day: date
    population: int
    population_digest: str = Field(description="抽取范围(升序的工单标识,每行一个)的 SHA-256")
    size: int
    drawn_at: LocalTime


class DrawnOut(Answer):
    place: int
    number: str
    state: str
    state_text: str
    valid: bool | None
    resolved: str | None
    resolved_text: str | None
    satisfaction: str | None
    satisfaction_text: str | None
    note: str | None
    visited_at: LocalTime | None


class VisitIn(Body):
    """What a re-visit found."""

    street: Code | None = None
    number: Number
    valid: bool = Field(description="是否有效(见到本人或打通,且给出可用评价)")
    contacted: bool | None = None
    resolved: Resolved | None = None
    satisfaction: Satisfaction | None = None
    note: Line | None = None


class VisitOut(Answer):
    number: str
    recorded: bool


class GroupIn(Body):
    street: Code | None = None
    name: Short
    task: Line
    members: list[Code] = Field(min_length=1, max_length=100, description="成员工号")


class MembersIn(Body):
    street: Code | None = None
    join: list[Code] = Field(default_factory=list, max_length=100, description="加入的工号")
    leave: list[Code] = Field(default_factory=list, max_length=100, description="退出的工号")


class MemberOut(Answer):
    staff: str
    name: str | None
    joined_at: LocalTime
    left_at: LocalTime | None


class GroupOut(Answer):
    """A 督导专班 with its people, those who left too."""

    id: str
    name: str
    task: str
    created_at: LocalTime
    members: list[MemberOut]


Period = Annotated[str, StringConstraints(pattern=r"^(199\d|20\d\d)(-(0[1-9]|1[0-2])|-Q[1-4]|-W[0-5]\d)?$")]


class EvaluationIn(Body):
    """How a unit or community did in a period, and what it is advised to do."""

    street: Code | None = None
    unit: Short
    period: Period = Field(description="年、季、月或周:2026、2026-Q1、2026-03、2026-W10")
    score: Decimal = Field(ge=0, le=100, decimal_places=2)
    guidance: Line


class EvaluationOut(Answer):
    id: str
    unit: str
    unit_name: str | None
    unit_kind: str | None
    unit_kind_text: str | None
    period: str
    score: str
    guidance: str
    recorded_at: LocalTime
    current: bool = Field(description="同一单位、同一周期的最新一次")
