"""Which person inside a unit: the grid's own, the least loaded, the one named; and who assigns whom."""

from datetime import date
from uuid import UUID, uuid4

import pytest

from services.routing.workload import Colleague, Crew
from shared.tables import staff, staff_posts
from shared.terms import Role
from tests.routing.conftest import LEAD

A, B, C = (UUID(int=n) for n in (1, 2, 3))
YESTERDAY = date(2026, 3, 1)  # the tests begin on 2 March


async def employ(tx, street, who, unit, until=None):
    """Give somebody a post in a unit, for everywhere."""
    person = {"street_id": street.id, "id": who, "code": str(who), "name": "某某", "valid_until": until}
    await tx.insert_many(staff, [person])
    post = {
        "street_id": street.id, "id": uuid4(), "staff_code": str(who), "role": "unit", "unit_code": unit,
        "area_kind": "street", "area_code": street.code,
    }  # fmt: skip
    await tx.insert_many(staff_posts, [post])


def crew(**loads):
    """Return A and B of the unit at large, C of grid g11, with these loads."""
    people = {"a": (A, None), "b": (B, None), "c": (C, "g11")}
    return Crew(
        [
            Colleague(who, "u", frozenset({grid} if grid else ()), loads.get(name, 0))
            for name, (who, grid) in people.items()
        ]
    )


@pytest.mark.parametrize(
    ("loads", "grid", "wish", "chosen"),
    [
        ({}, None, "least_loaded", A), ({"a": 1}, None, "least_loaded", B), ({"a": 1, "b": 1}, "g11", "least_loaded", C),
        ({"c": 9}, "g11", "responsible", C), ({"a": 2}, "g12", "responsible", B), ({"b": 9}, None, str(B), B), ({}, None, str(C), A),
    ],
)  # fmt: skip
def test_who_takes_it(loads, grid, wish, chosen):
    assert crew(**loads).choose("u", grid, wish, "normal").id == chosen


def test_what_is_given_out_weighs_at_once_and_the_urgent_more():
    people = crew()
    assert [
        people.choose("u", None, "least_loaded", m).id for m in ("urgent", "normal", "normal", "joint")
    ] == [A, B, B, B]
    assert people.choose("nowhere", None, "least_loaded", "normal") is None


@pytest.fixture
async def colleagues(owner, street):
    """Two of 物业办, by the ids of whoever acts with a token for it and of another."""
    unit = street.unit("物业办")
    async with owner.transaction([street.id]) as tx:
        for who, until in ((A, None), (B, None), (C, YESTERDAY)):
            await employ(tx, street, who, unit, until)


async def test_a_unit_assigns_by_name_or_by_load_and_lists_what_is_ones_own(
    time, colleagues, bring, placed, do, routing, who, owner, street, actor
):
    first = await bring("signed")
    assert (await do(first, "assign", LEAD))["assignee"] == str(A)
    second = await placed()
    assert (await do(second, "assign", LEAD))["assignee"] == str(B)
    assert (await do(second, "assign", LEAD, status=422, assignee=str(C)))["code"] == "unknown_person"
    await do(second, "assign", "unit:城管办", status=404)
    me = actor(role=Role.UNIT, unit="物业办")
    async with owner.transaction([street.id]) as tx:
        await employ(tx, street, me.id, me.unit)
    assert (await do(second, "assign", LEAD, assignee=str(me.id)))["assignee"] == str(me.id)
    mine = await routing.get("/v1/worklist", params={"mine": "true"}, headers=who(LEAD))
    assert [item["number"] for item in mine.json()["items"]] == [second]
    assert (await do(second, "return", LEAD, reason="不属于我办"))["assignee"] is None


async def test_a_rule_chooses_the_person(time, colleagues, routing, who, placed, look, duties):
    rule = {
        "code": "P", "position": 1, "conditions": {}, "note": "按工作量派到人",
        "result": {"lead_unit": "catalogue", "person": "least_loaded"},
    }  # fmt: skip
    assert (await routing.post("/v1/rules", json=rule, headers=who("admin"))).status_code == 200
    (await duties("routing")).handle.__self__._registries.forget()
    tickets = [await look(await placed()) for _ in range(2)]
    assert [t["assignee"] for t in tickets] == [str(A), str(B)]
    assert tickets[0]["timeline"][-1]["action"] == "assign"
    assert "工作量最少" in tickets[0]["timeline"][-1]["reason"]
