"""The tables of the code and those of the database are the same, and an empty database gets there."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import insert, update
from sqlalchemy.exc import IntegrityError

from shared import clock
from shared.lifecycle import FINAL, OPEN, State
from shared.tables import metadata, ticket_states
from shared.tables.policies import SERVICE_ROLES
from shared.web import app
from tests.contracts.rows import attempt, make_row
from tests.fixtures.servers import ROOT, at_database

VERSIONS = ROOT / "migrations" / "versions"


def config(url="postgresql://nowhere"):
    settings = Config(str(ROOT / "migrations" / "alembic.ini"))
    settings.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return settings


def alembic(what, url, *arguments):
    """Run an alembic command in a thread: migrations/env.py has a loop of its own."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(what, config(url), *arguments).result()


def test_the_history_is_one_line_of_numbered_files():
    script = ScriptDirectory.from_config(config())
    numbers = [r.revision for r in reversed(list(script.walk_revisions()))]
    assert script.get_heads() == [numbers[-1]]
    assert numbers == [f"{n:04d}" for n in range(1, len(numbers) + 1)]
    assert sorted(p.name[:5] for p in VERSIONS.glob("[!_]*.py")) == [f"{number}_" for number in numbers]


def test_the_services_wait_for_the_head():
    assert ScriptDirectory.from_config(config()).get_current_head() == app.MIGRATION


def test_the_models_are_what_the_migrations_make(environment):
    alembic(command.check, environment.owner_url())


async def test_an_empty_database_is_brought_up_by_an_owner_who_is_no_superuser(ground):
    name = f"banjie_test_{secrets.token_hex(6)}"
    admin, owner = await asyncpg.connect(ground.admin_url), await asyncpg.connect(ground.owner_url)
    role = await owner.fetchrow(
        "SELECT current_user AS name, rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    await owner.close()
    try:
        await admin.execute(f"CREATE DATABASE {name} OWNER {role['name']}")
        url = at_database(ground.owner_url, name)
        alembic(command.upgrade, url, "head")
        alembic(command.upgrade, url, "head")  # once more changes nothing
        database = await asyncpg.connect(url)
        tables = await database.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        version = await database.fetchval("SELECT version_num FROM alembic_version")
        roles = await database.fetchval(
            "SELECT count(*) FROM pg_roles WHERE rolname = ANY($1)", SERVICE_ROLES
        )
        await database.close()
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()
    assert {t["tablename"] for t in tables} == {*metadata.tables, "alembic_version"}
    assert version == app.MIGRATION
    assert roles == len(SERVICE_ROLES)
    if ground.admin_url != ground.owner_url:
        assert not role["rolsuper"]


# Two matters closed under 0008: of one the reporter reads the outcome in the mini-program, the other left a telephone.
_OLD_CLOSINGS = """
SET app.streets = '7';
INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES (7, '900000007', '旧街道', '旧区', 'OLD', now());
INSERT INTO tickets (street_id, id, number, channel, content, anonymous, confidential, reporter_id, phone_index, entered_by,
  entered_role, occurred_at, recorded_at, late)
SELECT 7, ('00000000-0000-0000-0000-00000000000' || n)::uuid, 'OLD-' || n, 'hotline', '旧事', false, false,
  CASE n WHEN 1 THEN '00000000-0000-0000-0000-00000000000a'::uuid END, CASE n WHEN 2 THEN decode('01', 'hex') END,
  '00000000-0000-0000-0000-00000000000b', 'clerk', now(), now(), false FROM generate_series(1, 2) n;
INSERT INTO ticket_states (street_id, ticket_id, number, state, version, channel, kind, category_code, mode, level,
  due_provisional, resolve_limit, received_at, moved_at, closed_at, supervised, return_count, urge_count, why)
SELECT 7, id, number, 'closed', 1, channel, 'help', '0101', 'quick', 'street', false, '3wd', occurred_at, occurred_at,
  occurred_at, false, 0, 0, '[]' FROM tickets;
RESET app.streets"""


async def test_what_was_closed_before_answers_were_noted_is_told_where_it_can_be_read(ground):
    name = f"banjie_test_{secrets.token_hex(6)}"
    url, admin = at_database(ground.owner_url, name), await asyncpg.connect(ground.admin_url)
    owner = await asyncpg.connect(ground.owner_url)
    role = await owner.fetchval("SELECT current_user")
    await owner.close()
    try:
        await admin.execute(f"CREATE DATABASE {name} OWNER {role}")
        alembic(command.upgrade, url, "0008")
        database = await asyncpg.connect(url)
        await database.execute(_OLD_CLOSINGS)
        alembic(command.upgrade, url, "head")
        await database.execute("SET app.streets = '7'")
        found = await database.fetch(
            "SELECT number, answered_at = closed_at AS told FROM ticket_states ORDER BY number"
        )
        await database.close()
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()
    assert [(row["number"], row["told"]) for row in found] == [("OLD-1", True), ("OLD-2", None)]


# A street as 0003 knew it: a grid with its polygon, a worker of that grid, and one who has left.
_OLD_STREET = """
SET app.streets = '7';
INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES (7, '900000007', '旧街道', '旧区', 'OLD', now());
INSERT INTO communities (street_id, code, name) VALUES (7, 'c1', '甲社区');
INSERT INTO grids (street_id, code, community_code, name, kind, polygon)
VALUES (7, 'g1', 'c1', '第一网格', 'residential', '[[1, 1], [2, 1], [2, 2]]');
INSERT INTO staff (street_id, id, name, role, grid_code, active) VALUES
(7, '00000000-0000-0000-0000-000000000001', '甲', 'grid_worker', 'g1', true),
(7, '00000000-0000-0000-0000-000000000002', '乙', 'clerk', NULL, false);
RESET app.streets"""


# A ticket as 0008 knew it: three units asked to help, two of them at once.
_OLD_PARTS = """
SET app.streets = '7';
INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES (7, '900000007', '旧街道', '旧区', 'OLD', now());
INSERT INTO units (street_id, code, name, kind, level, is_desk)
SELECT 7, u, u, 'office', 'street', false FROM unnest(ARRAY['a', 'b', 'c']) u;
INSERT INTO tickets (street_id, id, number, channel, kind, content, anonymous, confidential, entered_by, entered_role, occurred_at, recorded_at, late)
VALUES (7, '00000000-0000-0000-0000-000000000001', 'OLD-1', 'phone', 'help', '旧事', false, false,
'00000000-0000-0000-0000-000000000002', 'clerk', '2026-01-01', '2026-01-01', false);
INSERT INTO parts (street_id, ticket_id, unit_code, kind, asked_at, finished_at) VALUES
(7, '00000000-0000-0000-0000-000000000001', 'c', 'assist', '2026-01-02', NULL),
(7, '00000000-0000-0000-0000-000000000001', 'b', 'whistle', '2026-01-02', NULL),
(7, '00000000-0000-0000-0000-000000000001', 'a', 'assist', '2026-01-03', '2026-01-04');
RESET app.streets"""


@asynccontextmanager
async def brought_up(ground, revision, furnishing):
    """A database of `revision` with rows of that time, brought up to the head."""
    name = f"banjie_test_{secrets.token_hex(6)}"
    url, admin = at_database(ground.owner_url, name), await asyncpg.connect(ground.admin_url)
    owner = await asyncpg.connect(ground.owner_url)
    role = await owner.fetchval("SELECT current_user")
    await owner.close()
    try:
        await admin.execute(f"CREATE DATABASE {name} OWNER {role}")
        alembic(command.upgrade, url, revision)
        database = await asyncpg.connect(url)
        await database.execute(furnishing)
        alembic(command.upgrade, url, "head")
        await database.execute("SET app.streets = '7'")
        yield database
        await database.close()
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await admin.close()


async def test_parts_are_numbered_in_the_order_they_were_asked_for(ground):
    async with brought_up(ground, "0008", _OLD_PARTS) as database:
        rows = await database.fetch(
            "SELECT part, unit_code, released, finished_at IS NULL AS open FROM parts ORDER BY part"
        )
    assert [tuple(row) for row in rows] == [
        (1, "b", False, True),
        (2, "c", False, True),
        (3, "a", False, False),
    ]


async def test_boundaries_and_posts_are_carried_over(ground):
    async with brought_up(ground, "0003", _OLD_STREET) as database:
        boundary = await database.fetchrow("SELECT * FROM grid_boundaries")
        posts = await database.fetch(
            "SELECT s.name, p.role, p.area_kind, p.area_code, p.valid_until IS NULL AS open FROM staff_posts p "
            "JOIN staff s ON s.code = p.staff_code ORDER BY s.name DESC"
        )
    assert (boundary["grid_code"], json.loads(boundary["polygons"])) == ("g1", [[[[1, 1], [2, 1], [2, 2]]]])
    assert boundary["valid_until"] is None
    assert {tuple(post) for post in posts} == {
        ("甲", "grid_worker", "grid", "g1", True),
        ("乙", "clerk", "street", "900000007", False),
    }


def open_standing(neighbours, state):
    row = make_row(ticket_states, neighbours.mine, neighbours.rows)
    return row | {"state": state.value, "owner_unit": neighbours.rows["units"]["code"], "due_at": clock.now()}


@pytest.mark.parametrize("state", sorted(OPEN))
@pytest.mark.parametrize("missing", ["owner_unit", "due_at"])
async def test_the_database_refuses_an_open_ticket_without_owner_or_deadline(
    owner, neighbours, state, missing
):
    row = open_standing(neighbours, state)
    change = update(ticket_states).where(ticket_states.c.ticket_id == row["ticket_id"])
    with pytest.raises(IntegrityError, match="owner_and_deadline"):
        await attempt(owner, neighbours.mine, change.values(**row | {missing: None}))
    assert await attempt(owner, neighbours.mine, change.values(**row)) == 1


@pytest.mark.parametrize("state", sorted(FINAL))
async def test_a_finished_ticket_needs_neither(owner, neighbours, state):
    row = open_standing(neighbours, state) | {"owner_unit": None, "due_at": None, "closed_at": clock.now()}
    change = update(ticket_states).where(ticket_states.c.ticket_id == row["ticket_id"])
    assert await attempt(owner, neighbours.mine, change.values(**row)) == 1


async def test_the_database_refuses_states_and_times_that_cannot_be(owner, neighbours):
    ticket = neighbours.rows["tickets"]
    later = clock.now() + timedelta(days=1)
    refused = [
        (
            update(ticket_states).values(**open_standing(neighbours, State.SIGNED) | {"state": "limbo"}),
            "_state",
        ),
        (update(ticket_states).values(state=State.CLOSED.value, closed_at=None), "closed_at"),
        (insert(metadata.tables["tickets"]).values(**ticket | {"content": ""}), "content_length"),
        (insert(metadata.tables["tickets"]).values(**ticket | {"occurred_at": later}), "not_from_the_future"),
    ]
    for statement, constraint in refused:
        with pytest.raises(IntegrityError, match=constraint):
            await attempt(owner, neighbours.mine, statement)
