"""Many callers, few commits: nobody waits for nobody, nobody pays for a neighbour, nothing is lost."""

import asyncio

import pytest

from shared.errors import Conflict, Unavailable
from shared.group_commit import GroupCommit

PATIENCE = 5  # seconds until a test that would hang is failed instead


class Gate:
    """A flush that waits to be let through, and remembers its batches."""

    def __init__(self):
        self.batches = []
        self.open = asyncio.Event()
        self.entered = asyncio.Event()

    async def flush(self, items):
        self.entered.set()
        await self.open.wait()
        self.batches.append(list(items))
        return [item * 10 for item in items]


async def double(items):
    return [item * 2 for item in items]


async def soon(awaitable):
    async with asyncio.timeout(PATIENCE):
        return await awaitable


async def test_alone_a_caller_waits_for_nobody():
    assert await soon(GroupCommit(double).put(21)) == 42


@pytest.mark.parametrize("in_flight", [1, 3])
async def test_one_after_the_other_each_gets_its_turn(in_flight):
    group = GroupCommit(double, in_flight=in_flight)
    for number in range(20):
        assert await soon(group.put(number)) == number * 2


async def test_a_crowd_that_comes_again_at_once_is_served_again():
    group = GroupCommit(double, in_flight=1, max_batch=7)

    async def regular(number):
        for turn in range(20):
            assert await group.put(number + turn) == (number + turn) * 2

    await soon(asyncio.gather(*(regular(n) for n in range(30))))


async def test_what_arrives_during_a_commit_shares_the_next_one_in_its_order():
    gate = Gate()
    group = GroupCommit(gate.flush, in_flight=1)
    first = asyncio.create_task(group.put(1))
    await soon(gate.entered.wait())
    later = [asyncio.create_task(group.put(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)  # one turn of the loop: they have put
    gate.open.set()
    assert await soon(asyncio.gather(first, *later)) == [10, 20, 30, 40]
    assert gate.batches == [[1], [2, 3, 4]]


async def test_a_batch_has_a_greatest_size():
    gate = Gate()
    gate.open.set()
    group = GroupCommit(gate.flush, max_batch=3, in_flight=1)
    await soon(asyncio.gather(*(group.put(n) for n in range(8))))
    assert gate.batches == [[0, 1, 2], [3, 4, 5], [6, 7]]


async def test_one_bad_item_does_not_fail_its_neighbours():
    written = []

    async def flush(items):
        if 13 in items:
            raise RuntimeError("bad row")
        written.extend(items)
        return list(items)

    group = GroupCommit(flush, in_flight=1)
    answers = await soon(asyncio.gather(*(group.put(n) for n in (1, 13, 2)), return_exceptions=True))
    assert answers[0] == 1
    assert isinstance(answers[1], RuntimeError)
    assert answers[2] == 2
    assert written == [1, 2]


async def test_an_answer_may_be_an_exception_of_that_item_alone():
    async def flush(items):
        return [Conflict("另一份内容") if item == 2 else item for item in items]

    group = GroupCommit(flush)
    one, two = await soon(asyncio.gather(group.put(1), group.put(2), return_exceptions=True))
    assert one == 1
    assert isinstance(two, Conflict)


async def test_a_refusal_is_everyones_and_is_not_tried_item_by_item():
    calls = []

    async def flush(items):
        calls.append(list(items))
        raise Unavailable("数据库暂时不可用")

    group = GroupCommit(flush)
    answers = await soon(asyncio.gather(*(group.put(n) for n in range(3)), return_exceptions=True))
    assert [type(a) for a in answers] == [Unavailable] * 3
    assert calls == [[0, 1, 2]]


async def test_the_queue_is_bounded_and_says_so_at_once():
    gate = Gate()
    group = GroupCommit(gate.flush, max_batch=1, max_waiting=2, in_flight=1)
    first = asyncio.create_task(group.put(1))
    await soon(gate.entered.wait())
    waiting = [asyncio.create_task(group.put(n)) for n in (2, 3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as refused:
        await soon(group.put(4))
    assert refused.value.code == "queue_full"
    gate.open.set()
    assert await soon(asyncio.gather(first, *waiting)) == [10, 20, 30]


@pytest.mark.parametrize("when", ["waiting", "in flight"])
async def test_a_caller_that_hangs_up_loses_nothing_and_costs_nobody(when):
    gate = Gate()
    group = GroupCommit(gate.flush, in_flight=1)
    leader = asyncio.create_task(group.put(1))
    await soon(gate.entered.wait())
    other = asyncio.create_task(group.put(2))
    await asyncio.sleep(0)
    gone, stays = (other, leader) if when == "waiting" else (leader, other)
    gone.cancel()
    gate.open.set()
    assert await soon(stays) in {10, 20}
    with pytest.raises(asyncio.CancelledError):
        await gone
    await soon(group.drain())
    assert gate.batches == [[1], [2]]


async def test_draining_waits_for_all_that_was_handed_in():
    gate = Gate()
    group = GroupCommit(gate.flush, max_batch=1, in_flight=2)
    handed_in = [asyncio.create_task(group.put(n)) for n in range(5)]
    await asyncio.sleep(0)
    gate.open.set()
    await soon(group.drain())
    assert sorted(n for batch in gate.batches for n in batch) == [0, 1, 2, 3, 4]
    await soon(asyncio.gather(*handed_in))
