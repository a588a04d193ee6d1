"""The monthly inspection covers every posted item exactly once; re-visits are drawn so that anybody can draw them again."""

import hashlib
from collections import Counter
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import select

from services.routing.supervision.draw import digest_of, draw
from services.routing.supervision.findings import Finding, bounds, digest, figures, month_of, remedy
from services.routing.supervision.inspections import found
from shared.lifecycle import State
from shared.tables import (
    inspection_findings,
    inspection_items,
    inspection_reports,
    revisit_items,
    transitions,
)
from tests.routing.conftest import LEAD

IDS = st.sets(st.uuids(version=4), min_size=1, max_size=60)
ALL_GOOD = {"method": "site_check", "passed": True, "finding": "现场已整改到位"}


@given(IDS, st.text(max_size=20), st.integers(1, 60), st.randoms())
def test_a_draw_depends_on_seed_and_population_and_on_nothing_else(ids, seed, size, shuffler):
    drawn, shuffled = draw(ids, seed, size), list(ids)
    shuffler.shuffle(shuffled)
    assert draw(shuffled, seed, size) == drawn
    assert len(set(drawn)) == len(drawn) == min(size, len(ids))
    assert draw(ids, seed, size + 1)[:size] == drawn
    assert digest_of(shuffled) == digest_of(ids)


def test_a_draw_is_what_the_page_says_it_is():
    ids = [UUID(int=n) for n in range(50)]
    by_hand = sorted(ids, key=lambda i: hashlib.sha256(f"2026-03:{i}".encode()).hexdigest())[:5]
    assert draw(ids, "2026-03", 5) == by_hand
    assert draw(ids, "2026-04", 5) != by_hand


FINDINGS = st.lists(
    st.builds(
        Finding, ticket_id=st.uuids(version=4), unit_code=st.sampled_from(["u1", "u2", None]),
        method=st.sampled_from(["random_walk", "site_check", "covert_visit"]), passed=st.booleans(),
        finding=st.just("已看"), inspected_at=st.just(datetime(2026, 3, 2, tzinfo=UTC)),
    ),
    max_size=30, unique_by=lambda f: f.ticket_id,
)  # fmt: skip


@given(FINDINGS, st.integers(0, 10))
def test_a_round_adds_up_over_results_methods_and_units(findings, left):
    told = figures(len(findings) + left, findings)
    assert told["inspected"] + told["remaining"] == told["posted"]
    assert told["passed"] + told["failed"] == told["inspected"] == sum(told["methods"].values())
    for name in ("inspected", "passed", "failed"):
        assert sum(unit[name] for unit in told["units"].values()) == told[name]
    assert digest(told, findings) == digest(told, findings[::-1])


def test_months_and_what_follows_a_failure():
    assert [b.isoformat() for b in bounds("2026-12")] == [
        "2026-11-30T16:00:00+00:00",
        "2026-12-31T16:00:00+00:00",
    ]
    assert month_of(date(2026, 3, 31)) == "2026-03"
    assert [remedy(s) for s in (State.CALLBACK, State.CLOSED, State.HANDLED, State.HANDLING, State.MERGED)] == [
        "rework", "reopen", "review_fail", "supervise", "noted",
    ]  # fmt: skip


@pytest.fixture
def ask(routing, who):
    """`await ask("POST", "/v1/inspections", "supervisor", …)` → the answer's body."""

    async def send(verb, path, name="supervisor", /, *, status=200, **body):
        options = {"params": body} if verb == "GET" else {"json": body}
        answer = await routing.request(verb, f"/v1{path}", headers=who(name), **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


async def test_every_posted_item_is_inspected_once_and_then_the_result_is_frozen(
    time, bring, placed, do, ask, rows, gather, history, owner, street, routing, who
):
    shut, waiting, handled, busy = [await bring(s) for s in ("closed", "callback", "handled", "handling")]
    gone = await placed()
    await do(gone, "withdraw", "resident")
    posted = {shut, waiting, handled, busy}
    await ask("POST", "/inspections", LEAD, status=403, month="2026-03")
    await ask("POST", "/inspections", status=422, month="2026-04")
    await ask("POST", "/inspections", status=422, month="2026-13")
    first = await ask("POST", "/inspections", month="2026-03")
    late = await bring("handling")
    assert await ask("POST", "/inspections", month="2026-03") == first
    door = "/inspections/2026-03"
    listed = (await ask("GET", f"{door}/items"))["items"]
    assert Counter(i["number"] for i in listed) == Counter(posted)
    refused = await ask("POST", f"{door}/findings", status=422, number=late, **ALL_GOOD)
    assert refused["code"] == "not_on_inspection_list"
    # Of those who inspect the same item at once one does, and it is written down once.
    told = {"number": waiting} | ALL_GOOD
    headers = who("supervisor")
    answers = await gather(
        *(routing.post(f"/v1{door}/findings", json=told, headers=headers) for _ in range(4))
    )
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert (await ask("POST", f"{door}/publication", status=409))["remaining"] == 3
    for number, after in ((shut, "reopen"), (handled, "review_fail"), (busy, "supervise")):
        bad = await ask(
            "POST", f"{door}/findings", number=number, method="covert_visit", passed=False, finding="垃圾仍在"
        )
        assert bad["remedy"] == after
        assert (await history(number))[-2:] == ["inspect", after]
    assert (await ask("GET", f"{door}/items", pending=True))["items"] == []
    result = await ask("POST", f"{door}/publication", "leader")
    assert (result["posted"], result["inspected"], result["passed"], result["failed"], result["remaining"]) == (
        4, 4, 1, 3, 0,
    )  # fmt: skip
    assert {m["method_text"]: m["inspected"] for m in result["methods"]} == {
        "随机走访": 0, "实地检查": 1, "明察暗访": 3,
    }  # fmt: skip
    time.forward(days=1)
    assert await ask("POST", f"{door}/publication") == result == await ask("GET", door)
    async with owner.transaction([street.id], read_only=True) as tx:
        known = await found(tx, street.id, "2026-03")
    [report] = await rows(inspection_reports)
    assert digest(report.figures, known) == result["digest"]
    assert len(await rows(inspection_findings)) == len(await rows(inspection_items)) == 4
    assert all(t.info["append_only"] for t in (inspection_findings, inspection_items, inspection_reports))


async def test_whoever_handles_a_matter_does_not_inspect_it(time, bring, do, ask):
    number = await bring("handling")
    await do(number, "assist", "dispatcher", unit="安全办")
    await ask("POST", "/inspections", month="2026-03")
    for inspector in ("supervisor:物业办", "supervisor:安全办"):
        refused = await ask(
            "POST", "/inspections/2026-03/findings", inspector, status=403, number=number, **ALL_GOOD
        )
        assert (refused["code"], "不得来自本工单" in refused["detail"]) == ("inspector_handles", True)
    await ask("POST", "/inspections/2026-03/findings", LEAD, status=403, number=number, **ALL_GOOD)
    await ask("POST", "/inspections/2026-03/findings", "supervisor:综合执法队", number=number, **ALL_GOOD)
    # Nor does anybody say that there was an inspection where there was none.
    await do(number, "inspect", "supervisor", status=422, reason="已看")


async def test_re_visits_are_drawn_again_alike_and_written_on_the_ticket(
    time, bring, ask, do, look, rows, owner, street
):
    closed = {await bring("closed") for _ in range(6)}
    await bring("handling")
    wish = {"first_day": "2026-03-02", "last_day": "2026-03-02", "size": 3, "seed": "三月回访"}
    await ask("POST", "/revisits", status=422, **wish | {"last_day": "2026-03-01"})
    await ask("POST", "/revisits", LEAD, status=403, **wish)
    one, again, other = [
        await ask("POST", "/revisits", **wish | more) for more in ({}, {}, {"size": 6, "seed": None})
    ]
    assert (one["population"], one["size"], one["population_digest"]) == (6, 3, again["population_digest"])
    drawn = [
        [i["number"] for i in (await ask("GET", f"/revisits/{d['id']}/items"))["items"]]
        for d in (one, again, other)
    ]
    assert drawn[0] == drawn[1]
    assert (set(drawn[0]) <= closed, set(drawn[2])) == (True, closed)
    assert other["seed"] == other["id"]
    number, door = drawn[0][0], f"/revisits/{one['id']}/results"
    told = {
        "number": number,
        "valid": True,
        "resolved": "yes",
        "satisfaction": "very_satisfied",
        "note": "已复核",
    }
    missed = next(iter(closed - set(drawn[0])))
    assert (await ask("POST", door, status=422, **told | {"number": missed}))["code"] == "not_drawn"
    refused = await ask("POST", door, "supervisor:物业办", status=403, **told)
    assert refused["code"] == "inspector_handles"
    await ask("POST", door, "callback_clerk", **told)
    assert (await ask("POST", door, status=409, **told))["code"] == "already_visited"
    last = (await look(number))["timeline"][-1]
    assert (last["action"], last["data"]["revisit"], last["data"]["satisfaction"]) == (
        "call_back", one["id"], "very_satisfied",
    )  # fmt: skip
    [item] = [i for i in (await ask("GET", f"/revisits/{one['id']}/items"))["items"] if i["visited_at"]]
    assert (item["number"], item["satisfaction_text"]) == (number, "非常满意")
    async with owner.transaction([street.id], read_only=True) as tx:
        query = select(transitions.c.ticket_id).where(transitions.c.action == "close")
        population = [r.ticket_id for r in await tx.rows(query)]
    by_hand = draw(population, "三月回访", 3)
    kept = sorted(
        (r for r in await rows(revisit_items) if str(r.draw_id) == one["id"]), key=lambda r: r.place
    )
    assert [r.ticket_id for r in kept] == by_hand
