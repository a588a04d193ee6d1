"""What a figure can be split by and narrowed to, as data: each with its SQL and, for what is worked out apart,
the same in Python. Pure: expressions of our own columns only; values always travel as parameters.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from services.metrics.measures import PLACE, places
from services.metrics.spans import Span
from shared.lifecycle import State
from shared.tables import DIMENSIONS, FLAG_BITS
from shared.terms import Channel, Kind, Level, Mode, Outcome, Term


def has(measure: str) -> str:
    """Return the SQL condition that a row of `ticket_facts f` has a measure."""
    column, bit = divmod(PLACE[measure], FLAG_BITS)
    return f"(f.flags{column} & {1 << bit}) <> 0"


@dataclass(frozen=True, slots=True)
class Split:
    """One way to divide tickets. `texts`: the names of its keys, as far as they are ours to give."""

    id: str
    label: str
    sql: str
    of: Callable[[Span], tuple[str, ...]]
    texts: Mapping[str, str] | None = None
    period: bool = False  # by when it was received: (SQL of a day, Python of a day) follow from the id


def _terms(vocabulary: type[Term], nothing: str) -> dict[str, str]:
    return {"": nothing} | {term.value: term.text for term in vocabulary}


def _column(id_: str, label: str, texts: Mapping[str, str] | None = None) -> Split:
    return Split(id_, label, f"f.{id_}", lambda s: (getattr(s, id_),), texts)


_DAYS: dict[str, tuple[str, Callable[[date], str]]] = {
    "day": ("YYYY-MM-DD", date.isoformat),
    "week": ('IYYY-"W"IW', lambda d: "{}-W{:02d}".format(*d.isocalendar())),
    "month": ("YYYY-MM", lambda d: f"{d:%Y-%m}"),
    "quarter": ('YYYY-"Q"Q', lambda d: f"{d.year}-Q{(d.month + 2) // 3}"),
    "year": ("YYYY", lambda d: f"{d.year:04d}"),
}
_BY_MONTHS = frozenset({"month", "quarter", "year"})  # whole months of receipt are enough to tell these apart


def day_sql(period: str, column: str) -> str:
    """Return the SQL that names the period into which a day falls."""
    return f"to_char({column}, '{_DAYS[period][0]}')"


def _period(id_: str, label: str) -> Split:
    name = _DAYS[id_][1]
    return Split(id_, label, day_sql(id_, "f.received_day"), lambda s: (name(s.received_day),), period=True)


STAGE_TEXTS = {"topic": "话题", "issue": "议题", "project": "项目", "direct": "直办"}
LIST_LEVELS = {"": "未列级", "street": "街道", "community": "社区", "party": "党组织"}


def _stage(span: Span) -> tuple[str, ...]:
    held = places(span.flags)
    for stage, measure in _STAGES:
        if PLACE[measure] in held:
            return (stage,)
    return ("topic",)


_STAGES = (("project", "dispatched"), ("direct", "direct"), ("issue", "accepted"))
_STAGE_SQL = (
    "CASE "
    + " ".join(f"WHEN {has(measure)} THEN '{stage}'" for stage, measure in _STAGES)
    + " ELSE 'topic' END"
)
STREET, GROUP, PART_UNIT = "street", "group", "part_unit"

SPLITS: dict[str, Split] = {
    split.id: split
    for split in (
        Split(STREET, "街道", "f.street_id::text", lambda _: ("",)),
        _column("channel", "渠道", _terms(Channel, "未填渠道")),
        _column("kind", "类型", _terms(Kind, "未分类型")),
        _column("category", "分类"),
        Split(GROUP, "分类大类", "f.category", lambda s: (s.category,)),  # folded by the registry's groups
        _column("community", "社区"),
        _column("grid", "网格"),
        _column("unit", "主办单位"),
        Split(PART_UNIT, "参办单位", "u.unit", lambda s: tuple(s.units) or ("",)),
        _column("level", "层级", _terms(Level, "未定层级")),
        _column("mode", "办理方式", _terms(Mode, "未定方式")),
        _column("list", "清单", {"": "未列清单"}),
        _column("list_level", "清单层级", LIST_LEVELS),
        _column("outcome", "办结结果", _terms(Outcome, "未办结")),
        _column("excluded", "剔除事由", {"": "未剔除"}),
        _column("state", "状态", _terms(State, "")),
        Split("stage", "阶段", _STAGE_SQL, _stage, STAGE_TEXTS),
        _period("day", "日"),
        _period("week", "周"),
        _period("month", "月"),
        _period("quarter", "季度"),
        _period("year", "年"),
    )
}  # fmt: skip
# Whose keys are words of the streets' own: any may be asked for.
FREE = frozenset({GROUP, "list", "excluded"})
FILTERS = tuple(s for s in SPLITS if s != STREET and not SPLITS[s].period)
# Codes that each street gives its own: over several streets one code means several things.
OF_A_STREET = frozenset({"community", "grid", "unit", PART_UNIT, "list"})


def needs_days(by: tuple[str, ...]) -> bool:
    """Return whether a split can only be told from single days of receipt."""
    return any(SPLITS[b].period and b not in _BY_MONTHS for b in by)


def needs_months(by: tuple[str, ...]) -> bool:
    """Return whether a split can only be told from single months of receipt, or less."""
    return any(SPLITS[b].period and b != "year" for b in by)


def in_totals(by: tuple[str, ...], filters: Mapping[str, str]) -> str | None:
    """Return the dimension of the running totals that can answer ("" for the undivided), or None."""
    wanted = {b for b in by if b != STREET and not SPLITS[b].period} | filters.keys()
    wanted = {"category" if w == GROUP and w not in filters else w for w in wanted}
    if not wanted:
        return ""
    if len(wanted) == 1 and wanted <= set(DIMENSIONS):
        return wanted.pop()
    return None
