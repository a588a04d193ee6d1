"""The client of WeChat against a WeChat of our own: tokens, refusals, repetitions, the circuit."""

import asyncio
from datetime import timedelta

import pytest
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisAway
from structlog.testing import capture_logs

from services.intake.wechat import errors
from services.intake.wechat.breaker import FAILURES, OPEN_SECONDS, Breaker
from services.intake.wechat.errors import ERRORS, told
from shared import clock
from shared.errors import Invalid, Unavailable
from tests.fixtures.wechat import CUT, HTML, LOGIN, MEDIA, ONE, PHONE, SECRET, SEND, SLOW, STABLE, TEXT, TWO


@pytest.fixture
def one(client):
    made = client()
    return made, made.apps[ONE]


async def test_one_token_for_all_processes(client, fake_wechat):
    clients = [client() for _ in range(6)]
    await asyncio.gather(*(c.check_text(c.apps[ONE], "o", "你好") for c in clients))
    assert len(fake_wechat.calls(STABLE)) == 1
    await clients[0].check_text(clients[0].apps[TWO], "o", "你好")
    assert [said["appid"] for said in fake_wechat.calls(STABLE)] == [ONE, TWO]


async def test_a_token_is_renewed_before_it_ends(one, fake_wechat):
    wechat, app = one
    now = clock.now()
    await wechat.check_text(app, "o", "你好")
    with clock.at(now + timedelta(seconds=7200 - 301)):
        await wechat.check_text(app, "o", "你好")
    assert len(fake_wechat.calls(STABLE)) == 1
    with clock.at(now + timedelta(seconds=7200 - 299)):
        await wechat.check_text(app, "o", "你好")
    assert len(fake_wechat.calls(STABLE)) == 2


@pytest.mark.parametrize("errcode", [40001, 42001])
async def test_a_token_refused_is_replaced_once(one, fake_wechat, errcode):
    wechat, app = one
    await wechat.check_text(app, "o", "你好")
    fake_wechat.answers[TEXT].append(errcode)
    await wechat.check_text(app, "o", "你好")
    # asked for in the ordinary way it is the same one: only then is a new one forced
    assert [said["force_refresh"] for said in fake_wechat.calls(STABLE)] == [False, False, True]
    fake_wechat.answers[TEXT].extend([errcode, errcode])
    with pytest.raises(errors.BadAccessToken):
        await wechat.check_text(app, "o", "你好")


async def test_a_token_somebody_replaced_is_fetched_without_force(one, client, fake_wechat):
    wechat, app = one
    await wechat.check_text(app, "o", "你好")
    fake_wechat.revoke()
    others = [wechat, client(), client()]
    await asyncio.gather(*(c.check_text(app, "o", "你好") for c in others))
    assert [said["force_refresh"] for said in fake_wechat.calls(STABLE)] == [False, False]


async def test_with_redis_down_processes_take_turns_by_the_database(client, fake_wechat):
    clients = [client(redis_url=SecretStr("redis://127.0.0.1:9")) for _ in range(3)]
    for made in clients:
        with pytest.raises(RedisAway):
            await made._redis.ping()
    await asyncio.gather(*(c.check_text(c.apps[ONE], "o", "你好") for c in clients))
    assert len(fake_wechat.calls(TEXT)) == 3
    assert not any(said["force_refresh"] for said in fake_wechat.calls(STABLE))
    before = len(fake_wechat.calls(STABLE))
    await clients[0].check_text(clients[0].apps[ONE], "o", "你好")
    assert len(fake_wechat.calls(STABLE)) == before  # each remembers its own


@pytest.mark.parametrize("errcode", sorted(set(ERRORS) - {-1, 40001, 40014, 42001}))
async def test_a_refusal_is_told_apart_and_not_repeated(one, fake_wechat, errcode):
    wechat, app = one
    fake_wechat.answers[SEND].append(errcode)
    with pytest.raises(ERRORS[errcode]) as refused:
        await wechat.send_subscribe(app, "o", "template", None, {"thing1": "路灯"})
    assert refused.value.errcode == errcode
    assert len(fake_wechat.calls(SEND)) == 1


async def test_an_errcode_nobody_knows_lies_with_the_settings(one, fake_wechat):
    wechat, app = one
    fake_wechat.answers[SEND].append(48001)
    with pytest.raises(errors.Misconfigured):
        await wechat.send_subscribe(app, "o", "template", "pages/a", {})


@pytest.mark.parametrize(
    ("path", "bad", "calls"),
    [
        (TEXT, [-1, -1], 3), (TEXT, [CUT, HTML], 3), (MEDIA, [CUT], 2),
        # busy: nothing was done, so even a message may be sent again
        (SEND, [-1], 2), (PHONE, [-1, -1], 3), (LOGIN, [-1], 2),
    ],
)  # fmt: skip
async def test_what_may_be_repeated_is(one, fake_wechat, path, bad, calls):
    fake_wechat.answers[path].extend(bad)
    await ask(*one, path)
    assert len(fake_wechat.calls(path)) == calls


@pytest.mark.parametrize("path", [SEND, PHONE, LOGIN])
@pytest.mark.parametrize("bad", [CUT, HTML])
async def test_what_may_have_been_done_is_not_done_again(one, fake_wechat, path, bad):
    fake_wechat.answers[path].append(bad)
    with pytest.raises(errors.Away):
        await ask(*one, path)
    assert len(fake_wechat.calls(path)) == 1


async def ask(wechat, app, path):
    if path == TEXT:
        return await wechat.check_text(app, "o", "你好")
    if path == MEDIA:
        return await wechat.check_image(app, "o", "https://example.cn/12345678")
    if path == PHONE:
        return await wechat.phone(app, "phone-code")
    if path == LOGIN:
        return await wechat.identity(app, "good.one")
    return await wechat.send_subscribe(app, "o", "template", None, {})


async def test_a_check_has_two_seconds(one, fake_wechat, monkeypatch):
    monkeypatch.setattr("services.intake.wechat.client.CHECK_SECONDS", 0.2)
    fake_wechat.answers[TEXT].append(SLOW)
    began = asyncio.get_running_loop().time()
    with pytest.raises(errors.Away):
        await ask(*one, TEXT)
    assert asyncio.get_running_loop().time() - began < 2


async def test_the_circuit_opens_and_closes(client, fake_wechat):
    wechat = client()
    app = wechat.apps[ONE]
    await wechat.check_text(app, "o", "你好")
    fake_wechat.answers[SEND].extend([CUT] * FAILURES)
    for _ in range(FAILURES):
        with pytest.raises(errors.Away):
            await wechat.send_subscribe(app, "o", "template", None, {})
    with pytest.raises(errors.Off):
        await wechat.send_subscribe(app, "o", "template", None, {})
    assert len(fake_wechat.calls(SEND)) == FAILURES
    client.time += OPEN_SECONDS
    fake_wechat.answers[SEND].append(43101)  # a refusal is an answer: WeChat is there again
    with pytest.raises(errors.NoQuota):
        await wechat.send_subscribe(app, "o", "template", None, {})
    await wechat.send_subscribe(app, "o", "template", None, {})


def test_a_circuit_half_open_lets_one_through():
    now = [0.0]
    breaker = Breaker(failures=2, seconds=10, now=lambda: now[0])
    for _ in range(2):
        assert breaker.admits()
        breaker.failed()
    assert breaker.is_open
    assert not breaker.admits()
    now[0] = 10
    assert [breaker.admits(), breaker.admits()] == [True, False]
    breaker.failed()
    now[0] = 19.9
    assert not breaker.admits()
    now[0] = 20
    assert breaker.admits()
    breaker.succeeded()
    assert [breaker.admits(), breaker.admits(), breaker.is_open] == [True, True, False]


async def test_secrets_and_people_stand_in_no_log_and_no_error(one, fake_wechat):
    wechat, app = one
    marks = (SECRET, "o-planted", "好秘密", "token-")
    fake_wechat.answers[TEXT].extend([40001, 45011])
    with capture_logs() as logs, pytest.raises(errors.TooOften) as refused:
        await wechat.check_text(app, "o-planted", "好秘密")
    chain = f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r} {logs}"
    assert not [mark for mark in marks if mark in chain]
    assert [entry["errcode"] for entry in logs if entry["event"] == "wechat_refused"] == [45011]


def test_what_a_person_is_told():
    assert isinstance(told(errors.BadCode(40163), "手机号授权"), Invalid)
    for error in (
        errors.Busy(-1),
        errors.TooOften(45011),
        errors.Away(),
        errors.Off(),
        errors.Misconfigured(1),
    ):
        refusal = told(error, "登录凭证")
        assert isinstance(refusal, Unavailable)
        assert refusal.retry_after > 0
