"""What vendors' answers mean, when a line rests, where it may lead, what goes over it: no database, no network."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from uuid import uuid4

import pytest

from services.intake.notices import lines, messages, outcomes, targets
from services.intake.notices.lines import Health
from services.intake.notices.messages import Item
from services.intake.notices.outcomes import Outcome, Reply, fate, of_vendor, of_webhook

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
O = Outcome  # noqa: E741


def item(**changes):
    facts = {"number": "TA-1", "state": "closed", "state_text": "已办结", "category_text": "道路破损"}
    return Item(uuid4(), "close", "诉求已办结", facts, NOON, **changes)


@pytest.mark.parametrize(
    ("channel", "code", "outcome", "wait"),
    [
        ("wechat", 0, O.SENT, 0),
        ("wechat", 43101, O.EXHAUSTED, 0),
        ("wechat", 47003, O.REFUSED, 0),
        ("wechat", 40037, O.REFUSED, 0),
        ("wechat", 45009, O.SLOW, 3600),
        ("wechat", -1, O.LATER, 0),
        ("wechat", 42001, O.LATER, 0),
        ("wecom", 45009, O.SLOW, 60),
        ("wecom", 93000, O.GONE, 0),
        ("dingtalk", 310000, O.MISSET, 600),
        ("dingtalk", 130101, O.SLOW, 600),
        ("dingtalk", 400101, O.GONE, 0),
        ("dingtalk", 999999, O.LATER, 0),
        ("dingtalk", None, O.LATER, 0),
    ],
)
def test_the_vendors_own_codes(channel, code, outcome, wait):
    reply = of_vendor(channel, code)
    assert (reply.outcome, reply.wait) == (outcome, wait)


@pytest.mark.parametrize(
    ("status", "after", "outcome", "wait"),
    [
        (204, None, O.SENT, 0),
        (302, None, O.LATER, 0),
        (410, None, O.GONE, 0),
        (429, "30", O.SLOW, 30),
        (429, "soon", O.SLOW, 60),
        (503, "999999999", O.SLOW, 3600),
        (503, None, O.LATER, 0),
        (404, None, O.LATER, 0),
    ],
)
def test_a_webhooks_status(status, after, outcome, wait):
    reply = of_webhook(status, after)
    assert (reply.outcome, reply.wait) == (outcome, wait)


def test_what_becomes_of_a_send():
    def state(channel, outcome, failures=0, age=timedelta(0)):
        return fate(channel, Reply(outcome), failures, NOON - age, NOON).state

    assert state("wechat", O.SENT) == "sent"
    assert state("wechat", O.REFUSED) == state("wecom", O.GONE) == "fallback"
    assert state("webhook", O.GONE) == "failed"
    assert state("wechat", O.LATER) == state("wechat", O.SILENT) == "queued"
    assert state("wechat", O.LATER, failures=5) == "fallback"
    assert state("webhook", O.LATER, failures=9) == "failed"
    assert state("webhook", O.AWAY, failures=9) == "queued", "a vendor that is away counts against nobody"
    assert state("webhook", O.AWAY, age=timedelta(days=3)) == "failed"
    assert state("wechat", O.UNKNOWN) == state("dingtalk", O.UNKNOWN) == "fallback", "never twice"
    assert state("webhook", O.UNKNOWN) == "queued", "there a repetition is known as one"


def test_backing_off_grows_and_heeds_the_vendor():
    waits = [fate("webhook", Reply(O.LATER), n, NOON, NOON).next_at - NOON for n in range(8)]
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (timedelta(seconds=10), timedelta(hours=3))
    assert fate("wechat", Reply(O.SLOW, wait=3600), 0, NOON, NOON).next_at == NOON + timedelta(hours=1)


def test_a_breaker_opens_lets_one_through_and_closes():
    health, now = Health(0, NOON), NOON
    away, good = Reply(O.AWAY), Reply(O.SENT)
    for _ in range(4):
        health = lines.after(health, "webhook", [away], now)
        assert not health.open
        assert health.not_before == now
    health = lines.after(health, "webhook", [away], now)
    assert health.open
    assert health.not_before == now + timedelta(seconds=10)
    assert lines.room("webhook", health) == 1
    waits = []
    for _ in range(40):
        health = lines.after(health, "webhook", [away], now)
        waits.append(health.not_before - now)
    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=5)
    health = lines.after(health, "webhook", [good], now)
    assert (health.failures, lines.room("webhook", health)) == (0, 100)
    assert lines.after(health, "wechat", [away] * 9 + [good], now).failures == 0
    assert lines.after(health, "wechat", [Reply(O.EXHAUSTED)] * 9, now).failures == 0, "it answered"


def test_a_robot_says_no_more_than_twenty_things_a_minute():
    for channel in ("wecom", "dingtalk"):
        assert timedelta(minutes=1) / (lines.paced(channel, NOON) - NOON) < 20


def test_a_digest_keeps_to_the_limit_and_counts_what_it_leaves_out():
    assert messages.robot_text([item()]) == "诉求已办结 TA-1(道路破损)"
    short = messages.robot_text([item()] * 3)
    assert short.splitlines()[0] == "【办结】3条新通知"
    assert len(short.splitlines()) == 4
    long = messages.robot_text([item()] * 200)
    assert len(long.encode()) <= messages.ROBOT_BYTES
    *shown, last = long.splitlines()[1:]
    assert last == f"另有{200 - len(shown)}条,请登录办结查看"


def test_dingtalks_signature():
    query = messages.dingtalk_query("SEC-7", NOON)
    _, timestamp, sign = query.split("&")
    millis = timestamp.removeprefix("timestamp=")
    assert int(millis) == NOON.timestamp() * 1000
    wanted = hmac.digest(b"SEC-7", f"{millis}\nSEC-7".encode(), hashlib.sha256)
    assert base64.b64decode(unquote(sign.removeprefix("sign="))) == wanted


def test_a_webhook_is_signed_over_time_id_and_body_and_says_nothing_personal():
    message = uuid4()
    body = messages.webhook_body(message, [item(), item(content="3号楼")])
    headers = messages.webhook_headers("secret-secret-secret", message, body, NOON)
    signed = f"{headers['X-Banjie-Timestamp']}.{message}.".encode() + body
    wanted = hmac.new(b"secret-secret-secret", signed, hashlib.sha256).hexdigest()
    assert headers["X-Banjie-Signature"] == f"v1={wanted}"
    bare, told = json.loads(body)["notices"]
    assert bare.keys() == {
        "id", "action", "action_text", "number", "state", "state_text", "category_text", "occurred_at",
    }  # fmt: skip
    assert told["content"] == "3号楼"


def test_fields_of_a_subscribe_message_are_cut_to_their_types():
    fields = {"thing1": "category", "phrase2": "state", "character_string3": "number", "time4": "time"}
    long = Item(uuid4(), "close", "x", {**item().facts, "category_text": "道" * 30}, NOON)
    data = messages.subscribe_data(fields, long)
    assert len(data["thing1"]["value"]) == 20
    assert data["phrase2"]["value"] == "已办结"
    assert data["time4"]["value"] == "2026年3月2日 12:00"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "240.0.0.1", "224.0.0.1",
        "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "::",
    ],
)  # fmt: skip
def test_addresses_inside_are_refused(address):
    assert not targets.is_public(address)


def test_addresses_outside_are_not():
    assert targets.is_public("1.1.1.1")
    assert targets.is_public("2606:4700::1111")


@pytest.mark.parametrize(
    ("url", "channel"),
    [
        ("http://example.com/x", "webhook"),
        ("ftp://example.com/x", "webhook"),
        ("https://user:pw@example.com/x", "webhook"),
        ("https:///x", "webhook"),
        ("https://example.com:99999/", "webhook"),
        ("https://exam ple.com/", "webhook"),
        ("https://例子.com/", "webhook"),
        ("https://[::1/", "webhook"),
        ("https://example.com/robot/send?access_token=1", "dingtalk"),
        ("https://qyapi.weixin.qq.com.example.com/x", "wecom"),
    ],
)
def test_addresses_that_are_none(url, channel):
    with pytest.raises(targets.Refused):
        targets.parsed(url, channel, private=False)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://localhost/", "https://[::1]:8443/", "https://2130706433/"]
)
async def test_names_that_lead_inside_are_refused_when_they_are_resolved(url):
    with pytest.raises(targets.Refused):
        await targets.pin(url, "webhook", private=False)
    assert (await targets.pin(url, "webhook", private=True)).url.startswith("https://")


def test_given_up_is_told_apart():
    assert outcomes.given_up("webhook") == "failed"
    assert outcomes.given_up("wechat") == "fallback"
