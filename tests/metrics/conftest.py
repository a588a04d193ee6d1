"""Raw rows into the tables of intake and routing, as their own roles; bookings and questions as metrics."""

from datetime import UTC, datetime
from functools import partial

import pytest

from services.metrics.book import book
from shared.tables import ratings, tickets, transitions
from shared.terms import Role
from tests.metrics import oracle


@pytest.fixture
def database(processes):
    """The database as metrics sees it."""
    return processes("metrics").database


@pytest.fixture
def write_in(processes):
    """`await write_in(street, ledger)` stores tickets (where there are any) and their histories."""

    async def rows(street, ledger):
        async with processes("intake").database.transaction([street.id]) as tx:
            await tx.insert_many(tickets, [ticket for ticket, _ in ledger if ticket])
        moves = [move for _, history in ledger for move in history]
        async with processes("routing").database.transaction([street.id]) as tx:
            await tx.insert_many(transitions, moves)

    return rows


@pytest.fixture
def rate_in(processes):
    """`await rate_in(street, rows)` stores what reporters said."""

    async def rows(street, said):
        async with processes("intake").database.transaction([street.id]) as tx:
            await tx.insert_many(ratings, said)

    return rows


@pytest.fixture
def enter_in(database):
    """`await enter_in(street, ids)` books these tickets; → how many had changed."""

    async def booked(street, ids) -> int:
        async with database.transaction([street.id]) as tx:
            return await book(tx, street.id, list(ids))

    return booked


@pytest.fixture
def write(write_in, street):
    """`await write(ledger)`: in the test's own street."""
    return partial(write_in, street)


@pytest.fixture
def enter(enter_in, street):
    """`await enter(ids)`: in the test's own street."""
    return partial(enter_in, street)


@pytest.fixture
def both(write, enter):
    """`await both(ledger)` stores and books."""

    async def done(ledger):
        await write(ledger)
        await enter([ticket["id"] for ticket, _ in ledger])

    return done


@pytest.fixture
def leader(actor_headers):
    """The headers of someone who may see all figures of the street."""
    return actor_headers(Role.LEADER)


@pytest.fixture
def ask(metrics, leader):
    """`await ask("/rates/closure_rate", by="unit", …)` → the answer's body; `from_` stands for from."""

    async def get(path, status=200, headers=None, **query):
        query = {name.rstrip("_"): str(v) for name, v in query.items()}
        answer = await metrics.get(f"/v1{path}", params=query, headers=headers or leader)
        assert answer.status_code == status, answer.text
        return answer.json()

    return get


def local(year, month, day, hour=12, minute=0):
    """An instant written as people in Shanghai write it."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC) - oracle.EIGHT_HOURS
