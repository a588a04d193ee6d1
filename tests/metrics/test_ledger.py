"""The ledger over HTTP: what really happened to tickets, filtered, masked, in pages and as files."""

import base64
import csv
import io
import json
import random
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import openpyxl
import pytest

from services.metrics.ledger import files
from services.metrics.ledger.columns import COLUMNS
from services.metrics.ledger.extract import PAGE
from shared import clock, keyring
from shared.terms import Role
from tests.metrics import histories

MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai, a week without holidays
RUBBISH = "3号楼前垃圾没人清运,垃圾桶满了好几天"
UNIT = "物业办"


@pytest.fixture
def at():
    """`at(hours)` sets the clock that long after a Monday morning; it stands there to begin with."""
    with ExitStack() as stack:

        def to(hours):
            return stack.enter_context(clock.at(MONDAY + timedelta(hours=hours)))

        to(0)
        yield to


@pytest.fixture
def file(intake, actor_headers, at):
    """`await file(content, …)` hands a request in as a clerk → its number; routing has not heard of it yet."""

    async def post(content=RUBBISH, streets=None, role=Role.CLERK, **body):
        headers = actor_headers(role, streets=streets)
        answer = await intake.post("/v1/tickets", json={"content": content, **body}, headers=headers)
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    return post


@pytest.fixture
def act(routing, actor_headers):
    """`await act(number, "sign", Role.UNIT, …)` makes a move."""

    async def move(number, action, role, by=UNIT, **body):
        headers = actor_headers(role, unit=by if role is Role.UNIT else None)
        answer = await routing.post(f"/v1/tickets/{number}/actions/{action}", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    return move


@pytest.fixture
def look(routing, actor_headers):
    """`await look(number)` → the ticket as routing shows it."""

    async def get(number):
        answer = await routing.get(f"/v1/tickets/{number}", headers=actor_headers(Role.SUPERVISOR))
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


@pytest.fixture
def rows(ask):
    """`await rows(…)` → all rows of the ledger, however many pages."""

    async def every(limit=100, **query):
        found, more = [], {}
        while True:
            body = await ask("/ledger", limit=limit, **query, **more)
            assert len(body["items"]) <= limit
            found += body["items"]
            if not body["has_more"]:
                assert body["next_cursor"] is None
                return found
            more = {"cursor": body["next_cursor"]}

    return every


@pytest.fixture
def download(metrics, leader):
    """`await download("csv", …)` → the answer."""

    async def get(how, status=200, headers_of=None, **query):
        query = {name.rstrip("_"): str(v) for name, v in query.items()}
        answer = await metrics.get(
            "/v1/ledger", params={"format": how, **query}, headers=headers_of or leader
        )
        assert answer.status_code == status, answer.text
        return answer

    return get


def table(answer):
    """The lines of a CSV answer, its header first."""
    assert answer.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def sheet(answer):
    """The lines of an xlsx answer as text, and whether any cell is a formula."""
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    lines = list(book.active.iter_rows())
    assert not [cell for line in lines for cell in line if cell.data_type == "f"]
    return [[cell.value or "" for cell in line] for line in lines]


def shanghai(hours):
    return clock.to_local(MONDAY + timedelta(hours=hours)).isoformat()


def moments(row):
    """The row with its times as instants: how many digits they are written with is another matter."""
    told = {name for name, column in COLUMNS.items() if column.holds == "instant"}
    return {n: datetime.fromisoformat(v) if n in told and v else v for n, v in row.items()}


def as_cell(value):
    """What a value of the JSON row is as a cell of an English table (nothing in it looks like a formula)."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[10:11] == "T":
        return value[:-6].replace("T", " ")
    return "" if value is None else str(value)


async def test_the_whole_story_of_a_ticket(at, file, act, look, deliver, rows, street):
    content = f"【垃圾】{RUBBISH}"
    number = await file(
        content, category="0101", community="c1", grid_code="g11", channel="hotline", kind="complaint",
        contact={"name": "张三丰", "phone": "13812345678"},
    )  # fmt: skip
    await deliver("routing")
    due_at = (await look(number))["due_at"]
    at(1)
    await act(number, "sign", Role.UNIT)
    await act(number, "assist", Role.DISPATCHER, unit="安全办")
    at(2)
    await act(number, "contact", Role.UNIT)
    await act(number, "extend", Role.UNIT, reason="要修车", until=shanghai(200))
    await act(number, "decide_extension", Role.SUPERVISOR, approve=True)
    at(4)
    await act(number, "suspend", Role.SUPERVISOR, reason="等配件", reason_code="engineering")
    at(5)
    await act(number, "resume", Role.SUPERVISOR)
    extended_to = (await look(number))["due_at"]
    await act(number, "finish_part", Role.UNIT, by="安全办", reason="已看过")
    at(6)
    await act(number, "handle", Role.UNIT, reason="已清运", outcome="resolved")
    await act(number, "review_pass", Role.SUPERVISOR)
    at(7)
    found = {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": "very_satisfied"}
    await act(number, "close", Role.CALLBACK_CLERK, **found)
    (row,) = await rows()
    assert list(row) == list(COLUMNS)
    assert moments(row) == moments({
        "number": number, "received_at": shanghai(0), "recorded_at": shanghai(0), "channel": "hotline",
        "kind": "complaint", "category_code": "0101", "community": "c1", "grid_code": "g11", "title": "垃圾",
        "content": content, "reporter_name": "张**", "reporter_phone": "138****5678", "confidential": False,
        "disposition": "dispatched", "reject_reason": None, "stage": "project", "lead_unit": street.unit(UNIT),
        "co_units": street.unit("安全办"), "dispatched_at": shanghai(0), "signed_at": shanghai(1),
        "contacted_at": shanghai(2), "due_at": due_at, "extended_to": extended_to, "suspended_from": shanghai(4),
        "suspended_to": shanghai(5), "handled_at": shanghai(6), "closed_at": shanghai(7), "outcome": "resolved",
        "callback_at": shanghai(7), "callback_valid": True, "callback_contacted": True, "callback_resolved": "yes",
        "callback_satisfaction": "very_satisfied", "rating": None, "return_count": 0, "rework_count": 0,
        "checklist": None, "list_level": None, "excluded_reason": None,
    })  # fmt: skip


async def test_the_reporters_own_rating(at, file, act, deliver, rows, intake, actor_headers):
    number = await file(role=Role.RESIDENT, category="0101")
    await deliver("routing")
    await act(number, "sign", Role.UNIT)
    await act(number, "contact", Role.UNIT)
    await act(number, "handle", Role.UNIT, reason="已清运")
    await act(number, "review_pass", Role.SUPERVISOR)
    await act(number, "close", Role.CALLBACK_CLERK)
    answer = await intake.post(
        f"/v1/tickets/{number}/rating", json={"satisfaction": "dissatisfied"}, headers=actor_headers(Role.RESIDENT)
    )  # fmt: skip
    assert answer.status_code < 300, answer.text
    assert [row["rating"] for row in await rows()] == ["dissatisfied"]


async def test_nobody_is_named_who_asked_not_to_be(file, deliver, rows, download):
    contact = {"name": "欧阳修", "phone": "13912345678"}
    await file("甲", confidential=True, contact=contact, address="1号楼101")
    await file("乙", contact=contact, address="2号楼202")
    await file("丙", anonymous=True)
    await deliver("routing")
    assert [(r["content"], r["reporter_name"], r["reporter_phone"], r["confidential"]) for r in await rows()] == [
        ("甲", None, None, True), ("乙", "欧**", "139****5678", False), ("丙", None, None, False),
    ]  # fmt: skip
    text = (await download("csv")).text
    assert "欧**" in text
    for secret in ("欧阳修", "13912345678", "1号楼101", "2号楼202"):
        assert secret not in text


async def test_a_key_that_came_while_we_were_running(write, street, rows, environment):
    """Data sealed under a key that was made after this process began is opened with it all the same."""
    keyring.rotate(environment.secrets_path, "data")
    ticket, _ = histories.life(random.Random(1), street.id, 1)
    fresh = keyring.load(environment.secrets_path)
    sealed = fresh.seal({"name": "李四", "phone": "13712345678"}, ticket["id"].bytes)
    await write([(ticket | {"private": sealed}, [])])
    assert [row["reporter_name"] for row in await rows()] == ["李*"]


# --- filters


async def test_filters_narrow_as_the_list_does(at, file, act, deliver, rows, street):
    one = await file("甲", category="0101", community="c1", grid_code="g11", channel="hotline", kind="help")
    two = await file("乙", category="0301", community="c2", channel="window", kind="complaint")
    three = await file("丙", category="0101", community="c1", channel="group_topic", kind="help")
    await deliver("routing")
    await act(one, "sign", Role.UNIT)
    at(24)
    four = await file("丁", channel="letter")  # routing has not seen it yet

    async def numbers(**query):
        return [row["number"] for row in await rows(**query)]

    assert await numbers() == [one, two, three, four]
    for query, wanted in (
        ({"state": "signed"}, [one]), ({"state": "已派单"}, [two]), ({"state": "submitted"}, [three, four]),
        ({"state": "closed"}, []), ({"channel": "hotline"}, [one]), ({"channel": "窗口来访"}, [two]),
        ({"kind": "help"}, [one, three]), ({"kind": "投诉"}, [two]), ({"kind": ""}, [four]),
        ({"category": "0101"}, [one, three]), ({"category": "下水道堵塞"}, [two]), ({"category": "0999"}, []),
        ({"community": "c1"}, [one, three]), ({"community": "远洋社区"}, [two]), ({"community": ""}, [four]),
        ({"grid": "g11"}, [one]), ({"unit": street.unit(UNIT)}, [one, two]), ({"unit": UNIT}, [one, two]),
        ({"unit": ""}, [three, four]), ({"unit": UNIT, "kind": "help"}, [one]),
        ({"from": "2026-03-03"}, [four]), ({"to": "2026-03-02"}, [one, two, three]),
        ({"from": "2026-03-02", "to": "2026-03-03"}, [one, two, three, four]), ({"to": "2026-03-01"}, []),
        ({"overdue": "false"}, [one, two, three, four]), ({"overdue": "true"}, []),
    ):  # fmt: skip
        assert await numbers(**query) == wanted, query
    at(24 * 30)
    assert await numbers(overdue=True) == [one, two, three]
    assert await numbers(overdue=True, unit=UNIT, channel="hotline") == [one]


async def test_overdue_is_open_and_past_due(at, file, act, deliver, rows):
    for category in ("0101", "0301"):
        await file(category=category)
    await deliver("routing")
    due_at, number = min((row["due_at"], row["number"]) for row in await rows())
    hours = (datetime.fromisoformat(due_at) - MONDAY) / timedelta(hours=1)
    at(hours - 0.01)
    assert await rows(overdue=True) == []
    at(hours)
    assert number in [row["number"] for row in await rows(overdue=True)]
    await act(number, "recall", Role.DISPATCHER, reason="派错")
    await act(number, "close_directly", Role.CLERK, reason="当场答复")
    assert number not in [row["number"] for row in await rows(overdue=True)]


# --- pages and files


async def test_pages_of_a_district_street_by_street(write_in, street, new_street, rows, actor_headers):
    other = await new_street()
    made = {s.id: histories.ledger(random.Random(s.id), s.id, 9) for s in (street, other)}
    for s in (street, other):
        await write_in(s, made[s.id])
    both = actor_headers(Role.LEADER, streets=[street, other])
    wanted = [
        ticket["number"]
        for s in sorted(made)
        for ticket, _ in sorted(made[s], key=lambda life: (life[0]["occurred_at"], life[0]["id"]))
    ]
    for limit in (2, 9, 10, 18, 100):
        assert [row["number"] for row in await rows(limit=limit, headers=both)] == wanted
    assert len(await rows(headers=both, street=other.code)) == 9
    assert len(await rows()) == 9


async def test_files_hold_the_whole_selection(write, street, rows, download):
    count = PAGE * 2 + 7
    await write(histories.ledger(random.Random(5), street.id, count))
    told = await rows()
    lines = table(await download("csv", headers="en"))
    assert lines[0] == list(COLUMNS)
    assert len(told) == len(lines) - 1 == count
    for row, line in zip(told, lines[1:], strict=True):
        cells = dict(zip(COLUMNS, line, strict=True))
        assert {name: as_cell(value) for name, value in row.items()} == cells
    assert sheet(await download("xlsx", headers="en")) == lines
    assert (
        len(table(await download("csv", channel="hotline")))
        == sum(r["channel"] == "hotline" for r in told) + 1
    )


async def test_a_chinese_file_speaks_chinese(file, deliver, download):
    await file(category="0101", community="c1", channel="hotline", kind="help")
    await deliver("routing")
    for lines in (table(await download("csv")), sheet(await download("xlsx"))):
        assert lines[0] == [column.header for column in COLUMNS.values()]
        row = dict(zip(lines[0], lines[1], strict=True))
        assert [row[name] for name in ("渠道", "类型", "分类", "社区", "处理方式", "阶段", "主办单位", "是否保密")] == [
            "12345热线", "求助", "垃圾清运", "晨晖社区", "派单", "项目", UNIT, "否",
        ]  # fmt: skip


async def test_formulas_and_strange_characters(file, download):
    contents = [
        "=cmd|' /C calc'!A0",
        "+1",
        "-1",
        "@SUM(1)",
        "'=1",
        '😀𠮷,"引号"\n第二行',
        "<r><t>x</t></r>",
        "&<>",
    ]
    for content in contents:
        await file(content)
    marked = [f"'{c}" if c[0] in "=+-@'" else c for c in contents]
    place = list(COLUMNS).index("content")
    answer = await download("csv")
    assert answer.content.count(b"\r\n") == len(contents) + 1
    assert [line[place] for line in table(answer)[1:]] == marked
    assert [line[place].rstrip() for line in sheet(await download("xlsx"))[1:]] == marked
    assert [row["content"] for row in (await download("json")).json()["items"]] == contents


async def test_how_files_are_sent(write, street, download):
    await write(histories.ledger(random.Random(5), street.id, 3))
    day = clock.local_day(clock.now())
    for how, media in (
        ("csv", "text/csv; charset=utf-8"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ):
        answer = await download(how)
        assert answer.headers["content-type"] == media
        assert f'filename="ledger-{day:%Y%m%d}.{how}"' in answer.headers["content-disposition"]
    assert int(answer.headers["content-length"]) == len(answer.content)


async def test_an_empty_ledger_has_its_header(download):
    assert len(table(await download("csv"))) == len(sheet(await download("xlsx"))) == 1
    assert (await download("json")).json() == {"items": [], "next_cursor": None, "has_more": False}


async def test_a_sheet_that_cannot_hold_it_is_refused(write, street, download, monkeypatch):
    monkeypatch.setattr(files, "MOST_LINES", 3)
    await write(histories.ledger(random.Random(5), street.id, 3))
    refused = (await download("xlsx", status=422)).json()
    assert (refused["code"], "csv" in refused["detail"]) == ("too_many_rows", True)


# --- who may, and what cannot be meant


async def test_who_may_read_it(metrics, actor_headers, api_key, street, new_street, write):
    await write(histories.ledger(random.Random(5), street.id, 3))
    other = await new_street()

    async def status(headers, **query):
        return (await metrics.get("/v1/ledger", params=query, headers=headers)).status_code

    for how in ("json", "csv", "xlsx"):
        assert await status({}, format=how) == 401
        assert await status(await api_key("metrics:read", "tickets:write"), format=how) == 403
        assert await status(await api_key("ledger:read"), format=how) == 200
        for role in (Role.RESIDENT, Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER):
            unit = UNIT if role is not Role.RESIDENT else None
            assert await status(actor_headers(role, unit=unit), format=how) == 403
        for role in (Role.CLERK, Role.LEADER, Role.AUDITOR, Role.ADMIN):
            assert await status(actor_headers(role), format=how) == 200
        stranger = actor_headers(Role.LEADER, streets=[other])
        assert await status(stranger, format=how, street=street.code) == 403
        assert (
            await status(await api_key("ledger:read", streets=[other]), format=how, street=street.code) == 403
        )
    assert (await metrics.get("/v1/ledger", headers=stranger)).json()["items"] == []
    answer = await metrics.get("/v1/ledger", params={"format": "csv"}, headers=stranger)
    assert len(table(answer)) == 1


def forged(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "pdf"}, "format"), ({"headers": "de"}, "headers"), ({"from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"from": "2026-02-30"}, "from"), ({"to": "1700000000"}, "to"), ({"state": "gone"}, "state"), ({"channel": "烽火"}, "channel"),
        ({"kind": "x" * 101}, "kind"), ({"unit": "u\x00"}, "unit"), ({"overdue": "perhaps"}, "overdue"), ({"limit": "101"}, "limit"),
        ({"street": "nowhere"}, "street"), ({"street": ","}, "street"), ({"cursor": "x"}, "cursor"),
        ({"cursor": forged(["1", "2026-03-01"])}, "cursor"), ({"cursor": forged(["x", "2026-03-01T00:00:00+08:00", "0" * 32])}, "cursor"),
        ({"cursor": forged(["1", "0001-01-01T00:00:00+08:00", "0" * 32])}, "cursor"),
    ],
)  # fmt: skip
async def test_what_cannot_be_meant_is_refused_in_chinese(query, field, metrics, leader):
    answer = await metrics.get("/v1/ledger", params=query, headers=leader)
    assert answer.status_code == 422, answer.text
    body = answer.json()
    assert field in [e["field"] for e in body["errors"]]
    assert not body["detail"].isascii()


async def test_a_cursor_from_elsewhere_finds_nothing_of_others(ask, write, street):
    await write(histories.ledger(random.Random(5), street.id, 3))
    start, end = (forged([str(s), "2000-01-01T00:00:00+08:00", "0" * 32]) for s in (0, 10**30))
    assert len((await ask("/ledger", cursor=start))["items"]) == 3
    assert (await ask("/ledger", cursor=end))["items"] == []
