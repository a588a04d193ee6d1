"""`banjie checklist import`: a table of commitments, one line an item, brought in over the running services.

A list that is not there is made of the first of its lines. The same line again is the same item: each call carries a
key made of the line's own words, so an import that was cut short is simply run again, and so is one whose plans were mended.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from services.console import owner
from services.console.replay.api import Api, Refused, connect
from services.routing.commitments.vocabulary import OwnerKind
from shared import settings
from shared.db import Database
from shared.sheets import text, workbook
from shared.sheets.faults import UNCLOSED, Cell, NotATable
from shared.sheets.text import Line, filled
from shared.streets import Street
from shared.terms import ListLevel, Role, Term

HEADER_WITHIN = 10
CONFLICT, TAKEN = 409, "code_taken"
_STEP = re.compile("\\s*(?:→|;|\uff1b|\n)\\s*")
_YES = frozenset({"是", "true", "1", "√"})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table: its header, the field it fills, whether a line may leave it empty."""

    title: str
    name: str
    required: bool = False


LIST = (
    Column("清单代码", "code", True), Column("清单名称", "title", True), Column("层级", "level", True),
    Column("年度", "year", True), Column("承诺人类型", "owner_kind", True), Column("承诺人", "owner_name", True),
    Column("重大事项", "major"), Column("地点", "place"), Column("户数", "households"),
)  # fmt: skip
TICKET = (Column("事项", "content", True), Column("分类", "category"), Column("社区", "community"))
PLAN = (
    Column("开始日期", "planned_start", True), Column("完成日期", "planned_end", True), Column("路线图", "steps", True),
    Column("责任人", "responsible", True), Column("责任单位", "responsible_unit"), Column("专班", "task_force"),
    Column("联络员", "liaison"), Column("包联领导", "sponsor"), Column("合作单位", "partner"), Column("投入", "investment"),
    Column("经费", "budget"), Column("经费来源", "budget_source"), Column("最早反映", "first_reported"),
)  # fmt: skip
COLUMNS = (*LIST, *TICKET, *PLAN)
_WORDS: Mapping[str, type[Term]] = {"level": ListLevel, "owner_kind": OwnerKind}


def bring(file: Path, code: str) -> int:
    """Bring a table into a street; return 0, or 1 if any line was refused. RuntimeError if it cannot be read."""
    if not file.is_file():
        raise RuntimeError(f"没有文件 {file}")
    try:
        lines = list(told(file.read_bytes()))
    except NotATable as error:
        raise RuntimeError(str(error)) from error

    async def find(opened: Database) -> Street:
        [street] = await owner.streets(opened, [code])
        return street

    street = owner.run(find)
    with connect(settings.load(), street.id, street.code) as api:
        faults = asyncio.run(enter(api, lines))
    for line, message in faults:
        print(f"✗ 第 {line} 行 {message}")
    print(f"共 {len(lines)} 行:已列入清单 {len(lines) - len(faults)},有误 {len(faults)}")
    return 1 if faults else 0


def told(content: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield what each line says, by field; NotATable where no line is the header."""
    rows = filled(_rows(content))
    needed = {column.title for column in COLUMNS if column.required}
    for _, row in islice(rows, HEADER_WITHIN):
        places = {_entry(cell): place for place, cell in enumerate(row)}
        if needed <= places.keys():
            break
    else:
        raise NotATable(f"找不到表头,应有:{'、'.join(c.title for c in COLUMNS if c.required)}")
    for line, row in rows:
        cells = {
            c.name: _entry(row[places[c.title]]) for c in COLUMNS if places.get(c.title, len(row)) < len(row)
        }
        yield line, {name: cell for name, cell in cells.items() if cell}


def _rows(content: bytes) -> Iterator[Line]:
    if workbook.is_workbook(content):
        yield from enumerate(next(workbook.sheets(content)).rows, 1)
    else:
        yield from text.lines(content, text.encoding(content), ",")


def _entry(cell: Cell) -> str:
    if cell is None or cell is UNCLOSED:
        return ""
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell).strip()


async def enter(api: Api, lines: Sequence[tuple[int, dict[str, str]]]) -> list[tuple[int, str]]:
    """Bring in line after line; return the lines that were refused, each with why."""
    faults: list[tuple[int, str]] = []
    made: set[str] = set()
    for number, line in lines:
        missing = [column.title for column in COLUMNS if column.required and column.name not in line]
        try:
            if missing:
                raise ValueError(f"没有填写{'、'.join(missing)}")  # noqa: TRY301 - told like what a service refuses
            if line["code"] not in made:
                await _make(api, line)
                made.add(line["code"])
            await _put(api, line)
        except (ValueError, Refused) as refusal:
            faults.append((number, str(refusal)))
    return faults


async def _make(api: Api, line: Mapping[str, str]) -> None:
    """Make the list of a line, unless it is there."""
    body: dict[str, Any] = _only(LIST, line) | {
        name: _word(words, line[name]) for name, words in _WORDS.items()
    }
    if not line["year"].isdecimal():
        raise ValueError(f"年度“{line['year']}”应为四位数字")
    body |= {"year": int(line["year"]), "major": line.get("major", "").lower() in _YES}
    try:
        await api.write("/v1/checklists", body, Role.LEADER, _key("list", body))
    except Refused as refusal:
        if (refusal.status, refusal.code) != (CONFLICT, TAKEN):
            raise


async def _put(api: Api, line: Mapping[str, str]) -> None:
    """File the ticket of a line and put it on its list."""
    ticket = {**_only(TICKET, line), "channel": "commitment"}
    plan: dict[str, Any] = {**_only(PLAN, line), "steps": [s for s in _STEP.split(line["steps"]) if s]}
    # A line whose plan was refused and is mended belongs to the ticket that was filed for it.
    number = await api.file(ticket, _key("ticket", {"list": line["code"], **ticket}))
    item = {**plan, "number": number}
    await api.write(f"/v1/checklists/{line['code']}/items", item, Role.LEADER, _key("item", item))


def _only(columns: Sequence[Column], line: Mapping[str, str]) -> dict[str, Any]:
    return {column.name: line[column.name] for column in columns if column.name in line}


def _word(words: type[Term], written: str) -> str:
    found = next((term for term in words if written in (term.value, term.text)), None)
    if found is None:
        raise ValueError(f"“{written}”应为{'、'.join(term.text for term in words)}")
    return found.value


def _key(what: str, said: Mapping[str, Any]) -> str:
    return f"{what}-{hashlib.sha256(repr(sorted(said.items())).encode()).hexdigest()[:40]}"
