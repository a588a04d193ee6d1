"""Two furnished streets, once for the whole room: the wiring tests change nothing in them."""

from types import SimpleNamespace

import pytest

from tests.contracts.rows import furnish
from tests.fixtures.streets import make_street


@pytest.fixture(scope="session")
async def neighbours(owner):
    """`.mine` and `.other`: streets with at least one row in every tenant table; `.rows` are mine."""
    mine, other = await make_street(owner), await make_street(owner)
    await furnish(owner, other.id)
    return SimpleNamespace(mine=mine.id, other=other.id, rows=await furnish(owner, mine.id))
