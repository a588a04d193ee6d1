"""Natural batching: what arrives while a commit is in flight goes into the next one.

A commit costs one fsync however many rows it carries. Under load, batches form by themselves; alone, a
request waits for nobody. One bad row never fails its neighbours (the batch is then written one by one),
and the queue is bounded: beyond it the answer is Unavailable, at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from shared.errors import Problem, Unavailable

Item = TypeVar("Item")
Result = TypeVar("Result")


class GroupCommit(Generic[Item, Result]):
    """Gathers items and hands them to `flush`, which commits them together and answers in their order.

    `flush` returns one result or exception per item; when it raises, each item is tried alone.
    """

    def __init__(
        self,
        flush: Callable[[Sequence[Item]], Awaitable[Sequence[Result | Exception]]],
        *,
        max_batch: int = 200,
        max_waiting: int = 2000,
        in_flight: int = 3,
    ) -> None:
        self._flush = flush
        self._max_batch = max_batch
        self._max_waiting = max_waiting
        self._in_flight = in_flight
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def put(self, item: Item) -> Result:
        """Return what became of `item` once it is durable; raise Unavailable when too many wait."""
        if len(self._waiting) >= self._max_waiting:
            raise Unavailable("同时提交的人太多,请稍后再试", code="queue_full")
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if len(self._running) < self._in_flight:
            self._start()
        return await future

    def _start(self) -> None:
        task = asyncio.create_task(self._run())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _run(self) -> None:
        # One turn of the loop lets requests that are already readable join this batch.
        await asyncio.sleep(0)
        while self._waiting:
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            await self._commit(batch)
        # Here, not in the callback alone: whoever puts between this line and that call would wait for ever.
        self._running.discard(asyncio.current_task())

    async def _commit(self, batch: list[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            answers = await self._flush([item for item, _ in batch])
        except Problem as problem:
            answers = [problem] * len(batch)
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            if len(batch) > 1:
                for one in batch:
                    await self._commit([one])
                return
            answers = [error]
        for (_, future), answer in zip(batch, answers, strict=True):
            if future.done():  # the client hung up; the row is durable all the same
                continue
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)

    async def drain(self) -> None:
        """Wait until everything handed in is written (used on shutdown)."""
        while self._running:
            await asyncio.gather(*self._running)
