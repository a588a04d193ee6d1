"""Who the demo street's people are and what they do: posts, grid crews, areas, a duty roster, leaders who stand by.

Everybody is invented. The ids of those who hold a post alone are the ones that shell-made tokens carry, so what is
done with a token has a name.
"""

import random
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import cycle
from uuid import NAMESPACE_OID, UUID, uuid5

from services.console.demo import organisation
from services.console.demo.organisation import ABOVE, DESK, Row, committee_code
from services.console.demo.places import Blueprint
from shared import clock
from shared.auth import staff_id
from shared.terms import AreaKind, CrewKind, Role, UnitKind

STREET_ROLES = (
    Role.CLERK, Role.DISPATCHER, Role.SUPERVISOR, Role.CALLBACK_CLERK, Role.LEADER, Role.ADMIN, Role.AUDITOR,
)  # fmt: skip
FAMILIES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹"
GIVEN = [
    "建国",
    "秀兰",
    "志强",
    "桂英",
    "海燕",
    "文静",
    "立新",
    "玉梅",
    "晓东",
    "雪梅",
    "洪涛",
    "丽华",
    "振宇",
    "春花",
    "国栋",
    "慧敏",
    "永胜",
    "金凤",
    "家豪",
    "雅琴",
]
LEADERS = 6  # beside the one whom tokens stand for
TEAMS = (CrewKind.PARTY_BACKBONE, CrewKind.SENT_CADRE, CrewKind.VOLUNTEER)
HELPERS = 3  # of each team in a community, its grids shared among them
CITY_MANAGEMENT = 30
ROSTER_DAYS, SHIFT = 31, timedelta(hours=8)


class Cast:
    """Everybody in a street, dealt out the same way each time; `grids` tells each grid's community number."""

    def __init__(self, street: Blueprint, grids: Mapping[str, int]) -> None:
        self._street, self._grids = street, grids
        self._chance = random.Random(street.code)
        self.staff: list[Row] = []
        self.posts: list[Row] = []
        self.crews: list[Row] = []
        self.responsibles: list[Row] = []
        self.sponsors: list[Row] = []
        self._posts()
        self._communities()
        self._workers()
        self._sent_down()

    def duty(self, today: date) -> Iterator[Row]:
        """Yield who minds the desk from today on: two people around the clock, eight hours each."""
        turn = cycle(row["staff_code"] for row in self.posts if row["role"] in {Role.CLERK, Role.DISPATCHER})
        start: datetime = clock.day_start(today)
        for number in range(ROSTER_DAYS * 3):
            begins = start + number * SHIFT
            for _ in range(2):
                yield {
                    "unit_code": DESK, "starts_at": begins, "staff_code": next(turn), "ends_at": begins + SHIFT,
                }  # fmt: skip

    def _person(self, code: str, known: UUID | None = None) -> str:
        name = self._chance.choice(FAMILIES) + self._chance.choice(GIVEN)
        self.staff.append(
            {"id": known or uuid5(NAMESPACE_OID, f"{self._street.code}/{code}"), "code": code, "name": name}
        )
        return code

    def _post(self, person: str, role: Role, unit: str | None, kind: AreaKind, area: str) -> None:
        self.posts.append(
            {
                "id": uuid5(NAMESPACE_OID, f"{self._street.code}/{person}/{role}/{unit}/{area}"), "staff_code": person,
                "role": role.value, "unit_code": unit, "area_kind": kind.value, "area_code": area,
            }
        )  # fmt: skip

    def _posts(self) -> None:
        """Give one person to each role of the street and each unit; a second clerk and dispatcher, so that shifts change."""
        here, ids = (AreaKind.STREET, self._street.code), frozenset({self._street.id})
        for role in STREET_ROLES:
            self._post(self._person(role.value, staff_id(role, ids, None)), role, None, *here)
        for role in (Role.CLERK, Role.DISPATCHER):
            self._post(self._person(f"{role}-2"), role, DESK, *here)
        for unit in organisation.units(self._street):
            if unit["code"] not in {DESK, ABOVE} and unit["community_code"] is None:
                role = Role.COMMUNITY if unit["kind"] == UnitKind.COMMUNITY else Role.UNIT
                person = self._person(unit["code"], staff_id(role, ids, unit["code"]))
                self._post(person, role, unit["code"], *here)

    def _communities(self) -> None:
        """Give each community a worker who answers for it, and a leader of the street who stands by it."""
        leaders = [self._person(f"leader-{number}") for number in range(1, LEADERS + 1)]
        for leader in leaders:
            self._post(leader, Role.LEADER, None, AreaKind.STREET, self._street.code)
        for number in range(1, len(self._street.communities) + 1):
            area, unit = self._street.community_code(number), committee_code(number)
            person = self._person(unit, staff_id(Role.COMMUNITY, frozenset({self._street.id}), unit))
            self._post(person, Role.COMMUNITY, unit, AreaKind.COMMUNITY, area)
            self._answers(AreaKind.COMMUNITY, area, person)
            self.sponsors.append(
                {"target_kind": "area", "target_code": area, "staff_code": leaders[number % LEADERS]}
            )

    def _workers(self) -> None:
        """Give each grid a worker who answers for it; the first of a community is whom tokens stand for."""
        seen: set[int] = set()
        for grid, number in self._grids.items():
            unit = committee_code(number)
            token = staff_id(Role.GRID_WORKER, frozenset({self._street.id}), unit)
            worker = self._person(f"w-{grid}", None if number in seen else token)
            seen.add(number)
            self._post(worker, Role.GRID_WORKER, unit, AreaKind.GRID, grid)
            self._answers(AreaKind.GRID, grid, worker)
            self._joins(grid, worker, CrewKind.GRID_WORKER)

    def _sent_down(self) -> None:
        """Put three teams and city management into every grid, and the police into one of each community."""
        guards = [self._person(f"cg-{number:02d}") for number in range(1, CITY_MANAGEMENT + 1)]
        known: set[str] = set()
        first: dict[int, str] = {}
        for place, (grid, number) in enumerate(self._grids.items()):
            for kind in TEAMS:
                person = f"{kind.value}-{number:03d}-{place % HELPERS + 1}"
                if person not in known:
                    known.add(self._person(person))
                self._joins(grid, person, kind)
            self._joins(grid, guards[place % CITY_MANAGEMENT], CrewKind.CITY_MANAGEMENT)
            first.setdefault(number, grid)
        for number, grid in first.items():
            officer = self._person(f"mj-{number:03d}")
            self._post(officer, Role.UNIT, "paichusuo", AreaKind.GRID, grid)
            self._joins(grid, officer, CrewKind.DEPARTMENT)

    def _answers(self, kind: AreaKind, area: str, person: str) -> None:
        self.responsibles.append({"area_code": area, "area_kind": kind.value, "staff_code": person})

    def _joins(self, grid: str, person: str, kind: CrewKind) -> None:
        self.crews.append({"grid_code": grid, "staff_code": person, "kind": kind.value})
