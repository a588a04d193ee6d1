"""What goes over the wire about routing rules."""

from datetime import date
from typing import Annotated, Any

from pydantic import Field

from shared.web.fields import Answer, Body, Code, Day, Line, LocalTime

MOST_POSITION = 1_000_000


class RuleIn(Body):
    """A rule, or a new version of one; conditions and result as services/routing/README.md describes them."""

    street: Code | None = None
    code: Code
    position: Annotated[int, Field(ge=0, le=MOST_POSITION, strict=True, description="先后,小的在前")]
    valid_from: Day | None = Field(None, description="生效日期,默认今天")
    valid_until: Day | None = Field(None, description="最后有效日期")
    conditions: dict[str, Any]
    result: dict[str, Any]
    note: Line = Field(description="依据和用意,会写进派单说明")
    dry_run: bool = Field(False, description="只试算:最近 200 件诉求会有什么不同")


class RuleOut(Answer):
    code: str
    version: int
    position: int
    valid_from: date
    valid_until: date | None
    conditions: dict[str, Any]
    result: dict[str, Any]
    note: str
    recorded_at: LocalTime
    enabled: bool
    off_reason: str | None
    off_by_itself: bool
    off_since: LocalTime | None
    fault: str | None


class TrialHands(Answer):
    lead_unit: str
    lead_unit_name: str
    co_units: list[str]
    mode: str
    waits: bool
    rule: str | None


class TrialTicket(Answer):
    number: str
    before: TrialHands
    after: TrialHands


class Trial(Answer):
    """What a rule would change among the latest tickets."""

    tickets: int
    differing: int
    examples: list[TrialTicket]


class RuleRecorded(Answer):
    recorded: bool
    rule: RuleOut
    effect: Trial | None


class RuleSwitch(Body):
    street: Code | None = None
    on: bool
    reason: Line
