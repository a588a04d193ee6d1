"""Cells of ledgers: everything a clerk writes that can be meant in one way only."""

from datetime import date, datetime, time, timedelta

import pytest

from services.intake.ledger import columns
from services.intake.ledger.cells import deadline, entry, when, words
from services.intake.ledger.columns import BY_NAME, COLUMNS, column_of, layout
from services.intake.ledger.faults import BadCell, Unfit
from services.intake.ledger.rows import Row, read, said
from services.intake.ledger.words import ALSO, FLAGS, Disposition, Stage
from services.intake.phone import digits_of
from shared.clock import SHANGHAI, to_local
from shared.sheets.faults import NotATable
from shared.terms import Channel, Kind, ListLevel, Outcome, Resolved, Satisfaction
from tests.fixtures.servers import ROOT
from tests.intake.ledgers import LEAST, row


def wide(text):
    """Return text in the full-width forms that Chinese keyboards give."""
    return "".join("\u3000" if c == " " else chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def local(text):
    found = when(text)
    return found and f"{to_local(found[0]):%Y-%m-%d %H:%M:%S}"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 08:30", "2026-11-21T08:30:00+08:00", "2026-11-21T00:30:00Z", "2026/11/21 8:30",
        "2026年11月21日 08:30", "2026年11月21日8时30分", "2026.11.21 08:30", "2026-11-21 08:30:00.000", "20261121 0830",
        "202611210830", "20261121083000", " 2026-11-21 08:30 ", wide("2026-11-21 08:30"), "2026-11-21 08:30 AM",
        "2026年11月21日上午8点30分", "2026-11-20T19:30:00-05:00", "2026-11-21\t08:30", "2026-11-21\u300008:30",
        datetime(2026, 11, 21, 8, 30, tzinfo=SHANGHAI), datetime.fromisoformat("2026-11-21 08:30"), 46347.354166666664,
        "46347.354166666664", "2026年11月21号8时30分",
    ],
)  # fmt: skip
def test_one_instant_is_written_in_many_ways(text):
    assert local(text) == "2026-11-21 08:30:00"
    assert when(text)[1] is False


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21 20:30:15", "2026-11-21 20:30:15"),
        ("2026-11-21 8:30 PM", "2026-11-21 20:30:00"),
        ("2026-11-21 下午8:30", "2026-11-21 20:30:00"),
        ("2026-11-21 12:10 AM", "2026-11-21 00:10:00"),
        ("2026-11-21 24:00", "2026-11-22 00:00:00"),
        ("2026-11-21 08:30:15.25", "2026-11-21 08:30:15"),
        ("2026年11月21日8时", "2026-11-21 08:00:00"),
    ],
)
def test_hours_are_read_as_meant(text, expected):
    assert local(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21",
        "2026/11/21",
        "2026年11月21日",
        "20261121",
        "2026.11.21",
        date(2026, 11, 21),
        46347.0,
        "46347",
        "2026年11月21号",
        20261121.0,
    ],
)
def test_a_bare_date_begins_for_a_start_and_ends_for_a_deadline(text):
    assert when(text)[1] is True
    assert local(text) == "2026-11-21 00:00:00"
    assert f"{to_local(deadline(text)):%Y-%m-%d %H:%M}" == "2026-11-22 00:00"
    assert to_local(deadline("2026-11-21 08:30")).hour == 8


@pytest.mark.parametrize(
    "text", ["", " ", "\u3000", "-", "—", "——", "/", wide("-"), wide("/"), "无", "N/A", "null", "NULL", None]
)
def test_nothing_is_written_in_many_ways(text):
    assert when(text) is None
    assert entry(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "昨天", "2026-02-30", "2026-13-01", "2026-11-21 25:00", "2026-11-21 24:01", "11/21/2026", "08:30", "2026-11", "1 2",
        "2026-W47-6", "0001-01-01", "9999-12-31", "1989-12-31", "0001-01-01T00:00:00+14:00", "2026-11-21 08:30 +99:99",
        "2026-11-21 0:30 PM", "2026-11-21 13:30 AM", True, time(8, 30), timedelta(days=46), 7.5, -1.0, float("inf"), "2026-11-21 08:30 火星时间",
        "9" * 5000, "2026年99月99日", "0000-00-00",
    ],
)  # fmt: skip
def test_what_tells_no_time_is_refused(text):
    with pytest.raises(BadCell):
        when(text)


def test_excels_fractions_of_a_day_lose_nothing():
    start = datetime(2026, 11, 21, tzinfo=SHANGHAI)
    for minute in range(0, 1440, 7):
        serial = 46347 + minute / 1440
        assert when(serial)[0] == when(start + timedelta(minutes=minute))[0]


def test_what_is_told_to_the_microsecond_is_kept_so():
    assert when("2026-11-21 08:30:00.123456")[0].microsecond == 123456
    assert when("2026-11-21 08:30:00.123456")[0] < deadline("2026-11-21 08:30:00.123457")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("  路灯不亮 ", "路灯不亮"), ("一行\r\n两行\r三行", "一行\n两行\n三行"), ("'=1+1", "=1+1"), ("'-5号楼", "-5号楼"),
        ("'单引号'开头", "'单引号'开头"), ("a\x00b\x07c\u200b", "abc"), ("😀𠮷𪚥", "😀𠮷𪚥"), ("\ufeff开头", "开头"),
        (13812345678.0, "13812345678"), (1.5, "1.5"), (True, "true"), (None, ""), (101, "101"),
    ],
)  # fmt: skip
def test_running_text_keeps_everything_but_what_cannot_be_seen(cell, expected):
    assert words(cell) == expected


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("'0101", "0101"), ('="0101"', "0101"), ("远洋 社区", "远洋 社区"), ("甲\n乙", "甲 乙"), (101.0, "101")],
)
def test_an_entry_is_one_line_without_excels_crutches(cell, expected):
    assert entry(cell) == expected


VOCABULARIES = {
    "channel": Channel, "kind": Kind, "disposition": Disposition, "stage": Stage, "list_level": ListLevel,
    "outcome": Outcome, "callback_resolved": Resolved, "callback_satisfaction": Satisfaction, "rating": Satisfaction,
}  # fmt: skip


@pytest.mark.parametrize(
    "text", ["热线(12345)", "“12345”热线", "12345-热线", "HOT LINE", "12345 政务服务热线"]
)
def test_a_word_is_known_however_it_is_dressed(text):
    assert BY_NAME["channel"].parse(text) == "hotline"
    assert BY_NAME["channel"].parse("mini-program") == "mini_program"
    with pytest.raises(BadCell):
        BY_NAME["channel"].parse("-_-")


@pytest.mark.parametrize("name", VOCABULARIES)
def test_every_term_is_known_by_code_by_name_and_by_its_other_words(name):
    column, vocabulary = BY_NAME[name], VOCABULARIES[name]
    assert set(ALSO[vocabulary]) <= {t.value for t in vocabulary}
    for term in vocabulary:
        for text in (
            term.value,
            term.text,
            f" {term.text} ",
            term.value.upper(),
            *ALSO[vocabulary].get(term.value, ()),
        ):
            assert column.parse(text) == term.value, text
    with pytest.raises(BadCell) as refused:
        column.parse("抖音")
    assert all(t.value in str(refused.value) and t.text in str(refused.value) for t in vocabulary)
    assert "抖音" not in str(refused.value), "what stands in a cell may be somebody's name"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("5", "very_satisfied"),
        (5.0, "very_satisfied"),
        (1.0, "very_dissatisfied"),
        ("3", "basic"),
        ("一般", "basic"),
    ],
)
def test_marks_run_from_five_at_best_to_one(text, code):
    assert BY_NAME["rating"].parse(text) == code


@pytest.mark.parametrize("name", FLAGS)
def test_yes_and_no(name):
    parse = BY_NAME[name].parse
    own_true, own_false = FLAGS[name]
    assert all(
        parse(t) is True for t in ("是", "true", "TRUE", "1", "yes", "Y", "有", "√", True, 1.0, *own_true)
    )
    assert all(
        parse(t) is False for t in ("否", "false", "0", "no", "N", "无", "没有", "×", False, 0.0, *own_false)
    )
    assert all(parse(t) is None for t in ("", " ", "-", "/"))
    with pytest.raises(BadCell):
        parse("也许")


@pytest.mark.parametrize(
    ("phone", "digits"),
    [("138-1234-5678", "13812345678"), ("+86 13812345678", "13812345678"), ("022 6688 1234", "02266881234"),
     ("1234", None), ("138****5678", None), ("保密", None)],
)  # fmt: skip
def test_a_phone_is_found_by_its_digits_if_they_are_known(phone, digits):
    assert digits_of(phone) == digits


def test_counts():
    parse = BY_NAME["return_count"].parse
    assert [parse(t) for t in ("0", "3", "3次", 3.0, "3.0", wide("3"), "")] == [0, 3, 3, 3, 3, 3, None]
    for text in ("-1", "51", "1.5", "三", "nan", "1e9"):
        with pytest.raises(BadCell):
            parse(text) if text != "nan" else parse("nan次")


def test_units_come_apart_at_every_separator():
    text = f"物业办、安全办;城管办/综治办|物业办,社区{wide(',')}乙{wide(';')}丙"
    expected = ("物业办", "安全办", "城管办", "综治办", "社区", "乙", "丙")
    assert BY_NAME["co_units"].parse(text) == expected
    assert BY_NAME["co_units"].parse("无") == ()


@pytest.mark.parametrize(
    "text",
    [
        "XB20211105-000001",
        "2021-001",
        "新北〔2021〕3号".replace("〔", "").replace("〕", ""),
        "A_b-9",
        "工" * 40,
        20210001.0,
    ],
)
def test_numbers_may_be_of_letters_digits_and_chinese(text):
    assert BY_NAME["number"].parse(text)


@pytest.mark.parametrize("text", ["a/b", "a b", "..", "工" * 41, "a\tb", "😀", "№1?", "%00"])
def test_numbers_that_would_break_an_address_are_refused(text):
    with pytest.raises(BadCell):
        BY_NAME["number"].parse(text)


def test_no_header_means_two_columns():
    seen = {}
    for column in COLUMNS:
        for header in (column.name, column.header, *column.also):
            assert seen.setdefault(columns._plain(header), column.name) == column.name, header


@pytest.mark.parametrize(
    "text",
    [
        "受理时间",
        "受理时间(received_at)",
        "received_at(受理时间)",
        " *受理时间 ",
        "Received At",
        "RECEIVED_AT",
        "受理时间(必填)",
        "受理时间:",
        "收到时间",
    ],
)
def test_a_header_is_known_however_it_is_dressed(text):
    assert column_of(text).name == "received_at"


def test_headers_that_contradict_themselves_are_not_known():
    assert column_of("受理时间(closed_at)") is None
    assert column_of("") is None


def test_a_layout_needs_its_three_columns_and_each_only_once():
    assert layout(["内容", "渠道", "收到时间", "天气", ""]).ignored == ("天气",)
    with pytest.raises(NotATable, match="表头重复"):
        layout(["内容", "渠道", "收到时间", "content"])
    with pytest.raises(NotATable, match=r"渠道\(channel\)"):
        layout(["内容", "收到时间"])


def test_every_column_is_a_field_of_a_row_in_the_same_order_of_the_brief():
    assert {c.name for c in COLUMNS} == set(Row.__dataclass_fields__)
    assert len(COLUMNS) == 39


def faults_of(**cells):
    told = LEAST | cells
    with pytest.raises(Unfit) as unfit:
        read(list(told.values()), layout(list(told)))
    return {f.column: f.message for f in unfit.value.faults}


def test_all_faults_of_a_row_are_told_at_once():
    found = faults_of(received_at="", channel="抖音", content="字" * 2501, rework_count="x", signed_at="昨天")
    assert set(found) == {"received_at", "channel", "content", "rework_count", "signed_at"}
    assert found["received_at"] == "受理时间不能为空"
    assert "2500" in found["content"]


def test_a_row_longer_than_its_header_is_refused():
    with pytest.raises(Unfit) as unfit:
        read([*LEAST.values(), "多出来的"], layout(list(LEAST)))
    assert unfit.value.faults[0].column is None
    assert read([*LEAST.values(), "", None], layout(list(LEAST)))


def test_a_title_goes_before_the_content_unless_it_stands_there():
    assert row(title="路灯").text == "3号楼前路灯不亮"
    assert row(title="照明故障").text == "【照明故障】3号楼前路灯不亮"
    assert set(faults_of(title="标题", content="字" * 2499)) == {"content"}


def test_a_kind_that_is_left_open_stays_open():
    assert [row(kind=k).kind for k in ("", "其他", "未知", "投诉")] == [None, None, None, "complaint"]


def test_a_reason_by_its_code_is_kept_in_chinese():
    assert row(reject_reason="in_proceedings").reject_reason == "已进入诉讼、仲裁、复议或信访程序"
    assert row(reject_reason="已向法院起诉").reject_reason == "已向法院起诉"


def test_rows_are_the_same_whatever_way_they_are_written():
    written = [
        row(closed_at="2026-11-03 10:00", kind="投诉", return_count="0", confidential=""),
        row(closed_at="2026年11月3日 10:00", kind="complaint", return_count="", title=" "),
    ]
    assert said(written[0]) == said(written[1])
    assert said(written[0]) != said(row(closed_at="2026-11-03 10:01", kind="投诉"))
    assert said(row(callback_contacted="否")) != said(row()), "a no is an answer"


def test_the_readme_lists_the_columns_as_they_are():
    page = (ROOT / "services" / "intake" / "README.md").read_text(encoding="utf-8")
    assert columns.table() in page
