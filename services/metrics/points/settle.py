"""What must be added to the ledger so that it says what histories earn. Pure; nothing in the ledger is ever changed.

Every merit has an entry of its full worth, exactly once; a merit that no longer stands has that entry reversed. What a
person gets by one rule in a day beyond its cap is taken off by an entry of kind `day`, in a month by one of kind
`month`, and given back by another when a reversal makes room again. So the ledger's sum does not depend on
the order in which tickets are booked, and a person's points are always the sum of all their entries.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.metrics.points.rules import Earned, Rule, Rulebook, day_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the ledger; `id` is None for one that is still to be written."""

    id: UUID | None
    staff_id: UUID
    kind: str
    points: int
    day: date
    occurred_at: datetime
    rule_code: str | None = None
    rule_version: int | None = None
    ticket_id: UUID | None = None
    seq: int | None = None
    reverses: UUID | None = None
    reason: str = ""


class Group(NamedTuple):
    """What a cap counts together: one person, one version of a rule, one month (its first day)."""

    staff_id: UUID
    rule_code: str
    rule_version: int
    month: date


def group_of(entry: Entry) -> Group | None:
    """Return the group an entry counts in; None for what no rule has to do with."""
    if entry.rule_code is None or entry.rule_version is None:
        return None
    return Group(entry.staff_id, entry.rule_code, entry.rule_version, entry.day.replace(day=1))


def of_ticket(
    ticket_id: UUID, earned: Iterable[Earned], booked: Sequence[Entry], rulebook: Rulebook
) -> list[Entry]:
    """Return the entries that a ticket's merits still need, `booked` being all entries about it."""
    there = {(e.rule_code, e.seq): e for e in booked if e.kind == "rule"}
    reversed_already = {e.reverses for e in booked if e.reverses is not None}
    found: list[Entry] = []
    for one in earned:
        for rule in rulebook.for_merit(one.merit, day_of(one), one.recorded_at):
            before = there.get((rule.code, one.seq))
            if before is None:
                # What was taken back before it was ever booked need not be entered to be taken back.
                found += [_entry(ticket_id, one, rule)] if one.standing and rule.worth(one.category) else []
            elif not one.standing and before.id not in reversed_already:
                found.append(reversal(before, "工单重开,原结果未成立"))
    return found


def _entry(ticket_id: UUID, earned: Earned, rule: Rule) -> Entry:
    return Entry(
        None, earned.staff_id, "rule", rule.worth(earned.category), day_of(earned), earned.occurred_at, rule.code,
        rule.version, ticket_id, earned.seq, reason=earned.merit.text,
    )  # fmt: skip


def reversal(entry: Entry, reason: str) -> Entry:
    """Return the entry that takes another back."""
    return Entry(
        None, entry.staff_id, "reversal", -entry.points, entry.day, entry.occurred_at, entry.rule_code,
        entry.rule_version, entry.ticket_id, entry.seq, entry.id, reason,
    )  # fmt: skip


def of_caps(entries: Sequence[Entry], rule: Rule) -> list[Entry]:
    """Return what brings one group's entries (all there are) to the caps of its rule."""
    days: dict[date, int] = defaultdict(int)
    cut: dict[tuple[str, date], int] = defaultdict(int)
    for entry in entries:
        if entry.kind in {"day", "month"}:
            cut[entry.kind, entry.day] += entry.points
        else:
            days[entry.day] += entry.points
    like = entries[0]
    found: list[Entry] = []
    granted = 0
    for day in sorted(days):
        allowed = _within(days[day], rule.daily_cap)
        granted += allowed
        found += _correction(like, rule, "day", day, allowed - days[day] - cut["day", day])
    month = like.day.replace(day=1)
    excess = _within(granted, rule.monthly_cap) - granted
    return found + _correction(like, rule, "month", month, excess - cut["month", month])


def _within(total: int, cap: int | None) -> int:
    return total if cap is None else max(-cap, min(cap, total))


def _correction(like: Entry, rule: Rule, kind: str, day: date, points: int) -> list[Entry]:
    if not points:
        return []
    what = "每日" if kind == "day" else "每月"
    reason = f"超出{what}上限" if (points < 0) == (rule.points > 0) else f"回到{what}上限以内"
    return [
        Entry(
            None, like.staff_id, kind, points, day, like.occurred_at, rule.code, rule.version, reason=reason
        )
    ]


def totals(entries: Iterable[Entry]) -> Mapping[UUID, int]:
    """Return each person's points: the sum of their entries, and nothing else."""
    found: dict[UUID, int] = defaultdict(int)
    for entry in entries:
        found[entry.staff_id] += entry.points
    return found
