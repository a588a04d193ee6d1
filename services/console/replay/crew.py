"""Filing and moving tickets, many at once: what is missing is filed, what lags behind its course is moved on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from services.console.replay.api import Api, Refused
from services.console.replay.course import Life, Move, Wanted
from shared.lifecycle import State
from shared.terms import Role

T = TypeVar("T")
AT_ONCE = 24  # calls under way; one in four of them files
TELL = 500  # between lines where there is no terminal to draw a bar on
AHEAD = 50  # tickets filed and not yet carried
NOT_FOUND, FORBIDDEN, CONFLICT = 404, 403, 409
# Until the routing worker has placed a ticket: seconds between looks, and how many before a person does it.
PAUSE, LOOKS = 0.1, 60
MOST_CALLS = 100
HELPED = "已配合办理"


def bars() -> Progress:
    """Return the progress display of long work."""
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), transient=False
    )  # fmt: skip


Work = Callable[[T], Awaitable[None]]


async def in_turn(
    items: Sequence[T], file: Work[T], carry: Work[T], title: str, bar: Progress, *, at_once: int = AT_ONCE
) -> None:
    """File every item and carry it, the filing some way ahead: by the time it is carried the worker has placed it.

    Not all filed first: a late entry that is not told to its end at once is soon marked as overdue.
    """
    shown = bar.add_task(title, total=len(items))
    waiting = iter(items)
    filed: asyncio.Queue[T] = asyncio.Queue(AHEAD)
    left = len(items)

    async def filing() -> None:
        for item in waiting:
            await file(item)
            await filed.put(item)

    async def carrying() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await carry(await filed.get())
            bar.advance(shown)
            done = int(bar.tasks[shown].completed)
            if not bar.console.is_terminal and done % TELL == 0:
                print(f"{title} {done}/{len(items)}", flush=True)

    async with asyncio.TaskGroup() as group:
        filers = max(1, at_once // 4)
        for _ in range(filers):
            group.create_task(filing())
        for _ in range(at_once - filers):
            group.create_task(carrying())


class Mover:
    """Carries tickets along their courses."""

    def __init__(self, api: Api, now: datetime | None = None) -> None:
        self._api = api
        self._now = now

    async def carry(self, number: str, ticket: Wanted, state: State | None = None) -> State:
        """Move a ticket on until its course ends (or its next move lies after `now`); return where it stands.

        `state` is where it is believed to be; the service corrects that. Refused when a move is not possible.
        """
        passage = _Passage(ticket, state or (State.DISPATCHED if ticket.places_itself else State.SUBMITTED))
        for _ in range(MOST_CALLS):
            move = passage.next()
            if move is None or (self._now is not None and move.at > self._now):
                return passage.state
            if passage.placing and ticket.places_itself and passage.looks < LOOKS:
                await self._wait(number, passage)
                continue
            await self._make(number, move, passage)
        raise RuntimeError(f"工单 {number} 没有走到“{ticket.goal.text}”,停在“{passage.state.text}”")

    async def _make(self, number: str, move: Move, passage: "_Passage") -> None:
        unit = passage.unit if move.by_lead else None
        role = Role.COMMUNITY if move.by_lead and (unit or "").startswith("juwei") else move.role
        body = {**move.body, "occurred_at": move.at.isoformat()}
        try:
            after = await self._api.act(number, move.action, body, role, unit)
        except Refused as refusal:
            await self._learn(number, refusal, move, passage)
        else:
            passage.state = State(after["state"])
            passage.unit = after["lead_unit"] or passage.unit
            passage.life += move.ends_life

    async def _learn(self, number: str, refusal: Refused, move: Move, passage: "_Passage") -> None:
        """Find out where the ticket really is; raise the refusal where that does not explain it."""
        if refusal.status == CONFLICT and refusal.code == "before_previous_move":
            # This passage is behind it.
            passage.life += 1
        elif refusal.status == CONFLICT and refusal.state and refusal.state != passage.state:
            passage.state = State(refusal.state)
        elif refusal.code == "parts_open":
            await self._finish_parts(number, move)
        elif refusal.status in {NOT_FOUND, FORBIDDEN} and move.by_lead and passage.looks <= LOOKS:
            await self._wait(number, passage)
        else:
            raise refusal

    async def _finish_parts(self, number: str, move: Move) -> None:
        """Let those whom the rules have asked to help report what they did, at the moment the lead is done."""
        body = {"reason": HELPED, "occurred_at": move.at.isoformat()}
        for part in (await self._api.look(number))["parts"]:
            if part["finished_at"] is None:
                role = Role.COMMUNITY if part["unit"].startswith("juwei") else Role.UNIT
                one = {**body, "part": part["part"]}
                await self._api.act(number, "finish_part", one, role, part["unit"])

    async def _wait(self, number: str, passage: "_Passage") -> None:
        """Look where the ticket is, after a pause if this is not the first look."""
        if passage.looks:
            await asyncio.sleep(PAUSE)
        passage.looks += 1
        seen = await self._api.look(number)
        passage.state, passage.unit = State(seen["state"]), seen["lead_unit"] or passage.unit


class _Passage:
    """How far along its course a ticket is."""

    def __init__(self, ticket: Wanted, state: State) -> None:
        self._lives: tuple[Life, ...] = ticket.lives
        self.state = state
        self.unit = ticket.unit
        self.life = 0
        self.looks = 0

    @property
    def placing(self) -> bool:
        return self.life == 0 and self.state is State.SUBMITTED

    def next(self) -> Move | None:
        """Return the next move from here, in this life or a later one."""
        for life in range(self.life, len(self._lives)):
            move = self._lives[life].get(self.state)
            if move is not None:
                self.life = life
                return move
        return None
