"""Handing in requests: what is taken, what is refused, and what is kept of it."""

from datetime import UTC, datetime, timedelta

import pytest

from shared import clock
from shared.events import SUBSCRIBERS, TicketSubmittedV1
from shared.streets import NUMBER
from shared.tables import deliveries, events, tickets
from shared.terms import Role

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
JSON = {"Content-Type": "application/json"}


async def post(intake, headers, **body):
    return await intake.post("/v1/tickets", json={"content": "路灯不亮", **body}, headers=headers)


def problem(answer, status, code=None, field=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    if code is not None:
        assert body["code"] == code
    if field is not None:
        assert field in [e["field"] for e in body["errors"]]
    return body


async def test_a_resident_hands_a_request_in(intake, street, resident, stored, count):
    with clock.at(NOON):
        answer = await post(intake, resident)
    assert answer.status_code == 201
    assert answer.headers["etag"] == '"v0"'
    ticket = answer.json()
    assert NUMBER.match(ticket["number"])
    assert ticket["number"] == f"{street.prefix}20260304-000001"
    assert (ticket["state"], ticket["state_text"]) == ("submitted", "已登记")
    assert (ticket["channel"], ticket["channel_text"]) == ("mini_program", "小程序")
    assert ticket["occurred_at"] == "2026-03-04T12:00:00.000+08:00"
    assert ticket["late"] is False
    row = await stored(ticket)
    assert row.reporter_id == row.entered_by
    assert row.occurred_at == row.recorded_at == NOON
    assert await count(events) == 1
    assert await count(deliveries) == len(SUBSCRIBERS[TicketSubmittedV1])


async def test_the_number_carries_the_shanghai_day(intake, resident):
    with clock.at(datetime(2026, 3, 4, 16, 30, tzinfo=UTC)):
        answer = await post(intake, resident)
    assert "20260305-" in answer.json()["number"]


@pytest.mark.parametrize(
    ("role", "channel"), [(Role.CLERK, "window"), (Role.LEADER, "window"), (Role.GRID_WORKER, "window")]
)
async def test_staff_enter_for_others(intake, actor_headers, stored, role, channel):
    answer = await post(intake, actor_headers(role))
    assert answer.json()["channel"] == channel
    row = await stored(answer.json())
    assert row.reporter_id is None
    assert row.entered_role == role.value


async def test_a_script_fills_the_ledger(intake, api_key):
    answer = await post(intake, await api_key("tickets:write"))
    assert answer.json()["channel"] == "ledger"


@pytest.mark.parametrize("role", [Role.UNIT, Role.AUDITOR, Role.CALLBACK_CLERK, Role.ADMIN])
async def test_other_roles_hand_nothing_in(intake, actor_headers, role):
    problem(await post(intake, actor_headers(role)), 403, "role_not_allowed")


async def test_a_script_promises_nothing(intake, api_key):
    answer = await post(intake, await api_key("tickets:write"), channel="commitment")
    problem(answer, 422, "channel_not_allowed", "channel")


async def test_a_key_without_the_scope(intake, api_key):
    problem(await post(intake, await api_key("ledger:read")), 403, "missing_scope")


async def test_staff_enter_late_and_it_is_marked(intake, clerk, stored):
    with clock.at(NOON):
        late = await post(intake, clerk, occurred_at="2026-03-02T09:30:00+08:00")
        prompt = await post(intake, clerk, occurred_at="2026-03-04T11:59:30+08:00")
    assert late.json()["late"] is True
    assert late.json()["occurred_at"] == "2026-03-02T09:30:00.000+08:00"
    assert (await stored(late.json())).occurred_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert prompt.json()["late"] is False


async def test_residents_cannot_back_date(intake, resident):
    answer = await post(intake, resident, occurred_at="2026-03-02T09:30:00+08:00")
    problem(answer, 422, "no_backdating", "occurred_at")


@pytest.mark.parametrize(
    "when", ["2026-03-04T12:03:00+08:00", "1950-01-01T00:00:00+08:00", "2026-03-01T00:00:00", 1772000000, "x"]
)
async def test_impossible_times(intake, clerk, when):
    with clock.at(NOON):
        problem(await post(intake, clerk, occurred_at=when), 422, "invalid", "occurred_at")


async def test_a_clock_a_little_ahead_is_forgiven(intake, clerk):
    with clock.at(NOON):
        answer = await post(intake, clerk, occurred_at="2026-03-04T12:01:00+08:00")
    assert answer.json()["occurred_at"] == "2026-03-04T12:00:00.000+08:00"


@pytest.mark.parametrize("channel", ["hotline", "window", "ledger", "commitment"])
async def test_residents_channels(intake, resident, channel):
    problem(await post(intake, resident, channel=channel), 422, "channel_not_allowed", "channel")
    assert (await post(intake, resident, channel="group_topic")).status_code == 201


@pytest.mark.parametrize(
    "content",
    [
        "𠮷野家门口𪚥",
        "🚮垃圾👨‍👩‍👧‍👦没人收",
        "字" * 2500,
        "第一行\n第二行\t缩进",
        "'; DROP TABLE tickets; --",
        "é" * 2500,
    ],
)
async def test_text_is_kept_as_it_came(intake, resident, stored, content):
    answer = await post(intake, resident, content=content)
    assert answer.status_code == 201
    assert (await stored(answer.json())).content == content


@pytest.mark.parametrize(
    "content",
    [
        "",
        "   \n\u3000",
        "字" * 2501,
        "𠮷" * 2501,
        "a\x00b",
        "a\x1bb",
        "a\x7fb",
        None,
        7,
        ["a"],
        {"a": 1},
        True,
    ],
)
async def test_text_that_is_none(intake, resident, content, count):
    problem(await post(intake, resident, content=content), 422, "invalid", "content")
    assert await count(tickets) == 0


@pytest.mark.parametrize(
    "raw",
    [
        rb'{"content": "\ud800"}',
        rb'{"content": "a\udfff"}',
        rb'{"content": "\u0000"}',
        b'{"content": "a", "\\ud800": 1}',
    ],
)
async def test_what_json_can_escape_but_text_cannot_be(intake, resident, raw):
    answer = await intake.post("/v1/tickets", content=raw, headers=resident | JSON)
    problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("raw", "statuses"),
    [
        (b"", {422}),
        (b"{", {422}),
        (b"null", {422}),
        (b"[]", {422}),
        (b'"text"', {422}),
        (b"\xff\xfe", {400, 422}),
        (b'{"content": NaN}', {422}),
        (b'{"content": "a", "location": {"longitude": 1e999, "latitude": 1, "crs": "wgs84"}}', {422}),
        (b"[" * 100_000, {400, 422}),
    ],
)
async def test_bodies_that_are_no_request(intake, resident, raw, statuses):
    answer = await intake.post("/v1/tickets", content=raw, headers=resident | JSON)
    assert answer.status_code in statuses, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_without_a_content_type(intake, resident):
    problem(await intake.post("/v1/tickets", content=b'{"content": "a"}', headers=resident), 422)


async def test_a_huge_body(intake, resident):
    answer = await intake.post("/v1/tickets", content=b" " * 300_000, headers=resident | JSON)
    problem(answer, 413, "too_large")


async def test_a_huge_body_that_does_not_say_so(intake, resident):
    async def chunks():
        for _ in range(40):
            yield b" " * 10_000

    answer = await intake.post("/v1/tickets", content=chunks(), headers=resident | JSON)
    problem(answer, 413, "too_large")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"number": "X"}, "number"),
        ({"kind": "wish"}, "kind"),
        ({"channel": "smoke"}, "channel"),
        ({"location": {"longitude": 117, "latitude": 39}}, "location.crs"),
        ({"location": {"longitude": 181, "latitude": 39, "crs": "gcj02"}}, "location.longitude"),
        ({"location": {"longitude": "x", "latitude": 39, "crs": "gcj02"}}, "location.longitude"),
        ({"location": {"longitude": 117, "latitude": 39, "crs": "bd09"}}, "location.crs"),
        ({"contact": {"phone": "not a phone"}}, "contact.phone"),
        ({"contact": {"phone": "------"}}, "contact.phone"),
        ({"contact": {"name": "王\x00"}}, "contact.name"),
        ({"attachment_ids": ["a"]}, "attachment_ids.0"),
        ({"anonymous": "perhaps"}, "anonymous"),
        ({"address": "x" * 301}, "address"),
        ({"category": "a b"}, "category"),
        ({"anonymous": True, "contact": {"phone": "13812345678"}}, "body"),
    ],
)
async def test_fields_that_are_wrong(intake, resident, body, field, count):
    problem(await post(intake, resident, **body), 422, field=field)
    assert await count(tickets) == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"category": "9999"}, "category"),
        ({"grid_code": "g99"}, "grid_code"),
        ({"community": "c9"}, "community"),
    ],
)
async def test_codes_the_street_does_not_have(intake, resident, body, field):
    problem(await post(intake, resident, **body), 422, "unknown_code", field)


async def test_a_grid_tells_its_community(intake, resident, stored):
    answer = await post(intake, resident, grid_code="g21", category="0101")
    row = await stored(answer.json())
    assert (row.grid_code, row.community_code, row.category_code) == ("g21", "c2", "0101")


async def test_a_grid_of_another_community(intake, resident):
    answer = await post(intake, resident, grid_code="g21", community="c1")
    problem(answer, 422, "grid_not_in_community", "grid_code")


async def test_the_street_must_be_known_and_ones_own(intake, resident, street, new_street, actor_headers):
    other = await new_street()
    problem(await post(intake, resident, street="404"), 422, "unknown_street", "street")
    problem(await post(intake, resident, street=other.code), 403, "other_street")
    both = actor_headers(Role.DISPATCHER, streets=[street, other])
    problem(await post(intake, both), 422, "street_required", "street")
    answer = await post(intake, both, street=other.code)
    assert answer.json()["street"] == other.code
    assert answer.json()["number"].startswith(other.prefix)


async def test_private_data_is_sealed(intake, resident, stored, keys):
    contact = {"name": "王小明", "phone": "+86-138-1234-5678"}
    answer = await post(intake, resident, contact=contact, address="幸福里3号楼201", confidential=True)
    row = await stored(answer.json())
    assert keys.open(row.private, row.id.bytes) == {**contact, "address": "幸福里3号楼201"}
    assert row.address is None
    assert row.phone_index == keys.blind_index("phone", "13812345678")
    assert "1234" not in str(row._mapping)


async def test_an_open_address_stays_readable(intake, resident, stored):
    row = await stored((await post(intake, resident, address="幸福里3号楼")).json())
    assert (row.address, row.private, row.phone_index) == ("幸福里3号楼", None, None)


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "unauthenticated"),
        ({"Authorization": "Bearer x.y.z"}, "bad_token"),
        ({"Authorization": "Basic eA=="}, "bad_token"),
        ({"Authorization": "Bearer "}, "bad_token"),
        ({"X-API-Key": "bjk_none"}, "bad_api_key"),
    ],
)
async def test_strangers(intake, headers, code):
    answer = await post(intake, headers)
    problem(answer, 401, code)
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_an_expired_token(intake, actor_headers):
    headers = actor_headers(Role.RESIDENT, ttl=60)
    assert (await post(intake, headers)).status_code == 201
    with clock.at(clock.now() + timedelta(seconds=61)):
        problem(await post(intake, headers), 401, "token_expired")


async def test_other_methods(intake, resident):
    answer = await intake.put("/v1/tickets", headers=resident)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers.get_list("allow") == ["GET, POST"]
