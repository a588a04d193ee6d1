"""The clocks once more, slowly: minute by minute, written from the words of the rules and from nothing else."""

from datetime import datetime, timedelta, timezone

ZONE = timezone(timedelta(hours=8))
MINUTE = timedelta(minutes=1)


class Days:
    """What each day is: off, worked, or worked by half."""

    def __init__(self, off, on, half, whole_spans, half_spans):
        self.off, self.on, self.half = set(off), set(on), set(half)
        self.whole_spans, self.half_spans = whole_spans, half_spans

    def worked(self, day):
        if day in self.on:
            return True
        return day not in self.off and day.weekday() < 5

    def open_at(self, moment):
        """Is the minute that begins now a minute of office hours?"""
        if not self.worked(moment.date()):
            return False
        spans = self.half_spans if moment.date() in self.half else self.whole_spans
        clock = f"{moment:%H:%M}"
        return any(start <= clock < end for start, end in (span.split("-") for span in spans))


def counted_from(start, days, count_from, after_hours):
    """The first day that counts."""
    day = start.date()
    if after_hours:
        moment = start
        # Whatever is left of office hours today makes today the day of receipt.
        while moment.date() == day and not days.open_at(moment.replace(second=0, microsecond=0)):
            moment += MINUTE
        if moment.date() != day:
            day += timedelta(days=1)
            while not days.worked(day):
                day += timedelta(days=1)
    return day if count_from == "same_day" else day + timedelta(days=1)


def due(start, amount, unit, days, count_from="next_day", *, after_hours=False, pauses=()):
    """When the time is up; `pauses` are (from, to), in order, none touching another."""
    if unit in ("min", "h"):
        return _by_minutes(start, amount * (60 if unit == "h" else 1), lambda _: True, pauses)
    if unit == "wh":
        return _by_minutes(start, amount * 60, days.open_at, pauses)
    counts = days.worked if unit == "wd" else lambda _: True
    first = counted_from(start, days, count_from, after_hours and unit == "wd")
    left, day = amount, first
    while True:
        if counts(day):
            left -= 1
            if left == 0:
                return datetime.combine(day + timedelta(days=1), datetime.min.time(), ZONE)
        day += timedelta(days=1)


def _by_minutes(start, minutes, counts, pauses):
    """Walk on minute by minute; a minute that is paused does not count. Starts and pauses fall on whole minutes."""
    moment, left = start, minutes
    while left:
        paused = any(since <= moment < until for since, until in pauses)
        if not paused and counts(moment):
            left -= 1
        moment += MINUTE
    return moment
