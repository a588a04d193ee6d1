"""Rules over HTTP: recorded in versions, tried first, switched off by hand or by themselves; and what tickets get."""

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import delete

from shared.tables import routing_rule_states, routing_rules, transitions, units

DRAIN = "3号楼前下水道堵了,污水往外冒"
RULE = {
    "code": "R1", "position": 10, "conditions": {"categories": ["0301"]}, "result": {"lead_unit": "安全办"}, "note": "试点",
}  # fmt: skip


@pytest.fixture
def rule(routing, who, duties):
    """`await rule(…changes)` → the answer of POST /v1/rules; the worker hears of it at once."""

    async def post(status=200, name="admin", headers=None, **changes):
        answer = await routing.post("/v1/rules", json=RULE | changes, headers=who(name) | (headers or {}))
        assert answer.status_code == status, answer.text
        await forget(duties)
        return answer.json()

    return post


async def forget(duties):
    """Let the worker read the registry anew."""
    handler = (await duties("routing")).handle
    handler.__self__._registries.forget()


@pytest.fixture
def rules(routing, who):
    async def get(path="", **query):
        answer = await routing.get(f"/v1/rules{path}", params=query, headers=who("dispatcher"))
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    return get


async def test_a_rule_decides_and_the_ticket_says_which(time, rule, placed, look, street, rows):
    told = await rule()
    assert (told["recorded"], told["rule"]["version"], told["rule"]["enabled"]) == (True, 1, True)
    assert told["rule"]["result"] == {"lead_unit": street.unit("安全办")}
    ticket = await look(await placed(DRAIN))
    assert (ticket["lead_unit_name"], ticket["state"]) == ("安全办", "dispatched")
    assert "适用规则 R1(第1版):试点" in ticket["why"]
    first = min(await rows(transitions), key=lambda r: r.seq)
    assert (first.data["rule"], first.data["rule_version"]) == ("R1", 1)


async def test_route_names_the_rule_and_what_else_was_considered(time, rule, routing, who):
    await rule()
    await rule(code="R0", position=1, conditions={"kinds": ["praise"]})
    await rule(
        code="R2", position=2, conditions={"words": {"any": ["污水"]}},
        result={"adds": True, "co_units": ["城管办"], "tags": ["blockage_point"], "mode": "urgent"}, note="污水外溢",
    )  # fmt: skip
    answer = await routing.post("/v1/route", json={"content": DRAIN}, headers=who("dispatcher"))
    told = answer.json()
    assert (told["rule"], told["rule_version"], told["lead_unit_name"]) == ("R1", 1, "安全办")
    assert (told["co_unit_names"], told["mode"], told["tags_text"]) == (["城管办"], "urgent", ["堵点"])
    assert [(c["code"], c["matched"]) for c in told["considered"]] == [
        ("R0", False),
        ("R2", True),
        ("R1", True),
    ]
    assert any("R0:诉求类型" in line for line in told["why"])


async def test_a_new_version_follows_on_its_day_and_the_old_one_is_kept(time, rule, rules, placed, look):
    await rule()
    await rule(valid_from="2026-03-03", result={"lead_unit": "城管办"})
    assert [r["version"] for r in await rules("/R1")] == [2, 1]
    assert [r["version"] for r in await rules()] == [1]
    assert [r["version"] for r in await rules(at="2026-03-03")] == [2]
    assert (await look(await placed(DRAIN)))["lead_unit_name"] == "安全办"
    time.forward(days=1)
    assert (await look(await placed(DRAIN)))["lead_unit_name"] == "城管办"


async def test_a_dry_run_shows_what_the_latest_tickets_would_have_got(time, rule, rules, placed, street):
    number = await placed(DRAIN)
    await placed("路灯不亮了,走夜路太危险")
    told = await rule(dry_run=True)
    assert (told["recorded"], told["effect"]["tickets"], told["effect"]["differing"]) == (False, 2, 1)
    [example] = told["effect"]["examples"]
    assert (example["number"], example["before"]["lead_unit_name"], example["after"]["lead_unit_name"]) == (
        number, "物业办", "安全办",
    )  # fmt: skip
    assert await rules() == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"conditions": {"colour": 1}}, "conditions.colour"), ({"conditions": {"categories": ["9999"]}}, "conditions"),
        ({"result": {"lead_unit": "没有这个办"}}, "result.lead_unit"), ({"result": {"lead_unit": "街道诉求办"}}, "result.lead_unit"),
        ({"valid_until": "2026-01-01"}, "valid_until"), ({"note": ""}, "note"), ({"position": "1"}, "position"),
    ],
    ids=str,
)  # fmt: skip
async def test_a_faulty_rule_is_refused_by_its_field(time, rule, changes, field):
    told = await rule(status=422, **changes)
    assert [e["field"] for e in told["errors"]] == [field]


async def test_only_an_admin_writes_and_a_repeated_post_is_one_rule(time, rule, rules, rows):
    await rule(status=403, name="dispatcher")
    first = await rule(headers={"Idempotency-Key": "r-1"})
    assert await rule(headers={"Idempotency-Key": "r-1"}) == first
    assert len(await rows(routing_rules)) == 1


async def test_a_rule_is_switched_off_and_on_with_a_reason(
    time, rule, rules, routing, who, duties, placed, look
):
    await rule()
    for on, lead in ((False, "物业办"), (True, "安全办")):
        body = {"on": on, "reason": "调整职责"}
        answer = await routing.post("/v1/rules/R1/switch", json=body, headers=who("admin"))
        assert (answer.status_code, answer.json()["enabled"], answer.json()["off_by_itself"]) == (
            200,
            on,
            False,
        )
        await forget(duties)
        assert (await look(await placed(DRAIN)))["lead_unit_name"] == lead
    missing = await routing.post("/v1/rules/R9/switch", json=body, headers=who("admin"))
    assert (missing.status_code, missing.json()["code"]) == (404, "rule_not_found")


async def test_a_broken_rule_switches_itself_off_with_an_alarm_and_nothing_is_lost(
    time, rule, rules, owner, street, duties, placed, look, rows
):
    extra = {"code": "tmp", "name": "临时办", "kind": "office", "level": "street", "is_desk": False}
    async with owner.transaction([street.id]) as tx:
        await tx.insert_many(units, [{"street_id": street.id} | extra])
    await rule(result={"lead_unit": "临时办"})
    await rule(code="R2", position=20, conditions={})
    async with owner.transaction([street.id]) as tx:
        await tx.execute(delete(units).where(units.c.street_id == street.id, units.c.code == "tmp"))
    await forget(duties)
    before = REGISTRY.get_sample_value("banjie_routing_rules_broken_total")
    tickets = [await look(await placed(DRAIN)) for _ in range(2)]
    assert [t["lead_unit_name"] for t in tickets] == ["安全办", "安全办"]
    assert "规则有误,已跳过" in "".join(tickets[0]["why"])
    assert REGISTRY.get_sample_value("banjie_routing_rules_broken_total") == before + 1
    [state] = [s for s in await rows(routing_rule_states) if s.code == "R1"]
    assert (state.enabled, state.changed_by, state.reason) == (False, None, "本街道现在没有“tmp”这个单位")
