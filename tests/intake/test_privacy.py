"""Contact data in the clear, with a reason and a trace; reporters blocked for a while; limits that fail open."""

from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select, update

from services.intake.limits import Limit, Limits
from shared import clock
from shared.errors import TooMany
from shared.lifecycle import State
from shared.tables import disclosures, units
from shared.terms import Role
from tests.intake.test_submit import problem

CONTACT = {"name": "甄安宁", "phone": "13800001234"}
WHY = {"reason": "上门之前约时间"}


@pytest.fixture
def ask(intake):
    async def post(ticket, headers, body=WHY):
        return await intake.post(f"/v1/tickets/{ticket['number']}/contact", json=body, headers=headers)

    return post


async def test_contact_is_shown_with_a_reason_and_leaves_a_trace(submit, ask, intake, actor_headers, count):
    ticket = await submit(contact=CONTACT)
    dispatcher = actor_headers(Role.DISPATCHER)
    shown = await ask(ticket, dispatcher)
    assert shown.status_code == 200
    assert {k: shown.json()[k] for k in ("name", "phone", "address")} == {**CONTACT, "address": None}
    trace = (await intake.get("/v1/disclosures", headers=actor_headers(Role.AUDITOR))).json()["items"]
    assert [(t["number"], t["role"], t["reason"], t["fields"]) for t in trace] == [
        (ticket["number"], "dispatcher", WHY["reason"], ["name", "phone"])
    ]
    assert CONTACT["phone"] not in str(trace)
    problem(await ask(ticket, dispatcher, {"reason": " "}), 422)
    problem(await ask(ticket, actor_headers(Role.RESIDENT)), 403, "role_not_allowed")
    assert await count(disclosures) == 1


async def test_who_must_not_know_the_reporter(submit, stand, ask, owner, street, actor_headers):
    secret = await submit(contact=CONTACT, confidential=True)
    plain = await submit(contact=CONTACT)
    property_company, office = (
        actor_headers(Role.UNIT, unit="物业办"),
        actor_headers(Role.UNIT, unit="安全办"),
    )
    async with owner.transaction([street.id]) as tx:
        codes = {u.name: u.code for u in await tx.rows(select(units.c.name, units.c.code))}
        await tx.execute(update(units).where(units.c.name == "物业办").values(kind="property"))
    await stand(secret, State.SIGNED, lead_unit=codes["物业办"], owner_unit=codes["物业办"])
    await stand(
        plain, State.SIGNED, lead_unit=codes["物业办"], owner_unit=codes["物业办"], about_unit=codes["物业办"]
    )
    problem(await ask(secret, property_company), 403, "confidential")
    problem(await ask(plain, property_company), 404, "ticket_not_found")
    problem(await ask(secret, office), 404, "ticket_not_found")
    assert (await ask(secret, actor_headers(Role.DISPATCHER))).status_code == 200
    problem(await ask(await submit(anonymous=True), actor_headers(Role.DISPATCHER)), 404, "no_contact")
    problem(await ask(await submit(), actor_headers(Role.DISPATCHER)), 404, "no_contact")


async def test_nobody_looks_through_them_all(submit, ask, owner, street, actor_headers):
    ticket = await submit(contact=CONTACT)
    assert (await ask(ticket, actor_headers(Role.CLERK))).status_code == 200
    async with owner.transaction([street.id]) as tx:
        one = (await tx.one(select(disclosures)))._mapping
        await tx.execute(insert(disclosures), [{**one, "id": uuid4()} for _ in range(59)])
    refused = await ask(ticket, actor_headers(Role.CLERK))
    problem(refused, 429, "too_many_disclosures")
    assert refused.headers["retry-after"] == "600"


async def test_a_blocked_reporter_is_told_why_and_loses_nothing(submit, intake, resident, actor_headers):
    ticket = await submit()
    supervisor = actor_headers(Role.SUPERVISOR)
    body = {
        "number": ticket["number"],
        "reason": "反复提交无关内容",
        "until": (clock.now() + timedelta(days=3)).isoformat(),
    }
    made = await intake.post("/v1/blocks", json=body, headers={**supervisor, "Idempotency-Key": "b1"})
    assert made.status_code == 201, made.text
    again = await intake.post("/v1/blocks", json=body, headers={**supervisor, "Idempotency-Key": "b1"})
    assert again.json()["id"] == made.json()["id"]
    refused = await intake.post("/v1/tickets", json={"content": "路灯不亮"}, headers=resident)
    problem(refused, 403, "reporter_blocked")
    assert "反复提交无关内容" in refused.json()["detail"]
    more = await intake.post(
        f"/v1/tickets/{ticket['number']}/supplements", json={"content": "补充"}, headers=resident
    )
    assert more.status_code == 201
    await submit(headers=actor_headers(Role.RESIDENT, openid="somebody-else"))
    listed = (await intake.get("/v1/blocks", headers=actor_headers(Role.UNIT, unit="物业办"))).json()["items"]
    assert [b["reason"] for b in listed] == ["反复提交无关内容"]
    lifted = await intake.post(
        f"/v1/blocks/{made.json()['id']}/lift", json={"reason": "已经说明"}, headers=supervisor
    )
    assert lifted.status_code == 200
    await submit()
    problem(await intake.post(f"/v1/blocks/{uuid4()}/lift", json={"reason": "x"}, headers=supervisor), 404)
    problem(
        await intake.post(f"/v1/blocks/{made.json()['id']}/lift", json={"reason": "x"}, headers=supervisor),
        409,
        "block_ended",
    )


@pytest.mark.parametrize("days", [-1, 400])
async def test_a_block_ends_within_a_year(submit, intake, actor_headers, days):
    until = (clock.now() + timedelta(days=days)).isoformat()
    body = {"number": (await submit())["number"], "reason": "无", "until": until}
    problem(await intake.post("/v1/blocks", json=body, headers=actor_headers(Role.SUPERVISOR)), 422)


async def test_limits_count_a_person_and_fail_open(environment):
    limits, person = Limits(environment.redis(), enabled=True), uuid4()
    few = Limit("submit", 3, 3600)
    for _ in range(3):
        await limits.refuse(few, person)
    with pytest.raises(TooMany) as told:
        await limits.refuse(few, person)
    assert 0 < told.value.retry_after <= 3600
    await limits.refuse(few, uuid4())
    await limits.close()
    deaf = Limits("redis://127.0.0.1:1", enabled=True)
    for _ in range(5):
        await deaf.refuse(few, person)
    await deaf.close()
