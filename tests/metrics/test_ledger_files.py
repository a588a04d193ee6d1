"""Rows as cells and files: what Excel would take for a formula, what must not get lost, what memory it takes."""

import csv
import io
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile
from types import SimpleNamespace
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given, strategies

from services.metrics.ledger import files, send
from services.metrics.ledger.cells import cells, header, local, safe
from services.metrics.ledger.columns import COLUMNS
from services.metrics.ledger.extract import PAGE
from services.metrics.ledger.files import Sheet, chunks, csv_head, csv_lines
from services.metrics.ledger.store import Selection, Told
from shared.errors import Invalid

MOMENT = datetime(2026, 11, 21, 0, 30, tzinfo=UTC)
STATM = Path("/proc/self/statm")
NOTHING = dict.fromkeys(COLUMNS)
EVIL = (
    "=1+1", '=HYPERLINK("http://x","点我")', "+86****5678", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''=1", "=", "'",
)  # fmt: skip
STRANGE = (
    "😀🏳️‍🌈👨‍👩‍👧‍👦", "𠮷野家", 'a,"b"\r\n第二行', "<r><t>x</t></r>", "<b>&amp;</b>", "_x000D_", "\x0b", "\u202e倒", "  前后空格  ",
    "\ufffe\uffff", "{=1+1}", "http://x.example", "0012", "1e5", "TRUE", "2026-11-21", "x" * 2500,
)  # fmt: skip


def as_csv(lines):
    text = (csv_head("zh") + csv_lines(lines)).decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline="")))[1:]


def as_xlsx(lines, headers="zh"):
    """Return the sheet as (values, kinds of the cells) of each line but the first."""
    with TemporaryFile() as file, TemporaryDirectory() as folder:
        sheet = Sheet(file, folder, headers)
        sheet.add(lines)
        sheet.close()
        book = openpyxl.load_workbook(file)
        return [[(cell.value, cell.data_type) for cell in row] for row in book.active.iter_rows(min_row=2)]


def test_headers_in_both_languages():
    assert header("en") == list(COLUMNS)
    chinese = header("zh")
    assert len(set(chinese)) == len(COLUMNS)
    assert all(not name.isascii() for name in chinese)


def test_codes_are_written_as_people_call_them():
    row = {
        **NOTHING, "channel": "hotline", "kind": "help", "category_code": "0101", "community": "c1", "grid_code": "g11",
        "confidential": False, "disposition": "dispatched", "stage": "project", "lead_unit": "u02",
        "co_units": ("u03", "u09"), "outcome": "resolved", "callback_valid": True, "callback_resolved": "no",
        "rating": "basic", "return_count": 0, "list_level": "party", "received_at": MOMENT,
    }  # fmt: skip
    names = {
        "category": {"0101": "垃圾清运"},
        "community": {"c1": "晨晖社区"},
        "unit": {"u02": "物业办", "u03": "安全办"},
    }
    assert [cell for cell in cells(row, "zh", names) if cell] == [
        "2026-11-21 08:30:00", "12345热线", "求助", "垃圾清运", "晨晖社区", "g11", "否", "派单", "项目", "物业办",
        "安全办、u09", "已解决", "是", "未解决", "基本满意", "0", "党组织",
    ]  # fmt: skip
    assert [cell for cell in cells(row, "en", names) if cell] == [
        "2026-11-21 08:30:00", "hotline", "help", "0101", "c1", "g11", "false", "dispatched", "project", "u02", "u03、u09",
        "resolved", "true", "no", "basic", "0", "party",
    ]  # fmt: skip
    assert cells(NOTHING, "zh") == [""] * len(COLUMNS)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (MOMENT, "2026-11-21 08:30:00"),
        (MOMENT + timedelta(microseconds=1), "2026-11-21 08:30:00.000001"),
        (datetime(2026, 12, 31, 16, tzinfo=UTC), "2027-01-01 00:00:00"),
    ],
)
def test_times_lose_nothing(moment, text):
    assert local(moment) == text


@pytest.mark.parametrize("text", EVIL)
def test_no_cell_is_a_formula(text):
    written = cells({**NOTHING, "content": text, "reporter_phone": text}, "zh")
    assert not any(cell[:1] in set("=+-@\t\r") for cell in written if cell)
    for value, kind in as_xlsx([written])[0]:
        assert kind in {"s", "inlineStr", "n"}
        assert value is None or isinstance(value, str)


@given(strategies.text("'=+-@\t\rx中", max_size=6))
def test_taking_the_mark_away_gives_the_text_back(text):
    """An import takes one ' from before a cell that is marks up to what begins a formula."""
    written = safe(text)
    marked = written.startswith("'") and written.lstrip("'")[:1] in set("=+-@\t\r")
    assert (written[1:] if marked else written) == text


@pytest.mark.parametrize("text", [*EVIL, *STRANGE])
def test_csv_gives_back_what_was_written(text):
    line = cells({**NOTHING, "content": text}, "zh")
    assert as_csv([line, line]) == [line, line]


@pytest.mark.parametrize("text", [t for t in (*EVIL, *STRANGE) if t.isprintable() and not t.startswith("_x")])
def test_xlsx_gives_back_what_was_written(text):
    line = cells({**NOTHING, "content": text}, "zh")
    ((value, _),) = [cell for cell in as_xlsx([line])[0] if cell[0] is not None]
    assert value.rstrip() == safe(text).rstrip()


@pytest.mark.parametrize("text", [*EVIL, *STRANGE])
def test_an_xlsx_file_opens_whatever_is_in_it(text):
    before, after = (cells({**NOTHING, "number": n}, "zh") for n in ("前", "后"))
    lines = as_xlsx([before, cells({**NOTHING, "content": text}, "zh"), after])
    assert [lines[0][0][0], lines[2][0][0]] == ["前", "后"]


def test_a_sheet_says_when_it_is_full(monkeypatch):
    monkeypatch.setattr(files, "MOST_LINES", 3)
    with TemporaryFile() as file, TemporaryDirectory() as folder:
        sheet = Sheet(file, folder, "zh")
        sheet.add([["一"], ["二"]])
        with pytest.raises(Invalid, match="2 行") as refused:
            sheet.add([["三"]])
        assert refused.value.code == "too_many_rows"
        sheet.abandon()


def test_a_file_is_sent_whole_and_closed():
    file = TemporaryFile()  # noqa: SIM115 - closing it is what is tested
    file.write(b"x" * 200_000)
    assert b"".join(chunks(file)) == b"x" * 200_000
    assert file.closed


def resident():
    """Bytes of memory this process holds now."""
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def reported(number):
    ticket = {
        "street_id": 1, "id": UUID(int=number), "number": f"TST20261121-{number:06d}", "occurred_at": MOMENT,
        "recorded_at": MOMENT, "channel": "hotline", "kind": None, "category_code": None, "community_code": None,
        "grid_code": None, "content": "路灯不亮" * 100, "anonymous": False, "confidential": False, "private": None,
    }  # fmt: skip
    return Told(ticket, (), None, ())


@pytest.mark.skipif(not STATM.exists(), reason="tells its memory in another way")
async def test_a_hundred_thousand_rows_take_no_more_memory_than_a_page(monkeypatch):
    """The way from a page of the database to the end of the file; the pages are made up, the rest is as it is."""
    held = []

    async def pages(*_):
        for first in range(0, 100_000, PAGE):
            yield [reported(number) for number in range(first, first + PAGE)]
            held.append(resident())

    async def nobody_is_named(*_):
        return {}

    monkeypatch.setattr(send, "pages", pages)
    monkeypatch.setattr(send, "_names", nobody_is_named)
    process, wanted = (
        SimpleNamespace(settings=SimpleNamespace(secrets_path=None), keys=None, database=None),
        Selection((1,)),
    )
    before = resident()
    with await send.xlsx_file(process, wanted, "zh") as file:
        held.append(resident())
        assert file.seek(0, os.SEEK_END) > 1_000_000
    size = 0
    async for chunk in send.csv_chunks(process, wanted, "zh"):
        size += len(chunk)
    assert len(held) == 2 * 100_000 // PAGE + 1
    assert size > 100_000_000
    assert max(held) - before < 50_000_000
