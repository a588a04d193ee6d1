"""What goes over metrics' wire."""

from datetime import date

from pydantic import ConfigDict, Field

from shared.web.fields import Answer, LocalTime


class Definition(Answer):
    numerator: str
    denominator: str
    source: str


class Window(Answer):
    model_config = ConfigDict(populate_by_name=True)

    basis: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    timezone: str


class Row(Answer):
    key: str
    label: str
    numerator: int
    denominator: int
    excluded: dict[str, int]
    value: float | None
    display: str


class Warning_(Answer):  # noqa: N801 - Warning is Python's
    model_config = ConfigDict(extra="allow")

    code: str
    message: str


class RateOut(Answer):
    rate: str
    variant: str
    label: str
    definition: Definition
    window: Window
    as_of: LocalTime
    population: str
    rounding: str
    digits: int
    rows: list[Row]
    total: Row
    warnings: list[Warning_]


class VariantOut(Answer):
    variant: str
    numerator: str
    denominator: str
    numerator_measures: list[str]
    denominator_measures: list[str]
    source: str
    warning: str | None


class RateDefinition(Answer):
    rate: str
    label: str
    default_variant: str
    variants: list[VariantOut]


class Count(Answer):
    measure: str
    label: str
    meaning: str | None
    count: int


class CountsRow(Answer):
    key: str
    label: str
    counts: dict[str, int]


class CountsOut(Answer):
    window: Window
    as_of: LocalTime
    counts: dict[str, int]
    measures: list[Count]
    rows: list[CountsRow]
    warnings: list[Warning_]


class Stage(Answer):
    stage: str
    label: str
    count: int


class Conversion(Answer):
    model_config = ConfigDict(populate_by_name=True)

    from_: str = Field(alias="from")
    to: str
    label: str
    numerator: int
    denominator: int
    value: float | None
    display: str


class Behind(Answer):
    number: str
    stage: str
    state: str
    state_text: str
    reason: str | None


class FunnelOut(Answer):
    window: Window
    as_of: LocalTime
    stages: list[Stage]
    conversions: list[Conversion]
    stayed_behind: list[Behind]
    stayed_behind_count: int
    warnings: list[Warning_]


class EvidenceItem(Answer):
    id: str
    number: str
    street: str
    state: str
    state_text: str
    received_at: LocalTime
    due_at: LocalTime | None
    closed_at: LocalTime | None
    channel: str
    kind: str
    category: str
    community: str
    grid: str
    unit: str
