"""Files of ledgers: the same rows come out of every writing, and what is no ledger is told so in words."""

import io
import tracemalloc
import zipfile
from datetime import date, datetime

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings, strategies as st

from services.intake.ledger.rows import Row
from services.intake.ledger.sheets import open_table
from shared.sheets import text, workbook
from shared.sheets.faults import NotATable
from shared.sheets.text import encoding
from tests.intake.ledgers import FULL, LEAST, as_csv, as_xlsx, understood

ENCODINGS = ("utf-8", "utf-8-sig", "gb18030", "utf-16")
TWO = [FULL, LEAST | {"content": '说“好”, 又说;\t不\n好, “”"引号"'}]


@pytest.mark.parametrize("chinese", [False, True], ids=["english", "chinese"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "\uff0c"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_text_file_tells_the_same(encoding, delimiter, chinese):
    expected = understood(as_csv(TWO))
    assert all(isinstance(row, Row) for _, row in expected)
    assert understood(as_csv(TWO, encoding=encoding, delimiter=delimiter, chinese=chinese)) == expected


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_like(newline):
    assert [line for line, _ in understood(as_csv([LEAST, {}, LEAST], newline=newline))] == [2, 4]


def test_a_workbook_tells_the_same():
    assert understood(as_xlsx(TWO)) == [(n, r) for n, (_, r) in enumerate(understood(as_csv(TWO)), start=2)]


def test_excels_own_dates_numbers_and_truths_are_taken():
    cells = {
        "received_at": datetime.fromisoformat("2026-11-02 09:00"), "channel": 12345, "content": "路灯不亮", "number": 20260001,
        "category_code": 101, "closed_at": date(2026, 11, 3), "reporter_phone": 13812345678, "rating": 5,
        "confidential": True, "return_count": 0,
    }  # fmt: skip
    [(line, row)] = understood(as_xlsx([cells]))
    assert line == 2
    assert (row.channel, row.number, row.category_code, row.reporter_phone) == (
        "hotline",
        "20260001",
        "101",
        "13812345678",
    )
    assert (row.rating, row.confidential) == ("very_satisfied", True)
    assert understood(as_csv([cells | {"received_at": "2026-11-02 09:00", "closed_at": "2026-11-03"}])) == [
        (2, row)
    ]


def test_titles_may_stand_above_the_header_and_lines_are_counted_from_the_top():
    assert [line for line, _ in understood(as_xlsx([LEAST, LEAST], above=3))] == [5, 6]
    text = "新北街道台账\n\n制表:诉求办,2026年\n".encode() + as_csv([LEAST])
    assert [line for line, _ in understood(text)] == [5]


def test_a_row_is_told_by_the_line_it_begins_on():
    rows = [LEAST | {"content": "一\n二\n三"}, LEAST | {"channel": "抖音"}]
    assert [line for line, _ in understood(as_csv(rows))] == [2, 5]


OPEN_QUOTE = '2026-11-02 09:00,热线,"没有右引号,物业办'
WHOLE = [f"2026-11-02 09:00,热线,第{n}件,物业办" for n in range(3000)]


@pytest.mark.parametrize("at", [1, 700, 2990, 2999])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_quote_that_is_not_closed_costs_its_own_line_and_no_other(at, newline):
    lines = ["received_at,channel,content,lead_unit", *WHOLE[:at], OPEN_QUOTE, *WHOLE[at:]]
    found = understood(newline.join(lines).encode())
    assert [line for line, _ in found] == list(range(2, len(lines) + 1))
    [(line, [(column, message)])] = [(n, row) for n, row in found if not isinstance(row, Row)]
    assert (line, column) == (at + 2, None)
    assert "引号" in message


def test_a_quote_that_is_closed_by_a_later_rows_loses_neither():
    quoted = '2026-11-02 09:00,热线,"说""好""\n又来",物业办'
    found = understood(f"received_at,channel,content,lead_unit\n{OPEN_QUOTE}\n{quoted}\n{quoted}".encode())
    assert [(line, isinstance(row, Row)) for line, row in found] == [(2, False), (3, True), (5, True)]
    assert found[1][1].content == '说"好"\n又来'


def test_a_row_of_more_lines_than_any_has_is_no_row():
    endless = '2026-11-02 09:00,热线,"' + "\n" * (text.MOST_LINES + 1) + '"'
    found = understood(f"received_at,channel,content\n{endless}\n2026-11-02 09:00,热线,好".encode())
    assert [isinstance(row, Row) for _, row in found] == [False, False, True]


def test_empty_rows_and_empty_columns_at_the_end_are_nothing():
    text = "受理时间,渠道,内容,,\n2026-11-02,热线,路灯,,\n,,,,\n  , ,,,\n\n".encode()
    assert [line for line, _ in understood(text)] == [2]


def test_unknown_columns_are_named_and_left_out():
    table = open_table(as_csv([LEAST | {"天气": "晴", "心情": "好"}]))
    assert table.layout.ignored == ("天气", "心情")


def test_a_huge_cell_is_that_rows_fault_alone():
    found = understood(as_csv([LEAST | {"content": "字" * 300_000}, LEAST]))
    assert found[0][1][0][0] == "content"
    assert isinstance(found[1][1], Row)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "空"), (b"  \r\n ", "空"), ("\ufeff".encode(), "表头"), (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "不是表格"),
        (b"%PDF-1.7", "PDF"), (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", ".xls"), ("你好,世界".encode(), "表头"),
        (b'{"a": 1}', "表头"), ("受理时间,渠道\n2026-11-02,热线\n".encode(), "内容"), (b"\xff\xff\xff\x80\x80", "编码"),
        ("受理时间,渠道,内容,诉求内容\n".encode(), "表头重复"), (b"PK\x03\x04garbage", "损坏"), (b"PK\x03\x04", "损坏"),
        (b"content\nx\n", "表头"), (b"\xfe\xff\xd8", "编码"),
    ],
)  # fmt: skip
def test_what_is_no_ledger_is_told_so(content, told):
    with pytest.raises(NotATable, match=told):
        open_table(content)


def test_a_header_alone_is_a_ledger_without_rows():
    assert understood(as_csv([])) == []
    assert understood(as_xlsx([])) == []


def test_an_empty_workbook_and_one_of_something_else():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("word/document.xml", "<xml/>")
    with pytest.raises(NotATable):
        open_table(file.getvalue())
    with pytest.raises(NotATable, match="表头"):
        open_table(as_xlsx([{"天气": "晴"}]))


def test_the_first_sheet_with_a_header_is_read():
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        book.add_worksheet("封面").write_string(0, 0, "二〇二六年度台账")
        hidden = book.add_worksheet("旧")
        hidden.write_row(0, 0, ["受理时间", "渠道", "内容"])
        hidden.write_row(1, 0, ["2020-01-01", "热线", "旧的"])
        hidden.hide()
        sheet = book.add_worksheet("台账")
        sheet.write_row(0, 0, ["受理时间", "渠道", "内容"])
        sheet.write_row(1, 0, ["2026-11-02", "热线", "路灯"])
    assert [row.content for _, row in understood(file.getvalue())] == ["路灯"]


def repacked(content, name, text, compression=zipfile.ZIP_DEFLATED):
    """Return a workbook in which one part is another."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", compression) as new:
        for part in old.namelist():
            new.writestr(part, text if part == name else old.read(part))
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def test_a_small_file_that_unfolds_without_end_is_refused_without_unfolding_it(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_UNFOLDED", 1 << 24)
    bomb = repacked(as_xlsx([LEAST]), SHEET, b" " * (1 << 26))
    assert len(bomb) < 1 << 20
    tracemalloc.start()
    with pytest.raises(NotATable, match="过大"):
        open_table(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 24


def test_a_lie_about_a_parts_length_does_not_help(monkeypatch):
    monkeypatch.setattr(workbook, "MOST_UNFOLDED", 1 << 24)
    size = 1 << 25
    bomb = repacked(as_xlsx([LEAST]), SHEET, b" " * size)
    lied = bomb.replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lied != bomb
    with pytest.raises(NotATable, match="过大"):
        open_table(lied)


@pytest.mark.parametrize(
    "cell",
    [
        '<c r="XFD1048576" t="str"><v>x</v></c>',
        "<c t='n' r='XFD1048576'><v>1</v></c>",
        '<x:c r="XFD1048576"><x:v>1</x:v></x:c>',
    ],
)
def test_two_cells_far_apart_do_not_cost_what_lies_between(cell):
    content = as_xlsx([LEAST])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        text = archive.read(SHEET).decode()
    far = text.replace("</sheetData>", f'<row r="1048576">{cell}</row></sheetData>')
    with pytest.raises(NotATable, match="行列过多"):
        open_table(repacked(content, SHEET, far))
    empty = text.replace("</sheetData>", '<row r="1048576"><c r="XFD1048576" s="1"/></row></sheetData>')
    assert len(understood(repacked(content, SHEET, empty))) == 1, "a format without a value is nothing"


def test_the_extent_is_found_across_pieces():
    extent = workbook._Extent()
    cells = "".join(f'<c r="A{n}" s="1"><v>{n}</v></c>' for n in range(1, 3000)).encode()
    for start in range(0, len(cells), 7):
        extent.take(cells[start : start + 7])
    assert extent._rows == 2999


def test_a_locked_part_is_told(monkeypatch):
    content = bytearray(as_xlsx([LEAST]))
    where = content.find(b"PK\x01\x02")
    content[where + 8] |= 1
    with pytest.raises(NotATable, match="密码"):
        open_table(bytes(content))


# What a cell may hold so that it comes back as it went in: stripped, no line ends that CSV would change.
_texts = st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\u200b\u200e\u200f\u2060\ufeff"), min_size=1, max_size=40
).map(str.strip).filter(lambda t: t and not t.startswith(("'", "=")))  # fmt: skip
_rows = st.fixed_dictionaries(
    LEAST | {"received_at": st.datetimes(*map(datetime.fromisoformat, ("1991-01-01", "2026-11-01"))).map(lambda d: f"{d:%Y-%m-%d %H:%M:%S}"),
             "channel": st.sampled_from(["热线", "小程序", "letter"]), "content": _texts},
    optional={"title": _texts, "reporter_name": _texts, "checklist": _texts, "closed_at": st.just("2026-11-03 10:00"),
              "kind": st.sampled_from(["投诉", "help"]), "co_units": st.just("甲、乙"), "return_count": st.sampled_from(["0", "2"])},
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(_rows, min_size=1, max_size=4),
    st.sampled_from(ENCODINGS),
    st.sampled_from([",", ";", "\t"]),
    st.booleans(),
)
def test_whatever_a_ledger_says_every_file_says_it(rows, encoding, delimiter, chinese):
    plain = understood(as_csv(rows))
    assert understood(as_csv(rows, encoding=encoding, delimiter=delimiter, chinese=chinese)) == plain
    assert [row for _, row in understood(as_xlsx(rows, chinese=chinese))] == [row for _, row in plain]


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300)
    | st.text(max_size=200).map(lambda t: ("受理时间,渠道,内容\n" + t).encode("utf-8", "ignore"))
)
def test_no_file_breaks_the_reader(content):
    said = "中文"
    try:
        understood(content)
    except NotATable as told:
        said = str(told)
    assert any("\u4e00" <= c <= "\u9fff" for c in said)


def test_a_gbk_file_is_never_taken_for_utf8():
    text = as_csv([LEAST | {"content": "啊阿埃挨哎唉哀皑癌蔼矮艾碍爱隘鞍氨安俺按暗岸胺案"}], encoding="gbk")
    assert encoding(text) == "gb18030"
