"""How often one person may knock, counted in Redis.

By person, not by address: users of a mini-program share their carrier's addresses, and one of them must not
shut out a quarter. Without Redis nobody is refused: the limits fail open, and the metric says so.
"""

from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared import clock
from shared.errors import TooMany

PATIENCE = 0.25  # seconds; a limit is not worth waiting for
_OPEN = Counter("banjie_rate_limit_open_total", "Requests let through because Redis did not answer", ["door"])
_REFUSED = Counter("banjie_rate_limit_refused_total", "Requests refused by a rate limit", ["door"])
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in each window of `seconds`."""

    door: str
    most: int
    seconds: int


SUBMIT = Limit("submit", 60, 3600)
ADD = Limit("add", 120, 3600)  # supplements, petitions, ratings


class Limits:
    """Counts; `refuse` raises once a person is over a limit."""

    def __init__(self, redis_url: str, *, enabled: bool) -> None:
        self._enabled = enabled
        self._redis = Redis.from_url(
            redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None
        )

    async def close(self) -> None:
        await self._redis.aclose()

    async def refuse(self, limit: Limit, who: UUID) -> None:
        """Count one more; raise TooMany, with the seconds to wait, when it is one too many."""
        if not self._enabled:
            return
        now = int(clock.now().timestamp())
        window, gone = divmod(now, limit.seconds)
        key = f"banjie:limit:{limit.door}:{who}:{window}"
        try:
            async with self._redis.pipeline(transaction=False) as pipe:
                count, _ = await pipe.incr(key).expire(key, limit.seconds + 1).execute()
        except (RedisError, OSError) as error:
            _OPEN.labels(limit.door).inc()
            log.warning("rate_limit_open", door=limit.door, error=type(error).__name__)
            return
        if count > limit.most:
            _REFUSED.labels(limit.door).inc()
            wait = limit.seconds - gone
            raise TooMany(f"操作过于频繁,请 {max(1, round(wait / 60))} 分钟后再试", retry_after=wait)
