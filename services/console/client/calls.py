"""One call to a service: addressed, authenticated, repeated while it is busy or away, refusals raised.

Every call made here may be repeated: readings by nature, uploads by their Idempotency-Key.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import httpx

T = TypeVar("T")
Service = Literal["intake", "metrics"]
Value = str | int | float | date | datetime | Sequence[str] | None
Query = Mapping[str, Value]
BUSY = frozenset({429, 503})
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before a call is made again
LONGEST_PAUSE = 30.0
TIMEOUT = 60.0  # seconds without a byte; an Excel file of 100,000 rows is packed before its first one comes
_AWAY = (httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the services listen; both are base URLs without /v1."""

    intake: str = "http://127.0.0.1:8001"
    metrics: str = "http://127.0.0.1:8003"

    @classmethod
    def behind(cls, gateway: str) -> Self:
        """Return the addresses behind the gateway of docker/gateway.conf."""
        base = gateway.rstrip("/")
        return cls(f"{base}/intake", f"{base}/metrics-api")

    @classmethod
    def from_environment(cls) -> Self:
        """Return those of BANJIE_URL (a gateway), or of BANJIE_HOST and the services' own ports."""
        if gateway := os.environ.get("BANJIE_URL"):
            return cls.behind(gateway)
        host = os.environ.get("BANJIE_HOST", "127.0.0.1")
        intake, metrics = (
            os.environ.get(f"BANJIE_{name}_PORT", port)
            for name, port in (("INTAKE", "8001"), ("METRICS", "8003"))
        )
        return cls(f"http://{host}:{intake}", f"http://{host}:{metrics}")


class BanjieError(Exception):
    """A refusal. `code` is stable English, the text Chinese; `trace_id` is what an administrator asks for.

    `status` is 0 and `code` "unreachable" when nobody answered. `errors`: (field, message) of what was filled in.
    """

    def __init__(
        self, status: int, code: str, detail: str, trace_id: str = "", errors: Sequence[tuple[str, str]] = ()
    ) -> None:
        super().__init__(f"{detail}({code}{f',编号 {trace_id}' if trace_id else ''})")
        self.status = status
        self.code = code
        self.detail = detail
        self.trace_id = trace_id
        self.errors = tuple(errors)


def _refusal(answer: httpx.Response) -> BanjieError:
    """Return what an answer of 400 and above says; a gateway's own pages are no problem+json."""
    try:
        body = answer.json()
        faults = [(fault["field"], fault["message"]) for fault in body["errors"]]
        return BanjieError(answer.status_code, body["code"], body["detail"], body["trace_id"], faults)
    except (ValueError, KeyError, TypeError):
        return BanjieError(answer.status_code, f"http_{answer.status_code}", "服务没有正常应答")


def _written(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat()
    return ",".join(value) if isinstance(value, list | tuple) else str(value)


class Calls:
    """Calls with one key; `pause` waits (tests do not), `transport` stands in for the network."""

    def __init__(
        self,
        addresses: Addresses,
        api_key: str,
        *,
        timeout: float = TIMEOUT,
        pause: Callable[[float], object] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._addresses = addresses
        self.pause = pause
        self._http = httpx.Client(headers={"X-API-Key": api_key}, timeout=timeout, transport=transport)

    def close(self) -> None:
        self._http.close()

    def get(self, service: Service, path: str, query: Query) -> Any:
        """Return the JSON of an answer; raise BanjieError."""

        def attempt() -> Any:
            with self._answered("GET", service, path, params=_params(query)) as answer:
                return answer.json()

        return self._patiently(attempt)

    def pages(self, service: Service, path: str, query: Query) -> Iterator[Mapping[str, Any]]:
        """Yield the items of a list, page after page."""
        cursor: str | None = None
        while True:
            page = self.get(service, path, {"limit": 100, **query, "cursor": cursor})
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def save(self, service: Service, path: str, query: Query, target: Path) -> None:
        """Write an answer to a file, all of it or none."""
        fresh = target.with_name(f"{target.name}.part")

        def attempt() -> None:
            with (
                self._answered("GET", service, path, stream=True, params=_params(query)) as answer,
                fresh.open("wb") as file,
            ):
                file.writelines(answer.iter_bytes())

        try:
            self._patiently(attempt)
            fresh.replace(target)
        finally:
            fresh.unlink(missing_ok=True)

    def upload(self, service: Service, path: str, file: Path, fields: Mapping[str, str], key: str) -> Any:
        """Send a file with a form under an idempotency key; return the JSON of the answer."""

        def attempt() -> Any:
            with file.open("rb") as content:
                options: dict[str, Any] = {"data": fields, "files": {"file": (file.name, content)}}
                headers = {"Idempotency-Key": key}
                with self._answered("POST", service, path, headers=headers, **options) as answer:
                    return answer.json()

        return self._patiently(attempt)

    @contextmanager
    def _answered(
        self, method: str, service: Service, path: str, *, stream: bool = False, **options: Any
    ) -> Iterator[httpx.Response]:
        url = f"{getattr(self._addresses, service)}/v1{path}"
        with self._http.stream(method, url, **options) as answer:
            if answer.is_error or not stream:
                answer.read()
            if answer.is_error:
                raise _Refused(answer)
            yield answer

    def _patiently(self, attempt: Callable[[], T]) -> T:
        """Call until there is an answer other than "busy", or the pauses are used up."""
        for pause in (*PAUSES, None):
            wait = pause or 0.0
            try:
                return attempt()
            except _AWAY as error:
                failure = BanjieError(0, "unreachable", f"服务没有应答:{error}")
                cause: Exception = error
            except _Refused as refused:
                failure, cause = _refusal(refused.answer), refused
                if refused.answer.status_code not in BUSY:
                    raise failure from None
                wait = max(wait, _told_pause(refused.answer))
            if pause is None:
                raise failure from cause
            self.pause(min(wait, LONGEST_PAUSE))
        raise AssertionError("the last round returns or raises")


class _Refused(Exception):  # noqa: N818 - it never leaves this module
    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def _params(query: Query) -> dict[str, str]:
    return {name: _written(value) for name, value in query.items() if value is not None}


def _told_pause(answer: httpx.Response) -> float:
    """Return the seconds a busy service asks for."""
    told = answer.headers.get("retry-after", "0")
    return float(told) if told.isdigit() else 0.0
