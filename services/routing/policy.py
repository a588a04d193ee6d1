"""How a street's clocks run: one document a version, read into plain data. Pure.

The limits of each category stand in the catalogue; what all of them share stands here: from which day is counted, what
comes after closing time, what an emergency gets whatever its category, what a kind of request gets (咨询 2, 求助 and 建议
10, 投诉 and 举报 15 working days in Guangdong), by when a whistled department reports in, how often a deadline may be
extended. A ticket keeps the version it was clocked under.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, cast

from services.routing.deadlines import Limits
from shared.calendar import CountFrom, Limit, WorkCalendar, parse_limit
from shared.officehours import USUAL, OfficeHours, parse_spans
from shared.terms import Kind, Mode, WhistleKind

_MOST_EXTENSIONS = 9
_MOST_SILENT_DAYS = 365


@dataclass(frozen=True, slots=True)
class ClockPolicy:
    """What holds for all clocks of a street; the defaults are what holds where nothing has been laid down."""

    version: int = 0
    count_from: CountFrom = "next_day"
    after_hours: bool = False
    """What is received after closing time or on a day off counts as received on the next working day."""
    urgent: Limits = field(default_factory=lambda: Limits("15min", "2h", "24h"))
    """For an emergency of a category whose own limits count days: emergencies never wait for office hours."""
    by_kind: Mapping[str, Limit] = field(default_factory=dict)
    """Handling limits by kind of request; they go before the category's, but not before an emergency's."""
    report_in: Mapping[str, Limit] = field(
        default_factory=lambda: dict.fromkeys(map(str, WhistleKind), parse_limit("30min"))
    )
    feedback: Limit = field(default_factory=lambda: parse_limit("5wd"))
    """From the unit's own closing to review, callback and the answer to the reporter."""
    return_within: Limit = field(default_factory=lambda: parse_limit("1wd"))
    return_joint_within: Limit = field(default_factory=lambda: parse_limit("2wd"))
    max_extensions: int = 2
    hours: OfficeHours = USUAL
    silent_days: int = 7
    """After so many days without a move by anybody at work on it a ticket counts as silent."""

    def limits(self, category: Limits, kind: str, mode: str) -> Limits:
        """Return what holds for a ticket of this kind and mode."""
        if mode == Mode.URGENT:
            natural = all(parse_limit(text).by_clock for text in category.all)
            return category if natural else self.urgent
        if kind in self.by_kind and not parse_limit(category.resolve).by_clock:
            return Limits(category.sign, category.contact, str(self.by_kind[kind]))
        return category


USUAL_POLICY = ClockPolicy()


class Clockwork:
    """All versions of a street's policy, and the street's own days."""

    def __init__(
        self,
        versions: Iterable[tuple[date, ClockPolicy]] = (),
        *,
        days: Mapping[date, bool] | None = None,
        half_days: frozenset[date] = frozenset(),
    ) -> None:
        """Take (first day, policy) of each version; `days` says of the street's own days whether they are worked."""
        self._versions = sorted(versions, key=lambda known: known[1].version)
        self._days = dict(days or {})
        self._half_days = half_days

    def on(self, day: date) -> ClockPolicy:
        """Return the policy in force on a day: the newest of those that have begun."""
        return next((p for since, p in reversed(self._versions) if since <= day), USUAL_POLICY)

    def version(self, number: int | None) -> ClockPolicy:
        """Return a version; what was clocked under none was clocked as usual."""
        return next((p for _, p in self._versions if p.version == number), USUAL_POLICY)

    def calendar(self, country: WorkCalendar, today: date) -> WorkCalendar:
        """Return the calendar of the country with the street's own days and today's office hours laid over it."""
        hours = self.on(today).hours
        if not self._days and hours == country.hours:
            return country
        return country.of_street(self._days, self._half_days, hours)


def read_policy(version: int, document: Mapping[str, Any]) -> ClockPolicy:
    """Read a policy's document; raises ValueError in Chinese that names the field. What is left out is as usual."""
    unknown = sorted(document.keys() - _READERS.keys())
    if unknown:
        raise ValueError(f"时限方案没有“{unknown[0][:40]}”这一项,可用:{'、'.join(_READERS)}")
    values: dict[str, Any] = {}
    for name, value in document.items():
        try:
            values[name] = _READERS[name](value)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"时限方案的“{name}”写法不对") from error
        except ValueError as error:
            raise ValueError(f"时限方案的“{name}”:{error}") from error
    return ClockPolicy(version=version, **values)


def _count_from(value: Any) -> CountFrom:
    if value not in ("next_day", "same_day"):
        raise ValueError("应为 next_day(次日起)或 same_day(当日起)")
    return cast("CountFrom", value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("应为 true 或 false")  # noqa: TRY004 - told to people like every other fault
    return value


def _urgent(value: Any) -> Limits:
    limits = Limits(value["sign"], value["contact"], value["resolve"])
    if not all(parse_limit(text).by_clock for text in limits.all):
        raise ValueError("紧急类只能按自然时(min、h)计")
    return limits


def _by_kind(value: Any) -> dict[str, Limit]:
    return {Kind(kind).value: parse_limit(text) for kind, text in value.items()}


def _report_in(value: Any) -> dict[str, Limit]:
    usual = dict(USUAL_POLICY.report_in)
    return usual | {WhistleKind(kind).value: parse_limit(text) for kind, text in value.items()}


def _extensions(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _MOST_EXTENSIONS:
        raise ValueError(f"应为 0 至 {_MOST_EXTENSIONS} 的整数")
    return value


def _silent_days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _MOST_SILENT_DAYS:
        raise ValueError(f"应为 1 至 {_MOST_SILENT_DAYS} 的整数")
    return value


def _hours(value: Any) -> OfficeHours:
    whole = parse_spans(value["whole"], "上班时间")
    return OfficeHours(whole, parse_spans(value["half"], "半天上班时间") if "half" in value else whole[:1])


_READERS: dict[str, Any] = {
    "count_from": _count_from, "after_hours": _flag, "urgent": _urgent, "by_kind": _by_kind, "report_in": _report_in,
    "feedback": parse_limit, "return_within": parse_limit, "return_joint_within": parse_limit,
    "max_extensions": _extensions, "hours": _hours, "silent_days": _silent_days,
}  # fmt: skip
