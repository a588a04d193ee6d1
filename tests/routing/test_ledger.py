"""What ledgers tell, written down: each kind of row as history and standing, and what they name that is not there."""

from contextlib import suppress
from datetime import datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings

from services.intake.ledger.course import course
from services.intake.ledger.faults import Unfit
from services.routing import ledger
from services.routing.naming import Names
from services.routing.recalculate import Recalculation
from services.routing.registry import Registries
from services.routing.transitions import Door
from shared import clock
from shared.lifecycle import ACTIONS, REGISTER
from shared.tables import (
    categories,
    communities,
    deliveries,
    events,
    parts,
    ticket_states,
    transitions,
    units,
)
from shared.terms import Role
from tests.intake.ledgers import FULL, LEAST, NOW, as_csv, row
from tests.intake.test_imports_course import rows as made_up

HANDED = LEAST | {"lead_unit": "物业办", "dispatched_at": "2026-11-02 10:00"}
DONE = HANDED | {"handled_at": "2026-11-03 16:00", "closed_at": "2026-11-04 10:00"}


def local(moment):
    return moment and f"{clock.to_local(moment):%m-%d %H:%M}"


@pytest.fixture
def tell(bring_in, rows):
    """`await tell(cell=…)` → (standing, moves) of the ticket that one row makes."""

    async def one(**cells):
        row = LEAST | {"number": "T-1"} | cells
        done = await bring_in(as_csv([row]))
        assert done["rejected"] == 0, done["errors"]
        standing = next(s for s in await rows(ticket_states) if s.number == row["number"])
        moves = [m for m in await rows(transitions) if m.ticket_id == standing.ticket_id]
        return standing, sorted(moves, key=lambda m: m.seq)

    return one


@pytest.mark.parametrize(
    ("cells", "state", "holder", "lead"),
    [
        ({}, "accepted", "街道诉求办", None),
        ({"disposition": "pending", "lead_unit": "司法所"}, "accepted", "街道诉求办", "司法所"),
        ({"stage": "topic"}, "submitted", "街道诉求办", None),
        ({"disposition": "direct"}, "closed", None, None),
        ({"disposition": "direct", "lead_unit": "司法所"}, "closed", None, "司法所"),
        ({"disposition": "rejected"}, "rejected", None, None),
        ({"disposition": "rejected", "lead_unit": "司法所"}, "rejected", None, "司法所"),
        ({"disposition": "redirected", "lead_unit": "司法所", "dispatched_at": "2026-11-03"}, "redirected", None, "司法所"),
        ({"disposition": "merged"}, "merged", None, None),
        ({"disposition": "withdrawn"}, "withdrawn", None, None),
        ({"disposition": "redirected"}, "redirected", None, None),
        ({"disposition": "rejected", "signed_at": "2026-11-20"}, "rejected", None, None),
        (HANDED, "dispatched", "物业办", "物业办"),
        (HANDED | {"signed_at": "2026-11-03"}, "signed", "物业办", "物业办"),
        (HANDED | {"contacted_at": "2026-11-03"}, "handling", "物业办", "物业办"),
        (HANDED | {"suspended_from": "2026-11-03"}, "suspended", "物业办", "物业办"),
        (HANDED | {"handled_at": "2026-11-03"}, "handled", "街道诉求办", "物业办"),
        (HANDED | {"handled_at": "2026-11-03", "callback_valid": "否"}, "callback", "街道诉求办", "物业办"),
        (HANDED | {"rework_count": "2"}, "handling", "物业办", "物业办"),
        (DONE, "closed", None, "物业办"),
        (DONE | {"lead_unit": "街道诉求办"}, "closed", None, "街道诉求办"),
    ],
)  # fmt: skip
async def test_where_a_ticket_stands_is_what_the_row_says(tell, street, cells, state, holder, lead):
    standing, moves = await tell(**cells)
    assert standing.state == moves[-1].to_state == state
    assert standing.owner_unit == (street.unit(holder) if holder else None)
    assert standing.lead_unit == (street.unit(lead) if lead else None)
    assert standing.version == len(moves)
    assert [m.seq for m in moves] == list(range(1, len(moves) + 1))
    for before, move in pairwise(moves):
        assert move.from_state == before.to_state
        assert before.to_state in ACTIONS[move.action].sources


async def test_a_history_has_its_times_and_its_deadlines(tell, street):
    standing, moves = await tell(**FULL | {"number": "T-1", "return_count": "1"})
    assert [m.action for m in moves] == [
        REGISTER, "accept", "dispatch", "return", "dispatch", "sign", "contact", "handle", "review_pass", "close", "call_back"
    ]  # fmt: skip
    by_action = {m.action: m for m in moves}
    assert [local(by_action[a].occurred_at) for a in ("accept", "sign", "contact", "handle", "close", "call_back")] == [
        "11-02 09:00", "11-02 11:00", "11-02 12:00", "11-03 16:00", "11-04 10:00", "11-04 11:00"
    ]  # fmt: skip
    assert {local(m.due_at) for m in moves} == {"11-06 00:00"}, "a bare date lasts to its end"
    assert local(by_action["sign"].sign_due_at) == "11-04 00:00"
    assert local(by_action["contact"].contact_due_at) == "11-04 00:00"
    assert {m.lead_unit for m in moves[4:]} == {street.unit("物业办")}
    assert by_action["sign"].actor_unit == street.unit("物业办")
    assert {m.actor_role for m in moves} == {"clerk"}
    assert all(m.late and m.recorded_at > m.occurred_at for m in moves)
    assert by_action["dispatch"].data["unit"] == street.unit("物业办"), "figures go by codes"
    assert moves[0].data == {"imported": True}
    assert by_action["review_pass"].data == {"assumed": True}
    assert by_action["call_back"].data["satisfaction"] == "satisfied"
    assert (standing.outcome, standing.return_count, standing.category_code, standing.community_code) == (
        "resolved", 1, "0101", "c1"
    )  # fmt: skip
    assert (standing.kind, standing.mode, standing.level) == ("complaint", "quick", "street")


async def test_the_time_of_recording_is_the_ledgers_own(tell):
    _, moves = await tell(**DONE | {"recorded_at": "2026-11-02 09:00:30"})
    assert [local(m.recorded_at) for m in moves[:3]] == ["11-02 09:00", "11-02 09:00", "11-02 10:00"]
    assert [m.late for m in moves] == [False] * len(moves)


async def test_a_told_deadline_is_moved_by_nothing_but_an_extension(tell):
    pause = {"suspended_from": "2026-11-03", "suspended_to": "2026-11-10"}
    standing, moves = await tell(**HANDED | pause | {"due_at": "2026-11-06 18:00"})
    assert {local(m.due_at) for m in moves} == {"11-06 18:00"}
    assert standing.clock_from is None
    standing, moves = await tell(
        **HANDED | pause | {"number": "T-2", "due_at": "2026-11-06", "extended_to": "2026-11-12"}
    )
    assert [local(m.due_at) for m in moves if m.action in {"dispatch", "extend", "decide_extension", "resume"}] == [
        "11-07 00:00", "11-07 00:00", "11-13 00:00", "11-13 00:00"
    ]  # fmt: skip
    assert standing.extension_until is None


async def test_a_deadline_that_is_not_told_follows_from_the_category(tell):
    standing, _ = await tell(**HANDED | {"category_code": "0101"})
    assert local(standing.due_at) == "11-06 00:00"
    assert any("没有注明办理时限" in why for why in standing.why)
    paused, _ = await tell(
        **HANDED
        | {
            "number": "T-2",
            "category_code": "0101",
            "suspended_from": "2026-11-03",
            "suspended_to": "2026-11-10",
        }
    )
    assert local(paused.due_at) > local(standing.due_at), "the pause moves it, as it moves any other's"
    none, _ = await tell(**HANDED | {"number": "T-3"})
    assert local(none.due_at) == "11-17 00:00", "ten working days"
    assert any("没有注明分类" in why for why in none.why)


@pytest.mark.parametrize(
    ("extended", "before"),
    [("2026-11-30", "11-06 00:00"), ("2026-11-05", "11-05 00:00"), ("2026-11-02 18:00", "11-02 10:00")],
)
async def test_an_extension_of_a_deadline_that_is_not_told(tell, extended, before):
    """Whatever the limit comes to, what was granted went beyond it, and was asked for in time."""
    standing, moves = await tell(**HANDED | {"category_code": "0101", "extended_to": extended})
    assert local(next(m for m in moves if m.action == "extend").due_at) == before
    assert clock.to_local(standing.due_at).isoformat() >= extended.replace(" ", "T")


@pytest.mark.parametrize("signed", [{}, {"signed_at": "2026-11-02 11:00"}])
async def test_an_extension_that_a_later_ledger_tells_need_not_reach_the_limit(bring_in, rows, signed):
    first = (
        HANDED | signed | {"number": "T-1", "category_code": "0101"}
    )  # 3 working days: to the end of 11-05
    await bring_in(as_csv([first]))
    assert (await bring_in(as_csv([first | {"extended_to": "2026-11-04"}])))["updated"] == 1
    [standing] = await rows(ticket_states)
    assert (standing.state, local(standing.due_at), standing.clock_from) == ("signed", "11-05 00:00", None)
    moves = sorted(await rows(transitions), key=lambda m: m.seq)
    assert [m.action for m in moves][-2:] == ["extend", "decide_extension"]
    assert local(moves[2].due_at) == "11-06 00:00", "what it was until then has been"
    assert local(moves[-2].due_at) == "11-04 00:00"


async def test_helpers_have_their_parts_and_finish_them(tell, rows, street):
    cells = HANDED | {"co_units": "安全办、城管办", "signed_at": "2026-11-02 11:00"}
    await tell(**cells)
    assert {p.unit_code for p in await rows(parts) if p.finished_at is None} == {
        street.unit("安全办"),
        street.unit("城管办"),
    }
    _, moves = await tell(**cells | {"handled_at": "2026-11-03 16:00"})
    assert not [p for p in await rows(parts) if p.finished_at is None]
    assert {m.data["unit"] for m in moves if m.action == "assist"} == {
        street.unit("安全办"),
        street.unit("城管办"),
    }
    assert {m.actor_unit for m in moves if m.action == "finish_part"} == {
        street.unit("安全办"),
        street.unit("城管办"),
    }


async def test_what_is_not_known_is_made_and_marked(bring_in, rows, street):
    told = {
        "category_code": "井盖",
        "community": "望江社区",
        "lead_unit": "智慧办",
        "co_units": "甲办;乙办",
        "grid_code": "W-9",
    }
    await bring_in(as_csv([LEAST | told, LEAST | told | {"content": "另一件"}, LEAST]))
    made = {
        t.name: {r.code: r for r in await rows(t) if r.imported} for t in (categories, communities, units)
    }
    assert set(made["categories"]) == {"井盖", "unclassified"}
    assert set(made["communities"]) == {"望江社区"}
    assert set(made["units"]) == {"智慧办", "甲办", "乙办"}
    category, unit = made["categories"]["井盖"], made["units"]["智慧办"]
    assert (category.name, category.group_name, category.lead_unit, category.resolve_limit) == (
        "井盖", "导入", street.unit("街道诉求办"), "10wd"
    )  # fmt: skip
    assert (unit.name, unit.kind, unit.level, unit.parent_code) == (
        "智慧办",
        "imported",
        "street",
        street.unit("街道诉求办"),
    )
    assert made["categories"]["unclassified"].name == "未分类"
    standings = await rows(ticket_states)
    assert sorted((s.category_code, s.community_code or "", s.lead_unit or "", s.grid_code or "") for s in standings) == [
        ("unclassified", "", "", ""), *[("井盖", "望江社区", "智慧办", "W-9")] * 2
    ]  # fmt: skip
    await bring_in(as_csv([LEAST | told | {"content": "第三件"}]))
    assert len([r for r in await rows(units) if r.imported]) == 3


async def test_what_is_known_is_found_by_code_by_name_and_without_its_zeros(bring_in, rows, street):
    wanted = [
        ("0101", "c1", "物业办"), ("垃圾清运", "晨晖社区", street.unit("物业办")), ("101", "C1", "物 业 办"),
    ]  # fmt: skip
    await bring_in(
        as_csv([LEAST | {"category_code": c, "community": p, "lead_unit": u} for c, p, u in wanted])
    )
    assert {(s.category_code, s.community_code, s.lead_unit) for s in await rows(ticket_states)} == {
        ("0101", "c1", street.unit("物业办"))
    }
    assert not [r for t in (categories, communities, units) for r in await rows(t) if r.imported]


async def test_a_grid_tells_its_community(tell):
    standing, _ = await tell(grid_code="g21")
    assert (standing.grid_code, standing.community_code) == ("g21", "c2")


async def test_a_ticket_without_a_kind_is_shown_as_one(tell, look, intake, routing, who):
    standing, _ = await tell(number="台账-7", category_code="奇事")
    assert standing.kind == ""
    shown = await look("台账-7")
    assert (shown["kind"], shown["kind_text"], shown["category_name"]) == ("", "未注明", "奇事")
    assert [m["action"] for m in shown["timeline"]] == ["register", "accept"]
    ours = (await intake.get("/v1/tickets/台账-7", headers=who("clerk"))).json()
    assert (ours["kind"], ours["kind_text"], ours["category_text"]) == (None, None, "奇事")
    assert (await routing.get("/v1/worklist", headers=who("dispatcher"))).json()["items"][0][
        "number"
    ] == "台账-7"
    assert (await intake.get("/v1/tickets", headers=who("clerk"))).status_code == 200
    assert (await routing.get("/v1/units?limit=100", headers=who("clerk"))).status_code == 200


async def test_an_imported_ticket_goes_on_like_any_other(tell, do, history):
    await tell(**HANDED | {"number": "旧案-1"})
    await do("旧案-1", "sign", "unit:物业办")
    await do("旧案-1", "contact", "unit:物业办")
    await do("旧案-1", "handle", "unit:物业办", reason="修好了")
    await do("旧案-1", "review_pass", "supervisor")
    await do("旧案-1", "close", "callback_clerk", outcome="resolved")
    assert await history("旧案-1") == [
        REGISTER,
        "accept",
        "dispatch",
        "sign",
        "contact",
        "handle",
        "review_pass",
        "close",
    ]


async def test_others_may_be_merged_into_an_imported_one(tell, placed, do):
    await tell(**HANDED | {"number": "旧案-1"})
    number = await placed(channel="letter", by="clerk", content="什么也没有写清楚的一封信")
    merged = await do(number, "merge", "dispatcher", into="旧案-1")
    assert merged["state"] == "merged"


async def test_nobody_moves_a_ticket_whose_history_is_on_its_way(hand_in, worker, do):
    await hand_in(as_csv([LEAST | {"number": "早-1"}]))
    one = worker()
    await one.run()
    await one.run()
    refused = await do("早-1", "accept", "dispatcher", status=409)
    assert refused["code"] == "not_placed_yet"


async def test_one_event_in_and_one_on(bring_in, rows):
    await bring_in(as_csv([LEAST] * 30))
    sent = [e for e in await rows(events) if e.producer == "routing"]
    assert [e.type for e in sent] == ["tickets_moved"]
    assert set(sent[0].payload["ticket_ids"]) == {str(s.ticket_id) for s in await rows(ticket_states)}


async def test_a_row_that_cannot_be_written_holds_up_no_other(bring_in, rows, monkeypatch):
    real = ledger._play

    def faulty(door, registry, told, standing):
        if told.ticket["number"] == "T-2":
            real(door, registry, told, standing)  # as far as it gets, and then it falls
            raise RuntimeError("a bug")
        return real(door, registry, told, standing)

    monkeypatch.setattr(ledger, "_play", faulty)
    await bring_in(as_csv([DONE | {"number": f"T-{n}"} for n in range(1, 4)]))
    standings = {s.number: s for s in await rows(ticket_states)}
    assert [standings[f"T-{n}"].state for n in range(1, 4)] == ["closed", "accepted", "closed"]
    assert standings["T-2"].owner_unit
    assert standings["T-2"].due_at
    moves = sorted(
        (m for m in await rows(transitions) if m.ticket_id == standings["T-2"].ticket_id), key=lambda m: m.seq
    )
    assert [m.action for m in moves] == [REGISTER, "accept", "comment"]
    assert "人工核对" in moves[-1].reason
    assert not [d for d in await rows(deliveries) if d.parked_at or d.failures]


async def test_news_that_cannot_be_written_leaves_a_word(bring_in, rows, monkeypatch):
    await bring_in(as_csv([HANDED | {"number": "T-1"}]))

    def refuse(self, *_, **__):
        raise RuntimeError("a bug")

    real = Door.tell
    monkeypatch.setattr(
        Door,
        "tell",
        lambda self, s, action, *a, **k: (
            real(self, s, action, *a, **k) if action == "comment" else refuse(self)
        ),
    )
    assert (await bring_in(as_csv([DONE | {"number": "T-1"}])))["updated"] == 1
    [standing] = await rows(ticket_states)
    moves = sorted(await rows(transitions), key=lambda m: m.seq)
    assert (standing.state, [m.action for m in moves]) == (
        "dispatched",
        [REGISTER, "accept", "dispatch", "comment"],
    )


@pytest.mark.usefixtures("only_here")
async def test_a_new_calendar_leaves_told_deadlines_alone(tell, processes, rows, monkeypatch):
    told = [
        {"number": "A", "stage": "topic", "due_at": "2026-11-29"}, {"number": "B", "due_at": "2026-11-29"},
        HANDED | {"number": "C", "due_at": "2026-11-29"},
    ]  # fmt: skip
    for cells in told:
        await tell(**cells)
    process = processes("routing")
    await Recalculation(process, Registries(process.database)).run()
    assert "recalculate" not in [m.action for m in await rows(transitions)]
    assert {local(s.due_at) for s in await rows(ticket_states)} == {"11-30 00:00"}


async def test_whatever_intake_lets_in_routing_can_write(bring_in, rows):
    """Rows of every kind, as many as intake takes of those that chance makes up: none ends as a word at the desk."""
    fit = []

    @settings(max_examples=1200, deadline=None)
    @given(made_up())
    def collect(cells):
        with suppress(Unfit):
            course(row(**cells), NOW)
            fit.append(dict(cells))

    collect()
    done = await bring_in(as_csv(fit))
    assert (done["created"], done["rejected"]) == (len(fit), 0)
    written = await rows(transitions)
    assert "comment" not in {m.action for m in written}, {m.reason for m in written if m.action == "comment"}
    assert len(await rows(ticket_states)) == len(fit) > 100


async def test_names_that_two_have_mean_neither(street, processes):
    registry = await Registries(processes("routing").database).of(street.id)
    names = Names(registry)
    twin = next(iter(registry.categories.values()))
    names._categories.add("X1", twin.name)
    assert names.category(twin.name) == twin.name
    assert names.made.categories[twin.name].group_name == "导入"


async def test_a_ledger_may_say_who_brought_it(hand_in, finish, rows, api_key, actor):
    key = await api_key("import:write")
    handed = await hand_in(as_csv([DONE]), headers=key)
    await finish(handed["id"], headers=key)
    assert {m.actor_role for m in await rows(transitions)} == {Role.SCRIPT.value}


async def test_bare_days_and_instants_come_out_as_they_went_in(tell):
    standing, _ = await tell(**DONE | {"closed_at": "2026-11-04"})
    assert standing.closed_at == datetime.fromisoformat("2026-11-04T00:00:00+08:00")
    assert standing.received_at == datetime.fromisoformat("2026-11-02T09:00:00+08:00")


async def test_what_ledgers_named_can_be_named_again(tell, bring_in, do, intake, routing, who, placed):
    told = {"category_code": "井盖(丢失)", "community": "望江社区"}
    await tell(**told)
    await bring_in(as_csv([LEAST | {"lead_unit": f"单位{n:03d}", "content": str(n)} for n in range(120)]))
    listed = (await intake.get("/v1/tickets", params={"category": "井盖(丢失)"}, headers=who("clerk"))).json()
    assert [t["number"] for t in listed["items"]] == ["T-1"]
    number = await placed(channel="letter", by="clerk", category="井盖(丢失)", community="望江社区")
    assert (await do(number, "recall", "dispatcher", reason="派错", status=409))["state"] in {
        "accepted",
        "submitted",
    }
    seen, cursor = [], None
    while True:
        page = (
            await routing.get(
                "/v1/units",
                params={"limit": 50} | ({"cursor": cursor} if cursor else {}),
                headers=who("clerk"),
            )
        ).json()
        seen += [u["code"] for u in page["items"]]
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert {f"单位{n:03d}" for n in range(120)} <= set(seen)
    assert len(seen) == len(set(seen))
