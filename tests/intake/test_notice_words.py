"""Which move tells whom: the rules alone, no database."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.intake.notices import words
from services.intake.notices.told import Matter, Move, fit, kind_text, moment, told
from shared.lifecycle import ACTIONS, REGISTER

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
REPORTER = UUID(int=7)
UNITS = {"u1": "物业办", "u2": "城管办"}


def move(action, **changes):
    return Move(
        **{
            "seq": 3, "action": action, "to_state": "handling", "actor_id": uuid4(), "actor_role": "dispatcher",
            "actor_unit": None, "reason": None, "data": {}, "due_at": NOON, "sign_due_at": NOON, "lead_unit": "u1",
            "lead_before": "u1", "outcome": None, "occurred_at": NOON,
        } | changes
    )  # fmt: skip


def heard(action, *, last=False, reporter=REPORTER, **changes):
    """Return {recipient: notice}."""
    matter = Matter("TA20260302-000001", "道路破损", reporter, UNITS)
    return {n.recipient: n for n in told(move(action, **changes), matter, last=last)}


EVERYTHING = (words.REPORTER, words.LEAD, words.FORMER, words.NAMED, words.PERSON, words.OFFICE)


def test_of_every_action_somebody_hears_or_it_is_said_why_nobody_does():
    spoken = {kind for table in EVERYTHING for kind in table} | words.SILENT.keys()
    assert ACTIONS.keys() <= spoken
    assert spoken - ACTIONS.keys() == {"grant_extension", "refuse_extension", "refuse_petition"}
    assert not any(words.SILENT.keys() & table.keys() for table in EVERYTHING)


def test_titles_fit_a_subscribe_message_and_every_kind_has_a_name():
    for table in EVERYTHING:
        for kind, value in table.items():
            say = value[1] if isinstance(value, tuple) else value
            assert len(say.title) <= words.TITLE_LENGTH
            assert kind_text(kind)
    assert fit("字" * 30) == "字" * 19 + "…"


def test_a_dispatch_tells_the_reporter_and_the_unit():
    notices = heard("dispatch", data={"unit": "u1"})
    assert notices.keys() == {f"resident:{REPORTER}", "unit:u1"}
    assert notices["unit:u1"].detail == "TA20260302-000001(道路破损)派给您单位,请于3月2日12:00前签收。"
    assert "物业办" in notices[f"resident:{REPORTER}"].detail
    assert heard("dispatch", reporter=None).keys() == {"unit:u1"}


@pytest.mark.parametrize(
    ("action", "changes", "recipients"),
    [
        ("assist", {"data": {"unit": "u2"}}, {"unit:u2"}),
        ("whistle", {"data": {"units": ["u2", "u3"]}, "actor_unit": "u1"}, {"unit:u2", "unit:u3"}),
        ("assign", {"data": {"assignee": str(REPORTER)}}, {f"person:{REPORTER}"}),
        ("recall", {"lead_unit": None}, {"unit:u1"}),
        ("return", {"lead_unit": None, "actor_unit": "u1"}, {"role:dispatcher"}),
        ("extend", {"actor_unit": "u1", "data": {"until": NOON.isoformat()}}, {"role:supervisor"}),
        ("handle", {"actor_unit": "u1"}, {f"resident:{REPORTER}", "role:supervisor"}),
        ("review_pass", {}, {f"resident:{REPORTER}", "role:callback_clerk"}),
        ("urge", {}, {"unit:u1"}),
        ("urge", {"lead_unit": None}, {"role:dispatcher"}),
        ("withdraw", {"lead_unit": None}, {f"resident:{REPORTER}"}),
        ("comment", {}, set()),
        ("sign", {}, set()),
    ],
)
def test_who_is_told(action, changes, recipients):
    assert heard(action, **changes).keys() == recipients


def test_an_extension_is_told_by_what_was_decided():
    granted, refused = (heard("decide_extension", data={"approve": yes}) for yes in (True, False))
    assert granted[f"resident:{REPORTER}"].kind == "grant_extension"
    assert refused.keys() == {"unit:u1"}, "what changes nothing is not told to the reporter"


def test_a_petition_refused_is_answered():
    notices = heard("comment", data={"petition_id": "x"}, reason="诉求人申请撤回,未能办理:已签收")
    assert notices.keys() == {f"resident:{REPORTER}"}
    assert "已签收" in notices[f"resident:{REPORTER}"].detail


def test_nobody_is_told_of_their_own_act():
    assert heard("suspend", actor_unit="u1", data={"reason_code": "season"}).keys() == {
        f"resident:{REPORTER}"
    }


def test_the_desk_hears_of_what_is_left_with_it_and_only_then():
    waiting = {"to_state": "submitted", "lead_unit": None, "lead_before": None}
    assert heard(REGISTER, last=True, **waiting)["role:dispatcher"].kind == "to_dispatch"
    assert heard(REGISTER, last=False, **waiting) == {}
    assert heard("return", last=True, to_state="accepted", lead_unit=None)["role:dispatcher"].kind == "return"


def test_what_is_missing_leaves_no_hole_in_a_sentence():
    assert moment(None) == "规定时间"
    notices = heard("redirect", lead_unit=None, data={})
    assert "请向其他反映" in notices[f"resident:{REPORTER}"].detail
