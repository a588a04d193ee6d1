"""Nobody sees or moves a row of another street, even where a query forgets its WHERE (promise 5)."""

import asyncpg
import pytest

from shared.settings import SERVICES
from shared.tables import metadata
from tests.contracts.rows import attempt, expected, insert_statement, tenant_tables

SHARED_BY_ALL = {"streets", "calendar_days", "api_keys"}
TABLES = tenant_tables()
by_table = pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
by_service = pytest.mark.parametrize("service", SERVICES)


async def streets_seen(tx, table):
    return {r["street_id"] for r in await tx.raw.fetch(f"SELECT DISTINCT street_id FROM {table.name}")}


def test_every_table_is_a_streets_own_or_on_the_short_list():
    assert {t.name for t in metadata.tables.values() if not t.info["tenant"]} == SHARED_BY_ALL


@by_table
def test_the_street_comes_first_in_keys_references_and_indexes(table):
    assert next(iter(table.primary_key.columns)).name == "street_id"
    for constraint in table.foreign_key_constraints:
        assert constraint.column_keys[0] == "street_id", constraint.name
    for index in table.indexes:
        assert next(iter(index.columns)).name == "street_id", index.name


async def test_row_security_is_enabled_and_forced_with_a_policy_for_every_command(owner):
    async with owner.transaction((), read_only=True) as tx:
        rows = await tx.raw.fetch(
            """SELECT relname, relrowsecurity AND relforcerowsecurity AS forced,
                 (SELECT array_agg(DISTINCT polcmd::text) FROM pg_policy WHERE polrelid = c.oid) AS commands,
                 (SELECT bool_and(
                    (coalesce(pg_get_expr(polqual, polrelid), '')
                       || coalesce(pg_get_expr(polwithcheck, polrelid), '')) LIKE '%app.streets%')
                  FROM pg_policy WHERE polrelid = c.oid) AS fenced
               FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"""
        )
    found = {r["relname"]: r for r in rows}
    for table in TABLES:
        assert found[table.name]["forced"], table.name
        assert found[table.name]["fenced"], table.name
        assert set(found[table.name]["commands"]) >= {"*"}, table.name
    unfenced = {name for name, r in found.items() if not r["forced"]}
    assert unfenced == SHARED_BY_ALL | {"alembic_version"}


async def test_even_the_owner_is_fenced(owner, neighbours):
    for table in TABLES:
        async with owner.transaction((), read_only=True) as tx:
            assert await streets_seen(tx, table) == set(), table.name


@by_service
@by_table
async def test_a_session_sees_its_own_streets_and_no_other(processes, neighbours, service, table):
    database = processes(service).database
    async with database.engine.connect() as bare:
        count = await bare.exec_driver_sql(f"SELECT count(*) FROM {table.name}")
        assert count.scalar_one() == 0
    for fence in ((), (neighbours.other,), (neighbours.mine,), (neighbours.mine, neighbours.other)):
        async with database.transaction(fence, read_only=True) as tx:
            assert await streets_seen(tx, table) == set(fence)


@by_service
@by_table
async def test_a_row_of_another_street_cannot_be_written(processes, neighbours, service, table):
    database = processes(service).database
    sql, values = insert_statement(table, neighbours.rows[table.name])
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await attempt(database, neighbours.other, sql, *values)
    writes = expected(table, service)
    where = f"WHERE street_id = {neighbours.mine}"
    if "UPDATE" in writes:
        change = f"UPDATE {table.name} SET street_id = street_id {where}"
        assert await attempt(database, neighbours.other, change) == 0
    if "DELETE" in writes:
        assert await attempt(database, neighbours.other, f"DELETE FROM {table.name} {where}") == 0


@by_table
async def test_the_writer_of_a_table_cannot_push_a_row_over_the_fence(processes, neighbours, table):
    for service in SERVICES:
        if "UPDATE" not in expected(table, service):
            continue
        if table.name == "deliveries" and neighbours.rows["deliveries"]["consumer"] != service:
            continue  # another consumer's rows are out of its reach
        push = f"UPDATE {table.name} SET street_id = $1 WHERE street_id = $2"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await attempt(
                processes(service).database, neighbours.other, push, neighbours.mine, neighbours.other
            )
