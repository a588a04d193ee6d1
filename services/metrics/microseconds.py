"""Instants as whole microseconds and days as whole numbers, just as PostgreSQL keeps them: for the recount.

To make a `datetime` of each instant of millions of rows takes longer than all that is then done with them; the
rules of `spans.py` only compare instants, and numbers compare as well.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import itemgetter

from services.metrics.spans import Reckoning
from shared.clock import local_day
from shared.db import Transaction

# Where PostgreSQL counts from.
_ORIGIN = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY = _ORIGIN.date().toordinal()
HOUR = 3_600_000_000
_AS_NUMBERS = ("timestamptz", "date")


def instant(moment: datetime) -> int:
    """Return an instant as a number."""
    return (moment - _ORIGIN) // timedelta(microseconds=1)


def day(local: date) -> int:
    """Return a day as a number."""
    return local.toordinal() - _FIRST_DAY


def day_of_number(number: int) -> date:
    """Return the day that a number means."""
    return date.fromordinal(_FIRST_DAY + number)


@lru_cache(maxsize=1_000_000)
def local_day_of_hour(hour: int) -> date:
    """Return the local day of an hour, counted from the origin: no local day begins within an hour."""
    return local_day(_ORIGIN + timedelta(hours=hour))


@lru_cache(maxsize=1_000_000)
def _day_of_hour(hour: int) -> int:
    return day(local_day_of_hour(hour))


MICROSECONDS = Reckoning(HOUR, HOUR // 2, lambda moment: _day_of_hour(moment // HOUR))


@asynccontextmanager
async def numbers(tx: Transaction) -> AsyncIterator[None]:
    """Read instants and days as numbers on this connection, for as long as the block lasts."""
    for name in _AS_NUMBERS:
        await tx.raw.set_type_codec(
            name, schema="pg_catalog", encoder=lambda number: (number,), decoder=itemgetter(0), format="tuple"
        )
    try:
        yield
    finally:
        for name in _AS_NUMBERS:
            await tx.raw.reset_type_codec(name, schema="pg_catalog")
