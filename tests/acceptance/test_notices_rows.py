"""Notices in groups of residents: what the articles tell of them."""

from datetime import timedelta

import pytest

from shared import clock
from shared.terms import Role


@pytest.fixture
def post(intake, street, actor_headers):
    """`await post(headers=…, **body)` writes down what was posted into a group."""

    async def send(headers=None, status=201, **body):
        headers = headers or actor_headers(Role.COMMUNITY, unit=street.committee("c1"))
        answer = await intake.post("/v1/group-posts", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


async def test_s3_17_a_notice_to_a_wechat_group_is_recorded(post, intake, street, settle, actor_headers):
    """S3-17「在邻里微信群宣传引导」: which group, what was said, when, by whom, and for which ticket."""
    clerk, committee = actor_headers(Role.CLERK), actor_headers(Role.COMMUNITY, unit=street.committee("c1"))
    ticket = await intake.post(
        "/v1/tickets", json={"content": "44号楼前垃圾分类不到位", "community": "c1"}, headers=clerk
    )
    await settle()
    number = ticket.json()["number"]
    at = clock.now() - timedelta(hours=2)
    made = await post(
        group="44号楼邻里群", purpose="policy", content="请按桶点投放,早七点到九点", number=number,
        occurred_at=at.isoformat(),
    )  # fmt: skip
    assert (made["number"], made["late"], made["role_text"]) == (number, True, "社区工作者")
    listed = (await intake.get(f"/v1/group-posts?number={number}", headers=committee)).json()["items"]
    assert [p["content"] for p in listed] == ["请按桶点投放,早七点到九点"]
    other = actor_headers(Role.COMMUNITY, unit=street.committee("c2"))
    assert (await intake.get("/v1/group-posts", headers=other)).json()["items"] == []
    assert len((await intake.get("/v1/group-posts", headers=clerk)).json()["items"]) == 1


async def test_s3_17_a_ticket_out_of_sight_is_none(post, intake, actor_headers, street, settle):
    ticket = await intake.post(
        "/v1/tickets", json={"content": "路灯不亮", "community": "c2"}, headers=actor_headers(Role.CLERK)
    )
    await settle()
    refused = await post(
        group="邻里群", purpose="notice", content="x", number=ticket.json()["number"], status=422
    )
    assert refused["code"] == "unknown_ticket"


async def test_s4_05_the_three_uses_of_a_group_are_told_apart(post, intake, actor_headers):
    """S4-05「楼栋长通过微信群发布通知、收集民意、宣传惠民政策」."""
    uses = {"notice": "发布通知", "opinions": "收集民意", "policy": "宣传惠民政策"}
    for purpose, text in uses.items():
        made = await post(group="3号楼群", purpose=purpose, content=f"{text}一则")
        assert made["purpose_text"] == text
    leader = actor_headers(Role.LEADER)
    for purpose, text in uses.items():
        [one] = (await intake.get(f"/v1/group-posts?purpose={purpose}", headers=leader)).json()["items"]
        assert one["content"] == f"{text}一则"
    await post(group="3号楼群", purpose="advert", content="x", status=422)
    await post(group="3号楼群", purpose="notice", content="x", number="\u0000", status=422)
    assert (await intake.get("/v1/group-posts?number=%00", headers=leader)).status_code == 422
