"""What the articles show in pictures: the site that was inspected, and what it looks like now."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.attachments.sweep import Sweep
from services.routing.photos import usable
from shared import clock
from shared.lifecycle import State
from shared.terms import Role
from tests.intake.conftest import stand, submit, upload  # noqa: F401 - fixtures
from tests.intake.photos import GPS, PLACE, photo


@pytest.fixture
def resident(actor_headers):
    return actor_headers(Role.RESIDENT)


async def detail(intake, ticket, headers):
    return (await intake.get(f"/v1/tickets/{ticket['number']}", headers=headers)).json()


async def test_s0_29_a_site_inspection_keeps_its_photos_with_time_and_place(
    intake, upload, submit, actor_headers, resident  # noqa: F811
):  # fmt: skip
    """S0-29 「街道实地勘察」: who went adds what they saw, and the photos tell when and where it was."""
    leader = actor_headers(Role.LEADER)
    ticket = await submit()
    content = photo(1200, 900, exif={"gps": GPS})
    taken = await upload(content, leader, purpose="inspection", share_location="true")
    added = await intake.post(
        f"/v1/tickets/{ticket['number']}/supplements", headers=leader,
        json={"content": "街道会同物业实地勘察,管道破裂约两米", "attachment_ids": [taken["id"]]},
    )  # fmt: skip
    assert added.status_code == 201, added.text
    for headers in (leader, resident):
        [shown] = (await detail(intake, ticket, headers))["attachments"]
        assert (shown["purpose_text"], shown["origin_text"]) == ("实地勘察", "补充说明")
        assert shown["supplement_id"] == added.json()["id"]
        assert shown["location"] == PLACE
        assert shown["created_at"].endswith("+08:00")
        assert (await intake.get(shown["url"])).content[:3] == b"\xff\xd8\xff"


async def test_s0_32_result_text_and_after_photo_stand_with_the_closed_ticket(
    intake, upload, submit, stand, actor_headers, resident, processes, street  # noqa: F811
):  # fmt: skip
    """S0-32 「目前…得到维修及提升」: before and after, seen by the reporter, and still there when the day is over."""
    unit = actor_headers(Role.UNIT, unit="物业办")
    before = await upload(photo(30, 20), resident)
    ticket = await submit(attachment_ids=[before["id"]])
    after = await upload(photo(31, 20), unit, purpose="proof")
    strangers = await upload(photo(32, 20), actor_headers(Role.RESIDENT, openid="o-two"))
    named = [UUID(one["id"]) for one in (before, after, strangers)]
    async with processes("routing").database.transaction([street.id], read_only=True) as tx:
        good = await usable(tx, street.id, UUID(ticket["id"]), [*named, uuid4()])
        with clock.at(clock.now() + timedelta(hours=23, minutes=30)):
            late = await usable(tx, street.id, UUID(ticket["id"]), named)
    assert (good, late) == (set(named[:2]), set(named[:1]))
    proof = {"before_ids": [before["id"]], "after_ids": [after["id"]]}
    closed = ("close", State.CALLBACK, State.CLOSED)
    handled = (
        "handle",
        State.HANDLING,
        State.HANDLED,
        {"data": {"proof": proof}, "reason": "目前已得到维修及提升"},
    )
    await stand(ticket, State.CLOSED, moves=[handled, closed])
    with clock.at(clock.now() + timedelta(hours=50)):
        await Sweep(processes("intake")).run()
    seen = await detail(intake, ticket, resident)
    assert "目前已得到维修及提升" in [step["reason"] for step in seen["timeline"]]
    assert [(p["origin"], p["moment_text"]) for p in seen["attachments"]] == [
        ("report", None), ("proof", "办理前"), ("proof", "办理后"),
    ]  # fmt: skip
    assert (await intake.get(seen["attachments"][2]["url"])).status_code == 200
