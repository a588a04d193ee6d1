"""Lists: `{items, next_cursor, has_more}` with keyset cursors, so that page 1,000 costs what page 1 does."""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query

from shared.errors import invalid
from shared.web.fields import EARLIEST, Answer

T = TypeVar("T")
MOST_CODE, MOST_NUMBER = 64, 2**31 - 1
LATEST_YEAR = 2200
DEFAULT, MOST = 20, 100
Limit = Annotated[int, Query(ge=1, le=MOST, description="每页条数")]
Cursor = Annotated[str | None, Query(max_length=400, description="上一页的 next_cursor")]


class Page(Answer, Generic[T]):
    items: list[T]
    next_cursor: str | None
    has_more: bool


def encode(values: Sequence[Any]) -> str:
    """Return the cursor of a row from the values it is sorted by."""
    return base64.urlsafe_b64encode(orjson.dumps([str(v) for v in values])).decode().rstrip("=")


def decode(cursor: str | None, *parsers: Callable[[str], Any]) -> list[Any] | None:
    """Return a cursor's values, or None for the first page; raise Invalid for anything we did not make."""
    if cursor is None:
        return None
    try:
        values = orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not (isinstance(values, list) and all(isinstance(v, str) for v in values)):
            raise ValueError(cursor)  # noqa: TRY301 - told like every other fault of a cursor
        return [parse(value) for parse, value in zip(parsers, values, strict=True)]
    except (binascii.Error, ValueError, TypeError, OverflowError) as error:
        raise invalid("cursor", "翻页标记无效", code="bad_cursor") from error


def code(value: str) -> str:
    """Parse a code out of a cursor."""
    if not (0 < len(value) <= MOST_CODE and value.isprintable()):
        raise ValueError(value)
    return value


def number(value: str) -> int:
    """Parse a number that counts something out of a cursor."""
    counted = int(value)
    if not 0 <= counted <= MOST_NUMBER:
        raise ValueError(value)
    return counted


def instant(value: str) -> datetime:
    """Parse an instant out of a cursor."""
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not EARLIEST.year <= moment.year < LATEST_YEAR:
        raise ValueError(value)
    return moment


def page(
    rows: Sequence[Any], limit: int, sort: Callable[[Any], Sequence[Any]], item: Callable[[Any], T]
) -> dict[str, Any]:
    """Return a page of the first `limit` of rows read with LIMIT limit + 1."""
    shown = rows[:limit]
    more = len(rows) > limit
    return {
        "items": [item(row) for row in shown],
        "next_cursor": encode(sort(shown[-1])) if more else None,
        "has_more": more,
    }
