"""The action of counting: one question's sums, by what was known, with what is left out of the assessed population."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from services.metrics import known as knowledge, registry, sets as comparing, store
from services.metrics.cells import EXCLUDED
from services.metrics.known import Known
from services.metrics.splits import GROUP, PART_UNIT
from services.metrics.store import By, Key, Scope, Sets, Sums, Wanted
from shared.db import Transaction
from shared.tables import MEASURES

Part = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Counted:
    """Sums of a question: of all tickets, and of those left out of the assessed population by reason."""

    measures: Sequence[str]
    sums: Sums
    excluded: Mapping[str, Sums]
    pooled: Part  # each ticket once, even where a split counts it under several keys
    pooled_excluded: Mapping[str, Part] = field(default_factory=dict)

    def parts(self) -> list[Key]:
        """Return the keys of the parts, of all populations."""
        return sorted({*self.sums, *(key for sums in self.excluded.values() for key in sums)})

    def part(self, key: Key, *, assessed: bool) -> Part:
        """Return the sums of one part of the split."""
        whole = self.sums.get(key) or dict.fromkeys(self.measures, 0)
        return (
            less(whole, [sums[key] for sums in self.excluded.values() if key in sums]) if assessed else whole
        )

    def total(self, *, assessed: bool) -> Part:
        """Return the sums of the whole."""
        return less(self.pooled, self.pooled_excluded.values()) if assessed else self.pooled

    def left_out(self, key: Key | None) -> dict[str, Part]:
        """Return by reason what is left out of a part (of the whole, with None)."""
        if key is None:
            return dict(self.pooled_excluded)
        return {reason: sums[key] for reason, sums in self.excluded.items() if key in sums}


def less(whole: Part, taken: Any) -> Part:
    found = dict(whole)
    for part in taken:
        for measure, amount in part.items():
            found[measure] -= amount
    return found


class Count:
    """Counts for one scope: what was known, and what compares tickets with others, is worked out once."""

    def __init__(self, tx: Transaction, scope: Scope, known: Known, sets: Sets) -> None:
        self._tx, self.scope, self._known, self._sets = tx, scope, known, sets

    @classmethod
    async def of(cls, tx: Transaction, scope: Scope, measures: Sequence[str]) -> "Count":
        """Return what counts these measures in a scope."""
        known = await knowledge.known(tx, scope)
        return cls(tx, scope, known, await comparing.resolve(tx, scope, measures, known))

    async def split(self, by: By, measures: Sequence[str] = MEASURES) -> Counted:
        """Return the sums, split by `by`."""
        sums = _folded(await self._sums(self.scope, by, measures), by, self.scope)
        left_out = await self._sums(self.scope, by, measures, excluded=True)
        excluded: dict[str, Sums] = {}
        for (reason, *key), part in left_out.items():
            excluded.setdefault(reason, {})[tuple(key)] = part
        excluded = {reason: _folded(found, by, self.scope) for reason, found in excluded.items()}
        if PART_UNIT in by:
            undivided = await self.split((), measures)
            return Counted(measures, sums, excluded, undivided.pooled, undivided.pooled_excluded)
        return Counted(
            measures, sums, excluded, _pooled(sums, measures),
            {reason: _pooled(found, measures) for reason, found in excluded.items()},
        )  # fmt: skip

    async def _sums(self, scope: Scope, by: By, measures: Sequence[str], *, excluded: bool = False) -> Sums:
        ask = store.excluded_sums if excluded else store.sums
        sums = await ask(self._tx, scope, by, measures, self._sets)
        if self._known.touched:
            if excluded:
                scope, by = replace(scope, filters={**scope.filters, EXCLUDED: ""}), ("excluded", *by)
            among = store.Among(only=self._known.touched)
            now = await store.facts_sums(self._tx, scope, by, measures, self._sets, among)
            then = knowledge.sums(scope, by, measures, self._known.tickets, self._sets)
            sums = knowledge.add(knowledge.add(sums, now, -1), then)
        return sums

    async def tickets(self, wanted: Wanted) -> list[dict[str, Any]]:
        """Return the tickets wanted, in the order of receipt; one more than asked for if there are more."""
        among = store.Among(without=self._known.touched)
        rows = await store.tickets_behind(self._tx, self.scope, wanted, self._sets, among)
        rows += [row for row in self._then(wanted) if wanted.after is None or _place(row) > wanted.after]
        rows = sorted(rows, key=_place)[: wanted.limit + 1]
        numbers = await registry.numbers(self._tx, self.scope.street_ids, [row["ticket_id"] for row in rows])
        return [{**row, "number": numbers[row["ticket_id"]]} for row in rows]

    async def rows(self, by: By, columns: Sequence[str]) -> AsyncIterator[tuple[Key, tuple[Any, ...]]]:
        """Yield the key and some columns of every ticket of the scope, by what was known; groups folded."""
        among = store.Among(without=self._known.touched)
        fold = _folding(by, self.scope)
        async for key, values in store.stream(self._tx, self.scope, by, columns, among):
            yield fold(key), values
        for ticket, span in knowledge.chosen(self.scope, self._known.tickets):
            for key in knowledge.keys(self.scope, by, ticket, span):
                held = {"ticket_id": ticket.id, **span._asdict()}
                yield fold(key), tuple(held[name] for name in columns)

    def _then(self, wanted: Wanted) -> list[dict[str, Any]]:
        found = []
        for ticket, span in knowledge.chosen(self.scope, self._known.tickets):
            counts = any(knowledge.counts(m, ticket, span, self._sets) for m in wanted.measures)
            barred = any(knowledge.counts(m, ticket, span, self._sets) for m in wanted.without)
            if counts and not barred and not (wanted.assessed and span.excluded):
                found.append({"ticket_id": ticket.id, "street_id": ticket.street_id, **span._asdict()})
        return found


def _place(row: Mapping[str, Any]) -> tuple[Any, UUID]:
    return row["received_day"], row["ticket_id"]


def _pooled(sums: Sums, measures: Sequence[str]) -> dict[str, int]:
    return {m: sum(part[m] for part in sums.values()) for m in measures}


def _folded(sums: Sums, by: By, scope: Scope) -> Sums:
    """Return sums by category as sums by group, where a group was asked for."""
    if GROUP not in by:
        return sums
    fold = _folding(by, scope)
    found: Sums = {}
    for key, part in sums.items():
        held = found.setdefault(fold(key), dict.fromkeys(part, 0))
        for measure, amount in part.items():
            held[measure] += amount
    return found


def _folding(by: By, scope: Scope) -> Callable[[Key], Key]:
    """Return what turns a key by category into one by group, where a group was asked for."""
    if GROUP not in by:
        return lambda key: key
    at = by.index(GROUP)
    group_of = {code: name for name, codes in scope.groups.items() for code in codes}
    return lambda key: (*key[:at], group_of.get(key[at], ""), *key[at + 1 :])
