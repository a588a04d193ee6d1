"""How a street supervises: one document a version, read into plain data. Pure.

The usual ladder follows a Shenzhen bureau's rule (domain 2.4): reminded before the deadline, ordered in writing the
day after it, before the next head when that helps nothing, made public after five working days. The usual colours are
the three of Sanming (domain 3.5: 蓝 reminds, 橙 warns, 红); yellow and red cards are another document.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.calendar import Limit, parse_limit
from shared.terms import SupervisionLevel as L

MOST_STEPS = 12
_AT_ONCE = "0"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the ladder: due as soon as any of its triggers has come."""

    level: L
    elapsed: int | None = None
    """Percent of the time from the start of the clock to the deadline."""
    overdue: Limit | None = None
    """How long after the deadline; `at_deadline` instead means: the moment it has passed."""
    at_deadline: bool = False
    urges: int | None = None
    """How often people have urged since the clock began."""
    reply_within: Limit = field(default_factory=lambda: parse_limit("1wd"))


@dataclass(frozen=True, slots=True)
class Colour:
    code: str
    name: str


_USUAL_LADDER = (
    Step(L.URGE, elapsed=80),
    Step(L.NOTICE, at_deadline=True, urges=3),
    Step(L.ESCALATE, overdue=parse_limit("2wd")),
    Step(L.BULLETIN, overdue=parse_limit("5wd")),
)
_BLUE, _ORANGE, _RED = (
    Colour("blue", "蓝色督查单"),
    Colour("orange", "橙色督查单"),
    Colour("red", "红色督查单"),
)
_USUAL_COLOURS = {L.URGE: _BLUE, L.NOTICE: _ORANGE, L.ESCALATE: _RED, L.BULLETIN: _RED}


@dataclass(frozen=True, slots=True)
class SupervisionPolicy:
    """What holds for the supervision of a street; the defaults hold where nothing has been laid down."""

    version: int = 0
    ladder: tuple[Step, ...] = _USUAL_LADDER
    colours: Mapping[L, Colour] = field(default_factory=lambda: dict(_USUAL_COLOURS))
    usual_colour: Colour = Colour("green", "正常")
    """The colour of what has not been supervised since its clock began."""
    reply_within: Limit = field(default_factory=lambda: parse_limit("1wd"))
    """By when an order that a person gives is to be answered."""
    meeting_weekday: int | None = 1
    """On which day of the week the coordination meeting is held, 1 to 7; None: none is called by itself."""

    def colour(self, level: str | None) -> Colour:
        """Return the colour of what has reached a level."""
        return self.colours.get(L(level), self.usual_colour) if level is not None else self.usual_colour

    def levels_of(self, colour: str) -> list[str | None]:
        """Return the levels that show this colour (None: not supervised)."""
        return [level for level in (None, *(v.value for v in L)) if self.colour(level).code == colour]

    def head(self, step: int | None) -> int:
        """Return how many levels up the line a step goes: the first escalation to the next head, the second beyond."""
        if step is None:
            return 1
        return sum(each.level is L.ESCALATE for each in self.ladder[: step + 1])


USUAL_SUPERVISION = SupervisionPolicy()


class SupervisionPolicies:
    """All versions of a street's policy."""

    def __init__(self, versions: Iterable[tuple[date, SupervisionPolicy]] = ()) -> None:
        """Take (first day, policy) of each version."""
        self.versions = sorted(versions, key=lambda known: known[1].version)

    def on(self, day: date) -> SupervisionPolicy:
        """Return the policy in force on a day: the newest of those that have begun."""
        return next((p for since, p in reversed(self.versions) if since <= day), USUAL_SUPERVISION)


def read_supervision(version: int, document: Mapping[str, Any]) -> SupervisionPolicy:
    """Read a policy's document; raises ValueError in Chinese that names the field. What is left out is as usual."""
    unknown = sorted(document.keys() - _READERS.keys())
    if unknown:
        raise ValueError(f"督办方案没有“{unknown[0][:40]}”这一项,可用:{'、'.join(_READERS)}")
    values: dict[str, Any] = {}
    for name, value in document.items():
        try:
            values[name] = _READERS[name](value)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"督办方案的“{name}”写法不对") from error
        except ValueError as error:
            raise ValueError(f"督办方案的“{name}”:{error}") from error
    return SupervisionPolicy(version=version, **values)


def _ladder(value: Any) -> tuple[Step, ...]:
    if not isinstance(value, list) or len(value) > MOST_STEPS:
        raise ValueError(f"应为列表,最多 {MOST_STEPS} 级")
    return tuple(_step(each) for each in value)


def _step(value: Mapping[str, Any]) -> Step:
    _only(value, {"level", "when", "reply_within"})
    when: Mapping[str, Any] = value["when"]
    _only(when, {"elapsed", "overdue", "urges"})
    if not when:
        raise ValueError("每一级须写明何时启动(when):elapsed、overdue 或 urges")
    overdue = when.get("overdue")
    at_deadline = overdue == _AT_ONCE
    reply = {"reply_within": parse_limit(value["reply_within"])} if "reply_within" in value else {}
    return Step(
        _level(value["level"]),
        elapsed=_whole(when.get("elapsed"), "elapsed", 100),
        overdue=parse_limit(overdue) if overdue is not None and not at_deadline else None,
        at_deadline=at_deadline,
        urges=_whole(when.get("urges"), "urges", 100),
        **reply,
    )


def _only(value: Mapping[str, Any], allowed: set[str]) -> None:
    unknown = sorted(value.keys() - allowed)
    if unknown:
        raise ValueError(f"没有“{unknown[0][:40]}”这一项,可用:{'、'.join(sorted(allowed))}")


def _level(value: Any) -> L:
    if value not in set(L):
        raise ValueError(f"级别应为 {'、'.join(f'{v.value}({v.text})' for v in L)}")
    return L(value)


def _whole(value: Any, name: str, most: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise ValueError(f"{name} 应为 1 至 {most} 的整数")
    return value


def _colour(value: Mapping[str, Any]) -> Colour:
    _only(value, {"code", "name"})
    code, name = value["code"], value["name"]
    if not (isinstance(code, str) and code.isascii() and code.isidentifier() and len(code) <= 20):  # noqa: PLR2004
        raise ValueError("颜色代码(code)应为不超过 20 个英文字母的词")
    if not (isinstance(name, str) and 0 < len(name.strip()) <= 20 and name.isprintable()):  # noqa: PLR2004
        raise ValueError("颜色名称(name)应为 1 至 20 个字")
    return Colour(code, name.strip())


def _colours(value: Mapping[str, Any]) -> dict[L, Colour]:
    return dict(USUAL_SUPERVISION.colours) | {_level(level): _colour(each) for level, each in value.items()}


def _weekday(value: Any) -> int | None:
    return _whole(value, "meeting_weekday", 7)


_READERS: dict[str, Any] = {
    "ladder": _ladder, "colours": _colours, "usual_colour": _colour, "reply_within": parse_limit,
    "meeting_weekday": _weekday,
}  # fmt: skip
