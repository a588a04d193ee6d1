"""A ticket and its history told in one row: one case for each way a matter can go, and random lives counted."""

import random
from datetime import timedelta
from uuid import UUID

import pytest

from services.metrics.ledger.columns import COLUMNS, DISPOSITIONS, STAGES
from services.metrics.ledger.entry import Reporter, entry, title
from services.metrics.spans import spans
from shared.tables import MEASURES
from tests.metrics import histories
from tests.metrics.conftest import local

RECEIVED, DUE = local(2026, 3, 1, 9), local(2026, 3, 10, 18)
AFTER = {
    "accept": "accepted", "reject": "rejected", "merge": "merged", "withdraw": "withdrawn", "redirect": "redirected",
    "dispatch": "dispatched", "close_directly": "closed", "sign": "signed", "return": "accepted", "recall": "accepted",
    "contact": "handling", "handle": "handled", "suspend": "suspended", "resume": "handling", "escalate": "dispatched",
    "review_pass": "callback", "review_fail": "handling", "close": "closed", "rework": "handling", "reopen": "handling",
    "close_deferred": "closed", "unmerge": "accepted", "register": "submitted",
}  # fmt: skip
WHOLE = ("register", "accept", "dispatch", "sign", "contact", "handle", "review_pass", "close")


def ticket(**more):
    return {
        "id": UUID(int=7), "number": "TST20260301-000007", "channel": "hotline", "kind": None, "category_code": None,
        "community_code": "c1", "grid_code": None, "content": "路灯不亮", "confidential": False,
        "occurred_at": RECEIVED, "recorded_at": RECEIVED + timedelta(minutes=5), **more,
    }  # fmt: skip


def history(*steps):
    """Moves an hour apart; a step is an action, or (action, what else the move carries)."""
    moves, state, stands = [], "submitted", {"due_at": DUE, "lead_unit": None, "outcome": None}
    for number, step in enumerate(steps):
        action, more = (step, {}) if isinstance(step, str) else step
        state = AFTER.get(action, state)
        if action in {"return", "recall"}:
            stands["lead_unit"] = None
        elif action == "dispatch":
            stands["lead_unit"] = "u02"
        elif action.startswith("close"):
            stands["outcome"] = "resolved"
        stands |= {name: more[name] for name in stands if name in more}
        moves.append({
            "action": action, "to_state": state, "reason": None, "data": {}, "category_code": "0101",
            "community_code": "c1", "grid_code": "g11", "kind": "help", "occurred_at": hour(number), **stands, **more,
        })  # fmt: skip
    return moves


def hour(number):
    return RECEIVED + timedelta(hours=number)


def told(*steps, **more):
    """Return what the row says beyond nothing, nought and no."""
    row = entry(ticket(), history(*steps), **more)
    assert list(row) == list(COLUMNS)
    return {name: value for name, value in row.items() if value not in (None, 0, False)}


ALWAYS = {
    "number": "TST20260301-000007", "received_at": RECEIVED, "recorded_at": RECEIVED + timedelta(minutes=5),
    "channel": "hotline", "community": "c1", "content": "路灯不亮",
}  # fmt: skip
PLACED = {**ALWAYS, "kind": "help", "category_code": "0101", "grid_code": "g11", "due_at": DUE}
DISPATCHED = {
    **PLACED, "disposition": "dispatched", "stage": "project", "lead_unit": "u02", "dispatched_at": hour(2),
}  # fmt: skip


def test_what_routing_has_not_seen_yet():
    assert told() == {**ALWAYS, "disposition": "pending", "stage": "topic"}


def test_pending():
    assert told("register") == {**PLACED, "disposition": "pending", "stage": "topic"}
    assert told("register", "accept") == {**PLACED, "disposition": "pending", "stage": "issue"}


def test_direct():
    assert told("register", "accept", "close_directly") == {
        **PLACED, "disposition": "direct", "stage": "issue", "closed_at": hour(2), "outcome": "resolved",
    }  # fmt: skip


def test_dispatched_and_closed():
    assert told(*WHOLE) == {
        **DISPATCHED, "signed_at": hour(3), "contacted_at": hour(4), "handled_at": hour(5), "closed_at": hour(7),
        "outcome": "resolved",
    }  # fmt: skip


def test_handled_is_not_closed():
    row = told(*WHOLE[:5], ("handle", {"outcome": "partly"}))
    assert (row["handled_at"], row["outcome"]) == (hour(5), "partly")
    assert "closed_at" not in row


@pytest.mark.parametrize("ending", ["reject", "merge", "withdraw", "redirect"])
@pytest.mark.parametrize(("before", "stage"), [((), "topic"), (("accept",), "issue")])
def test_other_endings(ending, before, stage):
    row = told("register", *before, (ending, {"reason": "不归我们管"}))
    reason = {"reject_reason": "不归我们管"} if ending == "reject" else {}
    assert row == {**PLACED, "disposition": AFTER[ending], "stage": stage, **reason}


def test_a_rejection_tells_its_reason_or_what_its_code_means():
    assert (
        told("register", ("reject", {"data": {"reason_code": "answered"}}))["reject_reason"]
        == "同一事项已答复"
    )
    assert "reject_reason" not in told("register", "reject")


def test_withdrawn_from_a_unit():
    row = told(*WHOLE[:3], "withdraw")
    assert row == {**DISPATCHED, "disposition": "withdrawn"}


def test_of_what_ended_after_it_was_escalated_a_row_tells_no_more_than_an_import_takes():
    row = told(*WHOLE[:5], "suspend", "resume", "escalate", "return", ("redirect", {"reason": "区里管"}))
    assert row == {**DISPATCHED, "disposition": "redirected", "signed_at": hour(3), "return_count": 1}


def test_back_at_the_desk_it_is_still_the_unit_that_had_it():
    assert told(*WHOLE[:3], "return") == {**DISPATCHED, "return_count": 1}
    row = told(*WHOLE[:3], "return", ("dispatch", {"lead_unit": "u03"}), "sign", "return")
    assert (row["lead_unit"], row["return_count"], row["dispatched_at"], row["signed_at"]) == (
        "u03", 2, hour(2), hour(5),
    )  # fmt: skip
    closed = told(*WHOLE[:3], "recall", "close_directly")
    assert (closed["disposition"], closed["closed_at"], closed.get("return_count")) == (
        "dispatched",
        hour(4),
        None,
    )


def test_rework_undoes_what_was_handled():
    row = told(*WHOLE[:7], "rework")
    assert row["rework_count"] == 1
    assert not row.keys() & {"handled_at", "closed_at", "outcome"}
    again = told(*WHOLE[:7], "rework", "handle", "review_pass", "rework", "handle", "review_pass", "close")
    assert (again["rework_count"], again["handled_at"], again["closed_at"]) == (2, hour(11), hour(13))


def test_reopened_is_not_closed_and_its_rating_stands_for_nothing():
    assert told(*WHOLE, rating="satisfied")["rating"] == "satisfied"
    row = told(*WHOLE, ("reopen", {"due_at": DUE + timedelta(days=9)}), rating="satisfied")
    assert row["due_at"] == DUE + timedelta(days=9)
    assert not row.keys() & {"handled_at", "closed_at", "outcome", "rating"}
    direct = told("register", "accept", "close_directly", ("reopen", {"lead_unit": "u04"}))
    assert (direct["disposition"], direct["stage"], direct["lead_unit"]) == ("dispatched", "project", "u04")


def test_an_extension_stands_beside_the_deadline_it_extended():
    later, last = DUE + timedelta(days=5), DUE + timedelta(days=8)
    approved = {"due_at": later, "data": {"approve": True, "until": later.isoformat()}}
    row = told(*WHOLE[:5], "extend", ("decide_extension", approved), "handle")
    assert (row["due_at"], row["extended_to"]) == (DUE, later)
    refused = told(*WHOLE[:5], "extend", ("decide_extension", {"data": {"approve": False}}))
    assert (refused["due_at"], refused.get("extended_to")) == (DUE, None)
    again = {"due_at": last, "data": {"approve": True}}
    twice = told(*WHOLE[:5], "extend", ("decide_extension", approved), "extend", ("decide_extension", again))
    assert (twice["due_at"], twice["extended_to"]) == (DUE, last)
    paused = told(*WHOLE[:5], ("decide_extension", approved), "suspend", ("resume", {"due_at": last}))
    assert (paused["due_at"], paused["extended_to"]) == (DUE, last)
    reopened = told(*WHOLE[:5], ("decide_extension", approved), *WHOLE[5:], ("reopen", {"due_at": last}))
    assert (reopened["due_at"], reopened.get("extended_to")) == (last, None)


def test_a_deadline_moved_by_a_pause_or_the_calendar_is_the_deadline():
    later = DUE + timedelta(days=3)
    row = told(*WHOLE[:5], "suspend", ("resume", {"due_at": later}))
    assert (row["due_at"], row.get("extended_to")) == (later, None)
    assert (row["suspended_from"], row["suspended_to"]) == (hour(5), hour(6))
    assert told("register", "accept", ("recalculate", {"due_at": later}))["due_at"] == later


def test_the_last_pause_may_still_last():
    row = told(*WHOLE[:5], "suspend", "resume", "suspend")
    assert (row["suspended_from"], row.get("suspended_to")) == (hour(7), None)


def test_assumed_moves_prove_no_time():
    assumed = {"data": {"assumed": True}}
    steps = [(step, assumed) if step in {"dispatch", "sign", "contact", "handle"} else step for step in WHOLE]
    row = told(*steps)
    assert not row.keys() & {"dispatched_at", "signed_at", "contacted_at", "handled_at"}
    assert (row["disposition"], row["closed_at"]) == ("dispatched", hour(7))


@pytest.mark.parametrize("action", ["call_back", "close", "rework"])
def test_the_last_callback(action):
    found = {"valid": True, "contacted": False, "resolved": "partly", "satisfaction": "basic"}
    early = ("call_back", {"data": {"valid": False}})
    row = told(*WHOLE[:7], early, (action, {"data": found}), ("comment", {"data": {}}))
    assert {name: value for name, value in row.items() if name.startswith("callback_")} == {
        "callback_at": hour(8), "callback_valid": True, "callback_resolved": "partly", "callback_satisfaction": "basic",
    }  # fmt: skip
    assert entry(ticket(), history(*WHOLE[:7], (action, {"data": found})))["callback_contacted"] is False


def test_a_callback_that_found_nobody_and_one_that_says_no_more_than_its_answers():
    row = entry(ticket(), history(*WHOLE[:7], ("call_back", {"data": {"valid": False}})))
    assert row["callback_valid"] is False
    row = entry(ticket(), history(*WHOLE[:7], ("close", {"data": {"satisfaction": "satisfied"}})))
    assert row["callback_valid"] is True
    assert not any(name.startswith("callback_") for name in told(*WHOLE))


def test_lists_and_exclusions():
    listed = {"data": {"checklist": "目标清单3", "list_level": "party", "exclusion": "重复诉求"}}
    row = told(("register", listed))
    assert (row["checklist"], row["list_level"], row["excluded_reason"]) == ("目标清单3", "party", "重复诉求")
    assert "excluded_reason" not in told(("register", listed), "readmit")
    again = told("register", ("exclude", {"data": {"exclusion": "超出职责"}}))
    assert again["excluded_reason"] == "超出职责"


def test_helpers_are_told_without_the_lead():
    row = told(*WHOLE, helpers=["u03", "u02", "u04"])
    assert row["co_units"] == ("u03", "u04")
    assert "co_units" not in told(*WHOLE, helpers=["u02"])


def test_what_nobody_said_stays_empty():
    row = told("register", ("accept", {"kind": "", "category_code": "unclassified"}))
    assert not row.keys() & {"kind", "category_code"}


def test_remarks_change_nothing():
    remark = {"to_state": "closed", "due_at": None, "kind": "praise", "data": {"valid": True}}
    quiet = [(action, remark) for action in ("urge", "supervise", "mark_overdue", "comment")]
    assert told(*WHOLE[:3], *quiet) == told(*WHOLE[:3])


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        ("【楼道照明】三楼灯不亮", "楼道照明"), ("路灯不亮", None), ("【】空的", None), ("【没有收口", None),
        ("先说【后面】", None), ("【多\n行】", None), ("【 留白 】内容", "留白"),
    ],
)  # fmt: skip
def test_a_title_is_what_stands_before_the_content(content, wanted):
    assert title(content) == wanted
    assert entry(ticket(content=content), [])["content"] == content


def test_the_reporter_is_told_as_given():
    row = entry(ticket(), [], reporter=Reporter("张**", "138****5678"))
    assert (row["reporter_name"], row["reporter_phone"]) == ("张**", "138****5678")
    assert entry(ticket(), [])["reporter_name"] is None


# What a measure counts, asked of a row of the ledger.
COUNTED = {
    "received": lambda _: True,
    "accepted": lambda r: r["stage"] != "topic",
    "dispatched": lambda r: r["stage"] == "project",
    "closed": lambda r: r["closed_at"],
    "direct": lambda r: r["disposition"] == "direct",
    "dispatched_closed": lambda r: r["closed_at"] and r["stage"] == "project",
    "closed_on_time": lambda r: r["closed_at"] and r["closed_at"] <= (r["extended_to"] or r["due_at"]),
    "suspended": lambda r: r["suspended_from"] and not r["suspended_to"],
    "rejected": lambda r: r["disposition"] == "rejected",
    "merged": lambda r: r["disposition"] == "merged",
    "withdrawn": lambda r: r["disposition"] == "withdrawn",
    "redirected": lambda r: r["disposition"] == "redirected",
    "signed": lambda r: r["signed_at"],
    "contacted": lambda r: r["contacted_at"],
    "returned": lambda r: r["return_count"],
    "returned_thrice": lambda r: r["return_count"] >= 3,
    "reworked": lambda r: r["rework_count"],
    "reworked_again": lambda r: r["rework_count"] >= 2,
    "closed_partly": lambda r: r["closed_at"] and r["outcome"] == "partly",
    "valid_callback": lambda r: r["callback_valid"],
    "listed": lambda r: r["checklist"],
}


NEEDED = {"exclude": {"exclusion": "超出职责"}, "whistle": {"units": ["u03"]}, "assist": {"unit": "u03"}}


def complete(move):
    """A move with all that its kind brings along, should the random life have left it out."""
    data = NEEDED.get(move["action"], {}) | move["data"]
    return {"sign_due_at": None, "contact_due_at": None, "actor_unit": None, **move, "data": data}


def test_random_lives_add_up_to_the_figures():
    """Counting rows of the ledger gives what the books make of the same histories."""
    lives = histories.ledger(random.Random(21), 1, 400)
    lives = [(t, [complete(move) for move in moves]) for t, moves in lives]
    rows = [entry(t, moves) for t, moves in lives]
    ends = [spans(t, moves)[-1] for t, moves in lives]
    places = {name: MEASURES.index(name) for name in COUNTED}
    counted = {name: sum(bool(question(row)) for row in rows) for name, question in COUNTED.items()}
    # Of what was escalated and then ended unclosed a ledger does not tell the contact (see `entry`).
    ended = {"rejected", "merged", "withdrawn", "redirected"}
    assert counted == {
        name: sum(end.measures[place] for end in ends if name != "contacted" or end.state not in ended)
        for name, place in places.items()
    }
    assert [row["excluded_reason"] or "" for row in rows] == [end.excluded for end in ends]
    assert {row["disposition"] for row in rows} == set(DISPOSITIONS)
    assert {row["stage"] for row in rows} == set(STAGES)
