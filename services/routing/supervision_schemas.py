"""What goes over the wire about supervision."""

from datetime import date
from typing import Any

from pydantic import Field

from services.routing.schemas import Number
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


class MeetingIn(Body):
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
