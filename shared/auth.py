"""Who is asking: signed short-lived tokens for people, keyed digests for scripts.

Tokens are JWT (HS256); the header's `kid` picks the key, so keys rotate without anyone signing in anew.
A token carries all that is needed to judge a request (role, streets, unit): no look-up on the hot path. Who signed
out meanwhile is known from memory, which is at most a few seconds old (`SignOuts`).
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, NamedTuple
from uuid import UUID, uuid5

import jwt
from sqlalchemy import select

from shared import clock, keyring
from shared.db import Database
from shared.errors import Forbidden, Unauthenticated
from shared.keyring import Keyring
from shared.tables import api_keys, sign_outs
from shared.terms import Role, Scope

ALGORITHM = "HS256"
NAMESPACE = UUID("6ba0b2a4-5b1f-5d5e-9a55-120116005000")
_CACHE_SIZE = 20_000
_KEY_CACHE_SECONDS = 10.0
# How long a token may go on being taken in other processes after its holder signed out.
SIGN_OUT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone whose request was authenticated. `scopes` is empty for people: their role says what they may.

    `also`: the ids under which the same resident reported before they were known to be one person.
    `session`: the sign-in a resident's token came from; None for tokens made in the shell.
    """

    id: UUID
    role: Role
    streets: frozenset[int]
    unit: str | None = None
    scopes: frozenset[Scope] = frozenset()
    also: frozenset[UUID] = frozenset()
    session: UUID | None = None

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


class Verified(NamedTuple):
    """What a token says: whom it stands for, and from when to when (POSIX seconds; 0 where it does not say)."""

    actor: Actor
    issued: float
    expires: float


class Tokens:
    """Issues and verifies tokens; reads the key file again when it meets a kid it does not know."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys = keyring.load(path)
        self._verified: dict[str, Verified] = {}

    @property
    def keys(self) -> Keyring:
        return self._keys

    def issue(self, actor: Actor, ttl: int, *, at: datetime | None = None) -> tuple[str, datetime]:
        """Return a token for `actor` and when it expires (`ttl` in seconds, from `at` or from now)."""
        issued_at = at or clock.now()
        expires_at = issued_at + timedelta(seconds=ttl)
        kid, key = self._keys.token[0]
        claims: dict[str, Any] = {
            "sub": str(actor.id), "role": actor.role.value, "streets": sorted(actor.streets),
            "unit": actor.unit, "exp": int(expires_at.timestamp()), "iat": issued_at.timestamp(),
        }  # fmt: skip
        if actor.also:
            claims["also"] = sorted(str(former) for former in actor.also)
        if actor.session is not None:
            claims["sid"] = str(actor.session)
        return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": kid}), expires_at

    def verify(self, token: str) -> Actor:
        """Return whom `token` stands for; raise Unauthenticated."""
        return self.read(token).actor

    def read(self, token: str) -> Verified:
        """Return what `token` says; raise Unauthenticated. Verified tokens are remembered till they expire."""
        known = self._verified.get(token)
        now = clock.now().timestamp()
        if known is not None and known.expires > now:
            return known
        fresh = self._decode(token)
        if fresh.expires <= now:
            raise Unauthenticated("登录已过期,请重新登录", code="token_expired")
        if len(self._verified) >= _CACHE_SIZE:
            self._verified.clear()
        self._verified[token] = fresh
        return fresh

    def _decode(self, token: str) -> Verified:
        try:
            kid = str(jwt.get_unverified_header(token).get("kid"))
            # The clock is ours, so that tests can set it: expiry is judged by the caller.
            claims = jwt.decode(
                token, self._key(kid), algorithms=[ALGORITHM],
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "sub"]},
            )  # fmt: skip
            actor = Actor(
                id=UUID(claims["sub"]),
                role=Role(claims["role"]),
                streets=frozenset(int(s) for s in claims["streets"]),
                unit=claims.get("unit"),
                also=frozenset(UUID(former) for former in claims.get("also", ())),
                session=UUID(claims["sid"]) if "sid" in claims else None,
            )
            return Verified(actor, float(claims.get("iat", 0)), float(claims["exp"]))
        except (jwt.PyJWTError, AttributeError, KeyError, ValueError, TypeError) as error:
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


class SignOuts:
    """Which residents and sign-ins were signed out while tokens of theirs may still run.

    They are few, so each process keeps those of the streets it meets in memory and reads them again every
    SIGN_OUT_SECONDS: one small query then, and none for each request.
    """

    def __init__(self, database: Database, ttl: int) -> None:
        """Look back `ttl` seconds: what was signed out before has no token left that runs."""
        self._database = database
        self._ttl = timedelta(seconds=ttl)
        self._streets: frozenset[int] = frozenset()
        self._at: dict[tuple[int, UUID], float] = {}
        self._read_at = -SIGN_OUT_SECONDS
        self._reading = asyncio.Lock()

    async def refuse(self, said: Verified) -> None:
        """Raise Unauthenticated if the holder of a token signed out since it was issued."""
        actor = said.actor
        if not self._fresh(actor.streets):
            async with self._reading:
                if not self._fresh(actor.streets):
                    await self._read(self._streets | actor.streets)
        for street_id in actor.streets:
            for subject in (actor.id, actor.session):
                if subject is not None and said.issued <= self._at.get((street_id, subject), -1.0):
                    raise Unauthenticated("您已退出登录,请重新登录", code="signed_out")

    def note(self, street_id: int, subject: UUID, moment: datetime) -> None:
        """Know at once what this process itself has just written."""
        self._at[street_id, subject] = moment.timestamp()

    def _fresh(self, streets: frozenset[int]) -> bool:
        return monotonic() - self._read_at < SIGN_OUT_SECONDS and streets <= self._streets

    async def _read(self, streets: frozenset[int]) -> None:
        began, since = monotonic(), clock.now() - self._ttl
        async with self._database.transaction(streets, read_only=True) as tx:
            rows = await tx.rows(
                select(sign_outs.c.street_id, sign_outs.c.subject_id, sign_outs.c.signed_out_at).where(
                    sign_outs.c.street_id.in_(streets), sign_outs.c.signed_out_at > since
                )
            )
        # What was noted while we read is not lost.
        known = {key: at for key, at in self._at.items() if at > since.timestamp()}
        for row in rows:
            key = (row.street_id, row.subject_id)
            known[key] = max(row.signed_out_at.timestamp(), known.get(key, 0.0))
        self._at = known
        self._streets, self._read_at = streets, began
