"""The ladder of supervision: what a policy may say, when each step is due, and that each is taken once."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from services.routing.ladder.policy import USUAL_SUPERVISION, SupervisionPolicies, read_supervision
from services.routing.ladder.steps import Run, coming
from shared.calendar import WorkCalendar

CALENDAR = WorkCalendar({date(2026, 3, 9): False}, [2026])
MONDAY = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
FRIDAY_MIDNIGHT = datetime(2026, 3, 6, 16, 0, tzinfo=UTC)  # 24:00 of Friday
MOMENT = timedelta(microseconds=1)


def climbed(policy, looks, *, due=FRIDAY_MIDNIGHT, urged=()):
    """Return the places taken when somebody looks at these instants; `urged`: when people urge."""
    taken, behind = [], 0
    for now in sorted(looks):
        while True:
            run = Run(MONDAY, due, sum(u <= now for u in urged), behind)
            step = coming(policy, run, CALENDAR)
            if step is None or step.at > now:
                break
            taken.append(step.place)
            behind = step.place + 1
    return taken


def test_the_usual_ladder_reminds_orders_escalates_and_makes_public():
    due = []
    for behind in range(4):
        step = coming(USUAL_SUPERVISION, Run(MONDAY, FRIDAY_MIDNIGHT, 0, behind), CALENDAR)
        due.append((step.step.level.value, step.at, step.why))
    whole = FRIDAY_MIDNIGHT - MONDAY
    assert due == [
        ("urge", MONDAY + whole * 0.8, "办理时限已过 80%"),
        ("notice", FRIDAY_MIDNIGHT + MOMENT, "办理时限已过"),
        # Monday the 9th is off: two working days late is the end of Wednesday, five that of the next Monday
        ("escalate", datetime(2026, 3, 11, 16, tzinfo=UTC) + MOMENT, "超期已满2个工作日"),
        ("bulletin", datetime(2026, 3, 16, 16, tzinfo=UTC) + MOMENT, "超期已满5个工作日"),
    ]
    assert coming(USUAL_SUPERVISION, Run(MONDAY, FRIDAY_MIDNIGHT, 9, 4), CALENDAR) is None


def test_who_is_urged_three_times_gets_the_order_at_once_and_the_reminder_no_more():
    looks = [MONDAY + timedelta(hours=n) for n in range(200)]
    assert climbed(USUAL_SUPERVISION, looks, urged=[MONDAY] * 3) == [1]
    assert climbed(USUAL_SUPERVISION, looks, urged=[MONDAY] * 2) == [0, 1]


LOOKS = st.lists(
    st.integers(0, 60 * 24 * 40).map(lambda m: MONDAY + timedelta(minutes=m)), min_size=1, max_size=40
)


@settings(deadline=None, max_examples=150)
@given(looks=LOOKS, again=LOOKS)
def test_each_step_is_taken_once_however_often_somebody_looks(looks, again):
    last = max(*looks, *again)
    seldom, often = climbed(USUAL_SUPERVISION, [last]), climbed(USUAL_SUPERVISION, [*looks, *again, last])
    assert often == seldom
    assert len(set(often)) == len(often)


def test_colours_are_the_streets_own_and_each_level_has_one():
    cards = {
        "colours": {"notice": {"code": "yellow", "name": "黄牌"}, "bulletin": {"code": "red", "name": "红牌"}}
    }
    policy = read_supervision(2, cards)
    assert (policy.colour("notice").name, policy.colour("bulletin").name, policy.colour(None).code) == (
        "黄牌", "红牌", "green",
    )  # fmt: skip
    assert policy.levels_of("red") == ["escalate", "bulletin"]
    assert policy.levels_of("green") == [None]
    later = SupervisionPolicies([(date(2026, 3, 2), policy)])
    assert (later.on(date(2026, 3, 1)).version, later.on(date(2026, 3, 2)).version) == (0, 2)


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"steps": []}, "没有“steps”"),
        ({"ladder": {"level": "urge"}}, "应为列表"),
        ({"ladder": [{"level": "shout", "when": {"elapsed": 80}}]}, "级别应为"),
        ({"ladder": [{"level": "urge", "when": {}}]}, "何时启动"),
        ({"ladder": [{"level": "urge", "when": {"elapsed": 0}}]}, "1 至 100"),
        ({"ladder": [{"level": "urge", "when": {"overdue": "soon"}}]}, "写法不对"),
        ({"ladder": [{"level": "urge"}]}, "写法不对"),
        ({"colours": {"notice": {"code": "黄", "name": "黄牌"}}}, "颜色代码"),
        ({"meeting_weekday": 8}, "1 至 7"),
        ({"reply_within": 3}, "写法不对"),
    ],
)
def test_a_policy_that_cannot_be_read_says_where(document, told):
    with pytest.raises(ValueError, match=told):
        read_supervision(1, document)
