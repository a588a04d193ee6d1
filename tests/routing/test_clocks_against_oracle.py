"""Deadlines against a slow oracle that counts minute by minute: 10,000 random cases."""

import random
from datetime import UTC, date, datetime, timedelta

from chinese_calendar import constants

from shared.calendar import Limit, WorkCalendar
from shared.officehours import OfficeHours, parse_spans
from tests.routing.clock_oracle import ZONE, Days, due

CASES = 10_000
WHOLE = (["08:30-12:00", "13:30-18:00"], ["09:00-12:00", "14:00-17:30"], ["08:00-24:00"])
HALF = (["08:30-12:00"], ["09:00-11:30"], ["14:00-17:00"])
AMOUNTS = {"min": 180, "h": 72, "wh": 20, "d": 20, "wd": 15}
OFF = {day for day in constants.holidays if day.weekday() < 5}
DAY = timedelta(days=1)
ON = {day for day in constants.workdays if day.weekday() >= 5}


def streets(chance):
    """A street's calendar twice: as the product has it and as the oracle has it."""
    whole, half = chance.choice(WHOLE), chance.choice(HALF)
    hours = OfficeHours(parse_spans(whole, "上班时间"), parse_spans(half, "半天"))
    first = date(2023, 1, 1)
    some = [first + timedelta(days=chance.randrange(1826)) for _ in range(60)]
    closed, opened, halves = set(some[:20]), set(some[20:30]) - set(some[:20]), set(some[30:])
    country = WorkCalendar(
        dict.fromkeys(constants.holidays, False) | dict.fromkeys(constants.workdays, True), range(2004, 2027)
    )
    local = dict.fromkeys(closed, False) | dict.fromkeys(opened, True)
    ours = country.of_street(local, halves, hours)
    return ours, Days((OFF | closed) - opened, (ON | opened) - closed, halves, whole, half)


def moment(chance):
    """Any minute of 2024 to 2027, often around New Year, where a year may not be published yet."""
    if chance.random() < 0.2:
        start = datetime(chance.choice((2025, 2026, 2027)), 1, 1, tzinfo=ZONE) - timedelta(days=6)
        return start + timedelta(minutes=chance.randrange(12 * 1440))
    return datetime(2024, 1, 1, tzinfo=ZONE) + timedelta(minutes=chance.randrange(3 * 366 * 1440))


def test_ten_thousand_deadlines_are_what_counting_minutes_gives():
    chance, made = random.Random(20261124), []
    for case in range(CASES):
        if case % 500 == 0:
            made = [streets(chance) for _ in range(4)]
        ours, days = chance.choice(made)
        unit = chance.choice(("min", "h", "wh", "d", "d", "wd", "wd", "wd"))
        limit, start = Limit(chance.randint(1, AMOUNTS[unit]), unit), moment(chance)
        count_from, after = chance.choice(("next_day", "same_day")), chance.random() < 0.5
        found = ours.due(start, limit, count_from=count_from, after_hours=after)
        wanted = due(start, limit.amount, unit, days, count_from, after_hours=after)
        assert found.at == wanted, (start, limit, count_from, after, sorted(days.half)[:3])
        assert found.at.tzinfo is UTC


def test_pauses_stop_minutes_and_office_hours_alike():
    chance = random.Random(7)
    for _ in range(600):
        ours, days = streets(chance)
        unit = chance.choice(("min", "h", "wh"))
        limit, start = Limit(chance.randint(1, AMOUNTS[unit]), unit), moment(chance)
        at, pauses = ours.due(start, limit).at, []
        since = start
        for _ in range(chance.randint(1, 3)):
            since += timedelta(minutes=chance.randrange(1, 900))
            until = since + timedelta(minutes=chance.randrange(1, 3 * 1440))
            # A pause that begins at or after the deadline heals nothing.
            if since < at:
                pauses.append((since, until))
            at = ours.resume(at, limit, since, until).at
            since = until
        assert at == due(start, limit.amount, unit, days, pauses=pauses), (start, limit, pauses)


def test_a_pause_leaves_as_many_days_as_there_were():
    chance = random.Random(8)
    for _ in range(600):
        ours, days = streets(chance)
        unit = chance.choice(("d", "wd"))
        limit, start = Limit(chance.randint(2, 15), unit), moment(chance)
        before = ours.due(start, limit).at
        since = start + timedelta(minutes=chance.randrange(1, 20 * 1440))
        until = since + timedelta(minutes=chance.randrange(1, 20 * 1440))
        after = ours.resume(before, limit, since, until).at
        if since >= before or since.date() == until.date():
            assert after == before
            continue
        counts = days.worked if unit == "wd" else lambda _: True
        last = before.astimezone(ZONE).date() - DAY
        left = sum(counts(day) for day in _after(since.date(), last))
        # Where nothing was left, the day of resumption (or the next that counts) is the last.
        new = until.date() if left else until.date() - DAY
        for _ in range(max(left, 1)):
            new += DAY
            while not counts(new):
                new += DAY
        wanted = datetime.combine(max(new, last) + DAY, datetime.min.time(), ZONE)
        assert after == wanted, (start, limit, since, until)


def _after(first, last):
    """The days after `first` up to and including `last`."""
    return (first + DAY * n for n in range(1, (last - first).days + 1))
