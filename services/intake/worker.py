"""Intake's worker: tells people what happened, brings ledgers in, has texts checked, throws away what is over."""

from datetime import timedelta

import httpx

from services.intake.attachments.sweep import Sweep
from services.intake.checks.texts import TextChecks
from services.intake.identity.purge import purge_sessions
from services.intake.imports.work import Importing
from services.intake.notices.consume import Consumer
from services.intake.notices.deliver import Delivery
from services.intake.notices.senders import SECONDS, Post, SubscribeMessages
from services.intake.notices.token import StableToken
from services.intake.wechat import WeChat
from shared import clock
from shared.process import Process
from shared.settings import Settings
from shared.worker import Duties, Periodic, main

PURGE_SECONDS = 600.0
IMPORT_SECONDS = 0.5
SWEEP_SECONDS = 600.0
CHECK_SECONDS = 0.5
SEND_SECONDS = 0.5
BATCH = 500
_PURGE = """
DELETE FROM idempotency_keys WHERE street_id = $1 AND (actor_id, key) IN (
  SELECT actor_id, key FROM idempotency_keys WHERE street_id = $1 AND recorded_at < $2
  ORDER BY recorded_at LIMIT $3)
RETURNING true"""


async def duties(process: Process) -> Duties:
    """Return what this worker does."""
    wechat = WeChat(process)

    async def purge() -> None:
        await purge_keys(process)
        await purge_sessions(process)

    return Duties(
        Consumer(process.settings.templates()).handle,
        [
            Periodic("purge_idempotency_keys", PURGE_SECONDS, purge),
            Periodic("import_ledgers", IMPORT_SECONDS, Importing(process).run),
            Periodic("sweep_attachments", SWEEP_SECONDS, Sweep(process).run),
            Periodic("check_texts", CHECK_SECONDS, TextChecks(process, wechat).run),
            Periodic("send_notices", SEND_SECONDS, Delivery(process, post_of(process.settings)).run),
        ],
        closing=[wechat.close],
        poll_seconds=0.2,
    )


def post_of(settings: Settings) -> Post:
    """Return what takes messages out of the house; without an app of WeChat's there are no subscribe messages."""
    if not settings.wechat_app_id or settings.wechat_app_secret is None:
        return Post(private=settings.private_targets)
    client = httpx.AsyncClient(base_url=settings.wechat_api_base, timeout=SECONDS)
    token = StableToken(client, settings.wechat_app_id, settings.wechat_app_secret.get_secret_value())
    return Post(private=settings.private_targets, subscriptions=SubscribeMessages(client, token))


async def purge_keys(process: Process) -> int:
    """Delete the idempotency keys older than `idempotency_days`, a few at a time; return how many."""
    before = clock.now() - timedelta(days=process.settings.idempotency_days)
    gone = 0
    for street in await process.streets.all():
        deleted = BATCH
        while deleted == BATCH:
            async with process.database.transaction([street.id]) as tx:
                deleted = len(await tx.raw.fetch(_PURGE, street.id, before, BATCH))
            gone += deleted
    return gone


if __name__ == "__main__":
    main("intake", duties)
