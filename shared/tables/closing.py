"""How a street closes its matters: what must be proven, who calls back, by when silence counts as consent."""

from sqlalchemy import Column, Integer

from shared.tables.base import day, document, instant, tenant_table, uuid

# One document a version (`services/routing/closing_policy.py` reads it); a change is a new version.
closing_policies = tenant_table(
    "closing_policies",
    "routing",
    Column("version", Integer, primary_key=True, autoincrement=False),
    day("valid_from"),
    document("document"),
    instant("recorded_at"),
    uuid("recorded_by"),
    append_only=True,
)
