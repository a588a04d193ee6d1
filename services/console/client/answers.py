"""What the services answer, typed. Fields that a newer service adds are left aside; `body` holds everything.

Instants are aware datetimes, shares are fractions from 0 to 1, None is "not known" or "nothing to divide by".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any, Self, TypeVar

T = TypeVar("T")
Body = Mapping[str, Any]


def _picked(kind: Callable[..., T], body: Body, /, **made: Any) -> T:
    """Return the dataclass filled with what it knows of a body; `made` are the fields that are not plain."""
    known = {f.name for f in fields(kind)} - made.keys()  # type: ignore[arg-type]
    return kind(**{name: body[name] for name in known if name in body}, **made)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


@dataclass(frozen=True, slots=True)
class Window:
    """Which tickets: by which of their times, from which local day to which, both inclusive."""

    basis: str
    first: date
    last: date
    timezone: str
    period: str | None = None

    @classmethod
    def of(cls, body: Body) -> Self:
        days = {"first": date.fromisoformat(body["from"]), "last": date.fromisoformat(body["to"])}
        return _picked(cls, body, **days)


@dataclass(frozen=True, slots=True)
class Warned:
    """What to keep in mind about a figure; `body` has the numbers, where there are any."""

    code: str
    message: str
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return cls(body["code"], body["message"], body)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a rate: `value` is a fraction or None, `display` what is printed (99.97%, or —).

    `few`: fewer answers than `least`, better not judged by. `excluded`: left out of the assessed population, by reason.
    """

    key: str
    label: str
    numerator: float | None
    denominator: int | None
    value: float | None
    display: str
    excluded: Mapping[str, int] = field(default_factory=dict)
    few: bool = False

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class RankedRow(Row):
    """A row with its rank; equals share one, and what cannot be ranked has none."""

    rank: int | None = None
    tied: bool = False


@dataclass(frozen=True, slots=True)
class RateAnswer:
    """A rate, undivided (`total`) and in the rows of its split."""

    rate: str
    variant: str
    label: str
    window: Window
    as_of: datetime
    population: str
    rows: tuple[Row, ...]
    total: Row
    warnings: tuple[Warned, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(
            cls, body, window=Window.of(body["window"]), as_of=_instant(body["as_of"]), rows=tuple(map(Row.of, body["rows"])),
            total=Row.of(body["total"]), warnings=tuple(map(Warned.of, body["warnings"])), body=body,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ranking:
    """The rows of a rate in their order, best first; `unranked` are those with too few tickets or no figure."""

    rate: str
    variant: str
    label: str
    window: Window
    rows: tuple[RankedRow, ...]
    unranked: tuple[RankedRow, ...]
    warnings: tuple[Warned, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(
            cls, body, window=Window.of(body["window"]), rows=tuple(map(RankedRow.of, body["rows"])),
            unranked=tuple(map(RankedRow.of, body["unranked"])), warnings=tuple(map(Warned.of, body["warnings"])),
            body=body,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class CountsRow:
    key: str
    label: str
    counts: Mapping[str, int]

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of everything; `labels` tells what each measure is called."""

    window: Window
    as_of: datetime
    counts: Mapping[str, int]
    labels: Mapping[str, str]
    rows: tuple[CountsRow, ...]
    warnings: tuple[Warned, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(
            cls, body, window=Window.of(body["window"]), as_of=_instant(body["as_of"]),
            labels={m["measure"]: m["label"] for m in body["measures"]}, rows=tuple(map(CountsRow.of, body["rows"])),
            warnings=tuple(map(Warned.of, body["warnings"])), body=body,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    stage: str
    label: str
    count: int

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class Conversion:
    """One step of the funnel: how many of one stage came to another."""

    label: str
    numerator: int
    denominator: int
    value: float | None
    display: str

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class Funnel:
    """Topic → issue → project → closed, of one cohort."""

    window: Window
    as_of: datetime
    stages: tuple[Stage, ...]
    conversions: tuple[Conversion, ...]
    stayed_behind_count: int
    warnings: tuple[Warned, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(
            cls, body, window=Window.of(body["window"]), as_of=_instant(body["as_of"]), stages=tuple(map(Stage.of, body["stages"])),
            conversions=tuple(map(Conversion.of, body["conversions"])), warnings=tuple(map(Warned.of, body["warnings"])),
            body=body,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evidence:
    """A ticket behind a numerator, a denominator, or the gap between them."""

    number: str
    street: str
    state: str
    state_text: str
    received_at: datetime
    due_at: datetime | None
    closed_at: datetime | None
    channel: str
    kind: str
    category: str
    community: str
    grid: str
    unit: str

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body, **_instants(body, ("received_at", "due_at", "closed_at")))


def _instants(body: Body, names: tuple[str, ...]) -> dict[str, datetime | None]:
    return {name: _instant(body[name]) for name in names}


@dataclass(frozen=True, slots=True)
class Variant:
    """One way of counting a rate, in words."""

    variant: str
    numerator: str
    denominator: str
    source: str
    warning: str | None

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class RateEntry:
    """A rate of the catalogue. `body` names the splits and filters it takes."""

    rate: str
    label: str
    default_variant: str | None
    variants: tuple[Variant, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body, variants=tuple(map(Variant.of, body["variants"])), body=body)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One ticket with its whole history; None where nothing is told. Names and phones come masked."""

    number: str
    received_at: datetime
    recorded_at: datetime
    channel: str
    kind: str | None
    category_code: str | None
    community: str | None
    grid_code: str | None
    title: str | None
    content: str
    reporter_name: str | None
    reporter_phone: str | None
    confidential: bool
    disposition: str
    reject_reason: str | None
    stage: str
    lead_unit: str | None
    co_units: str | None
    dispatched_at: datetime | None
    signed_at: datetime | None
    contacted_at: datetime | None
    due_at: datetime | None
    extended_to: datetime | None
    suspended_from: datetime | None
    suspended_to: datetime | None
    handled_at: datetime | None
    closed_at: datetime | None
    outcome: str | None
    callback_at: datetime | None
    callback_valid: bool | None
    callback_contacted: bool | None
    callback_resolved: str | None
    callback_satisfaction: str | None
    rating: str | None
    return_count: int
    rework_count: int
    checklist: str | None
    list_level: str | None
    excluded_reason: str | None

    @property
    def deadline(self) -> datetime | None:
        """The deadline in force: what it was extended to, or else what it was."""
        return self.extended_to or self.due_at

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body, **_instants(body, _LEDGER_INSTANTS))


_LEDGER_INSTANTS = tuple(f.name for f in fields(LedgerRow) if "datetime" in str(f.type))


@dataclass(frozen=True, slots=True)
class Fault:
    """What was wrong with a cell of an imported ledger; None for what concerns a whole line or file."""

    line: int | None
    column: str | None
    message: str

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body)


@dataclass(frozen=True, slots=True)
class ImportResult:
    """How an import went. `state`: running, done or failed; `errors`: the first of them."""

    id: str
    state: str
    rows: int
    accepted: int
    rejected: int
    errors: tuple[Fault, ...]
    body: Body = field(repr=False)

    @classmethod
    def of(cls, body: Body) -> Self:
        return _picked(cls, body, errors=tuple(map(Fault.of, body["errors"])), body=body)
