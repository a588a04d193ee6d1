"""Texts and pictures are looked at after they are accepted; nothing is refused, what is risky is flagged and hidden."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Uuid, literal, select
from structlog.testing import capture_logs

from services.intake.checks import pictures
from services.intake.checks.texts import TextChecks
from services.intake.verdicts import image_is_publishable, text_is_publishable
from shared import clock
from shared.tables import audit_log, content_checks, tickets
from shared.terms import ContentVerdict, Role
from tests.fixtures.ledgers import Here
from tests.fixtures.wechat import CALLBACK_TOKEN, CUT, MEDIA, ONE, TEXT
from tests.intake.test_submit import problem
from tests.intake.test_wechat_message import encrypt, sign

RISKY = "这里写了不该写的话"


@pytest.fixture
async def author(wechat, intake, street):
    """Headers of somebody WeChat knows."""
    body = {"code": "good.author", "street": street.code, "app": ONE}
    session = (await intake.post("/v1/sessions", json=body)).json()
    return {"Authorization": f"Bearer {session['token']}"}


@pytest.fixture
def check(wechat, processes, streets_made):
    """`await check()` does one round of the worker's, in the test's streets."""
    process = processes("intake")
    process = replace(process, streets=Here(process.streets, streets_made))
    return TextChecks(process, wechat).run


@pytest.fixture
def public(owner, street):
    """`await public(checking=True)` → the numbers that may be shown in public."""

    async def numbers(*, checking=True):
        async with owner.transaction([street.id], read_only=True) as tx:
            rows = await tx.rows(select(tickets.c.number).where(text_is_publishable(checking=checking)))
        return {row.number for row in rows}

    return numbers


@pytest.fixture
def flag(intake, clerk):
    async def seen(ticket):
        answer = await intake.get(f"/v1/tickets/{ticket['number']}", headers=clerk)
        return answer.json()["content_check"]

    return seen


async def test_a_risky_text_is_accepted_hidden_and_flagged(
    submit, author, check, public, flag, intake, fake_wechat
):
    fake_wechat.verdicts[RISKY] = ("risky", 20001)
    bad, good = await submit(headers=author, content=RISKY), await submit(headers=author)
    assert await public() == set()  # nothing is shown before it was looked at
    assert fake_wechat.calls(TEXT) == []  # and nobody waited for that
    assert await check() is False
    assert await public() == {good["number"]}
    assert [said["openid"] for said in fake_wechat.calls(TEXT)] == ["oone-author"] * 2
    told = await flag(bad)
    assert (told["verdict"], told["flagged"], told["label"], told["label_text"]) == (
        "risky",
        True,
        20001,
        "时政",
    )
    assert (await flag(good))["flagged"] is False
    mine = (await intake.get(f"/v1/tickets/{bad['number']}", headers=author)).json()
    assert (mine["content"], mine["content_check"]) == (RISKY, None)
    await check()
    assert len(fake_wechat.calls(TEXT)) == 2


async def test_staff_s_own_entries_are_theirs_to_answer_for(submit, clerk, check, public, fake_wechat):
    entered = await submit(headers=clerk)
    await check()
    assert fake_wechat.calls(TEXT) == []
    assert await public() == {entered["number"]}


async def test_without_an_answer_a_text_is_flagged_and_asked_about_again(
    submit, author, check, public, flag, fake_wechat
):
    ticket, now = await submit(headers=author), clock.now()
    fake_wechat.answers[TEXT].extend([CUT] * 3 + [40003])
    await check()
    told = await flag(ticket)
    assert (told["verdict"], told["flagged"], told["reason"]) == ("pending", True, "away")
    await check()  # too soon
    assert len(fake_wechat.calls(TEXT)) == 3
    with clock.at(now + timedelta(seconds=10)):
        await check()
    with clock.at(now + timedelta(seconds=20)):
        assert await public() == set()
        await check()
    assert await public() == {ticket["number"]}
    assert len(fake_wechat.calls(TEXT)) == 5


async def test_after_two_hours_wechat_is_not_asked_any_more(submit, author, check, flag, fake_wechat):
    ticket, now = await submit(headers=author), clock.now()
    with clock.at(now + timedelta(hours=3)):
        await check()
    assert fake_wechat.calls(TEXT) == []
    told = await flag(ticket)
    assert (told["verdict"], told["flagged"], told["reason_text"]) == (
        "unchecked",
        True,
        "超过两小时,微信不再受理检测",
    )


@pytest.mark.parametrize(
    ("errcode", "verdict", "reason"), [(61010, "unchecked", "not_seen_lately"), (87014, "risky", None)]
)
async def test_what_wechat_s_refusals_mean(
    submit, author, check, flag, fake_wechat, errcode, verdict, reason
):
    ticket = await submit(headers=author)
    fake_wechat.answers[TEXT].append(errcode)
    await check()
    told = await flag(ticket)
    assert (told["verdict"], told["reason"], told["flagged"]) == (verdict, reason, True)


async def test_who_did_not_come_by_wechat_cannot_be_asked_about(submit, resident, check, flag, fake_wechat):
    ticket = await submit(headers=resident)
    await check()
    assert (await flag(ticket))["reason"] == "no_account"
    assert fake_wechat.calls(TEXT) == []


async def test_without_wechat_nothing_is_checked_and_nothing_hidden(
    submit, resident, wechat, processes, public, count
):
    ticket = await submit(headers=resident)
    assert await TextChecks(processes("intake"), wechat.configure(wechat_apps=[])).run() is False
    assert await count(content_checks) == 0
    assert await public(checking=False) == {ticket["number"]}


async def test_staff_have_the_last_word(
    submit, author, check, public, flag, intake, clerk, fake_wechat, owner, street
):
    ticket, now = await submit(headers=author), clock.now()
    fake_wechat.answers[TEXT].append(40003)
    await check()
    path, body = (
        f"/v1/tickets/{ticket['number']}/content-check",
        {"verdict": "pass", "reason": "看过,没有问题"},
    )
    problem(await intake.post(path, json=body, headers=author), 403, "role_not_allowed")
    problem(await intake.post(path, json={"verdict": "pass"}, headers=clerk), 422, field="reason")
    answer = await intake.post(path, json=body, headers=clerk)
    assert (answer.status_code, answer.json()["reason_text"]) == (201, "工作人员认定")
    assert await public() == {ticket["number"]}
    with clock.at(now + timedelta(seconds=60)):
        await check()  # nothing waits for WeChat any more
    assert len(fake_wechat.calls(TEXT)) == 1
    await intake.post(path, json=body | {"verdict": "risky"}, headers=clerk)
    assert await public() == set()
    assert (await flag(ticket))["flagged"] is True
    async with owner.transaction([street.id], read_only=True) as tx:
        noted = await tx.rows(select(audit_log.c.detail).where(audit_log.c.action == "content_decided"))
    assert {row.detail["verdict"] for row in noted} == {"pass", "risky"}


async def test_many_are_asked_about_at_once(submit, author, check, count, fake_wechat):
    for _ in range(25):
        await submit(headers=author)
    assert await check() is True
    assert await check() is False
    assert await count(content_checks) == 25


async def test_texts_stand_in_no_log(submit, author, check, fake_wechat):
    await submit(headers=author, content=RISKY)
    fake_wechat.answers[TEXT].append(40003)
    with capture_logs() as logs:
        await check()
    assert logs
    assert not [mark for mark in (RISKY, "oone-author") if mark in str(logs)]


PICTURE = UUID(int=7)


@pytest.fixture
def ask(wechat, processes, street, author, actor):
    """`await ask()` → what is known of a picture after WeChat was asked to look at it."""

    async def about(openid="oone-author"):
        who = actor(Role.RESIDENT, openid=openid).id
        url = "https://files.example.cn/abcdefgh"
        return await pictures.ask(processes("intake"), wechat, street.id, who, PICTURE, url)

    return about


@pytest.fixture
def shown(owner, street):
    async def picture():
        condition = image_is_publishable(literal(street.id), literal(PICTURE, Uuid), checking=True)
        async with owner.transaction([street.id], read_only=True) as tx:
            row = await tx.one(select(content_checks.c.verdict, condition.label("shown")))
        return row.verdict, row.shown

    return picture


@pytest.fixture
def push(intake):
    """`await push(message)` as WeChat sends it, in the secure mode."""

    async def post(message, body=None, stamp=None, **query):
        sealed = encrypt(message if isinstance(message, bytes) else orjson.dumps(message))
        stamp = str(stamp or int(clock.now().timestamp()))
        signed = {
            "timestamp": stamp, "nonce": "n7", "signature": sign(stamp, "n7"),
            "msg_signature": sign(stamp, "n7", sealed), "encrypt_type": "aes",
        }  # fmt: skip
        body = body if body is not None else orjson.dumps({"ToUserName": "gh_7", "Encrypt": sealed})
        return await intake.post("/v1/wechat/callback", params=signed | query, content=body)

    return post


def seen(suggest="pass", label=100, trace="trace-abcdefgh", **more):
    result = {"suggest": suggest, "label": label}
    return {
        "MsgType": "event",
        "Event": "wxa_media_check",
        "trace_id": trace,
        "version": 2,
        "result": result,
    } | more


@pytest.mark.parametrize(
    ("said", "verdict"),
    [(seen(), "pass"), (seen("risky", 20002), "risky"), (seen(errcode=-1008, result={}), "unchecked")],
)
async def test_a_picture_waits_for_wechat_s_word(ask, shown, push, said, verdict):
    assert await ask() is ContentVerdict.PENDING
    assert await shown() == ("pending", False)
    answer = await push(said)
    assert (answer.status_code, answer.text) == (200, "success")
    assert answer.headers["content-type"].startswith("text/plain")
    assert await shown() == (verdict, verdict == "pass")
    await push(seen("review", 21000))  # played again, with another word: the first stands
    assert await shown() == (verdict, verdict == "pass")


async def test_the_same_in_xml(ask, shown, push):
    await ask()
    await push(
        b"<xml><Event><![CDATA[wxa_media_check]]></Event><trace_id><![CDATA[trace-abcdefgh]]></trace_id>"
        b"<result><suggest><![CDATA[risky]]></suggest><label>20002</label></result></xml>"
    )
    assert await shown() == ("risky", False)


async def test_pictures_wechat_cannot_be_asked_about(ask, shown, fake_wechat):
    fake_wechat.answers[MEDIA].extend([CUT] * 3)
    assert await ask() is ContentVerdict.UNCHECKED
    assert await shown() == ("unchecked", False)
    assert await ask("somebody-else") is ContentVerdict.UNCHECKED


async def test_messages_that_are_not_wechat_s(wechat, push, ask, shown):
    await ask()
    plain = orjson.dumps(seen("pass"))
    old = int(clock.now().timestamp()) - 301
    for answer in (
        await push(seen(), msg_signature="0" * 40),
        await push(seen(), body=plain),  # in the clear, where a key is agreed upon
        await push(seen(), body=b"<xml>"),
        await push(seen(), body=b""),
        await push(seen(), stamp=old),
        await push(seen(), nonce="n8"),
    ):
        problem(answer, 403, "bad_signature")
    assert await shown() == ("pending", False)


async def test_a_message_about_something_else_is_received_and_forgotten(wechat, push, count):
    for message in ({"Event": "user_enter_tempsession"}, {}, seen(trace="trace-of-nobody"), seen(trace=7)):
        assert (await push(message)).text == "success"
    assert await count(content_checks) == 0


async def test_the_callback_is_set_up(wechat, intake):
    stamp = str(int(clock.now().timestamp()))
    query = {"timestamp": stamp, "nonce": "n7", "signature": sign(stamp, "n7"), "echostr": "echo-7"}
    answer = await intake.get("/v1/wechat/callback", params=query)
    assert (answer.status_code, answer.text) == (200, "echo-7")
    bad = query | {"signature": sign(stamp, "n7", token=CALLBACK_TOKEN[:-1])}
    problem(await intake.get("/v1/wechat/callback", params=bad), 403, "bad_signature")
