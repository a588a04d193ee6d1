"""What goes over routing's wire."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from services.routing.closing_schemas import ProofIn
from services.routing.joint_schemas import JointIn, LocationIn, Number, PartOut
from shared.terms import (
    Agency,
    Channel,
    FeedbackChannel,
    Kind,
    ListLevel,
    Outcome,
    Resolved,
    Satisfaction,
    SpecialClosure,
    SupervisionLevel,
    WhistleKind,
)
from shared.web.fields import (
    Answer,
    Body,
    Code,
    Content,
    EntryCode,
    Instant,
    Line,
    LocalTime,
    PastInstant,
    Short,
)


class ActionIn(JointIn):
    """What a move may bring along; which of it a move needs stands in the lifecycle."""

    reason: Annotated[Content | None, Field(description="说明、理由或办理结果")] = None
    occurred_at: PastInstant | None = Field(None, description="发生时间,补录时填写;不能早于上一步")
    reason_code: Code | None = None
    unit: Short | None = Field(None, description="单位代码或名称")
    units: list[Short] | None = Field(None, min_length=1, max_length=20)
    co_units: list[Short] | None = Field(None, max_length=20, description="协办单位,派单时填写")
    about_unit: Short | None = Field(None, description="被反映的单位,应当回避;认错了写 none")
    suggested_unit: Short | None = Field(None, description="签收之后退单时,应由哪个单位办理")
    list_level: ListLevel | None = Field(None, description="三级清单:列入哪一级")
    assignee: UUID | None = Field(None, description="具体承办人;不填则选主办单位中在办工作量最少的")
    outcome: Outcome | None = None
    into: Number | None = Field(None, description="并入的工单编号")
    agency: Agency | None = None
    until: Instant | None = None
    approve: bool | None = None
    category: EntryCode | None = None
    kind: Kind | None = None
    whistle: WhistleKind | None = None
    valid: bool | None = Field(None, description="回访是否有效(打通且给出可用评价)")
    contacted: bool | None = Field(None, description="回访:承办单位是否先行联系过")
    resolved: Resolved | None = Field(None, description="回访:是否解决")
    satisfaction: Satisfaction | None = Field(None, description="回访:是否满意")
    exclusion: Short | None = Field(None, description="考核剔除的事由")
    supervision: SupervisionLevel | None = Field(None, description="督办级别,默认督办单;until 为答复时限")
    order: Short | None = Field(None, description="督办答复:督办单编号,如 DB2026-0012")
    proof: ProofIn | None = Field(None, description="办结凭证")
    closure: SpecialClosure | None = Field(None, description="申请哪一种销号")
    feedback_channel: FeedbackChannel | None = Field(
        None, description="以什么方式告诉了诉求人,内容写在 reason"
    )


class Move(Answer):
    """One line of a ticket's history."""

    seq: int
    action: str
    action_text: str
    from_state: str | None
    to_state: str
    to_state_text: str
    actor_role: str
    actor_role_text: str
    unit: str | None
    reason: str | None
    data: dict[str, Any]
    occurred_at: LocalTime
    recorded_at: LocalTime
    late: bool


class TicketOut(Answer):
    """Where a ticket stands, who has it, by when, and what the caller may do now."""

    id: str
    number: str
    street: str
    state: str
    state_text: str
    version: int
    channel: str
    channel_text: str
    kind: str
    kind_text: str
    category: str
    category_name: str
    catalogue_version: int | None = Field(description="受理时所用分类目录的版本")
    community: str | None
    community_name: str | None
    grid: str | None
    mode: str
    mode_text: str
    level: str
    level_text: str
    owner_unit: str | None
    owner_unit_name: str | None
    lead_unit: str | None
    lead_unit_name: str | None
    received_at: LocalTime
    sign_due_at: LocalTime | None
    contact_due_at: LocalTime | None
    due_at: LocalTime | None
    due_provisional: bool
    deadline_text: str | None
    extension_until: LocalTime | None
    accepted_at: LocalTime | None
    dispatched_at: LocalTime | None
    signed_at: LocalTime | None
    contacted_at: LocalTime | None
    handled_at: LocalTime | None
    closed_at: LocalTime | None
    overdue: bool
    supervised: bool
    outcome: str | None
    outcome_text: str | None
    return_count: int
    urge_count: int
    first_due_at: LocalTime | None
    feedback_due_at: LocalTime | None
    paused_seconds: int
    extension_count: int
    about_unit: str | None
    about_unit_name: str | None
    responsible_unit: str | None
    responsible_unit_name: str | None
    assignee: str | None
    list_level: str | None
    list_level_text: str | None
    tags: list[str]
    tags_text: list[str]
    failed_dispatches: int
    disputed: bool
    designated: bool
    supervision_level: str | None
    supervision_level_text: str | None
    supervision_colour: str
    supervision_colour_text: str
    key_since: LocalTime | None = Field(description="列入重点督办台账的时间")
    why: list[str]
    due_why: list[str]
    callback_mode: str | None
    callback_mode_text: str | None
    callback_result: str | None
    callback_result_text: str | None
    confirm_until: LocalTime | None
    closure_asked: str | None
    closure_asked_text: str | None
    answered_at: LocalTime | None
    actions: list[str]


class TicketDetail(TicketOut):
    content: str
    parts: list[PartOut]
    timeline: list[Move]


class ClockOut(Answer):
    """One clock of a ticket: its limit, from when it runs, by when, and how that came about."""

    clock: str
    clock_text: str
    limit: str | None
    limit_text: str | None
    since: LocalTime | None
    due_at: LocalTime | None
    met_at: LocalTime | None
    state: Literal["running", "paused", "overdue", "met", "late", "ended"]
    state_text: str
    unit: str | None
    unit_name: str | None
    why: list[str]


class Shift(Answer):
    """A move that changed the handling deadline."""

    seq: int
    action: str
    action_text: str
    occurred_at: LocalTime
    due_at: LocalTime


class ClocksOut(Answer):
    number: str
    clock_policy: int | None
    catalogue_version: int | None
    first_due_at: LocalTime | None
    due_provisional: bool
    paused_seconds: int
    paused_text: str | None
    extension_count: int
    clocks: list[ClockOut]
    handling: list[Shift]


class RouteIn(Body):
    """A request as it might come in: routing says where it would go, and moves nothing."""

    street: Code | None = None
    content: Content
    category: EntryCode | None = None
    location: LocationIn | None = None
    grid_code: EntryCode | None = None
    address: Line | None = None
    channel: Channel = Channel.MINI_PROGRAM
    about_unit: Short | None = Field(None, description="被反映的单位(代码或名称),应当回避")


class CategoryScore(Answer):
    code: str
    name: str
    score: float | None


class CandidateOut(CategoryScore):
    words: list[str]


class UnitOut(Answer):
    code: str
    name: str
    kind: str
    kind_text: str
    level: str
    level_text: str
    parent: str | None
    community: str | None
    is_desk: bool


class Deadlines(Answer):
    sign: LocalTime
    contact: LocalTime
    handle: LocalTime
    provisional: bool


class ConsideredOut(Answer):
    code: str
    version: int
    matched: bool
    why: str


class RouteOut(Answer):
    kind: str
    kind_text: str
    category: CategoryScore
    candidates: list[CandidateOut]
    certain: bool
    classifier: str | None
    mode: str
    mode_text: str
    grid: str | None
    community: str | None
    community_name: str | None
    lead_unit: str
    lead_unit_name: str
    co_units: list[str]
    co_unit_names: list[str]
    about_unit: str | None
    rule: str | None
    rule_version: int | None
    considered: list[ConsideredOut]
    level: str
    level_text: str
    tags: list[str]
    tags_text: list[str]
    list_level: str | None
    waits: bool
    deadlines: Deadlines
    why: list[str]


class CategoryOut(Answer):
    code: str
    group: str
    name: str
    lead_unit: str
    level: str
    level_text: str
    mode: str
    mode_text: str
    sign_limit: str
    contact_limit: str
    resolve_limit: str


class CommunityOut(Answer):
    code: str
    name: str


class GridOut(Answer):
    code: str
    name: str
    kind: str
    kind_text: str
    community: str
