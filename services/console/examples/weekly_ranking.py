"""每周排名:各主办单位的按期办结率,同分并列,样本过少的不排名。

python -m services.console.examples.weekly_ranking --street 120116005 [--week 2026-W47]
"""

import argparse
import sys
from datetime import date, timedelta

from rich.console import Console
from rich.table import Table

from services.console.client import Banjie, BanjieError, RankedRow, Ranking
from shared import clock


def last_week(today: date) -> str:
    """Return the ISO week before the one of `today`, as periods are named."""
    year, week, _ = (today - timedelta(days=7)).isocalendar()
    return f"{year}-W{week:02d}"


def place(row: RankedRow) -> str:
    """Return a rank as a list shows it: 3, or 并列 3 of those who share it."""
    return "—" if row.rank is None else f"并列 {row.rank}" if row.tied else str(row.rank)


def table(ranking: Ranking) -> Table:
    """Return the ranking; what has too few tickets stands below, without a rank."""
    found = Table(
        "名次", "单位", "按期办结/应办结", ranking.label, title=f"{ranking.window.period} {ranking.label}"
    )
    for row in (*ranking.rows, *ranking.unranked):
        note = f"{row.display}(样本过少)" if row.few else row.display
        found.add_row(place(row), row.label, f"{row.numerator}/{row.denominator}", note)
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description="各单位按期办结率的周排名")
    arguments.add_argument("--street", required=True, help="街道代码")
    arguments.add_argument("--week", help="哪一周,如 2026-W47;不写则为上周")
    arguments.add_argument("--least", type=int, default=5, help="少于这么多件不排名")
    given = arguments.parse_args()
    week = given.week or last_week(clock.local_day(clock.now()))
    with Banjie.from_environment(given.street) as banjie:
        ranking = banjie.rankings("on_time_closure_rate", by="unit", period=week, least=given.least)
    console = Console(highlight=False, markup=False)
    console.print(table(ranking))
    for warning in ranking.warnings:
        console.print(f"! {warning.message}")


if __name__ == "__main__":
    try:
        main()
    except BanjieError as error:
        sys.exit(f"✗ {error}")
