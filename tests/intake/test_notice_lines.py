"""Notices leave the house: over real HTTP to a vendor of our own, each once, and fall back where they cannot."""

import asyncio
import hashlib
import hmac
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select, update

from shared import clock
from shared.tables import audit_log, idempotency_keys, notice_lines, notice_sends
from shared.terms import Role
from tests.fixtures.notices import SECRET
from tests.intake.test_submit import problem

WECHAT_PATH = "/cgi-bin/message/subscribe/send"


@pytest.fixture
def wechat(vendor):
    """`wechat(code, …)`: what WeChat answers to one message after another, then 0 for ever."""

    def answers(*codes):
        left = list(codes)

        def answer(path, body):
            if path == "/cgi-bin/stable_token":
                return 200, {"access_token": "T", "expires_in": 7200}
            if path != WECHAT_PATH:
                return 200, {"errcode": 0}
            code = left.pop(0) if left else 0
            return None if code is None else (200, {"errcode": code, "errmsg": "x"})

        vendor.answer = answer

    answers()
    return answers


@pytest.fixture
def allow(intake, settings_with_lines, resident):
    """`await allow(template, times=1, result="accept")` as the mini-program's dialogue would."""

    async def post(template="tmpl-result", times=1, result="accept", headers=None):
        for _ in range(times):
            answer = await intake.post(
                "/v1/subscriptions",
                json={"template": template, "result": result},
                headers=headers or resident,
            )
            assert answer.status_code == 201, answer.text
        return answer.json()

    return post


@pytest.fixture
async def one(submit, wechat, remember, allow, tell, resident, keys):
    """`await one(times=1)` → a notice to a resident who allows so many."""
    [who] = await remember("o-one")

    async def make(times=1, count=1):
        if times:
            await allow(times=times)
        ticket = await submit()
        return await tell(ticket, [f"resident:{who}"] * count)

    return make


def later(**span):
    return clock.at(clock.now() + timedelta(**span))


async def test_a_resident_who_allows_it_gets_a_subscribe_message(
    one, outgoing, sends, vendor, attempts, intake, resident
):
    await one()
    await outgoing.run()
    [send] = await sends()
    assert (send.state, send.attempts, send.code) == ("sent", 1, "sent:0")
    [message] = vendor.bodies(WECHAT_PATH)
    assert (message["touser"], message["template_id"]) == ("o-one", "tmpl-result")
    assert message["data"]["thing2"] == {"value": "诉求已办结"}
    assert [a[2:] for a in await attempts()] == [("begun", None), ("ended", "sent")]
    told = (await intake.get("/v1/subscriptions", headers=resident)).json()["templates"]
    assert {t["template"]: (t["granted"], t["used"], t["left"]) for t in told} == {
        "tmpl-progress": (0, 0, 0), "tmpl-result": (1, 1, 0),
    }  # fmt: skip
    await outgoing.run()
    assert vendor.count()[WECHAT_PATH] == 1


async def test_each_message_uses_one_grant_and_what_is_over_stays_in_the_app(one, outgoing, sends, vendor):
    await one(times=2, count=3)
    await outgoing.run()
    states = sorted(s.state for s in await sends())
    assert states == ["fallback", "sent", "sent"]
    assert vendor.count()[WECHAT_PATH] == 2
    [left] = await sends("fallback")
    assert (left.code, left.attempts) == ("exhausted:no_grant", 0)


async def test_wechat_says_that_nothing_is_left(one, wechat, outgoing, sends, intake, resident):
    await one(times=3)
    wechat(43101)
    await outgoing.run()
    [send] = await sends()
    assert (send.state, send.code) == ("fallback", "exhausted:43101")
    told = (await intake.get("/v1/subscriptions", headers=resident)).json()["templates"]
    assert next(t for t in told if t["template"] == "tmpl-result")["left"] == 0


async def test_a_message_wechat_never_takes_gives_its_grant_back(
    one, wechat, outgoing, sends, intake, resident
):
    await one()
    wechat(47003)
    await outgoing.run()
    [send] = await sends()
    assert (send.state, send.code) == ("fallback", "refused:47003")
    told = (await intake.get("/v1/subscriptions", headers=resident)).json()["templates"]
    assert next(t for t in told if t["template"] == "tmpl-result")["left"] == 1


async def test_a_failure_is_tried_again_with_the_same_grant(one, wechat, outgoing, sends, vendor):
    await one()
    wechat(-1, 42001)
    await outgoing.run()
    [send] = await sends()
    assert (send.state, send.failures) == ("queued", 1)
    assert send.next_at > clock.now()
    await outgoing.run()
    assert vendor.count()[WECHAT_PATH] == 1, "not before its time"
    for minutes in (1, 10):
        with later(minutes=minutes):
            await outgoing.run()
    [send] = await sends()
    assert (send.state, send.attempts) == ("sent", 3)
    assert vendor.count()["/cgi-bin/stable_token"] == 2, "a token WeChat does not know is fetched anew"


async def test_a_quota_that_is_used_up_stops_the_line_and_loses_nothing(one, wechat, outgoing, sends, vendor):
    await one(times=2)
    wechat(45009)
    await outgoing.run()
    with later(minutes=59):
        await outgoing.run()
    assert vendor.count()[WECHAT_PATH] == 1
    with later(minutes=61):
        await outgoing.run()
    assert [s.state for s in await sends()] == ["sent"]


async def test_who_never_subscribed_has_it_in_the_app_alone(one, outgoing, sends):
    await one(times=0)
    assert await sends() == []


async def test_a_refusal_in_the_dialogue_allows_nothing(allow, intake, resident):
    assert (await allow(result="reject"))["left"] == 0
    answer = await intake.post(
        "/v1/subscriptions", json={"template": "unheard", "result": "accept"}, headers=resident
    )
    problem(answer, 422, "unknown_template", "template")


async def test_who_falls_between_asking_and_noting_sends_nothing_twice(
    one, set_up, submit, tell, outgoing, sends, vendor, owner, street
):
    """WeChat may have it: not again. A webhook knows a repetition: again."""
    await one()
    hook = await set_up("webhook")
    await tell(await submit(), [f"line:{hook['id']}"])
    fallen = outgoing.another()
    for line in await _lines(owner, street):
        assert await fallen._claim(street.id, line) is not None
    await outgoing.run()
    assert vendor.received == [], "what is in another's hands is not touched"
    with later(seconds=61):
        await outgoing.run()
        await outgoing.run()
    with later(seconds=120):
        await outgoing.run()
    states = {(s.line_id == UUID(hook["id"])): (s.state, s.code) for s in await sends()}
    assert states == {False: ("fallback", "unknown"), True: ("sent", "sent:200")}
    assert vendor.count() == {"/webhook": 1}


async def _lines(owner, street):
    async with owner.transaction([street.id], read_only=True) as tx:
        return [row.id for row in await tx.rows(select(notice_lines.c.id))]


async def test_two_workers_do_not_send_the_same(one, outgoing, sends, vendor):
    await one(times=30, count=30)
    other = outgoing.another()
    for _ in range(3):
        await asyncio.gather(outgoing.run(), other.run())
        await other.finish()
    assert {s.state for s in await sends()} == {"sent"}
    assert vendor.count()[WECHAT_PATH] == 30


async def test_a_webhook_hears_of_the_moves_it_wants_and_can_check_who_speaks(
    set_up, submit, settle, hear, deliver, outgoing, vendor, sends
):
    every, some = (
        await set_up("webhook", "/all"),
        await set_up("webhook", "/some", actions=["dispatch"], with_content=True),
    )
    ticket = await submit(content="3号楼楼道里堆满杂物", category="0101")
    await deliver("routing")
    await hear()
    await outgoing.run()
    assert {s.state for s in await sends()} == {"sent"}
    told = {path: body["notices"] for path in ("/all", "/some") for body in vendor.bodies(path)}
    assert [n["action"] for n in told["/all"]] == ["register", "accept", "dispatch"]
    assert [n["action"] for n in told["/some"]] == ["dispatch"]
    assert told["/some"][0]["content"] == "3号楼楼道里堆满杂物"
    assert {n["number"] for n in told["/all"]} == {ticket["number"]}
    assert "3号楼" not in str(told["/all"])
    _, _, headers, body = next(r for r in vendor.received if r[0] == "/all")
    signed = f"{headers['x-banjie-timestamp']}.{headers['x-banjie-id']}.".encode() + body
    wanted = hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert headers["x-banjie-signature"] == f"v1={wanted}"
    assert every["failed"] == some["failed"] == 0


async def test_robots_of_a_unit_and_of_the_street(set_up, submit, tell, outgoing, vendor, sends):
    await set_up("wecom", unit=None)
    await set_up("dingtalk", "/dingtalk?access_token=1")
    ticket = await submit()
    await tell(ticket, ["unit:u02", "role:dispatcher", "resident:" + ticket["id"]], kind="dispatch")
    await outgoing.run()
    [digest] = vendor.bodies("/wecom")
    assert digest["text"]["content"].startswith("【办结】2条新通知")
    _, query, _, _ = next(r for r in vendor.received if r[0] == "/dingtalk")
    assert query.keys() == {"access_token", "timestamp", "sign"}
    await tell(ticket, ["unit:u02"])
    await outgoing.run()
    assert vendor.count()["/wecom"] == 1, "not oftener than a robot may speak"
    with later(seconds=4):
        await outgoing.run()
    assert vendor.count()["/wecom"] == 2
    assert {s.state for s in await sends()} == {"sent"}


async def test_a_units_robot_carries_its_units_notices_only(set_up, submit, tell, outgoing, sends, street):
    await set_up("wecom", unit=street.unit("物业办"))
    ticket = await submit()
    await tell(ticket, [f"unit:{street.unit('物业办')}", f"unit:{street.unit('安全办')}", "role:dispatcher"])
    assert len(await sends()) == 1


async def test_a_robot_that_is_no_more_ends_its_line(
    set_up, submit, tell, outgoing, vendor, sends, intake, actor_headers
):
    await set_up("wecom")
    vendor.says(200, {"errcode": 93000, "errmsg": "invalid webhook url"})
    ticket = await submit()
    await tell(ticket, ["role:dispatcher"])
    await outgoing.run()
    [line] = (await intake.get("/v1/webhooks", headers=actor_headers(Role.ADMIN))).json()["items"]
    assert line["ended_why"] == "对方答复线路已失效(93000)"
    await tell(ticket, ["role:dispatcher"])
    assert [s.state for s in await sends()] == ["fallback"]


async def test_a_robot_set_wrong_waits_until_it_is_set_right(set_up, submit, tell, outgoing, vendor, sends):
    await set_up("dingtalk")
    vendor.says(200, {"errcode": 310000, "errmsg": "sign not match"})
    await tell(await submit(), ["role:dispatcher"])
    await outgoing.run()
    vendor.says(200, {"errcode": 0})
    with later(minutes=11):
        await outgoing.run()
    assert [s.state for s in await sends()] == ["sent"]


async def test_dead_letters_are_kept_and_sent_again_when_asked(
    set_up, submit, tell, outgoing, vendor, sends, intake, actor_headers
):
    admin = actor_headers(Role.ADMIN)
    hook = await set_up("webhook")
    vendor.says(302, {}, {"Location": f"{vendor.url}/elsewhere"})
    await tell(await submit(), [f"line:{hook['id']}"])
    for hours in range(0, 40, 4):
        with later(hours=hours):
            await outgoing.run()
    [send] = await sends()
    assert (send.state, send.attempts, send.code) == ("failed", 10, "later:302")
    assert "/elsewhere" not in vendor.count(), "no redirect is followed"
    base = f"/v1/webhooks/{hook['id']}"
    [shown] = (await intake.get(f"{base}/sends?state=failed", headers=admin)).json()["items"]
    assert (shown["state_text"], shown["kind_text"]) == ("发送失败", "结案")
    ids = {n["id"] for body in vendor.bodies("/webhook") for n in body["notices"]}
    vendor.says(200, {})
    assert (await intake.post(f"{base}/replay", headers=admin)).json()["replayed"] == 1
    with later(hours=60):
        await outgoing.run()
    assert [s.state for s in await sends()] == ["sent"]
    assert {n["id"] for body in vendor.bodies("/webhook") for n in body["notices"]} == ids


async def test_a_line_is_shown_without_its_secrets(
    set_up, intake, actor_headers, owner, street, settings_with_lines
):
    admin = actor_headers(Role.ADMIN)
    answer = await intake.post(
        "/v1/webhooks",
        json={
            "channel": "webhook",
            "name": "大屏",
            "url": "http://127.0.0.1:1/hook?token=abc",
            "secret": SECRET,
        },
        headers=admin | {"Idempotency-Key": "line-1"},
    )
    line = answer.json()
    assert (line["host"], line["channel_text"]) == ("127.0.0.1", "推送(webhook)")
    shown = (await intake.get("/v1/webhooks", headers=admin)).text
    async with owner.transaction([street.id], read_only=True) as tx:
        kept = [
            str(row)
            for table in (audit_log, idempotency_keys, notice_lines)
            for row in await tx.rows(select(table))
        ]
    for secret in ("token=abc", SECRET):
        assert secret not in answer.text + shown + "".join(kept)
    ended = await intake.post(f"/v1/webhooks/{line['id']}/end", headers=admin)
    assert ended.json()["ended_why"] == "由管理员停用"
    problem(await intake.post(f"/v1/webhooks/{line['id']}/end", headers=admin), 409, "line_ended")
    problem(await intake.post(f"/v1/webhooks/{line['id']}/replay", headers=admin), 409, "line_ended")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"channel": "webhook", "url": "https://example.com"}, None),
        ({"channel": "webhook", "url": "https://example.com", "secret": "short"}, "secret"),
        ({"channel": "webhook", "url": "https://example.com", "secret": SECRET, "actions": ["fly"]}, None),
        ({"channel": "wecom", "url": "https://qyapi.weixin.qq.com/x", "with_content": True}, None),
        ({"channel": "sms", "url": "https://example.com"}, "channel"),
    ],
)
async def test_lines_that_are_none(intake, actor_headers, body, field):
    answer = await intake.post("/v1/webhooks", json=body | {"name": "x"}, headers=actor_headers(Role.ADMIN))
    problem(answer, 422, field=field)
    assert SECRET not in answer.text


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/x", "http://10.0.0.1/x", "https://169.254.169.254/latest"]
)
async def test_no_line_leads_into_the_house(intake, actor_headers, url):
    body = {"channel": "webhook", "name": "x", "url": url, "secret": SECRET}
    answer = await intake.post("/v1/webhooks", json=body, headers=actor_headers(Role.ADMIN))
    problem(answer, 422, "target_refused", "url")


async def test_a_line_made_where_it_was_allowed_sends_nothing_where_it_is_not(
    set_up, submit, tell, outgoing, vendor, sends
):
    hook = await set_up("webhook")
    await tell(await submit(), [f"line:{hook['id']}"])
    outgoing.post._private = False
    await outgoing.run()
    assert vendor.received == []
    [send] = await sends()
    assert send.code == "misset:地址须以 https:// 开头"


async def test_lines_are_the_administrators(intake, actor_headers, set_up, new_street):
    hook = await set_up("webhook")
    for role in (Role.CLERK, Role.UNIT, Role.RESIDENT):
        problem(await intake.get("/v1/webhooks", headers=actor_headers(role)), 403, "role_not_allowed")
    elsewhere = actor_headers(Role.ADMIN, streets=[await new_street()])
    for call in ("sends", "end", "replay"):
        method = intake.get if call == "sends" else intake.post
        problem(await method(f"/v1/webhooks/{hook['id']}/{call}", headers=elsewhere), 404, "line_not_found")


async def test_a_line_that_breaks_holds_up_no_other(
    set_up, submit, tell, outgoing, vendor, sends, owner, street
):
    bad, good = await set_up("webhook", "/bad"), await set_up("webhook", "/good")
    async with owner.transaction([street.id]) as tx:
        await tx.execute(
            update(notice_lines).values(sealed=b"nonsense" * 4).where(notice_lines.c.id == UUID(bad["id"]))
        )
    await tell(await submit(), [f"line:{bad['id']}", f"line:{good['id']}"])
    await outgoing.run()
    async with owner.transaction([street.id], read_only=True) as tx:
        states = {r.line_id: r.state for r in await tx.rows(select(notice_sends))}
    assert states == {UUID(bad["id"]): "queued", UUID(good["id"]): "sent"}
