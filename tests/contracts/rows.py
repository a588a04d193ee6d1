"""One row for every tenant table, made by reflection: a new table is covered the day it is born."""

from datetime import time, timedelta

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    Numeric,
    Text,
    Time,
    Uuid,
    insert,
)
from sqlalchemy.dialects.postgresql import JSONB
from uuid_utils.compat import uuid7

from shared import clock
from shared.tables import metadata

# What CHECKs allow; a new CHECK that a made-up value breaks fails here, and is answered here.
CHOSEN = {
    ("ticket_states", "state"): "closed",
    ("ticket_states", "closed_at"): "now",
    ("parts", "kind"): "assist",
    ("local_days", "kind"): "off",
    ("deliveries", "consumer"): "routing",
    ("petitions", "action"): "urge",
    ("assessment_calendars", "month_starts_on"): 19,
    ("assessment_calendars", "year_starts_in"): 11,
    ("imports", "state"): "running",
    ("grids", "kind"): "residential",
    ("grid_boundaries", "polygons"): [[[[117.0, 38.0], [117.1, 38.0], [117.1, 38.1]]]],
    ("units", "kind"): "office",
    ("supervision_orders", "level"): "notice",
    ("meeting_items", "part"): "progress",
    ("inspection_findings", "method"): "site_check",
    ("inspection_findings", "passed"): True,
    ("ticket_attachments", "origin"): "report",
    ("points", "kind"): "manual",
    ("undertakings", "kind"): "project",
    ("resident_phones", "source"): "hand",
    ("content_checks", "kind"): "ticket",
    ("content_checks", "verdict"): "pass",
    ("notice_lines", "channel"): "webhook",
    ("notice_sends", "state"): "sent",
    ("whistle_steps", "step"): "minutes",
}


def tenant_tables():
    """Return the tables that carry a street, parents before children."""
    return [t for t in metadata.sorted_tables if t.info["tenant"]]


def _value(table, column):
    chosen = CHOSEN.get((table.name, column.name))
    if chosen is not None and chosen != "now":
        return chosen
    kinds = {
        Uuid: uuid7,
        Boolean: lambda: False,
        DateTime: clock.now,
        Date: lambda: clock.local_day(clock.now() - timedelta(days=1)),
        Integer: lambda: 1,  # BigInteger and SmallInteger are Integers
        Float: lambda: 1.0,
        Numeric: lambda: 1,
        LargeBinary: lambda: uuid7().bytes,
        JSONB: dict,
        ARRAY: list,
        Time: time,
        Text: lambda: f"x{uuid7().hex}",
    }
    return next(make() for kind, make in kinds.items() if isinstance(column.type, kind))


def make_row(table, street_id, made):
    """Return a row of `table`; what it refers to stands in `made` (table name → row)."""
    row = {
        c.name: _value(table, c)
        for c in table.c
        if not c.nullable or (table.name, c.name) in CHOSEN
        if c.server_default is None
    }
    row["street_id"] = street_id
    for constraint in table.foreign_key_constraints:
        for element in constraint.elements:
            if element.parent.name in row and element.parent.name != "street_id":
                row[element.parent.name] = made[constraint.referred_table.name][element.column.name]
    return row


async def furnish(owner, street_id):
    """Write one row into every tenant table of a street, as the owner; return them by table name."""
    made = {}
    async with owner.transaction([street_id]) as tx:
        for table in tenant_tables():
            made[table.name] = make_row(table, street_id, made)
            await tx.execute(insert(table).values(**made[table.name]))
    return made


def insert_statement(table, row):
    """Return (SQL, values) of an INSERT as the driver wants it, JSON as it stands."""
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    values = tuple(
        orjson.dumps(v).decode() if isinstance(table.c[name].type, JSONB) else v for name, v in row.items()
    )
    return f"INSERT INTO {table.name} ({', '.join(row)}) VALUES ({marks})", values


def expected(table, service):
    """Return what the marks on the table say a service may do."""
    may = {"SELECT"}
    if table.info["owner"] in {"all", service}:
        may |= {"INSERT"} if table.info["append_only"] else {"INSERT", "UPDATE", "DELETE"}
    return may


async def attempt(database, street_id, statement, *values):
    """Run one statement fenced to a street and take it back; return how many rows it touched."""
    async with database.transaction([street_id]) as tx:
        if isinstance(statement, str):
            touched = int((await tx.raw.execute(statement, *values)).split()[-1])
        else:
            touched = (await tx.execute(statement)).rowcount
        await tx.raw.execute("ROLLBACK; BEGIN")
    return touched
