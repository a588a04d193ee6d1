"""市西街道, 滨州日报 2021: 「目标清单128份,总计承诺事项316项…已经办结152个…10项重大事项全部按时保质完成」.

Lists are made and filled, each item with its plan; 152 of the 316 are closed, and all ten of the major ones, which are
counted by themselves. What the newspaper does not say (which items, on which days) is invented, the same each time.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from rich.progress import Progress

from services.console.demo.organisation import catalog
from services.console.demo.places import SHIXI
from services.console.demo.registry import grid_rows
from services.console.replay import crew
from services.console.replay.api import Api
from services.console.replay.course import Life, Times, Wanted, handling
from services.console.replay.figures import Figure, settled, share, show, waiting
from services.console.replay.stage import Stage, services
from services.console.replay.xinbei import lead_unit
from shared.clock import SHANGHAI
from shared.lifecycle import State
from shared.terms import Role

TITLE = "市西街道(滨州日报 2021)"
LISTS, ITEMS, CLOSED, MAJOR = 128, 316, 152, 10
THREES = ITEMS - 2 * LISTS  # lists of three items; the others have two
YEAR, FIRST, LAST = 2021, "2021-01-01", "2021-12-31"
PROMISED = date(2021, 3, 1)
FILED = datetime(2021, 3, 2, 9, tzinfo=SHANGHAI)
MAJOR_LIST = "SX2021-ZD"
LEVELS = ("street", "community", "party")
SURNAMES = "赵钱孙李周吴郑王冯陈"
# What is promised, in which category, and what is said when it is done.
MATTERS = (
    ("0202", "修补{place}破损道路", "路面已硬化,居民验收"), ("0201", "为{place}补装路灯", "路灯已装好并通电"),
    ("0107", "补种{place}绿化", "绿化已补种"), ("0301", "疏通改造{place}下水管网", "管网改造完成"),
    ("0302", "为{place}划设停车位", "车位已划设"), ("0205", "为{place}增设健身器材", "器材已安装"),
    ("0405", "为{place}建设电动车充电棚", "充电棚已启用"), ("0802", "在{place}开设老年助餐点", "助餐点已开餐"),
    ("0902", "到{place}开展义诊", "义诊已完成"), ("0805", "为{place}居民举办就业培训", "培训已结业"),
)  # fmt: skip
STEPS = ("入户征求意见", "制定方案", "组织实施", "居民验收")
RATE = "/v1/rates/commitment_rate"


@dataclass(frozen=True, slots=True)
class Promise:
    """A ticket to be there, the list it stands on, and its plan."""

    wanted: Wanted
    checklist: str
    plan: Mapping[str, Any]


def lists() -> list[dict[str, Any]]:
    """Return the lists: each of one person, and that of the major matters."""
    chance = random.Random(LISTS)
    told = [_list(f"SX2021-{n:03d}", LEVELS[n % len(LEVELS)], chance) for n in range(1, LISTS + 1)]
    return [*told, _list(MAJOR_LIST, "street", chance) | {"title": "年初确定的重大事项", "major": True}]


def _list(code: str, level: str, chance: random.Random) -> dict[str, Any]:
    owner = "party_secretary" if level == "party" else "leader"
    return {
        "code": code, "title": f"我为群众办实事目标清单 {code}", "level": level, "year": YEAR, "owner_kind": owner,
        "owner_name": f"{chance.choice(SURNAMES)}某", "promised_on": PROMISED.isoformat(),
        "published_on": PROMISED.isoformat(),
    }  # fmt: skip


def promises() -> list[Promise]:
    """Return the items of all lists, 152 and the ten major ones to be closed; the same each time."""
    chance = random.Random(ITEMS)
    closed = frozenset(chance.sample(range(ITEMS), CLOSED))
    codes = [f"SX2021-{n:03d}" for n in range(1, LISTS + 1) for _ in range(3 if n <= THREES else 2)]
    grids = grid_rows(SHIXI)
    told = [
        _promise(f"承诺2021-{n + 1:03d}", code, n in closed, n, chance.choice(grids), chance)
        for n, code in enumerate(codes)
    ]
    told += [
        _promise(f"重大2021-{n + 1:02d}", MAJOR_LIST, True, n, chance.choice(grids), chance)
        for n in range(MAJOR)
    ]
    return told


def _promise(
    serial: str, checklist: str, done: bool, number: int, grid: dict[str, Any], chance: random.Random  # noqa: FBT001 - the one thing that differs
) -> Promise:  # fmt: skip
    code, words, result = MATTERS[number % len(MATTERS)]
    row = next(c for c in catalog() if c["code"] == code)
    unit = lead_unit(row["lead_unit"], SHIXI, grid["community_code"])
    received = FILED + timedelta(minutes=3 * number)
    place = f"{grid['name'].partition('社区')[0]}小区"
    filing = {
        "content": f"【{serial}】{words.format(place=place)}", "category": code, "channel": "commitment", "grid_code": grid["code"],
        "occurred_at": received.isoformat(),
    }  # fmt: skip
    # Closed ones by the end of June, each before the end of its plan; the others are planned for the rest of the year.
    end = date(2021, 6, 30) + timedelta(days=chance.randint(0, 20)) if done else date(2021, 12, 31)
    goal = State.CLOSED if done else State.HANDLING
    course = handling(_times(received, chance), result)
    life: Life = course if done else {state: course[state] for state in (State.DISPATCHED, State.SIGNED)}
    plan = {
        "planned_start": "2021-03-05", "planned_end": end.isoformat(), "steps": list(STEPS),
        "responsible": f"{chance.choice(SURNAMES)}某", "responsible_unit": unit,
        "occurred_at": (received + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    return Promise(Wanted(serial, filing, (life,), goal, unit), checklist, plan)


def _times(received: datetime, chance: random.Random) -> Times:
    """Return when it is signed, contacted, handled, reviewed and closed: within a hundred days."""
    sign, days = received + timedelta(hours=2), chance.randint(20, 100)
    handle = received + timedelta(days=days)
    hour = timedelta(hours=1)
    return Times(sign, sign + hour, handle, handle + 2 * hour, handle + timedelta(days=1))


class Lists(Stage):
    """The stage of a street that promises: what is filed is put on its list before it is carried on."""

    def __init__(self, api: Api, told: list[Promise]) -> None:
        super().__init__(api, "shixi", [promise.wanted for promise in told])
        self._promises = {promise.wanted.serial: promise for promise in told}

    async def make(self) -> None:
        """Make the lists that are not there."""
        await asyncio.gather(
            *(
                self.api.write("/v1/checklists", body, Role.LEADER, f"shixi-{body['code']}")
                for body in lists()
            )
        )

    async def _file(self, ticket: Wanted) -> None:
        await super()._file(ticket)
        promise, number = self._promises[ticket.serial], self.numbers[ticket.serial]
        path = f"/v1/checklists/{promise.checklist}/items"
        await self.api.write(path, {**promise.plan, "number": number}, Role.LEADER, f"shixi-{number}")


async def replay() -> bool:
    """Make the lists, put every item on its own, carry it as far as it came; return whether all figures hold."""
    with services(SHIXI) as api:
        stage = Lists(api, promises())
        with crew.bars() as bar:
            await stage.make()
            await stage.find(FIRST, LAST)
            await stage.play(bar)
            await _booked(api, bar)
        told = await api.read("/v1/checklists/summary", Role.LEADER, year=str(YEAR))
        views = await api.read("/v1/checklists/views", Role.LEADER, year=str(YEAR), major="false")
        rate = (await _rate(api))["total"]
    return show(TITLE, _figures(told, views["counts"], rate))


def _figures(told: dict[str, Any], chain: dict[str, Any], rate: dict[str, Any]) -> list[Figure]:
    regular, major = told["regular"], told["major"]
    items, great = regular["tally"], major["tally"]
    percent = f"48.10%({CLOSED}/{ITEMS})"
    return [
        Figure("目标清单", f"{LISTS}", f"{regular['lists']}"),
        Figure("承诺事项", f"{ITEMS}", f"{items['items']}"),
        Figure("已经办结", f"{CLOSED}", f"{items['closed']}"),
        Figure("清单办结率", percent, f"{items['display']}({items['closed']}/{items['items']})", derived=True),
        Figure("践诺率(指标服务)", percent, share(rate), derived=True),
        Figure("没有办结", f"{ITEMS - CLOSED}", f"{items['open']}", derived=True),
        Figure("需求、实事、账单相符", "316、316、152", f"{chain['demands']}、{chain['tasks']}、{chain['results']}", derived=True),
        Figure("重大事项", f"{MAJOR}", f"{great['items']}"),
        Figure("重大事项按时完成", f"100%({MAJOR}/{MAJOR})", f"{great['on_time_display']}({great['on_time']}/{great['items']})"),
    ]  # fmt: skip


async def _rate(api: Api) -> dict[str, Any]:
    return await api.measure(RATE, variant="closed", **{"from": FIRST, "to": LAST})


async def _booked(api: Api, bar: Progress) -> None:
    async def ask() -> tuple[bool, int, object]:
        answer = await _rate(api)
        seen = (answer["total"]["numerator"], answer["total"]["denominator"])
        return seen == (CLOSED, ITEMS), waiting(answer), seen

    await settled(ask, bar, "入账")
