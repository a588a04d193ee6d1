"""`banjie webhooks`: the lines over which notices leave the house, what waits, what was given up, and sending that again."""

from typing import Any

from rich.console import Console
from rich.table import Table

from services.console import owner
from services.intake.notices import sends
from services.intake.notices.outcomes import Channel
from shared import clock
from shared.db import Database

_LIST = """
SELECT l.street_id, l.id, l.channel, l.name, l.host, l.ended_why, l.failures, l.not_before,
  count(s.id) FILTER (WHERE s.state = 'queued') AS queued, count(s.id) FILTER (WHERE s.state = 'failed') AS failed
FROM notice_lines l LEFT JOIN notice_sends s ON s.street_id = l.street_id AND s.line_id = l.id
WHERE l.street_id = ANY($1::bigint[]) GROUP BY l.street_id, l.id ORDER BY l.street_id, l.id"""
_WITH_DEAD = """
SELECT DISTINCT l.street_id, l.id FROM notice_lines l
JOIN notice_sends s ON s.street_id = l.street_id AND s.line_id = l.id AND s.state = 'failed'
WHERE l.street_id = ANY($1::bigint[]) AND l.ended_at IS NULL AND l.id::text LIKE $2"""
_HEADINGS = ("街道", "线路", "类型", "名称", "地址", "状态", "待发", "失败")


def show() -> None:
    """Print every line, with how much waits and how much was given up."""

    async def read(opened: Database) -> list[Any]:
        ids = await owner.all_ids(opened)
        async with opened.transaction(ids, read_only=True) as tx:
            return list(await tx.raw.fetch(_LIST, ids))

    rows = owner.run(read)
    if not rows:
        print("还没有设置通知线路")
        return
    table = Table(*_HEADINGS)
    for row in rows:
        table.add_row(
            str(row["street_id"]), str(row["id"]), Channel(row["channel"]).text, row["name"], row["host"], _state(row),
            str(row["queued"]), str(row["failed"]),
        )  # fmt: skip
    Console(width=None if Console().is_terminal else 240).print(table)


def _state(row: Any) -> str:
    if row["ended_why"]:
        return f"已停用:{row['ended_why']}"
    if row["failures"]:
        return f"连续失败{row['failures']}次,{clock.to_local(row['not_before']):%m-%d %H:%M:%S}再试"
    return "正常"


def replay(line: str | None) -> int:
    """Queue the dead letters of all lines, or of those whose id begins so, again; return how many.

    RuntimeError when a line is named and none with dead letters begins so.
    """
    wanted = line.lower() if line is not None else ""
    if wanted.strip("0123456789abcdef-"):
        raise RuntimeError(f"“{line}”不是线路编号")

    async def put_back(opened: Database) -> int:
        ids, count = await owner.all_ids(opened), 0
        async with opened.transaction(ids, read_only=True) as tx:
            found = await tx.raw.fetch(_WITH_DEAD, ids, f"{wanted}%")
        for row in found:
            async with opened.transaction([row["street_id"]]) as tx:
                again = await sends.replay(tx, row["street_id"], row["id"], clock.now())
                detail: dict[str, object] = {"line": str(row["id"]), "count": again}
                await owner.audited(tx, [row["street_id"]], "notice_line_replayed", detail)
            count += again
        return count

    count = owner.run(put_back)
    if not count and line is not None:
        raise RuntimeError(f"没有编号以“{line}”开头、有发送失败的线路")
    return count
