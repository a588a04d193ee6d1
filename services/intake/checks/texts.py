"""The worker has texts of residents checked, within a moment of their 201 and never in its way.

A text is asked about once it is committed; WeChat has two seconds to answer. Without an answer it is flagged and asked
about again, later and later, for as long as WeChat would still answer: two hours after the person used the app.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from services.intake import verdicts
from services.intake.identity import accounts
from services.intake.identity.accounts import Reach
from services.intake.verdicts import TICKET, Checked
from services.intake.wechat import WeChat
from services.intake.wechat.errors import NotSeenLately, Risky, WeChatError
from shared import clock
from shared.process import Process
from shared.terms import ContentVerdict

MOST: Final = 20
STILL_ASKED: Final = timedelta(hours=2)
LOOK_BACK: Final = timedelta(days=1)
# What is committed may have been recorded a moment before what is already seen.
OVERLAP: Final = timedelta(seconds=60)
LONGEST_PAUSE: Final = 300.0
_PENDING = """
SELECT t.street_id, t.id, t.content, t.reporter_id, t.recorded_at, c.attempts
FROM content_checks c JOIN tickets t ON t.street_id = c.street_id AND t.id = c.subject_id
WHERE c.street_id = ANY($1::bigint[]) AND c.kind = 'ticket' AND c.verdict = 'pending' AND c.next_at <= $2
ORDER BY c.next_at LIMIT $3"""
# Residents cannot back-date: what they report is received when it is recorded.
_NEW = """
SELECT t.street_id, t.id, t.content, t.reporter_id, t.recorded_at, 0 AS attempts FROM tickets t
WHERE t.street_id = ANY($1::bigint[]) AND t.occurred_at > $2 AND t.reporter_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM content_checks c WHERE c.street_id = t.street_id AND c.kind = 'ticket' AND c.subject_id = t.id)
ORDER BY t.occurred_at LIMIT $3"""


@dataclass(frozen=True, slots=True)
class _Text:
    """A text to ask about, and where WeChat knows its author."""

    street_id: int
    ticket_id: UUID
    content: str
    recorded_at: datetime
    attempts: int
    reach: Reach | None

    def checked(self, verdict: ContentVerdict, now: datetime, **more: Any) -> Checked:
        return Checked(self.street_id, TICKET, self.ticket_id, verdict, now, **more)


class TextChecks:
    """Asks about what is new and what is due again; `run` returns whether more waits."""

    def __init__(self, process: Process, wechat: WeChat) -> None:
        self._process, self._wechat = process, wechat
        self._since: datetime | None = None

    async def run(self) -> bool:
        """Have up to MOST texts checked, at once; the answers are written together."""
        if not self._wechat.configured:
            return False
        now = clock.now()
        streets = [street.id for street in await self._process.streets.all()]
        since = self._since or now - LOOK_BACK
        async with self._process.database.transaction(streets, read_only=True) as tx:
            rows = await tx.raw.fetch(_PENDING, streets, now, MOST)
            new = await tx.raw.fetch(_NEW, streets, since, MOST)
            texts = [await self._text(tx, row) for row in (*rows, *new)][:MOST]
        if len(new) < MOST:
            self._since = now - OVERLAP
        if texts:
            await self._write(await asyncio.gather(*(self._ask(text, now) for text in texts)))
        return len(rows) + len(new) >= MOST

    async def _text(self, tx: Any, row: Any) -> _Text:
        keys = self._process.keys
        found = await accounts.reach(tx, keys, row["street_id"], row["reporter_id"])
        reach = next((r for r in found if r.app_id in self._wechat.apps), None)
        return _Text(row["street_id"], row["id"], row["content"], row["recorded_at"], row["attempts"], reach)

    async def _ask(self, text: _Text, now: datetime) -> Checked:
        if text.reach is None:
            return text.checked(ContentVerdict.UNCHECKED, now, reason="no_account")
        if now - text.recorded_at > STILL_ASKED:
            return text.checked(ContentVerdict.UNCHECKED, now, reason="too_late")
        app = self._wechat.apps[text.reach.app_id]
        try:
            said = await self._wechat.check_text(app, text.reach.openid, text.content)
        except NotSeenLately:
            return text.checked(ContentVerdict.UNCHECKED, now, reason="not_seen_lately")
        except Risky:
            return text.checked(ContentVerdict.RISKY, now)
        except WeChatError:
            pause = min(2.0 ** (text.attempts + 1), LONGEST_PAUSE)
            again = now + timedelta(seconds=pause)
            return text.checked(ContentVerdict.PENDING, now, reason="away", next_at=again)
        return text.checked(ContentVerdict(said.suggest), now, label=said.label)

    async def _write(self, checked: Sequence[Checked]) -> None:
        async with self._process.database.transaction(sorted({c.street_id for c in checked})) as tx:
            await verdicts.keep(tx, checked)
