"""合肥路街道, 信网 2021-10-10: 「群话题数3575条…议题2218条,其中2209条议题已转为项目并办结,项目办结率100%」.

Topics of neighbours' groups are filed; people accept some as issues; all but nine of these become projects,
and all projects are closed. The 100 % is of the projects; the nine are named, each with its reason.
"""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from rich.progress import Progress

from services.console.demo import texts
from services.console.demo.organisation import catalog
from services.console.demo.places import HEFEILU
from services.console.demo.registry import grid_rows
from services.console.replay import crew
from services.console.replay.api import Api
from services.console.replay.course import Move, Wanted, handling, placing, times
from services.console.replay.figures import Figure, settled, share, show, waiting
from services.console.replay.stage import Stage, services
from services.console.replay.xinbei import DONE, lead_unit
from shared.clock import SHANGHAI
from shared.lifecycle import State
from shared.terms import Role

TITLE = "合肥路街道(信网 2021-10-10)"
TOPICS, ISSUES, PROJECTS = 3575, 2218, 2209
FIRST, LAST = "2021-01-01", "2021-10-09"
NEW_YEAR = datetime(2021, 1, 1, tzinfo=SHANGHAI)
DAYS = 273  # until the end of September
DEADLINE = datetime(2021, 10, 9, 17, tzinfo=SHANGHAI)
# What became of the issues that are no projects: the action, what it brings, where it ends.
NINE: tuple[tuple[str, Mapping[str, str], State], ...] = (
    (
        "reject",
        {"reason_code": "in_proceedings", "reason": "当事双方已就同一事项向法院起诉,待判决"},
        State.REJECTED,
    ),
    (
        "reject",
        {"reason_code": "outside_duty", "reason": "属国有企业内部人事安排,不是街道职责"},
        State.REJECTED,
    ),
    (
        "reject",
        {"reason_code": "answered", "reason": "同一事项今年三月已书面答复,没有新的情况"},
        State.REJECTED,
    ),
    (
        "reject",
        {"reason_code": "not_specific", "reason": "三次联系均无人接听,地点不明,无法办理"},
        State.REJECTED,
    ),
    ("redirect", {"agency": "petition", "reason": "涉及历史拆迁补偿,已引导到信访部门"}, State.REDIRECTED),
    ("redirect", {"agency": "12345", "reason": "跨区道路规划,已引导由12345热线转市级部门"}, State.REDIRECTED),
    ("redirect", {"agency": "court", "reason": "合同纠纷,已引导走司法途径"}, State.REDIRECTED),
    ("withdraw", {"reason": "居民自行与邻居协商解决,申请撤回"}, State.WITHDRAWN),
    ("withdraw", {"reason": "居民搬离本街道,申请撤回"}, State.WITHDRAWN),
)
NO_ISSUE = ("群内闲聊,没有具体事项", "邻里问候和通知转发", "已在群里当场答复,不需办理", "重复接龙,没有新内容")
CHATTER = (
    "{place}今天停电吗?我家好像没事", "谁家的孩子在{place}丢了水杯,放在门卫了", "明天{place}有人一起买菜吗",
    "谢谢{place}的志愿者,辛苦了", "{place}的团购到了,大家来取", "请问{place}附近哪家理发店好",
)  # fmt: skip


def wanted() -> list[Wanted]:
    """Return the topics in the order of their posting; the same each time."""
    chance = random.Random(2218)
    minutes = sorted(chance.sample(range(DAYS * 14 * 60), TOPICS))
    issues = chance.sample(range(TOPICS), ISSUES)
    behind = dict(zip(sorted(issues[PROJECTS:]), NINE, strict=True))
    fates = dict.fromkeys(issues[:PROJECTS], "project") | dict.fromkeys(behind, "behind")
    grids = grid_rows(HEFEILU)
    tickets = []
    for index, minute in enumerate(minutes):
        day, rest = divmod(minute, 14 * 60)
        received = NEW_YEAR + timedelta(days=day, hours=7, minutes=rest)
        tickets.append(
            _topic(index, received, chance.choice(grids), fates.get(index, ""), behind.get(index), chance)
        )
    return tickets


def _topic(
    index: int,
    received: datetime,
    grid: dict[str, Any],
    fate: str,
    end: tuple[str, Mapping[str, str], State] | None,
    chance: random.Random,
) -> Wanted:
    serial = f"话题2021-{index + 1:04d}"
    community = grid["name"].partition("社区")[0]
    code = texts.category(chance, received.month) if fate else "1399"
    row = next(c for c in catalog() if c["code"] == code)
    unit = lead_unit(row["lead_unit"], HEFEILU, grid["community_code"])
    words = texts.content(chance, code, community) if fate else _chatter(chance, community)
    filing = {
        "content": f"【{serial}】{words}", "category": code, "channel": "group_topic", "grid_code": grid["code"],
        "occurred_at": received.isoformat(),
    }  # fmt: skip
    read = received + timedelta(minutes=chance.randint(2, 12))
    life: dict[State, Move] = placing(read, unit)
    goal = State.CLOSED
    if not fate:
        why = {"reason_code": "no_matter", "reason": chance.choice(NO_ISSUE)}
        life, goal = {State.SUBMITTED: Move("reject", Role.DISPATCHER, read, why)}, State.REJECTED
    elif end is not None:
        action, body, goal = end
        life[State.ACCEPTED] = Move(action, Role.DISPATCHER, read + timedelta(hours=3), body)
    else:
        life |= handling(times(read + timedelta(minutes=2), row, chance, DEADLINE), chance.choice(DONE))
    return Wanted(serial, filing, (life,), goal, unit, places_itself=False)


def _chatter(chance: random.Random, community: str) -> str:
    return chance.choice(CHATTER).format(place=f"{community}{chance.randint(1, 30)}号楼")


async def replay() -> bool:
    """File the topics, carry each to where it ended, print the funnel; return whether all figures hold."""
    tickets = wanted()
    with services(HEFEILU) as api:
        stage = Stage(api, "hefeilu", tickets)
        with crew.bars() as bar:
            await stage.find(FIRST, LAST)
            await stage.play(bar)
            await _booked(api, bar)
        funnel = await _funnel(api)
        project = (
            await api.measure("/v1/rates/closure_rate", variant="project", **{"from": FIRST, "to": LAST})
        )["total"]
    behind = sorted(funnel["stayed_behind"], key=lambda b: b["number"])
    notes = [f"没有转为项目的 {len(behind)} 条议题:"]
    notes += [f"  {b['number']}  {b['state_text']}:{b['reason']}" for b in behind]
    return show(TITLE, _figures(funnel, project, len(behind)), notes)


async def _funnel(api: Api) -> dict[str, Any]:
    return await api.measure("/v1/funnel", **{"from": FIRST, "to": LAST})


def _figures(funnel: dict[str, Any], project: dict[str, Any], behind: int) -> list[Figure]:
    count = {stage["stage"]: stage["count"] for stage in funnel["stages"]}
    steps = {(step["from"], step["to"]): share(step) for step in funnel["conversions"]}
    return [
        Figure("群话题", f"{TOPICS}", f"{count['topic']}"),
        Figure("议题", f"{ISSUES}", f"{count['issue']}"),
        Figure("转为项目", f"{PROJECTS}", f"{count['project']}"),
        Figure("项目办结", f"{PROJECTS}", f"{count['closed']}"),
        Figure("项目办结率", "100%(2209/2209)", share(project)),
        Figure("议题转项目率", "99.59%(2209/2218)", steps.get(("issue", "project"), "—"), derived=True),
        Figure("话题转议题率", "62.04%(2218/3575)", steps.get(("topic", "issue"), "—"), derived=True),
        Figure("话题到办结", "61.79%(2209/3575)", steps.get(("topic", "closed"), "—"), derived=True),
        Figure("没有转为项目的议题", f"{ISSUES - PROJECTS}", f"{behind}", derived=True),
    ]


async def _booked(api: Api, bar: Progress) -> None:
    async def ask() -> tuple[bool, int, object]:
        answer = await _funnel(api)
        counts = [stage["count"] for stage in answer["stages"]]
        return counts == [TOPICS, ISSUES, PROJECTS, PROJECTS], waiting(answer), counts

    await settled(ask, bar, "入账")
