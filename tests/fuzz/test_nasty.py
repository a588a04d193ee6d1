"""What no schema would think of, at every operation there is: never a 500, always a problem in Chinese."""

import base64
import importlib
import itertools
import json
import re

import httpx
import pytest

from shared.settings import SERVICES
from shared.terms import Role
from tests.flow.instance import STREET

pytestmark = pytest.mark.fuzz
CHINESE = re.compile("[\u4e00-\u9fff]")
PROBLEM = {"type", "title", "status", "detail", "code", "trace_id", "errors"}
CALLER = {"intake": Role.RESIDENT, "routing": Role.DISPATCHER, "metrics": Role.SUPERVISOR}
LARGE = 10_000_000


def operations():
    for service in SERVICES:
        document = importlib.import_module(f"services.{service}.app").app.openapi()
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                yield pytest.param(
                    service,
                    method.upper(),
                    path,
                    operation,
                    document,
                    id=f"{service} {method.upper()} {path}",
                )


EVERY = pytest.mark.parametrize(("service", "method", "path", "operation", "document"), list(operations()))

# Percent-encoded: NUL, halves of surrogates, bytes that are no UTF-8, ways up and out, other scripts' digits.
SEGMENTS = (
    "%00", "%ed%a0%80", "%ff%fe", "%c0%af", "..%2f..%2fetc%2fpasswd", "%2e%2e", "%0d%0aX-Evil:%201", "%F0%9F%98%80",
    "XB20261122-99999999999999999999", "XB%D9%A3-%EF%BC%91", "%27%3B%20DROP%20TABLE%20tickets%3B--", "%25%30%30", "%",
    "%zz", "*", "{number}", "x" * 6000, "%7F", "-1", "null", "%E2%80%AE", "9" * 400,
)  # fmt: skip
VALUES = (
    *SEGMENTS, "", "NaN", "1e309", "-0", "0x10", "true", "[]", "9223372036854775808", "0001-01-01", "9999-12-31",
    "2026-02-30", "20261122", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-11-21T24:00:00%2B24:00",
    "1763700000", f"{STREET},{STREET}", ",,,", "a,b,c",
)  # fmt: skip
CURSORS = tuple(
    base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode()
    for text in (
        "", "[]", "{}", "null", "1", '["\\u0000"]', '["\\u0000","\\u0000"]', '["9999-12-31T23:59:59+00:00","x"]',
        '["0001-01-01T00:00:00-23:00","00000000-0000-0000-0000-000000000000"]', "[" * 5000, '[{"a":1},[2]]',
        '["2026-11-22","00000000-0000-0000-0000-000000000000"]', '["00000000-0000-0000-0000-000000000000"]', "[1e999]",
        "\ud800", '["\\ud800"]', "[" + "9" * 300 + "]",
    )
)  # fmt: skip
HEADERS = (
    *(("Accept", value) for value in (b"", b"application/xml", b"*/*;q=foo", b"\xff\xfe", b"text/html," * 900)),
    *(
        (name, value)
        for name in ("If-Match", "If-None-Match")
        for value in (
            b"", b"*", b'"v"', b'"v99999999999999999999"', b'W/"v1"', b"\xff", b'"v1", "v2"', b"v-1", b'"' * 999,
            "٣".encode(), b"x" * 9000, b'"v\xb2"',
        )
    ),
    *(("Idempotency-Key", value) for value in (b"", b"\xff", b"k" * 9000, "钥匙".encode(), b"a b", b"'\"")),
    *(
        ("Authorization", value)
        for value in (
            b"", b"Bearer", b"Bearer a.b.c", b"Basic eDp5", b"Bearer \xff\xfe.\xff.\xff", b"bearer  x y",
            b"Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", b"Bearer " + b"a" * 20_000, b"\xe5\xb1\x85",
            b"Bearer eyJhbGciOiJIUzI1NiIsImtpZCI6WzFdfQ.eyJzdWIiOiJ4In0.x", b"Bearer e30.e30.e30",
        )
    ),
    *(("X-API-Key", value) for value in (b"", b"bjk_", b"\xff", b"bjk_%00_x", b"bjk_12345678_" + b"x" * 9000, b"bjk__")),
    ("X-Request-ID", b"\xff" * 9), ("X-HTTP-Method-Override", b"DELETE"), ("Range", b"bytes=-1"), ("Cookie", b"\xff=;;="),
    ("Expect", b"200-maybe"), ("Accept-Encoding", b"\xff"), ("Content-Encoding", b"gzip"), ("Forwarded", b"for=\xff"),
)  # fmt: skip
TYPES = (
    "", "text/plain", "application/xml", "application/json; charset=utf-16", "application/json; charset=\xff",
    "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=", "application",
    "application/merge-patch+json", "/", ";;;", "application/json, text/html", "image/png",
)  # fmt: skip
BODIES = (
    b"", b"\x00", b"null", b"[]", b"{}", b'""', b"0", b"{", b"[1,", b"NaN", b'{"content": NaN}', b"\xff\xfe{\x00}\x00",
    b"\xef\xbb\xbf{}", b"\xed\xa0\x80", b'{"content": "\xed\xa0\x80"}', b'{"content": "\\ud800"}', b'{"\\ud800": 1}',
    b'{"\\u0000": 1}', b'{"content": 1, "content": 2}', b"[" * 100_000, b'{"a":' * 40_000, b"[" * 900 + b"]" * 900,
    b"9" * 5000, b'{"content": ' + b"9" * 5000 + b"}", b"1e999999", b'{"content": -1e999999}', b"{} {}", b"content=x",
    b'{"__proto__": {}, "constructor": 1}',
)  # fmt: skip
FIELDS = (
    "\x00", "a\x00b", "\ud800", "\udfff\ud800", "\x1b[31m", "\x7f", "", " ", "\u202e", "x" * 100_000, "汉" * 9000, -1, 0,
    2**63, 10**400, 1e308, 1.5, True, None, [], [[]], {}, {"a": {"b": []}}, [None] * 2000, ["\x00"], ["\ud800"],
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2026-11-21T24:00:00+24:00", "2026-02-30T00:00:00Z",
    "2026-11-21T08:00:00", "1763700000", 1763700000, "'; DROP TABLE tickets; --", "%s%n{0}{x.__class__}", "９", "٣",
    {"longitude": 0, "latitude": 0, "crs": "\x00"}, {"longitude": 1e308, "latitude": -1e308, "crs": "wgs84"},
    {"name": "\x00", "phone": "1" * 20}, {"name": "\ud800", "phone": "-----"}, {"phone": "+86-138-0000-0000"},
)  # fmt: skip
# What each body needs at least, so that one nasty field is all that is wrong with it.
VALID = {
    "TicketIn": {"content": "路灯不亮"}, "SupplementIn": {"content": "还没有修"}, "ReopeningIn": {"reason": "又堵了"},
    "RatingIn": {"satisfaction": "satisfied"}, "SessionIn": {"code": "x"}, "RouteIn": {"content": "路灯不亮"},
    "ActionIn": {"reason": "看过了"}, "RefreshIn": {"refresh_token": "x"}, "SignOutIn": {}, "PhoneIn": {"phone": "13812345678"},
    "ConsentIn": {"notice": "privacy", "version": "1"}, "ContentDecisionIn": {"verdict": "pass", "reason": "看过了"},
}  # fmt: skip


class Door:
    """One operation, and what it must never answer."""

    def __init__(self, client, headers, number, method, path):
        self._client, self._headers, self._method, self._path = client, headers, method, path
        self._known = {"number": number, "action": "comment", "rate": "closure_rate"}

    def address(self, **instead):
        address = self._path
        for name, value in {**self._known, **instead}.items():
            address = address.replace(f"{{{name}}}", value)
        return address

    def knock(self, what, address=None, *, headers=(), **said):
        given = {**self._headers, **dict(headers)}
        request = self._client.build_request(self._method, address or self.address(), headers=given, **said)
        answer = self._client.send(request)
        seen = f"{self._method} {request.url} [{what}] -> {answer.status_code} {answer.text[:500]}"
        no_wechat = self._path in {"/v1/sessions", "/v1/me/phone"} and answer.status_code == 503
        assert answer.status_code < 500 or no_wechat, seen
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json", seen
            problem = answer.json()
            assert problem.keys() >= PROBLEM, seen
            assert problem["status"] == answer.status_code, seen
            assert CHINESE.search(problem["title"]), seen
            assert CHINESE.search(problem["detail"]), seen
            assert all(CHINESE.search(fault["message"]) for fault in problem["errors"]), seen
        return answer


@pytest.fixture
def door(house, people, numbers, service, method, path):
    with httpx.Client(base_url=house.url[service], timeout=30) as client:
        yield Door(client, people.headers(CALLER[service]), numbers[2], method, path)


def takes_files(operation):
    """Return whether an operation takes a file, for which its limit is another."""
    return "multipart/form-data" in operation.get("requestBody", {}).get("content", {})


def body_schema(operation, document):
    """Return (name, schema) of the JSON body of an operation; (None, None) where there is none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None, None
    schema = content["schema"]
    references = [schema, *schema.get("anyOf", [])]
    name = next(r["$ref"].rpartition("/")[2] for r in references if "$ref" in r)
    return name, document["components"]["schemas"][name]


@EVERY
def test_addresses(door, service, method, path, operation, document):
    body = {} if method == "GET" else {"json": VALID.get(body_schema(operation, document)[0], {})}
    for name, value in itertools.product(re.findall(r"{(\w+)}", path), SEGMENTS):
        door.knock(f"{name}={value[:60]}", door.address(**{name: value}), **body)
    parameters = [p["name"] for p in operation.get("parameters", []) if p["in"] == "query"]
    for name in (*parameters, "unknown"):
        for value in (*VALUES, *(CURSORS if name == "cursor" else ())):
            door.knock(f"{name}={value[:60]}", f"{door.address()}?{name}={value}", **body)
    for query in (
        "%00=%00",
        "&&&==&",
        "a" * 7000,
        "%ed%a0%80=1",
        "street=1&street=2",
        "limit=1&limit=x",
        "[]=1",
        "a=%",
    ):
        door.knock(query[:60], f"{door.address()}?{query}", **body)


@EVERY
def test_headers(door, method, operation, document):
    body = {} if method == "GET" else {"json": VALID.get(body_schema(operation, document)[0], {})}
    for header in HEADERS:
        door.knock(header, headers=[header], **body)


@EVERY
def test_bodies(door, method, operation, document):
    for body in BODIES if method == "POST" else BODIES[:6]:
        door.knock(body[:60], content=body, headers=[("Content-Type", b"application/json")])
    if method != "POST":
        return
    for kind in TYPES:
        door.knock(kind, content=b'{"content": "x"}', headers=[("Content-Type", kind.encode("latin-1"))])
    too_large = {400, 403, 422} if takes_files(operation) else {413}
    assert door.knock("10 MB", content=b" " * LARGE).status_code in too_large
    if "requestBody" not in operation:
        return  # what nobody reads is not counted
    pieces = (b" " * 65_536 for _ in range(LARGE // 65_536))
    assert door.knock("10 MB, length untold", content=pieces).status_code in too_large


@EVERY
def test_fields(door, method, operation, document):
    name, schema = body_schema(operation, document)
    for field, value in itertools.product(schema["properties"] if schema else (), FIELDS):
        content = escaped({**VALID.get(name, {}), field: value})
        door.knock(f"{field}={value!r:.60}", content=content, headers=[("Content-Type", b"application/json")])


def escaped(body):
    """Return JSON in plain ASCII: lone surrogates go out as escapes, as a careless client sends them."""
    return json.dumps(body).encode("ascii")
