"""Pictures: WeChat is asked to look at one, and tells what it saw within half an hour, through our callback."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from services.intake import verdicts
from services.intake.identity import accounts
from services.intake.verdicts import IMAGE, Checked
from services.intake.wechat import Verdict, WeChat
from services.intake.wechat.client import verdict
from services.intake.wechat.errors import WeChatError
from shared import clock
from shared.process import Process
from shared.terms import ContentVerdict

EVENT = "wxa_media_check"
log = structlog.get_logger()


async def ask(
    process: Process, wechat: WeChat, street_id: int, resident: UUID, attachment_id: UUID, url: str
) -> ContentVerdict:
    """Have WeChat look at the picture at `url` (public, short-lived); note what is known now, and return it.

    Never raises for WeChat's sake: a picture that could not be asked about is unchecked, and stays out of public view.
    """
    now = clock.now()
    async with process.database.transaction([street_id], read_only=True) as tx:
        found = await accounts.reach(tx, process.keys, street_id, resident)
    known = next((r for r in found if r.app_id in wechat.apps), None)
    checked = Checked(street_id, IMAGE, attachment_id, ContentVerdict.UNCHECKED, now, reason="no_account")
    if known is not None:
        try:
            trace = await wechat.check_image(wechat.apps[known.app_id], known.openid, url)
            checked = checked._replace(verdict=ContentVerdict.PENDING, reason=None, trace_id=trace)
        except WeChatError:
            checked = checked._replace(reason="away")
    async with process.database.transaction([street_id]) as tx:
        await verdicts.keep(tx, [checked])
    return checked.verdict


async def told(process: Process, message: Mapping[str, Any], now: datetime) -> None:
    """Take the answer about a picture; repeated, or about what we did not ask, it changes nothing."""
    trace = message.get("trace_id")
    if not isinstance(trace, str) or not trace:
        return
    try:
        said = verdict(message)
    except WeChatError:  # it could not be fetched, or looked at
        log.warning("wechat_media_check_failed", errcode=_errcode(message))
        said = Verdict(ContentVerdict.UNCHECKED, None)
    streets = [street.id for street in await process.streets.all()]
    async with process.database.transaction(streets) as tx:
        known = await verdicts.decide(tx, streets, trace, ContentVerdict(said.suggest), said.label, now)
    if not known:
        log.info("wechat_media_check_not_awaited")


def _errcode(message: Mapping[str, Any]) -> int | None:
    code = message.get("errcode")
    return code if isinstance(code, int) else None
