"""One ticket from the resident's hand to 100%, through real processes, and still there after a restart."""

import pytest

from shared.terms import Role
from tests.flow.course import DRAIN, STEPS, People
from tests.flow.instance import STREET, Instance

pytestmark = pytest.mark.flow


def test_a_request_is_filed_dispatched_handled_closed_counted_and_kept():
    house = Instance()
    with house.kept():
        with house:
            people = People(house)
            number = filed(house, people)
            moved_to_closed(people, number)
            counted(people, number)
            assert "不符工单 0,不符累计 0,未入账变动 0" in house.run("audit")
        with house:
            assert house.seconds_to_healthy < 30
            people = People(house)
            counted(people, number)
            ticket = people.ask("routing", f"/v1/tickets/{number}", Role.SUPERVISOR)
            assert [move["action"] for move in ticket["timeline"]] == [
                "register", "accept", "dispatch", *(action for action, _, _ in STEPS),
            ]  # fmt: skip
            house.run("audit")


def filed(house, people):
    """File over HTTP; the workers give it an owner and a deadline."""
    number = people.file(contact={"name": "张三", "phone": "13812345678"}, address="晨晖里3号楼")
    ticket = people.wait_for(number, "dispatched")
    assert (ticket["content"], ticket["lead_unit_name"]) == (DRAIN, "物业办")
    assert ticket["owner_unit"]
    assert ticket["due_at"]
    shown = people.ask("intake", f"/v1/tickets/{number}", Role.RESIDENT)
    assert shown["contact"] == {"name": "张*", "phone": "138****5678"}
    assert [step["state"] for step in shown["timeline"]][-1] == "dispatched"
    return number


def moved_to_closed(people, number):
    """Each step by its role; in between, what is not allowed is refused and moves nothing."""
    states = [people.do(number, action, role, **body)["state"] for action, role, body in STEPS]
    assert states == ["signed", "handling", "handled", "callback", "closed"]
    with pytest.raises(AssertionError, match="not_allowed_now"):
        people.do(number, "sign", Role.UNIT)


def counted(people, number):
    """The rate is 1/1, printed as 100%, and the one ticket behind it can be fetched."""
    question = {"street": STREET, "variant": "received"}
    rate = people.until(
        lambda: people.ask("metrics", "/v1/rates/closure_rate", Role.LEADER, **question),
        lambda rate: rate["total"]["numerator"] == 1 and not rate["warnings"],
    )
    assert (rate["total"]["denominator"], rate["total"]["display"], rate["total"]["value"]) == (
        1,
        "100%",
        1.0,
    )
    for side in ("numerator", "denominator"):
        behind = people.ask("metrics", "/v1/rates/closure_rate/evidence", Role.LEADER, side=side, **question)
        assert [item["number"] for item in behind["items"]] == [number]
