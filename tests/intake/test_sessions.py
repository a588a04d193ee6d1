"""Signing in with WeChat, against a WeChat of our own."""

from dataclasses import replace
from typing import Annotated

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import SecretStr
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from services.intake.wechat import WeChat
from shared import clock
from shared.tables import residents
from tests.intake.test_submit import problem

SECRET, OPENID, SESSION_KEY = "app-secret-7", "oABC-openid-7", "session-key-7"
fake = FastAPI()
ANSWERS = {
    "bad": '{"errcode": 40029, "errmsg": "invalid code"}',
    "used": '{"errcode": 40163, "errmsg": "code been used"}',
    "often": '{"errcode": 45011, "errmsg": "api minute-quota reach limit"}',
    "busy": '{"errcode": -1, "errmsg": "system error"}',
    "secret": '{"errcode": 40125, "errmsg": "invalid appsecret"}',
    "empty": "{}",
    "list": "[]",
    "html": "<html>502</html>",
    "null": '{"openid": null}',
}


@fake.get("/sns/jscode2session")
async def code_to_session(
    appid: str, secret: str, js_code: str, grant_type: Annotated[str, Query(pattern="^authorization_code$")]
) -> Response:
    assert (appid, secret) == ("wx-app", SECRET)
    openid = js_code.removeprefix("good-") if js_code.startswith("good-") else OPENID
    good = f'{{"openid": "{openid}", "session_key": "{SESSION_KEY}"}}'
    return PlainTextResponse(ANSWERS.get(js_code, good))


@pytest.fixture
def wechat(state, environment, monkeypatch):
    """`wechat(transport)` puts a WeChat behind that transport into the service."""

    def put(transport):
        settings = environment.model_copy(
            update={"wechat_app_id": "wx-app", "wechat_app_secret": SecretStr(SECRET)}
        )
        monkeypatch.setitem(state._state, "wechat", WeChat(settings, transport=transport))

    put(httpx.ASGITransport(fake))
    return put


@pytest.fixture
def sign_in(intake, street):
    async def post(code="any", **body):
        return await intake.post("/v1/sessions", json={"code": code, "street": street.code, **body})

    return post


async def test_signing_in(wechat, sign_in, intake, keys, count, owner, street):
    now = clock.now()
    with clock.at(now), capture_logs() as logs:
        answer = await sign_in()
    assert answer.status_code == 201, answer.text
    session = answer.json()
    assert session["token_type"] == "Bearer"
    assert session["street"] == street.code
    assert session["resident_id"] == str(keys.resident_id(OPENID))
    headers = {"Authorization": f"Bearer {session['token']}"}
    posted = await intake.post("/v1/tickets", json={"content": "灯坏了"}, headers=headers)
    assert posted.status_code == 201
    async with owner.transaction([street.id], read_only=True) as tx:
        row = await tx.one(residents.select())
    assert keys.open(row.private, row.id.bytes) == {"openid": OPENID}
    for hidden in (OPENID, SESSION_KEY, SECRET):
        assert hidden not in answer.text + str(logs)


async def test_signing_in_again_is_the_same_person(wechat, sign_in, owner, street):
    first = (await sign_in()).json()
    second = (await sign_in()).json()
    other = (await sign_in("good-somebody-else")).json()
    assert first["resident_id"] == second["resident_id"] != other["resident_id"]
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(residents.select().order_by(residents.c.first_seen_at))
    assert len(rows) == 2
    assert rows[0].last_seen_at > rows[0].first_seen_at


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("bad", 422, "wechat_code_invalid"),
        ("used", 422, "wechat_code_invalid"),
        ("often", 503, "wechat_rate_limited"),
        ("busy", 503, "wechat_busy"),
        ("secret", 503, "wechat_unavailable"),
        ("empty", 503, "wechat_unavailable"),
        ("list", 503, "wechat_unavailable"),
        ("html", 503, "wechat_unavailable"),
        ("null", 503, "wechat_unavailable"),
    ],
)
async def test_wechat_says_no(wechat, sign_in, count, code, status, reason):
    answer = await sign_in(code)
    problem(answer, status, reason)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert await count(residents) == 0


@pytest.mark.parametrize("error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError])
async def test_wechat_is_away(wechat, sign_in, error):
    def fail(request):
        raise error(f"cannot reach {request.url}")

    wechat(httpx.MockTransport(fail))
    with capture_logs() as logs:
        problem(await sign_in(), 503, "wechat_unavailable")
    assert SECRET not in str(logs)


async def test_without_an_app_nobody_signs_in(sign_in):
    answer = await sign_in()
    problem(answer, 503, "wechat_not_configured")
    assert answer.headers["retry-after"] == "60"


async def test_the_street(wechat, intake, state, environment, street, monkeypatch):
    problem(await intake.post("/v1/sessions", json={"code": "c"}), 422, "street_required", "street")
    problem(
        await intake.post("/v1/sessions", json={"code": "c", "street": "404"}),
        422,
        "unknown_street",
        "street",
    )
    settings = environment.model_copy(update={"wechat_street": street.code})
    monkeypatch.setitem(state._state, "process", replace(state.process, settings=settings))
    answer = await intake.post("/v1/sessions", json={"code": "c"})
    assert answer.json()["street"] == street.code


@pytest.mark.parametrize("code", ["", "a b", "x" * 129, "码", None, 7])
async def test_codes_that_are_none(wechat, sign_in, code):
    problem(await sign_in(code), 422, field="code")
