"""What a resident has agreed to, in which version, when. The texts and their versions are settings."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from shared import clock
from shared.auth import Actor
from shared.db import Database, Transaction
from shared.errors import Forbidden, invalid
from shared.settings import ConsentNotice, Settings

_GIVEN = """
SELECT notice, version, min(given_at) AS given_at FROM consents
WHERE street_id = $1 AND resident_id = ANY($2::uuid[]) GROUP BY notice, version"""
_GIVE = """
INSERT INTO consents (street_id, resident_id, notice, version, given_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING"""
_MOST_REMEMBERED = 50_000


async def notices(
    tx: Transaction, settings: Settings, street_id: int, people: Iterable[UUID]
) -> list[dict[str, Any]]:
    """Return the notices as they stand, each with when the resident agreed to it."""
    rows = await tx.raw.fetch(_GIVEN, street_id, list(people))
    given = {(row["notice"], row["version"]): row["given_at"] for row in rows}
    return [
        {**notice.model_dump(), "given_at": given.get((notice.notice, notice.version))}
        for notice in settings.consent_notices
    ]


async def due(tx: Transaction, settings: Settings, street_id: int, people: Iterable[UUID]) -> list[str]:
    """Return the names of the notices a resident has not agreed to as they stand."""
    standing = await notices(tx, settings, street_id, people)
    return [notice["notice"] for notice in standing if notice["given_at"] is None]


async def give(
    tx: Transaction, settings: Settings, street_id: int, actor: Actor, notice: str, version: str
) -> dict[str, Any]:
    """Note that the resident agrees; raise Invalid for a notice or a version that does not stand."""
    standing = _standing(settings, notice)
    if standing.version != version:
        raise invalid("version", f"现行版本为 {standing.version},请重新阅读", code="notice_outdated")
    await tx.raw.execute(_GIVE, street_id, actor.id, notice, version, clock.now())
    people = {actor.id, *actor.also}
    return next(n for n in await notices(tx, settings, street_id, people) if n["notice"] == notice)


def _standing(settings: Settings, name: str) -> ConsentNotice:
    for notice in settings.consent_notices:
        if notice.notice == name:
            return notice
    raise invalid("notice", "没有这个告知书", code="unknown_notice")


class ConsentGate:
    """Holds up requests of those who have not agreed, where the settings ask for it; who has is remembered."""

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database, self._settings = database, settings
        self._agreed: set[tuple[int, UUID]] = set()

    async def admit(self, actor: Actor, street_id: int) -> None:
        """Raise Forbidden, naming the notices, for a resident who has not agreed to all of them."""
        if not self._settings.consent_required or (street_id, actor.id) in self._agreed:
            return
        async with self._database.transaction([street_id], read_only=True) as tx:
            missing = await due(tx, self._settings, street_id, {actor.id, *actor.also})
        if missing:
            raise Forbidden("请先阅读并同意告知书", code="consent_required", notices=missing)
        if len(self._agreed) >= _MOST_REMEMBERED:
            self._agreed.clear()
        self._agreed.add((street_id, actor.id))
