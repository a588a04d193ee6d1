"""The calendar: what comes with the software, and a year that is published later."""

import json
from datetime import date, timedelta

import chinese_calendar
import pytest

from services.console import holidays
from shared.db import Database

NOTICE = {
    "year": 2027,
    "days": [
        {"date": "2026-12-31", "isOffDay": True, "name": "元旦"},
        {"date": "2027-01-01", "isOffDay": True, "name": "元旦"},
        {"date": "2027-02-20", "isOffDay": False, "name": "春节"},
    ],
}


@pytest.fixture
async def empty(fresh_database):
    database = Database(fresh_database, pool_size=2)
    async with database.transaction(()) as tx:
        await tx.raw.execute("DELETE FROM calendar_days")
    yield database
    await database.close()


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "year.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        return path

    return write


async def test_every_day_is_as_chinesecalendar_has_it(empty):
    async with empty.transaction(()) as tx:
        await holidays.store(tx, holidays.packaged())
    async with empty.transaction((), read_only=True) as tx:
        rows = await tx.raw.fetch("SELECT day, working, source, note FROM calendar_days ORDER BY day")
    first, last = date(2004, 1, 1), date(2026, 12, 31)
    assert [row["day"] for row in rows] == [first + timedelta(n) for n in range((last - first).days + 1)]
    assert all(row["working"] == chinese_calendar.is_workday(row["day"]) for row in rows)
    notes = {row["day"]: row["note"] for row in rows}
    assert notes[date(2026, 10, 1)] == "国庆节"
    assert notes[date(2026, 10, 10)] == "国庆节调休上班"
    assert notes[date(2026, 6, 3)] is None


async def test_a_local_day_is_not_overwritten_by_the_packaged_ones(empty):
    day = date(2026, 3, 4)
    async with empty.transaction(()) as tx:
        await holidays.store(tx, [(day, False, "local", "停电检修")])
        await holidays.store(tx, holidays.packaged())
        assert not await tx.raw.fetchval("SELECT working FROM calendar_days WHERE day = $1", day)


def test_a_years_notice_is_read(written):
    year, rows = holidays.read(written(NOTICE))
    known = {day: (working, note) for day, working, _, note in rows}
    assert (year, len(rows)) == (2027, 366)
    assert known[date(2026, 12, 31)] == (False, "元旦")
    assert known[date(2027, 1, 1)] == (False, "元旦")
    assert known[date(2027, 2, 20)] == (True, "春节调休上班")  # a Saturday
    assert known[date(2027, 1, 2)] == (False, None)
    assert known[date(2027, 1, 4)] == (True, None)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "不是放假安排"),
        ("[]", "不是放假安排"),
        ({"year": 2027}, "不是放假安排"),
        ({"year": 2027, "days": []}, "没有 2027 年的任何节假日"),
        ({"year": 2027, "days": [{"date": "2025-05-01", "isOffDay": True}]}, "有 2025-05-01"),
        ({"year": 2027, "days": [{"date": "2027-05-01", "isOffDay": "yes"}]}, "isOffDay"),
        ({"year": 2027, "source": "hearsay", "days": [{"date": "2027-05-01", "isOffDay": True}]}, "source"),
    ],
)
def test_a_file_that_is_no_notice_is_refused(written, content, told):
    with pytest.raises(RuntimeError, match=told):
        holidays.read(written(content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RuntimeError, match="读不了文件"):
        holidays.read(tmp_path / "none.json")
