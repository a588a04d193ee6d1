"""Redis carries: offers what was just committed to its consumers, several events in one job.

An offer that fails is forgotten here; the delivery's row remembers, and a sweep offers it again.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

import orjson
import structlog
from arq.connections import ArqRedis, RedisSettings, create_pool
from prometheus_client import Counter
from redis.exceptions import RedisError

from shared.settings import Service

Ref = tuple[int, UUID]  # (street_id, event_id)

JOB = "consume"
GATHER = 0.02  # seconds: long enough for a burst to share a job, too short for a person to notice
REFS_PER_JOB = 200
_FAILED = Counter(
    "banjie_offers_failed_total", "Offers to Redis that failed; the sweep makes them good", ["consumer"]
)
log = structlog.get_logger()


def queue_name(consumer: Service) -> str:
    """Return the name of a consumer's arq queue."""
    return f"banjie:{consumer}"


def redis_settings(url: str) -> RedisSettings:
    """Return how we connect: short patience, since nothing waits for Redis but speed."""
    settings = RedisSettings.from_dsn(url)
    settings.conn_timeout = 2
    settings.conn_retries = 0
    settings.conn_retry_delay = 0
    return settings


class Courier:
    """Gathers references for a few milliseconds and enqueues them; never raises, never blocks a request."""

    def __init__(self, redis_url: str) -> None:
        self._settings = redis_settings(redis_url)
        self._pool: ArqRedis | None = None
        self._connecting = asyncio.Lock()
        self._gathered: dict[Service, list[Ref]] = defaultdict(list)
        self._timer: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    def offer(self, consumer: Service, refs: Sequence[Ref]) -> None:
        """Take note of deliveries to offer; returns at once."""
        self._gathered[consumer].extend(refs)
        if self._timer is None:
            self._timer = asyncio.create_task(self._after_gathering())

    async def _after_gathering(self) -> None:
        await asyncio.sleep(GATHER)
        gathered, self._gathered, self._timer = self._gathered, defaultdict(list), None
        for consumer, refs in gathered.items():
            task = asyncio.create_task(self._try_send(consumer, refs))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    async def _try_send(self, consumer: Service, refs: list[Ref]) -> None:
        try:
            await self.send(consumer, refs)
        except (RedisError, OSError, TimeoutError) as error:
            _FAILED.labels(consumer).inc(len(refs))
            log.warning("offer_failed", consumer=consumer, events=len(refs), error=type(error).__name__)

    async def send(self, consumer: Service, refs: Sequence[Ref]) -> None:
        """Enqueue now; raises RedisError or OSError when Redis is away."""
        pool = await self._connected()
        for start in range(0, len(refs), REFS_PER_JOB):
            body = [[street, event.hex] for street, event in refs[start : start + REFS_PER_JOB]]
            await pool.enqueue_job(JOB, body, _queue_name=queue_name(consumer))

    async def backlog(self, consumer: Service) -> int:
        """Return how many jobs wait in a consumer's queue; raises when Redis is away."""
        pool = await self._connected()
        return int(await pool.zcard(queue_name(consumer)))

    async def ping(self) -> bool:
        """Return whether Redis answers."""
        try:
            return bool(await (await self._connected()).ping())
        except (RedisError, OSError, TimeoutError):
            return False

    async def _connected(self) -> ArqRedis:
        async with self._connecting:
            if self._pool is None:
                self._pool = await create_pool(
                    self._settings, job_serializer=orjson.dumps, job_deserializer=orjson.loads
                )
            return self._pool

    async def close(self) -> None:
        """Send what is gathered, then hang up."""
        if self._timer is not None:
            await self._timer
        await asyncio.gather(*self._sending)
        if self._pool is not None:
            await self._pool.aclose()
