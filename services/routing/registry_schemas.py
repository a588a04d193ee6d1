"""What goes over the wire of the registry: areas, coverage, staff, imports and changes."""

from datetime import date
from typing import Any

from pydantic import Field

from shared.web.fields import Answer, LocalTime


class AreaOut(Answer):
    code: str
    standard_code: str = Field(description="十二位区划代码;网格和楼栋为其自身代码")
    kind: str
    kind_text: str
    name: str | None
    parent: str | None
    valid_from: date | None
    valid_until: date | None


class Tolerance(Answer):
    """What is narrower or smaller is how surveyors round."""

    width_m: float
    area_m2: float


class FindingOut(Answer):
    trouble: str
    trouble_text: str
    codes: list[str]
    square_metres: float | None
    longitude: float | None
    latitude: float | None
    message: str


class ResponsibilityOut(Answer):
    area: str
    message: str


class CoverageOut(Answer):
    """Whether a street's areas are covered; the point of a finding is in GCJ-02."""

    street: str
    day: date
    good: bool
    communities: int
    grids: int
    boundaries: int
    tolerance: Tolerance
    findings: list[FindingOut]
    responsibility: list[ResponsibilityOut]


class PostOut(Answer):
    role: str
    role_text: str
    unit: str | None
    area: str
    area_kind: str
    area_kind_text: str
    valid_from: date | None
    valid_until: date | None


class PersonOut(Answer):
    code: str
    name: str
    valid_until: date | None
    posts: list[PostOut]


class ListCount(Answer):
    """How many rows of a list there were, and what became of them; the others changed nothing or were refused."""

    list: str
    rows: int
    added: int
    changed: int
    ended: int


class ChangeItem(Answer):
    list: str
    list_text: str
    code: str
    action: str
    action_text: str


class ImportFault(Answer):
    file: str
    sheet: str | None
    line: int | None
    column: str | None
    message: str


class RegistryImportOut(Answer):
    """What an import did or would do; `changes`, `errors` and `warnings` hold the first 500."""

    id: str
    applied: bool
    lists: list[ListCount]
    changes: list[ChangeItem]
    change_count: int
    errors: list[ImportFault]
    error_count: int
    warnings: list[str]


class ChangeOut(Answer):
    id: str
    recorded_at: LocalTime
    actor_id: str | None
    actor_role: str
    actor_role_text: str
    import_id: str
    list: str
    code: str
    action: str
    action_text: str
    before: dict[str, Any] | None
    after: dict[str, Any]
