"""What goes over the wire of the bulletins."""

from typing import Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.web.fields import Answer, Body, Code, Day, Line, LocalTime, PastInstant, Short

FilterName = Literal[
    "channel", "kind", "category", "group", "community", "grid", "unit", "part_unit", "level", "mode", "list",
    "list_level", "outcome", "excluded", "state", "stage",
]  # fmt: skip


class FigureIn(Body):
    """One figure of a bulletin: the same question as GET /v1/rates/{rate} takes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, populate_by_name=True)

    rate: Code
    variant: Code | None = None
    by: list[Code] = Field(default=[], max_length=2)
    first: Day | None = Field(None, alias="from")
    last: Day | None = Field(None, alias="to")
    period: Short | None = None
    calendar: Literal["natural", "assessment"] = "natural"
    basis: Literal["cohort", "due", "closed", "workload"] = "cohort"
    population: Literal["all", "assessed"] = "all"
    rounding: Literal["half_up", "truncate"] = "half_up"
    digits: int = Field(2, ge=0, le=6)
    filters: dict[FilterName, Short] = Field(default={})


class BulletinIn(Body):
    title: Line
    street: Code | None = None
    as_of: PastInstant | None = Field(None, description="数字截至何时,不填则为现在")
    figures: list[FigureIn] = Field(min_length=1, max_length=50)


class CorrectionIn(Body):
    reason: Line


class CorrectionOut(Answer):
    id: UUID
    reason: str
    known_at: LocalTime
    differences: list[dict[str, Any]]
    made_role: str
    made_at: LocalTime


class BulletinHead(Answer):
    id: str
    street: str
    title: str
    as_of: LocalTime
    known_at: LocalTime
    issued_role: str
    issued_at: LocalTime


class FrozenFigure(Answer):
    place: int
    question: dict[str, Any]
    answer: dict[str, Any]


class BulletinDetail(BulletinHead):
    figures: list[FrozenFigure]
    corrections: list[CorrectionOut]
