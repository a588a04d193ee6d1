"""One house of real processes for all fuzzing, everybody who may call it, and tickets in every state."""

import pytest

from shared.terms import Role
from tests.flow.course import STEPS, People
from tests.flow.instance import STREET, Instance

ROLES = (
    Role.RESIDENT, Role.DISPATCHER, Role.SUPERVISOR, Role.UNIT, Role.ADMIN, Role.CALLBACK_CLERK, Role.CLERK,
)  # fmt: skip


@pytest.fixture(scope="package")
def house():
    with Instance(BANJIE_RATE_LIMITS="off") as house:
        yield house


@pytest.fixture(scope="package")
def people(house):
    return People(house)


@pytest.fixture(scope="package")
def callers(house, people):
    """The headers of one caller of each kind."""
    scopes = "tickets:write,import:write,metrics:read,ledger:read"
    key = house.run("key", "模糊测试", "--scope", scopes, "--street", STREET).strip()
    return [*(people.headers(role) for role in ROLES), {"X-API-Key": key}]


@pytest.fixture(scope="package")
def numbers(people):
    """Tickets, one for each state on the way to closed."""
    filed = [people.file() for _ in range(len(STEPS) + 1)]
    return [people.bring(number, steps) for steps, number in enumerate(filed)]
