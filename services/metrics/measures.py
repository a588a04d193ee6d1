"""What each measure counts: a record of its name, its meaning in words, and its rule.

A ticket has each measure or has it not, at any instant. `Stand` is how one ticket stands then (worked out in
`services/metrics/spans.py`); a rule looks at nothing else. The order of the records is that of
`shared.tables.MEASURES`: a record's place is its bit in the facts. The catalogue endpoint, the README and the
warnings quote these words; the recount and the booking run these rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from shared.lifecycle import OPEN, State

_OPEN = frozenset(state.value for state in OPEN)
_DONE = frozenset({State.HANDLED.value, State.CALLBACK.value, State.CLOSED.value})
_UNHAPPY = frozenset({"dissatisfied", "very_dissatisfied"})
CLOSED, SUSPENDED = State.CLOSED.value, State.SUSPENDED.value


class Callback(NamedTuple):
    """What the staff's last callback found; None where nobody asked or nobody answered."""

    valid: bool
    contacted: bool | None = None
    resolved: str | None = None
    satisfaction: str | None = None


class Stand(NamedTuple):
    """How one ticket stands at an instant: all that a rule may look at."""

    state: str
    past_due: bool = False  # its deadline has been reached
    on_time: bool = False  # closed, and not after its deadline
    by_first_deadline: bool = False  # closed, and not after the deadline it had when first handed to a unit
    result: bool = False  # the unit has handed in a result, and it was not given back
    handled_on_time: bool = False
    last_hour: bool = False  # closed on time with less than an hour to go
    accepted: bool = False
    dispatched: bool = False
    direct: bool = False
    ever_handled: bool = False
    ever_closed: bool = False
    signed: bool = False
    signed_on_time: bool = False
    contacted: bool = False
    contacted_on_time: bool = False
    one_lead: bool = False  # the only unit that ever had it has it still
    returns: int = 0  # counted to three
    reworks: int = 0  # counted to two
    reopened: bool = False
    escalated: bool = False
    extension_asked: bool = False
    extended: bool = False
    ever_suspended: bool = False
    whistled: bool = False
    reported_in: bool = False  # every unit whistled for has reported in
    reported_in_30m: bool = False  # and each within half an hour
    late: bool = False
    listed: bool = False
    level: str = ""
    outcome: str = ""
    callback: Callback | None = None
    called_after: bool = False  # that callback came after it had been closed once
    rating: str = ""

    @property
    def closed(self) -> bool:
        return self.state == CLOSED

    @property
    def open(self) -> bool:
        return self.state in _OPEN

    @property
    def due(self) -> bool:
        return self.closed or (self.open and self.past_due)

    @property
    def matured(self) -> bool:
        return (self.closed or self.open) and self.past_due

    @property
    def handled(self) -> bool:
        return self.result and self.state in _DONE

    @property
    def valid(self) -> Callback | None:
        """The callback, if it reached somebody who gave an answer one can use."""
        return self.callback if self.callback is not None and self.callback.valid else None

    def said(self, satisfaction: str) -> bool:
        return self.valid is not None and self.valid.satisfaction == satisfaction

    @property
    def unhappy(self) -> bool:
        return self.valid is not None and self.valid.satisfaction in _UNHAPPY

    @property
    def unresolved(self) -> bool:
        return self.valid is not None and self.valid.resolved == "no"


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that can be counted."""

    id: str
    label: str
    meaning: str
    rule: Callable[[Stand], bool]


def _ended(state: State) -> Callable[[Stand], bool]:
    return lambda s: s.state == state.value


def _closed_as(outcome: str) -> Callable[[Stand], bool]:
    return lambda s: s.closed and s.outcome == outcome


def _closed_at(level: str) -> Callable[[Stand], bool]:
    return lambda s: s.closed and s.level == level


def _answered(satisfaction: str) -> Callable[[Stand], bool]:
    return lambda s: s.said(satisfaction)


def _rated(satisfaction: str) -> Callable[[Stand], bool]:
    return lambda s: s.rating == satisfaction


M = Measure
CATALOGUE: tuple[Measure, ...] = (
    M("received", "登记数", "在窗口内收到的诉求", lambda _: True),
    M("accepted", "受理数", "曾被受理的(含之后办结、退回、终止的)", lambda s: s.accepted),
    M("dispatched", "派单数", "曾交承办单位办理的(派单,或直办后重开交办);数字城管称立案数", lambda s: s.dispatched),
    M("closed", "办结数", "已办结(销号)的,含直办;承办办结未经审核回访的不算", lambda s: s.closed),
    M("direct", "直办数", "从未交承办单位,现场或当场办结的", lambda s: s.closed and s.direct),
    M("dispatched_closed", "派单办结数", "派单后办结的,不含直办", lambda s: s.closed and s.dispatched),
    M("closed_on_time", "按期办结数", "办结时刻不晚于有效时限的(延期获批后按新时限)", lambda s: s.on_time),
    M("dispatched_on_time", "派单按期办结数", "派单后按期办结的", lambda s: s.on_time and s.dispatched),
    M("due", "应办结数", "已办结的,加上时限已到仍未办结的", lambda s: s.due),
    M("due_net", "应办结数(扣除挂账)", "应办结数中去掉正在挂账的", lambda s: s.due and s.state != SUSPENDED),
    M("matured", "到期数", "时限已到的(不论是否办结),提前办结的未到期件不计", lambda s: s.matured),
    M("matured_closed", "到期件办结数", "时限已到且已办结的", lambda s: s.matured and s.closed),
    M("matured_on_time", "到期件按期办结数", "时限已到且按期办结的", lambda s: s.matured and s.on_time),
    M("overdue", "超期数", "应办结而未按期办结的:超期办结的加上超期未办结的", lambda s: s.due and not s.on_time),
    M("open", "在办数", "尚未终结的", lambda s: s.open),
    M("overdue_open", "超期未办结数", "时限已过仍未终结的", lambda s: s.open and s.past_due),
    M("suspended", "挂账数", "时钟暂停中的", lambda s: s.state == SUSPENDED),
    M("rejected", "不予受理数", "有法定或规定理由不受理的", _ended(State.REJECTED)),
    M("merged", "并案数", "并入另一张工单的", _ended(State.MERGED)),
    M("withdrawn", "撤回数", "由诉求人撤回的", _ended(State.WITHDRAWN)),
    M("redirected", "引导数", "告知其他渠道的", _ended(State.REDIRECTED)),
    M("returned", "退单件数", "曾被承办单位退回的", lambda s: s.returns > 0),
    M("reworked", "重办件数", "曾被发回重办的", lambda s: s.reworks > 0),
    M("reopened", "重开件数", "办结后曾被重开的", lambda s: s.reopened),
    M("handled", "承办办结数", "承办单位已提交办理结果的(不论是否销号),被退回重办的不算", lambda s: s.handled),
    M("handled_on_time", "按期承办办结数", "承办单位在时限内提交办理结果的", lambda s: s.handled and s.handled_on_time),
    M("handled_due", "应承办办结数", "承办办结的,加上派单后时限已到仍未承办办结的",
      lambda s: s.dispatched and (s.handled or (s.open and s.past_due))),
    M("closed_by_first_deadline", "首次时限内办结数", "按首次交办时的时限办结的,延期、挂账、重办、重开后移的时限不算",
      lambda s: s.closed and s.by_first_deadline),
    M("ever_handled", "曾承办办结数", "承办单位曾提交办理结果的", lambda s: s.ever_handled),
    M("ever_closed", "曾办结数", "曾经办结的(含之后重开的)", lambda s: s.ever_closed),
    M("closed_resolved", "办结结果:已解决", "以“已解决”办结的(办理方认定)", _closed_as("resolved")),
    M("closed_partly", "办结结果:部分解决", "以“部分解决”办结的", _closed_as("partly")),
    M("closed_explained", "办结结果:解释说明", "以“解释说明”办结的", _closed_as("explained")),
    M("closed_beyond_level", "办结结果:超出本级权限", "以“超出本级权限”办结的", _closed_as("beyond_level")),
    M("closed_transferred", "办结结果:移交", "以“移交”办结的", _closed_as("transferred")),
    M("closed_deferred", "办结结果:延后办理", "以“延后办理”办结的", _closed_as("deferred")),
    M("closed_at_grid", "网格办结数", "在网格一级办结的", _closed_at("grid")),
    M("closed_at_community", "社区办结数", "在社区一级办结的", _closed_at("community")),
    M("closed_at_street", "街道办结数", "在街道一级办结的", _closed_at("street")),
    M("closed_at_district", "区级办结数", "在区一级办结的", _closed_at("district")),
    M("signed", "签收数", "曾被承办单位签收的(台账未写签收时间的不算)", lambda s: s.signed),
    M("signed_on_time", "及时签收数", "首次签收不晚于签收时限的", lambda s: s.signed and s.signed_on_time),
    M("contacted", "先行联系数", "承办单位曾先行联系诉求人的(台账未写时间的不算)", lambda s: s.contacted),
    M("contacted_on_time", "及时联系数", "首次联系不晚于联系时限的", lambda s: s.contacted and s.contacted_on_time),
    M("replied", "有回音数", "已联系、已承办办结、已办结,或已告知不予受理、引导、并案的",
      lambda s: s.contacted or s.ever_handled or s.ever_closed or s.state in {"rejected", "redirected", "merged"}),
    M("never_returned", "准确派单数", "派单后从未被退回的", lambda s: s.dispatched and s.returns == 0),
    M("first_receiver_closed", "首接办结数", "首接单位未转出即办结的",
      lambda s: s.closed and s.dispatched and s.one_lead and s.returns == 0),
    M("returned_thrice", "退单三次件数", "被退回三次及以上的", lambda s: s.returns >= 3),  # noqa: PLR2004 - its name
    M("reworked_again", "多次重办件数", "被发回重办两次及以上的", lambda s: s.reworks >= 2),  # noqa: PLR2004 - its name
    M("escalated", "上报件数", "曾以问题交接单逐级上报的", lambda s: s.escalated),
    M("extension_asked", "申请延期件数", "曾申请延期的", lambda s: s.extension_asked),
    M("extended", "延期件数", "曾获批延期的", lambda s: s.extended),
    M("extended_closed", "延期办结数", "曾获批延期、现已办结的", lambda s: s.extended and s.closed),
    M("ever_suspended", "曾挂账件数", "曾挂账的(含已恢复的)", lambda s: s.ever_suspended),
    M("whistled", "吹哨件数", "曾吹哨召集部门的", lambda s: s.whistled),
    M("reported_in", "报到件数", "吹哨后被召部门全部报到的", lambda s: s.whistled and s.reported_in),
    M("reported_in_30m", "按时报到件数", "吹哨后被召部门均在30分钟内报到的", lambda s: s.whistled and s.reported_in_30m),
    M("entered_late", "补录件数", "收到后一分钟以上才录入系统的", lambda s: s.late),
    M("closed_last_hour", "压线办结数", "按期办结,但距时限不足一小时的", lambda s: s.closed and s.last_hour),
    M("disputed", "办结后有异议数", "曾办结,而后重开,或回访、评价为不满意或未解决的",
      lambda s: s.ever_closed and (s.reopened or (s.called_after and (s.unhappy or s.unresolved)) or s.rating in _UNHAPPY)),
    M("called_back", "回访数", "已回访的(含无效回访)", lambda s: s.callback is not None),
    M("closed_called_back", "办结件回访数", "已办结且已回访的", lambda s: s.closed and s.callback is not None),
    M("valid_callback", "有效回访数", "打通且给出可用评价的", lambda s: s.valid is not None),
    M("callback_contact_known", "回访:答复是否联系过", "有效回访中答复了是否先行联系的",
      lambda s: s.valid is not None and s.valid.contacted is not None),
    M("callback_contacted", "回访:已联系", "有效回访中确认承办单位已联系的",
      lambda s: s.valid is not None and s.valid.contacted is True),
    M("callback_resolved", "回访:已解决", "有效回访中确认已解决的", lambda s: s.valid is not None and s.valid.resolved == "yes"),
    M("callback_partly", "回访:部分解决", "有效回访中答复部分解决的",
      lambda s: s.valid is not None and s.valid.resolved == "partly"),
    M("callback_very_satisfied", "回访:非常满意", "有效回访中答复非常满意的", _answered("very_satisfied")),
    M("callback_satisfied", "回访:满意", "有效回访中答复满意的", _answered("satisfied")),
    M("callback_basic", "回访:基本满意", "有效回访中答复基本满意(一般)的", _answered("basic")),
    M("callback_dissatisfied", "回访:不满意", "有效回访中答复不满意的", _answered("dissatisfied")),
    M("callback_very_dissatisfied", "回访:非常不满意", "有效回访中答复非常不满意的", _answered("very_dissatisfied")),
    M("dispatched_dissatisfied", "派单件不满意数", "派单后回访不满意(含非常不满意)的", lambda s: s.dispatched and s.unhappy),
    M("rated", "参评数", "诉求人本人已评价的", lambda s: s.rating != ""),
    M("rated_very_satisfied", "评价:非常满意", "诉求人评为非常满意的", _rated("very_satisfied")),
    M("rated_satisfied", "评价:满意", "诉求人评为满意的", _rated("satisfied")),
    M("rated_basic", "评价:基本满意", "诉求人评为基本满意的", _rated("basic")),
    M("rated_dissatisfied", "评价:不满意", "诉求人评为不满意的", _rated("dissatisfied")),
    M("rated_very_dissatisfied", "评价:非常不满意", "诉求人评为非常不满意的", _rated("very_dissatisfied")),
    M("listed", "清单事项数", "列入目标清单、承诺清单的事项", lambda s: s.listed),
    M("listed_closed", "清单办结数", "清单事项中已办结的", lambda s: s.listed and s.closed),
    M("listed_due", "清单应办结数", "清单事项中已办结的,加上时限已到仍未办结的", lambda s: s.listed and s.due),
    M("listed_on_time", "清单按期办结数", "清单事项中按期办结的(践诺)", lambda s: s.listed and s.on_time),
)  # fmt: skip
MEASURE: dict[str, Measure] = {m.id: m for m in CATALOGUE}
PLACE: dict[str, int] = {m.id: n for n, m in enumerate(CATALOGUE)}


@lru_cache(maxsize=65_536)
def flags(fields: tuple[Any, ...]) -> int:
    """Return the measures a ticket has, a bit for each in the order of the catalogue, by the fields of its Stand.

    A plain tuple of them does: hardly any is met for the first time, and a Stand takes long to make.
    """
    found, stand = 0, Stand(*fields)
    for bit, measure in enumerate(CATALOGUE):
        if measure.rule(stand):
            found |= 1 << bit
    return found


@lru_cache(maxsize=65_536)
def places(bits: int) -> tuple[int, ...]:
    """Return which bits are set, lowest first."""
    found = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return tuple(found)
