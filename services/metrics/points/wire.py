"""What goes over the wire of points."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from services.metrics.points.rules import Merit
from shared.terms import TICKET_NUMBER
from shared.web.fields import Answer, Body, Code, Day, EntryCode, Line, LocalTime
from shared.web.paging import Page

MOST = 1000


def _not_zero(value: int) -> int:
    if value == 0:
        raise ValueError("不能为 0")
    return value


Points = Annotated[int, Field(ge=-MOST, le=MOST, strict=True), AfterValidator(_not_zero)]
Cap = Annotated[int, Field(ge=1, le=100 * MOST, strict=True)]
Weight = Annotated[str, StringConstraints(pattern=r"^(0|[1-9]\d?)(\.\d{1,2})?$")]
Number = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=TICKET_NUMBER.pattern)]


class PointRuleIn(Body):
    """A rule of points; one that is known by its code and differs becomes its next version."""

    code: Code
    merit: Merit = Field(description="什么情形计分")
    points: Points = Field(description="分值,扣分为负")
    daily_cap: Cap | None = Field(None, description="每人每日最多")
    monthly_cap: Cap | None = Field(None, description="每人每月最多")
    weights: dict[EntryCode, Weight] = Field(
        {}, max_length=200, description="分类代码 → 倍数,如 1.5;未列的为 1"
    )
    valid_from: Day | None = Field(None, description="生效日期,默认今天")
    valid_until: Day | None = Field(None, description="最后有效日期")
    note: Line


class PointRulesIn(Body):
    street: Code | None = None
    rules: list[PointRuleIn] = Field(min_length=1, max_length=100)
    dry_run: bool = Field(False, description="只看会有什么变化")


class PointRuleOut(Answer):
    code: str
    version: int
    merit: str
    merit_text: str
    points: int
    daily_cap: int | None
    monthly_cap: int | None
    weights: dict[str, str]
    valid_from: date
    valid_until: date | None
    note: str
    recorded_at: LocalTime


class PointRulesRecorded(Answer):
    """`written`: the versions that are new; what is already so is left as it is."""

    recorded: bool
    unchanged: int
    written: list[PointRuleOut]


class PointsIn(Body):
    """What a supervisor grants or deducts."""

    street: Code | None = None
    staff: UUID = Field(description="人员编号(承办人编号)")
    points: Points = Field(description="加分为正,扣分为负")
    reason: Line
    day: Day | None = Field(None, description="计入哪一天,默认今天,不能晚于今天")
    ticket: Number | None = Field(None, description="有关的工单编号")


class ReversalIn(Body):
    street: Code | None = None
    reason: Line


class PointEntry(Answer):
    id: UUID
    staff: UUID
    kind: str
    kind_text: str
    points: int
    day: date
    occurred_at: LocalTime
    recorded_at: LocalTime
    rule: str | None
    rule_version: int | None
    ticket: str | None
    reverses: UUID | None
    reversed: bool = Field(description="已被冲销")
    reason: str
    entered_role: str | None
    entered_role_text: str | None


class Standing(Answer):
    rank: int
    staff: UUID
    name: str | None
    total: int
    gained: int
    lost: int
    entries: int


class RankingOut(Page[Standing]):
    street: str
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")


class AccountOut(Page[PointEntry]):
    """A person's entries; `total` is the sum of all entries of these days, on whatever page."""

    street: str
    staff: UUID
    name: str | None
    first: date = Field(serialization_alias="from")
    last: date = Field(serialization_alias="to")
    total: int
