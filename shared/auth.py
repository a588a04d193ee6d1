"""Who is asking: signed short-lived tokens for people, keyed digests for scripts.

Tokens are JWT (HS256); the header's `kid` picks the key, so keys rotate without anyone signing in anew.
A token carries all that is needed to judge a request (role, streets, unit): no look-up on the hot path.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from uuid import UUID, uuid5

import jwt
from sqlalchemy import select

from shared import clock, keyring
from shared.db import Database
from shared.errors import Forbidden, Unauthenticated
from shared.keyring import Keyring
from shared.tables import api_keys
from shared.terms import Role, Scope

ALGORITHM = "HS256"
NAMESPACE = UUID("6ba0b2a4-5b1f-5d5e-9a55-120116005000")
_CACHE_SIZE = 20_000
_KEY_CACHE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone whose request was authenticated. `scopes` is empty for people: their role says what they may."""

    id: UUID
    role: Role
    streets: frozenset[int]
    unit: str | None = None
    scopes: frozenset[Scope] = frozenset()

    @property
    def is_staff(self) -> bool:
        return self.role not in {Role.RESIDENT, Role.SCRIPT}

    def in_street(self, street_id: int) -> None:
        """Raise Forbidden unless this street is among the actor's."""
        if street_id not in self.streets:
            raise Forbidden("不能访问其他街道的数据", code="other_street")

    def require(self, scope: Scope) -> None:
        """Raise Forbidden for a script whose key lacks `scope`."""
        if self.role is Role.SCRIPT and scope not in self.scopes:
            raise Forbidden(f"这个密钥没有“{scope.text}”权限({scope.value})", code="missing_scope")


def staff_id(role: Role, streets: frozenset[int], unit: str | None) -> UUID:
    """Return the id of the staff member a shell-made token stands for: the same each time it is made."""
    return uuid5(NAMESPACE, f"{role.value}/{sorted(streets)}/{unit or ''}")


class Tokens:
    """Issues and verifies tokens; reads the key file again when it meets a kid it does not know."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = keyring.load(path)
        self._verified: dict[str, tuple[Actor, float]] = {}

    @property
    def keys(self) -> Keyring:
        return self._keys

    def issue(self, actor: Actor, ttl: int) -> tuple[str, datetime]:
        """Return a token for `actor` and when it expires (`ttl` in seconds)."""
        expires_at = clock.now() + timedelta(seconds=ttl)
        kid, key = self._keys.token[0]
        claims = {
            "sub": str(actor.id), "role": actor.role.value, "streets": sorted(actor.streets),
            "unit": actor.unit, "exp": int(expires_at.timestamp()),
        }  # fmt: skip
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}), expires_at

    def verify(self, token: str) -> Actor:
        """Return whom `token` stands for; raise Unauthenticated. Verified tokens are remembered till they expire."""
        known = self._verified.get(token)
        now = clock.now().timestamp()
        if known is not None and known[1] > now:
            return known[0]
        actor, expires = self._decode(token)
        if expires <= now:
            raise Unauthenticated("登录已过期,请重新登录", code="token_expired")
        if len(self._verified) >= _CACHE_SIZE:
            self._verified.clear()
        self._verified[token] = (actor, expires)
        return actor

    def _decode(self, token: str) -> tuple[Actor, float]:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            # The clock is ours, so that tests can set it: expiry is judged by the caller.
            claims = jwt.decode(
                token, self._key(kid), algorithms=[ALGORITHM],
                options={"verify_exp": False, "require": ["exp", "sub"]},
            )  # fmt: skip
            actor = Actor(
                id=UUID(claims["sub"]),
                role=Role(claims["role"]),
                streets=frozenset(int(s) for s in claims["streets"]),
                unit=claims.get("unit"),
            )
            return actor, float(claims["exp"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError) as error:
            raise Unauthenticated("登录凭证无效,请重新登录", code="bad_token") from error

    def _key(self, kid: str) -> bytes:
        known = dict(self._keys.token)
        if kid not in known:
            self._keys = keyring.load(self._path)
            known = dict(self._keys.token)
        return known[kid]


def new_api_key() -> tuple[str, str, bytes]:
    """Return a fresh key, the prefix by which people know it, and the digest that is kept of it."""
    prefix = f"bjk_{secrets.token_hex(4)}"
    key = f"{prefix}_{secrets.token_urlsafe(32)}"
    return key, prefix, digest(key)


def digest(key: str) -> bytes:
    """Return what is kept of a key. Keys are long and random: a slow hash would add nothing."""
    return hashlib.sha256(key.encode()).digest()


class ApiKeys:
    """Verifies scripts' keys against the table, remembering each answer for a few seconds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, tuple[Actor | None, float]] = {}

    async def verify(self, key: str) -> Actor:
        """Return the script that holds `key`; raise Unauthenticated."""
        wanted = digest(key)
        actor, until = self._known.get(wanted, (None, 0.0))
        if until < monotonic():
            actor = await self._look_up(wanted)
            if len(self._known) >= _CACHE_SIZE:
                self._known.clear()
            self._known[wanted] = (actor, monotonic() + _KEY_CACHE_SECONDS)
        if actor is None:
            raise Unauthenticated("密钥无效或已停用", code="bad_api_key")
        return actor

    async def _look_up(self, wanted: bytes) -> Actor | None:
        async with self._database.transaction((), read_only=True) as tx:
            row = await tx.one(
                select(api_keys).where(api_keys.c.digest == wanted, api_keys.c.revoked_at.is_(None))
            )
        if row is None or (row.expires_at is not None and row.expires_at <= clock.now()):
            return None
        scopes = frozenset(Scope(s) for s in row.scopes)
        return Actor(id=row.id, role=Role.SCRIPT, streets=frozenset(row.street_ids), scopes=scopes)
