"""What goes over the wire of durations, the backlog and the signs of hollow closure."""

from pydantic import Field

from services.metrics.schemas.figures import Definition, Figure, Warning_, Window
from shared.web.fields import Answer, LocalTime


class Quantiles(Answer):
    median: int | None = Field(description="秒")
    p90: int | None = Field(description="秒")
    longest: int | None = Field(description="秒")
    median_text: str
    p90_text: str


class Duration(Answer):
    step: str
    label: str
    count: int
    natural: Quantiles
    working: Quantiles = Field(description="工作日 08:30-12:00、13:30-18:00")


class Within(Answer):
    days: int
    share: float
    band: tuple[float, float]


class CurvePoint(Within):
    at_risk: int
    closed: int
    censored: int


class Closing(Answer):
    """The share closed within so many days, by the product-limit estimator; open tickets are censored."""

    closed: int
    censored: int
    median_days: int | None
    within: list[Within]
    curve: list[CurvePoint]


class Age(Answer):
    days: int | None
    label: str
    count: int


class Backlog(Answer):
    open: int
    overdue: int
    due_soon: dict[str, int]
    oldest_received_at: LocalTime | None
    ages: list[Age]


class ProcessPart(Answer):
    durations: list[Duration]
    closing: Closing
    backlog: Backlog


class ProcessRow(ProcessPart):
    key: str
    label: str
    keys: list[str]


class ProcessOut(Answer):
    window: Window
    as_of: LocalTime
    known_at: LocalTime | None
    rows: list[ProcessRow]
    total: ProcessPart
    warnings: list[Warning_]


class Sign(Figure):
    rate: str
    variant: str
    label: str
    definition: Definition


class Suspension(Answer):
    reason: str | None
    reason_text: str
    tickets: int
    pauses: int
    days: float


class Extensions(Answer):
    tickets: int
    extensions: int
    days: float


class QualityOut(Answer):
    window: Window
    as_of: LocalTime
    known_at: LocalTime | None
    population: str
    signs: list[Sign]
    suspensions: list[Suspension]
    extensions: Extensions
    warnings: list[Warning_]
