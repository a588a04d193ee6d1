"""Ledgers brought in: the uploads, their files until they are read, what each row told, and what was wrong."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shared.tables.policies import protect

revision = "0003"
down_revision = "0002"

APPEND_ONLY = {"imports": False, "import_files": False, "import_rows": True, "import_errors": True}


def upgrade() -> None:
    _imports()
    _import_files()
    _import_rows()
    _import_errors()
    for name, append_only in APPEND_ONLY.items():
        for statement in protect(name, owner="intake", append_only=append_only):
            op.execute(statement)


def _street() -> sa.Column:
    return sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False)


def _fence(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{table}_street_id"))


def _of_import(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["street_id", "import_id"],
        ["imports.street_id", "imports.id"],
        name=op.f(f"fk_{table}_street_id_import_id"),
    )


def _imports() -> None:
    instants = [("created_at", False), ("read_at", True), ("finished_at", True)]
    counts = ("lines", "position", "created", "updated", "unchanged", "rejected", "faults")
    op.create_table(
        "imports",
        _street(),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("warnings", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("entered_by", sa.Uuid(), nullable=False),
        sa.Column("entered_role", sa.Text(), nullable=False),
        *[sa.Column(name, sa.DateTime(timezone=True), nullable=empty) for name, empty in instants],
        *[sa.Column(name, sa.Integer(), nullable=False) for name in counts],
        sa.Column("claim", sa.Uuid(), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_event", sa.Uuid(), nullable=True),
        sa.Column("last_moved", sa.Uuid(), nullable=True),
        sa.CheckConstraint("state in ('running', 'done', 'failed')", name=op.f("ck_imports_state")),
        _fence("imports"),
        sa.PrimaryKeyConstraint("street_id", "id", name=op.f("pk_imports")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )
    op.create_index(
        "ix_imports_running", "imports", ["street_id", "id"], postgresql_where=sa.text("state = 'running'")
    )


def _import_files() -> None:
    op.create_table(
        "import_files",
        _street(),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        _of_import("import_files"),
        _fence("import_files"),
        sa.PrimaryKeyConstraint("street_id", "import_id", "part", name=op.f("pk_import_files")),
        info={"owner": "intake", "tenant": True, "append_only": False},
    )


def _import_rows() -> None:
    op.create_table(
        "import_rows",
        _street(),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("ticket_id", sa.Uuid(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("fixed", sa.LargeBinary(), nullable=False),
        sa.Column("course", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["street_id", "ticket_id"],
            ["tickets.street_id", "tickets.id"],
            name=op.f("fk_import_rows_street_id_ticket_id"),
        ),
        _fence("import_rows"),
        sa.PrimaryKeyConstraint("street_id", "import_id", "line", name=op.f("pk_import_rows")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
    op.create_index("ix_import_rows_identity", "import_rows", ["street_id", "identity"])
    op.create_index("ix_import_rows_ticket", "import_rows", ["street_id", "ticket_id"])


def _import_errors() -> None:
    op.create_table(
        "import_errors",
        _street(),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("message", sa.Text(), nullable=False),
        _of_import("import_errors"),
        _fence("import_errors"),
        sa.PrimaryKeyConstraint("street_id", "import_id", "line", "place", name=op.f("pk_import_errors")),
        info={"owner": "intake", "tenant": True, "append_only": True},
    )
