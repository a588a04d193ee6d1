"""`banjie events`: what waits for its consumer, what was given up, and how to try that again."""

from typing import Any

from rich.console import Console
from rich.table import Table

from services.console import owner
from shared import clock
from shared.db import Database

SHOWN = 200
_LIST = """
SELECT d.street_id, d.consumer, d.event_id, d.offers, d.failures, d.next_at, d.parked_at, d.error, e.type, t.number,
  count(*) OVER () AS together
FROM deliveries d JOIN events e ON e.street_id = d.street_id AND e.id = d.event_id
LEFT JOIN tickets t ON t.street_id = e.street_id AND t.id = e.ticket_id
WHERE d.street_id = ANY($1::bigint[]) AND (d.parked_at IS NOT NULL OR NOT $2)
ORDER BY d.parked_at NULLS LAST, d.event_id LIMIT $3"""
_RETRY = """
UPDATE deliveries SET parked_at = NULL, failures = 0, offers = 0, error = NULL, next_at = $2
WHERE street_id = ANY($1::bigint[]) AND parked_at IS NOT NULL AND event_id::text LIKE $3
RETURNING street_id, consumer, event_id"""
_HEADINGS = ("街道", "事件", "类型", "工单", "消费方", "状态", "失败", "下次", "错误")


def show(*, parked: bool) -> None:
    """Print the deliveries not yet done (or only the parked ones), the parked first."""

    async def read(opened: Database) -> list[Any]:
        ids = await owner.all_ids(opened)
        async with opened.transaction(ids, read_only=True) as tx:
            return list(await tx.raw.fetch(_LIST, ids, parked, SHOWN))

    rows = owner.run(read)
    if not rows:
        print("没有已搁置的事件" if parked else "没有等待的事件")
        return
    table = Table(*_HEADINGS)
    for row in rows:
        state = "已搁置" if row["parked_at"] else "等待"
        at = clock.to_local(row["parked_at"] or row["next_at"])
        table.add_row(
            str(row["street_id"]), str(row["event_id"]), row["type"], row["number"] or "", row["consumer"], state,
            str(row["failures"]), f"{at:%m-%d %H:%M:%S}", row["error"] or "",
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 240).print(table)
    if rows[0]["together"] > len(rows):
        print(f"共 {rows[0]['together']} 条,只列出前 {len(rows)} 条")


def retry(event: str | None) -> int:
    """Put parked deliveries back (all, or those whose event id begins so); return how many.

    RuntimeError when an event is named and none parked begins so.
    """
    wanted = event.lower() if event is not None else ""
    if wanted.strip("0123456789abcdef-"):
        raise RuntimeError(f"“{event}”不是事件编号")

    async def put_back(opened: Database) -> int:
        ids = await owner.all_ids(opened)
        async with opened.transaction(ids) as tx:
            rows = await tx.raw.fetch(_RETRY, ids, clock.now(), f"{wanted}%")
            for street_id in sorted({row["street_id"] for row in rows}):
                mine = [f"{r['consumer']}/{r['event_id']}" for r in rows if r["street_id"] == street_id]
                await owner.audited(tx, [street_id], "events_retried", {"deliveries": mine})
        return len(rows)

    count = owner.run(put_back)
    if not count and event is not None:
        raise RuntimeError(f"没有编号以“{event}”开头的已搁置事件")
    return count
