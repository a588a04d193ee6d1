"""What goes over the wire of the boards."""

from pydantic import Field

from shared.web.fields import Answer, LocalTime
from shared.web.paging import Page


class WorkItem(Answer):
    """An open ticket in a list: where it is, who has it, and how long there is."""

    id: str
    number: str
    street: str
    title: str
    state: str
    state_text: str
    category: str
    category_name: str
    community: str | None
    community_name: str | None
    grid: str | None
    grid_worker: str | None = Field(description="所在网格今天的责任人")
    owner_unit: str | None
    owner_unit_name: str | None
    lead_unit: str | None
    lead_unit_name: str | None
    assignee: str | None
    assignee_name: str | None
    due_at: LocalTime
    deadline_text: str
    seconds_left: int = Field(description="距办理时限的秒数,超期为负")
    overdue: bool
    supervised: bool
    mode: str
    mode_text: str
    level: str
    level_text: str
    list_level: str | None
    list_level_text: str | None
    version: int


class Counts(Answer):
    open: int
    overdue: int
    due_soon: int = Field(description="24小时内到期")
    supervised: int
    earliest_due_at: LocalTime | None


class BoardRow(Counts):
    """What a unit has in a state (and a community, a category, where they are asked for)."""

    street: str
    owner_unit: str | None
    owner_unit_name: str | None
    state: str
    state_text: str
    community: str | None
    community_name: str | None
    category: str | None
    category_name: str | None


class BoardOut(Page[BoardRow]):
    as_of: LocalTime
    total: Counts


class Load(Answer):
    open: int
    overdue: int
    due_soon: int
    done_this_week: int = Field(description="本周(周一起)承办办结")


class PersonLoad(Load):
    person: str | None = Field(description="空:尚未指派到人")
    name: str | None


class UnitLoad(Load):
    street: str
    unit: str
    unit_name: str | None
    people: list[PersonLoad]


class WorkloadOut(Page[UnitLoad]):
    as_of: LocalTime
    week_from: LocalTime


class GapItem(Answer):
    """A ticket of which something is missing; `since`: the last time somebody worked on it, or its receipt."""

    id: str
    number: str
    street: str
    title: str
    gap: str
    gap_text: str
    state: str | None
    state_text: str | None
    owner_unit: str | None
    owner_unit_name: str | None
    due_at: LocalTime | None
    since: LocalTime
    since_text: str


class GapsOut(Page[GapItem]):
    as_of: LocalTime
    silent_days: int
    counts: dict[str, int]
