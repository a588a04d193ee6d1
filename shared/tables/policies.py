"""Who may do what to a table, in SQL made from the tables' own marks; migrations run it.

Every service reads everything (inside its streets); only the owner writes. The outbox is written by all,
but a delivery is taken and changed by its own consumer alone.
"""

from collections.abc import Iterator

SERVICE_ROLES = ("banjie_intake", "banjie_routing", "banjie_metrics")
IN_MY_STREETS = (
    "street_id = any (string_to_array(coalesce(current_setting('app.streets', true), ''), ',')::bigint[])"
)
_MINE = f"{IN_MY_STREETS} and consumer = substr(current_user, 8)"


def create_roles() -> str:
    """Return the SQL that makes the service roles where they are missing (no login until `migrate` sets one)."""
    return (
        "DO $$ BEGIN "
        + " ".join(
            f"IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN CREATE ROLE {role} NOLOGIN; END IF;"
            for role in SERVICE_ROLES
        )
        + " END $$"
    )


def protect(name: str, *, owner: str, tenant: bool = True, append_only: bool = False) -> Iterator[str]:
    """Yield the grants and row policies of a table; `owner` is a service, "all" or "console"."""
    yield from _grants(name, owner, append_only=append_only)
    if tenant:
        yield from _row_security(name)


def _grants(name: str, owner: str, *, append_only: bool) -> Iterator[str]:
    writes = "INSERT" if append_only else "INSERT, UPDATE, DELETE"
    for role in SERVICE_ROLES:
        yield f"GRANT SELECT ON {name} TO {role}"
        if owner in {"all", role.removeprefix("banjie_")}:
            yield f"GRANT {writes} ON {name} TO {role}"


def _row_security(name: str) -> Iterator[str]:
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    if name != "deliveries":
        yield f"CREATE POLICY streets ON {name} USING ({IN_MY_STREETS}) WITH CHECK ({IN_MY_STREETS})"
        return
    roles = ", ".join(SERVICE_ROLES)
    yield f"CREATE POLICY owner ON {name} TO CURRENT_USER USING ({IN_MY_STREETS}) WITH CHECK ({IN_MY_STREETS})"
    yield f"CREATE POLICY reading ON {name} FOR SELECT TO {roles} USING ({IN_MY_STREETS})"
    yield f"CREATE POLICY recording ON {name} FOR INSERT TO {roles} WITH CHECK ({IN_MY_STREETS})"
    yield f"CREATE POLICY changing ON {name} FOR UPDATE TO {roles} USING ({_MINE}) WITH CHECK ({_MINE})"
    yield f"CREATE POLICY taking ON {name} FOR DELETE TO {roles} USING ({_MINE})"
