"""From a row to its history: each way a matter can go, and each way a row can contradict itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from services.intake.ledger.columns import BY_NAME
from services.intake.ledger.course import course
from services.intake.ledger.faults import Unfit
from services.intake.ledger.growth import grown
from shared.clock import SHANGHAI
from shared.lifecycle import REGISTER, Situation, State, follow
from tests.intake.ledgers import FULL, LEAST, NOW, actions, moves, row, wrong

HANDED = {"lead_unit": "物业办", "dispatched_at": "2026-11-02 10:00"}
DONE = HANDED | {"handled_at": "2026-11-03 16:00", "closed_at": "2026-11-04 10:00"}
OUT = "register accept dispatch"
IN_HAND = f"{OUT} sign contact"
CLOSED = f"{IN_HAND} handle review_pass close"


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # nothing told: it waits
        ({}, "register accept"),
        ({"disposition": "pending"}, "register accept"),
        ({"disposition": "待处理", "lead_unit": "物业办"}, "register accept"),
        ({"disposition": "pending", "return_count": "1"} | HANDED, "register accept dispatch return"),
        # the funnel
        ({"stage": "topic"}, "register"),
        ({"stage": "issue"}, "register accept"),
        ({"stage": "issue", "lead_unit": "物业办"}, "register accept"),
        ({"stage": "project"}, OUT),
        ({"stage": "project", "closed_at": "2026-11-03"}, CLOSED),
        ({"stage": "issue", "closed_at": "2026-11-03"}, "register accept close_directly"),
        ({"stage": "issue", "disposition": "rejected"}, "register accept reject"),
        ({"stage": "topic", "disposition": "rejected"}, "register reject"),
        ({"stage": "project", "disposition": "rejected"}, f"{OUT} recall reject"),
        # closed at once
        ({"closed_at": "2026-11-03"}, "register accept close_directly"),
        ({"disposition": "direct"}, "register accept close_directly"),
        ({"disposition": "直办", "lead_unit": "物业办", "handled_at": "2026-11-02 10:00"}, "register accept close_directly"),
        ({"disposition": "direct", "callback_satisfaction": "满意"}, "register accept close_directly call_back"),
        # never taken on
        ({"disposition": "rejected"}, "register reject"),
        ({"reject_reason": "已起诉"}, "register reject"),
        ({"disposition": "merged"}, "register merge"),
        ({"disposition": "withdrawn"}, "register withdraw"),
        ({"disposition": "redirected", "closed_at": "2026-11-02 09:10"}, "register redirect"),
        ({"disposition": "withdrawn", "dispatched_at": "2026-11-02 10:00"}, f"{OUT} withdraw"),
        ({"disposition": "merged", "dispatched_at": "2026-11-02 10:00"}, f"{OUT} recall merge"),
        ({"disposition": "rejected", "signed_at": "2026-11-02 10:00"}, f"{OUT} sign return reject"),
        ({"disposition": "rejected", "return_count": "2"}, f"{OUT} return dispatch return reject"),
        ({"disposition": "rejected", "return_count": "2", "signed_at": "2026-11-03"}, f"{OUT} return dispatch sign return reject"),
        ({"disposition": "rejected", "return_count": "1", "signed_at": "2026-11-03"}, f"{OUT} sign return reject"),
        # handed to a unit
        ({"lead_unit": "物业办"}, OUT),
        (HANDED, OUT),
        ({"co_units": "安全办"}, OUT),
        (HANDED | {"return_count": "2"}, f"{OUT} return dispatch return dispatch"),
        (HANDED | {"signed_at": "2026-11-02 11:00"}, f"{OUT} sign"),
        (HANDED | {"contacted_at": "2026-11-02 11:00"}, IN_HAND),
        (HANDED | {"handled_at": "2026-11-03"}, f"{IN_HAND} handle"),
        (HANDED | {"suspended_from": "2026-11-03"}, f"{IN_HAND} suspend"),
        (HANDED | {"suspended_from": "2026-11-03", "suspended_to": "2026-11-05"}, f"{IN_HAND} suspend resume"),
        (HANDED | {"suspended_from": "2026-11-03", "suspended_to": "2099-01-01"}, f"{IN_HAND} suspend"),
        (HANDED | {"due_at": "2026-11-04", "extended_to": "2026-11-09"}, f"{OUT} sign extend decide_extension"),
        (HANDED | {"rework_count": "1"}, f"{IN_HAND} handle review_pass rework"),
        (HANDED | {"co_units": "安全办、物业办", "signed_at": "2026-11-02 11:00"}, f"{OUT} sign assist"),
        (HANDED | {"closed_at": "2026-11-04"}, CLOSED),
        ({"lead_unit": "物业办", "closed_at": "2026-11-04"}, CLOSED),
        ({"handled_at": "2026-11-04"}, f"{IN_HAND} handle"),
        (DONE, CLOSED),
        (DONE | {"co_units": "安全办,城管办"}, f"{OUT} sign assist assist contact finish_part finish_part handle review_pass close"),
        (DONE | {"rework_count": "2"}, f"{IN_HAND} handle review_pass rework handle review_pass rework handle review_pass close"),
        (DONE | {"suspended_from": "2026-11-02 15:00"}, f"{IN_HAND} suspend resume handle review_pass close"),
        # called back, found wanting, and in hand again
        (HANDED | {"rework_count": "1", "callback_at": "2026-11-05", "callback_resolved": "否"}, f"{IN_HAND} handle review_pass call_back rework"),
        (HANDED | {"rework_count": "1", "callback_resolved": "否"}, f"{IN_HAND} handle review_pass call_back rework"),
        (DONE | {"rework_count": "2", "callback_at": "2026-11-02 18:00"}, f"{IN_HAND} handle review_pass call_back rework handle review_pass rework handle review_pass close"),
        (DONE | {"rework_count": "1", "callback_at": "2026-11-02 18:00", "suspended_from": "2026-11-02 19:00"}, f"{IN_HAND} handle review_pass call_back rework suspend resume handle review_pass close"),
        (DONE | {"rework_count": "1", "callback_at": "2026-11-02 18:00", "suspended_from": "2026-11-02 12:00", "co_units": "安全办"}, f"{OUT} sign assist contact suspend resume finish_part handle review_pass call_back rework handle review_pass close"),
        (DONE | {"rework_count": "1", "callback_at": "2026-11-05"}, f"{IN_HAND} handle review_pass rework handle review_pass close call_back"),
        # an extension, and then it came back after all
        ({"disposition": "rejected", "dispatched_at": "2026-11-02 10:00", "due_at": "2026-11-05", "extended_to": "2026-11-09"}, f"{OUT} sign extend decide_extension return reject"),
        # called back: after the closing, before it, or without one
        (FULL, f"{CLOSED} call_back"),
        (DONE | {"callback_resolved": "是"}, f"{CLOSED} call_back"),
        (DONE | {"callback_at": "2026-11-04 09:00"}, f"{IN_HAND} handle review_pass call_back close"),
        (HANDED | {"handled_at": "2026-11-03", "callback_valid": "否"}, f"{IN_HAND} handle review_pass call_back"),
        (HANDED | {"closed_at": "2026-11-05", "callback_at": "2026-11-04"}, f"{IN_HAND} handle review_pass call_back close"),
    ],
)  # fmt: skip
def test_a_row_tells_its_moves(cells, expected):
    assert wrong(**cells) == {}
    assert actions(**cells) == expected


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        ({"received_at": "2026-11-23"}, {"received_at"}),
        ({"closed_at": "2026-11-22 12:00"}, {"closed_at"}),
        ({"recorded_at": "2026-11-22 12:00"}, {"recorded_at"}),
        ({"recorded_at": "2026-11-01"}, {"recorded_at"}),
        ({"closed_at": "2026-11-01"}, {"closed_at"}),
        (DONE | {"dispatched_at": "2026-11-01"}, {"dispatched_at"}),
        (DONE | {"signed_at": "2026-11-02 09:30"}, {"signed_at"}),
        (DONE | {"signed_at": "2026-11-02 11:00", "contacted_at": "2026-11-02 10:30"}, {"contacted_at"}),
        (DONE | {"closed_at": "2026-11-03 15:00"}, {"closed_at"}),
        (DONE | {"handled_at": "2026-11-05"}, {"closed_at"}),
        (DONE | {"contacted_at": "2026-11-02 11:00", "suspended_from": "2026-11-02 10:30"}, {"suspended_from"}),
        (HANDED | {"suspended_from": "2026-11-05", "suspended_to": "2026-11-04"}, {"suspended_to"}),
        (HANDED | {"suspended_to": "2026-11-04"}, {"suspended_from"}),
        (DONE | {"suspended_from": "2026-11-03", "suspended_to": "2026-12-01"}, {"suspended_to"}),
        ({"due_at": "2026-11-01"}, {"due_at"}),
        (HANDED | {"due_at": "2026-11-09", "extended_to": "2026-11-09"}, {"extended_to"}),
        (HANDED | {"extended_to": "2026-11-01"}, {"extended_to"}),
        (HANDED | {"extended_to": "2026-11-02 09:30"}, {"extended_to"}),
        (HANDED | {"extended_to": "2026-11-02 10:30", "signed_at": "2026-11-02 11:00"}, {"extended_to"}),
        (HANDED | {"extended_to": "2026-11-05", "signed_at": "2026-11-06 09:00"}, {"extended_to"}),
        (HANDED | {"due_at": "2026-11-02 09:30", "extended_to": "2026-11-09"}, {"extended_to"}),
        (DONE | {"callback_at": "2026-11-03 12:00"}, {"callback_at"}),
        (DONE | {"callback_at": "2026-11-02 12:00", "rework_count": "1", "contacted_at": "2026-11-02 13:00"}, {"callback_at"}),
        (DONE | {"callback_at": "2026-11-02 13:00", "rework_count": "1", "suspended_from": "2026-11-02 12:00", "suspended_to": "2026-11-02 14:00"}, {"callback_at"}),
        ({"callback_at": "2026-11-01"}, {"callback_at"}),
        ({"closed_at": "2026-11-05", "callback_at": "2026-11-04"}, {"callback_at"}),
        ({"disposition": "pending", "closed_at": "2026-11-03"}, {"closed_at"}),
        ({"disposition": "pending"} | DONE, {"dispatched_at", "handled_at", "closed_at"}),
        ({"disposition": "pending", "outcome": "resolved", "rating": "5"}, {"outcome", "rating"}),
        ({"disposition": "pending", "callback_contacted": "否"}, {"callback_contacted"}),
        ({"disposition": "direct", "signed_at": "2026-11-03", "rework_count": "1"}, {"signed_at", "rework_count"}),
        ({"disposition": "rejected", "contacted_at": "2026-11-03", "rating": "5"}, {"contacted_at", "rating"}),
        ({"disposition": "merged", "callback_resolved": "是"}, {"callback_resolved"}),
        (HANDED | {"reject_reason": "已起诉"}, {"reject_reason"}),
        (HANDED | {"rating": "5"}, {"rating"}),
        (HANDED | {"handled_at": "2026-11-03", "rating": "5"}, {"rating"}),
        (HANDED | {"callback_satisfaction": "满意"}, {"callback_satisfaction"}),
        (HANDED | {"outcome": "resolved"}, {"outcome"}),
        (HANDED | {"stage": "topic"}, {"stage"}),
        (HANDED | {"stage": "issue"}, {"stage"}),
        ({"stage": "topic", "closed_at": "2026-11-03"}, {"stage"}),
        ({"stage": "topic", "disposition": "pending", "return_count": "1"}, {"stage"}),
        ({"stage": "project", "disposition": "direct"}, {"stage"}),
        ({"stage": "project", "disposition": "pending"}, {"stage"}),
    ],
)  # fmt: skip
def test_a_row_that_contradicts_itself_is_refused_by_column(cells, columns):
    found = wrong(**cells)
    assert set(found) == columns
    for column, message in found.items():
        assert BY_NAME[column].header in message or column == "stage"


def at(action, **cells):
    """Return (Shanghai time, data) of the last move of that name."""
    move = next(m for m in reversed(moves(**cells)) if m.action == action)
    return f"{move.at + timedelta(hours=8):%m-%d %H:%M}", move.data


def test_told_times_stand_and_untold_ones_are_marked():
    assert at("sign", **FULL) == ("11-02 11:00", {})
    assert at("handle", **FULL)[0] == "11-03 16:00"
    assert at("close", **FULL) == ("11-04 10:00", {"outcome": "resolved"})
    assert at("sign", **DONE) == ("11-03 16:00", {"assumed": True})
    assert at("contact", **DONE) == ("11-03 16:00", {"assumed": True})
    assert at("dispatch", lead_unit="物业办") == ("11-02 09:00", {"unit": "物业办", "assumed": True})
    assert at("dispatch", **HANDED) == ("11-02 10:00", {"unit": "物业办"})
    assert at("dispatch", stage="project")[1]["unit"] == "未注明单位"


def test_the_last_handling_is_the_one_that_is_told():
    handled = [m for m in moves(**DONE | {"rework_count": "2"}) if m.action == "handle"]
    assert [m.data.get("assumed", False) for m in handled] == [True, True, False]


def test_what_a_registration_brings():
    data = at("register", checklist="2026年清单", list_level="党组织", excluded_reason="不可抗力")[1]
    assert data == {
        "imported": True,
        "checklist": "2026年清单",
        "list_level": "party",
        "exclusion": "不可抗力",
    }
    assert at("register")[1] == {"imported": True}


def test_what_a_callback_brings():
    assert at("call_back", **FULL) == (
        "11-04 11:00", {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": "satisfied"}
    )  # fmt: skip
    assert at("call_back", closed_at="2026-11-03 10:00", callback_contacted="否")[1] == {
        "valid": True, "contacted": False, "assumed": True
    }  # fmt: skip
    assert at("call_back", closed_at="2026-11-03", callback_at="2026-11-05")[1] == {"valid": False}
    assert at("call_back", closed_at="2026-11-03", callback_at="2026-11-05", callback_valid="是")[1] == {
        "valid": True
    }


def test_endings_bring_what_the_lifecycle_wants():
    assert at("reject", disposition="rejected", reject_reason="已进入诉讼、仲裁、复议或信访程序")[1] == {
        "reason": "已进入诉讼、仲裁、复议或信访程序", "reason_code": "in_proceedings"
    }  # fmt: skip
    assert at("merge", disposition="merged")[1] == {"reason": "台账记载", "into": "unknown"}
    assert at("redirect", disposition="redirected", handled_at="2026-11-02 09:30") == (
        "11-02 09:30", {"reason": "台账记载", "agency": "other"}
    )  # fmt: skip
    assert (
        at("close_directly", disposition="direct", outcome="解释说明", lead_unit="窗口")[1]["outcome"]
        == "explained"
    )


def test_a_bare_date_on_the_day_of_the_step_before_is_not_before_it():
    cells = HANDED | {"signed_at": "2026-11-02", "handled_at": "2026-11-02", "closed_at": "2026-11-02", "callback_at": "2026-11-02",
                      "recorded_at": "2026-11-02"}  # fmt: skip
    assert wrong(**cells) == {}
    assert at("close", **cells)[0] == at("sign", **cells)[0] == "11-02 10:00"
    assert course(row(**cells), NOW).recorded == row().received_at[0]
    assert set(wrong(**cells | {"closed_at": "2026-11-01"})) == {"closed_at"}


def test_a_clock_a_little_ahead_is_forgiven():
    soon = NOW + timedelta(seconds=90)
    told = course(row(received_at=soon.isoformat()), NOW)
    assert told.moves[0].at == NOW
    assert told.recorded >= told.moves[0].at


def test_recorded_is_what_is_told_or_now():
    assert course(row(), NOW).recorded == NOW
    assert course(row(recorded_at="2026-11-02 18:00"), NOW).recorded == datetime(2026, 11, 2, 10, tzinfo=UTC)


def test_when_it_was_rated():
    assert course(row(**FULL), NOW).rated == course(row(**FULL), NOW).closed
    assert course(row(), NOW).rated is None


# --- every history is one the lifecycle allows -------------------------------------------------------------


def replayed(told, due):
    """Play moves by the lifecycle alone; return the state they lead to."""
    first, *rest = told
    assert first.action == REGISTER
    now = Situation(State.SUBMITTED, moved_at=first.at, due_at=due)
    pending, parts = None, set()
    for move in rest:
        data = dict(move.data)
        if "until" in data:
            data["until"] = datetime.fromisoformat(data["until"])
        state = follow(now, move.action, occurred_at=move.at, data=data)
        if move.action == "extend":
            pending = data["until"]
        elif move.action == "decide_extension":
            now, pending = replace(now, due_at=pending), None
        elif move.action == "assist":
            parts.add(data["unit"])
        elif move.action == "finish_part":
            parts.discard(data["unit"])
        now = replace(
            now, state=state, moved_at=move.at, open_parts=len(parts), extension_pending=pending is not None
        )
    return now.state


_hours = st.integers(0, 400)
_flag, _few = st.booleans(), st.sampled_from(["", "0", "1", "2"])


@st.composite
def rows(draw):
    """Rows whose times are in order; what else they tell may contradict itself."""
    names = (
        "dispatched_at",
        "signed_at",
        "contacted_at",
        "suspended_from",
        "suspended_to",
        "handled_at",
        "closed_at",
    )
    start, cells = datetime(2026, 10, 1, 9, tzinfo=SHANGHAI), dict(LEAST)
    cells["received_at"] = f"{start:%Y-%m-%d %H:%M}"
    moment = start
    for name in names:
        moment += timedelta(hours=draw(st.sampled_from([0, 1, 5, 30])))
        if draw(_flag):
            cells[name] = f"{moment:%Y-%m-%d %H:%M}" if draw(st.integers(0, 3)) else f"{moment:%Y-%m-%d}"
    if draw(_flag):
        cells["callback_at"] = f"{moment + timedelta(hours=draw(st.sampled_from([-5, 0, 9]))):%Y-%m-%d %H:%M}"
    if draw(_flag):
        cells["due_at"] = f"{start + timedelta(hours=draw(_hours)):%Y-%m-%d %H:%M}"
    if draw(_flag):
        cells["extended_to"] = f"{start + timedelta(hours=draw(_hours)):%Y-%m-%d %H:%M}"
    choices = {
        "disposition": ["", "", "", "direct", "dispatched", "dispatched", "rejected", "merged", "withdrawn", "redirected", "pending"],
        "stage": ["", "", "", "topic", "issue", "project"], "lead_unit": ["", "甲"], "co_units": ["", "", "乙", "甲、乙、丙"],
        "outcome": ["", "partly"], "callback_satisfaction": ["", "满意"], "callback_valid": ["", "是", "否"], "rating": ["", "", "5"],
        "return_count": ["", "", "0", "1", "2"], "rework_count": ["", "", "1", "3"], "reject_reason": ["", "", "", "无此事"],
    }  # fmt: skip
    for name, options in choices.items():
        cells[name] = draw(st.sampled_from(options))
    return cells


@settings(max_examples=600, deadline=None)
@given(rows())
def test_every_history_is_legal_in_order_and_ends_where_the_row_says(cells):
    try:
        told_row = row(**cells)
        told = course(told_row, NOW)
    except Unfit as unfit:
        columns = {f.column for f in unfit.faults}
    else:
        columns = None
    if columns is not None:
        assert columns <= set(BY_NAME)
        return
    due = told_row.due_at
    # Where no deadline is told routing sees to it that an extension follows it.
    state = replayed(told.moves, due)
    at = [m.at for m in told.moves]
    assert at == sorted(at)
    assert max(at) <= NOW
    assert (state is State.CLOSED) == (told.closed is not None)
    counted = [m.action for m in told.moves]
    invented = told_row.return_count in {None, 0} and counted[-1] in {
        "reject",
        "merge",
        "withdraw",
        "redirect",
    }
    assert counted.count("return") == (told_row.return_count or 0) or invented
    assert counted.count("rework") == (told_row.rework_count or 0)
    assert counted.count("call_back") <= 1


# --- rows that grow -----------------------------------------------------------------------------------------


def stored(**cells):
    return [[m.action, m.at.isoformat(), m.data] for m in moves(**cells)]


def growth(before, after):
    new = grown(stored(**before), stored(**after), NOW)
    return None if new is None else " ".join(move[0] for move in new)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (DONE, DONE, ""),
        ({}, HANDED, "dispatch"),
        ({"disposition": "pending", "lead_unit": "安全办"}, HANDED, "dispatch"),
        ({}, {"closed_at": "2026-11-03"}, "close_directly"),
        ({"stage": "topic"}, {"stage": "issue"}, "accept"),
        ({}, {"disposition": "rejected"}, "reject"),
        (HANDED, HANDED | {"signed_at": "2026-11-02 11:00"}, "sign"),
        (HANDED, DONE, "sign contact handle review_pass close"),
        (HANDED | {"handled_at": "2026-11-03 16:00"}, DONE, "review_pass close"),
        (HANDED | {"handled_at": "2026-11-03 16:00"}, DONE | {"outcome": "partly"}, "review_pass close"),
        (DONE, DONE | {"callback_at": "2026-11-05", "callback_resolved": "是"}, "call_back"),
        (HANDED | {"handled_at": "2026-11-03 16:00"}, DONE | {"rework_count": "1"}, "review_pass rework handle review_pass close"),
        (DONE, DONE | {"excluded_reason": "不可抗力"}, "exclude"),
        (HANDED, DONE | {"excluded_reason": "不可抗力"}, "sign contact handle review_pass close exclude"),
        # what was told has changed
        (DONE, HANDED, None),
        (DONE, DONE | {"closed_at": "2026-11-04 11:00"}, None),
        (DONE, DONE | {"signed_at": "2026-11-02 11:00"}, None),
        (HANDED, HANDED | {"lead_unit": "安全办"}, None),
        ({"checklist": "甲"}, {"checklist": "乙"}, None),
        ({"excluded_reason": "甲"}, {"excluded_reason": "乙"}, None),
        ({"excluded_reason": "甲"}, {}, None),
        (HANDED, {"disposition": "rejected"}, None),
    ],
)  # fmt: skip
def test_a_row_may_tell_more_but_not_other(before, after, expected):
    assert growth(before, after) == expected
