"""月度通报的数字:件数、各项率及其分子分母,和各社区的办结率。

python -m services.console.examples.monthly_bulletin --street 120116005 [--month 2026-11]
"""

import argparse
import sys
from datetime import date, timedelta

from rich.console import Console
from rich.table import Table

from services.console.client import Banjie, BanjieError, Row
from shared import clock

COUNTED = ("received", "accepted", "direct", "dispatched", "closed", "overdue_open")
RATES = (
    ("closure_rate", "due"), ("on_time_closure_rate", "due"), ("overdue_rate", "due"), ("resolution_rate", "surveyed"),
    ("satisfaction_rate", "strict"), ("valid_callback_rate", "called_back"), ("return_rate", "dispatched"),
)  # fmt: skip


def share(row: Row) -> str:
    """Return a rate as it is quoted: 99.97%(3949/3950)."""
    return f"{row.display}({row.numerator}/{row.denominator})"


def tables(banjie: Banjie, month: str) -> list[Table]:
    """Return the bulletin's tables for the tickets received in a month."""
    counts = banjie.counts(period=month)
    figures = Table("指标", "数字", title=f"{month} 接诉即办情况")
    for measure in COUNTED:
        figures.add_row(counts.labels[measure], str(counts.counts[measure]))
    for name, variant in RATES:
        rate = banjie.rate(name, variant=variant, period=month)
        figures.add_row(rate.label, share(rate.total))
    places = Table("社区", "办结率", title="各社区")
    for row in banjie.rate("closure_rate", by="community", period=month).rows:
        places.add_row(row.label, share(row))
    return [figures, places]


def main() -> None:
    arguments = argparse.ArgumentParser(description="一个月的通报数字")
    arguments.add_argument("--street", required=True, help="街道代码")
    arguments.add_argument("--month", help="哪个月,如 2026-11;不写则为上月")
    given = arguments.parse_args()
    today: date = clock.local_day(clock.now())
    month = given.month or f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    with Banjie.from_environment(given.street) as banjie:
        Console(highlight=False, markup=False).print(*tables(banjie, month), sep="\n")


if __name__ == "__main__":
    try:
        main()
    except BanjieError as error:
        sys.exit(f"✗ {error}")
