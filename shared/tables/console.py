"""Written from the shell by the database's owner; read by every service."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Integer, LargeBinary, Text, text as sql
from sqlalchemy.dialects.postgresql import ARRAY

from shared.tables.base import instant, reference_table, text, uuid

streets = reference_table(
    "streets",
    "console",
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    text("code", unique=True),
    text("name"),
    text("district"),
    text("city", nullable=True),
    # how many digits a grid has after its community's twelve
    Column("grid_digits", Integer, nullable=False, server_default=sql("3")),
    # The letters that open its ticket numbers: a number alone tells its street.
    text("prefix", unique=True),
    instant("created_at"),
)

calendar_days = reference_table(
    "calendar_days",
    "console",
    Column("day", Date, primary_key=True),
    Column("working", Boolean, nullable=False),
    # state_council (published) or local (an override by the district)
    text("source"),
    text("note", nullable=True),
)

api_keys = reference_table(
    "api_keys",
    "console",
    uuid("id", primary_key=True),
    text("name"),
    text("prefix"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    Column("street_ids", ARRAY(BigInteger), nullable=False),
    instant("created_at"),
    instant("expires_at", nullable=True),
    instant("revoked_at", nullable=True),
)
