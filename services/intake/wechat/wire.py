"""One call to WeChat's server: a deadline, a circuit, repetitions where they do no harm, errcodes as errors."""

import asyncio
import logging
import random
from typing import Any, Final

import httpx
import orjson
import structlog
from prometheus_client import Counter, Gauge

from services.intake.wechat.breaker import Breaker
from services.intake.wechat.errors import Away, BadAccessToken, Busy, Off, WeChatError, refusal

TIMEOUT: Final = 3.0
ATTEMPTS: Final = 3
# The first pause is somewhere below this many seconds, each further one below twice the last.
BACK_OFF: Final = 0.2
_CALLS = Counter("banjie_wechat_calls_total", "Calls to WeChat by what came of them", ["path", "outcome"])
_OPEN = Gauge("banjie_wechat_circuit_open", "1 while WeChat is left alone because it does not answer")
log = structlog.get_logger()
# httpx writes each URL at INFO, and ours carry the app's secret or an access token.
logging.getLogger("httpx").setLevel(logging.WARNING)


class Wire:
    """Calls WeChat; one a process."""

    def __init__(
        self,
        base_url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        self._client = httpx.AsyncClient(base_url=base_url, timeout=TIMEOUT, transport=transport)
        self._breaker = breaker or Breaker()

    async def close(self) -> None:
        await self._client.aclose()

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, str] | None = None,
        body: dict[str, Any] | None = None,
        repeatable: bool,
        budget: float = TIMEOUT,
    ) -> dict[str, Any]:
        """Return WeChat's answer; raise WeChatError.

        `repeatable`: whether doing it twice does no harm. If not, it is tried again only where it is certain that
        nothing was done. `budget`: seconds for all attempts together.
        """
        try:
            async with asyncio.timeout(budget):
                return await self._attempts(method, path, query, body, repeatable=repeatable)
        except TimeoutError:
            _CALLS.labels(path, "Away").inc()
            raise Away from None

    async def _attempts(
        self,
        method: str,
        path: str,
        query: dict[str, str] | None,
        body: dict[str, Any] | None,
        *,
        repeatable: bool,
    ) -> dict[str, Any]:
        pause = BACK_OFF
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = await self._once(method, path, query, body)
            except WeChatError as error:
                _CALLS.labels(path, type(error).__name__).inc()
                if attempt == ATTEMPTS or not _may_repeat(error, repeatable=repeatable):
                    _tell(path, error)
                    raise
                await asyncio.sleep(random.uniform(0, pause))
                pause *= 2
            else:
                _CALLS.labels(path, "ok").inc()
                return answer
        raise AssertionError  # the last attempt returns or raises

    async def _once(
        self, method: str, path: str, query: dict[str, str] | None, body: dict[str, Any] | None
    ) -> dict[str, Any]:
        if not self._breaker.admits():
            raise Off
        answered = failed = False
        try:
            content = orjson.dumps(body) if body is not None else None
            answer = await self._exchange(method, path, query, content)
            answered = True
        except Away:
            failed = True
            raise
        finally:
            # A call cancelled by its deadline got no answer either.
            if answered:
                self._breaker.succeeded()
            else:
                self._breaker.failed()
                if not failed:
                    log.warning("wechat_too_slow", path=path)
            _OPEN.set(self._breaker.is_open)
        errcode = answer.get("errcode", 0)
        if errcode != 0:
            raise refusal(errcode)
        return answer

    async def _exchange(
        self, method: str, path: str, query: dict[str, str] | None, content: bytes | None
    ) -> dict[str, Any]:
        try:
            response = await self._client.request(method, path, params=query, content=content)
            answer = orjson.loads(response.content)  # sent as text/plain
        # `from None`: the cause's request would carry the secret into a log
        except (httpx.ConnectError, httpx.ConnectTimeout):
            raise Away(unsent=True) from None
        except (httpx.HTTPError, orjson.JSONDecodeError):
            raise Away from None
        if not isinstance(answer, dict):
            raise Away
        return answer


def _may_repeat(error: WeChatError, *, repeatable: bool) -> bool:
    if isinstance(error, Away):
        return repeatable or error.unsent
    return error.again


def _tell(path: str, error: WeChatError) -> None:
    """Note the path and the errcode; WeChat's own words are left out, for they quote what was sent."""
    if isinstance(error, Away | Off | Busy | BadAccessToken):
        log.warning("wechat_failed", path=path, error=type(error).__name__, errcode=error.errcode)
    else:
        log.info("wechat_refused", path=path, error=type(error).__name__, errcode=error.errcode)
