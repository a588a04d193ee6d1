"""The streets, by id, by code and by the letters of a number; known as soon as they are there."""

import pytest

from shared import streets
from shared.errors import Invalid, NotFound
from shared.streets import Streets
from tests.fixtures.streets import make_street


@pytest.fixture
def now(monkeypatch):
    """A stopwatch that stands still until it is told."""
    time = [1000.0]
    monkeypatch.setattr(streets, "monotonic", lambda: time[0])
    return time


@pytest.fixture
def reads(processes, monkeypatch):
    """(what is tried, how often it has read the table)."""
    known, count = Streets(processes("metrics").database), []
    read = known._read

    async def counted():
        count.append(1)
        await read()

    monkeypatch.setattr(known, "_read", counted)
    return known, count


async def test_a_street_is_found_three_ways(reads, street):
    known, _ = reads
    one = await known.by_id(street.id)
    assert (one.code, one.name, one.prefix) == (street.code, street.name, street.prefix)
    assert await known.by_code(street.code) == one
    assert await known.of_prefix(f"{street.prefix}20260304-000001") == one
    assert one in await known.all()


async def test_what_is_no_street_or_no_number_is_refused(reads, street):
    known, _ = reads
    with pytest.raises(NotFound):
        await known.by_id(0)
    with pytest.raises(Invalid) as told:
        await known.by_code("nowhere")
    assert [e.field for e in told.value.errors] == ["street"]
    good = f"{street.prefix}20260304-000001"
    for number in (
        "",
        "1",
        good.lower(),
        good[:-6],
        f" {good}",
        f"{good}x",
        "ZZZZZZ20260304-000001",
        "x" * 4000,
    ):
        assert await known.of_prefix(number) is None


async def test_the_table_is_read_once_in_a_while_however_often_it_is_asked(reads, street, now):
    known, count = reads
    for _ in range(20):
        await known.by_id(street.id)
    assert len(count) == 1
    now[0] += 15
    await known.all()
    assert len(count) == 2


async def test_a_new_street_is_known_at_once_and_guesses_cost_one_reading_a_second(reads, owner, street, now):
    known, count = reads
    await known.all()
    fresh = await make_street(owner)
    now[0] += 1.5
    assert (await known.by_id(fresh.id)).code == fresh.code
    assert len(count) == 2
    for guess in range(50):
        with pytest.raises(Invalid):
            await known.by_code(f"guess-{guess}")
    assert len(count) == 2
