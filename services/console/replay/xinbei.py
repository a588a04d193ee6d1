"""新北街道, 滨城时报 2022-01-05: 「收到百姓需求3950条,办结3950条,办结率100%」.

A year's 3950 requests are filed and closed; then one is reopened, and the rate of that day is not rounded up.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from rich.progress import Progress

from services.console.demo import texts
from services.console.demo.organisation import UNITS, catalog, committee_code
from services.console.demo.places import XINBEI, Blueprint
from services.console.demo.registry import grid_rows
from services.console.replay import crew
from services.console.replay.api import Api
from services.console.replay.course import Life, Move, Wanted, handling, placing, times
from services.console.replay.figures import Figure, settled, share, show, waiting
from services.console.replay.stage import Stage, services
from shared.clock import SHANGHAI
from shared.lifecycle import State
from shared.terms import Role

TITLE = "新北街道(滨城时报 2022-01-05)"
PUBLISHED = 3950
FIRST, LAST = "2021-01-01", "2021-12-31"
NEW_YEAR = datetime(2021, 1, 1, tzinfo=SHANGHAI)
DEADLINE = datetime(2022, 1, 4, 17, tzinfo=SHANGHAI)
PRINTED = "2022-01-06T00:00:00+08:00"
REOPENED = datetime(2022, 1, 12, 9, 30, tzinfo=SHANGHAI)
BETWEEN = "2022-01-15T12:00:00+08:00"
CLOSED_AGAIN = datetime(2022, 1, 20, 16, tzinfo=SHANGHAI)
CHANNELS = {"mini_program": 46, "hotline": 18, "phone": 10, "window": 8, "visit": 10, "forum": 6, "patrol": 2}
DONE = (
    "已到现场处理完毕,居民确认",
    "已协调处理,问题解决",
    "已派人维修,恢复正常",
    "已向居民说明政策并协助办理",
)
RATE = "/v1/rates/closure_rate"


def wanted() -> list[Wanted]:
    """Return the year's tickets in the order of their receipt; the same each time."""
    chance = random.Random(2021)
    grids = grid_rows(XINBEI)
    minutes = sorted(chance.sample(range(365 * 14 * 60), PUBLISHED))
    return [_ticket(n, minute, grids, chance) for n, minute in enumerate(minutes, 1)]


def _ticket(number: int, minute: int, grids: list[dict[str, Any]], chance: random.Random) -> Wanted:
    day, rest = divmod(minute, 14 * 60)
    received = NEW_YEAR + timedelta(days=day, hours=7, minutes=rest)
    grid = chance.choice(grids)
    category = texts.category(chance, received.month)
    serial = f"2021-{number:04d}"
    row = next(c for c in catalog() if c["code"] == category)
    unit = lead_unit(row["lead_unit"], XINBEI, grid["community_code"])
    community = grid["name"].partition("社区")[0]
    filing = {
        "content": f"【{serial}】{texts.content(chance, category, community)}", "category": category,
        "channel": chance.choices(list(CHANNELS), list(CHANNELS.values()))[0], "grid_code": grid["code"],
        "occurred_at": received.isoformat(),
    }  # fmt: skip
    life = placing(received, unit) | handling(times(received, row, chance, DEADLINE), chance.choice(DONE))
    return Wanted(serial, filing, (life,), State.CLOSED, unit)


def lead_unit(name: str, street: Blueprint, community: str) -> str:
    """Return the code of the unit that leads: in its community's matters the community's own committee."""
    code = UNITS[name][0]
    return committee_code(int(community.removeprefix(street.code))) if code == "juwei" else code


def second_life() -> tuple[Life, Life]:
    """Return the reopening, and the way back to a closure in 2022."""
    reopening = Move(
        "reopen", Role.SUPERVISOR, REOPENED, {"reason": "督查发现问题反复,发回重新办理"}, ends_life=True
    )
    hours = (CLOSED_AGAIN - REOPENED) / 4
    way_back = handling(
        replace(
            times(REOPENED, catalog()[0], random.Random(1)),
            handle=REOPENED + hours,
            review=REOPENED + 2 * hours,
            close=CLOSED_AGAIN,
        ),
        "再次上门处理,居民确认",
    )
    return {State.CLOSED: reopening}, way_back


async def replay() -> bool:
    """File and close the year, print the figures, reopen one; return whether all figures hold."""
    tickets = wanted()
    reopening, way_back = second_life()
    one = tickets[len(tickets) // 2]
    # Cut short in its second life, it is brought to an end there before anything is measured.
    tickets[len(tickets) // 2] = replace(one, lives=(*one.lives, way_back))
    with services(XINBEI) as api:
        stage = Stage(api, "xinbei", tickets)
        with crew.bars() as bar:
            await stage.find(FIRST, LAST)
            await stage.play(bar)
            await _booked(api, bar, PRINTED)
            figures = await _published(api)
            await stage.again(replace(one, lives=(*one.lives, reopening, way_back)))
            await _booked(api, bar, None)
        figures += await _after(api)
    return show(TITLE, figures, [f"被重开的工单:{stage.numbers[one.serial]}"])


async def _rate(api: Api, as_of: str | None) -> dict[str, Any]:
    at = {"as_of": as_of} if as_of is not None else {}
    return await api.measure(RATE, variant="received", **{"from": FIRST, "to": LAST}, **at)


async def _booked(api: Api, bar: Progress, as_of: str | None) -> None:
    async def ask() -> tuple[bool, int, object]:
        answer = await _rate(api, as_of)
        total = answer["total"]
        left = waiting(answer)
        done = total["numerator"] == total["denominator"] == PUBLISHED
        if as_of is None:
            between = (await _rate(api, BETWEEN))["total"]
            done = done and between["numerator"] == PUBLISHED - 1
        return done, left, (total["numerator"], total["denominator"])

    await settled(ask, bar, "入账")


async def _published(api: Api) -> list[Figure]:
    window = {"from": FIRST, "to": LAST, "as_of": PRINTED}
    counts = (await api.measure("/v1/counts", **window))["counts"]
    rate = (await _rate(api, PRINTED))["total"]
    return [
        Figure("收到百姓需求", f"{PUBLISHED}", f"{counts['received']}"),
        Figure("办结", f"{PUBLISHED}", f"{counts['closed']}"),
        Figure("办结率", "100%(3950/3950)", share(rate)),
    ]


async def _after(api: Api) -> Sequence[Figure]:
    return [
        Figure("重开一件后(2022-01-15)的办结率", "99.97%(3949/3950)", share((await _rate(api, BETWEEN))["total"]), derived=True),
        Figure("截至见报时(2022-01-06)的办结率", "100%(3950/3950)", share((await _rate(api, PRINTED))["total"])),
        Figure("再次办结后(现在)的办结率", "100%(3950/3950)", share((await _rate(api, None))["total"]), derived=True),
    ]  # fmt: skip
