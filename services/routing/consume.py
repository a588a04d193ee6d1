"""Routing's event doors: a submitted ticket is placed, a ledger written down, a reporter's petition decided."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

from services.routing import ledger
from services.routing.naming import Names
from services.routing.place import look_around, place
from services.routing.registry import Registries, Registry
from services.routing.transitions import SYSTEM, Door
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Problem
from shared.events import Event, LedgerRowsReceivedV1, PetitionFiledV1, TicketSubmittedV1
from shared.lifecycle import PETITIONS, Relation
from shared.outbox import Outbox
from shared.settings import Settings
from shared.terms import Role

_NEW = """
SELECT t.* FROM tickets t LEFT JOIN ticket_states s ON s.street_id = t.street_id AND s.ticket_id = t.id
WHERE t.street_id = $1 AND t.id = ANY($2::uuid[]) AND s.ticket_id IS NULL ORDER BY t.id"""
_PETITIONS = "SELECT * FROM petitions WHERE street_id = $1 AND id = ANY($2::uuid[]) ORDER BY id"


class Consumer:
    """What routing does about each event; all of it in the transaction it is handed."""

    def __init__(self, registries: Registries, outbox: Outbox, settings: Settings) -> None:
        self._registries = registries
        self._outbox = outbox
        self._settings = settings

    async def handle(self, tx: Transaction, happened: Sequence[Event]) -> None:
        """Act on events of any streets."""
        by_street: dict[int, list[Event]] = defaultdict(list)
        for event in happened:
            by_street[event.street_id].append(event)
        for street_id, events in sorted(by_street.items()):
            registry = await self._registries.of(street_id)
            submitted = [e.ticket_id for e in events if isinstance(e, TicketSubmittedV1)]
            if submitted:
                await self._place(tx, registry, submitted)
            for event in events:
                if isinstance(event, LedgerRowsReceivedV1):
                    registry = await self._write_down(tx, registry, event)
            petitions = [UUID(e.petition_id) for e in events if isinstance(e, PetitionFiledV1)]
            if petitions:
                await self._petitions(tx, registry, petitions)

    async def _write_down(self, tx: Transaction, registry: Registry, event: LedgerRowsReceivedV1) -> Registry:
        """Write down what a ledger's rows tell; return the registry with what they made necessary."""
        names = Names(registry)
        rows = await ledger.fetch(tx, registry.street_id, UUID(event.import_id), event.first, event.last)
        told = ledger.read(rows, names)
        if names.made:
            await ledger.make(tx, names.made, registry.street_id)
            registry = names.registry()
            tx.on_commit.append(partial(self._registries.learn, registry))
        door = self._door(tx, registry)
        await ledger.write_down(door, registry, told)
        await door.write(together=True)
        return registry

    def _door(self, tx: Transaction, registry: Registry) -> Door:
        return Door(tx, self._outbox, registry, reopen_window_days=self._settings.reopen_window_days)

    async def _place(self, tx: Transaction, registry: Registry, ticket_ids: list[UUID]) -> None:
        door = self._door(tx, registry)
        new = await tx.raw.fetch(_NEW, registry.street_id, ticket_ids)
        around = await look_around(tx, registry, new)
        for ticket in new:
            place(door, registry, ticket, around)
        await door.write()

    async def _petitions(self, tx: Transaction, registry: Registry, petition_ids: list[UUID]) -> None:
        door = self._door(tx, registry)
        rows = await tx.raw.fetch(_PETITIONS, registry.street_id, petition_ids)
        standings = await door.lock({row["ticket_id"] for row in rows})
        late = {row["ticket_id"] for row in rows} - standings.keys()
        if late:
            # The petition overtook its ticket: place the ticket first, its own event will find it done.
            new = await tx.raw.fetch(_NEW, registry.street_id, sorted(late))
            around = await look_around(tx, registry, new)
            for ticket in new:
                standings[ticket["id"]] = place(door, registry, ticket, around)
        for row in rows:
            _grant(door, standings[row["ticket_id"]], row, registry)
        await door.write()


def _grant(door: Door, standing: Any, petition: Any, registry: Registry) -> None:
    """Do what the reporter asks if the lifecycle allows it by now; else say so in the history."""
    reporter = Actor(petition["author_id"], Role.RESIDENT, frozenset({registry.street_id}))
    moment = max(petition["occurred_at"], standing.row["moved_at"])
    action, asked = PETITIONS[petition["action"]]
    answers = petition["answers"] or {}
    data = {**answers, "reason": petition["reason"] or None, "petition_id": str(petition["id"])}
    try:
        door.move(standing, action, reporter, moment, data, {Relation.REPORTER})
    except Problem as refusal:
        text = f"诉求人申请{asked},未能办理:{refusal.detail}"
        door.move(standing, "comment", SYSTEM, moment, {"reason": text, "petition_id": data["petition_id"]})
