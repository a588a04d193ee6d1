"""What tests of joint work ask again and again."""

import pytest


@pytest.fixture
def ask(routing, who):
    """`await ask("/v1/whistles", "dispatcher", …)` → the page."""

    async def get(path, name="dispatcher", status=200, **query):
        answer = await routing.get(path, params=query, headers=who(name))
        assert answer.status_code == status, answer.text
        return answer.json()

    return get
