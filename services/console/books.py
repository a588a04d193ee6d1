"""`banjie audit` and `banjie rebuild`: the figures against the history, and the figures anew from it."""

import asyncio
import time
from collections.abc import Sequence
from functools import partial

from rich.console import Console
from rich.progress import Progress

from services.metrics.audit import Findings, rebuild as rebuild_street, recount
from shared import keyring, settings
from shared.db import Database
from shared.streets import Street, Streets

# Deliveries on their way when the recount begins are no fault; they are waited for this long.
PATIENCE = 30.0
_out = Console()


def audit(codes: Sequence[str]) -> bool:
    """Recount the streets with these codes (all when none is given); return whether everything agrees."""
    return asyncio.run(_audit(codes))


def rebuild(codes: Sequence[str]) -> None:
    """Build the books of these streets (all when none is given) anew from history."""
    asyncio.run(_rebuild(codes))


def _database() -> Database:
    """Return the database as metrics sees it: the recount needs no more than that, and may do no more."""
    known = settings.load()
    password = keyring.load(known.secrets_path).database_password("banjie_metrics")
    return Database(known.service_url("metrics", password), pool_size=2, statement_timeout=600)


async def _chosen(database: Database, codes: Sequence[str]) -> list[Street]:
    streets = Streets(database)
    return [await streets.by_code(code) for code in codes] if codes else await streets.all()


async def _audit(codes: Sequence[str]) -> bool:
    database = _database()
    try:
        with Progress(console=_out, transient=True) as progress:
            found = [(s, await _recount(database, s, progress)) for s in await _chosen(database, codes)]
    finally:
        await database.close()
    for street, findings in found:
        _report(street, findings)
    return all(findings.clean for _, findings in found)


async def _recount(database: Database, street: Street, progress: Progress) -> Findings:
    """Recount a street; where bookings are still under way, wait and count again."""
    task = progress.add_task(f"重算 {street.name}", total=None)
    deadline = time.monotonic() + PATIENCE
    while True:
        findings = await recount(database, street.id, partial(progress.advance, task))
        if not findings.waiting or time.monotonic() > deadline:
            return findings
        await asyncio.sleep(0.5)


def _report(street: Street, findings: Findings) -> None:
    mark = "✓" if findings.clean else "✗"
    _out.print(
        f"{mark} {street.name}({street.code}):工单 {findings.tickets} 张,累计格 {findings.cells} 个,"
        f"不符工单 {findings.wrong_tickets},不符累计 {findings.wrong_cells},未入账变动 {findings.waiting}",
        highlight=False,
    )
    for difference in findings.differences:
        _out.print(f"  {difference}", highlight=False)


async def _rebuild(codes: Sequence[str]) -> None:
    database = _database()
    try:
        for street in await _chosen(database, codes):
            with Progress(console=_out, transient=True) as progress:
                task = progress.add_task(f"重建 {street.name}", total=None)
                count = await rebuild_street(database, street.id, partial(progress.advance, task))
            _out.print(f"✓ {street.name}({street.code}):已按 {count} 张工单的历史重建", highlight=False)
    finally:
        await database.close()
