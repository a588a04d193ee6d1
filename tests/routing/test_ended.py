"""What has ended gets no new work: units, categories and communities stay for old tickets alone."""

import pytest

from services.routing import registry

LEAD = "unit:物业办"
YESTERDAY = "2026-03-01"


@pytest.fixture
def end(owner, street, monkeypatch):
    """`await end("units", "物业办")`: it held until yesterday; everybody reads the registry anew."""
    monkeypatch.setattr(registry, "FRESH_SECONDS", -1.0)

    async def until_yesterday(table, name):
        async with owner.transaction([street.id]) as tx:
            done = await tx.raw.execute(
                f"UPDATE {table} SET valid_until = $2::text::date WHERE street_id = $1 AND name = $3",
                street.id, YESTERDAY, name,
            )  # fmt: skip
            assert done == "UPDATE 1"

    return until_yesterday


async def test_a_category_whose_unit_has_ended_waits_at_the_desk(time, end, placed, look, do):
    await end("units", "物业办")
    number = await placed(category="0101")
    ticket = await look(number)
    assert (ticket["state"], ticket["owner_unit_name"], ticket["lead_unit"]) == (
        "accepted",
        "街道诉求办",
        None,
    )
    assert "“垃圾清运”的主办单位已停用,由派单员确定" in ticket["why"]
    assert (await do(number, "dispatch", "dispatcher", unit="城管办"))["lead_unit_name"] == "城管办"


async def test_nobody_is_given_work_who_is_no_longer_there(time, end, placed, bring, do, look):
    waiting, handling = await placed("你好"), await bring("handling")
    await end("units", "安全办")
    for number, action, name, body in (
        (waiting, "dispatch", "dispatcher", {"unit": "安全办"}),
        (waiting, "dispatch", "dispatcher", {"unit": "物业办", "co_units": ["安全办"]}),
        (handling, "assist", LEAD, {"unit": "安全办"}),
        (handling, "whistle", LEAD, {"units": ["城管办", "安全办"], "reason": "到场"}),
    ):
        refused = await do(number, action, name, status=422, **body)
        assert (refused["code"], refused["detail"]) == (
            "unit_ended",
            "单位“安全办”已停用,请选择现在的单位",
        ), action
    assert (await look(handling))["parts"] == []


async def test_what_is_reopened_goes_above_a_unit_that_has_ended(time, end, bring, do):
    number = await bring("closed")
    await end("units", "物业办")
    reopened = await do(number, "reopen", "supervisor", reason="没有解决")
    assert reopened["lead_unit_name"] not in {"物业办", None}
    assert reopened["owner_unit"] == reopened["lead_unit"]


async def test_no_text_and_no_person_finds_a_category_that_has_ended(time, end, placed, look, do):
    await end("categories", "垃圾清运")
    number = await placed()
    assert (await look(number))["category"] != "0101"
    refused = await do(number, "dispatch", "dispatcher", status=422, category="0101", unit="城管办")
    assert (refused["code"], refused["detail"]) == ("category_ended", "分类“垃圾清运”已停用,请选择现在的分类")


async def test_a_community_that_has_ended_is_not_found_by_its_name(time, end, placed, look, street, owner):
    async with owner.transaction([street.id], read_only=True) as tx:
        name = await tx.raw.fetchval(
            "SELECT name FROM communities WHERE street_id = $1 ORDER BY code", street.id
        )
    text = f"{name}3号楼前垃圾没人清运"
    assert (await look(await placed(text)))["community_name"] == name
    await end("communities", name)
    assert (await look(await placed(text)))["community"] is None
