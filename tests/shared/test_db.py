"""One transaction at the edge: fenced, all or nothing, and honest about a database that is not there."""

import asyncio

import asyncpg
import pytest
from sqlalchemy import func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from uuid_utils.compat import uuid7

from shared import clock
from shared.db import MANY, TOGETHER, Database, fence, insert_sql, is_unavailable, values
from shared.errors import Problem, Unavailable
from shared.tables import audit_log, communities, units


@pytest.fixture
def database(processes):
    """Routing's pool."""
    return processes("routing").database


def entry(street, detail):
    return {
        "street_id": street.id, "id": uuid7(), "actor": "test", "action": "try", "detail": detail,
        "recorded_at": clock.now(),
    }  # fmt: skip


async def count(tx, table=audit_log):
    return (await tx.one(select(func.count().label("n")).select_from(table))).n


async def test_a_transaction_sees_the_streets_it_names_and_nothing_else(database, new_street):
    one, two = await new_street(), await new_street()
    for streets, seen in (((), 0), ((one.id,), 3), ((one.id, two.id), 6)):
        async with database.transaction(streets, read_only=True) as tx:
            assert await count(tx, communities) == seen
            assert len(await tx.raw.fetch("SELECT FROM communities")) == seen


async def test_the_fence_does_not_outlive_its_transaction(environment, street):
    one = Database(environment.owner_url(), pool_size=1)
    try:
        async with one.transaction([street.id]) as tx:
            assert await count(tx, communities) == 3
        async with one.transaction(()) as tx:
            assert await count(tx, communities) == 0
    finally:
        await one.close()


@pytest.mark.parametrize("bad", ["1; DROP TABLE tickets", "1'", "1,2", "", None, "一二"])
def test_a_fence_is_built_from_integers_only(bad):
    assert fence([3, 1]) == "SET LOCAL app.streets = '3,1'"
    assert fence([]) == "SET LOCAL app.streets = ''"
    with pytest.raises((ValueError, TypeError)):
        fence([bad])


async def test_an_exception_takes_everything_back(database, street):
    told = []
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the whole transaction fails
        async with database.transaction([street.id]) as tx:
            tx.on_commit.append(lambda: told.append("committed"))
            await tx.insert_many(audit_log, [entry(street, {})])
            raise ZeroDivisionError
    async with database.transaction([street.id]) as tx:
        assert await count(tx) == 0
    assert told == []


async def test_what_was_to_be_told_is_told_after_the_commit_and_in_order(database, street):
    told = []
    async with database.transaction([street.id]) as tx:
        tx.on_commit += [lambda: told.append(1), lambda: told.append(2)]
        await tx.insert_many(audit_log, [entry(street, {})])
        assert told == []
    assert told == [1, 2]


async def test_a_cancelled_transaction_leaves_its_connection_clean(environment, street):
    one = Database(environment.owner_url(), pool_size=1)
    inside = asyncio.Event()

    async def never_ends():
        async with one.transaction([street.id]) as tx:
            await tx.insert_many(audit_log, [entry(street, {})])
            inside.set()
            await asyncio.Event().wait()

    try:
        task = asyncio.create_task(never_ends())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with one.transaction([street.id]) as tx:
            assert await count(tx) == 0
    finally:
        await one.close()


async def test_many_rows_with_json_go_in_as_they_are(database, street):
    details = [{"诉求": "路灯“不亮”", "n": [1, None, {"deep": True}]}, [], {}, {"quote": "'\"\\"}]
    rows = [entry(street, detail) for detail in details]
    async with database.transaction([street.id]) as tx:
        await tx.insert_many(audit_log, [])
        await tx.insert_many(audit_log, rows)
    async with database.transaction([street.id], read_only=True) as tx:
        stored = {r.id: r.detail for r in await tx.rows(select(audit_log))}
        raw = {r["id"]: r["detail"] for r in await tx.raw.fetch("SELECT id, detail FROM audit_log")}
    assert stored == raw == {row["id"]: row["detail"] for row in rows}


def test_the_insert_names_its_columns_in_the_order_of_the_values():
    assert insert_sql(units, ("code", "name")) == "INSERT INTO units (code, name) VALUES ($1, $2)"
    rows = [{"actor": "a", "detail": None}, {"actor": "b", "detail": {"x": 1}}]
    assert values(audit_log, ("actor", "detail"), rows) == [("a", None), ("b", '{"x":1}')]


@pytest.mark.parametrize("many", [1, MANY - 1, MANY, MANY + TOGETHER // 2, 3 * MANY])
async def test_many_rows_go_in_whole_and_each_once(database, street, many):
    rows = [entry(street, {"n": n}) for n in range(many)]
    async with database.transaction([street.id]) as tx:
        await tx.insert_many(audit_log, rows)
        stored = await tx.rows(select(audit_log.c.id, audit_log.c.detail))
    assert sorted(r.detail["n"] for r in stored) == list(range(many))
    assert {r.id: r.detail for r in stored} == {r["id"]: r["detail"] for r in rows}


async def test_reading_does_not_write(database, street):
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with database.transaction([street.id], read_only=True) as tx:
            await tx.insert_many(audit_log, [entry(street, {})])


@pytest.mark.parametrize(
    "url", ["postgresql://x:y@127.0.0.1:1/none", "postgresql://x:y@no-such-host.invalid/none"]
)
async def test_a_server_that_is_not_there_is_unavailable(url):
    gone = Database(url)
    with pytest.raises(Unavailable) as told:
        async with gone.transaction(()):
            pass
    assert told.value.status == 503
    assert told.value.code == "database_unavailable"
    assert told.value.retry_after == 1
    await gone.close()


async def test_a_server_that_throws_us_out_is_unavailable_and_the_pool_recovers(processes, street):
    settings, tokens = processes("routing").settings, processes("routing").tokens
    url = settings.service_url("routing", tokens.keys.database_password("banjie_routing"))
    one = Database(url, pool_size=1)
    told = []
    with pytest.raises(Unavailable):  # noqa: PT012 - the whole transaction fails
        async with one.transaction([street.id]) as tx:
            tx.on_commit.append(lambda: told.append("never"))
            await tx.insert_many(audit_log, [entry(street, {})])
            async with processes("routing").database.transaction(()) as other:
                await other.raw.execute("SELECT pg_terminate_backend($1)", tx.raw.get_server_pid())
            await tx.raw.execute("SELECT 1")
    async with one.transaction([street.id]) as tx:
        assert await count(tx) == 0
    assert told == []
    await one.close()


async def test_a_statement_that_takes_too_long_is_unavailable(environment):
    hasty = Database(environment.owner_url(), pool_size=1, statement_timeout=0.05)
    with pytest.raises(Unavailable):
        async with hasty.transaction(()) as tx:
            await tx.raw.execute("SELECT pg_sleep(5)")
    await hasty.close()


async def test_our_own_mistakes_are_not_taken_for_an_absent_server(database, street):
    row = {"street_id": street.id, "code": "c1", "name": "又一个"}
    with pytest.raises(IntegrityError) as wrapped:
        async with database.transaction([street.id]) as tx:
            await tx.execute(insert(communities).values(**row))
    assert not is_unavailable(wrapped.value)
    with pytest.raises(asyncpg.UniqueViolationError) as raw:
        async with database.transaction([street.id]) as tx:
            await tx.insert_many(communities, [row])
    assert not is_unavailable(raw.value)
    for query, arguments in (
        ("SELECT $1::int", ["x"]),
        ("SELECT $1::int", [1, 2]),
        ("SELECT $1::int", [2**40]),
    ):
        with pytest.raises((asyncpg.InterfaceError, asyncpg.DataError)) as misused:
            async with database.transaction(()) as tx:
                await tx.raw.fetch(query, *arguments)
        assert not is_unavailable(misused.value)
    with pytest.raises(DBAPIError) as mistyped:
        async with database.transaction([street.id]) as tx:
            await tx.rows(select(audit_log).where(audit_log.c.recorded_at == text(":x").bindparams(x=3)))
    assert not is_unavailable(mistyped.value)
    assert not is_unavailable(ValueError())
    assert not is_unavailable(Problem("x"))
    assert is_unavailable(ConnectionResetError())
    # what asyncpg raises when the server's last word arrives in the middle of our next one
    assert is_unavailable(
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress")
    )
