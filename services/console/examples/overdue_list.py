"""超期清单:此刻已过时限仍未办结的工单,最久的在前;可另存为 Excel 台账。

python -m services.console.examples.overdue_list --street 120116005 [--save 超期.xlsx]
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date, datetime

from rich.console import Console
from rich.table import Table

from services.console.client import Banjie, BanjieError, LedgerRow
from shared import clock

EVER = date(2000, 1, 1)


def oldest_first(rows: Sequence[LedgerRow]) -> list[tuple[datetime, LedgerRow]]:
    """Return the tickets with the deadline that has passed, the longest overdue first."""
    late = [(due, row) for row in rows if (due := row.deadline)]
    return sorted(late, key=lambda pair: (pair[0], pair[1].number))


def table(banjie: Banjie) -> Table:
    """Return the list, units by their names."""
    units = {row.key: row.label for row in banjie.counts(by="unit", since=EVER).rows}
    found = Table("编号", "主办单位", "办理时限", "超期", "内容")
    now = clock.now()
    for due, row in oldest_first(list(banjie.ledger(overdue=True))):
        unit = units.get(row.lead_unit or "", row.lead_unit or "未派单")
        late = clock.remaining_text(due, now).removeprefix("已超期")
        found.add_row(
            row.number,
            unit,
            f"{clock.to_local(due):%Y-%m-%d %H:%M}",
            late,
            " ".join(row.content.split())[:20],
        )
    found.title = f"超期未办结 {found.row_count} 件"
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description="此刻超期未办结的工单")
    arguments.add_argument("--street", required=True, help="街道代码")
    arguments.add_argument("--save", help="另存为 .xlsx 或 .csv 台账")
    given = arguments.parse_args()
    with Banjie.from_environment(given.street) as banjie:
        Console(highlight=False, markup=False).print(table(banjie))
        if given.save:
            print(f"已存为 {banjie.download_ledger(given.save, overdue=True)}")


if __name__ == "__main__":
    try:
        main()
    except BanjieError as error:
        sys.exit(f"✗ {error}")
