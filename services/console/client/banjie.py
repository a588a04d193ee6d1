"""The house as a script sees it. What each question means stands in the services' /openapi.json.

Common to all questions: `since` and `until` are local days, both inclusive; `as_of` is an instant whose state counts,
`known_at` one after which nothing recorded counts. Filters are codes or names: channel, kind, category, community,
grid, unit …; for rates also `period="2026-11"` instead of days, `least`, `digits`, `basis`.
"""

import os
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

import httpx

from services.console.client.answers import (
    Counts,
    Evidence,
    Funnel,
    ImportResult,
    LedgerRow,
    Ranking,
    RateAnswer,
    RateEntry,
)
from services.console.client.calls import TIMEOUT, Addresses, BanjieError, Calls, Query, Value

Population = Literal["all", "assessed"]
Side = Literal["numerator", "denominator", "gap"]
Format = Literal["csv", "xlsx"]
By = str | tuple[str, str] | None
POLL = 1.0  # seconds between two looks at an import


class Banjie:
    """A script's view of one street, or of all the streets of its key. Every method raises BanjieError."""

    def __init__(
        self,
        api_key: str,
        *,
        street: str | None = None,
        addresses: Addresses | str | None = None,
        timeout: float = TIMEOUT,
        pause: Callable[[float], object] = time.sleep,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`addresses` is a gateway's URL, or where the services listen; without it, on this machine."""
        where = Addresses.behind(addresses) if isinstance(addresses, str) else addresses or Addresses()
        self._street = street
        self._calls = Calls(where, api_key, timeout=timeout, pause=pause, transport=transport)

    @classmethod
    def from_environment(cls, street: str | None = None) -> Self:
        """Return a client of BANJIE_API_KEY, at BANJIE_URL or at the services' own host and ports."""
        key = os.environ.get("BANJIE_API_KEY")
        if not key:
            raise BanjieError(0, "no_key", "请把密钥放进环境变量 BANJIE_API_KEY")
        return cls(key, street=street, addresses=Addresses.from_environment())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._calls.close()

    def _query(self, since: date | None, until: date | None, more: Query) -> dict[str, Value]:
        return {"street": self._street, "from": since, "to": until, **more}

    def catalogue(self) -> list[RateEntry]:
        """Return every rate with its variants, in words."""
        return [RateEntry.of(entry) for entry in self._calls.get("metrics", "/rates", {})]

    def rate(
        self,
        name: str,
        *,
        variant: str | None = None,
        by: By = None,
        since: date | None = None,
        until: date | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        population: Population | None = None,
        **filters: Value,
    ) -> RateAnswer:
        """Return a rate; `by` splits it into rows, by one dimension or by two crossed."""
        query = self._query(since, until, filters) | {
            "variant": variant, "by": by, "as_of": as_of, "known_at": known_at, "population": population,
        }  # fmt: skip
        return RateAnswer.of(self._calls.get("metrics", f"/rates/{name}", query))

    def evidence(
        self,
        name: str,
        side: Side,
        *,
        variant: str | None = None,
        since: date | None = None,
        until: date | None = None,
        **filters: Value,
    ) -> Iterator[Evidence]:
        """Yield the tickets behind a rate; `gap`: those of the denominator that the numerator has not."""
        query = self._query(since, until, filters) | {"variant": variant, "side": side}
        for item in self._calls.pages("metrics", f"/rates/{name}/evidence", query):
            yield Evidence.of(item)

    def rankings(
        self,
        name: str,
        *,
        by: str = "unit",
        variant: str | None = None,
        since: date | None = None,
        until: date | None = None,
        order: Literal["desc", "asc"] = "desc",
        least: int | None = None,
        **filters: Value,
    ) -> Ranking:
        """Return a ranking; what has fewer than `least` tickets is not ranked. `asc` puts the lowest first."""
        query = self._query(since, until, filters)
        query |= {"rate": name, "variant": variant, "by": by, "order": order, "least": least}
        return Ranking.of(self._calls.get("metrics", "/rankings", query))

    def counts(
        self, *, by: By = None, since: date | None = None, until: date | None = None, **filters: Value
    ) -> Counts:
        """Return how many were received, accepted, closed …"""
        return Counts.of(
            self._calls.get("metrics", "/counts", self._query(since, until, filters) | {"by": by})
        )

    def funnel(self, *, since: date | None = None, until: date | None = None, **filters: Value) -> Funnel:
        """Return how many topics became issues, projects, and were closed."""
        return Funnel.of(self._calls.get("metrics", "/funnel", self._query(since, until, filters)))

    def ledger(
        self, *, since: date | None = None, until: date | None = None, **filters: Value
    ) -> Iterator[LedgerRow]:
        """Yield the tickets received in a window, oldest first, each with its whole history; `overdue=True`: late now."""
        for item in self._calls.pages("metrics", "/ledger", self._query(since, until, filters)):
            yield LedgerRow.of(item)

    def download_ledger(
        self,
        path: "str | os.PathLike[str]",
        format: Format | None = None,  # noqa: A002 - the word of the API
        *,
        since: date | None = None,
        until: date | None = None,
        **filters: Value,
    ) -> Path:
        """Save the whole ledger as a file, by default of the kind its name ends in; `headers="en"`: codes."""
        target = Path(path)
        kind = format or target.suffix.lstrip(".").lower()
        self._calls.save("metrics", "/ledger", self._query(since, until, filters) | {"format": kind}, target)
        return target

    def import_ledger(
        self, path: "str | os.PathLike[str]", *, street: str | None = None, patience: float = 3600.0
    ) -> ImportResult:
        """Send a ledger in, and wait until it is taken in; `state` is still "running" after `patience` seconds."""
        into = street or self._street
        if into is None:
            raise BanjieError(0, "street_required", "请写明导入到哪个街道")
        begun = self._calls.upload("intake", "/imports", Path(path), {"street": into}, str(uuid4()))
        deadline = time.monotonic() + patience
        while True:
            result = ImportResult.of(self._calls.get("intake", f"/imports/{begun['id']}", {}))
            if result.state != "running" or time.monotonic() > deadline:
                return result
            self._calls.pause(POLL)
