"""What goes over the wire about closing: proofs, policies, and whom nobody has answered yet."""

from datetime import date
from typing import Any
from uuid import UUID

from pydantic import Field

from services.routing.joint_schemas import LocationIn
from shared.web.fields import Answer, Body, Code, Day, Line, LocalTime, PastInstant, Short

MOST_PICTURES = 9


class ProofIn(Body):
    """The proof that a matter was dealt with (办结凭证); what of it is needed is the street's policy for the category."""

    before_ids: list[UUID] = Field(default=[], max_length=MOST_PICTURES, description="处置前照片的附件编号")
    after_ids: list[UUID] = Field(default=[], max_length=MOST_PICTURES, description="处置后照片的附件编号")
    location: LocationIn | None = None
    occurred_at: PastInstant | None = Field(None, description="处置时间")
    person: Short | None = Field(None, description="处置人")
    note: Line | None = None


class ClosingPolicyIn(Body):
    """A new version of a street's policy of closing; its document as services/routing/README.md describes it."""

    street: Code | None = None
    valid_from: Day | None = Field(None, description="生效日期,默认今天")
    document: dict[str, Any]


class ClosingPolicyOut(Answer):
    version: int
    valid_from: date
    document: dict[str, Any]
    recorded_at: LocalTime


class UntoldOut(Answer):
    """A matter that has ended and of which nothing shows that its reporter was told."""

    id: str
    number: str
    state: str
    state_text: str
    category: str
    category_name: str
    lead_unit: str | None
    lead_unit_name: str | None
    ended_at: LocalTime
    outcome: str | None
    outcome_text: str | None
