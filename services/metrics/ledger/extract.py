"""The action of taking the ledger out: tickets read page by page, told in rows, with nobody named who may not be.

Each page is a transaction of its own. Whoever reads slowly holds no connection, and 100,000 rows need no more
memory than one page; a ticket's row is whole in itself, for all of it is read at one instant.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from services.metrics.ledger import store
from services.metrics.ledger.cells import Names
from services.metrics.ledger.entry import NOBODY, Reporter, entry
from services.metrics.ledger.store import Place, Selection, Told
from shared import keyring
from shared.db import Database, Transaction
from shared.keyring import mask_name, mask_phone
from shared.process import Process

PAGE = 500
REGISTRIES = ("category", "community", "unit")
_SEPARATORS = frozenset("、,,;;|/")  # between the units of one cell, as an import reads it


class Reporters:
    """Opens what is sealed of those who reported, masked; reads the keys again when it meets one it does not know."""

    def __init__(self, process: Process) -> None:
        self._path = process.settings.secrets_path
        self._keys = process.keys

    def of(self, ticket: Mapping[str, Any]) -> Reporter:
        """Return who reported a ticket; nobody where it was confidential or anonymous."""
        if ticket["private"] is None or ticket["confidential"] or ticket["anonymous"]:
            return NOBODY
        private = self._open(ticket["private"], ticket["id"].bytes)
        return Reporter(mask_name(private.get("name")), mask_phone(private.get("phone")))

    def _open(self, sealed: bytes, context: bytes) -> dict[str, Any]:
        try:
            return self._keys.open(sealed, context)
        except ValueError:
            self._keys = keyring.load(self._path)
            return self._keys.open(sealed, context)

    def row(self, told: Told) -> dict[str, Any]:
        """Return the ledger's row of a ticket."""
        who = self.of(told.ticket)
        return entry(told.ticket, told.moves, rating=told.rating, helpers=told.helpers, reporter=who)


async def one_page(database: Database, wanted: Selection, after: Place | None, size: int) -> list[Told]:
    """Return the `size` tickets wanted after a place in the ledger, all that is told of them read at one instant."""
    async with database.transaction(wanted.street_ids, read_only=True) as tx:
        await tx.raw.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        return await store.page(tx, wanted, after, size)


async def pages(database: Database, wanted: Selection, size: int = PAGE) -> AsyncIterator[list[Told]]:
    """Yield all tickets wanted, a page at a time."""
    after: Place | None = None
    while True:
        found = await one_page(database, wanted, after, size)
        if found:
            yield found
        if len(found) < size:
            return
        after = found[-1].place


async def names(tx: Transaction, street_ids: Sequence[int]) -> dict[int, Names]:
    """Return by street what its categories, communities and units are called.

    A name that others of its kind have too, that is another's code, or that looks like several would not lead
    back: its code stays.
    """
    known: dict[int, dict[str, dict[str, str]]] = defaultdict(dict)
    for kind in REGISTRIES:
        of_street: dict[int, dict[str, str]] = defaultdict(dict)
        for street_id, code, name in await store.registry(tx, street_ids, kind):
            of_street[street_id][code] = name
        for street_id, named in of_street.items():
            times = Counter(named.values())
            known[street_id][kind] = {
                code: name
                for code, name in named.items()
                if times[name] == 1 and name not in named and _SEPARATORS.isdisjoint(name)
            }
    return dict(known)
