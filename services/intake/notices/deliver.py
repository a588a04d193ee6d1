"""Takes what waits out of the house: claims with a lease, asks the vendor, notes what came of it.

Three steps, and no lock is held while a vendor is asked: (1) a transaction notes what is about to be sent in which
message, uses the grants and holds the line back to its pace; (2) the letters go out; (3) a transaction notes the
outcomes and the line's health. Who falls between 1 and 3 leaves sends whose lease runs out; `outcomes.fate` says what
becomes of them. Lines do not wait for each other, and nothing of this touches a ticket.
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter
from uuid_utils.compat import uuid7

from services.intake.notices import grants, lines, outcomes, sends
from services.intake.notices.lines import Health
from services.intake.notices.messages import Item
from services.intake.notices.outcomes import Channel, Fate, Outcome, Reply
from services.intake.notices.senders import Letter, Post
from services.intake.notices.sends import Record, Settled
from services.intake.notices.told import resident_of
from services.intake.notices.words import topic_of
from shared import clock
from shared.db import Transaction
from shared.errors import Unavailable
from shared.process import Process
from shared.settings import MessageTemplate

# How long a round waits for the first line to be done; the others go on by themselves, and a slow one slows none.
ROUND_SECONDS = 1.0
MOST_LINES = 20
# Answers after which WeChat has certainly not delivered, and not counted, a message.
_NOT_TAKEN = frozenset({Outcome.REFUSED, Outcome.LATER, Outcome.SLOW, Outcome.AWAY, Outcome.MISSET})
GIVEN_UP = {channel.value: outcomes.given_up(channel.value) for channel in Channel}
_UNKNOWN = Reply(Outcome.UNKNOWN)
_ATTEMPTS = Counter(
    "banjie_notice_attempts_total", "Messages sent, by what came of them", ["channel", "outcome"]
)
log = structlog.get_logger()
Key = tuple[int, UUID]


@dataclass(frozen=True, slots=True)
class Batch:
    """What is in hand of one line: each letter with the sends that travel in it."""

    line: Record
    letters: Sequence[tuple[Letter, Sequence[Record]]]
    more: bool


class Delivery:
    """The worker's duty towards everything that leaves the house; safe to run in several workers."""

    def __init__(self, process: Process, post: Post) -> None:
        self._process = process
        self._post = post
        self._templates = process.settings.templates()
        self._busy: dict[Key, asyncio.Task[bool]] = {}

    async def run(self) -> bool:
        """Send some of what waits; return whether there is more to be sent at once."""
        streets = [street.id for street in await self._process.streets.all()]
        now = clock.now()
        async with self._process.database.transaction(streets, read_only=True) as tx:
            due, fallen = await sends.due(tx, streets, now), await sends.held_too_long(tx, streets, now)
        for street_id in fallen:
            await self._take_up(street_id)
        for key in due:
            if key not in self._busy and len(self._busy) < MOST_LINES:
                self._busy[key] = asyncio.create_task(self._line(key))
        if not self._busy:
            return False
        done, _ = await asyncio.wait(
            self._busy.values(), timeout=ROUND_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        return True in {task.result() for task in done}

    async def finish(self) -> None:
        """Wait for the lines that are still in hand."""
        await asyncio.gather(*self._busy.values())

    async def _line(self, key: Key) -> bool:
        try:
            return await self._once(*key)
        except Unavailable:
            return False  # the next round finds it as it is
        except Exception:
            log.exception("line_failed", street_id=key[0], line_id=str(key[1]))
            return False
        finally:
            del self._busy[key]

    async def _once(self, street_id: int, line_id: UUID) -> bool:
        batch = await self._claim(street_id, line_id)
        if batch is None:
            return False
        replies = await asyncio.gather(*(self._post.send(letter) for letter, _ in batch.letters))
        await self._settle(street_id, batch, replies)
        return batch.more

    async def _claim(self, street_id: int, line_id: UUID) -> Batch | None:
        """Take some sends of a line in hand; None where there is nothing to do."""
        now = clock.now()
        async with self._process.database.transaction([street_id]) as tx:
            line = await sends.line(tx, street_id, line_id, now)
            if line is None:
                return None
            if line["ended_at"] is not None:
                await sends.give_up(tx, street_id, line_id, GIVEN_UP[line["channel"]], now)
                return None
            room = lines.room(line["channel"], Health(line["failures"], line["not_before"]))
            found = await sends.ready(tx, street_id, line_id, now, room)
            if not found:
                return None
            if line["channel"] == Channel.WECHAT:
                letters = await self._to_residents(tx, street_id, found)
            else:
                letters = [(await self._together(tx, street_id, line, found), found)]
            held = [(letter.message_id, some) for letter, some in letters]
            await sends.take(tx, street_id, held, now, granted=line["channel"] == Channel.WECHAT)
            await sends.hold_back(tx, street_id, line_id, lines.paced(line["channel"], now))
        return Batch(line, letters, more=len(found) == room)

    async def _together(
        self, tx: Transaction, street_id: int, line: Record, found: Sequence[Record]
    ) -> Letter:
        """Return one letter with everything that waits for a robot's group or a webhook."""
        private = self._process.keys.open(bytes(line["sealed"]), line["id"].bytes)
        told: dict[UUID, str] = {}
        if line["with_content"]:
            told = await sends.contents(tx, street_id, {send["ticket_id"] for send in found})
        items = tuple(_item(send, told.get(send["ticket_id"])) for send in found)
        return Letter(uuid7(), line["channel"], items, url=private["url"], secret=private.get("secret", ""))

    async def _to_residents(
        self, tx: Transaction, street_id: int, found: Sequence[Record]
    ) -> list[tuple[Letter, Sequence[Record]]]:
        """Return a letter for each resident who allows one; the others have it in the app, and that is noted."""
        templates = [self._templates.get(topic_of(send["kind"])) for send in found]
        people = [resident_of(send["recipient"]) for send in found]
        asking = [n for n, send in enumerate(found) if not send["granted"] and templates[n] is not None]
        got = await grants.use(tx, street_id, [(people[n], _id(templates[n])) for n in asking])
        allowed = {n for n, yes in zip(asking, got, strict=True) if yes}
        allowed |= {n for n, send in enumerate(found) if send["granted"] and templates[n] is not None}
        app_id = self._process.settings.wechat_app_id
        known = await sends.accounts(tx, street_id, {people[n] for n in allowed}, app_id)
        letters: list[tuple[Letter, Sequence[Record]]] = []
        without = []
        for n, send in enumerate(found):
            template, account = templates[n], known.get(people[n])
            if n not in allowed or template is None or account is None:
                without.append(send)
                continue
            openid = self._process.keys.open(account["private"], account["id"].bytes)["openid"]
            letter = Letter(
                uuid7(), Channel.WECHAT.value, (_item(send),), openid=openid, template=template.id,
                page=template.page, fields=template.fields,
            )  # fmt: skip
            letters.append((letter, [send]))
        await self._fall_back(tx, street_id, without)
        return letters

    async def _fall_back(self, tx: Transaction, street_id: int, without: Sequence[Record]) -> None:
        now = clock.now()
        reply, fate = Reply(Outcome.EXHAUSTED, "no_grant"), Fate("fallback", now, 0)
        await sends.settle(tx, street_id, [Settled(s, None, 0, reply, fate) for s in without], now)

    async def _settle(self, street_id: int, batch: Batch, replies: Sequence[Reply]) -> None:
        now, channel, line_id = clock.now(), batch.line["channel"], batch.line["id"]
        rows = [
            settled
            for (letter, held), reply in zip(batch.letters, replies, strict=True)
            for settled in _settled(channel, held, letter.message_id, reply, template=letter.template)
        ]
        for reply in replies:
            _ATTEMPTS.labels(channel, reply.outcome.value).inc()
        async with self._process.database.transaction([street_id]) as tx:
            health = await sends.health(tx, street_id, line_id)
            await sends.settle(tx, street_id, rows, now)
            if channel == Channel.WECHAT:
                await _settle_grants(tx, street_id, rows)
            await sends.note_health(tx, street_id, line_id, lines.after(health, channel, replies, now))
            gone = next((r for r in replies if r.outcome is Outcome.GONE), None)
            if gone is not None:
                await sends.end_line(
                    tx, street_id, line_id, f"对方答复线路已失效({gone.code})", GIVEN_UP, now
                )

    async def _take_up(self, street_id: int) -> None:
        """Decide about sends whose holder fell before noting what came of them."""
        now = clock.now()
        async with self._process.database.transaction([street_id]) as tx:
            fallen = await sends.abandoned(tx, street_id, now)
            rows = [
                settled
                for s in fallen
                for settled in _settled(s["channel"], [s], s["message_id"], _UNKNOWN, begun=s["attempts"])
            ]
            await sends.settle(tx, street_id, rows, now)
        for send in fallen:
            log.warning("send_abandoned", send_id=str(send["id"]), channel=send["channel"])


def _settled(
    channel: str,
    held: Sequence[Record],
    message: UUID,
    reply: Reply,
    *,
    template: str = "",
    begun: int | None = None,
) -> list[Settled]:
    """Return what becomes of the sends of a message; a grant is kept unless WeChat never took the message.

    `begun`: the number of the attempt where it was read after it had begun.
    """
    now, spread = clock.now(), random.uniform(0.8, 1.2)
    rows = []
    for send in held:
        fate = outcomes.fate(channel, reply, send["failures"], send["created_at"], now, jitter=spread)
        unspent = fate.state == "fallback" and reply.outcome in _NOT_TAKEN
        attempt = send["attempts"] + 1 if begun is None else begun
        granted = channel == Channel.WECHAT and not unspent
        rows.append(Settled(send, message, attempt, reply, fate, granted, template))
    return rows


async def _settle_grants(tx: Transaction, street_id: int, rows: Sequence[Settled]) -> None:
    """Give back what WeChat did not take, and believe it where it says that nothing is left."""
    unspent = [r for r in rows if not r.granted]
    refused = [r for r in rows if r.reply.outcome is Outcome.EXHAUSTED]
    for which, settle in ((unspent, grants.give_back), (refused, grants.exhaust)):
        await settle(tx, street_id, [(resident_of(r.send["recipient"]), r.template) for r in which])


def _id(template: MessageTemplate | None) -> str:
    return template.id if template is not None else ""


def _item(send: Record, content: str | None = None) -> Item:
    return Item(send["notice_id"], send["kind"], send["title"], send["facts"], send["occurred_at"], content)
