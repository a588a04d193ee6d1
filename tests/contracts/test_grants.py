"""One writer for each table: the database itself refuses all others."""

import asyncpg
import pytest

from shared.settings import SERVICES
from shared.tables import metadata
from tests.contracts.rows import attempt, expected, insert_statement

OWNERS = {*SERVICES, "all", "console"}
TABLES = list(metadata.sorted_tables)
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
by_table = pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
by_service = pytest.mark.parametrize("service", SERVICES)


@by_table
def test_every_table_is_marked(table):
    assert table.info["owner"] in OWNERS
    assert isinstance(table.info["append_only"], bool)


def test_what_was_reported_and_what_happened_is_append_only():
    promised = {"tickets", "transitions", "events", "audit_log"}
    assert {t.name for t in TABLES if t.info["append_only"]} >= promised


async def test_the_database_grants_what_the_tables_say(owner):
    async with owner.transaction((), read_only=True) as tx:
        rows = await tx.raw.fetch(
            """SELECT t.name, s.service, p.privilege,
                 has_table_privilege('banjie_' || s.service, t.name, p.privilege) AS whole,
                 p.privilege = ANY('{SELECT,INSERT,UPDATE,REFERENCES}')
                   AND has_any_column_privilege('banjie_' || s.service, t.name, p.privilege) AS some_column
               FROM unnest($1::text[]) t(name), unnest($2::text[]) s(service), unnest($3::text[]) p(privilege)""",
            [t.name for t in TABLES], list(SERVICES), list(PRIVILEGES),
        )  # fmt: skip
        listed = await tx.raw.fetch(
            """SELECT DISTINCT table_name, grantee FROM information_schema.role_table_grants
               WHERE table_schema = 'public' AND grantee <> current_user"""
        )
        present = await tx.raw.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    granted = {(t.name, s): set() for t in TABLES for s in SERVICES}
    for row in rows:
        if row["whole"] or row["some_column"]:
            granted[row["name"], row["service"]].add(row["privilege"])
    assert granted == {(t.name, s): expected(t, s) for t in TABLES for s in SERVICES}
    assert {r["grantee"] for r in listed} == {f"banjie_{s}" for s in SERVICES}
    assert {r["tablename"] for r in present} == {t.name for t in TABLES} | {"alembic_version"}


@by_service
async def test_the_roles_own_nothing_and_cannot_step_around_row_security(owner, service):
    role = f"banjie_{service}"
    async with owner.transaction((), read_only=True) as tx:
        row = await tx.raw.fetchrow(
            """SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb AS strong,
                 EXISTS (SELECT FROM pg_class WHERE relowner = r.oid) AS owns,
                 EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS member,
                 has_table_privilege(rolname, 'alembic_version', 'INSERT, UPDATE, DELETE') AS migrates,
                 has_schema_privilege(rolname, 'public', 'CREATE') AS creates
               FROM pg_roles r WHERE rolname = $1""",
            role,
        )
    assert dict(row) == dict.fromkeys(("strong", "owns", "member", "migrates", "creates"), False)


@by_service
@by_table
async def test_a_write_that_is_not_granted_is_refused(processes, neighbours, service, table):
    column = next(iter(table.primary_key.columns)).name
    tried = {
        "INSERT": f"INSERT INTO {table.name} DEFAULT VALUES",
        "UPDATE": f"UPDATE {table.name} SET {column} = {column}",
        "DELETE": f"DELETE FROM {table.name}",
        "TRUNCATE": f"TRUNCATE {table.name}",
    }
    for privilege in tried.keys() - expected(table, service):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await attempt(processes(service).database, neighbours.mine, tried[privilege])


@by_service
@by_table
async def test_a_write_that_is_granted_goes_through(processes, neighbours, service, table):
    database, granted = processes(service).database, expected(table, service)
    if "INSERT" in granted:
        sql, values = insert_statement(table, neighbours.rows[table.name])
        with pytest.raises(
            asyncpg.UniqueViolationError
        ):  # the very row is there already: nothing else is wrong
            await attempt(database, neighbours.mine, sql, *values)
    if "UPDATE" in granted:
        await attempt(database, neighbours.mine, f"UPDATE {table.name} SET street_id = street_id")


@by_service
async def test_a_delivery_is_taken_and_changed_by_its_own_consumer_alone(processes, neighbours, service):
    mine = 1 if neighbours.rows["deliveries"]["consumer"] == service else 0
    for statement in ("UPDATE deliveries SET offers = offers + 1", "DELETE FROM deliveries"):
        assert await attempt(processes(service).database, neighbours.mine, statement) == mine


async def test_a_delivery_cannot_be_passed_on_to_another_consumer(processes, neighbours):
    consumer = neighbours.rows["deliveries"]["consumer"]
    other = next(s for s in SERVICES if s != consumer)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await attempt(
            processes(consumer).database, neighbours.mine, "UPDATE deliveries SET consumer = $1", other
        )
