"""`banjie calendar`: which days are worked, a year at a time, one row a day.

A year's file is the form in which the State Council's notices are commonly kept: `{"year": 2027, "days":
[{"date": "2027-01-01", "isOffDay": true, "name": "元旦"}, …]}`; days it does not name are Monday to Friday.
"""

import json
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
from chinese_calendar.constants import holidays, workdays

from services.console import owner
from shared.db import Database, Transaction

FIRST, LAST = min(holidays).year, max(holidays).year
FRIDAY = 5
DECEMBER, FIRST_TAIL_DAY = 12, 29  # the last days of a year may be ruled by the next year's notice
Row = tuple[date, bool, str, str | None]
_WRITE = """
INSERT INTO calendar_days (day, working, source, note) VALUES ($1, $2, $3, $4)
ON CONFLICT (day) DO UPDATE SET working = excluded.working, source = excluded.source, note = excluded.note
WHERE calendar_days.source <> 'local' OR excluded.source = 'local'"""


def span() -> tuple[date, date]:
    """Return the first and the last day of the years that come with the software."""
    return date(FIRST, 1, 1), date(LAST, 12, 31)


def packaged() -> list[Row]:
    """Return every day of those years."""
    return [(day, chinese_calendar.is_workday(day), "state_council", _note(day)) for day in _days(*span())]


def _note(day: date) -> str | None:
    if day in holidays:
        return _chinese(holidays[day])
    return f"{_chinese(workdays[day])}调休上班" if day in workdays else None


def _chinese(name: str) -> str:
    return next((h.chinese for h in chinese_calendar.Holiday if h.value == name), name)


def seed() -> tuple[range, int]:
    """Write the packaged years (local overrides stay); return them and the number of days."""
    rows = packaged()

    async def write(opened: Database) -> None:
        async with opened.transaction(()) as tx:
            await store(tx, rows)

    owner.run(write)
    return range(FIRST, LAST + 1), len(rows)


async def store(tx: Transaction, rows: Iterable[Row]) -> None:
    """Write days in `tx`; a local override gives way to another local one only."""
    await tx.raw.executemany(_WRITE, rows)


def import_year(file: Path) -> tuple[int, int]:
    """Write the year in `file`, noted in every street's audit log; return it and the number of days."""
    year, rows = read(file)

    async def write(opened: Database) -> None:
        ids = await owner.all_ids(opened)
        async with opened.transaction(ids) as tx:
            await store(tx, rows)
            await owner.audited(
                tx, ids, "calendar_imported", {"year": year, "days": len(rows), "file": file.name}
            )

    owner.run(write)
    return year, len(rows)


def read(file: Path) -> tuple[int, list[Row]]:
    """Return the year of a file and all its days; RuntimeError says what is wrong with the file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        year, named = int(content["year"]), _named(content["days"])
        source = content.get("source", "state_council")
    except (OSError, UnicodeDecodeError) as error:
        raise RuntimeError(f"读不了文件 {file}:{error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RuntimeError(f"{file} 不是放假安排:应有 year 和 days(date、isOffDay、name):{error}") from error
    if source not in {"state_council", "local"}:
        raise RuntimeError("source 只能是 state_council 或 local")
    _check(year, named)
    days = [d for d in named if d.year < year] + list(_days(date(year, 1, 1), date(year, 12, 31)))
    weekday = {day: day.isoweekday() <= FRIDAY for day in days}
    return year, [(d, named.get(d, (weekday[d], None))[0], source, named.get(d, (0, None))[1]) for d in days]


def _named(days: list[dict[str, Any]]) -> dict[date, tuple[bool, str | None]]:
    named = {}
    for day in days:
        off = day["isOffDay"]
        if not isinstance(off, bool):
            raise ValueError(f"{day['date']} 的 isOffDay 应为 true 或 false")  # noqa: TRY004 - a fault of the file
        name = str(day.get("name") or "") or None
        named[date.fromisoformat(day["date"])] = (not off, name if off or name is None else f"{name}调休上班")
    return named


def _check(year: int, named: dict[date, tuple[bool, str | None]]) -> None:
    for day in named:
        tail = day.year == year - 1 and (day.month, day.day) >= (DECEMBER, FIRST_TAIL_DAY)
        if day.year != year and not tail:
            raise RuntimeError(f"{year} 年的安排里有 {day}")
    if not any(day.year == year and not working for day, (working, _) in named.items()):
        raise RuntimeError(f"文件里没有 {year} 年的任何节假日")


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))
