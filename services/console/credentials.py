"""`banjie token` and `banjie key`: credentials minted from the shell, so that all can be tried without WeChat."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select, update
from uuid_utils.compat import uuid7

from services.console import owner
from shared import clock, settings
from shared.auth import Actor, Tokens, new_api_key, staff_id
from shared.db import Database
from shared.streets import Street
from shared.tables import api_keys, units
from shared.terms import STAFF_ROLES, Role, Scope

# Roles that act for a unit: without one they would see nothing.
OF_A_UNIT = frozenset({Role.UNIT, Role.COMMUNITY, Role.GRID_WORKER})


def issue_token(role: str, codes: Sequence[str], unit: str | None, openid: str) -> str:
    """Return a token for `role` in these streets, noted in their audit logs; RuntimeError for what there is not."""
    known = settings.load()
    tokens = Tokens(known.secrets_path)
    wanted = _role(role, unit)

    async def issue(opened: Database) -> str:
        where = await owner.streets(opened, codes)
        ids = frozenset(street.id for street in where)
        code = await _unit_code(opened, where, unit) if unit is not None else None
        resident = wanted is Role.RESIDENT
        subject = tokens.keys.resident_id(openid) if resident else staff_id(wanted, ids, code)
        actor = Actor(id=subject, role=wanted, streets=ids, unit=code)
        made, expires_at = tokens.issue(actor, known.token_ttl if resident else known.staff_token_ttl)
        detail: dict[str, object] = {
            "role": role, "unit": code, "subject": str(subject), "streets": sorted(ids),
            "expires_at": expires_at.isoformat(),
        }  # fmt: skip
        async with opened.transaction(ids) as tx:
            await owner.audited(tx, sorted(ids), "token_issued", detail)
        return made

    return owner.run(issue)


def _role(role: str, unit: str | None) -> Role:
    allowed = [r for r in Role if r is Role.RESIDENT or r in STAFF_ROLES]
    if role not in allowed:
        there = "、".join(f"{r.value}({r.text})" for r in allowed)
        raise RuntimeError(f"没有“{role}”这个角色;可选:{there}")
    if role in OF_A_UNIT and unit is None:
        raise RuntimeError(f"角色 {role}({Role(role).text})须用 --unit 写明单位")
    if role == Role.RESIDENT and unit is not None:
        raise RuntimeError("居民不属于任何单位,请去掉 --unit")
    return Role(role)


async def _unit_code(opened: Database, where: Sequence[Street], unit: str) -> str:
    ids = [street.id for street in where]
    async with opened.transaction(ids, read_only=True) as tx:
        rows = await tx.rows(
            select(units.c.code)
            .where(units.c.street_id.in_(ids), or_(units.c.name == unit, units.c.code == unit))
            .order_by(units.c.code == unit, units.c.valid_until.is_(None))
        )
        if rows:
            return str(rows[-1].code)
        similar = await tx.rows(
            select(units.c.name).where(units.c.street_id.in_(ids)).order_by(units.c.level, units.c.code)
        )
    names = "、".join(row.name for row in similar[:40])
    raise RuntimeError(f"没有“{unit}”这个单位;现有:{names}{'…' if len(similar) > 40 else ''}")  # noqa: PLR2004


def make_key(name: str, scopes: Sequence[str], codes: Sequence[str], days: int | None) -> str:
    """Return a new API key, of which only a digest is kept; RuntimeError for what there is not."""
    wanted = owner.split(scopes)
    if not wanted or set(wanted) - set(Scope):
        there = "、".join(f"{s.value}({s.text})" for s in Scope)
        raise RuntimeError(f"没有“{'、'.join(set(wanted) - set(Scope))}”这个权限;可选:{there}")

    async def make(opened: Database) -> str:
        ids = sorted(street.id for street in await owner.streets(opened, codes))
        made, prefix, kept = new_api_key()
        now = clock.now()
        expires_at = now + timedelta(days=days) if days is not None else None
        row = {
            "id": uuid7(), "name": name, "prefix": prefix, "digest": kept, "scopes": wanted, "street_ids": ids,
            "created_at": now, "expires_at": expires_at, "revoked_at": None,
        }  # fmt: skip
        detail: dict[str, object] = {
            "name": name, "prefix": prefix, "scopes": wanted, "streets": ids,
            "expires_at": expires_at.isoformat() if expires_at else None,
        }  # fmt: skip
        async with opened.transaction(ids) as tx:
            await tx.insert_many(api_keys, [row])
            await owner.audited(tx, ids, "key_made", detail)
        return made

    return owner.run(make)


def revoke_key(prefix: str) -> str:
    """Revoke the key known by `prefix`; return its name. RuntimeError when there is none that still works."""

    async def revoke(opened: Database) -> str:
        async with opened.transaction(await owner.all_ids(opened)) as tx:
            row = await tx.one(
                update(api_keys)
                .where(api_keys.c.prefix == prefix, api_keys.c.revoked_at.is_(None))
                .values(revoked_at=clock.now())
                .returning(api_keys.c.name, api_keys.c.street_ids)
            )
            if row is None:
                raise RuntimeError(f"没有前缀为“{prefix}”且仍有效的密钥")
            await owner.audited(tx, row.street_ids, "key_revoked", {"name": row.name, "prefix": prefix})
            return str(row.name)

    return owner.run(revoke)
