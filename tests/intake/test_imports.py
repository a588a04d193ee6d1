"""Handing a ledger in, and what becomes of it: durable at once, read on and on, nothing twice."""

import asyncio
import hashlib
import re
import threading
from datetime import timedelta
from unittest.mock import Mock

import pytest
from sqlalchemy import func, select

from services.intake.app import app
from services.intake.imports import chunk, reading, status, store, work
from services.intake.imports.work import Importing
from services.intake.ledger.rows import said
from shared import clock
from shared.tables import (
    events,
    import_errors,
    import_files,
    import_rows,
    imports,
    ratings,
    ticket_states,
    tickets,
    transitions,
)
from shared.terms import STAFF_ROLES, Role
from tests.intake.ledgers import FULL, LEAST, NOW, as_csv, as_xlsx, row as row_of

MAY = {Role.DISPATCHER, Role.CLERK, Role.SUPERVISOR, Role.LEADER, Role.ADMIN}
SECRET = {"reporter_name": "欧阳秘密", "reporter_phone": "138-1234-5678", "content": "楼上漏水,很急"}


def many(count, **cells):
    """Return rows with numbers of their own."""
    return [LEAST | {"number": f"M-{n:05d}", "content": f"第{n}件"} | cells for n in range(count)]


@pytest.fixture
def rows(owner, street):
    """`await rows(table)` → what the test's street has in it."""

    async def all_of(table):
        async with owner.transaction([street.id], read_only=True) as tx:
            return await tx.rows(select(table))

    return all_of


# --- the door -----------------------------------------------------------------------------------------------


async def test_202_means_durable_and_sealed(hand_in, rows, look_at):
    answer = await hand_in(as_csv([LEAST | SECRET]), "十一月台账.csv")
    assert (answer["state"], answer["stage"], answer["rows"]) == ("running", "waiting", 0)
    assert answer["file_name"] == "十一月台账.csv"
    [kept] = await rows(import_files)
    assert "秘密".encode() not in bytes(kept.sealed)
    assert await look_at(answer["id"]) == answer


async def test_a_large_file_is_kept_in_pieces_and_comes_back_whole(hand_in, finish, rows, monkeypatch):
    monkeypatch.setattr("services.intake.imports.upload.PIECE", 1000)
    answer = await hand_in(as_csv(many(60)))
    assert len(await rows(import_files)) == 3
    assert (await finish(answer["id"]))["created"] == 60
    assert await rows(import_files) == []


@pytest.mark.parametrize("role", sorted({*STAFF_ROLES, Role.RESIDENT}))
async def test_who_may_import(hand_in, actor_headers, role):
    unit = "物业办" if role in {Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER} else None
    answer = await hand_in(
        as_csv([LEAST]), headers=actor_headers(role, unit), status=202 if role in MAY else 403
    )
    assert "id" in answer or answer["code"] == "role_not_allowed"


async def test_scripts_need_the_scope(hand_in, api_key, look_at):
    assert (await hand_in(b"x", headers=await api_key("tickets:write"), status=403))[
        "code"
    ] == "missing_scope"
    key = await api_key("import:write")
    answer = await hand_in(as_csv([LEAST]), headers=key)
    assert answer["role"] == "script"
    await look_at(answer["id"], key)


async def test_nobody_reaches_into_another_street(hand_in, new_street, actor_headers, look_at, intake):
    other = await new_street()
    stranger = actor_headers(Role.CLERK, streets=[other])
    assert (await hand_in(as_csv([LEAST]), headers=stranger, status=403))["code"] == "other_street"
    mine = await hand_in(as_csv([LEAST]))
    assert (await look_at(mine["id"], stranger, 404))["code"] == "import_not_found"
    assert (await intake.get("/v1/imports", headers=stranger)).json()["items"] == []


@pytest.mark.parametrize("import_id", ["x", "01a20d83-e8c9-70aa-8eee-71bdbf0e851f", "%00", "1" * 39])
async def test_what_is_no_import_is_not_found(look_at, street, import_id):
    assert (await look_at(import_id, status=404))["code"] == "import_not_found"


async def test_what_is_missing_is_told_in_chinese(intake, street, actor_headers):
    headers = actor_headers(Role.CLERK)
    chinese = re.compile("[\u4e00-\u9fff]")
    for sent in (
        {"data": {"street": street.code}},
        {"files": {"file": ("a.csv", b"x")}, "data": {"street": "nowhere"}},
        {"data": {"file": "no file", "street": street.code}},
        {"files": {"file": ("a.csv", b"x")}, "data": {"street": "\x00"}},
        {"json": {"file": "x"}},
        {"content": b"", "headers_": {"Content-Type": "multipart/form-data"}},
        {"content": b"--x\r\ngarbage", "headers_": {"Content-Type": "multipart/form-data; boundary=x"}},
    ):
        more = sent.pop("headers_", {})
        answer = await intake.post("/v1/imports", headers=headers | more, **sent)
        assert answer.status_code in {400, 422}, answer.text
        body = answer.json()
        assert chinese.search(body["detail"])
        assert all(chinese.search(e["message"]) for e in body["errors"]), body["errors"]


async def test_the_street_may_be_left_out_where_there_is_one(intake, street, actor_headers):
    answer = await intake.post(
        "/v1/imports", files={"file": ("a.csv", as_csv([LEAST]))}, headers=actor_headers(Role.CLERK)
    )
    assert answer.json()["street"] == street.code


async def test_the_same_request_twice_is_one_import(hand_in, actor_headers, rows):
    headers = actor_headers(Role.CLERK) | {"Idempotency-Key": "november"}
    first = await hand_in(as_csv([LEAST]), headers=headers)
    again = await hand_in(as_csv([LEAST]), headers=headers)
    assert (again["id"], again["created_at"]) == (first["id"], first["created_at"])
    other = await hand_in(as_csv([FULL]), headers=headers, status=409)
    assert other["code"] == "idempotency_key_reused"
    assert len(await rows(imports)) == 1


async def test_bodies_are_larger_here_and_nowhere_else(intake, street, actor_headers, hand_in, monkeypatch):
    headers = actor_headers(Role.CLERK)
    assert (await hand_in(b"x" * 1_000_000))["size"] == 1_000_000
    large = {"content": b" " * 1_000_000, "headers": headers | {"Content-Type": "application/json"}}
    assert (await intake.post("/v1/tickets", **large)).status_code == 413
    assert (await intake.post("/v1/imports/", **large)).status_code == 413
    limits = next(m.kwargs["limits"] for m in app.user_middleware if "limits" in m.kwargs)
    monkeypatch.setitem(limits.larger, "/v1/imports", 1_000_000)
    answer = await hand_in(b"x" * 1_000_000, status=413)
    assert answer["code"] == "too_large"

    async def untold():
        for _ in range(20):
            yield b"x" * 100_000

    kind = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await intake.post("/v1/imports", content=untold(), headers=headers | kind)
    assert answer.status_code in {400, 413}


async def test_imports_are_listed_newest_first_in_pages(hand_in, intake, actor_headers):
    made = [(await hand_in(as_csv([LEAST | {"content": str(n)}])))["id"] for n in range(3)]
    headers = actor_headers(Role.CLERK)
    first = (await intake.get("/v1/imports?limit=2", headers=headers)).json()
    assert [i["id"] for i in first["items"]] == made[:0:-1]
    second = (await intake.get(f"/v1/imports?cursor={first['next_cursor']}", headers=headers)).json()
    assert [i["id"] for i in second["items"]] == made[:1]
    assert "errors" not in first["items"][0]


# --- what goes in -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [as_csv, as_xlsx], ids=["csv", "xlsx"])
async def test_good_rows_go_in_and_bad_ones_are_told(bring_in, rows, write):
    bad = [LEAST | {"channel": "抖音"}, LEAST | {"received_at": "昨天", "content": ""}]
    done = await bring_in(write([FULL, *bad, LEAST]))
    assert (done["state"], done["rows"], done["accepted"], done["created"], done["rejected"]) == (
        "done",
        4,
        2,
        2,
        2,
    )
    assert [(e["line"], e["column"], e["header"]) for e in done["errors"]] == [
        (3, "channel", "渠道"), (4, "received_at", "受理时间"), (4, "content", "内容")
    ]  # fmt: skip
    assert "hotline(12345热线)" in done["errors"][0]["message"]
    assert done["error_count"] == 3
    assert done["progress"] == 1.0
    assert {t.number for t in await rows(tickets)} > {"XF-0001"}


async def test_a_ticket_is_what_its_row_says(bring_in, rows, street, keys, intake, actor_headers):
    await bring_in(
        as_csv([FULL | SECRET | {"title": "漏水", "confidential": "是", "recorded_at": "2026-11-02 18:00"}])
    )
    [ticket] = await rows(tickets)
    assert (ticket.number, ticket.channel, ticket.kind, ticket.category_code) == (
        "XF-0001",
        "hotline",
        "complaint",
        "0101",
    )
    assert ticket.content == "楼上漏水,很急"
    assert keys.open(ticket.private, ticket.id.bytes) == {"name": "欧阳秘密", "phone": "138-1234-5678"}
    assert bytes(ticket.phone_index) == keys.blind_index("phone", "13812345678")
    assert (
        f"{clock.to_local(ticket.occurred_at):%d %H:%M}",
        f"{clock.to_local(ticket.recorded_at):%d %H:%M}",
    ) == ("02 09:00", "02 18:00")
    assert (ticket.confidential, ticket.late, ticket.entered_role) == (True, True, "clerk")
    [rating] = await rows(ratings)
    assert (rating.closure, rating.satisfaction) == (0, "very_satisfied")
    assert f"{clock.to_local(rating.occurred_at):%d %H:%M}" == "04 10:00"
    shown = (await intake.get("/v1/tickets/XF-0001", headers=actor_headers(Role.CLERK))).json()
    assert (shown["state"], shown["kind_text"], shown["outcome"]) == ("closed", "投诉", "resolved")


async def test_personal_data_stands_nowhere_but_sealed(bring_in, rows):
    clash = LEAST | SECRET | {"channel": SECRET["reporter_name"], "rating": SECRET["reporter_phone"]}
    await bring_in(as_csv([FULL | SECRET, clash]))
    for table in (import_rows, import_errors, imports, events, transitions, ticket_states):
        text = str(await rows(table))
        assert "秘密" not in text
        assert "5678" not in text


async def test_no_digest_of_a_row_can_be_made_without_the_key(bring_in, rows, keys):
    """A name and a number are soon found by trying, where everything else of a row stands in the open."""
    await bring_in(as_csv([LEAST | SECRET]))
    [kept] = await rows(import_rows)
    whole = said(row_of(**SECRET))
    assert bytes(kept.digest) == keys.blind_index("ledger_row", whole.decode())
    assert kept.identity == f"row:{bytes(kept.digest).hex()}:1"
    assert hashlib.sha256(whole).digest() not in {bytes(kept.digest), bytes(kept.fixed)}


async def test_rows_without_a_number_are_given_one(bring_in, rows, street):
    done = await bring_in(as_csv([LEAST] * 250))
    assert done["created"] == 250
    numbers = {t.number for t in await rows(tickets)}
    assert len(numbers) == 250
    assert all(n.startswith(street.prefix) for n in numbers)


async def test_the_same_file_twice_changes_nothing(bring_in, rows):
    content = [FULL, *[LEAST] * 5, *many(20), LEAST | {"channel": "抖音"}]
    await bring_in(as_csv(content))
    before = [sorted(await rows(t)) for t in (tickets, transitions, ticket_states, ratings, import_rows)]
    for again in (
        as_csv(content),
        as_csv(content, encoding="gb18030", delimiter=";", chinese=True),
        as_xlsx(content),
    ):
        done = await bring_in(again)
        assert (done["created"], done["updated"], done["unchanged"], done["rejected"]) == (0, 0, 26, 1)
    assert [
        sorted(await rows(t)) for t in (tickets, transitions, ticket_states, ratings, import_rows)
    ] == before


async def test_a_longer_file_adds_only_what_is_new(bring_in, rows):
    await bring_in(as_csv([LEAST] * 3))
    done = await bring_in(as_csv([LEAST] * 5))
    assert (done["created"], done["unchanged"]) == (2, 3)


HANDED = LEAST | {"number": "G-1", "lead_unit": "物业办", "dispatched_at": "2026-11-02 10:00"}
CLOSED = HANDED | {"handled_at": "2026-11-03 09:00", "closed_at": "2026-11-04 09:00"}


async def test_a_row_that_tells_more_adds_the_moves_it_tells(bring_in, rows):
    steps = [
        (HANDED, "register accept dispatch"), (CLOSED, "sign contact handle review_pass close"),
        (CLOSED | {"callback_at": "2026-11-05", "callback_satisfaction": "满意"}, "call_back"),
        (CLOSED | {"callback_at": "2026-11-05", "callback_satisfaction": "满意", "rating": "4"}, ""),
        (CLOSED | {"callback_at": "2026-11-05", "callback_satisfaction": "满意", "rating": "4", "excluded_reason": "不可抗力"}, "exclude"),
    ]  # fmt: skip
    told = ""
    for number, (row, more) in enumerate(steps):
        started = clock.now()
        done = await bring_in(as_csv([row]))
        assert (done["created"], done["updated"], done["rejected"]) == (
            int(number == 0),
            int(number > 0),
            0,
        ), row
        told = f"{told} {more}".strip()
        history = sorted(await rows(transitions), key=lambda m: m.seq)
        assert " ".join(m.action for m in history) == told
        if more:
            assert history[-1].recorded_at >= started
        assert (await bring_in(as_csv([row])))["unchanged"] == 1
    [rating] = await rows(ratings)
    assert rating.satisfaction == "satisfied"
    [standing] = await rows(ticket_states)
    assert (standing.state, standing.version) == ("closed", 10)


@pytest.mark.parametrize(
    "change",
    [
        {"content": "别的"}, {"lead_unit": "安全办"}, {"received_at": "2026-11-02 08:00"}, {"due_at": "2026-11-09"},
        {"dispatched_at": "2026-11-02 11:00"}, {"kind": "投诉"}, {"reporter_name": "某人"}, {"category_code": "0101"},
    ],
)  # fmt: skip
async def test_a_number_that_is_there_with_another_history_is_refused(bring_in, rows, change):
    await bring_in(as_csv([HANDED]))
    done = await bring_in(as_csv([HANDED | change]))
    assert (done["rejected"], done["updated"], done["unchanged"]) == (1, 0, 0)
    assert [(e["line"], e["column"]) for e in done["errors"]] == [(2, "number")]
    assert len(await rows(transitions)) == 3


async def test_what_has_been_handled_here_since_is_not_told_over_it(bring_in, routing, actor_headers):
    await bring_in(as_csv([HANDED]))
    headers = actor_headers(Role.UNIT, unit="物业办")
    signed = await routing.post("/v1/tickets/G-1/actions/sign", json={}, headers=headers)
    assert signed.status_code == 200, signed.text
    done = await bring_in(as_csv([CLOSED]))
    assert "新的办理" in done["errors"][0]["message"]


async def test_numbers_within_a_file_and_of_other_tickets(bring_in, intake, actor_headers, street):
    headers = actor_headers(Role.RESIDENT)
    online = (await intake.post("/v1/tickets", json={"content": "路灯"}, headers=headers)).json()["number"]
    ahead = f"{street.prefix}20991231-000001"
    past = f"{street.prefix}20210102-000001"
    given = ["A-1", "A-1", online, ahead, past, "工单〇一"]
    done = await bring_in(as_csv([LEAST | {"number": n} for n in given]))
    assert (done["created"], done["rejected"]) == (3, 3)
    assert [(e["line"], e["column"]) for e in done["errors"]] == [(3, "number"), (4, "number"), (5, "number")]
    for number in ("A-1", past, "工单〇一"):
        assert (
            await intake.get(f"/v1/tickets/{number}", headers=actor_headers(Role.CLERK))
        ).status_code == 200


async def test_errors_are_all_counted_and_some_kept(bring_in, monkeypatch, rows):
    monkeypatch.setattr(chunk, "MOST_ERRORS", 7)
    monkeypatch.setattr(status, "MOST_ERRORS", 7)
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    done = await bring_in(as_csv(many(10, channel="抖音") + many(1)))
    assert (done["rejected"], done["error_count"], len(done["errors"]), done["errors_kept"]) == (10, 10, 7, 7)
    assert done["created"] == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "空"),
        (b"\x00\x01\x02", "表格"),
        ("你好".encode(), "表头"),
        ("受理时间,内容\n".encode(), "渠道"),
        (b"PK\x03\x04xx", "损坏"),
    ],
)
async def test_what_is_no_ledger_fails_and_says_why(bring_in, rows, content, told):
    done = await bring_in(content)
    assert done["state"] == "failed"
    assert told in done["message"]
    assert await rows(import_files) == []


async def test_a_header_without_rows_is_done_with_a_word(bring_in):
    done = await bring_in(as_csv([]))
    assert (done["state"], done["rows"]) == ("done", 0)
    assert done["warnings"]


async def test_columns_that_are_not_used_are_named_once(bring_in):
    done = await bring_in(as_csv([LEAST | {"天气": "晴"}, LEAST | {"天气": "雨"}]))
    assert done["warnings"] == ["没有用到的列:天气"]


async def test_an_event_for_a_batch_and_not_for_a_row(bring_in, rows, monkeypatch):
    monkeypatch.setattr(reading, "AT_ONCE", 10)
    await bring_in(as_csv(many(25)))
    sent = sorted(
        (e.type, e.payload.get("first"), e.payload.get("last"))
        for e in await rows(events)
        if e.type == "ledger_rows_received"
    )
    assert sent == [
        ("ledger_rows_received", 2, 11),
        ("ledger_rows_received", 12, 21),
        ("ledger_rows_received", 22, 26),
    ]
    moved = [e for e in await rows(events) if e.type == "tickets_moved"]
    assert sorted(len(e.payload["ticket_ids"]) for e in moved) == [5, 10, 10]
    assert all(e.ticket_id is None for e in moved)


# --- whatever falls -----------------------------------------------------------------------------------------


@pytest.fixture
def small_steps(monkeypatch):
    """Few rows a transaction, so that there is much between beginning and end."""
    monkeypatch.setattr(reading, "AT_ONCE", 3)


@pytest.fixture
def let_go(owner, street):
    """`await let_go()` lets the claims run out, as time would."""

    async def expire():
        async with owner.transaction([street.id]) as tx:
            await tx.raw.execute("UPDATE imports SET claimed_until = NULL WHERE street_id = $1", street.id)

    return expire


class Killed(BaseException):
    """A worker's end, where nothing can be tidied up."""


LEDGER = [FULL, *[LEAST] * 4, *many(7), LEAST | {"channel": "抖音"}, FULL]
OUTCOME = {
    "state": "done",
    "rows": 14,
    "created": 12,
    "unchanged": 0,
    "updated": 0,
    "rejected": 2,
    "error_count": 2,
}


@pytest.mark.usefixtures("small_steps")
@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("point", ["note", "write", "hold", "forget_file", "claim"])
async def test_killed_at_any_point_it_goes_on_where_it_was(
    hand_in, worker, finish, let_go, rows, pass_on, monkeypatch, point, where
):
    """The worker dies each time it comes to this point for the first, second, … time; each time another goes on."""
    room = chunk if point == "write" else store
    real, calls, deadly = getattr(room, point), 0, 1

    async def dying(*args, **kwargs):
        nonlocal calls, deadly
        calls += 1
        if calls == deadly and where == "before":
            deadly, calls = deadly + 1, 0
            raise Killed
        answer = await real(*args, **kwargs)
        if calls == deadly:
            deadly, calls = deadly + 1, 0
            raise Killed
        return answer

    monkeypatch.setattr(room, point, dying)
    handed = await hand_in(as_csv(LEDGER))
    one, deaths = worker(), 0
    for _ in range(60):
        try:
            await one.run()
        except Killed:
            deaths += 1
            one = worker()
            await let_go()
        await pass_on()
    monkeypatch.setattr(room, point, real)
    await let_go()
    done = await finish(handed["id"])
    assert deaths >= (1 if point in {"claim", "forget_file"} else 3)
    assert {name: done[name] for name in OUTCOME} == OUTCOME
    assert len(await rows(tickets)) == len(await rows(ticket_states)) == 12
    assert [e.line for e in sorted(await rows(import_errors))] == sorted(e["line"] for e in done["errors"])


@pytest.mark.usefixtures("small_steps")
async def test_each_step_may_be_another_workers(hand_in, worker, let_go, look_at, pass_on, rows):
    handed = await hand_in(as_csv(LEDGER))
    for _ in range(60):
        one = worker()
        await one.run()
        await one.run()
        await let_go()
        await pass_on()
    done = await look_at(handed["id"])
    assert done["state"] == "done"
    assert {name: done[name] for name in OUTCOME} == OUTCOME
    assert len(await rows(tickets)) == 12


@pytest.mark.usefixtures("small_steps")
async def test_two_workers_at_once_do_not_do_it_twice(hand_in, worker, finish, let_go, rows, monkeypatch):
    monkeypatch.setattr(work, "MOST_ATTEMPTS", 1000)  # they take it from one another far oftener than that
    handed = await hand_in(as_csv(LEDGER))
    workers = [worker(), worker(), worker()]

    async def steps(one):
        for _ in range(30):
            await one.run()
            await let_go()  # the others think that it is theirs, again and again

    await asyncio.gather(*(steps(one) for one in workers))
    await let_go()
    done = await finish(handed["id"])
    assert {name: done[name] for name in OUTCOME} == OUTCOME
    assert len(await rows(tickets)) == len(await rows(import_rows)) == 12


@pytest.mark.usefixtures("small_steps")
async def test_a_claim_keeps_others_away_while_it_lasts(hand_in, worker, rows):
    await hand_in(as_csv(LEDGER))
    first, second = worker(), worker()
    assert await first.run() is True
    assert await second.run() is False
    [row] = await rows(imports)
    assert row.claimed_until > clock.now()
    with clock.at(clock.now() + store.LEASE * 2):
        assert await second.run() is True
        assert await first.run() is True, "it notices that it has lost it"
        assert await second.run() is True
    [row] = await rows(imports)
    assert row.position == 4


async def test_a_claim_is_kept_however_long_a_batch_takes_to_read(hand_in, worker, monkeypatch, rows):
    monkeypatch.setattr(work, "LEASE", timedelta(milliseconds=30))
    noted = threading.Event()
    real_next, real_note = reading.Reader.next, Importing._note

    def slow(self, now):
        assert noted.wait(20), "nobody says meanwhile that it is still worked on"
        return real_next(self, now)

    async def noting(self, *args, **kwargs):
        await real_note(self, *args, **kwargs)
        noted.set()

    await hand_in(as_csv(LEDGER))
    one = worker()
    await one.run()
    monkeypatch.setattr(reading.Reader, "next", slow)
    monkeypatch.setattr(Importing, "_note", noting)
    assert await one.run() is True
    [row] = await rows(imports)
    assert row.position > 0


async def test_what_was_stored_is_only_remembered_when_it_is_read_again(monkeypatch):
    """Passed over are the rows, not what tells later ones apart: equal rows, and numbers that are taken."""
    content = as_csv([LEAST, *many(2), LEAST, *many(2), LEAST])
    whole = list(reading.Reader(content, prefix="XB", keyed=bytes).next(NOW))
    monkeypatch.setattr(reading, "course", counted := Mock(wraps=reading.course))
    rest = reading.Reader(content, prefix="XB", keyed=bytes, position=4).next(NOW)
    assert rest == whole[3:]
    assert counted.call_count == 2, "the two whose numbers are taken have none"


async def test_imports_of_a_street_follow_one_another(hand_in, finish, look_at, worker):
    first = await hand_in(as_csv([HANDED]))
    second = await hand_in(as_csv([CLOSED]))
    one = worker()
    for _ in range(4):
        await one.run()
    assert (await look_at(first["id"]))["stage"] == "settling"
    assert (await look_at(second["id"]))["stage"] == "waiting", "the first is not in the figures yet"
    assert (await finish(second["id"], by=one))["updated"] == 1
    assert (await look_at(first["id"]))["created"] == 1


async def test_a_file_that_kills_every_reader_is_given_up(
    hand_in, worker, let_go, look_at, monkeypatch, rows
):
    handed = await hand_in(as_csv([LEAST]))

    def deadly(*_, **__):
        raise Killed

    monkeypatch.setattr(work, "Reader", deadly)
    for _ in range(work.MOST_ATTEMPTS):
        with pytest.raises(Killed):
            await worker().run()
        await let_go()
    assert await worker().run() is False
    done = await look_at(handed["id"])
    assert done["state"] == "failed"
    assert "中断" in done["message"]
    assert await rows(import_files) == []


async def test_it_is_not_done_before_it_is_in_the_figures(hand_in, worker, look_at, deliver):
    handed = await hand_in(as_csv([LEAST]))
    one = worker()
    for _ in range(6):
        await one.run()
    assert (await look_at(handed["id"]))["stage"] == "settling"
    await deliver("routing")
    for _ in range(6):
        await one.run()
    assert (await look_at(handed["id"]))["state"] == "running", "metrics has not heard of it"
    await deliver("metrics")
    await one.run()
    assert (await look_at(handed["id"]))["state"] == "done"


async def test_it_does_not_run_far_ahead_of_routing(hand_in, worker, rows, monkeypatch, pass_on):
    monkeypatch.setattr(reading, "AT_ONCE", 1)
    await hand_in(as_csv(many(20)))
    one = worker()
    for _ in range(40):
        await one.run()
    assert len(await rows(tickets)) == work.MOST_IN_FLIGHT
    await pass_on()
    assert await one.run() is True


async def test_given_up_batches_are_told(hand_in, worker, owner, street, look_at):
    handed = await hand_in(as_csv([LEAST]))
    one = worker()
    for _ in range(4):
        await one.run()
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute(
            "UPDATE deliveries SET parked_at = $2 WHERE street_id = $1", street.id, clock.now()
        )
    for _ in range(3):
        await one.run()
    done = await look_at(handed["id"])
    assert (done["state"], len(done["warnings"])) == ("done", 1)


async def test_progress_only_grows(hand_in, worker, look_at, pass_on, small_steps):
    handed = await hand_in(as_csv(many(12)))
    one, seen = worker(), []
    for _ in range(20):
        await one.run()
        await pass_on()
        seen.append((await look_at(handed["id"]))["progress"])
    assert seen == sorted(seen)
    assert len(set(seen)) > 4
    assert seen[-1] == 1.0


async def test_the_number_of_another_streets_ledger_is_not_ours(
    bring_in, new_street, actor_headers, intake, owner
):
    await bring_in(as_csv([LEAST | {"number": "台账-1"}]))
    other = await new_street()
    there = actor_headers(Role.CLERK, streets=[other])
    assert (await intake.get("/v1/tickets/台账-1", headers=there)).status_code == 404
    await bring_in(as_csv([LEAST | {"number": "台账-1"}]), headers=there, street=other.code)
    assert (await intake.get("/v1/tickets/台账-1", headers=there)).status_code == 200
    async with owner.transaction([other.id], read_only=True) as tx:
        assert (await tx.one(select(func.count().label("n")).select_from(tickets))).n == 1


async def test_whoever_is_in_several_streets_finds_it_where_it_is(
    bring_in, new_street, street, actor_headers, intake
):
    other = await new_street()
    both = actor_headers(Role.CLERK, streets=[street, other])
    await bring_in(as_csv([LEAST | {"number": "独有"}, LEAST | {"number": "共有"}]))
    await bring_in(as_csv([LEAST | {"number": "共有"}]), headers=both, street=other.code)
    assert (await intake.get("/v1/tickets/独有", headers=both)).status_code == 200
    assert (await intake.get("/v1/tickets/没有", headers=both)).status_code == 404
    assert (await intake.get("/v1/tickets/共有", headers=both)).json()["code"] == "number_in_several_streets"
    ours = f"{other.prefix}20200101-000001"
    for where in (street, other):
        await bring_in(as_csv([LEAST | {"number": ours}]), headers=both, street=where.code)
    assert (await intake.get(f"/v1/tickets/{ours}", headers=both)).status_code == 200
