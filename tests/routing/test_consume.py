"""What routing does about each event: place, decide petitions; once, in any order, whatever comes twice."""

from uuid import UUID

import pytest
from sqlalchemy import delete, insert, select

from services.routing.geometry import gcj02_to_wgs84
from shared.events import TicketSubmittedV1
from shared.outbox import Patience, Receiver
from shared.tables import channel_policies, deliveries, events, petitions, ticket_states, tickets, transitions
from shared.terms import Channel
from tests.routing.conftest import LEAD

OTHER = "1399"


@pytest.fixture
def petition(intake, who):
    """`await petition(number, "urges", …)` → 202; routing has not heard of it yet."""

    async def file(number, kind, **body):
        answer = await intake.post(f"/v1/tickets/{number}/{kind}", json=body, headers=who("resident"))
        assert answer.status_code == 202, answer.text
        return answer.json()

    return file


@pytest.fixture
def again(owner, street, processes, duties):
    """`await again()` hands the worker's handler every event of the street once more, deliveries or not."""

    async def all_events():
        async with owner.transaction([street.id], read_only=True) as tx:
            known = await tx.rows(select(events).where(events.c.type == TicketSubmittedV1.TYPE))
        happened = [
            TicketSubmittedV1(id=e.id, street_id=e.street_id, ticket_id=e.ticket_id, **e.payload)
            for e in known
        ]
        handle = (await duties("routing")).handle
        async with processes("routing").database.transaction([street.id]) as tx:
            await handle(tx, happened)

    return all_events


async def test_a_clear_matter_is_accepted_and_dispatched_by_itself(time, placed, look):
    ticket = await look(await placed("路灯不亮了,走夜路太危险"))
    assert (ticket["state"], ticket["category_name"], ticket["lead_unit_name"]) == (
        "dispatched",
        "路灯照明",
        "城建办",
    )
    assert [m["actor_role"] for m in ticket["timeline"]] == ["system"] * 3
    assert ticket["sign_due_at"] == "2026-03-04T00:00:00.000+08:00"
    assert any("路灯" in why for why in ticket["why"])


async def test_a_topic_of_a_group_waits_for_a_person(time, placed, look, street):
    ticket = await look(await placed(by="clerk", channel="group_topic"))
    assert (ticket["state"], ticket["owner_unit"], ticket["category"]) == ("submitted", "u01", "0101")
    assert ticket["due_at"] == "2026-03-04T00:00:00.000+08:00"  # to be accepted within one working day


async def test_a_channel_without_a_policy_waits_for_a_person(time, submit, deliver, look, owner, street):
    async with owner.transaction([street.id]) as tx:
        await tx.execute(delete(channel_policies).where(channel_policies.c.channel == Channel.LETTER.value))
    number = (await submit(by="clerk", channel="letter"))["number"]
    await deliver("routing")
    assert (await look(number))["state"] == "submitted"


async def test_a_channel_may_be_accepted_without_being_dispatched(time, submit, deliver, look, owner, street):
    async with owner.transaction([street.id]) as tx:
        await tx.execute(delete(channel_policies).where(channel_policies.c.channel == Channel.PHONE.value))
        await tx.execute(
            insert(channel_policies).values(
                street_id=street.id, channel=Channel.PHONE.value, auto_accept=True, auto_dispatch=False
            )
        )
    number = (await submit(by="clerk", channel="phone"))["number"]
    await deliver("routing")
    assert (await look(number))["state"] == "accepted"


@pytest.mark.parametrize("words", ["你好", "谢谢", "1", "🙂🙂🙂", "。。。", "请帮忙处理一下这个事情"])
async def test_what_nobody_can_tell_waits_at_the_desk(time, placed, look, words):
    ticket = await look(await placed(words))
    assert (ticket["state"], ticket["category"], ticket["owner_unit"]) == ("accepted", OTHER, "u01")
    assert any("由派单员确定" in why for why in ticket["why"])
    assert ticket["due_at"] is not None


async def test_a_given_category_is_taken(time, placed, look):
    ticket = await look(await placed("你好", category="0203"))
    assert (ticket["state"], ticket["category"], ticket["mode_text"]) == ("dispatched", "0203", "紧急")


async def test_a_given_grid_is_taken(time, placed, look):
    ticket = await look(await placed(grid_code="g22"))
    assert (ticket["grid"], ticket["community"], ticket["community_name"]) == ("g22", "c2", "远洋社区")


@pytest.mark.parametrize("crs", ["gcj02", "wgs84"])
@pytest.mark.parametrize("grid", ["g11", "g32"])
async def test_a_point_falls_into_its_grid(time, placed, look, street, crs, grid):
    point = street.middle(grid)
    longitude, latitude = gcj02_to_wgs84(*point) if crs == "wgs84" else point
    location = {"longitude": longitude, "latitude": latitude, "crs": crs}
    ticket = await look(await placed(location=location))
    assert (ticket["grid"], ticket["community"]) == (grid, f"c{grid[1]}")
    assert any(f"网格 {grid}" in why for why in ticket["why"])


async def test_the_same_numbers_mean_another_place_in_another_system(time, placed, look, street):
    longitude, latitude = street.middle("g11")
    east = longitude + 0.004  # a few hundred metres from the border: the shift decides
    read = {
        crs: (await look(await placed(location={"longitude": east, "latitude": latitude, "crs": crs})))[
            "grid"
        ]
        for crs in ("gcj02", "wgs84")
    }
    assert read == {"gcj02": "g11", "wgs84": "g21"}


async def test_a_point_outside_falls_back_on_words(time, placed, look):
    far = {"longitude": 116.4, "latitude": 39.9, "crs": "gcj02"}
    ticket = await look(await placed(location=far, address="远洋社区3号楼"))
    assert (ticket["grid"], ticket["community"]) == (None, "c2")
    assert {"定位不在本街道任何网格内", "地址或内容提到“远洋社区”"} <= set(ticket["why"])


async def test_a_community_is_known_by_its_name_in_address_or_words(time, placed, look):
    assert (await look(await placed(address="胜利小区5栋")))["community"] == "c3"
    assert (await look(await placed("晨晖这边的垃圾没人清运,垃圾桶满了")))["community"] == "c1"


async def test_without_any_place_it_is_the_streets(time, placed, look):
    ticket = await look(await placed(category="0205"))
    assert (ticket["community"], ticket["lead_unit_name"]) == (None, "社区居委会")
    assert "没有可用的位置,归街道统一处理" in ticket["why"]


async def test_a_late_entry_is_placed_when_it_happened(time, placed, look):
    occurred = "2026-02-26T10:00:00+08:00"
    ticket = await look(await placed(by="clerk", channel="letter", occurred_at=occurred))
    assert [m["occurred_at"][:19] for m in ticket["timeline"]] == [occurred[:19]] * 3
    assert all(m["late"] for m in ticket["timeline"])
    assert ticket["received_at"][:19] == occurred[:19]


async def test_events_that_come_twice_have_one_effect(time, submit, deliver, again, rows):
    for _ in range(3):
        await submit()
    await deliver("routing")
    before = await rows(transitions), await rows(ticket_states), len(await rows(events))
    await again()
    assert (await rows(transitions), await rows(ticket_states), len(await rows(events))) == before


async def test_a_street_sees_only_its_own_events(time, submit, deliver, new_street, owner, street, rows):
    await submit()
    other = await new_street()
    await deliver("routing")
    assert len(await rows(ticket_states)) == 1
    async with owner.transaction([other.id], read_only=True) as tx:
        assert await tx.rows(select(ticket_states)) == []


async def test_an_urge_is_counted(time, placed, petition, deliver, standing, history):
    number = await placed()
    await petition(number, "urges")
    await deliver("routing")
    assert (await standing(number)).urge_count == 1
    assert (await history(number))[-1] == "urge"
    time.forward(hours=1)
    await petition(number, "urges")
    await deliver("routing")
    assert (await standing(number)).urge_count == 2


async def test_a_withdrawal_ends_it(time, placed, petition, deliver, look):
    number = await placed()
    await petition(number, "withdrawal", reason="已经有人清了")
    await deliver("routing")
    ticket = await look(number)
    assert (ticket["state"], ticket["owner_unit"]) == ("withdrawn", None)
    [*_, last] = ticket["timeline"]
    assert (last["actor_role"], last["reason"], "petition_id" in last["data"]) == (
        "resident",
        "已经有人清了",
        True,
    )


async def test_a_reopening_gives_it_back(time, bring, petition, deliver, look):
    number = await bring("closed")
    time.forward(days=3)
    await petition(number, "reopening", reason="又脏了")
    await deliver("routing")
    ticket = await look(number)
    assert (ticket["state"], ticket["lead_unit_name"], ticket["closed_at"]) == ("handling", "物业办", None)


async def test_a_petition_may_overtake_its_ticket(
    time, submit, petition, deliver, owner, street, history, processes, duties
):
    number = (await submit())["number"]
    await petition(number, "withdrawal")
    # only the petition is delivered; the ticket's own event comes later
    async with owner.transaction([street.id]) as tx:
        await tx.execute(
            deliveries.update().where(deliveries.c.event_id.in_(
                select(events.c.id).where(events.c.type == TicketSubmittedV1.TYPE)
            )).values(consumer="intake")
        )  # fmt: skip
    await deliver("routing")
    assert await history(number) == ["register", "accept", "dispatch", "withdraw"]
    async with owner.transaction([street.id]) as tx:
        await tx.execute(
            deliveries.update().values(consumer="routing").where(deliveries.c.consumer == "intake")
        )
    await deliver("routing")
    assert await history(number) == ["register", "accept", "dispatch", "withdraw"]


async def test_ticket_and_petition_may_come_in_one_batch(time, submit, petition, deliver, history):
    number = (await submit())["number"]
    await petition(number, "urges")
    await petition(number, "withdrawal")
    await deliver("routing")
    assert await history(number) == ["register", "accept", "dispatch", "urge", "withdraw"]


async def test_a_petition_that_comes_too_late_leaves_a_word(time, placed, petition, do, deliver, look):
    number = await placed()
    await petition(number, "withdrawal")
    await do(number, "sign", LEAD)  # a moment earlier than the worker
    await deliver("routing")
    ticket = await look(number)
    assert ticket["state"] == "signed"
    [*_, last] = ticket["timeline"]
    assert (last["action"], last["actor_role"]) == ("comment", "system")
    assert last["reason"].startswith("诉求人申请撤回,未能办理:")
    assert "已签收" in last["reason"]


async def test_a_petition_is_decided_once(
    time, placed, petition, deliver, rows, standing, processes, duties, street
):
    number = await placed()
    await petition(number, "urges")
    await deliver("routing")
    [event] = [e for e in await rows(events) if e.type == "petition_filed"]
    [row] = await rows(petitions)
    assert event.payload["petition_id"] == str(row.id)
    process = processes("routing")
    receiver = Receiver(
        "routing", process.database, (await duties("routing")).handle, Patience.of(process.settings)
    )
    await receiver.take([(street.id, event.id), (street.id, event.id)])
    assert (await standing(number)).urge_count == 1


async def test_nothing_is_dropped_when_a_street_has_no_desk_yet(time, submit, deliver, owner, street, rows):
    """A ticket whose street cannot place it stays a delivery, in sight."""
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute("UPDATE units SET is_desk = false")
    await submit()
    await deliver("routing", tolerate=True)
    [delivery] = [d for d in await rows(deliveries) if d.consumer == "routing"]
    assert (delivery.failures, "派单台" in delivery.error) == (1, True)
    assert UUID(str((await rows(tickets))[0].id))
