"""How streets write the closed vocabularies in their ledgers: beside code and Chinese name, the words in use.

A word stands here only where it can mean one thing. What is not here is refused, naming what is.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from services.intake.ledger.cells import key
from services.intake.ledger.faults import BadCell
from shared.terms import Channel, Kind, ListLevel, Outcome, Resolved, Satisfaction, Term


class Disposition(Term):
    """What was done with a request when it had come in."""

    DIRECT = "direct", "直办"
    DISPATCHED = "dispatched", "派单"
    REJECTED = "rejected", "不予受理"
    MERGED = "merged", "并案"
    WITHDRAWN = "withdrawn", "撤回"
    REDIRECTED = "redirected", "引导"
    PENDING = "pending", "待处理"


class Stage(Term):
    """How far a matter got on the way topic → issue → project."""

    TOPIC = "topic", "话题"
    ISSUE = "issue", "议题"
    PROJECT = "project", "项目"


ALSO: Mapping[type[Term], Mapping[str, tuple[str, ...]]] = {
    Channel: {
        "mini_program": ("微信小程序", "微信", "居民小程序"),
        "hotline": ("热线", "12345", "热线电话", "政务热线", "市民热线", "便民热线", "12345政务服务便民热线", "12345市民热线",
                    "12345平台", "热线转办", "政务服务便民热线", "12345热线平台", "热线12345", "市民热线12345", "12345政务热线",
                    "12345政务服务热线", "12345市民服务热线", "政务服务热线", "市民服务热线", "便民服务热线"),
        "phone": ("电话", "来电", "电话反映", "值班电话", "居民来电", "群众来电", "街道热线"),
        "window": ("窗口", "来访", "现场来访", "前台", "群众来访", "窗口受理"),
        "letter": ("信件", "信箱", "书信", "意见箱", "来信来函", "群众来信"),
        "web": ("网页", "网络", "互联网", "网上", "官网", "门户网站", "网络平台"),
        "patrol": ("巡查", "网格", "网格员", "网格上报", "网格员上报", "网格员巡查", "巡查发现", "日常巡查"),
        "visit": ("走访", "入户", "上门走访", "大走访", "实地走访", "走访入户"),
        "forum": ("座谈", "讲习所", "问需座谈会", "集体座谈"),
        "survey": ("问卷", "调查问卷", "民意调查"),
        "group_topic": ("微信群", "居民群", "社群", "微信群话题"),
        "leader": ("批示", "领导交办", "领导批转"),
        "media": ("媒体", "新闻媒体", "舆情", "网络舆情"),
        "ledger": ("台账", "补录", "历史台账"),
    },
    Kind: {
        "consultation": ("咨询类", "政策咨询"),
        "help": ("求助类", "求决", "求决类"),
        "complaint": ("投诉类",),
        "tipoff": ("举报类", "检举"),
        "suggestion": ("建议类", "意见", "意见建议", "意见与建议", "意见建议类"),
        "praise": ("表扬类", "感谢", "表扬感谢", "感谢类"),
    },
    Disposition: {
        "direct": ("直接办理", "直接答复", "直接办结", "直办办结", "现场办结", "现场解决", "即时办结", "即办", "当场答复",
                   "前台直办", "前台直接答复"),
        "dispatched": ("已派单", "派单办理", "转办", "已转办", "交办", "派遣", "派发"),
        "rejected": ("不受理", "拒绝受理", "未予受理"),
        "merged": ("合并", "已并案", "并单", "重复并案", "重复合并"),
        "withdrawn": ("撤销", "已撤回", "撤单", "已撤销", "诉求人撤回"),
        "redirected": ("已引导", "转引", "引导其他渠道"),
        "pending": ("待办", "待派单", "已受理", "待受理"),
    },
    Stage: {"topic": ("群话题",), "issue": ("群议题",), "project": ("民生项目",)},
    ListLevel: {
        "street": ("街道级", "街道清单"),
        "community": ("社区级", "社区清单"),
        "party": ("党组织级", "基层党组织", "各基层党组织", "党支部", "党组织清单"),
    },
    Outcome: {
        "resolved": ("解决", "已办结", "办结"),
        "partly": ("部分", "已部分解决"),
        "explained": ("解释", "已解释", "解释说明到位"),
        "beyond_level": ("超出权限", "超权限"),
        "transferred": ("已移交", "转交"),
        "deferred": ("延后", "缓办", "延期办理"),
    },
    Resolved: {
        "yes": ("解决", "是", "y", "true", "t", "1", "√"),
        "partly": ("部分", "已部分解决"),
        "no": ("没有解决", "没解决", "否", "n", "false", "f", "0", "×"),
    },
    Satisfaction: {
        "very_satisfied": ("很满意", "十分满意", "5", "5分", "5星", "五星"),
        "satisfied": ("比较满意", "4", "4分", "4星", "四星"),
        "basic": ("一般", "3", "3分", "3星", "三星"),
        "dissatisfied": ("2", "2分", "2星", "二星", "两星"),
        "very_dissatisfied": ("很不满意", "十分不满意", "1", "1分", "1星", "一星"),
    },
}  # fmt: skip

_DRESS = re.compile(r"[-_()\[\]\"'“”‘’「」]")
_TRUE = ("true", "t", "yes", "y", "1", "是", "有", "√", "✓", "对")
_FALSE = ("false", "f", "no", "n", "0", "否", "无", "没有", "×", "✗", "不是")
# Beside yes and no, what each flag's own column is filled with.
FLAGS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "confidential": (("保密", "需保密", "要求保密"), ("公开", "不保密", "不需保密")),
    "callback_valid": (
        ("有效", "有效回访", "成功", "接通"),
        ("无效", "无效回访", "失败", "未接通", "无人接听"),
    ),
    "callback_contacted": (
        ("已联系", "联系", "已先行联系", "有联系"),
        ("未联系", "未先行联系", "没联系", "没有联系"),
    ),
}


def _bare(text: str) -> str:
    """Return a word without what joins or dresses its parts: mini-program, 热线(12345), “12345”热线."""
    return _DRESS.sub("", key(text))


@cache
def _lexicon(vocabulary: type[Term]) -> Mapping[str, str]:
    """Return every way to write a member, as `key` makes it, with the member's code."""
    words: dict[str, str] = {}
    for term in vocabulary:
        for word in (term.value, term.text, *ALSO[vocabulary].get(term.value, ())):
            if words.setdefault(_bare(word), term.value) != term.value:
                raise RuntimeError(f"{vocabulary.__name__}: {word} would mean two things")
    return MappingProxyType(words)


def code_of(vocabulary: type[Term], text: str) -> str:
    """Return the code of the member that `text` names; raise BadCell listing what there is."""
    code = _lexicon(vocabulary).get(_bare(text))
    if code is None:
        raise BadCell(f"没有这一项,可选:{'、'.join(f'{t.value}({t.text})' for t in vocabulary)}")
    return code


@cache
def _flag_words(column: str) -> Mapping[str, bool]:
    own_true, own_false = FLAGS[column]
    words: Iterable[tuple[str, bool]] = [(w, True) for w in (*_TRUE, *own_true)]
    words = [*words, *((w, False) for w in (*_FALSE, *own_false))]
    return MappingProxyType({key(word): meaning for word, meaning in words})


def flag_of(column: str, text: str) -> bool:
    """Return what a yes-or-no column says; raise BadCell."""
    meaning = _flag_words(column).get(key(text))
    if meaning is None:
        raise BadCell("应为 是 或 否(true/false、1/0、yes/no)")
    return meaning
