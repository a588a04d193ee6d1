"""`banjie migrate`: the tables brought up to date, and the service roles let in with their passwords."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

import migrations
from shared.keyring import Keyring
from shared.tables.policies import SERVICE_ROLES

# Roles belong to the whole server: two of its databases may be migrated at the same moment.
TRIES = 20


def migrate(owner_url: str, keys: Keyring) -> list[str]:
    """Bring the database behind `owner_url` up to date; return warnings in Chinese. Safe to repeat, even at once.

    Works from a thread whose event loop runs, too. RuntimeError when the database cannot be reached or refuses.
    """
    try:
        with ThreadPoolExecutor(1) as pool:  # migrations/env.py runs an event loop of its own
            pool.submit(command.upgrade, _config(owner_url), "head").result()
            return pool.submit(asyncio.run, _let_in(owner_url, keys)).result()
    except (asyncpg.PostgresError, OSError) as error:
        raise RuntimeError(f"数据库升级失败:{error}") from error


def head() -> str:
    """Return the newest migration there is."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def _config(owner_url: str = "") -> Config:
    config = Config(str(Path(migrations.__path__[0]) / "alembic.ini"))
    config.set_main_option("sqlalchemy.url", owner_url.replace("%", "%%"))
    return config


async def _let_in(owner_url: str, keys: Keyring) -> list[str]:
    connection = await asyncpg.connect(owner_url, timeout=10)
    try:
        for tries_left in reversed(range(TRIES)):
            try:
                async with connection.transaction():
                    for role in SERVICE_ROLES:
                        await _set_login(connection, role, keys.database_password(role))
                break
            except asyncpg.InternalServerError:  # "tuple concurrently updated": somebody else does the same
                if not tries_left:
                    raise
                await asyncio.sleep(0.05)
        ctype = await connection.fetchval(
            "SELECT datctype FROM pg_database WHERE datname = current_database()"
        )
        return [ctype_warning(ctype)] if sees_no_chinese(ctype) else []
    finally:
        await connection.close()


async def _set_login(connection: asyncpg.Connection, role: str, password: str) -> None:
    for template, arguments in (
        ("'ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text", (role, password)),
        ("'GRANT CONNECT ON DATABASE %I TO %I', current_database(), $1::text", (role,)),
    ):
        await connection.execute(await connection.fetchval(f"SELECT format({template})", *arguments))


def sees_no_chinese(ctype: str) -> bool:
    """Return whether pg_trgm finds no letters in Chinese text under this LC_CTYPE."""
    return ctype.upper() in {"C", "POSIX"}


def ctype_warning(ctype: str) -> str:
    """Return what is wrong with such a database, and the way out."""
    return (
        f"数据库的 LC_CTYPE 是 {ctype},中文相似检索(pg_trgm)不起作用;请用 C.UTF-8 或 zh_CN.UTF-8 重建数据库"
    )
