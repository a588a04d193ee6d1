"""The columns of a ledger: one table of their English names, Chinese headers and what they hold.

Everything that knows a column takes it from here: the reader, the error messages, the README's table.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.intake.ledger import cells
from services.intake.ledger.faults import BadCell
from services.intake.ledger.words import Disposition, Stage, code_of, flag_of
from shared.sheets.faults import Cell, NotATable
from shared.terms import (
    TICKET_NUMBER,
    Channel,
    Kind,
    ListLevel,
    Outcome,
    RejectReason,
    Resolved,
    Satisfaction,
    Term,
)

MOST_CONTENT = 2500
MOST_UNITS = 20
_SEPARATORS = re.compile(r"[、,\uff0c;\uff1b|/\n]+")
_NOT_KNOWN = frozenset({"其他", "其它", "未知", "未分类", "不详"})
Parser = Callable[[Cell], Any]


def _line(most: int, cell: Cell) -> str | None:
    text = cells.entry(cell)
    if len(text) > most:
        raise BadCell(f"最多 {most} 个字")
    return text or None


def _number(cell: Cell) -> str | None:
    text = unicodedata.normalize("NFKC", cells.entry(cell))
    if text and not TICKET_NUMBER.fullmatch(text):
        raise BadCell("编号只能含字母、数字、汉字、“-”和“_”,最多 40 个字符")
    return text or None


def _content(cell: Cell) -> str | None:
    text = cells.words(cell)
    if len(text) > MOST_CONTENT:
        raise BadCell(f"最多 {MOST_CONTENT} 个字")
    return text or None


def _term(vocabulary: type[Term], cell: Cell) -> str | None:
    text = cells.entry(cell)
    return code_of(vocabulary, text) if text else None


def _kind(cell: Cell) -> str | None:
    """Return a kind; what a ledger leaves open stays open, it is never guessed."""
    return None if cells.entry(cell) in _NOT_KNOWN else _term(Kind, cell)


def _reject_reason(cell: Cell) -> str | None:
    """Return the reason for people; one of the vocabulary's codes as its Chinese."""
    text = _line(300, cell)
    known = {reason.value: reason.text for reason in RejectReason}
    return known.get(text, text) if text is not None else None


def _flag(column: str, cell: Cell) -> bool | None:
    text = cells.flag_entry(cell)
    return flag_of(column, text) if text else None


def _units(cell: Cell) -> tuple[str, ...]:
    names = (cells.entry(name) for name in _SEPARATORS.split(cells.words(cell)))
    found = tuple(dict.fromkeys(name for name in names if name))
    if len(found) > MOST_UNITS:
        raise BadCell(f"最多 {MOST_UNITS} 个单位")
    if any(len(name) > _NAME for name in found):
        raise BadCell(f"单位名称最多 {_NAME} 个字")
    return found


_NAME = 64


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `also`: other headers it goes by; `parse` raises BadCell; `meaning` stands in the README."""

    name: str
    header: str
    also: tuple[str, ...]
    parse: Parser
    meaning: str
    required: bool = False


def _terms(vocabulary: type[Term]) -> str:
    return "、".join(f"`{term.value}` {term.text}" for term in vocabulary)


_name = partial(_line, _NAME)
_DEADLINE = "只写日期即到当天 24 时"
COLUMNS: tuple[Column, ...] = (
    Column("number", "编号", ("工单编号", "诉求编号", "工单号", "单号", "案件编号", "受理编号", "流水号"), _number,
           "字母、数字、汉字、`-`、`_`,最多 40 个字符,同一街道内不重复;不填则另给一个"),
    Column("received_at", "受理时间", ("登记时间", "收到时间", "来电时间", "反映时间", "诉求时间", "提交时间", "上报时间", "受理日期",
                                   "登记日期", "收到日期", "反映日期", "创建时间"), cells.when, "诉求收到的时间", required=True),
    Column("recorded_at", "录入时间", ("录入日期", "录入系统时间"), cells.when, "记入台账的时间,不早于受理时间;不填则为导入的时间"),
    Column("channel", "渠道", ("来源", "诉求来源", "受理渠道", "来源渠道", "诉求渠道", "反映渠道", "受理方式"), partial(_term, Channel),
           _terms(Channel), required=True),
    Column("kind", "类型", ("诉求类型", "诉求性质", "工单类型"), _kind, f"{_terms(Kind)};不填即未注明,不作猜测"),
    Column("category_code", "分类", ("类别", "分类代码", "问题分类", "诉求分类", "问题类别", "诉求类别", "事项分类", "category"), _name,
           "分类的代码或名称;没有的会新建,并标明由台账导入"),
    Column("community", "社区", ("所属社区", "社区名称", "所在社区", "社区代码", "村居", "社区(村)"), _name, "社区的代码或名称;没有的会新建"),
    Column("grid_code", "网格", ("网格编号", "网格代码", "所属网格", "所在网格", "grid"), _name, "网格的代码;没有的原样保留"),
    Column("title", "标题", ("诉求标题", "主题", "工单标题"), partial(_line, 200), "写在内容前面;内容里已有的不重复"),
    Column("content", "内容", ("诉求内容", "主要内容", "反映内容", "问题描述", "诉求描述", "问题内容", "事项内容", "具体内容", "诉求事项",
                             "反映问题", "事项"), _content, f"最多 {MOST_CONTENT} 个字(连同标题)", required=True),
    Column("reporter_name", "诉求人", ("姓名", "来电人", "诉求人姓名", "反映人", "联系人", "群众姓名", "来电人姓名"), partial(_line, 100),
           "加密保存"),
    Column("reporter_phone", "联系电话", ("电话", "手机", "手机号", "手机号码", "来电号码", "诉求人电话", "联系方式", "电话号码"),
           partial(_line, 40), "加密保存"),
    Column("confidential", "是否保密", ("保密", "要求保密"), partial(_flag, "confidential"), "是、否"),
    Column("disposition", "处理方式", ("处置方式", "办理方式", "受理结果", "处理类型", "处置"), partial(_term, Disposition),
           f"{_terms(Disposition)};不填则由其他各列推出"),
    Column("reject_reason", "不予受理理由", ("不予受理原因", "不受理理由", "不受理原因", "拒绝理由", "退出理由"), _reject_reason,
           "不予受理、并案、撤回、引导的理由"),
    Column("stage", "阶段", ("所处阶段", "转化阶段", "议事阶段"), partial(_term, Stage),
           "`topic` 话题(只登记)、`issue` 议题(已受理)、`project` 项目(已派单)"),
    Column("lead_unit", "主办单位", ("承办单位", "责任单位", "办理单位", "主责单位", "牵头单位", "处置单位", "unit"), _name,
           "单位的代码或名称;没有的会新建"),
    Column("co_units", "协办单位", ("配合单位", "协同单位", "联办单位", "会办单位"), _units, "可写多个,以 `、` `,` `;` `/` 或 `|` 分开"),
    Column("dispatched_at", "派单时间", ("转办时间", "派发时间", "交办时间", "派单日期", "派遣时间", "转派时间"), cells.when, ""),
    Column("signed_at", "签收时间", ("接收时间", "接单时间", "签收日期"), cells.when, ""),
    Column("contacted_at", "先行联系时间", ("联系时间", "首次联系时间", "首联时间", "响应时间"), cells.when, ""),
    Column("due_at", "办理时限", ("截止时间", "到期时间", "应办结时间", "办结时限", "处置时限", "时限", "办理期限", "截止日期", "应办结日期"),
           cells.deadline, f"{_DEADLINE};不填则按分类的时限推算"),
    Column("extended_to", "延期至", ("延期后时限", "延期时间", "延期截止时间", "延期到", "批准延期至"), cells.deadline,
           f"已批准的延期,晚于办理时限;{_DEADLINE}"),
    Column("suspended_from", "挂账开始", ("挂账时间", "挂账起", "暂停开始", "缓办开始", "挂账开始时间"), cells.when, ""),
    Column("suspended_to", "挂账结束", ("恢复时间", "挂账止", "暂停结束", "缓办结束", "挂账结束时间"), cells.when, "晚于现在即仍在挂账"),
    Column("handled_at", "承办办结时间", ("处置完成时间", "办理完成时间", "反馈时间", "承办单位办结时间"), cells.when,
           "主办单位办完的时间"),
    Column("closed_at", "办结时间", ("结案时间", "销号时间", "办结日期", "结案日期", "归档时间", "完成时间", "销号日期"), cells.when,
           "回访后销号,或直办办结的时间"),
    Column("outcome", "办结结果", ("结果", "办结类型", "办理结果类型"), partial(_term, Outcome), f"{_terms(Outcome)};不填即已解决"),
    Column("callback_at", "回访时间", ("回访日期",), cells.when, ""),
    Column("callback_valid", "回访有效", ("是否有效回访", "有效回访", "回访是否有效"), partial(_flag, "callback_valid"),
           "是、否;不填时,下面三项有一项有答案即有效"),
    Column("callback_contacted", "回访联系", ("是否联系", "是否先行联系", "回访是否联系", "是否已联系"), partial(_flag, "callback_contacted"),
           "是、否"),
    Column("callback_resolved", "回访解决", ("是否解决", "解决情况", "回访是否解决"), partial(_term, Resolved), _terms(Resolved)),
    Column("callback_satisfaction", "回访满意", ("是否满意", "满意度", "满意情况", "回访满意度", "回访是否满意"), partial(_term, Satisfaction),
           _terms(Satisfaction)),
    Column("rating", "诉求人评价", ("评价", "群众评价", "好差评", "自评", "评分"), partial(_term, Satisfaction),
           "同上五级,或 5 至 1(5 最好);只用于已办结的"),
    Column("return_count", "退单次数", ("退回次数", "退单数"), cells.count, "0 至 50"),
    Column("rework_count", "重办次数", ("返工次数", "重办数"), cells.count, "0 至 50"),
    Column("checklist", "清单", ("清单名称", "目标清单", "承诺清单"), partial(_line, 100), "所在的目标清单"),
    Column("list_level", "清单级别", ("清单层级", "三级清单", "清单等级"), partial(_term, ListLevel), _terms(ListLevel)),
    Column("excluded_reason", "考核剔除理由", ("剔除理由", "剔除原因", "考核剔除", "剔除事由"), partial(_line, 100),
           "有理由的不计入考核口径,全口径照计"),
)  # fmt: skip
BY_NAME: Mapping[str, Column] = {column.name: column for column in COLUMNS}
HEADER_OF: Mapping[str, str] = {column.name: column.header for column in COLUMNS}


def _plain(header: str) -> str:
    """Return a header without what people decorate it with: *必填, colons, spaces, case, width."""
    return re.sub(r"[*:★_\-]|\((必填|选填|可选|可空)\)", "", cells.key(header))


_KNOWN: Mapping[str, Column] = {
    _plain(header): column for column in COLUMNS for header in (column.name, column.header, *column.also)
}
_BOTH = re.compile(r"([^()]+)\(([^()]+)\)")


def column_of(header: Cell) -> Column | None:
    """Return the column a header names, in either language or in both: 受理时间(received_at)."""
    plain = _plain(cells.words(header))
    found = _KNOWN.get(plain)
    if found is None and (both := _BOTH.fullmatch(plain)):
        first, second = _KNOWN.get(both[1]), _KNOWN.get(both[2])
        found = first if second is None or second is first else second if first is None else None
    return found


@dataclass(frozen=True, slots=True)
class Layout:
    """Which column stands where in this ledger, and the headers that mean nothing to us."""

    places: tuple[tuple[int, Column], ...]
    ignored: tuple[str, ...]
    width: int


def known_headers(row: Sequence[Cell]) -> int:
    """Return how many cells of a row are headers of ours."""
    return sum(column_of(cell) is not None for cell in row if cell not in {"", None})


def layout(row: Sequence[Cell]) -> Layout:
    """Return the layout that a header row lays down; raise NotATable for one that cannot be."""
    places: dict[Column, tuple[int, str]] = {}
    ignored, width = [], 0
    for index, cell in enumerate(row):
        header = cells.entry(cell)
        if not header:
            continue
        width = index + 1
        column = column_of(cell)
        if column is None:
            ignored.append(header[:40])
        elif column in places:
            raise NotATable(
                f"表头重复:“{places[column][1][:40]}”和“{header[:40]}”都是{column.header}({column.name})"
            )
        else:
            places[column] = (index, header)
    missing = [f"{c.header}({c.name})" for c in COLUMNS if c.required and c not in places]
    if missing:
        raise NotATable(f"缺少必需的列:{'、'.join(missing)}")
    return Layout(tuple((index, c) for c, (index, _) in places.items()), tuple(ignored), width)


def table() -> str:
    """Return the columns as a table in Markdown (it stands in the README; a test keeps it so)."""
    head = "| column | 表头 | also known as | what it holds |\n|---|---|---|---|\n"
    lines = (
        f"| `{c.name}`{' *' if c.required else ''} | {c.header} | {'、'.join(c.also)} | {c.meaning} |\n"
        for c in COLUMNS
    )
    return head + "".join(lines)
