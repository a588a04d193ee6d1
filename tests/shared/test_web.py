"""The edge: every error is a Chinese problem+json, every answer carries its trace, no input gives a 500."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Query
from hypothesis import given, settings as effort, strategies as st
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from services.intake import schemas as intake_schemas
from services.routing import schemas as routing_schemas
from shared import clock
from shared.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Problem,
    Stale,
    Unauthenticated,
    Unavailable,
    invalid,
)
from shared.settings import Settings
from shared.terms import Kind
from shared.web import paging, problems
from shared.web.app import create_app
from shared.web.fields import Answer, Body, Code, Content, Day, Instant, LocalTime, PastInstant, Phone, Short
from shared.web.paging import Cursor, Limit, decode, encode, page

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Latin words that belong in a Chinese message: names of formats, and values that must be typed as they are.
FOREIGN = {"true", "false", "JSON", "cc", "help", "gcj02", "wgs84"} | {k.value for k in Kind}


class Probe(Body):
    short: Short | None = None
    content: Content | None = None
    code: Code | None = None
    phone: Phone | None = None
    when: Instant | None = None
    past: PastInstant | None = None
    day: Day | None = None
    kind: Kind | None = None
    crs: Literal["gcj02", "wgs84"] | None = None
    number: Annotated[int, Field(ge=1, lt=100)] | None = None
    ratio: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] | None = None
    yes: bool | None = None
    id: UUID | None = None
    many: Annotated[list[Short], Field(min_length=1, max_length=2)] | None = None
    inner: dict[str, int] | None = None


router = APIRouter()


@router.post("/probe")
async def probe(body: Probe) -> dict[str, Any]:
    return {"ok": True}


@router.get("/probe/{number}")
async def look(
    number: int,
    limit: Limit = 20,
    cursor: Cursor = None,
    yes: Annotated[bool, Query()] = False,  # noqa: FBT002
) -> dict[str, Any]:
    decode(cursor, paging.instant, UUID)
    return {"number": number, "limit": limit, "yes": yes}


@router.get("/raise/{what}")
async def fail(what: str) -> None:
    raise {
        "boom": RuntimeError("SELECT secret FROM residents"),
        "away": ConnectionResetError("db1.internal:5432"),
        "busy": Unavailable("同时提交的人太多", retry_after=7, code="queue_full"),
        "conflict": Conflict(
            "工单当前为“已派单”", code="not_allowed_now", state="dispatched", state_text="已派单"
        ),
        "stranger": Unauthenticated("请先登录"),
    }[what]


@pytest.fixture(scope="module")
async def client(environment):
    app = create_app(
        "routing",
        "试验",
        [router],
        settings=Settings(max_body_bytes=8192, cors_origins=["https://a.example"]),
    )
    # no lifespan: what is tried here needs neither database nor Redis
    app.state.process = SimpleNamespace()
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def problem(answer, status, code=None):
    """Check that an answer is a whole problem in Chinese; return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == problems.MEDIA_TYPE
    body = answer.json()
    assert {"type", "title", "status", "detail", "code", "trace_id", "errors"} <= body.keys()
    assert body["status"] == status
    assert body["trace_id"] == answer.headers["x-request-id"]
    assert body["type"] == f"urn:banjie:problem:{body['code']}"
    for text in (body["title"], body["detail"], *(e["message"] for e in body["errors"])):
        assert CHINESE.search(text), text
    if code is not None:
        assert body["code"] == code
    return body


def in_chinese(message):
    """Return whether a message is Chinese, but for words that must be typed as they stand."""
    words = set(re.findall(r"[A-Za-z][A-Za-z0-9]+", re.sub(r"\d{4}-\d\d-\d\dT\S*", "", message)))
    return CHINESE.search(message) is not None and words <= FOREIGN


BAD = [
    ("short", "", "至少"), ("short", "x" * 101, "最多 100"), ("short", "a\x00b", "控制字符"), ("short", 5, "文字"),
    ("short", "\ud800", "无法识别"), ("short", "\x7f", "控制字符"), ("content", "x" * 2501, "最多 2500"),
    ("code", "a b", "格式"), ("code", "'; --", "格式"), ("phone", "abc", "格式"), ("when", "tomorrow", "应为时间"),
    ("when", "2026-03-04T12:00:00", "时区"), ("when", 1772596800, "应为时间"), ("when", "1772596800", "应为时间"),
    ("when", "0001-01-01T00:00:00Z", "过早"), ("when", "9999-12-31T23:59:59Z", "过晚"), ("when", "2026-02-30T00:00:00Z", "应为时间"),
    ("when", [], "应为时间"), ("when", "2026-03-04", "时区"), ("when", True, "应为时间"), ("past", "2026-03-04T04:03:00Z", "不能晚于现在"),
    ("day", "2026-13-01", "应为日期"), ("day", 5, "应为时间"), ("day", "2026-03-04T05:00:00", "应为日期"), ("day", "1900-01-01", "过早"),
    ("day", "2999-01-01", "过晚"), ("day", {}, "应为日期"), ("kind", "shout", "可选值"), ("crs", "bd09", "可选值"),
    ("number", "x", "整数"), ("number", 1.5, "整数"), ("number", 0, "不能小于 1"), ("number", 100, "应小于 100"),
    ("number", "9" * 5000, "过大"), ("number", None, None), ("ratio", "x", "数字"), ("ratio", 0, "应大于 0"),
    ("ratio", 1.1, "不能大于 1"), ("ratio", "nan", "有限"), ("ratio", "inf", "有限"), ("ratio", [], "数字"), ("yes", "perhaps", "true"),
    ("yes", 7, "true"), ("yes", [], "true"), ("id", "x", "编号"), ("id", 5, "编号"), ("many", [], "至少 1 项"), ("many", ["a"] * 3, "最多 2 项"),
    ("many", "a", "列表"), ("inner", [], "对象"), ("inner", {"a": "b"}, "整数"), ("unheard", 1, "没有这个字段"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value", "words"), BAD, ids=[f"{f}-{str(v)[:20]!a}" for f, v, _ in BAD])
async def test_every_fault_is_told_in_chinese_beside_its_field(client, field, value, words):
    with clock.at(NOON):
        answer = await client.post(
            "/v1/probe", content=json.dumps({field: value}), headers={"Content-Type": "application/json"}
        )
    if words is None:
        assert answer.status_code == 200
        return
    body = problem(answer, 422, "invalid")
    [fault] = body["errors"]
    assert fault["field"].split(".")[0] == field
    assert words in fault["message"]
    assert in_chinese(fault["message"]), fault
    assert fault["message"] in body["detail"]


def test_the_messages_are_for_errors_that_exist():
    assert problems._MESSAGES.keys() <= set(get_args(ErrorType))


def models():
    found = {
        thing
        for room in (intake_schemas, routing_schemas)
        for thing in vars(room).values()
        if isinstance(thing, type) and issubclass(thing, Body) and thing is not Body
    }
    return sorted(found, key=lambda m: m.__qualname__)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("model", models(), ids=lambda m: m.__qualname__)
def test_no_english_leaks_whatever_is_sent_to_a_real_body(model):
    names = sorted(model.model_fields)
    adapter = TypeAdapter(model)
    vocabulary = FOREIGN | set(re.findall(r"[A-Za-z0-9]+", json.dumps(model.model_json_schema())))

    @effort(max_examples=60, deadline=None)
    @given(st.dictionaries(st.sampled_from(names), JSON, min_size=1, max_size=5))
    def anything(value):
        try:
            adapter.validate_python(value)
        except ValidationError as error:
            for fault in error.errors():
                message = problems._message(fault)
                words = set(re.findall(r"[A-Za-z][A-Za-z0-9]+", re.sub(r"\d{4}-\d\d-\d\dT\S*", "", message)))
                assert CHINESE.search(message), (fault, message)
                assert words <= vocabulary, (fault, message)

    anything()


BODIES = [
    (b"", 422), (b"{", 422), (b"[]", 422), (b"null", 422), (b"5", 422), (b'"x"', 422), (b"\xff\xfe", 422), (b"{}{}", 422),
    (b"[" * 2000, 422), (b'{"number": 1e999}', 422), (b'{"number": NaN}', 422), (b'{"short": "\\ud800"}', 422), (b'{"\\ud800": 1}', 422),
    (b'{"short": "a", "short": "b"}', 200), (b'{"number": ' + b"9" * 4000 + b"}", 422), (b'{"__proto__": 1}', 422), (b'{"": 1}', 422),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "status"), BODIES, ids=[ascii(b[:20]) for b, _ in BODIES])
async def test_no_body_is_bad_enough_for_a_500(client, raw, status):
    answer = await client.post("/v1/probe", content=raw, headers={"Content-Type": "application/json"})
    if status == 200:
        assert answer.status_code == 200
    else:
        assert answer.status_code in {400, 422}
        problem(answer, answer.status_code)


async def test_a_body_that_is_no_json_says_so_and_names_no_offset(client):
    answer = await client.post(
        "/v1/probe", content=b'{"short": ', headers={"Content-Type": "application/json"}
    )
    assert problem(answer, 422)["errors"] == [{"field": "body", "message": "不是正确的 JSON"}]


async def test_a_body_that_is_too_large_is_refused_with_and_without_a_length(client):
    async def pieces():
        for _ in range(9):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    problem(await client.post("/v1/probe", content=b" " * 8193, headers=headers), 413, "too_large")
    problem(await client.post("/v1/probe", content=pieces(), headers=headers), 413, "too_large")
    assert (await client.post("/v1/probe", content=b"{}" + b" " * 8190, headers=headers)).status_code == 200
    for told in ("x", "-1", "1e9", ""):
        answer = await client.post("/v1/probe", content=b"{}", headers=headers | {"Content-Length": told})
        assert answer.status_code < 500


async def test_unknown_addresses_and_methods_are_problems_too(client):
    for path in ("/v1/nothing", "/", "/v1/probe/", "/v1/../etc", "/v1/%00", "/v1/%ff%fe", "/" + "x" * 3000):
        problem(await client.get(path), 404, "not_found")
    for method in ("PATCH", "DELETE", "PUT", "GET", "OPTIONS", "TRACE", "BREW"):
        answer = await client.request(method, "/v1/probe")
        problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("query", "field", "words"),
    [
        ("limit=0", "limit", "不能小于 1"), ("limit=101", "limit", "不能大于 100"), ("limit=x", "limit", "整数"),
        ("limit=", "limit", "整数"), ("limit=1.5", "limit", "整数"), ("yes=perhaps", "yes", "true"),
        ("cursor=%00", "cursor", "翻页"), ("cursor=" + "x" * 401, "cursor", "最多 400"), ("cursor=", "cursor", "翻页"),
    ],
)  # fmt: skip
async def test_a_bad_query_names_its_parameter(client, query, field, words):
    body = problem(await client.get(f"/v1/probe/5?{query}"), 422)
    assert [e["field"] for e in body["errors"]] == [field]
    assert words in body["errors"][0]["message"]


async def test_a_bad_path_names_its_part(client):
    assert [e["field"] for e in problem(await client.get("/v1/probe/x"), 422)["errors"]] == ["number"]


async def test_our_own_fault_tells_nothing_but_where_to_find_it(client):
    answer = await client.get("/v1/raise/boom")
    body = problem(answer, 500, "internal")
    assert "secret" not in answer.text
    assert "RuntimeError" not in answer.text
    assert body["trace_id"]


async def test_an_absent_database_is_503_with_a_time_to_come_back(client):
    answer = await client.get("/v1/raise/away")
    problem(answer, 503, "database_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "internal" not in answer.text
    answer = await client.get("/v1/raise/busy")
    problem(answer, 503, "queue_full")
    assert answer.headers["retry-after"] == "7"


async def test_a_refusal_carries_what_the_reader_needs(client):
    body = problem(await client.get("/v1/raise/conflict"), 409, "not_allowed_now")
    assert (body["state"], body["state_text"]) == ("dispatched", "已派单")
    assert (await client.get("/v1/raise/stranger")).headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("kind", "status"),
    [(Problem, 400), (Unauthenticated, 401), (Forbidden, 403), (NotFound, 404), (Conflict, 409), (Stale, 412), (Invalid, 422), (Unavailable, 503)],
)  # fmt: skip
def test_each_refusal_has_its_status_its_code_and_its_words(kind, status):
    answer = problems.render(kind("为什么"), "trace-0001")
    body = json.loads(answer.body)
    assert answer.status_code == body["status"] == status
    assert body["code"] == kind.code
    assert body["detail"] == "为什么"
    assert CHINESE.search(body["title"])
    assert status in problems._TEXTS


def test_extra_facts_cannot_displace_what_a_problem_is():
    body = json.loads(problems.render(Conflict("x", status=200, code="a", trace_id="y"), "trace-0001").body)
    assert (body["status"], body["trace_id"]) == (409, "trace-0001")
    fault = invalid("street", "请填写街道代码", code="no_street")
    assert json.loads(problems.render(fault, "t").body)["errors"] == [
        {"field": "street", "message": "请填写街道代码"}
    ]


@pytest.mark.parametrize("given_id", ["abcd-1234", "A" * 64, "0123456789abcdef.x_y"])
async def test_a_given_trace_is_kept(client, given_id):
    answer = await client.get("/v1/probe/5", headers={"X-Request-ID": given_id})
    assert answer.headers["x-request-id"] == given_id


@pytest.mark.parametrize(
    "given_id", ["short", "x" * 65, "has space", "<script>alert(1)</script>", "中文编号中文编号".encode()]
)
async def test_a_trace_that_is_none_is_replaced(client, given_id):
    answer = await client.get(
        "/v1/probe/5",
        headers={b"X-Request-ID": given_id if isinstance(given_id, bytes) else given_id.encode()},
    )
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers.get_list("x-request-id") == [answer.headers["x-request-id"]]


@pytest.mark.parametrize("path", ["/v1/probe/5", "/v1/nothing", "/v1/raise/boom", "/healthz"])
async def test_every_answer_carries_the_security_headers(client, path):
    headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'self'" in headers["content-security-policy"]


async def test_a_page_of_another_origin_may_ask_only_if_it_is_listed(client):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,if-match",
    }
    good = await client.options("/v1/probe", headers={"Origin": "https://a.example", **asked})
    assert good.headers["access-control-allow-origin"] == "https://a.example"
    other = await client.options("/v1/probe", headers={"Origin": "https://b.example", **asked})
    assert "access-control-allow-origin" not in other.headers


async def test_the_prometheus_labels_do_not_grow_with_what_strangers_ask(routing):
    for n in range(5):
        await routing.get(f"/v1/stranger-{n}")
        await routing.request(f"BREW{n}", "/v1/worklist")
    page_of_figures = (await routing.get("/metrics")).text
    assert "stranger" not in page_of_figures
    assert "BREW" not in page_of_figures
    assert 'banjie_http_answers_total{method="any",route="unmatched",status="404"}' in page_of_figures


async def test_the_processes_say_how_they_are(routing, intake):
    for client in (routing, intake):
        assert (await client.get("/healthz")).json()["status"] == "ok"
        ready = await client.get("/readyz")
        assert ready.status_code == 200
        assert ready.json() == {"status": "ok", "database": True, "migrations": True, "redis": True}
    figures = (await routing.get("/metrics")).text
    assert 'banjie_deliveries_parked{consumer="routing"}' in figures


PARSERS = (paging.instant, UUID)


def read_cursor(cursor, *parsers):
    """A cursor is either read or refused as one; nothing else may come of it."""
    try:
        return decode(cursor, *parsers)
    except Invalid as told:
        assert told.code == "bad_cursor"  # noqa: PT017 - both ways out are good
        return None


@given(st.text(max_size=60))
def test_no_text_breaks_a_cursor(cursor):
    read_cursor(cursor, *PARSERS)
    read_cursor(cursor, paging.code)


@given(JSON | st.lists(JSON, min_size=1, max_size=3))
def test_no_json_breaks_a_cursor(value):
    raw = json.dumps(value).encode("utf-8", "surrogatepass")
    cursor = paging.base64.urlsafe_b64encode(raw).decode().rstrip("=")
    for parsers in (PARSERS, (paging.code,), (int,)):
        read_cursor(cursor, *parsers)


@given(st.datetimes(datetime(1990, 1, 2), datetime(2199, 12, 30), timezones=st.just(UTC)), st.uuids())  # noqa: DTZ001
def test_a_cursor_comes_back_as_it_went(moment, row_id):
    assert decode(encode([moment.isoformat(), row_id]), *PARSERS) == [moment, row_id]
    assert decode(None, *PARSERS) is None


@effort(max_examples=40)
@given(st.lists(st.integers(0, 400), unique=True, max_size=60), st.integers(1, 20))
def test_pages_put_together_are_the_list(numbers, limit):
    rows, seen, cursor = sorted(numbers), [], None
    while True:
        after = decode(cursor, int)
        found = [n for n in rows if after is None or n > after[0]][: limit + 1]
        shown = page(found, limit, lambda n: (n,), lambda n: n)
        assert len(shown["items"]) <= limit
        assert shown["has_more"] == (shown["next_cursor"] is not None)
        seen += shown["items"]
        cursor = shown["next_cursor"]
        if cursor is None:
            break
    assert seen == rows


def test_times_go_out_as_people_here_write_them():
    class Shown(Answer):
        at: LocalTime

    assert Shown(at=NOON).model_dump()["at"] == "2026-03-04T12:00:00.000+08:00"


def test_a_clock_that_is_a_little_fast_is_forgiven():
    past = TypeAdapter(PastInstant)
    with clock.at(NOON):
        assert past.validate_python((NOON + timedelta(minutes=1)).isoformat()) == NOON
        assert past.validate_python(NOON - timedelta(days=1)) == NOON - timedelta(days=1)
        with pytest.raises(ValidationError):
            past.validate_python(NOON + timedelta(minutes=2, seconds=1))
    assert TypeAdapter(Day).validate_python("2026-03-04") == date(2026, 3, 4)


def test_a_body_refuses_what_it_does_not_know_and_trims_what_it_does():
    assert issubclass(Body, BaseModel)
    assert Probe(short="  路灯 ").short == "路灯"
    with pytest.raises(ValidationError):
        Probe(shrot="x")
