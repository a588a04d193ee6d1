"""Which lines a notice goes out over, besides being in the app: the street's robots and webhooks, and WeChat."""

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

from services.intake.notices import told
from services.intake.notices.outcomes import Channel
from services.intake.notices.words import topic_of
from shared import auth, clock
from shared.db import Transaction
from shared.settings import MessageTemplate
from shared.tables import notice_sends

# A street has one WeChat, which nobody sets up as a line: it is there once somebody subscribes.
WECHAT_LINE = uuid5(auth.NAMESPACE, "wechat")
_WECHAT_NAME = "微信订阅消息"
_LINES = """
SELECT id, channel, unit_code, actions FROM notice_lines
WHERE street_id = $1 AND ended_at IS NULL AND channel <> 'wechat' ORDER BY id"""
_MAKE_WECHAT = """
INSERT INTO notice_lines (street_id, id, channel, name, host, created_at, created_by, not_before)
VALUES ($1, $2, 'wechat', $3, '', $4, $5, $4) ON CONFLICT DO NOTHING"""
_SUBSCRIBED = """
SELECT DISTINCT resident_id, template FROM subscription_grants
WHERE street_id = $1 AND resident_id = ANY($2::uuid[]) AND granted > 0"""
_SYSTEM = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Line:
    """A robot or a webhook that is in use."""

    id: UUID
    channel: str
    unit_code: str | None
    actions: frozenset[str]

    @property
    def is_webhook(self) -> bool:
        return self.channel == Channel.WEBHOOK

    def wants(self, action: str) -> bool:
        """Say whether a webhook is to hear of an action."""
        return self.is_webhook and (not self.actions or action in self.actions)

    def carries(self, recipient: str) -> bool:
        """Say whether a notice goes out over this line: a robot's group is a unit's, or that of all staff."""
        if self.is_webhook:
            return recipient == told.line(self.id)
        if recipient.startswith(("resident:", "line:")):
            return False
        return self.unit_code is None or recipient == told.unit(self.unit_code)


async def lines_of(tx: Transaction, street_id: int) -> list[Line]:
    """Return the robots and webhooks of a street that are in use."""
    rows = await tx.raw.fetch(_LINES, street_id)
    return [Line(r["id"], r["channel"], r["unit_code"], frozenset(r["actions"])) for r in rows]


async def make_wechat(tx: Transaction, street_id: int) -> None:
    """Let a street have its WeChat line."""
    await tx.raw.execute(_MAKE_WECHAT, street_id, WECHAT_LINE, _WECHAT_NAME, clock.now(), _SYSTEM)


async def queue(
    tx: Transaction,
    street_id: int,
    written: Sequence[Mapping[str, Any]],
    lines: Iterable[Line],
    templates: Mapping[str, MessageTemplate],
) -> None:
    """Queue what was just written over each line that carries it, in the same transaction."""
    pairs = [
        (notice["id"], line.id) for notice in written for line in lines if line.carries(notice["recipient"])
    ]
    pairs += [(notice_id, WECHAT_LINE) async for notice_id in _by_wechat(tx, street_id, written, templates)]
    await tx.insert_many(notice_sends, list(_rows(street_id, pairs)))


async def _by_wechat(
    tx: Transaction,
    street_id: int,
    written: Sequence[Mapping[str, Any]],
    templates: Mapping[str, MessageTemplate],
) -> AsyncIterator[UUID]:
    """Yield the notices of residents who have ever allowed messages of that template."""
    mine = {
        n["id"]: told.resident_of(n["recipient"]) for n in written if n["recipient"].startswith("resident:")
    }
    if not templates or not mine:
        return
    rows = await tx.raw.fetch(_SUBSCRIBED, street_id, sorted(set(mine.values())))
    subscribed = {(r["resident_id"], r["template"]) for r in rows}
    for notice in written:
        template = templates.get(topic_of(notice["kind"]))
        if template is not None and (mine.get(notice["id"]), template.id) in subscribed:
            yield notice["id"]


def _rows(street_id: int, pairs: Iterable[tuple[UUID, UUID]]) -> Iterator[dict[str, Any]]:
    now = clock.now()
    for notice_id, line_id in pairs:
        yield {
            "street_id": street_id, "id": uuid7(), "notice_id": notice_id, "line_id": line_id, "state": "queued",
            "next_at": now - timedelta(microseconds=1), "created_at": now,
        }  # fmt: skip
