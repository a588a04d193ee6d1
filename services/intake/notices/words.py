"""Which step tells whom, and in which words: data alone. Issue 5, part 7.

Titles have 20 characters at most, for a `thing` of a subscribe message holds no more. `{…}` are filled by `told`:
number, category, lead (the unit that has it now), actor (the unit that acted), due, sign_due, until, agency, pause,
outcome, reason (a sentence of its own, or nothing).
"""

from dataclasses import dataclass

TITLE_LENGTH = 20


@dataclass(frozen=True, slots=True)
class Say:
    title: str
    detail: str


# To who reported it. Reasons are given where they are meant for the reporter (rejections and pauses must be told).
REPORTER = {
    "accept": Say("诉求已受理", "您的诉求{number}已受理,预计{due}前办结。"),
    "reject": Say("诉求不予受理", "您的诉求{number}不予受理。{reason}"),
    "merge": Say("诉求已并案", "您的诉求{number}与已有的同一事项合并办理。"),
    "unmerge": Say("诉求已撤销并案", "您的诉求{number}改为单独办理,预计{due}前办结。"),
    "redirect": Say("诉求已引导", "您的诉求{number}不归本渠道办理,请向{agency}反映。{reason}"),
    "withdraw": Say("诉求已撤回", "您的诉求{number}已撤回。"),
    "dispatch": Say("诉求已派单", "您的诉求{number}已派给{lead}办理,预计{due}前办结。"),
    "designate": Say("诉求已派单", "您的诉求{number}已派给{lead}办理,预计{due}前办结。"),
    "grant_extension": Say("办理时限已延期", "您的诉求{number}办理时限延至{due}。{reason}"),
    "suspend": Say("诉求暂停计时", "您的诉求{number}因{pause}暂停计时。{reason}"),
    "resume": Say("诉求恢复办理", "您的诉求{number}恢复办理,预计{due}前办结。"),
    "handle": Say("承办单位已办理", "您的诉求{number}已由{lead}办理,正在审核。{reason}"),
    "review_pass": Say("请确认是否解决", "您的诉求{number}已办理,请确认是否解决;街道也会回访您。"),
    "rework": Say("诉求已发回重办", "您的诉求{number}已发回{lead}重办,预计{due}前办结。"),
    "reopen": Say("诉求已重新办理", "您的诉求{number}重新办理,预计{due}前办结。"),
    "close": Say("诉求已办结", "您的诉求{number}已办结({outcome}),请您评价。{reason}"),
    "close_directly": Say("诉求已办结", "您的诉求{number}已办结({outcome}),请您评价。{reason}"),
    "close_after_review": Say("诉求已办结", "您的诉求{number}经研判已办结({outcome})。{reason}"),
    "close_deferred": Say("诉求列入计划", "您的诉求{number}暂不具备条件,列入计划后续办理。{reason}"),
    "close_transferred": Say("诉求已移交", "您的诉求{number}已移交其他机关继续办理。{reason}"),
    "refuse_petition": Say("申请未能办理", "您对诉求{number}的申请未能办理。{reason}"),
}

# To the unit that has it after the move; to the desk where nobody has it. Who acts hears nothing of their own act.
LEAD = {
    "dispatch": Say("新工单,请签收", "{number}({category})派给您单位,请于{sign_due}前签收。"),
    "designate": Say("指定您单位主办", "{number}({category})指定由您单位主办,请于{sign_due}前签收。{reason}"),
    "escalate": Say("上报工单,请签收", "{number}({category})由{actor}上报,请于{sign_due}前签收。{reason}"),
    "withdraw": Say("工单已撤回", "{number}({category})已由诉求人撤回,不用再办。"),
    "urge": Say("催办", "{number}({category})被催办,办理时限{due}。{reason}"),
    "supervise": Say("督办", "{number}({category})被督办,办理时限{due}。{reason}"),
    "mark_overdue": Say("工单已超期", "{number}({category})已过办理时限{due}。"),
    "grant_extension": Say("延期获准", "{number}({category})办理时限延至{due}。{reason}"),
    "refuse_extension": Say("延期未获批准", "{number}({category})延期未获批准,办理时限仍为{due}。{reason}"),
    "suspend": Say("工单挂账", "{number}({category})因{pause}暂停计时。{reason}"),
    "resume": Say("工单恢复办理", "{number}({category})恢复办理,办理时限{due}。"),
    "review_fail": Say("审核退回", "{number}({category})审核退回,请继续办理,办理时限{due}。{reason}"),
    "rework": Say("发回重办", "{number}({category})发回重办,办理时限{due}。{reason}"),
    "reopen": Say("办结后重开", "{number}({category})办结后重开,办理时限{due}。{reason}"),
    "report_in": Say("部门已报到", "{number}({category}):{actor}已报到。"),
    "finish_part": Say("协办已完成", "{number}({category}):{actor}完成协办。{reason}"),
    "close": Say("工单已结案", "{number}({category})回访后结案({outcome})。"),
    "close_after_review": Say("工单研判销号", "{number}({category})经研判销号。{reason}"),
    "close_deferred": Say("工单延期销号", "{number}({category})延期销号。{reason}"),
    "group_whistle": Say("群众吹哨,请响应", "{number}({category})群众吹哨,请限时响应。{reason}"),
    "answer_slip": Say("交接单已答复", "{number}({category}):{actor}答复交接单。{reason}"),
    "forward_answer": Say("外部机构已答复", "{number}({category})转送的机构已答复。{reason}"),
    "list_key": Say("列入重点督办", "{number}({category})列入重点督办台账,办理时限{due}。{reason}"),
    "resolve_meeting": Say("协调会决议", "{number}({category})督办协调会有新决议。{reason}"),
    "replan": Say("计划已调整", "{number}({category})按计划办到{due}。{reason}"),
    "close_transferred": Say("工单移交销号", "{number}({category})移交销号。{reason}"),
}

# To the unit that had it before the move, and has it no more.
FORMER = {
    "recall": Say("派单已撤回", "{number}({category})已从您单位收回。{reason}"),
}

# To units the move names: the field of its data, and the words.
NAMED = {
    "assist": ("unit", Say("请协办", "{number}({category})请您单位协办,主办单位{lead}。")),
    "whistle": ("units", Say("吹哨,请报到", "{number}({category}){lead}吹哨,请到场报到。{reason}")),
}

# To the person a move names.
PERSON = {
    "assign": ("assignee", Say("工单指派给您", "{number}({category})由您承办,办理时限{due}。")),
}

# To whoever holds an office of the street.
OFFICE = {
    "return": ("dispatcher", Say("退单,请重新派单", "{number}({category})被{actor}退回。{reason}")),
    "extend": (
        "supervisor",
        Say("申请延期,请审批", "{number}({category}):{actor}申请延期至{until}。{reason}"),
    ),
    "handle": ("supervisor", Say("承办办结,请审核", "{number}({category})由{actor}办理完毕,请审核。")),
    "reply_supervision": ("supervisor", Say("督办已答复", "{number}({category}):{actor}答复督办。{reason}")),
    "review_pass": ("callback_clerk", Say("审核通过,请回访", "{number}({category})请回访诉求人。")),
    "mark_overdue": (
        "supervisor",
        Say("工单已超期", "{number}({category})已过办理时限{due},主办单位{lead}。"),
    ),
}

# What the desk is told when a run of moves leaves the matter in its hands.
TO_DISPATCH = Say("诉求待派单", "{number}({category})等待受理或派单,请于{due}前处理。")
SUPPLEMENT = Say("诉求人补充说明", "{number}({category})的诉求人补充了说明,请查看。")
RATING = Say("诉求人已评价", "{number}({category})的诉求人评价:{satisfaction}。")

# Moves of which nobody is told, and why; every action of the lifecycle stands here or above (a test asks).
SILENT = {
    "sign": "单位自己的动作,诉求人在经过里看得到",
    "contact": "诉求人刚接到电话",
    "call_back": "诉求人刚接到电话",
    "relist": "只是清单之间移动",
    "exclude": "只关系考核口径",
    "readmit": "只关系考核口径",
    "recalculate": "新时限写在工单上",
    "plan_measures": "各项措施的单位在待办中看到自己的部分",
    "release_part": "不再需要,没有要做的事",
    "rate_part": "互评不通知对方",
    "respond_whistle": "召集部门时另有吹哨通知",
    "minute_whistle": "会商的人都在场",
    "release_whistle": "解哨,没有要做的事",
    "forward": "转送的是外部机构",
    "visit_site": "单位自己的动作,经过里看得到",
    "log_contact": "诉求人刚谈过",
    "note_resolution": "议定的事项写在工单上",
    "ask_closure": "由审批的人在待办中看到",
    "feed_back": "诉求人刚听到",
    "unlist_key": "移出重点督办,没有要做的事",
    "inspect": "不合格的随即发回重办,那时会通知",
    "comment": "工作留言;对申请的答复除外",
    "decide_extension": "按批准与否分为两种",
}

# What a kind is called where no action of that name is.
KIND_TEXT = {
    "grant_extension": "延期获准", "refuse_extension": "延期未准", "refuse_petition": "申请未能办理",
    "to_dispatch": "待派单", "supplement": "补充说明", "rating": "评价",
}  # fmt: skip

# The two templates a street may set up with WeChat: how it goes, and how it ended.
PROGRESS, RESULT = "progress", "result"
TOPIC_TEXT = {PROGRESS: "办理进展", RESULT: "办理结果"}
_RESULTS = frozenset(
    {
        "reject", "redirect", "handle", "review_pass", "close", "close_directly", "close_after_review",
        "close_deferred", "close_transferred",
    }
)  # fmt: skip


def topic_of(kind: str) -> str:
    """Return the template under which a resident hears of a kind."""
    return RESULT if kind in _RESULTS else PROGRESS
