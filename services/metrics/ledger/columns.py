"""The columns of a ledger, in their order: what each is called, what it holds, and the Chinese of its codes.

They are those that an import of a ledger takes in, under the same names: what goes out can come in again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from shared.terms import Channel, Kind, Outcome, Resolved, Satisfaction, Term

Holds = Literal["text", "instant", "flag", "count"]


@dataclass(frozen=True, slots=True)
class Column:
    """`words` is the Chinese of a closed vocabulary; `registry` says which names a code stands for."""

    header: str
    holds: Holds = "text"
    words: Mapping[str, str] = field(default_factory=dict)
    registry: Literal["category", "community", "unit"] | None = None
    width: int = 12


def _words(vocabulary: type[Term]) -> dict[str, str]:
    return {term.value: term.text for term in vocabulary}


def _instant(header: str) -> Column:
    return Column(header, "instant", width=20)


DISPOSITIONS = {
    "direct": "直办", "dispatched": "派单", "rejected": "不予受理", "merged": "并案", "withdrawn": "撤回",
    "redirected": "引导", "pending": "待处理",
}  # fmt: skip
STAGES = {"topic": "话题", "issue": "议题", "project": "项目"}
LIST_LEVELS = {"street": "街道", "community": "社区", "party": "党组织"}

COLUMNS: dict[str, Column] = {
    "number": Column("编号", width=22),
    "received_at": _instant("受理时间"),
    "recorded_at": _instant("录入时间"),
    "channel": Column("渠道", words=_words(Channel)),
    "kind": Column("类型", words=_words(Kind)),
    "category_code": Column("分类", registry="category"),
    "community": Column("社区", registry="community"),
    "grid_code": Column("网格"),
    "title": Column("标题", width=24),
    "content": Column("内容", width=60),
    "reporter_name": Column("诉求人"),
    "reporter_phone": Column("联系电话", width=14),
    "confidential": Column("是否保密", "flag"),
    "disposition": Column("处理方式", words=DISPOSITIONS),
    "reject_reason": Column("不予受理理由", width=30),
    "stage": Column("阶段", words=STAGES),
    "lead_unit": Column("主办单位", registry="unit", width=16),
    "co_units": Column("协办单位", registry="unit", width=16),
    "dispatched_at": _instant("派单时间"),
    "signed_at": _instant("签收时间"),
    "contacted_at": _instant("先行联系时间"),
    "due_at": _instant("办理时限"),
    "extended_to": _instant("延期至"),
    "suspended_from": _instant("挂账开始"),
    "suspended_to": _instant("挂账结束"),
    "handled_at": _instant("承办办结时间"),
    "closed_at": _instant("办结时间"),
    "outcome": Column("办结结果", words=_words(Outcome)),
    "callback_at": _instant("回访时间"),
    "callback_valid": Column("回访有效", "flag"),
    "callback_contacted": Column("回访联系", "flag"),
    "callback_resolved": Column("回访解决", words=_words(Resolved)),
    "callback_satisfaction": Column("回访满意", words=_words(Satisfaction)),
    "rating": Column("诉求人评价", words=_words(Satisfaction)),
    "return_count": Column("退单次数", "count"),
    "rework_count": Column("重办次数", "count"),
    "checklist": Column("清单", width=20),
    "list_level": Column("清单级别", words=LIST_LEVELS),
    "excluded_reason": Column("考核剔除理由", width=20),
}
BETWEEN_UNITS = "、"
