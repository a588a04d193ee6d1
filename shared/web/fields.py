"""The kinds of fields that bodies and queries are made of: every one bounded, every fault told in Chinese."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)

from shared import clock

# Ledgers of streets reach back decades, not centuries; the database's and Python's edges are far away.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
_FORGIVEN_SKEW = timedelta(minutes=2)


class Body(BaseModel):
    """A request body: unknown fields are refused by name rather than ignored."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Answer(BaseModel):
    """A response body: every field is present, null where there is nothing."""

    model_config = ConfigDict(from_attributes=True)


def _printable(value: str) -> str:
    for character in value:
        if (
            (character < " " and character not in "\n\r\t")
            or "\ud800" <= character <= "\udfff"
            or character == "\x7f"
        ):
            raise ValueError("含有不可见的控制字符")
    return value


def _in_range(value: datetime) -> datetime:
    if value < EARLIEST:
        raise ValueError("时间过早")
    if value.year > clock.now().year + 50:
        raise ValueError("时间过晚")
    return value


def _day_in_range(value: date) -> date:
    if value < EARLIEST.date():
        raise ValueError("日期过早")
    if value.year > clock.now().year + 50:
        raise ValueError("日期过晚")
    return value


def _past(value: datetime) -> datetime:
    now = clock.now()
    if value > now + _FORGIVEN_SKEW:
        raise ValueError("不能晚于现在")
    return min(value, now)


def _no_number(value: Any) -> Any:
    # pydantic reads a bare number as a Unix time; a form that sends one has made a mistake
    if isinstance(value, (int, float)) or (
        isinstance(value, str) and value.strip().lstrip("+-").replace(".", "", 1).isdigit()
    ):
        raise ValueError("应为时间,如 2026-11-21T08:30:00+08:00")
    return value


Short = Annotated[
    str, StringConstraints(min_length=1, max_length=100, strip_whitespace=True), AfterValidator(_printable)
]
Code = Annotated[str, StringConstraints(min_length=1, max_length=32, pattern=r"^[A-Za-z0-9_-]+$")]
# A code of the registry; those that ledgers brought along are as long and as Chinese as the ledgers have them.
EntryCode = Annotated[
    str, StringConstraints(min_length=1, max_length=64, strip_whitespace=True), AfterValidator(_printable)
]
Line = Annotated[
    str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True), AfterValidator(_printable)
]
Content = Annotated[
    str, StringConstraints(min_length=1, max_length=2500, strip_whitespace=True), AfterValidator(_printable)
]
Phone = Annotated[str, StringConstraints(pattern=r"^\+?[0-9-]{5,20}$")]
Instant = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_in_range)]
PastInstant = Annotated[
    AwareDatetime, BeforeValidator(_no_number), AfterValidator(_in_range), AfterValidator(_past)
]


def _local(value: datetime) -> str:
    return clock.to_local(value).isoformat(timespec="milliseconds")


# Times go out as RFC 3339 with +08:00, whatever zone they came in.
LocalTime = Annotated[datetime, PlainSerializer(_local, return_type=str)]
Day = Annotated[date, BeforeValidator(_no_number), AfterValidator(_day_in_range)]
