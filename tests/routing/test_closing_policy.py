"""A street's policy of closing, read from its document; the sample that anybody can draw again."""

from datetime import date
from uuid import UUID

import pytest

from services.routing.closing.answers import result_of
from services.routing.closing.sampling import drawn, why_call
from services.routing.closing_policy import USUAL_CLOSING, ClosingPolicies, ClosingPolicy, read_closing

TICKETS = [UUID(int=n) for n in range(4000)]
ROW = {
    "ticket_id": UUID(int=7), "category_code": "0101", "mode": "normal", "kind": "help", "supervised": False,
    "urge_count": 0,
}  # fmt: skip


def test_a_document_is_read_and_what_is_left_out_is_as_usual():
    policy = read_closing(
        3, {"proof": {"0101": ["after_ids", "person"], "*": ["person"]}, "share_by_mode": {"urgent": 1}, "share": 0}
    )  # fmt: skip
    assert [part.text for part in policy.proof_of("0101")] == ["处置后照片", "处置人"]
    assert [part.value for part in policy.proof_of("0201")] == ["person"]
    assert (policy.share_of("0101", "urgent"), policy.share_of("0101", "normal")) == (1, 0)
    assert (policy.version, str(policy.confirm_within), policy.urged) == (3, "5wd", 2)
    assert USUAL_CLOSING.proof_of("0101") == ()
    assert not USUAL_CLOSING.feedback_first


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"colour": 1}, "colour"), ({"proof": ["0101"]}, "proof"), ({"proof": {"0101": ["video"]}}, "处置后照片"),
        ({"proof": {"0101": "person"}}, "列表"), ({"share": 1.5}, "share"), ({"share": True}, "share"),
        ({"share_by_mode": {"slow": 0.5}}, "普通"), ({"seed": -1}, "seed"), ({"urged": 0}, "urged"),
        ({"confirm_within": "soon"}, "confirm_within"), ({"call_first": "yes"}, "call_first"),
        ({"outcome": ["sign"]}, "承办办结"), ({"confirm_within": None}, "confirm_within"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_in_chinese(document, named):
    with pytest.raises(ValueError, match=named) as refused:
        read_closing(1, document)
    assert "办结方案" in str(refused.value)


def test_the_newest_policy_that_has_begun_is_in_force():
    first, second = ClosingPolicy(version=1), ClosingPolicy(version=2)
    policies = ClosingPolicies([(date(2026, 3, 1), first), (date(2026, 3, 9), second)])
    days = (date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 8), date(2026, 3, 9))
    assert [policies.on(day).version for day in days] == [0, 1, 1, 2]


def test_the_sample_is_the_same_whoever_draws_it_and_as_large_as_was_laid_down():
    sample = [t for t in TICKETS if drawn(t, 20260302, 0.1)]
    assert sample == [t for t in TICKETS if drawn(t, 20260302, 0.1)]
    assert 340 <= len(sample) <= 460
    assert sample != [t for t in TICKETS if drawn(t, 20260303, 0.1)]
    assert set(sample) <= {t for t in TICKETS if drawn(t, 20260302, 0.3)}  # a larger share only adds
    assert not any(drawn(t, 1, 0) for t in TICKETS)
    assert all(drawn(t, 1, 1) for t in TICKETS)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"kind": "complaint"}, "投诉"), ({"kind": "tipoff"}, "举报"), ({"supervised": True}, "督办"),
        ({"urge_count": 2}, "催办"), ({"urge_count": 1}, None), ({}, None),
    ],
)  # fmt: skip
def test_what_a_person_always_calls_about(more, why):
    found = why_call(ROW | more, ClosingPolicy(share=0), reporter=True)
    assert found is None if why is None else why in found


def test_a_category_a_mode_and_a_reporter_out_of_reach_decide_too():
    policy = ClosingPolicy(share=0, share_by_category={"0101": 1}, share_by_mode={"urgent": 1})
    assert "100%" in why_call(ROW, policy, reporter=True)
    assert why_call(ROW | {"category_code": "0201"}, policy, reporter=True) is None
    assert "抽中" in why_call(ROW | {"category_code": "0201", "mode": "urgent"}, policy, reporter=True)
    assert "小程序" in why_call(ROW, ClosingPolicy(share=0), reporter=False)


@pytest.mark.parametrize(
    ("found", "result"),
    [
        ({"valid": False}, "unreached"), ({}, "unreached"), ({"valid": True}, "good"), ({"resolved": "partly"}, "good"),
        ({"satisfaction": "dissatisfied"}, "bad"), ({"resolved": "no", "satisfaction": "satisfied"}, "bad"),
        ({"valid": False, "resolved": "no"}, "unreached"),
    ],
)  # fmt: skip
def test_what_a_callback_came_to(found, result):
    assert result_of(found) == result
