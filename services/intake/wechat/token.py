"""The access token of each mini-program, fetched by one process and used by all.

It lies in Redis (sealed), where one process at a time fetches a new one some minutes before the old one ends. With
Redis down each process remembers its own, and they take turns by a lock in PostgreSQL: `stable_token` gives the same
token to all who ask in the ordinary way, so none takes it from another.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import orjson
import structlog
from cryptography.exceptions import InvalidTag
from redis.asyncio import Redis
from redis.exceptions import LockError, RedisError

from services.intake.wechat.errors import Away
from services.intake.wechat.wire import Wire
from shared import clock
from shared.db import Database
from shared.keyring import Keyring
from shared.settings import WeChatApp

# WeChat lets the old token and the new one live side by side for five minutes.
EARLY: Final = timedelta(minutes=5)
LOCK_SECONDS: Final = 10.0
_TURN = "SELECT pg_advisory_xact_lock($1)"
log = structlog.get_logger()


class _Held(NamedTuple):
    token: str
    expires_at: datetime

    @property
    def fresh(self) -> bool:
        return self.expires_at - EARLY > clock.now()


class AccessTokens:
    """Hands out the access token of an app."""

    def __init__(self, wire: Wire, redis: Redis, database: Database, keys: Keyring) -> None:
        self._wire, self._redis, self._database, self._keys = wire, redis, database, keys
        self._held: dict[str, _Held] = {}

    async def of(self, app: WeChatApp, *, but: str | None = None) -> str:
        """Return the token of `app`; raise WeChatError. `but`: the one WeChat has just refused."""
        held = self._good(self._held.get(app.app_id), but) or self._good(await self._stored(app), but)
        if held is None:
            async with self._turn(app):
                # Whoever was before us in the queue has fetched it.
                held = self._good(await self._stored(app), but) or await self._fetched(app, but)
        self._held[app.app_id] = held
        return held.token

    @staticmethod
    def _good(held: _Held | None, but: str | None) -> _Held | None:
        return held if held is not None and held.fresh and held.token != but else None

    async def _fetched(self, app: WeChatApp, but: str | None) -> _Held:
        held = await self._asked(app, force=False)
        if held.token == but:  # refused before its time: only then is a new one forced, which WeChat counts
            log.warning("wechat_token_forced")
            held = await self._asked(app, force=True)
        await self._store(app, held)
        return held

    async def _asked(self, app: WeChatApp, *, force: bool) -> _Held:
        body = {
            "grant_type": "client_credential", "appid": app.app_id,
            "secret": app.secret.get_secret_value(), "force_refresh": force,
        }  # fmt: skip
        answer = await self._wire.call("POST", "/cgi-bin/stable_token", body=body, repeatable=True)
        token, seconds = answer.get("access_token"), answer.get("expires_in")
        if not (isinstance(token, str) and token and isinstance(seconds, int)):
            raise Away
        return _Held(token, clock.now() + timedelta(seconds=seconds))

    async def _stored(self, app: WeChatApp) -> _Held | None:
        try:
            sealed = await self._redis.get(_name(app))
            if sealed is None:
                return None
            kept = self._keys.open(sealed, app.app_id.encode())
            return _Held(kept["token"], datetime.fromisoformat(kept["expires_at"]))
        except (RedisError, OSError, TimeoutError):
            return None
        except (InvalidTag, ValueError, KeyError, orjson.JSONDecodeError):
            return None  # of other keys, or another version: one more is fetched

    async def _store(self, app: WeChatApp, held: _Held) -> None:
        kept = {"token": held.token, "expires_at": held.expires_at.isoformat()}
        seconds = max(int((held.expires_at - clock.now()).total_seconds()), 1)
        with suppress(RedisError, OSError, TimeoutError):
            await self._redis.set(_name(app), self._keys.seal(kept, app.app_id.encode()), ex=seconds)

    @asynccontextmanager
    async def _turn(self, app: WeChatApp) -> AsyncIterator[None]:
        """Let one process at a time in."""
        lock = self._redis.lock(f"{_name(app)}:lock", timeout=LOCK_SECONDS, blocking_timeout=LOCK_SECONDS)
        try:
            taken = await lock.acquire()
        except (RedisError, OSError, TimeoutError):
            async with self._database.transaction(()) as tx:
                await tx.raw.execute(_TURN, self._number(app))
                yield
            return
        if not taken:
            raise Away
        try:
            yield
        finally:
            with suppress(LockError, RedisError, OSError, TimeoutError):
                await lock.release()

    def _number(self, app: WeChatApp) -> int:
        return int.from_bytes(self._keys.blind_index("wechat_token", app.app_id)[:8], signed=True)


def _name(app: WeChatApp) -> str:
    return f"banjie:wechat:token:{app.app_id}"
