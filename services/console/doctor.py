"""`banjie doctor`: what must be as it should for the house to stand, one line each."""

import asyncio
import stat
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import redis.asyncio as redis
from redis.exceptions import RedisError

from services.console.migrate import ctype_warning, head, sees_no_chinese
from services.console.supervisor import is_ready
from shared import clock, keyring, settings
from shared.settings import SERVICES, Settings, with_login

OLDEST_PYTHON = (3, 11)
OLDEST_SERVER = 15
NOVEMBER = 11
PRIVATE = 0o077
MARKS = {True: "✓", False: "✗", None: "!"}
_OFF = "SELECT code, reason FROM routing_rule_states WHERE NOT enabled AND changed_by IS NULL ORDER BY code"
_PARKED = "SELECT count(*) FROM deliveries WHERE parked_at IS NOT NULL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line; `good` None is a warning, which does not make the whole fail."""

    good: bool | None
    text: str


def examine() -> int:
    """Print every finding; return 1 if one is bad, else 0."""
    return asyncio.run(_examine(settings.load()))


async def _examine(known: Settings) -> int:
    bad = False
    async for finding in findings(known):
        print(MARKS[finding.good], finding.text)
        bad = bad or finding.good is False
    return int(bad)


async def findings(known: Settings) -> AsyncIterator[Finding]:
    """Yield what there is to say, the ground first."""
    version = sys.version_info[:2]
    yield Finding(version >= OLDEST_PYTHON, f"Python {version[0]}.{version[1]}")
    yield Finding(known.data_dir.is_dir() or None, f"数据目录 {known.data_dir.resolve()}")
    keys = None
    async for finding in _secrets(known):
        yield finding
    if known.secrets_path.is_file():
        keys = keyring.load(known.secrets_path)
    async for finding in _database(known, keys):
        yield finding
    yield await _redis(known)
    for service in SERVICES:
        ready = await is_ready(f"{known.base_url(service)}/readyz")
        yield Finding(ready, f"{service} 服务{'就绪' if ready else '没有就绪'}({known.base_url(service)})")


async def _secrets(known: Settings) -> AsyncIterator[Finding]:
    path = known.secrets_path
    if not path.is_file():
        yield Finding(False, f"没有密钥文件 {path}:请运行 banjie secrets init")
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    text = f"密钥文件 {path} 的权限是 {mode:o}"
    yield Finding(not mode & PRIVATE, text if not mode & PRIVATE else f"{text},别人可读,应为 600")


async def _database(known: Settings, keys: keyring.Keyring | None) -> AsyncIterator[Finding]:
    try:
        connection = await asyncpg.connect(known.owner_url(), timeout=5)
    except (RuntimeError, OSError, TimeoutError, asyncpg.PostgresError) as error:
        yield Finding(False, f"数据库连接不上:{error}")
        return
    try:
        async for finding in _schema(connection):
            yield finding
    finally:
        await connection.close()
    if keys is not None:
        for service in SERVICES:
            yield await _login(known, keys, f"banjie_{service}")


async def _schema(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    version = connection.get_server_version()
    yield Finding(version.major >= OLDEST_SERVER, f"PostgreSQL {version.major}.{version.minor}")
    ctype = await connection.fetchval("SELECT datctype FROM pg_database WHERE datname = current_database()")
    yield (
        Finding(None, ctype_warning(ctype)) if sees_no_chinese(ctype) else Finding(True, f"LC_CTYPE {ctype}")
    )
    try:
        at = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        at = None
    newest = head()
    yield Finding(
        at == newest,
        f"数据库版本 {at or '无'},最新 {newest}{'' if at == newest else ':请运行 banjie migrate'}",
    )
    if at is None:
        return
    async for finding in _content(connection):
        yield finding


async def _content(connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    rows = await connection.fetch("SELECT id, name FROM streets ORDER BY id")
    names = "、".join(row["name"] for row in rows[:10])
    yield Finding(bool(rows) or None, f"{len(rows)} 个街道:{names}" if rows else "还没有街道")
    years = {
        r[0] for r in await connection.fetch("SELECT DISTINCT extract(year FROM day)::int FROM calendar_days")
    }
    today = clock.local_day(clock.now())
    yield Finding(
        today.year in years,
        f"{today.year} 年的工作日历{'已有' if today.year in years else '没有:请运行 banjie calendar seed'}",
    )
    if today.month >= NOVEMBER and today.year + 1 not in years:
        yield Finding(
            None,
            f"{today.year + 1} 年的放假安排还没有导入,跨年时限暂按周一至周五推算(banjie calendar import)",
        )
    async with connection.transaction(readonly=True):
        await connection.execute(f"SET LOCAL app.streets = '{','.join(str(int(r['id'])) for r in rows)}'")
        parked = await connection.fetchval(_PARKED)
        off = await connection.fetch(_OFF)
    yield Finding(not parked, f"{parked} 条事件已搁置:banjie events --parked" if parked else "没有搁置的事件")
    for rule in off:
        yield Finding(None, f"派单规则 {rule['code']} 已自行停用:{rule['reason']}(GET /v1/rules)")


async def _login(known: Settings, keys: keyring.Keyring, role: str) -> Finding:
    url = with_login(known.owner_url(), role, keys.database_password(role))
    try:
        await (await asyncpg.connect(url, timeout=5)).close()
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return Finding(False, f"数据库账号 {role} 登录不了:{error}")
    return Finding(True, f"数据库账号 {role} 可以登录")


async def _redis(known: Settings) -> Finding:
    try:
        async with redis.from_url(  # type: ignore[no-untyped-call]
            known.redis(), socket_connect_timeout=3, socket_timeout=3
        ) as client:
            persistent = (await client.info("persistence")).get("aof_enabled")
    except (RuntimeError, OSError, TimeoutError, RedisError) as error:
        return Finding(False, f"Redis 连接不上:{error}")
    return Finding(bool(persistent) or None, f"Redis 已连接,AOF {'已开启' if persistent else '没有开启'}")
