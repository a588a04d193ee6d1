"""Which matter, where, whose, by when, and why: the decision from "submitted" to "dispatched".

Pure: a ticket's own words and the street's registry in, a plan out. Every choice leaves a sentence, so
that `POST /v1/route` and the ticket itself can answer "why".
"""

from dataclasses import dataclass
from datetime import datetime

from services.routing.classification.classifier import Candidate
from services.routing.classification.cues import kind_of
from services.routing.deadlines import Clocks, clocks
from services.routing.hands import Hands, Subject, choose, complained_of, concerned
from services.routing.registry import OTHER, Category, Registry
from shared.calendar import Deadline, parse_limit
from shared.clock import local_day
from shared.terms import Channel, Kind

ACCEPT_LIMIT = parse_limit("1wd")


@dataclass(frozen=True, slots=True)
class Matter:
    """What is known of a request when it is to be placed."""

    content: str
    received_at: datetime
    kind: str | None = None
    category_code: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    crs: str | None = None
    address: str | None = None
    community_code: str | None = None
    grid_code: str | None = None
    channel: str = Channel.MINI_PROGRAM
    about_unit: str | None = None
    """The code of the unit complained about, where the reporter names it."""
    reported_before: frozenset[str] = frozenset()
    """The categories of what the same reporter has reported lately."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a ticket goes. `certain` is False when a person has to say what it is about.

    `classifier`: the version that was asked, None where the category was given.
    """

    kind: str
    category: Category
    candidates: tuple[Candidate, ...]
    certain: bool
    classifier: str | None
    grid_code: str | None
    community_code: str | None
    about_unit: str | None
    hands: Hands
    clocks: Clocks
    why: list[str]

    @property
    def mode(self) -> str:
        """How it is taken: as the rules say, and urgently where the text tells of danger now."""
        return self.hands.mode


def plan(matter: Matter, registry: Registry) -> Plan:
    """Decide; raises only Invalid for codes the registry does not have."""
    why: list[str] = []
    category, candidates, certain = _category(matter, registry, why)
    grid_code, community_code = _place(matter, registry, why)
    kind = matter.kind or kind_of(matter.content)
    if matter.kind is None:
        why.append(f"诉求类型按文字判断为“{Kind(kind).text}”")
    why += concerned(matter.content)
    about = _about(matter, kind, community_code, registry, why)
    hands = choose(
        Subject(
            content=matter.content, kind=kind, category=category, channel=matter.channel, community=community_code,
            grid=grid_code, received_at=matter.received_at, about=about,
            repeat=category.code in matter.reported_before,
        ),
        registry,
    )  # fmt: skip
    policy = registry.policy_on(matter.received_at)
    due = clocks(
        policy.limits(category.limits, kind, hands.mode), matter.received_at, registry.calendar,
        count_from=policy.count_from, after_hours=policy.after_hours,
    )  # fmt: skip
    return Plan(
        kind,
        category,
        tuple(candidates),
        certain,
        registry.classifier.version if matter.category_code is None else None,
        grid_code,
        community_code,
        about,
        hands,
        due,
        [*why, *hands.why, *due.why],
    )


def accept_by(received_at: datetime, registry: Registry) -> Deadline:
    """Return by when a person must have accepted or refused a ticket that waits for one."""
    return registry.calendar.due(received_at, ACCEPT_LIMIT)


def _category(matter: Matter, registry: Registry, why: list[str]) -> tuple[Category, list[Candidate], bool]:
    if matter.category_code is not None:
        category = registry.category(matter.category_code)
        why.append(f"分类由提交者选定:{category.name}")
        return category, [], True
    classifier = registry.classifier
    candidates = [
        c
        for c in classifier.classify(matter.content)
        if c.code in registry.categories and c.code not in registry.ended.categories
    ]
    best = classifier.best(candidates)
    if best is not None:
        category = registry.categories[best.code]
        why.append(
            f"文中有“{'、'.join(best.words)}”,判断为“{category.name}”(把握 {best.score:.2f},{classifier.version})"
        )
        return category, candidates, True
    why.append(f"文字不足以判断分类,归入“其他”,由派单员确定({classifier.version})")
    return registry.category(OTHER), candidates, False


def _place(matter: Matter, registry: Registry, why: list[str]) -> tuple[str | None, str | None]:
    """Return (grid, community): the given grid, else the point, else a community that is named."""
    if matter.grid_code is not None and matter.grid_code in registry.grids:
        why.append(f"网格由提交者选定:{matter.grid_code}")
        return matter.grid_code, registry.grids[matter.grid_code]
    if matter.longitude is not None and matter.latitude is not None:
        point = (matter.longitude, matter.latitude)
        found = registry.grid_at(*point, matter.crs, local_day(matter.received_at))
        if found is not None:
            community = registry.grids[found]
            why.append(f"定位落在网格 {found}({registry.communities[community]})")
            return found, community
        why.append("定位不在本街道任何网格内")
    if matter.community_code is not None:
        why.append(
            f"社区由提交者选定:{registry.communities.get(matter.community_code, matter.community_code)}"
        )
        return None, matter.community_code
    return None, _named_community(matter, registry, why)


def _named_community(matter: Matter, registry: Registry, why: list[str]) -> str | None:
    for text in (matter.address, matter.content):
        if text:
            named = [
                (len(n), code, n)
                for code, n in registry.communities.items()
                if n.removesuffix("社区") in text and code not in registry.ended.communities
            ]
            if named:
                _, code, name = max(named)
                why.append(f"地址或内容提到“{name}”")
                return code
    why.append("没有可用的位置,归街道统一处理")
    return None


def _about(
    matter: Matter, kind: str, community: str | None, registry: Registry, why: list[str]
) -> str | None:
    """Return the unit complained about: the one named as such, else the one that a complaint speaks of."""
    if matter.about_unit is not None:
        why.append(f"被反映的单位由提交者注明:{registry.unit(matter.about_unit, 'about_unit').name}")
        return registry.unit(matter.about_unit, "about_unit").code
    found = complained_of(matter.content, kind, community, registry)
    if found is None:
        return None
    why.append(f"诉求类型为“{Kind(kind).text}”且文中提到“{found.name}”,视为被反映的单位")
    return found.code
