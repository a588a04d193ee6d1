"""Office hours, and limits counted in them (工作时): a lunch break, half days, and nothing on days off. Pure.

Working hours are how digital city management writes its limits (domain 2.1); streets keep different hours, so they
are data. Times are minutes after midnight in Shanghai.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from shared.clock import SHANGHAI

Span = tuple[int, int]
_SPAN = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """What is worked of a whole day and of a half day, as spans that follow one another."""

    whole: tuple[Span, ...]
    half: tuple[Span, ...]

    @property
    def closes(self) -> int:
        """Return the minute at which a whole day's work ends: what comes later may count as the next day's."""
        return self.whole[-1][1]


def parse_spans(texts: Sequence[str], name: str) -> tuple[Span, ...]:
    """Read `["08:30-12:00", "13:30-18:00"]`; a ValueError in Chinese where a span is none or they overlap."""
    spans: list[Span] = []
    for text in texts:
        found = _SPAN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{name}“{text[:40]}”写法不对,应为 08:30-12:00")
        start, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
        if not start < end <= _DAY:
            raise ValueError(f"{name}“{text[:40]}”的结束时间须晚于开始时间")
        if spans and start < spans[-1][1]:
            raise ValueError(f"{name}须按先后排列,互不重叠")
        spans.append((start, end))
    if not spans:
        raise ValueError(f"{name}不能为空")
    return tuple(spans)


def span_text(span: Span) -> str:
    """Write a span as people do: 08:30-12:00."""
    return "-".join(f"{minute // 60:02d}:{minute % 60:02d}" for minute in span)


def instant(day: date, minute: int) -> datetime:
    """Return the instant of a minute of a day in Shanghai; minute 1440 is the next midnight."""
    return datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minute)


# Eight hours; a half day is its morning.
USUAL = OfficeHours(whole=((510, 720), (810, 1080)), half=((510, 720),))
