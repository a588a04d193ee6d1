"""`banjie seed tickets`: the demo's tickets, filed and handled over the real services, as everybody's are.

A mark in the data folder keeps the moment the stories are told from: an interrupted run goes on with the same
tickets (their idempotency keys are the same), a finished one is not repeated.
"""

import asyncio
import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

from services.console.demo.places import BLUEPRINTS, Blueprint
from services.console.demo.stories import tell
from services.console.demo_run import MARK
from services.console.replay import crew, first
from services.console.replay.course import Wanted
from services.console.replay.stage import services
from shared import clock, settings

GENTLY = 5  # calls under way: whoever tries the house meanwhile shall not notice


def fill(code: str, days: int) -> str:
    """File and handle the tickets of `days` days; say what was done. RuntimeError when the services are away."""
    street = BLUEPRINTS.get(code)
    if street is None:
        raise RuntimeError(f"没有代码为 {code} 的演示街道;可选:{'、'.join(BLUEPRINTS)}")
    mark = settings.load().data_dir / MARK
    plan = _plan(mark, code, days)
    if plan["done"]:
        return f"演示工单已经登记过({mark})"
    started = time.monotonic()
    now = datetime.fromisoformat(plan["now"])
    tickets = list(tell(street, now, plan["days"]))
    try:
        asyncio.run(_fill(street, tickets, now))
    except ExceptionGroup as group:
        raise first(group) from group
    _write(mark, {**plan, "done": True})
    return f"已登记并办理 {len(tickets)} 件演示工单,用时 {time.monotonic() - started:.0f} 秒"


def _plan(mark: Path, code: str, days: int) -> dict[str, Any]:
    """Return what was begun, or begin."""
    if mark.exists():
        known: dict[str, Any] = json.loads(mark.read_text(encoding="utf-8"))
        if known["street"] == code:
            return known
    plan = {"street": code, "days": days, "now": clock.now().isoformat(), "done": False}
    _write(mark, plan)
    return plan


def _write(mark: Path, plan: dict[str, Any]) -> None:
    fresh = mark.with_suffix(".new")
    fresh.write_text(json.dumps(plan), encoding="utf-8")
    fresh.replace(mark)


async def _fill(street: Blueprint, tickets: list[Wanted], now: datetime) -> None:
    numbers: dict[str, str] = {}
    with services(street) as api:
        mover = crew.Mover(api, now)

        async def file(ticket: Wanted) -> None:
            numbers[ticket.serial] = await api.file(ticket.filing, f"{ticket.serial}-{now:%Y%m%d%H%M%S}")

        async def carry(ticket: Wanted) -> None:
            await mover.carry(numbers[ticket.serial], ticket)

        with crew.bars() as bar:
            await crew.in_turn(tickets, file, carry, "演示工单", bar, at_once=GENTLY)
