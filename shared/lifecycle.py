"""The life of a ticket: which moves are legal, who may make them, and what they must bring.

Knowledge only: data and pure functions, standard library. *Making* a move is the power of one place,
`services/routing/transitions.py`. Intake reads the labels, metrics reads which states count as closed.
Source: design section 6; special closures after the Xilingol rule (退回重办 / 研判销号 / 延期销号 / 移交销号).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from shared.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from shared.guards import Situation, guard
from shared.states import FINAL, OPEN, WITH_UNIT, State
from shared.terms import (
    Agency,
    FeedbackChannel,
    ListLevel,
    Outcome,
    PauseReason,
    RejectReason,
    Resolved,
    Role,
    Satisfaction,
    SpecialClosure,
    SupervisionLevel,
    Term,
    WhistleKind,
)

__all__ = [
    "ACTIONS", "EDGES", "FINAL", "FIXED_OUTCOME", "OPEN", "QUIET", "REGISTER", "WITH_UNIT", "Edge", "Relation",
    "Situation", "State", "action_text", "actions", "decide", "follow", "may", "mermaid",
]  # fmt: skip

S = State


class Relation(Term):
    """How an actor stands to a ticket; worked out where the ticket is known, asked for here."""

    ANY = "any", "本街道"
    REPORTER = "reporter", "诉求人本人"
    LEAD = "lead", "主办单位"
    PART = "part", "协办或被吹哨单位"
    AREA = "area", "所在社区"
    NOT_LEAD = "not_lead", "非承办单位"
    RECEIVER = "receiver", "接到交接单的单位"


R = Relation
Allowed = tuple[tuple[Role, Relation], ...]


def _who(relation: Relation, *roles: Role) -> Allowed:
    return tuple((role, relation) for role in roles)


_DESK = _who(R.ANY, Role.DISPATCHER, Role.CLERK)
_LEAD = _who(R.LEAD, Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER)
_PART = _who(R.PART, Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER)
_AREA = _who(R.AREA, Role.COMMUNITY, Role.GRID_WORKER)
_CHECK = _who(R.NOT_LEAD, Role.SUPERVISOR, Role.DISPATCHER)
_CALL = _who(R.NOT_LEAD, Role.CALLBACK_CLERK, Role.SUPERVISOR)
_HEAD = _who(R.ANY, Role.SUPERVISOR, Role.LEADER)
_SYSTEM = _who(R.ANY, Role.SYSTEM)
_REPORTER = _who(R.REPORTER, Role.RESIDENT)
_STAFF = _DESK + _LEAD + _PART + _AREA + _HEAD + _who(R.ANY, Role.CALLBACK_CLERK)


@dataclass(frozen=True, slots=True)
class Edge:
    """One legal move. `target` None: the ticket stays where it is (the move is history all the same).

    `needs`: data fields that must come with it; `choices`: the closed vocabulary of a field.
    """

    action: str
    text: str
    sources: frozenset[State]
    target: State | None
    who: Allowed
    why: str
    needs: tuple[str, ...] = ()
    choices: dict[str, type[Term]] = field(default_factory=dict)


# What a callback may have found; it comes with the call itself or with the move that ends it.
_FOUND: dict[str, type[Term]] = {"resolved": Resolved, "satisfaction": Satisfaction}


def _from(*states: State) -> frozenset[State]:
    return frozenset(states)


_WORKING = _from(S.SIGNED, S.HANDLING)
_WITH_LEAD = _WORKING | {S.DISPATCHED, S.SUSPENDED}
_SENT = _WORKING | {S.DISPATCHED}
# From the moment a unit has it: what is told afterwards of those who worked on it together.
_SINCE_SENT = _WITH_LEAD | {S.HANDLED, S.CALLBACK, S.CLOSED}
_BEFORE_DISPATCH = _from(S.SUBMITTED, S.ACCEPTED)

EDGES: tuple[Edge, ...] = (
    Edge("accept", "受理", _from(S.SUBMITTED), S.ACCEPTED, _DESK + _AREA + _SYSTEM, "属受理范围,生成工单;群话题转为议题"),
    Edge("reject", "不予受理", _BEFORE_DISPATCH, S.REJECTED, _DESK, "须有理由并告知诉求人",
         ("reason",), {"reason_code": RejectReason}),
    Edge("merge", "并案", _BEFORE_DISPATCH, S.MERGED, _DESK, "同一事项并入另一工单", ("into",)),
    Edge("redirect", "引导", _BEFORE_DISPATCH, S.REDIRECTED, _DESK, "不归本渠道,告知正确去处",
         ("agency",), {"agency": Agency}),
    Edge("withdraw", "撤回", _BEFORE_DISPATCH | {S.DISPATCHED}, S.WITHDRAWN, _REPORTER + _DESK, "签收之前诉求人可以撤回"),
    Edge("dispatch", "派单", _from(S.ACCEPTED), S.DISPATCHED, _DESK + _SYSTEM, "明确主办单位和时限;议题转为项目"),
    Edge("designate", "指定", _from(S.ACCEPTED), S.DISPATCHED, _HEAD, "几次派单不成,由督办员或领导指定主办单位,不得再退",
         ("unit", "reason")),
    Edge("close_directly", "直办办结", _from(S.ACCEPTED), S.CLOSED, _DESK + _AREA, "现场解决或当场答复,不派单",
         ("reason",), {"outcome": Outcome}),
    Edge("sign", "签收", _from(S.DISPATCHED), S.SIGNED, _LEAD + _SYSTEM, "主办单位接单;逾期不答复视为接受,由系统代签"),
    Edge("return", "退单", _from(S.DISPATCHED, S.SIGNED), S.ACCEPTED, _LEAD, "非本单位职责,须在退单时限内说明理由",
         ("reason",)),
    Edge("recall", "撤回派单", _from(S.DISPATCHED), S.ACCEPTED, _DESK + _HEAD, "派错时收回;指定的只能由督办员或领导收回", ("reason",)),
    Edge("contact", "先行联系", _from(S.SIGNED), S.HANDLING, _LEAD, "与诉求人先行联系"),
    Edge("handle", "承办办结", _from(S.HANDLING), S.HANDLED, _LEAD, "主办单位提交办理结果,协办部分须先完成",
         ("reason",), {"outcome": Outcome}),
    Edge("suspend", "挂账", _from(S.HANDLING), S.SUSPENDED, _HEAD + _who(R.ANY, Role.DISPATCHER),
         "只限列明的理由,时钟暂停并公开", ("reason", "reason_code"), {"reason_code": PauseReason}),
    Edge("resume", "恢复办理", _from(S.SUSPENDED), S.HANDLING, _LEAD + _HEAD + _who(R.ANY, Role.DISPATCHER), "暂停原因消失"),
    Edge("escalate", "上报", _from(S.HANDLING), S.DISPATCHED, _LEAD, "问题交接单,逐级上报,不得越级", ("reason",)),
    Edge("review_pass", "审核通过", _from(S.HANDLED), S.CALLBACK, _CHECK, "审核人不得是承办人"),
    Edge("review_fail", "审核退回", _from(S.HANDLED), S.HANDLING, _CHECK, "办理不到位,退回继续办理", ("reason",)),
    Edge("close", "结案", _from(S.CALLBACK), S.CLOSED, _CALL + _REPORTER + _SYSTEM,
         "回访后销号,或诉求人本人确认;到期没有答复的由系统结案", (), {"outcome": Outcome, **_FOUND}),
    Edge("rework", "重办", _from(S.CALLBACK), S.HANDLING, _CALL + _REPORTER, "回访不满意或未解决,或诉求人提出异议,发回重办", ("reason",), _FOUND),
    Edge("close_after_review", "研判销号", _from(S.CALLBACK), S.CLOSED, _HEAD, "经研判可以销号,须有理由和审批",
         ("reason",), {"outcome": Outcome}),
    Edge("close_deferred", "延期销号", _from(S.CALLBACK), S.CLOSED, _HEAD, "暂不具备条件,列入计划", ("reason",)),
    Edge("close_transferred", "移交销号", _from(S.CALLBACK), S.CLOSED, _HEAD, "移交其他机关继续办理", ("reason",)),
    Edge("reopen", "重开", _from(S.CLOSED), S.HANDLING, _REPORTER + _who(R.ANY, Role.SUPERVISOR),
         "诉求人在期限内有异议,或督查发现未真正办结", ("reason",)),
    Edge("unmerge", "撤销并案", _from(S.MERGED), S.ACCEPTED, _DESK, "并案有误", ("reason",)),
    # The moves below stay where they are: hands are added, clocks are moved, words are kept.
    Edge("whistle", "吹哨", _SENT, None, _LEAD + _AREA + _DESK, "召集部门到场", ("units", "reason"), {"whistle": WhistleKind}),
    Edge("report_in", "报到", _SENT, None, _PART, "被召部门到场报到"),
    Edge("assist", "协办", _WORKING | {S.DISPATCHED}, None, _LEAD + _DESK + _SYSTEM, "增加协办单位", ("unit",)),
    Edge("assign", "指派", _WITH_LEAD, None, _LEAD + _SYSTEM, "主办单位确定或更换具体承办人,规则也可以"),
    Edge("finish_part", "完成协办", _WORKING, None, _PART, "协办单位完成自己的部分", ("reason",)),
    Edge("extend", "申请延期", _WORKING, None, _LEAD, "届满前提出,说明理由", ("reason", "until")),
    Edge("decide_extension", "审批延期", _WORKING, None, _HEAD + _who(R.ANY, Role.DISPATCHER), "批准或驳回延期", ("approve",)),
    Edge("call_back", "回访登记", _from(S.CALLBACK, S.CLOSED), None, _CALL, "记下回访是否有效、是否联系、解决、满意",
         ("valid",), _FOUND),
    Edge("relist", "调整清单", frozenset(State), None, _DESK + _HEAD, "在三级清单之间移动,去向和理由留痕",
         ("list_level", "reason"), {"list_level": ListLevel}),
    Edge("exclude", "考核剔除", frozenset(State), None, _HEAD, "从考核口径中剔除,全口径照计", ("reason", "exclusion")),
    Edge("readmit", "撤销剔除", frozenset(State), None, _HEAD, "恢复计入考核口径", ("reason",)),
    Edge("replan", "调整计划", _WITH_LEAD - {S.SUSPENDED} | {S.ACCEPTED}, None, _DESK + _HEAD,
         "目标清单事项按计划办理,计划的终点就是办理时限", ("reason", "until")),
    Edge("urge", "催办", OPEN, None, _REPORTER + _HEAD + _DESK + _SYSTEM, "提醒责任单位"),
    Edge("supervise", "督办", OPEN, None, _HEAD + _SYSTEM, "叠加督办,不改变状态;按级别发督办单,限期答复", ("reason",), {"supervision": SupervisionLevel}),
    Edge("mark_overdue", "超期标记", OPEN, None, _SYSTEM, "办理时限已过"),
    Edge("recalculate", "时限重算", OPEN, None, _SYSTEM, "工作日历有了更新"),
    Edge("reply_supervision", "督办答复", frozenset(State), None, _LEAD + _PART + _DESK, "被督办单位在限期内答复督办单", ("reason", "order")),
    Edge("list_key", "列入重点督办", OPEN, None, _HEAD, "列入重点督办台账,谁、何时、为何留痕", ("reason",)),
    Edge("unlist_key", "移出重点督办", frozenset(State), None, _HEAD, "移出重点督办台账", ("reason",)),
    Edge("resolve_meeting", "会议决议", OPEN, None, _HEAD, "督办协调会明确责任单位、措施和时限,记入工单", ("reason", "meeting")),
    Edge("inspect", "督查", frozenset(State), None, _who(R.NOT_LEAD, Role.SUPERVISOR), "每月督查的方式和结论,督查人不得是承办人", ("reason", "inspection")),
    Edge("comment", "批注", frozenset(State), None, _STAFF + _SYSTEM, "在工单上留言", ("reason",)),
    # Many hands on one matter: measures, whistles and what becomes of them, slips, matters passed on, visits.
    Edge("plan_measures", "一揽子措施", _SENT, None, _LEAD + _DESK, "列出几项措施,每项有单位、任务和时限", ("measures",)),
    Edge("release_part", "解除协办", _SENT, None, _LEAD + _DESK + _HEAD, "不再需要这一项,说明理由", ("reason",)),
    Edge("rate_part", "互评", _SINCE_SENT, None, _LEAD + _PART, "主办与协办单位互相评分,各一次", ("score",)),
    Edge("group_whistle", "群众吹哨", _SENT, None, _REPORTER + _AREA, "群众召集,街道或社区须限时响应", ("reason",), {"whistle": WhistleKind}),
    Edge("respond_whistle", "街居响应", _SENT, None, _LEAD + _AREA + _DESK, "答复群众吹哨,可以召集部门", ("reason",), {"whistle": WhistleKind}),
    Edge("minute_whistle", "吹哨纪要", _SINCE_SENT, None, _LEAD + _AREA + _DESK, "记下会商结果", ("reason",)),
    Edge("release_whistle", "解哨", _SENT, None, _LEAD + _AREA + _DESK + _HEAD, "事毕解哨,未到场的不必再到", ("reason",)),
    Edge("answer_slip", "交接单答复", OPEN | {S.CLOSED}, None, _who(R.RECEIVER, Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER), "上级单位向下答复交接单", ("reason",)),
    Edge("forward", "转送", _WITH_LEAD | {S.ACCEPTED}, None, _LEAD + _DESK + _HEAD, "转送街道以外的机构,工单不离开", ("outside_body", "via", "reason")),
    Edge("forward_answer", "转送答复", OPEN | {S.CLOSED}, None, _LEAD + _DESK + _HEAD, "记下外部机构的答复", ("reason",)),
    Edge("visit_site", "现场勘察", _WITH_LEAD | {S.ACCEPTED}, None, _LEAD + _PART + _AREA + _DESK + _HEAD, "当面说、实地看、现场改,记下查明的原因", ("reason",)),
    Edge("log_contact", "沟通记录", OPEN, None, _LEAD + _PART + _AREA + _DESK + _HEAD, "长期事项的每一次沟通", ("reason",)),
    Edge("ask_closure", "申请销号", _from(S.CALLBACK), None, _CALL, "未解决或不满意的,申请研判、延期或移交销号,由他人审批",
         ("closure", "reason"), {"closure": SpecialClosure}),
    Edge("feed_back", "反馈", _from(S.HANDLED, S.CALLBACK, S.CLOSED, S.REJECTED, S.REDIRECTED, S.MERGED), None, _STAFF,
         "把办理情况告诉诉求人,写明方式和内容", ("feedback_channel", "reason"), {"feedback_channel": FeedbackChannel}),
    Edge("note_resolution", "议事决议", frozenset(State), None, _SYSTEM, "议事会议定的事项", ("reason",)),
)  # fmt: skip

# The first line of every history, written by routing when it takes a ticket over; nobody can ask for it.
REGISTER, REGISTER_TEXT = "register", "登记"
# Words and marks: they leave state, hands and clocks alone, so a late entry may still have happened before them.
QUIET = frozenset({
    "urge", "supervise", "mark_overdue", "comment", "reply_supervision", "list_key", "unlist_key", "resolve_meeting", "inspect",
    "rate_part", "minute_whistle", "answer_slip", "forward_answer", "visit_site", "log_contact", "note_resolution", "feed_back",
})  # fmt: skip
# What the system does by itself, or a meeting and an inspection at doors of their own: never shown as a choice.
_UNASKED = frozenset({"mark_overdue", "recalculate", "resolve_meeting", "inspect", "note_resolution"})
ACTIONS: dict[str, Edge] = {edge.action: edge for edge in EDGES}
# What a reporter may ask for: the move that grants it, and what the asking is called. Routing decides.
PETITIONS = {
    "withdraw": ("withdraw", "撤回"), "urge": ("urge", "催办"), "reopen": ("reopen", "重开"),
    "confirm": ("close", "确认办结"), "dispute": ("rework", "提出异议"),
}  # fmt: skip
# The outcome a special closure has by its nature; the others default to `resolved`.
FIXED_OUTCOME = {"close_deferred": Outcome.DEFERRED, "close_transferred": Outcome.TRANSFERRED}


def action_text(action: str) -> str:
    """Return an action's name for people."""
    return REGISTER_TEXT if action == REGISTER else ACTIONS[action].text


def may(edge: Edge, role: Role, relations: Iterable[Relation]) -> bool:
    """Return whether someone of `role`, standing so to the ticket, may make this move at all."""
    held = {*relations, Relation.ANY}
    return any(role is who and relation in held for who, relation in edge.who)


def actions(situation: Situation, role: Role, relations: Iterable[Relation], moment: datetime) -> list[str]:
    """Return the actions this actor could take at `moment`, in the order of the table: what `decide` would allow."""
    held = tuple(relations)
    return [
        e.action
        for e in EDGES
        if situation.state in e.sources
        and e.action not in _UNASKED
        and may(e, role, held)
        and _timely(e, situation, role, moment)
    ]


def _timely(edge: Edge, situation: Situation, role: Role, moment: datetime) -> bool:
    try:
        guard(edge.action, situation, role, moment, {})
    except Conflict:
        return False
    return True


def decide(
    situation: Situation,
    action: str,
    *,
    role: Role,
    relations: Iterable[Relation],
    occurred_at: datetime,
    data: dict[str, object],
) -> State:
    """Return the state after `action`, or raise why it must not happen.

    Raises NotFound (no such action), Forbidden (not this actor), Conflict (not from this state, too late,
    too early, parts open) and Invalid (required data is missing or not of its vocabulary).
    """
    edge = _edge(action)
    if not may(edge, role, relations):
        raise Forbidden(f"{role.text}不能对这张工单执行“{edge.text}”", code="not_your_action")
    return _follow(edge, situation, role, occurred_at, data)


def follow(situation: Situation, action: str, *, occurred_at: datetime, data: dict[str, object]) -> State:
    """Return the state after a move of which only a ledger tells: `decide` without asking who it was.

    Raises NotFound, Conflict and Invalid as `decide` does.
    """
    return _follow(_edge(action), situation, None, occurred_at, data)


def _edge(action: str) -> Edge:
    edge = ACTIONS.get(action)
    if edge is None:
        raise NotFound(f"没有“{action}”这个操作", code="unknown_action")
    return edge


def _follow(
    edge: Edge, situation: Situation, role: Role | None, occurred_at: datetime, data: dict[str, object]
) -> State:
    if situation.state not in edge.sources:
        raise Conflict(
            f"工单当前为“{situation.state.text}”,不能执行“{edge.text}”",
            code="not_allowed_now",
            state=situation.state.value,
            state_text=situation.state.text,
        )
    _require(edge, data)
    guard(edge.action, situation, role, occurred_at, data)
    if role and edge.action == "return" and situation.state is S.SIGNED:
        _require_successor(data)
    return edge.target or situation.state


def _require_successor(data: dict[str, object]) -> None:
    """Ask whoever has signed whose it is instead: the first receiver stays responsible until another signs."""
    if data.get("suggested_unit") in _ABSENT:
        message = "签收之后退单,首接单位须写明应由哪个单位办理(suggested_unit)"
        raise Invalid(message, errors=[FieldError("suggested_unit", message)], code="data_required")


_ABSENT: tuple[object, ...] = (None, "", [])


def _require(edge: Edge, data: dict[str, object]) -> None:
    missing = [
        FieldError(name, f"“{edge.text}”需要填写{_FIELD_TEXT.get(name, name)}")
        for name in edge.needs
        if data.get(name) in _ABSENT
    ]
    for name, vocabulary in edge.choices.items():
        value = data.get(name)
        if value not in _ABSENT and value not in set(vocabulary):
            missing.append(
                FieldError(name, f"可选值:{'、'.join(f'{t.value}({t.text})' for t in vocabulary)}")
            )
    if missing:
        raise Invalid(missing[0].message, errors=missing, code="data_required")


_FIELD_TEXT = {
    "reason": "说明(reason)", "reason_code": "理由(reason_code)", "into": "并入的工单编号(into)",
    "agency": "引导去处(agency)", "unit": "单位(unit)", "units": "单位(units)",
    "until": "办到什么时间(until)", "approve": "是否批准(approve)", "valid": "回访是否有效(valid)",
    "exclusion": "剔除事由(exclusion)", "list_level": "清单级别(list_level)",
    "order": "督办单编号(order)", "meeting": "会议(meeting)", "inspection": "督查月份(inspection)",
    "measures": "措施(measures)", "score": "评分(score)", "outside_body": "转送的机构(outside_body)", "via": "转送方式(via)",
    "closure": "销号方式(closure)", "feedback_channel": "反馈方式(feedback_channel)",
}  # fmt: skip


def mermaid() -> str:
    """Return the table as a Mermaid state diagram (it stands in shared/README.md; a test keeps it so)."""
    lines = ["stateDiagram-v2", "  [*] --> submitted"]
    lines += [f"  {s.value}: {s.text} {s.value}" for s in State]
    for edge in EDGES:
        if edge.target is not None:
            lines += [
                f"  {s.value} --> {edge.target.value}: {edge.text} {edge.action}"
                for s in State
                if s in edge.sources
            ]
    return "\n".join(lines) + "\n"
