"""The oracle itself: lives written by hand with the figures that a person would give them, and what always holds.

Also what the random lives are worth: that everything occurs among them, and that the tables take them.
"""

import random
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise, product
from uuid import UUID

import pytest
from sqlalchemy import select

from shared.lifecycle import ACTIONS, State
from shared.tables import DIMENSIONS, MEASURES, ratings as ratings_table, transitions
from tests.metrics import histories, oracle
from tests.metrics.histories import NOW, TICK

RECEIVED = datetime(2026, 2, 28, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai, a Saturday in ISO week 9
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
DUE = RECEIVED + 5 * DAY
OUTCOMES = {f"closed_{outcome}" for outcome in histories.OUTCOMES}
WITH_UNIT = ("dispatch", "sign", "contact", "handle")
STATES = {"register": "submitted", **{name: edge.target for name, edge in ACTIONS.items() if edge.target}}


def told(*moves, ticket=None):
    """A ticket received at RECEIVED and its moves: (action, hours after receipt, what differs from the move before)."""
    base = {
        "street_id": 1, "id": UUID(int=1), "channel": "hotline", "kind": "help", "category_code": "0101",
        "community_code": "c1", "grid_code": "g11", "reporter_id": None, "phone_index": None, "occurred_at": RECEIVED,
        "recorded_at": RECEIVED, **(ticket or {}),
    }  # fmt: skip
    now = {
        "due_at": base["occurred_at"] + 5 * DAY, "sign_due_at": base["occurred_at"] + 4 * HOUR,
        "contact_due_at": base["occurred_at"] + 8 * HOUR, "lead_unit": None, "kind": "help", "category_code": "0101",
        "community_code": "c1", "grid_code": "g11", "mode": "normal", "level": "street", "outcome": None,
    }  # fmt: skip
    history, state = [], None
    for seq, (action, hours, *changes) in enumerate((("register", 0), *moves), 1):
        changed = changes[0] if changes else {}
        if action == "dispatch":
            now["lead_unit"] = "u02"
        before, state = state, str(STATES.get(action, state))
        rest = {k: v for k, v in changed.items() if k not in {"data", "actor_unit", "recorded_at"}}
        now.update(rest)
        at = base["occurred_at"] + hours * HOUR
        history.append({
            "ticket_id": base["id"], "seq": seq, "action": action, "from_state": before, "to_state": state,
            "data": changed.get("data", {}), "actor_unit": changed.get("actor_unit"), **now, "occurred_at": at,
            "recorded_at": changed.get("recorded_at", at),
        })  # fmt: skip
    return base, history


def standing(life, hours, known_at=None, ratings=()):
    return oracle.stand(*life, RECEIVED + hours * HOUR, known_at, ratings)


def had(it):
    """The names of the measures that a ticket has."""
    return {name for name, has in oracle.counts([it]).items() if has}


def handed_in(start=1, step=1):
    """accept, dispatch … handle, review_pass, an hour apart."""
    return [(action, start + n * step) for n, action in enumerate(("accept", *WITH_UNIT, "review_pass"))]


def rated(satisfaction, hours, closure):
    at = RECEIVED + hours * HOUR
    return {
        "ticket_id": UUID(int=1), "closure": closure, "satisfaction": satisfaction, "occurred_at": at,
        "recorded_at": at,
    }  # fmt: skip


def test_a_life_without_trouble():
    life = told(*handed_in(), ("close", 7, {"outcome": "resolved"}))
    assert had(standing(life, 0.5)) == {"received", "open"}
    assert had(standing(life, 1)) == {"received", "open", "accepted"}
    assert had(standing(life, 3)) == {
        "received", "open", "accepted", "dispatched", "never_returned", "signed", "signed_on_time",
    }  # fmt: skip
    assert had(standing(life, 7)) == {
        "received", "accepted", "dispatched", "never_returned", "signed", "signed_on_time", "contacted",
        "contacted_on_time", "replied", "handled", "handled_on_time", "handled_due", "ever_handled", "closed",
        "dispatched_closed", "closed_on_time", "dispatched_on_time", "due", "due_net", "closed_by_first_deadline",
        "ever_closed", "closed_resolved", "closed_at_street", "first_receiver_closed",
    }  # fmt: skip
    assert had(standing(life, 5 * 24)) - had(standing(life, 7)) == {
        "matured", "matured_closed", "matured_on_time",
    }  # fmt: skip
    assert oracle.stand(*life, RECEIVED - TICK) is None


def test_a_deadline_is_reached_at_its_instant_and_met_at_it():
    open_still = told(("accept", 1))
    assert "overdue_open" not in had(oracle.stand(*open_still, DUE - TICK))
    assert {"overdue_open", "overdue", "due", "matured"} <= had(oracle.stand(*open_still, DUE))
    for late, on_time in ((timedelta(0), True), (TICK, False)):
        life = told(("accept", 1), ("close_directly", (DUE - RECEIVED + late) / HOUR))
        measures = had(standing(life, 200))
        assert ("closed_on_time" in measures, "overdue" in measures) == (on_time, not on_time)
        assert ("closed_last_hour" in measures) == on_time
    in_time = told(("accept", 1), ("close_directly", 5 * 24 - 1))
    assert "closed_last_hour" not in had(standing(in_time, 200))  # a whole hour was left


def test_reworked_then_closed():
    life = told(
        *handed_in(), ("rework", 7, {"data": {"valid": True, "satisfaction": "dissatisfied", "resolved": "no"}}),
        ("handle", 8), ("review_pass", 9), ("close", 10, {"outcome": "partly", "data": {"satisfaction": "basic"}}),
    )  # fmt: skip
    reworked = had(standing(life, 7))
    assert {"reworked", "ever_handled", "dispatched_dissatisfied", "callback_dissatisfied"} <= reworked
    assert not {"handled", "handled_on_time", "handled_due", "reworked_again", "disputed"} & reworked
    closed = had(standing(life, 10))
    assert {"handled", "closed_partly", "valid_callback", "callback_basic", "closed_called_back"} <= closed
    assert not {"disputed", "callback_dissatisfied", "dispatched_dissatisfied"} & closed
    assert oracle.durations([standing(life, 10)])[UUID(int=1)] == {
        "received_closed": 36000.0, "dispatched_signed": 3600.0, "dispatched_contacted": 7200.0,
        "dispatched_handled": 6 * 3600.0,
    }  # fmt: skip


def test_what_a_callback_found_before_the_closing_disputes_nothing():
    """Dissatisfied, reworked, closed without another call: the callback is known, the closing is not disputed."""
    unhappy = {"data": {"satisfaction": "very_dissatisfied"}}
    before = told(*handed_in(), ("rework", 7, unhappy), ("handle", 8), ("review_pass", 9), ("close", 10))
    assert "callback_very_dissatisfied" in had(standing(before, 10))
    assert "disputed" not in had(standing(before, 10))
    with_it = told(*handed_in(), ("close", 7, unhappy))
    after = told(*handed_in(), ("close", 7), ("call_back", 9, {"data": {"valid": True, "resolved": "no"}}))
    assert "disputed" in had(standing(with_it, 7))
    assert [("disputed" in had(standing(after, hours))) for hours in (8, 9)] == [False, True]


def test_closed_directly_then_reopened():
    life = told(
        ("accept", 1), ("close_directly", 2, {"outcome": "explained"}),
        ("reopen", 30, {"due_at": RECEIVED + 9 * DAY, "lead_unit": "u03", "outcome": None}),
    )  # fmt: skip
    direct = had(standing(life, 2))
    assert {"closed", "direct", "closed_explained", "closed_by_first_deadline", "replied"} <= direct
    assert not {"dispatched", "handled", "first_receiver_closed"} & direct
    assert standing(life, 2).stage == "direct"
    reopened = had(standing(life, 30))
    assert {"open", "dispatched", "reopened", "disputed", "ever_closed", "never_returned"} <= reopened
    assert not {"closed", "direct", "due", "closed_explained"} & reopened
    assert (standing(life, 30).stage, standing(life, 30).outcome) == ("project", "")
    assert oracle.durations([standing(life, 30)]) == {}


def test_returned_then_closed_directly_is_nobodys_result():
    """Who gave it back handed in nothing; who had it taken away did not close it."""
    back = told(("accept", 1), ("dispatch", 2), ("return", 3, {"lead_unit": None}), ("close_directly", 4))
    assert {"closed", "dispatched_closed", "returned"} <= had(standing(back, 4))
    assert not {"direct", "handled", "handled_due", "never_returned"} & had(standing(back, 4))
    recalled = told(("accept", 1), ("dispatch", 2), ("recall", 3, {"lead_unit": None}), ("close_directly", 4))
    assert "never_returned" in had(standing(recalled, 4))
    assert not {"first_receiver_closed", "handled"} & had(standing(recalled, 4))
    assert oracle.durations([standing(recalled, 4)])[UUID(int=1)]["dispatched_handled"] is None


def test_returned_three_times():
    rounds = [
        (action, hours) for n in range(3) for action, hours in (("dispatch", 2 + n), ("return", 2.5 + n))
    ]
    life = told(("accept", 1), *rounds)
    thrice = [("returned_thrice" in had(standing(life, hours))) for hours in (3.5, 4.4, 4.5)]
    assert thrice == [False, False, True]


def test_an_extension_refused_and_one_granted():
    until = RECEIVED + 8 * DAY
    begun = [*handed_in()[:4], ("extend", 5)]
    refused = told(*begun, ("decide_extension", 6, {"data": {"approve": False}}))
    assert "extension_asked" in had(standing(refused, 6))
    assert "extended" not in had(standing(refused, 6))
    granted = told(
        *begun, ("decide_extension", 6, {"data": {"approve": True}, "due_at": until}), ("handle", 7),
        ("review_pass", 8), ("close", 24 * 6),
    )  # fmt: skip
    closed = had(standing(granted, 24 * 6))
    assert {"extended", "extended_closed", "closed_on_time", "handled_on_time"} <= closed
    assert not {"closed_by_first_deadline", "matured"} & closed


def test_an_assumed_signature_proves_nothing():
    assumed, real = {"data": {"assumed": True}}, {"sign_due_at": RECEIVED + 6 * HOUR}
    life = told(("accept", 1), ("dispatch", 2), ("sign", 3, assumed), ("contact", 4, assumed))
    assert not {"signed", "signed_on_time", "contacted", "contacted_on_time", "replied"} & had(
        standing(life, 4)
    )
    again = told(
        ("accept", 1),
        ("dispatch", 2),
        ("sign", 3, assumed),
        ("return", 4),
        ("dispatch", 5),
        ("sign", 6, real),
    )
    assert {"signed", "signed_on_time"} <= had(standing(again, 6))
    late = told(
        ("accept", 1), ("dispatch", 2), ("sign", 5), ("return", 6), ("dispatch", 7), ("sign", 8, real)
    )
    assert "signed_on_time" not in had(standing(late, 8))  # the first counts
    unlimited = told(("accept", 1), ("dispatch", 2), ("sign", 3, {"sign_due_at": None}))
    assert had(standing(unlimited, 3)) & {"signed", "signed_on_time"} == {"signed"}


@pytest.mark.parametrize(
    ("data", "measures"),
    [
        ({"valid": False, "satisfaction": "satisfied"}, set()),
        ({"valid": True}, {"valid_callback"}),
        ({"valid": True, "contacted": False}, {"valid_callback", "callback_contact_known"}),
        (
            {"contacted": True, "resolved": "yes"},
            {"valid_callback", "callback_contact_known", "callback_contacted", "callback_resolved"},
        ),
        (
            {"valid": True, "resolved": "partly", "satisfaction": "very_satisfied"},
            {"valid_callback", "callback_partly", "callback_very_satisfied"},
        ),
    ],
)
def test_callbacks(data, measures):
    life = told(*handed_in(), ("call_back", 7, {"data": data}), ("close", 8))
    every = {m for m in MEASURES if m.startswith("callback_")} | {"valid_callback"}
    assert had(standing(life, 7)) & (every | {"called_back"}) == measures | {"called_back"}
    assert "closed_called_back" not in had(standing(life, 7))
    assert "closed_called_back" in had(standing(life, 8))


def test_the_last_callback_counts():
    good, nobody = {"valid": True, "satisfaction": "satisfied"}, {"valid": False}
    life = told(
        *handed_in(), ("close", 7, {"data": good}), ("call_back", 9, {"data": nobody}), ("comment", 10)
    )
    assert "callback_satisfied" in had(standing(life, 8))
    assert not {"callback_satisfied", "valid_callback"} & had(standing(life, 10))


def test_excluded_then_readmitted():
    reason = {"data": {"exclusion": "不属实"}}
    life = told(("accept", 1), ("exclude", 2, reason), ("close_directly", 3), ("readmit", 4))
    assert [standing(life, h).excluded for h in (1, 2, 3, 4)] == ["", "不属实", "不属实", ""]
    asked = oracle.Asked(date(2026, 2, 28), date(2026, 2, 28), RECEIVED + 3 * HOUR)
    everyone = oracle.chosen([life], asked)
    assert oracle.excluded("closure_rate", "due", everyone) == {"不属实": 1}
    assert oracle.excluded("closure_rate", "dispatched", everyone) == {}
    assessed = oracle.Asked(asked.first, asked.last, asked.as_of, population="assessed")
    assert oracle.chosen([life], assessed) == []
    at_registration = (life[0], [{**life[1][0], **reason}, *life[1][1:]])
    assert standing(at_registration, 0).excluded == "不属实"


def test_a_late_entry_known_before_and_after():
    recorded = RECEIVED + 30 * HOUR
    life = told(("accept", 1), ("close_directly", 2, {"recorded_at": recorded}))
    assert "closed" in had(standing(life, 2))
    assert "closed" not in had(standing(life, 2, recorded - TICK))
    assert "closed" in had(standing(life, 2, recorded))
    unknown = told(("accept", 1), ticket={"recorded_at": RECEIVED + timedelta(minutes=1) + TICK})
    assert standing(unknown, 2, RECEIVED + timedelta(minutes=1)) is None
    assert "entered_late" in had(standing(unknown, 2))
    assert "entered_late" not in had(
        standing(told(ticket={"recorded_at": RECEIVED + timedelta(minutes=1)}), 2)
    )
    before_routing = told(ticket={"category_code": None})
    before_routing[1][0]["recorded_at"] = RECEIVED + HOUR
    places = [standing(before_routing, 2, known).dimensions["category"] for known in (RECEIVED, None)]
    assert places == ["", "0101"]


def test_whistles_and_who_came():
    begun = handed_in()[:4]
    called = ("whistle", 5, {"data": {"units": ["u05", "u06"]}})
    came = [("report_in", 5.5, {"actor_unit": "u05"}), ("report_in", 5.5, {"actor_unit": "u06"})]
    life = told(*begun, called, *came)
    assert had(standing(life, 5)) & {"whistled", "reported_in"} == {"whistled"}
    assert {"whistled", "reported_in", "reported_in_30m"} <= had(standing(life, 5.5))
    assert standing(life, 5).units == ("u02", "u05", "u06")
    assert standing(life, 1).units == ("",)
    one = told(*begun, called, came[0], ("assist", 6, {"data": {"unit": "u04"}}))
    assert "reported_in" not in had(standing(one, 6))
    assert standing(one, 6).keys("part_unit") == ("u02", "u04", "u05", "u06")
    slow = told(*begun, called, came[0], ("report_in", 5.5 + TICK / HOUR, {"actor_unit": "u06"}))
    assert had(standing(slow, 6)) & {"reported_in", "reported_in_30m"} == {"reported_in"}
    early = told(*begun, ("report_in", 4.5, {"actor_unit": "u05"}), called, came[1])
    assert "reported_in" not in had(standing(early, 6))  # whoever came before the whistle has not answered it


def test_the_reporters_last_word():
    life = told(
        *handed_in(), ("close", 7), ("reopen", 10), ("handle", 11), ("review_pass", 12), ("close", 13)
    )
    said = [
        rated("satisfied", 8, 8),
        rated("dissatisfied", 14, 12),
        {**rated("basic", 9, 8), "ticket_id": UUID(int=2)},
    ]
    assert "rated" not in had(standing(life, 7.5, ratings=said))
    assert {"rated", "rated_satisfied"} <= had(standing(life, 8, ratings=said))
    assert "disputed" not in had(standing(life, 8, ratings=said))
    assert {"rated_dissatisfied", "disputed"} <= had(standing(life, 14, ratings=said))
    assert "rated_satisfied" in had(standing(life, 14, RECEIVED + 13 * HOUR, said))


@pytest.mark.parametrize(
    ("ending", "measure"),
    [("reject", "rejected"), ("merge", "merged"), ("redirect", "redirected"), ("withdraw", "withdrawn")],
)
def test_other_endings_are_owed_to_nobody(ending, measure):
    ended = had(standing(told((ending, 1)), 200))
    told_something = set() if ending == "withdraw" else {"replied"}
    assert ended == {"received", measure} | told_something


@pytest.mark.parametrize("outcome", histories.OUTCOMES)
@pytest.mark.parametrize("level", histories.LEVELS)
def test_closed_as_what_and_at_which_level(outcome, level):
    life = told(("accept", 1, {"level": level}), ("close_directly", 2, {"outcome": outcome}))
    names = OUTCOMES | {f"closed_at_{level}" for level in histories.LEVELS}
    assert had(standing(life, 2)) & names == {f"closed_{outcome}", f"closed_at_{level}"}


@pytest.mark.parametrize("satisfaction", histories.SATISFACTIONS)
def test_every_level_of_satisfaction(satisfaction):
    life = told(*handed_in(), ("close", 7))
    stars = {m for m in had(standing(life, 9, ratings=[rated(satisfaction, 8, 8)])) if m.startswith("rated_")}
    assert stars == {f"rated_{satisfaction}"}


def test_suspended_escalated_and_reworked_again():
    up = ("escalate", 7, {"lead_unit": "u03", "level": "district"})
    life = told(
        *handed_in()[:4], ("suspend", 5), ("resume", 6), up, ("sign", 8), ("contact", 9), ("handle", 10),
        ("review_pass", 11), ("rework", 12), ("handle", 13), ("review_pass", 14), ("rework", 15), ("handle", 16),
        ("review_pass", 17), ("close", 18),
    )  # fmt: skip
    held = {"suspended", "ever_suspended"}
    assert [had(standing(life, hours)) & held for hours in (4, 5, 6)] == [set(), held, {"ever_suspended"}]
    past_due = oracle.stand(*told(*handed_in()[:4], ("suspend", 5)), DUE)
    assert had(past_due) & {"due", "due_net"} == {"due"}
    again = [had(standing(life, hours)) & {"reworked", "reworked_again"} for hours in (12, 15)]
    assert again == [{"reworked"}, {"reworked", "reworked_again"}]
    assert "escalated" in had(standing(life, 7))
    assert "first_receiver_closed" not in had(standing(life, 18))  # another unit closed it


def test_items_of_a_list():
    life = told(("accept", 1), ("close_directly", 24 * 6))
    life[1][0]["data"] = {"checklist": "承诺清单"}
    every = {m for m in MEASURES if m.startswith("listed")}
    stages = [had(oracle.stand(*life, at)) & every for at in (RECEIVED, DUE, RECEIVED + 6 * DAY)]
    assert stages == [{"listed"}, {"listed", "listed_due"}, {"listed", "listed_due", "listed_closed"}]
    kept = told(("accept", 1), ("close_directly", 2))
    kept[1][0]["data"] = {"checklist": "承诺清单"}
    assert had(standing(kept, 2)) >= every


def test_splits_and_filters():
    data = {"checklist": "目标清单", "list_level": "party"}
    life = told(("accept", 1), ("dispatch", 2))
    life[1][0]["data"] = data
    it = oracle.stand(*life, RECEIVED + 2 * HOUR, groups={"0101": "市政"})
    keys = {name: it.keys(name) for name in oracle.EVERY_SPLIT}
    assert keys == {
        "channel": ("hotline",), "kind": ("help",), "category": ("0101",), "community": ("c1",), "grid": ("g11",),
        "unit": ("u02",), "level": ("street",), "mode": ("normal",), "list": ("目标清单",), "street": ("1",),
        "group": ("市政",), "list_level": ("party",), "outcome": ("",), "excluded": ("",), "state": ("dispatched",),
        "stage": ("project",), "day": ("2026-02-28",), "week": ("2026-W09",), "month": ("2026-02",),
        "quarter": ("2026-Q1",), "year": ("2026",), "part_unit": ("u02",),
    }  # fmt: skip
    assert set(oracle.split([it], ("unit", "month"))) == {("u02", "2026-02")}
    assert set(oracle.split([it], ())) == {()}
    assert set(oracle.split([it], None)) == {""}
    next_day = told(ticket={"occurred_at": RECEIVED + timedelta(minutes=30), "recorded_at": RECEIVED + HOUR})
    assert oracle.stand(*next_day, NOW).keys("month") == ("2026-03",)
    asked = [
        oracle.Asked(date(2026, 2, 28), date(2026, 2, 28), NOW, filters=((n, k[0]),)) for n, k in keys.items()
    ]
    assert [len(oracle.chosen([life], a)) for a in asked if a.filters[0][0] != "group"] == [1] * (
        len(keys) - 1
    )


def test_windows():
    life = told(("accept", 1), ("close_directly", 24.5))  # closed on Monday the 2nd at 0:00
    midnight = RECEIVED + 24.5 * HOUR
    bases = {
        "cohort": date(2026, 2, 28), "due": date(2026, 3, 5), "closed": date(2026, 3, 2),
    }  # fmt: skip
    for basis, day in bases.items():
        found = [
            len(oracle.chosen([life], oracle.Asked(d, d, NOW, basis))) for d in (day - DAY, day, day + DAY)
        ]
        assert found == [0, 1, 0], basis
    before = oracle.Asked(date(2026, 3, 2), date(2026, 3, 9), NOW, "workload")
    assert len(oracle.chosen([life], before)) == 1  # it was open until the window began
    after = oracle.Asked(before.first, before.last, NOW, "workload", exact=(midnight + TICK, midnight + DAY))
    assert oracle.chosen([life], after) == []
    unknown = told(("accept", 1), ("close_directly", 20, {"recorded_at": RECEIVED + 50 * HOUR}))
    assert oracle.chosen([unknown], before) == []
    assert len(oracle.chosen([unknown], oracle.Asked(
        before.first, before.last, NOW, "workload", known_at=RECEIVED + 49 * HOUR
    ))) == 1  # fmt: skip
    noons = [(RECEIVED - shift, RECEIVED - shift + DAY) for shift in (DAY, DAY - TICK, timedelta(0), -TICK)]
    exact = [oracle.Asked(date(2026, 1, 1), date(2026, 1, 1), NOW, exact=noon) for noon in noons]
    assert [len(oracle.chosen([life], a)) for a in exact] == [0, 1, 1, 0]


def neighbours(*tickets, closed=None):
    """Tickets of their own, each received so many days after RECEIVED."""
    return [
        told(
            *([("accept", 0), ("close_directly", closed)] if closed is not None else []),
            ticket={"id": UUID(int=n), "occurred_at": at, "recorded_at": at, **rest},
        )
        for n, (days, rest) in enumerate(tickets)
        for at in [RECEIVED + (days if isinstance(days, timedelta) else days * DAY)]
    ]


def compared(ledger, name, as_of=NOW):
    return [it.ticket["id"].int for it in oracle.stands(ledger, as_of) if name in it.compared]


def test_repeated_within_thirty_days_by_the_same_person():
    who, phone = UUID(int=99), b"phone"
    by_login, by_phone = {"reporter_id": who}, {"phone_index": phone}
    both = {**by_login, **by_phone}
    assert compared(neighbours((0, by_login), (30, by_login)), "repeated") == [1]
    assert compared(neighbours((0, by_login), (30 * DAY + TICK, by_login)), "repeated") == []
    assert compared(neighbours((0, by_login), (0, by_login)), "repeated") == []  # neither came first
    assert compared(neighbours((0, by_phone), (1, both)), "repeated") == []  # who logged in is told by login
    assert compared(neighbours((0, both), (1, by_login), (2, {})), "repeated") == [1]
    assert compared(neighbours((0, both), (1, by_login), (2, {})), "traceable") == [0, 1]
    other_matter = neighbours((0, by_login), (1, by_login))
    other_matter[1][1][0]["category_code"] = "0201"
    assert compared(other_matter, "repeated") == []
    other_street = neighbours((0, by_login), (1, {**by_login, "street_id": 2}))
    assert compared(other_street, "repeated") == []


def test_recurred_after_the_closing_in_the_same_grid():
    for gap, again in ((timedelta(0), []), (TICK, [0]), (30 * DAY, [0]), (30 * DAY + TICK, [])):
        ledger = neighbours((0, {}), (2 * HOUR + gap, {}), closed=2)
        assert compared(ledger, "recurred") == again, gap
    ledger = neighbours((0, {}), (5 * HOUR, {}), closed=2)
    assert compared(ledger, "recurred", RECEIVED + 5 * HOUR - TICK) == []  # not yet
    assert compared(ledger, "closed_in_grid") == [0, 1]
    for _, history in ledger:
        for move in history:
            move["grid_code"] = None
    assert compared(ledger, "closed_in_grid") == compared(ledger, "recurred") == []


def test_closed_in_bulk():
    start = datetime(2026, 3, 1, 2, 0, tzinfo=UTC)
    moments = [start + timedelta(seconds=s) for s in (0, 1, 2, 3, 4, 5, 6, 7, 59.999999, 60)]

    def closed_at(moments):
        return [
            told(
                *handed_in(0, 0.01), ("close", (at - RECEIVED) / HOUR), ticket={"id": UUID(int=n)},
            )
            for n, at in enumerate(moments)
        ]  # fmt: skip

    assert compared(closed_at(moments), "closed_in_bulk") == []  # nine in the minute, one in the next
    assert compared(closed_at([*moments, start]), "closed_in_bulk") == [*range(9), 10]
    assert oracle.computed(oracle.stands(closed_at([*moments, start]), NOW))["closed_in_bulk"] == 10
    directly = neighbours(*[(0, {})] * 11, closed=1)
    assert compared(directly, "closed_in_bulk") == []  # no unit did it


def test_what_is_basically_satisfied_weighs_nine_tenths():
    lives = [
        told(
            *handed_in(),
            ("close", 7, {"data": {"valid": True, "satisfaction": s}}),
            ticket={"id": UUID(int=n)},
        )
        for n, s in enumerate(("very_satisfied", "basic", "basic", "dissatisfied"))
    ]
    found = oracle.stands(lives, NOW)
    above, below, exact = oracle.rate("satisfaction_rate", "basic_0_9", found)
    assert (len(above), len(below), exact) == (3, 4, Fraction(28, 40))
    assert oracle.printed(oracle.amount("satisfaction_rate", "basic_0_9", found), 4) == "70.00%"
    assert oracle.rate("satisfaction_rate", "top2", found)[2] == Fraction(3, 4)
    assert oracle.rate("satisfaction_rate", "strict", found)[2] == Fraction(1, 4)


def test_a_happy_callback_of_an_open_ticket_is_not_among_the_closed():
    happy = {"data": {"valid": True, "satisfaction": "satisfied"}}
    open_still = told(*handed_in(), ("call_back", 7, happy))
    found = oracle.stands([open_still], NOW)
    assert oracle.rate("satisfaction_rate", "strict", found)[2] == 1


def test_every_measure_of_the_house_is_asked_for():
    assert set(oracle.COUNTS) == set(MEASURES)
    assert oracle.DIMENSIONS == DIMENSIONS
    assert set(oracle.WEIGHTS) <= set(oracle.RATES)


@pytest.fixture(scope="module")
def lives():
    """Many random lives, each with the ratings of its closings."""
    rng = random.Random(0)
    return [
        (life, histories.ratings(rng, [life])) for life in (histories.life(rng, 1, n) for n in range(1500))
    ]


def test_the_random_lives_go_everywhere(lives):
    moves = [move for (_, history), _ in lives for move in history]
    assert {m["action"] for m in moves} == {*ACTIONS, "register"}
    assert {m["to_state"] for m in moves} == {s.value for s in State}
    assert any(not history for (_, history), _ in lives)
    assert any(m["occurred_at"] == m["due_at"] and m["to_state"] == "closed" for m in moves)
    stood = (oracle.stand(*life, NOW, ratings=said, groups=histories.GROUPS) for life, said in lives)
    found = [it for it in stood if it is not None]
    totals = oracle.counts(found)
    assert all(totals.values()), totals
    assert all(len(oracle.split(found, by)) > 1 for by in oracle.EVERY_SPLIT if by != "street")


def test_the_random_ledgers_hold_what_only_many_tickets_show():
    rng = random.Random(0)
    ledgers = [histories.ledger(rng, 1, 30) for _ in range(12)]
    for name in oracle.COMPUTED.keys() - {"visited", "to_visit"}:  # no visits are recorded yet
        assert any(oracle.computed(oracle.stands(ledger, NOW))[name] for ledger in ledgers), name


def test_what_is_recorded_is_recorded_in_order_and_never_before_it_happened(lives):
    rng = random.Random(1)
    ledger = [life for life, _ in lives] + histories.ledger(rng, 1, 30) + histories.ledger(rng, 1, 30)
    rows = [row for ticket, history in ledger for row in (ticket, *history)]
    rows += [rating for _, said in lives for rating in said]
    assert all(row["occurred_at"] <= row["recorded_at"] <= NOW for row in rows)
    assert any(row["recorded_at"] - row["occurred_at"] > DAY for row in rows)
    for ticket, history in ledger:
        assert all(a["recorded_at"] <= b["recorded_at"] for a, b in pairwise((ticket, *history)))
        heard = [move for move in history if move["action"] not in oracle.REMARKS]
        assert all(a["occurred_at"] <= b["occurred_at"] for a, b in pairwise((ticket, *heard)))


@pytest.mark.parametrize("seed", range(10))
def test_what_always_holds(seed):
    """The invariants of the metrics contract, at random instants, by what was known at others."""
    rng = random.Random(seed)
    ledger = histories.ledger(rng, 1, 30)
    said = histories.ratings(rng, ledger)
    turns, noted = histories.instants(ledger, said), histories.recordings(ledger, said)
    for _ in range(6):
        as_of, known_at = rng.choice(turns), rng.choice((None, *noted))
        found = oracle.stands(ledger, as_of, known_at, said, histories.GROUPS)
        check_sums(oracle.counts(found))
        for name, variant in oracle.RATES:
            above, below, exact = oracle.rate(name, variant, found)
            assert above <= below, (name, variant)
            assert exact is None or 0 <= exact <= 1
        for by in product(oracle.DIMENSIONS, ("month", "stage")):
            parts = oracle.split(found, by).values()
            assert sum(len(part) for part in parts) == len(found)
        assessed = [it for it in found if it.excluded == ""]
        left_out = oracle.excluded("closure_rate", "received", found)
        assert len(found) == len(assessed) + sum(left_out.values())


def check_sums(sums):
    ended = ("rejected", "merged", "withdrawn", "redirected")
    assert sums["received"] == sums["closed"] + sums["open"] + sum(sums[m] for m in ended)
    assert sums["closed_on_time"] + sums["overdue"] == sums["due"]
    assert sums["direct"] + sums["dispatched_closed"] == sums["closed"]
    assert sums["returned"] + sums["never_returned"] == sums["dispatched"]
    assert sums["closed"] == sum(n for m, n in sums.items() if m in OUTCOMES)
    assert sums["closed"] == sum(n for m, n in sums.items() if m.startswith("closed_at_"))
    assert sums["rated"] == sum(n for m, n in sums.items() if m.startswith("rated_"))


async def test_the_tables_take_the_random_rows(street, write, processes):
    ledger = histories.ledger(random.Random(1), street.id, 30)
    said = histories.ratings(random.Random(2), ledger)
    await write(ledger)
    async with processes("intake").database.transaction([street.id]) as tx:
        await tx.insert_many(ratings_table, said)
        rated_rows = await tx.rows(select(ratings_table))
    async with processes("metrics").database.transaction([street.id], read_only=True) as tx:
        stored = {(r.ticket_id, r.seq): r._mapping for r in await tx.rows(select(transitions))}
    moves = [move for _, history in ledger for move in history]
    assert len(rated_rows) == len(said) > 0
    assert all(dict(stored[m["ticket_id"], m["seq"]]) == m for m in moves)
    assert len(stored) == len(moves)
