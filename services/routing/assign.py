"""Which matter, where, whose, by when, and why: the decision from "submitted" to "dispatched".

Pure: a ticket's own words and the street's registry in, a plan out. Every choice leaves a sentence, so
that `POST /v1/route` and the ticket itself can answer "why".
"""

from dataclasses import dataclass
from datetime import datetime

from services.routing.classification.classifier import Candidate
from services.routing.classification.cues import kind_of, urgent_word
from services.routing.deadlines import Clocks, clocks
from services.routing.registry import OTHER, Category, Registry, Unit
from shared.calendar import Deadline, parse_limit
from shared.clock import local_day
from shared.terms import Kind, Mode

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


@dataclass(frozen=True, slots=True)
class Plan:
    """Where a ticket goes. `certain` is False when a person has to say what it is about.

    `mode` is the category's, or urgent where the text tells of danger now; `classifier` the version that was asked,
    None where the category was given.
    """

    kind: str
    category: Category
    candidates: tuple[Candidate, ...]
    certain: bool
    classifier: str | None
    mode: str
    grid_code: str | None
    community_code: str | None
    lead_unit: Unit
    clocks: Clocks
    why: list[str]


def plan(matter: Matter, registry: Registry) -> Plan:
    """Decide; raises only Invalid for codes the registry does not have."""
    why: list[str] = []
    category, candidates, certain = _category(matter, registry, why)
    grid_code, community_code = _place(matter, registry, why)
    lead_unit = _lead_unit(category, community_code, registry, why)
    kind = matter.kind or kind_of(matter.content)
    policy = registry.policy_on(matter.received_at)
    mode = _mode(matter.content, kind, category, why)
    due = clocks(
        policy.limits(category.limits, kind, mode), matter.received_at, registry.calendar,
        count_from=policy.count_from, after_hours=policy.after_hours,
    )  # fmt: skip
    if matter.kind is None:
        why.append(f"诉求类型按文字判断为“{Kind(kind).text}”")
    return Plan(
        kind,
        category,
        tuple(candidates),
        certain,
        registry.classifier.version if matter.category_code is None else None,
        mode,
        grid_code,
        community_code,
        lead_unit,
        due,
        [*why, *due.why],
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
    candidates = [c for c in classifier.classify(matter.content) if c.code in registry.categories]
    best = classifier.best(candidates)
    if best is not None:
        category = registry.categories[best.code]
        why.append(
            f"文中有“{'、'.join(best.words)}”,判断为“{category.name}”(把握 {best.score:.2f},{classifier.version})"
        )
        return category, candidates, True
    why.append(f"文字不足以判断分类,归入“其他”,由派单员确定({classifier.version})")
    return registry.category(OTHER), candidates, False


def _mode(content: str, kind: str, category: Category, why: list[str]) -> str:
    """Return how urgently it is to be taken: danger now counts more than the category; thanks tell of danger past."""
    word = urgent_word(content)
    if word is None or category.mode == Mode.URGENT or kind == Kind.PRAISE:
        return category.mode
    why.append(f"文中有“{word}”,按紧急处理")
    return Mode.URGENT.value


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
                if n.removesuffix("社区") in text
            ]
            if named:
                _, code, name = max(named)
                why.append(f"地址或内容提到“{name}”")
                return code
    why.append("没有可用的位置,归街道统一处理")
    return None


def _lead_unit(category: Category, community_code: str | None, registry: Registry, why: list[str]) -> Unit:
    unit = registry.lead_of(category, community_code)
    if unit.code == category.lead_unit:
        why.append(f"“{category.name}”的主办单位为{unit.name}")
    else:
        why.append(f"“{category.name}”由所在社区承办:{unit.name}")
    return unit
