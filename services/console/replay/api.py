"""The three services as the replay calls them: over HTTP, with staff tokens, patient while they restart."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any
from urllib.parse import urlencode

import orjson

from services.console.replay.wire import Reply, Wire
from shared.auth import Actor, Tokens, staff_id
from shared.settings import Service, Settings
from shared.terms import Role

PATIENCE = 60.0  # seconds for which one call bears services that are away
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 3.0
BUSY, ERRORS = 503, 400
PAGE = 100


class Refused(RuntimeError):  # noqa: N818 - what a service says, as shared.errors has it
    """A service said no; `problem` is its problem+json."""

    def __init__(self, status: int, problem: Mapping[str, Any], what: str) -> None:
        super().__init__(f"{what}:{status} {problem.get('detail') or problem.get('title') or ''}")
        self.status = status
        self.code = str(problem.get("code", ""))
        self.state = problem.get("state")


class Api:
    """Calls for one street."""

    def __init__(self, wire: Wire, settings: Settings, street_id: int, code: str) -> None:
        self._wire = wire
        self._settings = settings
        self._tokens = Tokens(settings.secrets_path)
        self._street = frozenset({street_id})
        self._headers: dict[tuple[Role, str | None], dict[str, str]] = {}
        self.code = code

    async def file(self, body: Mapping[str, Any], key: str) -> str:
        """File a ticket as a clerk under an idempotency key; return its number."""
        content = orjson.dumps({**body, "street": self.code})
        answer = await self._call(
            "intake", "POST", "/v1/tickets", Role.CLERK, content=content, extra={"Idempotency-Key": key}
        )
        return str(answer["number"])

    async def filed(self, first: str, last: str) -> AsyncIterator[dict[str, Any]]:
        """Yield the tickets received from `first` to `last` (days), as intake lists them."""
        query: dict[str, Any] = {"from": first, "to": last, "limit": PAGE}
        while True:
            page = await self._call("intake", "GET", "/v1/tickets", Role.CLERK, query=query)
            for item in page["items"]:
                yield item
            if not page["has_more"]:
                return
            query["cursor"] = page["next_cursor"]

    async def look(self, number: str) -> dict[str, Any]:
        """Return a ticket as routing shows it to a supervisor."""
        return await self._call("routing", "GET", f"/v1/tickets/{number}", Role.SUPERVISOR)

    async def act(
        self, number: str, action: str, body: Mapping[str, Any], role: Role, unit: str | None
    ) -> dict[str, Any]:
        """Make a move; return the ticket as it stands after it. Refused when it must not happen."""
        path = f"/v1/tickets/{number}/actions/{action}"
        return await self._call("routing", "POST", path, role, unit, content=orjson.dumps(body))

    async def measure(self, path: str, **query: str) -> dict[str, Any]:
        """Return what metrics answers to a leader."""
        return await self._call("metrics", "GET", path, Role.LEADER, query={"street": self.code, **query})

    async def write(self, path: str, body: Mapping[str, Any], role: Role, key: str) -> dict[str, Any]:
        """Create something at routing under an idempotency key; return it."""
        extra = {"Idempotency-Key": key}
        query = {"street": self.code}
        return await self._call(
            "routing", "POST", path, role, query=query, content=orjson.dumps(body), extra=extra
        )

    async def read(self, path: str, role: Role, **query: str) -> dict[str, Any]:
        """Return what routing answers."""
        return await self._call("routing", "GET", path, role, query={"street": self.code, **query})

    async def _call(
        self,
        service: Service,
        method: str,
        path: str,
        role: Role,
        unit: str | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        content: bytes = b"",
        extra: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        target = f"{path}?{urlencode(query)}" if query else path
        headers = {**self._authorized(role, unit), **(extra or {})}
        reply = await self._patiently(service, method, target, headers, content)
        answer = _body(reply)
        if reply.status >= ERRORS:
            raise Refused(reply.status, answer, f"{method} {path}")
        return answer

    async def _patiently(
        self, service: Service, method: str, target: str, headers: Mapping[str, str], content: bytes
    ) -> Reply:
        """Call until there is an answer other than "busy"; RuntimeError when a minute has passed in vain."""
        base = self._settings.base_url(service)
        deadline, pause = monotonic() + PATIENCE, 0.0
        while True:
            try:
                reply = await self._wire.call(method, base, target, headers, content)
            except OSError as error:
                if monotonic() > deadline:
                    raise RuntimeError(
                        f"{service} 服务没有应答({base}):请先运行 make run。{error}"
                    ) from error
                wait = pause
            else:
                if reply.status != BUSY:
                    return reply
                if monotonic() > deadline:
                    raise RuntimeError(f"{service} 服务一直繁忙({base})")
                wait = float(reply.headers.get("retry-after", pause))
            await asyncio.sleep(wait)
            pause = min(max(pause * 2, FIRST_PAUSE), LONGEST_PAUSE)

    def _authorized(self, role: Role, unit: str | None) -> dict[str, str]:
        known = self._headers.get((role, unit))
        if known is None:
            actor = Actor(id=staff_id(role, self._street, unit), role=role, streets=self._street, unit=unit)
            token, _ = self._tokens.issue(actor, self._settings.staff_token_ttl)
            known = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            self._headers[role, unit] = known
        return known


def _body(reply: Reply) -> dict[str, Any]:
    try:
        body = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        return {"detail": reply.body[:200].decode(errors="replace")}
    return body if isinstance(body, dict) else {"detail": str(body)[:200]}


@contextmanager
def connect(settings: Settings, street_id: int, code: str) -> Iterator[Api]:
    """Open the services to calls about one street."""
    wire = Wire()
    try:
        yield Api(wire, settings, street_id, code)
    finally:
        wire.close()
