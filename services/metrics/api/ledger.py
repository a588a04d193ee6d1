"""The door to the ledger: its rows as JSON pages, or the whole selection as a CSV or Excel file."""

from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field, PlainSerializer, create_model

from services.metrics.api.ask import Streets, streets_of
from services.metrics.ledger import store
from services.metrics.ledger.cells import Headers
from services.metrics.ledger.columns import BETWEEN_UNITS, COLUMNS, Column
from services.metrics.ledger.extract import Reporters, one_page
from services.metrics.ledger.files import chunks
from services.metrics.ledger.send import csv_chunks, xlsx_file
from services.metrics.ledger.store import Selection
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import invalid
from shared.lifecycle import State
from shared.terms import STREET_WIDE, Channel, Kind, Scope, Term
from shared.web.access import only, process_of
from shared.web.fields import Answer, Day
from shared.web.paging import Cursor, Limit, Page, decode, instant, page
from shared.web.problems import documented

router = APIRouter(tags=["台账"])
Reader = Annotated[Actor, Depends(only(*STREET_WIDE, scope=Scope.LEDGER_READ))]
Filter = Annotated[
    str | None, Query(max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", description="代码或名称")
]
Format = Literal["json", "csv", "xlsx"]
_MEDIA = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_VOCABULARIES: dict[str, type[Term]] = {"state": State, "channel": Channel, "kind": Kind}
# To the microsecond: what is taken out can be put in again.
Exact = Annotated[
    datetime, PlainSerializer(lambda moment: clock.to_local(moment).isoformat(), return_type=str)
]
_TYPES: dict[str, Any] = {"text": str, "instant": Exact, "flag": bool, "count": int}


def _typed(column: Column) -> Any:
    words = ",".join(f"{code}({text})" for code, text in column.words.items())
    return _TYPES[column.holds] | None, Field(
        description=f"{column.header}:{words}" if words else column.header
    )


_fields: dict[str, Any] = {name: _typed(column) for name, column in COLUMNS.items()}
LedgerRow = create_model(
    "LedgerRow", __base__=Answer, __doc__="One ticket, its whole history in a row.", **_fields
)


async def asked(
    request: Request,
    actor: Reader,
    street: Streets = None,
    first: Annotated[Day | None, Query(alias="from", description="登记首日(含),不填则不限")] = None,
    last: Annotated[Day | None, Query(alias="to", description="登记末日(含),不填则不限")] = None,
    state: Filter = None,
    channel: Filter = None,
    kind: Filter = None,
    category: Filter = None,
    community: Filter = None,
    grid: Filter = None,
    unit: Filter = None,
    *,
    overdue: Annotated[bool, Query(description="只看此刻已过时限仍未终结的(含挂账中的)")] = False,
) -> Selection:
    """Return which tickets are asked for; raises Invalid for what cannot be meant, Forbidden for foreign streets."""
    if first is not None and last is not None and first > last:
        raise invalid("from", "登记首日不能晚于末日")
    streets = tuple(s.id for s in await streets_of(request, actor, street))
    given = {
        "state": state, "channel": channel, "kind": kind, "category": category, "community": community,
        "grid": grid, "unit": unit,
    }  # fmt: skip
    async with process_of(request).database.transaction(streets, read_only=True) as tx:
        admitted = {
            name: await _admitted(tx, streets, name, wanted)
            for name, wanted in given.items()
            if wanted is not None
        }
    return Selection(streets, first, last, admitted, clock.now() if overdue else None)


async def _admitted(tx: Transaction, streets: tuple[int, ...], name: str, wanted: str) -> list[str]:
    """Return the codes that a filter's words can stand for: the code itself, and what bears the name."""
    vocabulary = _VOCABULARIES.get(name)
    if vocabulary is None:
        rows = await store.registry(tx, streets, name)
        return sorted({wanted, *(code for _, code, title in rows if title == wanted)})
    codes = [term.value for term in vocabulary if wanted in {term.value, term.text}]
    if not codes and wanted:
        raise invalid(name, f"可选值:{'、'.join(f'{t.value}({t.text})' for t in vocabulary)}")
    return codes or [""]


Question = Annotated[Selection, Depends(asked)]
_FILES: Mapping[int | str, dict[str, Any]] = {
    200: {
        "description": "台账:json 为一页,csv 和 xlsx 为全部",
        "content": {
            "text/csv": {"schema": {"type": "string"}},
            _MEDIA["xlsx"]: {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get(
    "/ledger",
    summary="台账:每张工单一行,全部经过都在其中",
    response_model=Page[LedgerRow],
    responses={**_FILES, **documented(400, 401, 403, 422, 503)},
)
async def ledger(
    request: Request,
    wanted: Question,
    how: Annotated[Format, Query(alias="format", description="json 分页,csv、xlsx 一次取全部")] = "json",
    headers: Annotated[Headers, Query(description="csv、xlsx 的表头和取值用中文(zh)还是代码(en)")] = "zh",
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Any:
    process = process_of(request)
    if how == "csv":
        body = csv_chunks(process, wanted, headers)
        return _file(_from(await anext(body), body), how)
    if how == "xlsx":
        file = await xlsx_file(process, wanted, headers)
        return _file(chunks(file), how, file.seek(0, 2))
    place = decode(cursor, int, instant, UUID)
    after = (place[0], place[1], place[2]) if place else None
    told = await one_page(process.database, wanted, after, limit + 1)
    reporters = Reporters(process)
    return page(told, limit, lambda t: t.place, lambda t: _row(reporters.row(t)))


def _row(row: dict[str, Any]) -> dict[str, Any]:
    helpers = row["co_units"]
    return {**row, "co_units": BETWEEN_UNITS.join(helpers) if helpers else None}


async def _from(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for chunk in rest:
        yield chunk


def _file(body: Any, suffix: str, size: int | None = None) -> Response:
    """Return a file to be kept under a name with the day in it."""
    day: date = clock.local_day(clock.now())
    name = quote(f"台账{day:%Y%m%d}.{suffix}")
    headers = {
        "Content-Disposition": f"attachment; filename=\"ledger-{day:%Y%m%d}.{suffix}\"; filename*=UTF-8''{name}"
    }
    if size is not None:
        headers["Content-Length"] = str(size)
    return StreamingResponse(body, media_type=_MEDIA[suffix], headers=headers)
