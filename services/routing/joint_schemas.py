"""What goes over the wire of joint work: parts, whistles, slips, matters passed on, visits, deliberations."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from shared.terms import TICKET_NUMBER
from shared.web.fields import (
    Answer,
    Body,
    Code,
    Content,
    Day,
    EntryCode,
    Instant,
    Line,
    LocalTime,
    PastInstant,
    Short,
)

MOST_SEQ = 2_000_000_000
Seq = Annotated[int, Field(ge=1, le=MOST_SEQ, strict=True)]
Number = Annotated[
    str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True, pattern=TICKET_NUMBER.pattern)
]


class LocationIn(Body):
    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    crs: Literal["gcj02", "wgs84"]


class MeasureIn(Body):
    """One measure of a package: who does what by when."""

    unit: Short
    text: Line
    due_at: Instant | None = None
    crew: Short | None = None


class JointIn(Body):
    """What moves of joint work may bring along."""

    task: Line | None = Field(None, description="协办或被吹哨单位的任务")
    due_at: Instant | None = Field(None, description="协办的时限,或转送后应答复的时间")
    crew: Short | None = Field(None, description="由哪支队伍做:专班队伍,或该网格的队伍种类")
    measures: list[MeasureIn] | None = Field(None, min_length=1, max_length=20, description="一揽子措施")
    part: Seq | None = Field(None, description="第几项协办;只有一项时可不填")
    score: Annotated[int, Field(ge=1, le=5, strict=True)] | None = Field(None, description="互评:1 至 5 分")
    place: Line | None = Field(None, description="到场地点")
    on_site_by: Instant | None = Field(None, description="到场时限;不填则按时限规则")
    location: LocationIn | None = Field(None, description="报到或勘察的位置")
    whistle_no: Seq | None = Field(None, description="哪一次吹哨;只有一次时可不填")
    slip: Annotated[int, Field(ge=1, le=10**12, strict=True)] | None = Field(None, description="交接单编号")
    outside_body: Short | None = Field(None, description="转送的机构")
    via: Short | None = Field(None, description="转送方式")
    reference: Short | None = Field(None, description="外部编号或文号")
    forward: Seq | None = Field(None, description="答复的是哪一次转送;只有一次时可不填")
    heard_at: PastInstant | None = Field(None, description="当面说:听取的时间")
    inspected_at: PastInstant | None = Field(None, description="实地看:查看的时间")
    fixed_at: PastInstant | None = Field(None, description="现场改:改好的时间")
    people: list[Short] | None = Field(None, max_length=30, description="参加勘察或沟通的人员")


class PartOut(Answer):
    """A share of the work; `late`: past its deadline, or done after it."""

    part: int
    unit: str
    unit_name: str | None
    kind: Literal["assist", "whistle", "measure"]
    kind_text: str
    state: Literal["open", "done", "released"]
    state_text: str
    task: str | None
    crew: str | None
    crew_text: str | None
    asked_at: LocalTime
    due_at: LocalTime | None
    late: bool | None
    report_due_at: LocalTime | None
    reported_at: LocalTime | None
    reported_from: dict[str, Any] | None
    report_late: bool | None
    finished_at: LocalTime | None
    result: str | None
    rated_by_lead: int | None
    rated_by_unit: int | None


class StageOut(Answer):
    """One of the three stages 群众吹哨—街居响应—部门报到: by when, when, and how it stands."""

    stage: Literal["whistle", "response", "report_in"]
    stage_text: str
    unit: str | None
    unit_name: str | None
    due_at: LocalTime | None
    met_at: LocalTime | None
    state: Literal["running", "overdue", "met", "late", "ended"]
    state_text: str


class StepOut(Answer):
    step: Literal["response", "minutes", "release"]
    step_text: str
    unit: str | None
    unit_name: str | None
    said: str
    occurred_at: LocalTime


class WhistleOut(Answer):
    ticket: str
    whistle_no: int
    kind: str
    kind_text: str
    origin: str
    origin_text: str
    caller_unit: str | None
    caller_unit_name: str | None
    reason: str
    place: str | None
    blown_at: LocalTime
    open: bool
    overdue: bool
    stages: list[StageOut]
    departments: list[PartOut]
    steps: list[StepOut]


class SlipOut(Answer):
    slip: int
    ticket: str
    from_unit: str
    from_unit_name: str | None
    to_unit: str
    to_unit_name: str | None
    reason: str
    occurred_at: LocalTime
    answered_at: LocalTime | None
    answered_by: str | None
    answered_by_name: str | None
    answer: str | None


class ForwardOut(Answer):
    ticket: str
    forward: int
    outside_body: str
    via: str
    reference: str | None
    reason: str
    forwarded_at: LocalTime
    due_at: LocalTime | None
    overdue: bool
    answered_at: LocalTime | None
    answer: str | None


class ContactOut(Answer):
    """One line of the contact log: who spoke to whom, who was on site, what came of it."""

    seq: int
    action: str
    action_text: str
    unit: str | None
    unit_name: str | None
    actor_role: str
    actor_role_text: str
    said: str | None
    people: list[str]
    place: str | None
    location: dict[str, Any] | None
    heard_at: LocalTime | None
    inspected_at: LocalTime | None
    fixed_at: LocalTime | None
    occurred_at: LocalTime
    recorded_at: LocalTime
    age_days: int = Field(description="距受理来电(来信、登记)的整天数")


class ResolutionIn(Body):
    text: Content
    unit: Short | None = Field(None, description="由哪个单位落实")
    due_at: Instant | None = None


class DeliberationIn(Body):
    """A meeting about tickets, and what was agreed there."""

    street: Code | None = None
    held_on: Day
    body: Short = Field(description="议事会、股东大会等")
    topic: Line
    community: EntryCode | None = None
    participants: Annotated[int, Field(ge=1, le=100_000, strict=True, description="参加人数")]
    tickets: list[Number] = Field(default=[], max_length=20, description="涉及的工单编号")
    resolutions: list[ResolutionIn] = Field(min_length=1, max_length=20)


class ResolutionOut(Answer):
    text: str
    unit: str | None
    unit_name: str | None
    due_at: LocalTime | None


class DeliberationOut(Answer):
    number: int
    held_on: date
    body: str
    topic: str
    community: str | None
    community_name: str | None
    participants: int
    recorded_unit: str | None
    recorded_at: LocalTime
    tickets: list[str]
    resolutions: list[ResolutionOut]
