"""Published bulletins as ledgers: for each the rows a street would have had, and the figures that were printed.

The figures are those of the domain notes 6 (A1-A11), recounted there; rows are made up to fit them. `large` cases
have tens of thousands of rows and run with `pytest -m large`.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle, islice
from typing import Any

Row = dict[str, str]
TEXT = "反映小区路灯不亮,请尽快维修"


@dataclass(frozen=True)
class Asked:
    """A question to the rates endpoint, and what it must answer: {path in the answer: value}."""

    rate: str
    variant: str | None
    expect: dict[str, Any]
    more: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Bulletin:
    id: str
    title: str
    rows: Callable[[], Iterable[Row]]
    window: dict[str, str]
    asks: tuple[Asked, ...]
    large: bool = False


def spread(n: int, first: str, days: int, **columns: str) -> Iterator[Row]:
    """Yield `n` rows received one after the other over so many days from `first`."""
    start = datetime.fromisoformat(f"{first} 08:00")
    for place in range(n):
        at = start + timedelta(days=place % days, minutes=place // days % 600)
        yield {"received_at": f"{at:%Y-%m-%d %H:%M}", "channel": "hotline", "content": TEXT, **columns}


def dealt(rows: Iterable[Row], *columns: tuple[str, list[tuple[str, int]]]) -> Iterator[Row]:
    """Yield the rows with columns filled by hand: (column, [(value, how many), …]), in that order."""
    hands = [(name, (value for value, many in given for _ in range(many))) for name, given in columns]
    for row in rows:
        yield {**row, **{name: next(values, "") for name, values in hands}}


def later(row: Row, days: int, hours: int = 0) -> str:
    return f"{datetime.fromisoformat(row['received_at']) + timedelta(days=days, hours=hours):%Y-%m-%d %H:%M}"


def share(numerator: float, denominator: int, display: str) -> dict[str, Any]:
    return {"numerator": numerator, "denominator": denominator, "display": display}


# A1 天门数字城管 2016-12: 受理1054 立案996 应结案972 结案911 按期737;事件 应结956/结902,部件 应结16/结9;来源 953+43
def a1() -> Iterator[Row]:
    yield from spread(
        58, "2016-12-01", 20, disposition="rejected", reject_reason="不属于立案范围", category_code="事件"
    )
    kinds = {("事件", "on"): 732, ("事件", "late"): 170, ("事件", "open"): 54, ("事件", "early"): 15,
             ("部件", "on"): 5, ("部件", "late"): 4, ("部件", "open"): 7, ("部件", "early"): 9}  # fmt: skip
    sources = (s for s, many in (("patrol", 953), ("hotline", 43)) for _ in range(many))
    for (category, fate), many in kinds.items():
        for row in spread(
            many, "2016-12-01", 20, disposition="dispatched", lead_unit="城管大队", category_code=category
        ):
            due = later(row, 45) if fate == "early" else later(row, 5)
            closed = {"on": later(row, 3), "late": later(row, 6)}.get(fate, "")
            yield {**row, "channel": next(sources), "due_at": due, "closed_at": closed}


# A2 某市热线半年: 前台直答38480;转办12275 办结11925
def a2() -> Iterator[Row]:
    yield from spread(38480, "2021-01-01", 180, disposition="direct")
    for place, row in enumerate(
        spread(12275, "2021-01-01", 180, disposition="dispatched", lead_unit="承办单位")
    ):
        yield {**row, "closed_at": later(row, 4) if place < 11925 else ""}


# A3 宁国 2022-04: 受理2877=自办2276+派单601;派单=热线532+政民69;按时597 超时4;住建局 热线87/政民12/不满意8
def a3() -> Iterator[Row]:
    yield from spread(2276, "2022-04-01", 28, disposition="direct")
    units = dealt(
        spread(601, "2022-04-01", 28, disposition="dispatched"),
        ("channel", [("hotline", 87), ("web", 12), ("hotline", 445), ("web", 57)]),
        ("lead_unit", [("住建局", 99), ("城管局", 502)]),
    )
    for place, row in enumerate(units):
        closed = later(row, 9) if 300 <= place < 304 else later(row, 3)
        called = {"callback_satisfaction": "不满意"} if place < 8 else {}
        yield {**row, "due_at": later(row, 5), "closed_at": closed, **called}


# A4 连云港 2020-09: 当月78589+上月结转4629=83218;直办41489+交办41729;电话50154 监督员26213 微信3759 其他3092
def a4() -> Iterator[Row]:
    channels = [("hotline", 50154), ("patrol", 26213), ("mini_program", 3759), ("web", 3092)]
    old = spread(4629, "2020-08-05", 25, disposition="dispatched", lead_unit="交办单位")
    new = spread(41729 - 4629, "2020-09-01", 30, disposition="dispatched", lead_unit="交办单位")
    direct = spread(41489, "2020-09-01", 30, disposition="direct")
    for row in dealt((*old, *new, *direct), ("channel", channels)):
        yield {**row, "due_at": later(row, 60)} if row["disposition"] == "dispatched" else row


# A5 唐山 2024-11 省派单: 2917=已办2349+时限内在办568
def a5() -> Iterator[Row]:
    for place, row in enumerate(
        spread(2917, "2024-11-01", 28, disposition="dispatched", lead_unit="承办单位")
    ):
        closed = {"closed_at": later(row, 2), "due_at": later(row, 5)}
        yield {**row, **(closed if place < 2349 else {"due_at": later(row, 40)})}


# A7 杨凌 2021-07: 总4415 有效3942 无效473;截至8-11办结3884
def a7() -> Iterator[Row]:
    yield from spread(473, "2021-07-01", 31, disposition="rejected", reject_reason="无效来电")
    for place, row in enumerate(
        spread(3942, "2021-07-01", 31, disposition="dispatched", lead_unit="承办单位")
    ):
        yield {**row, "closed_at": later(row, 8) if place < 3884 else ""}


# A8 江阴 2023-09: 46653=27929+18724;重点督办375完成320;回访300 有效246 满意240 一般5
def a8() -> Iterator[Row]:
    yield from spread(27929, "2023-09-01", 30, disposition="direct")
    for place, row in enumerate(
        spread(18724, "2023-09-01", 30, disposition="dispatched", lead_unit="承办单位")
    ):
        listed = {"checklist": "重点督办"} if place < 375 else {}
        called: Row = {}
        if 1000 <= place < 1300:
            called = {"callback_valid": "是" if place < 1246 else "否"}
        if 1000 <= place < 1246:
            called["callback_satisfaction"] = "满意" if place < 1240 else "一般" if place < 1245 else "不满意"
        yield {**row, **listed, **called, "closed_at": "" if 320 <= place < 375 else later(row, 3)}


# A9 四平 2025上半年: 254592件,办结254567件
def a9() -> Iterator[Row]:
    for place, row in enumerate(
        spread(254592, "2025-01-01", 181, disposition="dispatched", lead_unit="承办单位")
    ):
        yield {**row, "closed_at": later(row, 2) if place < 254567 else ""}


# A10 青岛合肥路: 3575话题→2218议题→2209项目并办结
def a10() -> Iterator[Row]:
    yield from spread(3575 - 2218, "2021-01-04", 250, stage="topic", channel="group_topic")
    yield from spread(9, "2021-01-04", 250, stage="issue", channel="group_topic")
    for row in spread(
        2209, "2021-01-04", 250, stage="project", channel="group_topic", lead_unit="社区居委会"
    ):
        yield {**row, "closed_at": later(row, 3)}


# A11 新北街道 2021: 收到3950条,办结3950条
def a11() -> Iterator[Row]:
    for row in spread(3950, "2021-01-01", 350, lead_unit="物业办"):
        yield {**row, "closed_at": later(row, 2)}


# 市西街道: 目标清单128份、承诺事项316项、办结152;年初10项重大事项全部按时完成
def s1() -> Iterator[Row]:
    lists = islice(cycle(range(1, 129)), 316)
    for place, (number, row) in enumerate(
        zip(lists, spread(316, "2021-01-05", 60, lead_unit="街道办"), strict=True)
    ):
        done = {"closed_at": later(row, 90), "callback_satisfaction": "满意"} if place < 152 else {}
        yield {
            **row,
            "checklist": f"清单{number:03d}",
            "list_level": "街道",
            "due_at": later(row, 360),
            **done,
        }
    for row in spread(10, "2021-01-05", 10, lead_unit="街道办", checklist="年初10项重大事项"):
        yield {**row, "due_at": later(row, 200), "closed_at": later(row, 150)}


_MONTH = {"from": "2016-12-01", "to": "2016-12-31", "as_of": "2017-01-01T00:00:00+08:00"}
BULLETINS: tuple[Bulletin, ...] = (
    Bulletin("A1", "天门数字城管 2016-12", a1, _MONTH, (
        Asked("closure_rate", "due", share(911, 972, "93.72%")),
        Asked("on_time_closure_rate", "due", share(737, 972, "75.82%")),
        Asked("closure_rate", "due", share(902, 956, "94.35%"), {"category": "事件"}),
        Asked("closure_rate", "due", share(9, 16, "56.25%"), {"category": "部件"}),
        Asked("registration_rate", None, share(996, 1054, "94.50%")),
        Asked("closure_rate", "dispatched", share(911, 996, "91.47%")),
        Asked("registration_rate", "accepted", share(953, 953, "100%"), {"channel": "patrol"}),
    )),
    Bulletin("A2", "某市公众服务热线", a2, {"from": "2021-01-01", "to": "2021-06-30"}, (
        Asked("closure_rate", "incl_direct", share(50405, 50755, "99.31%")),
        Asked("closure_rate", "incl_direct", {"display": "99.3%"}, {"digits": "1", "rounding": "truncate"}),
        Asked("closure_rate", "dispatched", share(11925, 12275, "97.15%")),
    ), large=True),
    Bulletin("A3", "宁国 2022-04", a3, {"from": "2022-04-01", "to": "2022-04-30"}, (
        Asked("closure_rate", "dispatched", share(601, 601, "100%")),
        Asked("on_time_closure_rate", "dispatched", share(597, 601, "99.33%")),
        Asked("on_time_closure_rate", "dispatched", {"display": "99%"}, {"digits": "0", "rounding": "truncate"}),
        Asked("dissatisfaction_rate", "channel", share(8, 87, "9.20%"), {"unit": "住建局", "channel": "hotline"}),
        Asked("dissatisfaction_rate", "channel", share(8, 99, "8.08%"), {"unit": "住建局"}),
        Asked("direct_rate", None, share(2276, 2877, "79.11%")),
    )),
    Bulletin("A4", "连云港 2020-09", a4, {"from": "2020-09-01", "to": "2020-09-30", "basis": "workload"}, (
        Asked("registration_rate", None, share(41729, 83218, "50.14%")),
        Asked("direct_rate", None, share(41489, 83218, "49.86%")),
    ), large=True),
    Bulletin("A5", "唐山 2024-11 省派单", a5, {"from": "2024-11-01", "to": "2024-11-30", "as_of": "2024-12-01T00:00:00+08:00"}, (
        Asked("closure_rate", "accepted", share(2349, 2917, "80.53%")),
        Asked("closure_rate", "due", share(2349, 2349, "100%")),
    )),
    Bulletin("A7", "杨凌 2021-07", a7, {"from": "2021-07-01", "to": "2021-07-31", "as_of": "2021-08-11T23:59:59+08:00"}, (
        Asked("acceptance_rate", None, share(3942, 4415, "89.29%")),
        Asked("closure_rate", "accepted", share(3884, 3942, "98.53%")),
    )),
    Bulletin("A8", "江阴 2023-09", a8, {"from": "2023-09-01", "to": "2023-09-30"}, (
        Asked("direct_rate", None, share(27929, 46653, "59.87%")),
        Asked("registration_rate", None, share(18724, 46653, "40.13%")),
        Asked("closure_rate", "dispatched", share(320, 375, "85.33%"), {"list": "重点督办"}),
        Asked("satisfaction_rate", "strict", share(240, 246, "97.56%")),
        Asked("satisfaction_rate", "top2", share(245, 246, "99.59%")),
        Asked("satisfaction_rate", "basic_0_9", share(244.5, 246, "99.39%")),
        Asked("valid_callback_rate", None, share(246, 300, "82.00%")),
    ), large=True),
    Bulletin("A9", "四平 2025上半年", a9, {"from": "2025-01-01", "to": "2025-06-30"}, (
        Asked("closure_rate", "received", share(254567, 254592, "99.9902%"), {"digits": "4"}),
        Asked("closure_rate", "received", {"display": "99.9%"}, {"digits": "1", "rounding": "truncate"}),
        Asked("closure_rate", "received", {"display": "99.9%"}, {"digits": "1", "rounding": "half_up"}),
    ), large=True),
    Bulletin("A10", "合肥路街道", a10, {"from": "2021-01-01", "to": "2021-12-31"}, (
        Asked("conversion_rate", "topic_issue", share(2218, 3575, "62.04%")),
        Asked("conversion_rate", "issue_project", share(2209, 2218, "99.59%")),
        Asked("closure_rate", "project", share(2209, 2209, "100%")),
        Asked("conversion_rate", "topic_closed", share(2209, 3575, "61.79%")),
    )),
    Bulletin("A11", "新北街道 2021", a11, {"from": "2021-01-01", "to": "2021-12-31"}, (
        Asked("closure_rate", "received", share(3950, 3950, "100%")),
        Asked("visit_coverage", None, {"numerator": 0, "denominator": 0, "value": None, "display": "—"}),
    )),
    Bulletin("S1", "市西街道 2021", s1, {"from": "2021-01-01", "to": "2021-12-31", "as_of": "2021-12-01T00:00:00+08:00"}, (
        Asked("commitment_rate", "closed", share(10, 10, "100%"), {"list": "年初10项重大事项"}),
        Asked("commitment_rate", "on_time", share(10, 10, "100%"), {"list": "年初10项重大事项"}),
        Asked("commitment_rate", "closed", share(152, 316, "48.10%"), {"list_level": "街道"}),
        Asked("satisfaction_rate", None, {"display": "100%", "over": True}, {"over": "95"}),
    )),
)  # fmt: skip
