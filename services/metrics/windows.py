"""A street's assessment calendar: read, and set."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from services.metrics.periods import NATURAL, AssessmentCalendar
from shared.db import Transaction
from shared.errors import invalid
from shared.streets import Street
from shared.tables import assessment_calendars as table


async def of_street(tx: Transaction, street_id: int) -> AssessmentCalendar:
    """Return a street's assessment calendar: the natural one, unless it has set another."""
    row = await tx.one(select(table).where(table.c.street_id == street_id))
    return AssessmentCalendar(row.month_starts_on, row.year_starts_in, row.day_starts_at) if row else NATURAL


async def calendar_of(tx: Transaction, streets: Sequence[Street], which: str) -> AssessmentCalendar:
    """Return the calendar a question names; raise Invalid where several streets' assessments differ."""
    if which == "natural":
        return NATURAL
    found = {await of_street(tx, street.id) for street in streets}
    if len(found) != 1:
        raise invalid("calendar", "这些街道的考核日历不同,请分别查询")
    return found.pop()


async def set_calendar(tx: Transaction, street_id: int, calendar: AssessmentCalendar) -> None:
    """Set a street's assessment calendar."""
    values = {
        "month_starts_on": calendar.month_starts_on, "year_starts_in": calendar.year_starts_in,
        "day_starts_at": calendar.day_starts_at,
    }  # fmt: skip
    await tx.execute(
        insert(table)
        .values(street_id=street_id, **values)
        .on_conflict_do_update(index_elements=["street_id"], set_=values)
    )
