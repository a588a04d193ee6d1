"""The outermost layer, plain ASGI: a trace id, security headers, counts and times, and no bare 500."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import structlog
from prometheus_client import Counter, Histogram
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uuid_utils.compat import uuid7

from shared.db import is_unavailable
from shared.errors import Unavailable
from shared.web.problems import answer, render

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_TRACE = re.compile(rb"^[A-Za-z0-9._-]{8,64}$")
_SECONDS = Histogram(
    "banjie_http_seconds", "Time to answer", ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)  # fmt: skip
_ANSWERS = Counter("banjie_http_answers_total", "Answers by status", ["method", "route", "status"])
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'self'; frame-ancestors 'none'"),
]
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """How many bytes a body may have: `usual`, and more at the few addresses that take files."""

    usual: int
    larger: Mapping[str, int] = field(default_factory=dict)

    def of(self, path: str) -> int:
        """Return the limit at an address."""
        return self.larger.get(path, self.usual)


class UntoldLength:
    """Holds bodies that do not tell their length to the same limits; inside the edge, so that its answer is ours."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        await RequestBodyLimitMiddleware(self._app, self._limits.of(scope["path"]))(scope, receive, send)


class Edge:
    """Wraps the application; whatever escapes it becomes a problem+json answer and a log line."""

    def __init__(self, app: ASGIApp, *, limits: BodyLimits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["trace_id"] = trace = _trace_id(scope["headers"])
        started = perf_counter()
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(message, trace)
            await send(message)

        try:
            if _told_length(scope["headers"]) > self._limits.of(scope["path"]):
                await answer(413, "too_large", "请求过大", "请求过大", trace)(scope, receive, sending)
                return
            await self._app(scope, receive, sending)
        except Exception as error:
            if status:
                raise  # too late for another answer; the server cuts the connection
            await _last_resort(error, trace)(scope, receive, sending)
        finally:
            _count(scope, status, perf_counter() - started)


def _trace_id(headers: list[tuple[bytes, bytes]]) -> str:
    for name, value in headers:
        if name == b"x-request-id" and _TRACE.match(value):
            return value.decode()
    return uuid7().hex


def _told_length(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the length a body is said to have in bytes; 0 where it is not said."""
    said = next((value for name, value in headers if name == b"content-length"), b"0")
    return int(said) if said.isdigit() else 0


def _add_headers(message: Message, trace: str) -> None:
    headers = message.setdefault("headers", [])
    present = {name for name, _ in headers}
    headers.extend(header for header in _HEADERS if header[0] not in present)
    headers.append((b"x-request-id", trace.encode()))


def _last_resort(error: Exception, trace: str) -> Any:
    if is_unavailable(error):
        return render(Unavailable("数据库暂时不可用,请稍后重试", code="database_unavailable"), trace)
    log.error("unhandled", trace_id=trace, exc_info=error)
    return answer(500, "internal", "系统出错了", "系统出错了,请把编号告诉管理员", trace)


def _count(scope: Scope, status: int, seconds: float) -> None:
    route = getattr(scope.get("route"), "path", "unmatched")
    # Both labels come from closed lists: what a stranger makes up must not grow the figures.
    method = scope["method"] if route != "unmatched" and scope["method"] in _METHODS else "any"
    _SECONDS.labels(method, route).observe(seconds)
    _ANSWERS.labels(method, route, status).inc()
