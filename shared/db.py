"""The database's door: one transaction at the edge, fenced to the streets it was opened for.

    async with database.transaction([street_id]) as tx:
        await tx.execute(insert(tickets), rows)      # SQLAlchemy Core
        await tx.insert_many(events, rows)           # the hot path: asyncpg, pipelined

Application code never commits: leaving the block does, an exception rolls back. `BEGIN` and
`SET LOCAL app.streets` travel in one round trip; a transaction that names no street sees no row.
(`set_config(…)` instead of `SET LOCAL` does not reach the shards of Citus: measured, design 10.)
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain
from typing import Any, cast

import asyncpg
import orjson
from sqlalchemy import CursorResult, Executable, Row, Table
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.errors import Unavailable

Rows = Sequence[Mapping[str, Any]]
# Raised when the server is away, restarting or has thrown us out: worth another try.
_AWAY = (
    asyncpg.PostgresConnectionError,
    asyncpg.InternalClientError,  # the server's farewell met our next statement on its way
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.InsufficientResourcesError,
    OSError,
    TimeoutError,
)


def is_unavailable(error: BaseException) -> bool:
    """Return whether `error` says that the database could not be reached, rather than that we erred."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _caused_by_absence(error)
    return isinstance(error, PoolTimeout) or _is_absence(error)


def _is_absence(error: BaseException) -> bool:
    # An InterfaceError tells of a closed connection, or that we misuse the driver: that would never end.
    if isinstance(error, asyncpg.InterfaceError):
        return "closed" in str(error)
    return isinstance(error, _AWAY)


def _caused_by_absence(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if _is_absence(cause):
            return True
        cause = cause.__cause__
    return False


class Transaction:
    """What code inside the block may do. `on_commit` runs after the commit, in order, and must not raise."""

    def __init__(self, connection: AsyncConnection, raw: asyncpg.Connection) -> None:
        self._connection = connection
        self.raw = raw
        self.on_commit: list[Callable[[], None]] = []

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[Any]:
        """Run a SQLAlchemy statement."""
        return cast("CursorResult[Any]", await self._connection.execute(statement, parameters))

    async def rows(self, statement: Executable, parameters: Any = None) -> Sequence[Row[Any]]:
        """Run a SQLAlchemy query; return all its rows."""
        return (await self._connection.execute(statement, parameters)).all()

    async def one(self, statement: Executable, parameters: Any = None) -> Row[Any] | None:
        """Run a SQLAlchemy query; return its only row, or None."""
        return (await self._connection.execute(statement, parameters)).one_or_none()

    async def insert_many(self, table: Table, rows: Rows) -> None:
        """Insert rows that all have the same columns, pipelined in one round trip (in two, where they are many)."""
        if not rows:
            return
        columns = tuple(rows[0])
        ready = values(table, columns, rows)
        whole = len(ready) // TOGETHER * TOGETHER if len(ready) >= MANY else 0
        if whole:
            several = [tuple(chain.from_iterable(ready[n : n + TOGETHER])) for n in range(0, whole, TOGETHER)]
            await self.raw.executemany(insert_sql(table, columns, TOGETHER), several)
        if whole < len(ready):
            await self.raw.executemany(insert_sql(table, columns), ready[whole:])


# A statement for several rows costs a quarter less than one for each; it pays from some hundred rows on.
TOGETHER, MANY = 20, 100


@lru_cache(maxsize=256)
def insert_sql(table: Table, columns: tuple[str, ...], rows: int = 1) -> str:
    """Return the INSERT of `columns` with $1, $2, … in their order; names come from our own metadata."""
    width = len(columns)
    marks = (", ".join(f"${n}" for n in range(row * width + 1, (row + 1) * width + 1)) for row in range(rows))
    return f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({'), ('.join(marks)})"  # noqa: S608


@lru_cache(maxsize=256)
def _documents(table: Table, columns: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name for name in columns if isinstance(table.c[name].type, JSONB))


def values(table: Table, columns: tuple[str, ...], rows: Rows) -> list[tuple[Any, ...]]:
    """Return the rows as asyncpg wants them: JSON as text, in the order of `columns`."""
    documents = _documents(table, columns)
    if not documents:
        return [tuple(row.values()) for row in rows]
    return [
        tuple(orjson.dumps(v).decode() if k in documents and v is not None else v for k, v in row.items())
        for row in rows
    ]


def fence(streets: Iterable[int]) -> str:
    """Return the SET LOCAL that fences a transaction; built from integers only."""
    return f"SET LOCAL app.streets = '{','.join(str(int(s)) for s in streets)}'"


class Database:
    """A service's pool of connections under its own role."""

    def __init__(
        self, url: str, *, pool_size: int = 8, statement_timeout: float = 15.0, durable: bool = True
    ) -> None:
        """Open nothing yet; `durable` False lets commits return before they are on disk (see `Process.build`)."""
        self.engine: AsyncEngine = create_async_engine(
            url.replace("postgresql://", "postgresql+asyncpg://", 1),
            isolation_level="AUTOCOMMIT",  # this class begins and commits by itself, in fewer round trips
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            json_serializer=lambda value: orjson.dumps(value).decode(),
            json_deserializer=orjson.loads,
            connect_args={
                "timeout": 5,
                "server_settings": {
                    "statement_timeout": str(int(statement_timeout * 1000)),
                    "jit": "off",
                    "synchronous_commit": "on" if durable else "off",
                },
            },
        )

    @asynccontextmanager
    async def transaction(
        self, streets: Iterable[int], *, read_only: bool = False
    ) -> AsyncIterator[Transaction]:
        """Open a transaction that sees and writes the rows of `streets` only.

        Raises Unavailable when the database cannot be reached.
        """
        begin = f"BEGIN{' READ ONLY' if read_only else ''}; {fence(streets)}"
        try:
            async with self.engine.connect() as connection:
                tx = Transaction(connection, await _driver(connection))
                try:
                    await tx.raw.execute(begin)
                    yield tx
                    await tx.raw.execute("COMMIT")
                except BaseException:
                    await _roll_back(connection, tx.raw)
                    raise
        except Exception as error:
            if is_unavailable(error):
                raise Unavailable("数据库暂时不可用,请稍后重试", code="database_unavailable") from error
            raise
        for callback in tx.on_commit:
            callback()

    async def close(self) -> None:
        await self.engine.dispose()


async def _driver(connection: AsyncConnection) -> asyncpg.Connection:
    adapter = await connection.get_raw_connection()
    return adapter.driver_connection


async def _roll_back(connection: AsyncConnection, raw: asyncpg.Connection) -> None:
    """Leave no transaction open on a pooled connection; throw the connection away if that cannot be told."""
    try:
        if raw.is_closed():
            await connection.invalidate()
        else:
            await raw.execute("ROLLBACK")
    except Exception:  # noqa: BLE001 - whatever happened, this connection is not to be trusted again
        await connection.invalidate()
