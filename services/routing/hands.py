"""Whose hands a request goes into: the street's rules first, then the catalogue; never those it complains about.

Pure. Every choice leaves a sentence. What no rule decides goes where the catalogue says, and what nobody may lead
stays at the desk until a person names somebody.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from services.routing.classification.cues import urgent_word
from services.routing.registry import COMMITTEE as COMMITTEES, Category, Registry, Unit
from services.routing.rules.book import Considered, Rule, Verdict
from services.routing.rules.conditions import Facts
from services.routing.rules.vocabulary import CATALOGUE, COMMITTEE, PARENT, Attribute, attributes_of
from services.routing.spelling import plain
from shared.clock import local_day
from shared.errors import NotFound
from shared.terms import Channel, Kind, Mode

# Only these are about somebody: a plea for help that names the power company is no complaint of it.
_AGAINST = frozenset({Kind.COMPLAINT, Kind.TIPOFF})
# What follows a name where it is only a landmark, or another word: 物业办公室.
_NOT_MEANT = ("公室", "门口", "门前", "旁", "附近", "对面", "楼下", "后面", "后门", "隔壁")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """What is known of a request whose hands are to be chosen. `about`: the code of the unit complained about."""

    content: str
    kind: str
    category: Category
    channel: str
    community: str | None
    grid: str | None
    received_at: datetime
    about: str | None = None
    repeat: bool = False


@dataclass(frozen=True, slots=True)
class Hands:
    """Who leads, who helps, and how. `waits`: a person has to say who. `person`: whom a rule wants."""

    lead: Unit
    co_units: tuple[Unit, ...]
    mode: str
    level: str
    tags: tuple[str, ...]
    waits: bool
    person: str | None
    list_level: str | None
    verdict: Verdict
    why: list[str] = field(default_factory=list)

    @property
    def rule(self) -> Rule | None:
        """The rule that decided, if one did."""
        return self.verdict.decides


def choose(subject: Subject, registry: Registry) -> Hands:
    """Choose by the rules of the day of receipt."""
    why: list[str] = []
    mode = _mode(subject, why)
    verdict = registry.rulebook.judge(_facts(subject, mode, registry), local_day(subject.received_at))
    lead = registry.lead_of(subject.category, subject.community)
    co_units: list[Unit] = []
    level, waits = subject.category.level, False
    tags: dict[str, None] = {}
    person: str | None = None
    list_level: str | None = None
    for rule, result in verdict.results:
        if result.lead_unit is not None:
            lead = _unit(result.lead_unit, subject, registry)
        co_units += [_unit(code, subject, registry) for code in result.co_units]
        # No rule makes an emergency wait.
        mode = mode if mode == Mode.URGENT else result.mode or mode
        level = result.level or level
        tags |= dict.fromkeys(result.tags)
        waits, person = waits or result.wait, result.person or person
        list_level = result.list_level or list_level
        why.append(f"适用{rule.title}:{rule.note}")
    why += _passed_over(verdict.considered)
    ruled = any(result.lead_unit not in {None, CATALOGUE} for _, result in verdict.results)
    why.append(_led(lead, subject, by_rule=ruled))
    lead, avoided = _unbiased(lead, subject.about, registry, why)
    helpers = _helpers(co_units, lead, subject, why)
    if mode == Mode.JOINT and not helpers:
        helpers, alone = _joined(lead, subject, registry, why)
        waits = waits or alone
    if helpers:
        why.append(f"协办单位:{'、'.join(unit.name for unit in helpers)}")
    return Hands(lead, helpers, mode, level, tuple(tags), waits or avoided, person, list_level, verdict, why)


def clear_of(unit: Unit, about: str | None, registry: Registry) -> Unit:
    """Return the unit, or where it is the one complained about the next one up; raise NotFound at the top."""
    while unit.code == about:
        unit = registry.above(unit)
    return unit


def complained_of(content: str, kind: str, community: str | None, registry: Registry) -> Unit | None:
    """Return the unit that a complaint or a tip-off names, the longest name first; a mere landmark is none."""
    if kind not in _AGAINST:
        return None
    text = plain(content)
    for unit in sorted(registry.units.values(), key=lambda u: (-len(u.name), u.code)):
        if (
            unit.is_desk
            or unit.code in registry.ended.units
            or not any(_named(name, text) for name in _names(unit))
        ):
            continue
        if unit.name == COMMITTEES:
            return registry.committees.get(community or "")
        return unit
    return None


def _names(unit: Unit) -> Iterable[str]:
    yield plain(unit.name)
    if unit.community_code is not None:
        yield plain(unit.name.replace("社区居委会", "居委会"))


def _named(name: str, text: str) -> bool:
    at = text.find(name)
    return at >= 0 and not text.startswith(_NOT_MEANT, at + len(name))


def _mode(subject: Subject, why: list[str]) -> str:
    """Return how it is taken before any rule speaks: danger now counts more than the category; thanks tell of danger past."""
    calm = subject.category.mode != Mode.URGENT and subject.kind != Kind.PRAISE
    word = urgent_word(subject.content) if calm else None
    if word is None:
        return subject.category.mode
    why.append(f"文中有“{word}”,按紧急处理")
    return Mode.URGENT.value


def _facts(subject: Subject, mode: str, registry: Registry) -> Facts:
    category, text = subject.category, plain(subject.content)
    return Facts(
        text=text, category=category.code, group=category.group_name, kind=subject.kind, channel=subject.channel,
        mode=mode, level=category.level, community=subject.community, grid=subject.grid,
        attributes=frozenset(attributes_of(text)), received_at=subject.received_at,
        workday=registry.calendar.is_workday(local_day(subject.received_at)), repeat=subject.repeat,
        names=(
            ("category", category.name), ("community", registry.communities.get(subject.community or "", "未知")),
            ("kind", Kind(subject.kind).text if subject.kind in set(Kind) else "未注明"),
            ("channel", Channel(subject.channel).text if subject.channel in set(Channel) else subject.channel),
            ("mode", Mode(mode).text),
        ),
    )  # fmt: skip


def concerned(content: str) -> list[str]:
    """Return a sentence for each group of people that a text speaks of."""
    found = attributes_of(plain(content))
    return [f"文中有“{word}”,涉及{Attribute(kind).text}" for kind, word in found.items()]


def _unit(code: str, subject: Subject, registry: Registry) -> Unit:
    """Return the unit that a rule means; where it has no such place, the catalogue's."""
    catalogue = registry.lead_of(subject.category, subject.community)
    if code == COMMITTEE:
        return registry.committees.get(subject.community or "", catalogue)
    if code == PARENT:
        return registry.above(catalogue) if catalogue.parent_code is not None else catalogue
    return catalogue if code == CATALOGUE else registry.units[code]


def _passed_over(considered: Iterable[Considered]) -> list[str]:
    passed = [c for c in considered if not c.matched]
    if not passed:
        return []
    shown = ";".join(f"{c.rule.code}:{c.why}" for c in passed[:_SHOWN])
    more = f";等共{len(passed)}条" if len(passed) > _SHOWN else ""
    return [f"考虑过但不适用的规则——{shown}{more}"]


def _led(lead: Unit, subject: Subject, *, by_rule: bool) -> str:
    if by_rule:
        return f"按规则由{lead.name}主办"
    if lead.is_desk and subject.category.lead_unit != lead.code:
        return f"“{subject.category.name}”的主办单位已停用,由派单员确定"
    if lead.code == subject.category.lead_unit:
        return f"“{subject.category.name}”的主办单位为{lead.name}"
    return f"“{subject.category.name}”由所在社区承办:{lead.name}"


def _unbiased(lead: Unit, about: str | None, registry: Registry, why: list[str]) -> tuple[Unit, bool]:
    """Return who leads instead of the unit complained about, and whether a person has to name one."""
    if lead.code != about:
        return lead, False
    try:
        above = clear_of(lead, about, registry)
    except NotFound:
        above = registry.desk
    end = ",由人指定主办单位" if above.is_desk else ""
    why.append(f"诉求涉及{lead.name}本身,应当回避,交上一级{above.name}{end}")
    return above, above.is_desk


def _helpers(wanted: Iterable[Unit], lead: Unit, subject: Subject, why: list[str]) -> tuple[Unit, ...]:
    found: dict[str, Unit] = {}
    for unit in wanted:
        if unit.code == subject.about:
            why.append(f"诉求涉及{unit.name}本身,不作协办")
        elif unit.code != lead.code and not unit.is_desk:
            found[unit.code] = unit
    return tuple(found.values())


def _joined(
    lead: Unit, subject: Subject, registry: Registry, why: list[str]
) -> tuple[tuple[Unit, ...], bool]:
    """Return who joins in a joint matter that no rule has given a second party: the community's committee, else nobody."""
    committee = registry.committees.get(subject.community or "")
    if committee is None or committee.code in {lead.code, subject.about}:
        why.append("联办须有两个以上单位,协办单位由派单员确定")
        return (), True
    why.append("联办须有两个以上单位,由所在社区协办")
    return (committee,), False
