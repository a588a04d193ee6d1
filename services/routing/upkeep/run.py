"""The action of bringing lists into a street's registry: tried first, then all or nothing (or all that is good)."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import PurePath
from uuid import UUID

from uuid_utils.compat import uuid7

from services.routing import coverage
from services.routing.upkeep import geojson, read, store
from services.routing.upkeep.faults import Fault, Place
from services.routing.upkeep.geojson import Feature
from services.routing.upkeep.merge import Merge
from services.routing.upkeep.read import Read
from services.routing.upkeep.state import Action, Change, State, differences
from shared import clock
from shared.auth import Actor
from shared.db import Database
from shared.sheets.faults import NotATable
from shared.streets import Street
from shared.terms import Crs

_GEOJSON = frozenset({".json", ".geojson"})
_MAPPED = frozenset({"grids", "boundaries", "outlines"})


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was handed over; `kind` names the list of a CSV that is called otherwise."""

    name: str
    content: bytes
    kind: str | None = None


@dataclass(frozen=True, slots=True)
class Wishes:
    """How to bring files in: `crs` and `since` are of boundaries that do not say."""

    apply: bool = False
    keep_good: bool = False
    crs: Crs = Crs.GCJ02
    since: date | None = None


@dataclass(frozen=True)
class Report:
    """What an import would do, or did; counts are of rows, by list."""

    import_id: UUID
    applied: bool
    told: dict[str, int]
    changes: list[Change]
    faults: list[Fault]
    warnings: list[str] = field(default_factory=list)

    def count(self, kind: str, action: Action) -> int:
        """Return how many rows of a list were added, changed or ended."""
        return sum(change.kind.name == kind and change.action is action for change in self.changes)


async def bring(
    database: Database, street: Street, files: Sequence[File], wishes: Wishes, by: Actor | None
) -> Report:
    """Bring files in; `by` is None for the console."""
    lists, features, faults = await asyncio.to_thread(_opened, files, wishes.crs)
    today, import_id = clock.local_day(clock.now()), uuid7()
    async with database.transaction([street.id], read_only=not wishes.apply) as tx:
        if wishes.apply:
            await store.hold(tx, street.id)
        before = await store.load(tx, street, today)
        merge, changes, warnings = await asyncio.to_thread(_merged, before, lists, features, wishes.since)
        faults = [*faults, *merge.faults]
        applied = wishes.apply and (wishes.keep_good or not faults)
        if applied:
            await store.write(tx, street, changes, by, import_id)
    return Report(import_id, applied, merge.told, changes, faults, warnings)


def _opened(files: Iterable[File], crs: Crs) -> tuple[list[Read], list[Feature], list[Fault]]:
    lists: list[Read] = []
    areas: list[Feature] = []
    faults: list[Fault] = []
    for file in files:
        try:
            if PurePath(file.name).suffix.lower() in _GEOJSON:
                found, wrong = geojson.features(file.name, file.content, crs.value)
                areas += found
                faults += wrong
            else:
                lists += read.lists(file.name, file.content, file.kind)
        except NotATable as fault:
            faults.append(Fault(Place(file.name, "", 0), None, str(fault)))
    return lists, areas, faults


def _merged(
    before: State, lists: Sequence[Read], features: Sequence[Feature], since: date | None
) -> tuple[Merge, list[Change], list[str]]:
    merge = Merge(before)
    merge.take(lists)
    merge.draw(features, since)
    changes = list(differences(before, merge.state))
    mapped = any(change.kind.name in _MAPPED for change in changes)
    return merge, changes, [coverage.words(f) for f in _examined(merge.state)] if mapped else []


def _examined(state: State) -> list[coverage.Finding]:
    today = state.today
    return coverage.examine(
        {grid["code"]: grid["community_code"] for grid in state.on("grids", today)},
        {row["grid_code"]: row["polygons"] for row in state.on("boundaries", today)},
        {row["area_code"]: row["polygons"] for row in state.on("outlines", today)},
        state.street,
    )
