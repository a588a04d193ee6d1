"""Merged tickets keep their own number: progress of the whole, a rating of their own, and nothing lost when undone."""

from uuid import UUID

from shared.lifecycle import State
from shared.tables import ratings
from shared.terms import Role
from tests.intake.test_submit import problem


async def test_a_member_follows_the_whole_and_rates_it_once(submit, stand, intake, actor_headers, count):
    lead, neighbour = await submit(), actor_headers(Role.RESIDENT, openid="neighbour")
    member = await submit(headers=neighbour, content="我家门口也是污水")
    await stand(lead, State.HANDLING)
    await stand(member, State.MERGED, merged_into=UUID(lead["id"]))
    path = f"/v1/tickets/{member['number']}"

    async def look(headers):
        return (await intake.get(path, headers=headers)).json()

    shown = await look(neighbour)
    assert (shown["group"]["number"], shown["group"]["people"], shown["group"]["state"]) == (
        None,
        2,
        "handling",
    )
    assert shown["group"]["deadline_text"].startswith("剩余")
    assert "rate" not in shown["actions"]
    problem(await intake.post(f"{path}/rating", json={"satisfaction": "satisfied"}, headers=neighbour), 409)

    moves = [("accept", State.SUBMITTED, State.HANDLING), ("close", State.CALLBACK, State.CLOSED)]
    await stand(lead, State.CLOSED, moves=moves, outcome="resolved")
    shown = await look(neighbour)
    assert (shown["group"]["state"], shown["group"]["outcome_text"]) == ("closed", "已解决")
    assert "rate" in shown["actions"]
    rated = await intake.post(f"{path}/rating", json={"satisfaction": "satisfied"}, headers=neighbour)
    assert rated.status_code == 202, rated.text
    problem(
        await intake.post(f"{path}/rating", json={"satisfaction": "basic"}, headers=neighbour),
        409,
        "already_rated",
    )
    assert await count(ratings) == 1
    assert (await look(actor_headers(Role.DISPATCHER)))["group"]["number"] == lead["number"]

    await stand(member, State.ACCEPTED, merged_into=None)  # undone
    shown = await look(neighbour)
    assert shown["group"] is None
    assert [r["satisfaction"] for r in shown["ratings"]] == ["satisfied"]
    assert shown["content"] == "我家门口也是污水"
