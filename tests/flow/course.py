"""A ticket's course over HTTP, each step taken by whom the lifecycle lets take it."""

import time

import httpx

from shared.auth import Actor, Tokens, staff_id
from shared.terms import Role
from tests.flow.instance import STREET_ID

LEAD = "wuye"  # 物业办, whom the demo street's catalogue gives blocked drains
DRAIN = "3号楼前下水道堵了,污水往外冒"
STEPS = (
    ("sign", Role.UNIT, {}),
    ("contact", Role.UNIT, {"reason": "已电话联系诉求人,约定上午到场"}),
    ("handle", Role.UNIT, {"reason": "已疏通下水道并清洗路面", "outcome": "resolved"}),
    ("review_pass", Role.SUPERVISOR, {}),
    ("close", Role.CALLBACK_CLERK, {"outcome": "resolved"}),
)


class People:
    """Everybody of the demo street: `people.headers(role)`, and what they do."""

    def __init__(self, house):
        self._url = house.url
        self._tokens = Tokens(house.data / "secrets.json")

    def headers(self, role, unit=None, openid="demo"):
        streets = frozenset({STREET_ID})
        unit = LEAD if role is Role.UNIT and unit is None else unit
        who = (
            self._tokens.keys.resident_id(openid) if role is Role.RESIDENT else staff_id(role, streets, unit)
        )
        token, _ = self._tokens.issue(Actor(id=who, role=role, streets=streets, unit=unit), 12 * 3600)
        return {"Authorization": f"Bearer {token}"}

    def ask(self, service, path, role=Role.DISPATCHER, **parameters):
        answer = httpx.get(
            f"{self._url[service]}{path}", params=parameters, headers=self.headers(role), timeout=20
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, content=DRAIN, **body):
        """Hand a ticket in as the resident; return its number."""
        answer = httpx.post(
            f"{self._url['intake']}/v1/tickets",
            json={"content": content, **body}, headers=self.headers(Role.RESIDENT), timeout=20,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return answer.json()["number"]

    def do(self, number, action, role, **body):
        answer = httpx.post(
            f"{self._url['routing']}/v1/tickets/{number}/actions/{action}",
            json=body, headers=self.headers(role), timeout=20,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for(self, number, state, seconds=20):
        """Wait until the workers have brought a ticket to `state`; return it."""
        return self.until(
            lambda: httpx.get(
                f"{self._url['routing']}/v1/tickets/{number}", headers=self.headers(Role.DISPATCHER)
            ).json(),
            lambda ticket: ticket["state"] == state,
            seconds,
        )

    @staticmethod
    def until(ask, good, seconds=20):
        """Ask until the answer is good; return it. Fail with the last answer after `seconds`."""
        deadline = time.monotonic() + seconds
        while not good(answer := ask()):
            assert time.monotonic() < deadline, f"not so within {seconds} s: {answer}"
            time.sleep(0.05)
        return answer

    def bring(self, number, steps):
        """Take the first `steps` steps after the workers have dispatched the ticket."""
        self.wait_for(number, "dispatched")
        for action, role, body in STEPS[:steps]:
            self.do(number, action, role, **body)
        return number
