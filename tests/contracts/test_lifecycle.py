"""The table of legal moves, written out a second time by hand, and every cell of it tried."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from shared.errors import Conflict, Forbidden, Invalid, NotFound
from shared.lifecycle import (
    ACTIONS,
    EDGES,
    FINAL,
    FIXED_OUTCOME,
    OPEN,
    Relation,
    Situation,
    State,
    action_text,
    actions,
    decide,
    mermaid,
)
from shared.terms import Role
from tests.fixtures.servers import ROOT

NOW = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)

WORKING = "signed handling"
SENT = f"dispatched {WORKING}"
SINCE_SENT = f"{SENT} suspended handled callback closed"
OPEN_STATES = "submitted accepted dispatched signed handling suspended handled callback"
ALL_STATES = f"{OPEN_STATES} closed rejected merged withdrawn redirected"
DESK = "dispatcher clerk"
HANDS = "lead:unit lead:community lead:grid_worker"
HELPERS = "part:unit part:community part:grid_worker"
AREA = "area:community area:grid_worker"
CHECKERS = "not_lead:supervisor not_lead:dispatcher"
CALLERS = "not_lead:callback_clerk not_lead:supervisor"
RECEIVERS = "receiver:unit receiver:community receiver:grid_worker"
HEADS = "supervisor leader"
REPORTER = "reporter:resident"
# action: (from, to ("=" stays), who ("relation:role" or "role"), what must come with it)
TABLE = {
    "accept": ("submitted", "accepted", f"{DESK} {AREA} system", ""),
    "reject": ("submitted accepted", "rejected", DESK, "reason"),
    "merge": ("submitted accepted", "merged", DESK, "into"),
    "redirect": ("submitted accepted", "redirected", DESK, "agency"),
    "withdraw": ("submitted accepted dispatched", "withdrawn", f"{REPORTER} {DESK}", ""),
    "dispatch": ("accepted", "dispatched", f"{DESK} system", ""),
    "designate": ("accepted", "dispatched", HEADS, "unit reason"),
    "close_directly": ("accepted", "closed", f"{DESK} {AREA}", "reason"),
    "sign": ("dispatched", "signed", f"{HANDS} system", ""),
    "return": ("dispatched signed", "accepted", HANDS, "reason"),
    "recall": ("dispatched", "accepted", f"{DESK} {HEADS}", "reason"),
    "contact": ("signed", "handling", HANDS, ""),
    "handle": ("handling", "handled", HANDS, "reason"),
    "suspend": ("handling", "suspended", f"{HEADS} dispatcher", "reason reason_code"),
    "resume": ("suspended", "handling", f"{HANDS} {HEADS} dispatcher", ""),
    "escalate": ("handling", "dispatched", HANDS, "reason"),
    "review_pass": ("handled", "callback", CHECKERS, ""),
    "review_fail": ("handled", "handling", CHECKERS, "reason"),
    "close": ("callback", "closed", f"{CALLERS} {REPORTER} system", ""),
    "rework": ("callback", "handling", f"{CALLERS} {REPORTER}", "reason"),
    "close_after_review": ("callback", "closed", HEADS, "reason"),
    "close_deferred": ("callback", "closed", HEADS, "reason"),
    "close_transferred": ("callback", "closed", HEADS, "reason"),
    "reopen": ("closed", "handling", f"{REPORTER} supervisor", "reason"),
    "unmerge": ("merged", "accepted", DESK, "reason"),
    "whistle": (SENT, "=", f"{HANDS} {AREA} {DESK}", "units reason"),
    "report_in": (SENT, "=", HELPERS, ""),
    "assist": (f"dispatched {WORKING}", "=", f"{HANDS} {DESK} system", "unit"),
    "assign": (f"dispatched {WORKING} suspended", "=", f"{HANDS} system", ""),
    "finish_part": (WORKING, "=", HELPERS, "reason"),
    "extend": (WORKING, "=", HANDS, "reason until"),
    "decide_extension": (WORKING, "=", f"{HEADS} dispatcher", "approve"),
    "call_back": ("callback closed", "=", CALLERS, "valid"),
    "relist": (ALL_STATES, "=", f"{DESK} {HEADS}", "list_level reason"),
    "exclude": (ALL_STATES, "=", HEADS, "reason exclusion"),
    "readmit": (ALL_STATES, "=", HEADS, "reason"),
    "replan": (f"accepted dispatched {WORKING}", "=", f"{DESK} {HEADS}", "reason until"),
    "urge": (OPEN_STATES, "=", f"{REPORTER} {HEADS} {DESK} system", ""),
    "supervise": (OPEN_STATES, "=", f"{HEADS} system", "reason"),
    "reply_supervision": (ALL_STATES, "=", f"{HANDS} {HELPERS} {DESK}", "reason order"),
    "list_key": (OPEN_STATES, "=", HEADS, "reason"),
    "unlist_key": (ALL_STATES, "=", HEADS, "reason"),
    "resolve_meeting": (OPEN_STATES, "=", HEADS, "reason meeting"),
    "inspect": (ALL_STATES, "=", "not_lead:supervisor", "reason inspection"),
    "mark_overdue": (OPEN_STATES, "=", "system", ""),
    "recalculate": (OPEN_STATES, "=", "system", ""),
    "comment": (ALL_STATES, "=", f"{DESK} {HANDS} {HELPERS} {AREA} {HEADS} callback_clerk system", "reason"),
    "plan_measures": (SENT, "=", f"{HANDS} {DESK}", "measures"),
    "release_part": (SENT, "=", f"{HANDS} {DESK} {HEADS}", "reason"),
    "rate_part": (SINCE_SENT, "=", f"{HANDS} {HELPERS}", "score"),
    "group_whistle": (SENT, "=", f"{REPORTER} {AREA}", "reason"),
    "respond_whistle": (SENT, "=", f"{HANDS} {AREA} {DESK}", "reason"),
    "minute_whistle": (SINCE_SENT, "=", f"{HANDS} {AREA} {DESK}", "reason"),
    "release_whistle": (SENT, "=", f"{HANDS} {AREA} {DESK} {HEADS}", "reason"),
    "answer_slip": (f"{OPEN_STATES} closed", "=", RECEIVERS, "reason"),
    "forward": (f"accepted {SENT} suspended", "=", f"{HANDS} {DESK} {HEADS}", "outside_body via reason"),
    "forward_answer": (f"{OPEN_STATES} closed", "=", f"{HANDS} {DESK} {HEADS}", "reason"),
    "visit_site": (f"accepted {SENT} suspended", "=", f"{HANDS} {HELPERS} {AREA} {DESK} {HEADS}", "reason"),
    "log_contact": (OPEN_STATES, "=", f"{HANDS} {HELPERS} {AREA} {DESK} {HEADS}", "reason"),
    "note_resolution": (ALL_STATES, "=", "system", "reason"),
    "ask_closure": ("callback", "=", CALLERS, "closure reason"),
    "feed_back": (
        "handled callback closed rejected redirected merged",
        "=",
        f"{DESK} {HANDS} {HELPERS} {AREA} {HEADS} callback_clerk",
        "feedback_channel reason",
    ),
}
COMPLETE = {
    "reason": "理由", "reason_code": "season", "into": "XB20260304-000002", "agency": "110", "unit": "城管办",
    "units": ["城管办"], "until": NOW + 30 * DAY, "approve": True,
    "valid": False, "exclusion": "不可抗力", "list_level": "party", "order": "DB2026-0001", "meeting": "2026-W10", "inspection": "2026-03",
    "measures": [{"unit": "城管办", "text": "增设桶点"}], "score": 5, "outside_body": "市信访局", "via": "公函",
    "closure": "close_deferred", "feedback_channel": "phone",
}  # fmt: skip
VOCABULARIES = {
    "reject": "reason_code", "redirect": "agency", "close_directly": "outcome", "handle": "outcome",
    "suspend": "reason_code", "close": "outcome resolved satisfaction", "close_after_review": "outcome",
    "whistle": "whistle", "rework": "resolved satisfaction", "call_back": "resolved satisfaction",
    "relist": "list_level", "supervise": "supervision", "group_whistle": "whistle", "respond_whistle": "whistle", "ask_closure": "closure", "feed_back": "feedback_channel",
}  # fmt: skip


def data_for(action):
    # Who has signed and returns it must say whose it is; before signing it may.
    more = {"suggested_unit": "城管办"} if action == "return" else {}
    return {name: COMPLETE[name] for name in TABLE[action][3].split()} | more


def situation(state, **more):
    """Return a ticket in `state` that nothing but its state keeps from any move."""
    closed = NOW - DAY if state == State.CLOSED else None
    facts = {"moved_at": NOW - DAY, "due_at": NOW + DAY, "closed_at": closed} | more
    return Situation(State(state), **facts)


def admitted(action, role, relation):
    who = TABLE[action][2].split()
    return role in who or f"{relation}:{role}" in who


def attempt(state, action, role, relation, data=None, **more):
    return decide(
        situation(state, **more), action, role=Role(role), relations=[Relation(relation)], occurred_at=NOW,
        data=data_for(action) if data is None else data,
    )  # fmt: skip


def pending(action):
    return {
        "decide_extension": {"extension_pending": True},
        "unlist_key": {"key_listed": True},
        "replan": {"promised": True},
    }.get(action, {})


def test_the_tables_name_the_same_actions_and_states():
    assert TABLE.keys() == ACTIONS.keys()
    assert len(EDGES) == len(ACTIONS)
    assert set(ALL_STATES.split()) == set(State)
    assert set(OPEN_STATES.split()) == OPEN
    assert set(ALL_STATES.split()) - set(OPEN_STATES.split()) == FINAL


@pytest.mark.parametrize("action", TABLE)
def test_every_state_and_role_and_relation(action):
    sources, target, _, _ = TABLE[action]
    for state, role, relation in product(State, Role, Relation):
        cell = (state.value, role.value, relation.value)
        if not admitted(action, role, relation):
            with pytest.raises(Forbidden):
                attempt(state, action, role, relation, **pending(action))
        elif state not in sources.split():
            with pytest.raises(Conflict) as refused:
                attempt(state, action, role, relation, **pending(action))
            assert refused.value.status == 409
            assert refused.value.extra == {"state": state.value, "state_text": state.text}
        else:
            assert attempt(state, action, role, relation, **pending(action)) == (
                state if target == "=" else target
            ), cell


@pytest.mark.parametrize("action", [a for a, row in TABLE.items() if row[3]])
def test_every_missing_datum_is_named(action):
    sources, _, who, needs = TABLE[action]
    relation, _, role = ("any:" + who.split()[0]).rpartition(":")
    relation = relation.removeprefix("any:") or "any"
    for state, missing, nothing in product(sources.split(), needs.split(), (None, "", [])):
        if not admitted(action, role, relation):
            continue
        with pytest.raises(Invalid) as refused:
            attempt(state, action, role, relation, data_for(action) | {missing: nothing}, **pending(action))
        assert refused.value.status == 422
        assert [e.field for e in refused.value.errors] == [missing]
        assert refused.value.code == "data_required"
    with pytest.raises(Invalid) as refused:
        attempt(sources.split()[0], action, role, relation, {}, **pending(action))
    assert [e.field for e in refused.value.errors] == needs.split()


@pytest.mark.parametrize(
    ("action", "name"), [(a, n) for a, names in VOCABULARIES.items() for n in names.split()]
)
def test_a_word_outside_the_vocabulary_is_refused_with_the_vocabulary(action, name):
    state, _, who, _ = TABLE[action]
    relation, _, role = who.split()[0].rpartition(":")
    with pytest.raises(Invalid) as refused:
        attempt(state.split()[0], action, role, relation or "any", data_for(action) | {name: "perhaps"})
    assert [e.field for e in refused.value.errors] == [name]
    for term in ACTIONS[action].choices[name]:
        assert f"{term.value}({term.text})" in refused.value.errors[0].message


def test_no_other_field_has_a_vocabulary():
    assert {e.action: set(e.choices) for e in EDGES if e.choices} == {
        action: set(names.split()) for action, names in VOCABULARIES.items()
    }


def test_an_unknown_action_is_not_found():
    with pytest.raises(NotFound):
        decide(situation("closed"), "register", role=Role.SYSTEM, relations=[], occurred_at=NOW, data={})


# The guards beyond the table: (action, state, role, relation, what of the situation, code).
GUARDS = [
    ("sign", "dispatched", "unit", "lead", {"moved_at": NOW + DAY}, "before_previous_move"),
    ("return", "signed", "unit", "lead", {"return_until": NOW - DAY}, "return_limit_passed"),
    ("return", "dispatched", "unit", "lead", {"designated": True}, "designated_unit_keeps_it"),
    ("recall", "dispatched", "dispatcher", "any", {"designated": True}, "designated_unit_keeps_it"),
    ("dispatch", "accepted", "clerk", "any", {"disputed": True}, "designation_needed"),
    ("handle", "handling", "unit", "lead", {"open_parts": 1}, "parts_open"),
    ("extend", "handling", "unit", "lead", {"extension_pending": True}, "extension_pending"),
    ("extend", "handling", "unit", "lead", {"due_at": NOW - DAY}, "extension_too_late"),
    ("decide_extension", "handling", "leader", "any", {}, "no_extension"),
    ("list_key", "handling", "leader", "any", {"key_listed": True}, "already_on_key_ledger"),
    ("unlist_key", "handling", "leader", "any", {}, "not_on_key_ledger"),
    ("replan", "handling", "leader", "any", {}, "not_a_commitment"),
    ("reopen", "closed", "resident", "reporter", {"closed_at": NOW - 30 * DAY}, "reopen_window_passed"),
]


@pytest.mark.parametrize(
    ("action", "state", "role", "relation", "facts", "code"), GUARDS, ids=[f"{g[0]}-{g[5]}" for g in GUARDS]
)
def test_what_comes_too_late_or_too_early_is_a_conflict(action, state, role, relation, facts, code):
    with pytest.raises(Conflict) as refused:
        attempt(state, action, role, relation, **facts)
    assert refused.value.code == code


def test_limits_include_their_last_instant():
    assert attempt("signed", "return", "unit", "lead", return_until=NOW) == "accepted"
    assert attempt("handling", "extend", "unit", "lead", due_at=NOW) == "handling"
    assert attempt("handling", "handle", "unit", "lead", moved_at=NOW) == "handled"
    just = NOW - 30 * DAY + timedelta(seconds=1)
    assert attempt("closed", "reopen", "resident", "reporter", closed_at=just) == "handling"


def test_an_inspector_reopens_without_a_window_and_an_extension_must_extend():
    assert attempt("closed", "reopen", "supervisor", "any", closed_at=NOW - 900 * DAY) == "handling"
    with pytest.raises(Invalid) as refused:
        attempt("handling", "extend", "unit", "lead", data_for("extend") | {"until": NOW + DAY})
    assert [e.field for e in refused.value.errors] == ["until"]


def test_a_supervisor_takes_back_what_was_designated():
    assert attempt("dispatched", "recall", "supervisor", "any", designated=True) == "accepted"
    assert attempt("accepted", "designate", "leader", "any", disputed=True) == "dispatched"


def test_who_has_signed_and_returns_it_says_whose_it_is():
    assert attempt("dispatched", "return", "unit", "lead", {"reason": "不属于我办"}) == "accepted"
    with pytest.raises(Invalid) as refused:
        attempt("signed", "return", "unit", "lead", {"reason": "不属于我办"})
    assert [e.field for e in refused.value.errors] == ["suggested_unit"]


SITUATIONS = [
    {}, {"extension_pending": True}, {"open_parts": 2}, {"return_until": NOW - DAY}, {"due_at": NOW - DAY},
    {"closed_at": NOW - 31 * DAY}, {"disputed": True}, {"designated": True}, {"key_listed": True},
    {"closed_at": NOW - 31 * DAY}, {"disputed": True}, {"designated": True}, {"promised": True},
]  # fmt: skip


@pytest.mark.parametrize("facts", SITUATIONS, ids=str)
def test_the_actions_offered_are_exactly_those_that_would_be_taken(facts):
    for state, role, relation in product(State, Role, Relation):
        taken = []
        for action in TABLE:
            try:
                attempt(state, action, role, relation, **facts)
            except (Forbidden, Conflict):
                continue
            taken.append(action)
        offered = actions(situation(state, **facts), role, [relation], NOW)
        assert set(offered) == set(taken) - {
            "mark_overdue",
            "recalculate",
            "resolve_meeting",
            "inspect",
            "note_resolution",
        }, (
            state,
            role,
            relation,
        )
        assert offered == [e.action for e in EDGES if e.action in offered]


def test_everything_has_a_chinese_name_and_a_reason():
    for edge in EDGES:
        assert edge.text
        assert edge.why
        assert action_text(edge.action) == edge.text
    assert action_text("register") == "登记"
    assert {a: o.value for a, o in FIXED_OUTCOME.items()} == {
        "close_deferred": "deferred", "close_transferred": "transferred",
    }  # fmt: skip


def test_no_state_is_a_dead_end_and_every_state_can_be_reached():
    reached, frontier = {State.SUBMITTED}, [State.SUBMITTED]
    while frontier:
        state = frontier.pop()
        for edge in EDGES:
            if state in edge.sources and edge.target is not None and edge.target not in reached:
                reached.add(edge.target)
                frontier.append(edge.target)
    assert reached == set(State)
    for state in OPEN:
        assert any(state in e.sources and e.target is not None for e in EDGES)


@pytest.mark.parametrize("edge", EDGES, ids=lambda e: e.action)
def test_the_readme_has_a_line_for_every_action(edge):
    page = (ROOT / "shared" / "README.md").read_text(encoding="utf-8")
    [line] = [line for line in page.splitlines() if line.startswith(f"| `{edge.action}` |")]
    _, _, text, way, _, needs, _ = (cell.strip() for cell in line.split("|"))
    sources, _, target = way.partition(" → ")
    short = {frozenset(State): "every state", OPEN: "every open state"}
    assert text == edge.text
    assert sources == short.get(edge.sources, " ".join(s for s in State if s in edge.sources))
    assert target == (edge.target or "stays")
    assert needs == " ".join(f"`{name}`" for name in edge.needs)


def test_the_drawing_in_the_readme_is_the_table():
    page = (ROOT / "shared" / "README.md").read_text(encoding="utf-8")
    begin, end = "<!-- lifecycle: generated -->\n```mermaid\n", "```\n<!-- /lifecycle -->"
    assert page.partition(begin)[2].partition(end)[0] == mermaid()
