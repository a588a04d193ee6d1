"""Residents' WeChat accounts, sign-ins, sign-outs, telephone numbers and consents; checks of content."""

import sqlalchemy as sa
from alembic import op

from shared.tables.policies import protect

revision = "0015"
down_revision = "0014"

# table → append only
TABLES = {
    "wechat_accounts": False, "wechat_unions": False, "resident_links": False, "resident_phones": False,
    "resident_sessions": False, "sign_outs": False, "consents": True, "content_checks": False,
}  # fmt: skip


def upgrade() -> None:
    _accounts()
    _phones()
    _sessions()
    _consents()
    _content_checks()
    for name, append_only in TABLES.items():
        for statement in protect(name, owner="intake", append_only=append_only):
            op.execute(statement)


def _table(name: str, key: tuple[str, ...], *items: sa.Column | sa.Constraint) -> None:
    op.create_table(
        name,
        sa.Column("street_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *items,
        sa.ForeignKeyConstraint(["street_id"], ["streets.id"], name=op.f(f"fk_{name}_street_id")),
        sa.PrimaryKeyConstraint("street_id", *key, name=op.f(f"pk_{name}")),
        info={"owner": "intake", "tenant": True, "append_only": TABLES[name]},
    )


def _text(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _uuid(name: str) -> sa.Column:
    return sa.Column(name, sa.Uuid(), nullable=False)


def _bytes(name: str) -> sa.Column:
    return sa.Column(name, sa.LargeBinary(), nullable=False)


def _instant(name: str, *, nullable: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _resident(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["street_id", "resident_id"],
        ["residents.street_id", "residents.id"],
        name=op.f(f"fk_{table}_street_id_resident_id"),
    )


def _accounts() -> None:
    _table(
        "wechat_accounts", ("id",), _uuid("id"), _text("app_id"), _uuid("resident_id"), _bytes("private"),
        _instant("first_seen_at"), _instant("last_seen_at"), _resident("wechat_accounts"),
    )  # fmt: skip
    _table(
        "wechat_unions", ("union_index",), _bytes("union_index"), _uuid("resident_id"), _resident("wechat_unions")
    )  # fmt: skip
    _table(
        "resident_links", ("former_id",), _uuid("former_id"), _uuid("resident_id"), _instant("linked_at"),
        _resident("resident_links"),
    )  # fmt: skip
    for name in ("wechat_accounts", "wechat_unions", "resident_links"):
        op.create_index(f"ix_{name}_resident", name, ["street_id", "resident_id"])


def _phones() -> None:
    _table(
        "resident_phones", ("resident_id",), _uuid("resident_id"), _bytes("private"), _bytes("phone_index"),
        _text("source"), _instant("recorded_at"),
        sa.CheckConstraint("source in ('wechat', 'hand')", name=op.f("ck_resident_phones_source")),
    )  # fmt: skip
    op.create_index("ix_resident_phones_phone", "resident_phones", ["street_id", "phone_index"])


def _sessions() -> None:
    _table(
        "resident_sessions", ("id",), _uuid("id"), _uuid("resident_id"), _text("app_id"),
        sa.Column("generation", sa.Integer(), nullable=False), _instant("created_at"), _instant("refreshed_at"),
        _instant("expires_at"), _instant("revoked_at", nullable=True), _text("revoked_for", nullable=True),
        _resident("resident_sessions"),
    )  # fmt: skip
    op.create_index("ix_resident_sessions_resident", "resident_sessions", ["street_id", "resident_id"])
    op.create_index("ix_resident_sessions_expires", "resident_sessions", ["street_id", "expires_at"])
    _table("sign_outs", ("subject_id",), _uuid("subject_id"), _instant("signed_out_at"))
    op.create_index("ix_sign_outs_signed_out_at", "sign_outs", ["street_id", "signed_out_at"])


def _consents() -> None:
    _table(
        "consents", ("resident_id", "notice", "version"), _uuid("resident_id"), _text("notice"), _text("version"),
        _instant("given_at"),
    )  # fmt: skip


def _content_checks() -> None:
    table = "content_checks"
    _table(
        table, ("kind", "subject_id"), _text("kind"), _uuid("subject_id"), _text("verdict"),
        sa.Column("label", sa.Integer(), nullable=True), _text("reason", nullable=True),
        _text("trace_id", nullable=True), sa.Column("attempts", sa.Integer(), nullable=False),
        _instant("asked_at"), _instant("decided_at", nullable=True), _instant("next_at", nullable=True),
        sa.CheckConstraint("kind in ('ticket', 'image')", name=op.f(f"ck_{table}_kind")),
        sa.CheckConstraint(
            "verdict in ('pending', 'pass', 'review', 'risky', 'unchecked')", name=op.f(f"ck_{table}_verdict")
        ),
    )  # fmt: skip
    op.create_index(
        f"ix_{table}_trace", table, ["street_id", "trace_id"],
        postgresql_where=sa.text("trace_id is not null"),
    )  # fmt: skip
    op.create_index(
        f"ix_{table}_pending", table, ["street_id", "next_at"],
        postgresql_where=sa.text("verdict = 'pending'"),
    )  # fmt: skip
