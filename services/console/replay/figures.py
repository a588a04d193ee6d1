"""What an article published beside what is measured."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

PATIENCE = 30.0  # seconds without any progress after which the figures are taken as they are
PAUSE = 0.5


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure. `published` is the article's (or follows from it by division: then `derived`)."""

    name: str
    published: str
    measured: str
    derived: bool = False

    @property
    def holds(self) -> bool:
        return self.published == self.measured


def share(row: dict[str, Any]) -> str:
    """Return a rate's row as people quote it: 99.97%(3949/3950)."""
    return f"{row['display']}({row['numerator']}/{row['denominator']})"


def show(title: str, figures: Iterable[Figure], notes: Sequence[str] = ()) -> bool:
    """Print the table; return whether every figure holds."""
    console = Console(highlight=False)
    table = Table("指标", "公布", "实测", "", title=title, title_justify="left")
    holds = True
    for figure in figures:
        holds = holds and figure.holds
        name = f"{figure.name}(推算)" if figure.derived else figure.name
        table.add_row(name, figure.published, figure.measured, "✓" if figure.holds else "✗")
    console.print(table)
    for note in notes:
        console.print(note)
    return holds


async def settled(ask: Callable[[], Awaitable[tuple[bool, int, object]]], bar: Progress, title: str) -> None:
    """Wait until the books hold what was done: `ask` answers (done, events still waiting, the figures).

    Returns all the same when nothing moved for 30 seconds: the table will then show what is missing.
    """
    shown = bar.add_task(title, total=None)
    last: object = None
    moved = monotonic()
    while monotonic() - moved < PATIENCE:
        done, waiting, seen = await ask()
        if done:
            break
        if (waiting, seen) != last:
            last, moved = (waiting, seen), monotonic()
        bar.update(shown, description=f"{title}(还有 {waiting} 条)")
        await asyncio.sleep(PAUSE)
    bar.update(shown, description=title, total=1, completed=1)


def waiting(answer: dict[str, Any]) -> int:
    """Return how many events the books still wait for, as an answer of metrics says."""
    return next((int(w["waiting"]) for w in answer["warnings"] if w["code"] == "catching_up"), 0)
