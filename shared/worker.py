"""A service's arq process, with arq's traps closed (all of them tried; reference in services' READMEs).

- A job that raises is not retried, results kept block a job's id, bodies expire: so jobs carry nothing but
  references, results are not kept, and PostgreSQL remembers what is undone.
- The worker dies with Redis: here it connects again, and the periodic work goes on meanwhile.
- Polling is slow by default (0.5 s): here each worker says how quick it must be.
- Pickle is the default: here it is JSON.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import orjson
import structlog
from arq.worker import Worker, func
from redis.exceptions import RedisError

from shared.errors import Unavailable
from shared.outbox.courier import JOB, queue_name, redis_settings
from shared.outbox.receive import Handler, Patience, Receiver
from shared.process import Process, configure_logging, spare_the_collector

SWEEP_SECONDS = 1.0
RECONNECT_SECONDS = 0.5
JOB_SECONDS = 30
NICENESS = 19
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Periodic:
    """Work that is done every so often, Redis or no Redis; each run must be safe to repeat.

    A run that returns True has more to do: the next follows at once.
    """

    name: str
    seconds: float
    run: Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Duties:
    """What a service's worker does: handle events, and look after things from time to time."""

    handle: Handler
    periodic: Sequence[Periodic] = ()
    in_flight: int = 1
    # How often Redis is asked for jobs. A poll costs both sides a little even when nothing happens.
    poll_seconds: float = 0.02
    # What the duties opened, to be closed when all work has ended.
    closing: Sequence[Callable[[], Awaitable[None]]] = ()


def main(service: Any, duties: Callable[[Process], Awaitable[Duties]]) -> None:
    """Run a service's worker until SIGTERM or SIGINT."""
    process = Process.build(service, durable=False)
    configure_logging(process.settings.log_level)
    # On one small machine the taking-in comes first; what waits in PostgreSQL can wait a moment longer.
    os.nice(NICENESS)
    spare_the_collector()
    try:
        import uvloop  # noqa: PLC0415 - optional on platforms without it

        loop_factory: Any = uvloop.new_event_loop
    except ImportError:
        loop_factory = None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(run(process, duties))


async def run(process: Process, duties: Callable[[Process], Awaitable[Duties]]) -> None:
    """Work until told to stop, finishing what was begun."""
    stop = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    mine = await _when_there(lambda: duties(process), stop)
    if mine is None:
        return
    receiver = Receiver(
        process.service,
        process.database,
        mine.handle,
        Patience.of(process.settings),
        in_flight=mine.in_flight,
    )

    async def sweep() -> None:
        await receiver.sweep(process.courier, [s.id for s in await process.streets.all()])

    periodic = [Periodic("sweep", SWEEP_SECONDS, sweep), *mine.periodic]
    tasks = [asyncio.create_task(_repeat(p, stop)) for p in periodic]
    tasks.append(asyncio.create_task(_serve(process, receiver, mine.poll_seconds, stop)))
    log.info("worker_started", service=process.service)
    await asyncio.gather(*tasks)
    for close in mine.closing:
        await close()
    await process.close()


async def _when_there(build: Callable[[], Awaitable[Duties]], stop: asyncio.Event) -> Duties | None:
    """Return the duties once the database answers."""
    while not stop.is_set():
        try:
            return await build()
        except Unavailable as error:
            log.warning("waiting_for_database", error=str(error))
            await _pause(stop, RECONNECT_SECONDS)
    return None


async def _repeat(periodic: Periodic, stop: asyncio.Event) -> None:
    while not stop.is_set():
        more: object = False
        try:
            more = await periodic.run()
        except (Unavailable, RedisError, OSError, TimeoutError) as error:
            log.warning("periodic_waits", name=periodic.name, error=type(error).__name__)
        except Exception:
            log.exception("periodic_failed", name=periodic.name)
        if more is not True:
            await _pause(stop, periodic.seconds)


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


async def _serve(process: Process, receiver: Receiver, poll_seconds: float, stop: asyncio.Event) -> None:
    """Poll the queue; begin anew whenever Redis went away under us."""
    while not stop.is_set():
        worker = _worker(process, receiver, poll_seconds)
        running = asyncio.create_task(worker.async_run())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await _finish(worker, running)
        stopping.cancel()
        error = None if running.cancelled() else running.exception()
        if error is not None and not stop.is_set():
            log.warning("redis_away", error=type(error).__name__)
        with contextlib.suppress(RedisError, OSError, RuntimeError, asyncio.CancelledError):
            await worker.close()
        await _pause(stop, RECONNECT_SECONDS)


async def _finish(worker: Worker, running: asyncio.Task[None]) -> None:
    """Let the jobs in hand end: what they took is committed, or stays with its row."""
    worker.allow_pick_jobs = False
    if worker.tasks:
        await asyncio.wait(worker.tasks.values(), timeout=5)
    running.cancel()
    await asyncio.wait({running})


def _worker(process: Process, receiver: Receiver, poll_seconds: float) -> Worker:
    async def consume(_: dict[Any, Any], body: list[list[Any]]) -> None:
        await receiver.take([(int(street), UUID(hex=event)) for street, event in body])

    return Worker(
        functions=[func(cast("Any", consume), name=JOB, timeout=JOB_SECONDS, max_tries=1, keep_result=0)],
        queue_name=queue_name(process.service),
        redis_settings=redis_settings(process.settings.redis()),
        poll_delay=poll_seconds,
        max_jobs=50,
        keep_result=0,
        handle_signals=False,
        health_check_interval=15,
        job_serializer=orjson.dumps,
        job_deserializer=orjson.loads,
        log_results=False,
    )
