"""`banjie audit` and `banjie rebuild`: the figures against the history, and the figures anew from it."""

import asyncio
import gc
import os
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context

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
    streets = asyncio.run(_listed(codes))
    found: dict[int, Findings] = {}
    with Progress(console=_out, transient=True) as progress:
        task = progress.add_task("重算", total=len(streets))
        for findings in _findings(streets):
            found[findings.street_id] = findings
            progress.advance(task)
    for street in streets:
        _report(street, found[street.id])
    return all(findings.clean for findings in found.values())


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


async def _listed(codes: Sequence[str]) -> list[Street]:
    database = _database()
    try:
        return await _chosen(database, codes)
    finally:
        await database.close()


def _findings(streets: Sequence[Street]) -> Iterator[Findings]:
    """Yield what the recount of each street finds, in the order in which they are done: as many at once as there are cores."""
    together = min(len(streets), os.cpu_count() or 1)
    if together <= 1:
        yield from (recounted(street.id) for street in streets)
        return
    # Started afresh: a copy of this process would share its connections and threads.
    with ProcessPoolExecutor(together, mp_context=get_context("spawn")) as pool:
        for done in as_completed(pool.submit(recounted, street.id) for street in streets):
            yield done.result()


def recounted(street_id: int) -> Findings:
    """Recount a street from beginning to end; where bookings are still under way, wait and count again."""
    gc.disable()  # rows and spans hold no circles; to look for some again and again takes longer than counting
    try:
        return asyncio.run(_recounted(street_id))
    finally:
        gc.enable()


async def _recounted(street_id: int) -> Findings:
    database = _database()
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            findings = await recount(database, street_id)
            if not findings.waiting or time.monotonic() > deadline:
                return findings
            await asyncio.sleep(0.5)
    finally:
        await database.close()


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
