"""Who the residents are: their WeChat accounts, sign-ins and consents; and what WeChat says of what they write.

An openid, a unionid and a telephone number stand sealed, and are found by keyed digests alone.
"""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, Index, Integer, LargeBinary, text as sql

from shared.tables.base import instant, tenant_table, text, uuid

# One person in one mini-program. `id` is a keyed digest of app and openid.
wechat_accounts = tenant_table(
    "wechat_accounts",
    "intake",
    uuid("id", primary_key=True),
    text("app_id"),
    uuid("resident_id"),
    # the openid, with the account's id as context
    Column("private", LargeBinary, nullable=False),
    instant("first_seen_at"),
    instant("last_seen_at"),
    ForeignKeyConstraint(["street_id", "resident_id"], ["residents.street_id", "residents.id"]),
    Index("ix_wechat_accounts_resident", "street_id", "resident_id"),
)

# Who it is that several mini-programs know by one unionid: whoever comes first, in whichever of them.
wechat_unions = tenant_table(
    "wechat_unions",
    "intake",
    Column("union_index", LargeBinary, primary_key=True),
    uuid("resident_id"),
    ForeignKeyConstraint(["street_id", "resident_id"], ["residents.street_id", "residents.id"]),
    Index("ix_wechat_unions_resident", "street_id", "resident_id"),
)

# A resident who turned out to be another one already known. Tickets keep the id they came with.
resident_links = tenant_table(
    "resident_links",
    "intake",
    uuid("former_id", primary_key=True),
    uuid("resident_id"),
    instant("linked_at"),
    ForeignKeyConstraint(["street_id", "resident_id"], ["residents.street_id", "residents.id"]),
    Index("ix_resident_links_resident", "street_id", "resident_id"),
)

resident_phones = tenant_table(
    "resident_phones",
    "intake",
    uuid("resident_id", primary_key=True),
    # the number, with the resident's id as context
    Column("private", LargeBinary, nullable=False),
    Column("phone_index", LargeBinary, nullable=False),
    text("source"),
    instant("recorded_at"),
    CheckConstraint("source in ('wechat', 'hand')", name="source"),
    Index("ix_resident_phones_phone", "street_id", "phone_index"),
)

# A sign-in and the place it has reached in its row of refresh tokens; no token is kept in any form.
resident_sessions = tenant_table(
    "resident_sessions",
    "intake",
    uuid("id", primary_key=True),
    uuid("resident_id"),
    text("app_id"),
    Column("generation", Integer, nullable=False),
    instant("created_at"),
    instant("refreshed_at"),
    instant("expires_at"),
    instant("revoked_at", nullable=True),
    # why: signed_out, signed_out_everywhere, reused
    text("revoked_for", nullable=True),
    ForeignKeyConstraint(["street_id", "resident_id"], ["residents.street_id", "residents.id"]),
    Index("ix_resident_sessions_resident", "street_id", "resident_id"),
    Index("ix_resident_sessions_expires", "street_id", "expires_at"),
)

# Of whom (a resident, or one sign-in) no access token counts that is not younger than this.
sign_outs = tenant_table(
    "sign_outs",
    "intake",
    uuid("subject_id", primary_key=True),
    instant("signed_out_at"),
    Index("ix_sign_outs_signed_out_at", "street_id", "signed_out_at"),
)

consents = tenant_table(
    "consents",
    "intake",
    uuid("resident_id", primary_key=True),
    text("notice", primary_key=True),
    text("version", primary_key=True),
    instant("given_at"),
    append_only=True,
)

# What WeChat's check says of a text or a picture. Nothing is refused for it: it is hidden from public view.
content_checks = tenant_table(
    "content_checks",
    "intake",
    # what is checked, and the id it has there
    text("kind", primary_key=True),
    uuid("subject_id", primary_key=True),
    text("verdict"),
    # WeChat's class of the risk (100 normal, 20001 politics …); null until it is told
    Column("label", Integer),
    # why there is no verdict
    text("reason", nullable=True),
    # by which the answer about a picture is known
    text("trace_id", nullable=True),
    Column("attempts", Integer, nullable=False),
    instant("asked_at"),
    instant("decided_at", nullable=True),
    instant("next_at", nullable=True),
    CheckConstraint("kind in ('ticket', 'image')", name="kind"),
    CheckConstraint("verdict in ('pending', 'pass', 'review', 'risky', 'unchecked')", name="verdict"),
    Index("ix_content_checks_trace", "street_id", "trace_id", postgresql_where=sql("trace_id is not null")),
    Index("ix_content_checks_pending", "street_id", "next_at", postgresql_where=sql("verdict = 'pending'")),
)
