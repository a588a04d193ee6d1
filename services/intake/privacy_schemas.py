"""What goes over the wire of the doors for personal data and blocks."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field, field_validator

from shared import clock
from shared.web.fields import Answer, Body, Code, Content, Instant, Line, LocalTime, Short


class DisclosureReason(Body):
    """Why somebody needs a reporter's contact data: the reason stays."""

    reason: Annotated[Line, Field(description="为什么需要查看,例如:先行联系、上门前预约")]


class DisclosedContact(Answer):
    """Contact data in the clear."""

    name: str | None
    phone: str | None
    address: str | None
    recorded_at: LocalTime


class DisclosureItem(Answer):
    """One look at contact data; never the data themselves."""

    id: str
    number: str
    reader_id: str
    role: str
    role_text: str
    unit: str | None
    reason: str
    fields: list[str]
    recorded_at: LocalTime


class MaskingIn(Body):
    text: Content


class FoundOut(Answer):
    """A place of a text: characters `start` to `end`, excluded."""

    kind: str
    kind_text: str
    start: int
    end: int


class MaskingOut(Answer):
    masked: str
    found: list[FoundOut]


class BlockIn(Body):
    """A reporter, named by one of their tickets, is to hand nothing in until then."""

    number: Short
    reason: Line
    until: Instant

    @field_validator("until")
    @classmethod
    def _within_a_year(cls, value: datetime) -> datetime:
        now = clock.now()
        if not now < value <= now + timedelta(days=366):
            raise ValueError("须晚于现在,最长一年")
        return value


class LiftIn(Body):
    reason: Line
    street: Code | None = Field(None, description="街道代码;只属于一个街道时可不填")


class BlockItem(Answer):
    """A block, without name or telephone."""

    id: str
    reporter_id: str
    blocked_by: str
    reason: str
    recorded_at: LocalTime
    until: LocalTime
    lifted_at: LocalTime | None
    lift_reason: str | None
