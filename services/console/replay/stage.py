"""What every replay does: its street is there, its tickets are filed, each is carried along its course."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.progress import Progress

from services.console import owner
from services.console.demo.places import Blueprint
from services.console.demo.registry import ensure_street
from services.console.replay import crew
from services.console.replay.api import Api, connect
from services.console.replay.course import Wanted
from shared import settings
from shared.lifecycle import State


def install(street: Blueprint) -> None:
    """Make sure that the street is there."""
    owner.run(lambda opened: ensure_street(opened, street))


@contextmanager
def services(street: Blueprint) -> Iterator[Api]:
    """Open the services for calls about one street."""
    with connect(settings.load(), street.id, street.code) as api:
        yield api


class Stage:
    """The tickets of one case, found by the serial that opens their content."""

    def __init__(self, api: Api, case: str, wanted: Sequence[Wanted]) -> None:
        self.api = api
        self.case = case
        self.wanted = wanted
        self.numbers: dict[str, str] = {}
        self._states: dict[str, State] = {}
        self._mover = crew.Mover(api)

    async def find(self, first: str, last: str) -> None:
        """Look what an earlier run has filed among the tickets received from `first` to `last`."""
        serials = {ticket.serial for ticket in self.wanted}
        async for item in self.api.filed(first, last):
            serial = item["title"].partition("】")[0].removeprefix("【")
            if serial in serials:
                self.numbers[serial] = item["number"]
                self._states[serial] = State(item["state"])

    async def play(self, bar: Progress) -> None:
        """File what is missing and carry every ticket to its goal; RuntimeError names one that ends elsewhere."""
        behind = [t for t in self.wanted if self._states.get(t.serial) is not t.goal]
        await crew.in_turn(behind, self._file, self._carry, "登记和办理", bar)

    async def _file(self, ticket: Wanted) -> None:
        if ticket.serial not in self.numbers:
            key = "".join(c for c in f"{self.case}-{ticket.serial}" if c.isascii())
            self.numbers[ticket.serial] = await self.api.file(ticket.filing, key)

    async def _carry(self, ticket: Wanted) -> None:
        believed = self._states.get(ticket.serial)
        if believed is State.SUBMITTED and ticket.places_itself:
            believed = None  # listed before the worker had placed it
        number = self.numbers[ticket.serial]
        state = await self._mover.carry(number, ticket, believed)
        self._states[ticket.serial] = state
        if state is not ticket.goal:
            raise RuntimeError(f"工单 {number} 停在“{state.text}”,应为“{ticket.goal.text}”")

    async def again(self, ticket: Wanted) -> None:
        """Carry one ticket on although it has reached its goal: it has another life."""
        self._states[ticket.serial] = await self._mover.carry(
            self.numbers[ticket.serial], ticket, self._states[ticket.serial]
        )
