"""The working calendar as the database has it, for the services that count in working days."""

from sqlalchemy import select

from shared.calendar import WorkCalendar
from shared.db import Transaction
from shared.tables import calendar_days

PUBLISHED = "state_council"  # a local day off says nothing of the rest of its year
_FRIDAY = 5


async def read(tx: Transaction) -> WorkCalendar:
    """Return the calendar: the days that differ from Monday to Friday, and the years whose notice is out."""
    rows = await tx.rows(select(calendar_days.c.day, calendar_days.c.working, calendar_days.c.source))
    return WorkCalendar(
        {r.day: r.working for r in rows if r.working != (r.day.isoweekday() <= _FRIDAY)},
        {r.day.year for r in rows if r.source == PUBLISHED},
    )
