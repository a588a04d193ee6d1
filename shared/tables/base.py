"""One metadata; what a table is to the house is written on it.

`tenant_table` makes a table of a street's own rows: `street_id` first in its key, row-level security
forced. `reference_table` makes one that is the same for all (replicated when sharded). Each names its
owner, the one service that may write it; migrations turn that into grants (`shared.tables.policies`).
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Date, DateTime, ForeignKeyConstraint, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, **{"nullable": False, **options})


def instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **{"nullable": False, **options})


def day(name: str, **options: Any) -> Column[Any]:
    return Column(name, Date, **{"nullable": False, **options})


def uuid(name: str, **options: Any) -> Column[Any]:
    return Column(name, Uuid, **{"nullable": False, **options})


def document(name: str, **options: Any) -> Column[Any]:
    return Column(name, JSONB(none_as_null=True), **{"nullable": False, **options})


def tenant_table(name: str, owner: str, *items: Any, append_only: bool = False) -> Table:
    """Return a table of one street's rows; the primary-key columns in `items` follow `street_id`."""
    street = Column("street_id", BigInteger, primary_key=True, autoincrement=False)
    fence = ForeignKeyConstraint(["street_id"], ["streets.id"])
    return Table(
        name,
        metadata,
        street,
        *items,
        fence,
        info={"owner": owner, "tenant": True, "append_only": append_only},
    )


def reference_table(name: str, owner: str, *items: Any) -> Table:
    """Return a table that every street shares."""
    return Table(name, metadata, *items, info={"owner": owner, "tenant": False, "append_only": False})
