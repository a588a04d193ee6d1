"""Rows about who comes, and by which way: residents through their mini-program, users counted apart from requests."""

from uuid import uuid4

import pytest

from shared.terms import Channel, Role
from tests.fixtures.wechat import ONE


@pytest.fixture
def clerk(actor_headers):
    return actor_headers(Role.CLERK)


async def sign_in(intake, street, who):
    body = {"code": f"good.{who}.{uuid4().hex}", "street": street.code, "app": ONE}
    session = (await intake.post("/v1/sessions", json=body)).json()
    return {"Authorization": f"Bearer {session['token']}"}


async def report(intake, headers, **body):
    answer = await intake.post("/v1/tickets", json={"content": "楼道灯不亮"} | body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_s3_06_a_resident_reports_through_the_mini_program(wechat, intake, street, clerk):
    """S3-06: 通过小程序反映 — by openid alone; a telephone number may come along and need not."""
    resident = await sign_in(intake, street, "somebody")
    without = await report(intake, resident)
    with_one = await report(intake, resident, contact={"phone": "13812345678"})
    assert without["channel"] == with_one["channel"] == "mini_program"
    seen = [
        (await intake.get(f"/v1/tickets/{t['number']}", headers=clerk)).json()["contact"]
        for t in (without, with_one)
    ]
    assert seen == [None, {"name": None, "phone": "138****5678"}]


async def test_s0_02_users_are_counted_apart_from_requests(wechat, intake, street, clerk):
    """S0-02: 吸纳用户2524人 — users are people; requests (here 5 of 3) never enter the figure."""
    people = [await sign_in(intake, street, f"user-{n}") for n in range(3)]
    for headers in (*people, *people[:2]):
        await report(intake, headers)
    await sign_in(intake, street, "user-0")  # again
    counted = (await intake.get("/v1/users/count", headers=clerk)).json()
    listed = (await intake.get("/v1/tickets", headers=clerk)).json()["items"]
    assert (counted["users"], len(listed)) == (3, 5)


async def test_s2_07_wechat_is_a_channel_beside_letter_box_and_hotline(wechat, intake, street, clerk):
    """S2-07: 微信、信箱、热线电话 — each a channel of its own; WeChat's is what a sign-in through WeChat gives."""
    by_wechat = await report(intake, await sign_in(intake, street, "somebody"))
    others = [await report(intake, clerk, channel=c) for c in (Channel.LETTER, Channel.HOTLINE)]
    assert [t["channel_text"] for t in (by_wechat, *others)] == ["小程序", "来信", "12345热线"]
