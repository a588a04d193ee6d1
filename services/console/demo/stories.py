"""Three months of a street's tickets and what became of each: the same for the same day. No database, no web."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from services.console.demo import texts
from services.console.demo.organisation import catalog
from services.console.demo.places import Blueprint
from services.console.demo.registry import grid_rows
from services.console.replay.course import Life, Move, Times, Wanted, handling, placing, times
from services.console.replay.xinbei import DONE, lead_unit
from shared.calendar import parse_limit
from shared.clock import SHANGHAI
from shared.lifecycle import State
from shared.terms import Role

SEED = 42
WORKDAY, WEEKEND, SPREAD = 28, 19, 4  # tickets a day
SATURDAY = 6
HOURS = (1, 3, 6, 8, 7, 5, 4, 6, 7, 6, 5, 4, 5, 4, 2)  # how busy each hour is, from seven in the morning
CHANNELS = {
    "mini_program": 40, "hotline": 22, "phone": 8, "window": 7, "patrol": 8, "visit": 5, "web": 3, "group_topic": 4, "letter": 1, "forum": 2,
}  # fmt: skip
WITHOUT_CATEGORY = 0.3
WITH_CONTACT = 0.4
_ENDINGS = frozenset({"close", "reject", "redirect"})
TOLD = "已电话告知办理结果"
FAMILIES = "王李张刘陈杨赵黄周吴徐孙马朱胡"
Fate = Callable[[Times, str, dict[str, str], random.Random], tuple[Life, ...]]


def tell(street: Blueprint, now: datetime, days: int) -> Iterator[Wanted]:
    """Yield the tickets received in the `days` days before `now`, each with its course (to be followed until `now`)."""
    chance = random.Random(SEED)
    grids = grid_rows(street)
    first = now.astimezone(SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    number = 0
    for day in range(days + 1):
        morning = first + timedelta(days=day)
        usual = WEEKEND if morning.isoweekday() >= SATURDAY else WORKDAY
        for received in sorted(
            _moment(morning, chance) for _ in range(max(0, round(chance.gauss(usual, SPREAD))))
        ):
            number += 1
            ticket = _ticket(street, f"demo-{number:04d}", received, chance.choice(grids), chance)
            if received < now - timedelta(minutes=5):
                yield ticket


def _moment(morning: datetime, chance: random.Random) -> datetime:
    hour = chance.choices(range(7, 7 + len(HOURS)), HOURS)[0]
    return morning + timedelta(hours=hour, seconds=chance.randint(0, 3599))


def _ticket(
    street: Blueprint, serial: str, received: datetime, grid: dict[str, Any], chance: random.Random
) -> Wanted:
    code = texts.category(chance, received.month)
    row = next(c for c in catalog() if c["code"] == code)
    unit = lead_unit(row["lead_unit"], street, grid["community_code"])
    channel = chance.choices(list(CHANNELS), list(CHANNELS.values()))[0]
    filing: dict[str, Any] = {
        "content": texts.content(chance, code, grid["name"].partition("社区")[0]), "channel": channel,
        "grid_code": grid["code"], "occurred_at": received.isoformat(),
    }  # fmt: skip
    if chance.random() >= WITHOUT_CATEGORY:
        filing["category"] = code
    if chance.random() < WITH_CONTACT:
        name = chance.choice(FAMILIES) + chance.choice(("先生", "女士"))
        filing["contact"] = {"name": name, "phone": f"1380000{chance.randint(0, 9999):04d}"}
    fate = chance.choices(list(FATES), list(FATES.values()))[0]
    at = times(received + timedelta(minutes=3), row, chance)
    lives = fate(at, unit, row, chance)
    if "contact" in filing:
        lives = tuple(_told(life) for life in lives)
    first = {**placing(received + timedelta(minutes=1), unit), **lives[0]}
    return Wanted(
        serial, filing, (first, *lives[1:]), State.CLOSED, unit, places_itself=channel != "group_topic"
    )


def _told(life: Life) -> Life:
    """Return a life whose ending is told to the reporter by telephone: who left a number is called (件件有回音)."""
    return {
        state: replace(move, body={"reason": TOLD, **move.body, "feedback_channel": "phone"})
        if move.action in _ENDINGS
        else move
        for state, move in life.items()
    }


def _closed(at: Times, _unit: str, _row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    outcome = chance.choices(("resolved", "partly", "explained"), (88, 4, 8))[0]
    return (handling(at, chance.choice(DONE), outcome),)


def _late(at: Times, _unit: str, row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    limit = parse_limit(row["resolve_limit"])
    span = limit.span if limit.by_clock else timedelta(days=limit.amount * 1.5 + 3)
    close = at.sign + span * chance.uniform(1.1, 1.8)
    handle = at.contact + (close - at.contact) * 0.9
    slow = Times(at.sign, at.contact, handle, handle + (close - handle) / 2, close)
    return (handling(slow, chance.choice(DONE)),)


def _forgotten(at: Times, _unit: str, _row: dict[str, str], _chance: random.Random) -> tuple[Life, ...]:
    whole = handling(at, "")
    return ({state: whole[state] for state in (State.DISPATCHED, State.SIGNED)},)


def _rejected(at: Times, _unit: str, _row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    end = chance.choice((
        Move("reject", Role.DISPATCHER, at.contact, {"reason_code": "answered", "reason": "同一事项已答复,没有新情况"}),
        Move("reject", Role.DISPATCHER, at.contact, {"reason_code": "outside_duty", "reason": "不属本街道职责,已告知"}),
        Move("reject", Role.DISPATCHER, at.contact, {"reason_code": "not_specific", "reason": "多次联系不上,地点不明"}),
        Move("redirect", Role.DISPATCHER, at.contact, {"agency": "petition", "reason": "属信访事项,已引导"}),
        Move("redirect", Role.DISPATCHER, at.contact, {"agency": "court", "reason": "民事纠纷,已引导走司法途径"}),
    ))  # fmt: skip
    recall = Move("recall", Role.DISPATCHER, at.sign, {"reason": "经核实不属受理范围"})
    return ({State.DISPATCHED: recall, State.ACCEPTED: end},)


def _returned(at: Times, unit: str, _row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    other = chance.choice([code for code in ("wuye", "chengguan", "chengjian", "zonghe") if code != unit])
    reason = {"reason": "不属本单位职责,建议转相关科室"}
    back = Move("return", Role.UNIT, at.sign, reason, by_lead=True, ends_life=True)
    again = Move("dispatch", Role.DISPATCHER, at.sign + timedelta(minutes=2), {"unit": other})
    soon = at.sign + timedelta(minutes=4)
    moved = Times(
        soon, max(at.contact, soon), max(at.handle, soon), max(at.review, soon), max(at.close, soon)
    )
    return {State.DISPATCHED: back}, {State.ACCEPTED: again, **handling(moved, chance.choice(DONE))}


def _reworked(at: Times, _unit: str, _row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    rework = Move(
        "rework", Role.CALLBACK_CLERK, at.close, {"reason": "回访时居民反映问题没有解决"}, ends_life=True
    )
    day = timedelta(hours=chance.randint(4, 30))
    later = Times(at.sign, at.contact, at.close + day, at.close + day * 1.2, at.close + day * 1.5)
    return {**handling(at, chance.choice(DONE)), State.CALLBACK: rework}, handling(later, chance.choice(DONE))


def _suspended(at: Times, _unit: str, _row: dict[str, str], chance: random.Random) -> tuple[Life, ...]:
    why = {"reason_code": "engineering", "reason": "需列入维修工程,待施工队进场"}
    pause = Move(
        "suspend", Role.SUPERVISOR, at.contact + timedelta(minutes=10), why, by_lead=False, ends_life=True
    )
    days = timedelta(days=chance.randint(3, 25))
    resume = Move("resume", Role.UNIT, at.contact + days, by_lead=True)
    later = Times(at.sign, at.contact, at.handle + days, at.review + days, at.close + days)
    second = {State.SUSPENDED: resume, **handling(later, chance.choice(DONE))}
    return {**handling(at, ""), State.HANDLING: pause}, second


FATES: dict[Fate, int] = {
    _closed: 84, _late: 4, _forgotten: 1, _rejected: 4, _returned: 3, _reworked: 2, _suspended: 2,
}  # fmt: skip
