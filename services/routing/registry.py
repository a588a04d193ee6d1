"""A street's registry as the rules want it: in memory, looked up by code and by name."""

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import Row, select

from services.routing import roster, rule_store, trained
from services.routing.boundaries import Cells
from services.routing.classification.classifier import Classifier, packaged
from services.routing.closing_policy import ClosingPolicies, ClosingPolicy
from services.routing.deadlines import Limits
from services.routing.geometry import convert
from services.routing.ladder import store as supervision
from services.routing.ladder.policy import SupervisionPolicies
from services.routing.people import Member, Person, Staffing
from services.routing.policy import ClockPolicy, Clockwork
from services.routing.roster import Roster
from services.routing.rules.book import Known, Rulebook
from services.routing.validity import holds
from shared import clock, workdays
from shared.calendar import WorkCalendar
from shared.db import Database, Transaction
from shared.errors import NotFound, Problem, Unavailable, invalid
from shared.streets import Street
from shared.tables import categories, channel_policies, communities, grids, units

log = structlog.get_logger()
FRESH_SECONDS = 10.0
OTHER = "1399"  # 其他: what nobody could place
# The catalogue names this lead unit where each community's own committee is meant.
COMMITTEE = "社区居委会"
NO_DESK = "no_desk"


@dataclass(frozen=True, slots=True)
class Unit:
    code: str
    name: str
    kind: str
    level: str
    parent_code: str | None
    community_code: str | None
    is_desk: bool
    valid_until: date | None = None


@dataclass(frozen=True, slots=True)
class Category:
    code: str
    group_name: str
    name: str
    lead_unit: str
    level: str
    mode: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class Policy:
    """What happens by itself to a ticket of a channel."""

    auto_accept: bool
    auto_dispatch: bool


WAITS_FOR_A_PERSON = Policy(auto_accept=False, auto_dispatch=False)


@dataclass(frozen=True, slots=True)
class Ended:
    """The codes of what holds no longer: old tickets keep them, new ones get none of them."""

    units: frozenset[str] = frozenset()
    communities: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Registry:
    """Everything a decision about one street's ticket may look at."""

    street_id: int
    desk: Unit
    units: Mapping[str, Unit]
    categories: Mapping[str, Category]
    communities: Mapping[str, str]
    grids: Mapping[str, str]  # grid code → community code
    policies: Mapping[str, Policy]
    calendar: WorkCalendar
    cells: Cells
    staffing: Staffing = field(default_factory=Staffing)
    clockwork: Clockwork = field(default_factory=Clockwork)
    closing: ClosingPolicies = field(default_factory=ClosingPolicies)
    catalogue_version: int | None = None
    ended: Ended = field(default_factory=Ended)
    rulebook: Rulebook = field(default_factory=Rulebook)
    units_by_name: Mapping[str, Unit] = field(default_factory=dict)
    committees: Mapping[str, Unit] = field(default_factory=dict)  # community code → its 居委会
    classifier: Classifier = field(default_factory=packaged)
    supervision: SupervisionPolicies = field(default_factory=SupervisionPolicies)

    def unit(self, wanted: str, field_name: str = "unit") -> Unit:
        """Return a unit by code or by name; raise Invalid."""
        unit = self.units.get(wanted) or self.units_by_name.get(wanted)
        if unit is None:
            raise invalid(field_name, f"本街道没有“{wanted}”这个单位", code="unknown_unit")
        return unit

    def category(self, code: str) -> Category:
        """Return a category by code; raise Invalid."""
        category = self.categories.get(code)
        if category is None:
            raise invalid("category", f"没有代码为 {code} 的分类", code="unknown_category")
        return category

    def lead_of(self, category: Category, community_code: str | None) -> Unit:
        """Return who handles a category there: its lead unit, or the community's own committee.

        Where that unit has ended it is the desk: a person says who has its work now.
        """
        unit = self.units[category.lead_unit]
        if unit.name == COMMITTEE and community_code is not None:
            unit = self.committees.get(community_code, unit)
        return self.desk if unit.code in self.ended.units else unit

    def lasting(self, unit: Unit) -> Unit:
        """Return the unit, or where it has ended the nearest one above that has not; the desk where there is none."""
        while unit.code in self.ended.units:
            unit = self.units[unit.parent_code] if unit.parent_code is not None else self.desk
        return unit

    def grid_at(self, lng: float, lat: float, crs: str | None, day: date) -> str | None:
        """Return the grid of a point, by the boundaries that held on `day`: a ticket never moves with a later survey."""
        return self.cells.find(*convert(lng, lat, crs), day)

    def policy_on(self, moment: datetime) -> ClockPolicy:
        """Return the clock policy in force at an instant."""
        return self.clockwork.on(clock.local_day(moment))

    def closing_on(self, moment: datetime) -> ClosingPolicy:
        """Return the policy of closing in force at an instant."""
        return self.closing.on(clock.local_day(moment))

    @property
    def people(self) -> Mapping[UUID, Person]:
        """Everybody on the staff, with all posts of all times."""
        return self.staffing.people

    def responsible_for(self, area_code: str, day: date) -> Person | None:
        """Return who answers for an area on a day; for a grid without a person of its own, its community's."""
        found = self.staffing.responsible(area_code, day)
        if found is None and area_code in self.grids:
            found = self.staffing.responsible(self.grids[area_code], day)
        return found

    def on_duty(self, unit_code: str, moment: datetime) -> tuple[Person, ...]:
        """Return who is on duty for a unit at an instant."""
        return self.staffing.on_duty(unit_code, moment)

    def sponsor_of(self, code: str, day: date) -> Person | None:
        """Return the leader who stands by a community (or another area, or a unit) on a day."""
        return self.staffing.sponsor(code, day)

    def crew_of(self, grid_code: str, day: date | None = None) -> tuple[Member, ...]:
        """Return who works in a grid on a day (today)."""
        return self.staffing.crew(grid_code, day or clock.local_day(clock.now()))

    def above(self, unit: Unit) -> Unit:
        """Return the unit one level up; raise NotFound at the top."""
        if unit.parent_code is None:
            raise NotFound(f"“{unit.name}”之上没有上级单位", code="no_level_above")
        return self.lasting(self.units[unit.parent_code])


class Registries:
    """Registries of all streets, read again every few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[int, tuple[Registry, float]] = {}
        self._rosters: dict[int, Roster] = {}
        self._calendar: tuple[WorkCalendar, float] | None = None

    async def of(self, street_id: int) -> Registry:
        """Return a street's registry; raise Problem when it has no desk to fall back on."""
        registry, read_at = self._known.get(street_id, (None, 0.0))
        if registry is None or monotonic() - read_at > FRESH_SECONDS:
            registry = await self._read(street_id)
            self._known[street_id] = (registry, monotonic())
        return registry

    async def each(self, streets: Iterable[Street]) -> AsyncIterator[Registry]:
        """Yield the registries of these streets; one that cannot be read keeps no other from its turn."""
        for street in streets:
            try:
                registry = await self.of(street.id)
            except Unavailable:
                raise
            except Exception as error:
                # Without a desk a street is still being set up: it has no tickets yet.
                if not (isinstance(error, Problem) and error.code == NO_DESK):
                    log.exception("registry_unreadable", street=street.code)
                continue
            yield registry

    def learn(self, registry: Registry) -> None:
        """Know a registry as it is now, from someone who has just changed it."""
        self._known[registry.street_id] = (registry, monotonic())

    def forget(self) -> None:
        """Read everything anew at the next question (after a change, and in tests)."""
        self._known.clear()
        self._rosters.clear()
        self._calendar = None

    async def calendar(self) -> WorkCalendar:
        """Return the working-day calendar."""
        if self._calendar is None or monotonic() - self._calendar[1] > FRESH_SECONDS:
            async with self._database.transaction((), read_only=True) as tx:
                self._calendar = await workdays.read(tx), monotonic()
        return self._calendar[0]

    async def _read(self, street_id: int) -> Registry:
        calendar = await self.calendar()
        async with self._database.transaction([street_id], read_only=True) as tx:
            kept = self._rosters[street_id] = await roster.read(tx, street_id, self._rosters.get(street_id))
            return await read(tx, street_id, calendar, kept)


async def read(tx: Transaction, street_id: int, calendar: WorkCalendar, kept: Roster) -> Registry:
    """Return the registry as the tables have it now."""
    known = await _units(tx, street_id)
    today = clock.local_day(clock.now())
    current = [u for u in known.values() if holds(clock.EVER, u.valid_until, today)]
    desk = next((u for u in current if u.is_desk), None)
    if desk is None:
        raise Problem("本街道还没有设置派单台,请先导入单位", code=NO_DESK)
    kinds = await tx.rows(select(categories).where(categories.c.street_id == street_id))
    catalogue = {r.code: _category(r) for r in kinds}
    places = await tx.rows(select(communities).where(communities.c.street_id == street_id))
    cells = await tx.rows(select(grids.c.code, grids.c.community_code).where(grids.c.street_id == street_id))
    policies = await tx.rows(select(channel_policies).where(channel_policies.c.street_id == street_id))
    codes = Known(
        units=frozenset(unit.code for unit in current), categories=frozenset(catalogue),
        groups=frozenset(c.group_name for c in catalogue.values()),
        communities=frozenset(r.code for r in places), grids=frozenset(r.code for r in cells),
    )  # fmt: skip
    return Registry(
        street_id=street_id,
        desk=desk,
        units=known,
        categories=catalogue,
        communities={r.code: r.name for r in places},
        grids={r.code: r.community_code for r in cells},
        policies={r.channel: Policy(r.auto_accept, r.auto_dispatch) for r in policies},
        calendar=kept.clockwork.calendar(calendar, today),
        cells=kept.cells,
        clockwork=kept.clockwork,
        closing=kept.closing,
        staffing=kept.staffing,
        catalogue_version=kept.catalogue_version,
        ended=Ended(*(_ended(rows, today) for rows in (known.values(), places, kinds))),
        # A name may have passed on to another: it means the one that has it now.
        units_by_name={u.name: u for u in (*known.values(), *current)},
        committees={u.community_code: u for u in current if u.community_code is not None},
        classifier=await trained.active(tx, street_id),
        rulebook=await rule_store.read(tx, street_id, codes),
        supervision=await supervision.read(tx, street_id),
    )


def _ended(rows: Iterable[Any], today: date) -> frozenset[str]:
    return frozenset(row.code for row in rows if not holds(clock.EVER, row.valid_until, today))


async def _units(tx: Transaction, street_id: int) -> dict[str, Unit]:
    return {
        r.code: Unit(
            r.code, r.name, r.kind, r.level, r.parent_code, r.community_code, r.is_desk, r.valid_until
        )
        for r in await tx.rows(select(units).where(units.c.street_id == street_id))
    }


def _category(row: Row[Any]) -> Category:
    return Category(
        row.code, row.group_name, row.name, row.lead_unit, row.level, row.mode,
        Limits(sign=row.sign_limit, contact=row.contact_limit, resolve=row.resolve_limit),
    )  # fmt: skip
