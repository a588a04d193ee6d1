"""The commands as a shell runs them, against a database of their own."""

import subprocess
import sys
from datetime import timedelta

import asyncpg
import pytest
from sqlalchemy import insert

from services.console.demo.places import XINBEI
from shared import clock, keyring
from shared.auth import ApiKeys, Tokens
from shared.db import Database
from shared.settings import with_login
from shared.tables import deliveries, events
from shared.terms import Role, Scope
from tests.contracts.rows import make_row, tenant_tables
from tests.fixtures.servers import ROOT


@pytest.fixture(scope="module")
def shell(ground, tmp_path_factory):
    """`shell(*words)` runs `banjie` on a migrated database of this module's own, secrets and all."""
    folder = tmp_path_factory.mktemp("console")
    environment = {
        "PATH": "/usr/bin:/bin", "BANJIE_DATA_DIR": str(folder), "BANJIE_DATABASE_URL": ground.clone(),
        "BANJIE_REDIS_URL": ground.redis_url, "BANJIE_SECRETS_FILE": str(folder / "secrets.json"),
        # Where nobody listens, though a `make run` may be going on beside on the usual ones.
        "BANJIE_INTAKE_PORT": "1", "BANJIE_ROUTING_PORT": "2", "BANJIE_METRICS_PORT": "3",
    }  # fmt: skip

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "services.console.app", *words]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    run.environment, run.folder = environment, folder
    # Made from the same keyring: the service roles' passwords are those of the whole run.
    (folder / "secrets.json").write_bytes(ground.secrets_file.read_bytes())
    (folder / "secrets.json").chmod(0o600)
    done = run("seed", "demo")
    assert done.returncode == 0, done.stderr
    return run


@pytest.fixture
async def opened(shell):
    database = Database(shell.environment["BANJIE_DATABASE_URL"], pool_size=2)
    yield database
    await database.close()


async def audit_rows(opened, action):
    async with opened.transaction([XINBEI.id], read_only=True) as tx:
        rows = await tx.raw.fetch("SELECT actor, detail FROM audit_log WHERE action = $1 ORDER BY id", action)
    return [(row["actor"], row["detail"]) for row in rows]


async def test_a_token_is_all_that_is_printed_and_it_works(shell, opened):
    done = shell("token", "unit", "--street", XINBEI.code, "--unit", "物业办")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    actor = Tokens(shell.folder / "secrets.json").verify(done.stdout.strip())
    assert (actor.role, actor.streets, actor.unit) == (Role.UNIT, {XINBEI.id}, "wuye")
    (who, detail) = (await audit_rows(opened, "token_issued"))[-1]
    assert (who, detail["role"], detail["unit"]) == ("console", "unit", "wuye")


async def test_a_staff_token_stands_for_somebody_in_the_register(shell, opened):
    tokens = Tokens(shell.folder / "secrets.json")
    for words in (["dispatcher"], ["community", "--unit", "堰宾里社区居委会"]):
        actor = tokens.verify(shell("token", *words, "--street", XINBEI.code).stdout.strip())
        async with opened.transaction([XINBEI.id], read_only=True) as tx:
            held = "SELECT role FROM staff_posts p JOIN staff s ON s.code = p.staff_code WHERE s.id = $1"
            assert await tx.raw.fetchval(held, actor.id) == actor.role


def test_a_resident_is_who_their_openid_says(shell):
    tokens = Tokens(shell.folder / "secrets.json")
    one, same, other = (
        tokens.verify(shell("token", "resident", "--street", XINBEI.code, *openid).stdout.strip())
        for openid in ([], ["--openid", "demo"], ["--openid", "another"])
    )
    assert one.id == same.id == tokens.keys.resident_id("demo") != other.id


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["token", "king", "--street", "120116005"], "没有“king”这个角色"),
        (["token", "system", "--street", "120116005"], "没有“system”这个角色"),
        (["token", "unit", "--street", "120116005"], "须用 --unit"),
        (["token", "unit", "--street", "120116005", "--unit", "天文台"], "没有“天文台”这个单位"),
        (["token", "clerk", "--street", "000000000"], "没有代码为“000000000”的街道"),
        (["key", "x", "--scope", "all", "--street", "120116005"], "没有“all”这个权限"),
        (["key-revoke", "bjk_00000000"], "没有前缀为"),
        (["events", "retry", "--all", "0192"], "请写一个事件编号"),
        (["events", "retry", "xyz"], "不是事件编号"),
        (["webhooks", "replay"], "请写一个线路编号"),
        (["webhooks", "replay", "0192"], "没有编号以“0192”开头"),
        (["replay", "dagang"], "以后的版本提供"),
        (["replay", "elsewhere"], "没有“elsewhere”这个案例"),
        (["seed", "demo", "--street", "1"], "没有代码为 1 的演示街道"),
        (["secrets", "init"], "已经存在"),
    ],
)
def test_what_cannot_be_done_is_told_in_one_line_on_stderr(shell, words, told):
    done = shell(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert "Traceback" not in done.stderr


async def test_a_key_is_all_that_is_printed_and_works_until_revoked(shell, opened):
    done = shell(
        "key", "看板", "--scope", "metrics:read,ledger:read", "--street", XINBEI.code, "--days", "30"
    )
    key = done.stdout.strip()
    assert (done.returncode, done.stderr, done.stdout) == (0, "", f"{key}\n")
    actor = await ApiKeys(opened).verify(key)
    assert (actor.role, actor.scopes) == (Role.SCRIPT, {Scope.METRICS_READ, Scope.LEDGER_READ})
    with clock.at(clock.now() + timedelta(days=31)), pytest.raises(Exception, match="密钥无效"):
        await ApiKeys(opened).verify(key)
    assert (await audit_rows(opened, "key_made"))[-1][1]["name"] == "看板"
    prefix = "_".join(key.split("_")[:2])
    assert "看板" in shell("key-revoke", prefix).stdout
    with pytest.raises(Exception, match="密钥无效"):
        await ApiKeys(opened).verify(key)
    assert key not in str(await audit_rows(opened, "key_made"))


def test_rotated_secrets_keep_old_tokens_and_old_data(shell, tmp_path):
    secrets_file = tmp_path / "secrets.json"
    before = dict(shell.environment)
    shell.environment["BANJIE_SECRETS_FILE"] = str(secrets_file)
    try:
        assert shell("secrets", "init").returncode == 0
        assert secrets_file.stat().st_mode & 0o777 == 0o600
        old = shell("token", "leader", "--street", XINBEI.code).stdout.strip()
        sealed = keyring.load(secrets_file).seal({"name": "王女士"}, b"ticket")
        running = Tokens(secrets_file)  # a process that read the file before
        for purpose in ("token", "data"):
            assert shell("secrets", "rotate", purpose).returncode == 0
        new = shell("token", "leader", "--street", XINBEI.code).stdout.strip()
    finally:
        shell.environment.clear()
        shell.environment.update(before)
    assert keyring.load(secrets_file).open(sealed, b"ticket") == {"name": "王女士"}
    assert Tokens(secrets_file).verify(old).id == running.verify(new).id
    assert old.split(".")[0] != new.split(".")[0]


async def test_parked_events_are_listed_and_put_back(shell, opened):
    now = clock.now()
    rows = []
    for number in range(3):
        event_id = keyring.UUID(int=(1 << 120) + number)
        rows.append({"street_id": XINBEI.id, "consumer": "metrics", "event_id": event_id, "next_at": now,
                     "offers": 41, "failures": 8, "parked_at": now, "error": "KeyError: 1"})  # fmt: skip
    async with opened.transaction([XINBEI.id]) as tx:
        for row in rows:
            await tx.execute(
                insert(events).values(
                    street_id=XINBEI.id, id=row["event_id"], type="ticket_moved", version=1, producer="routing",
                    payload={}, recorded_at=now,
                )
            )  # fmt: skip
        await tx.execute(insert(deliveries), rows)
    listed = shell("events", "--parked")
    assert listed.stdout.count("KeyError: 1") == 3
    assert shell("doctor").returncode == 1
    assert shell("events", "retry", str(rows[0]["event_id"])).stdout == "已放回 1 条\n"
    assert shell("events", "retry", "--all").stdout == "已放回 2 条\n"
    assert shell("events", "--parked").stdout == "没有已搁置的事件\n"
    async with opened.transaction([XINBEI.id]) as tx:
        left = await tx.raw.fetch("SELECT failures, offers, parked_at, error FROM deliveries")
        assert {tuple(row.values()) for row in left} == {(0, 0, None, None)}
        await tx.raw.execute("DELETE FROM deliveries")
    assert len(await audit_rows(opened, "events_retried")) == 2


async def test_migrate_lets_the_service_roles_in(shell):
    for _ in range(2):
        done = shell("migrate")
        assert (done.returncode, done.stderr) == (0, "")
    keys = keyring.load(shell.folder / "secrets.json")
    for service in ("intake", "routing", "metrics"):
        role = f"banjie_{service}"
        url = with_login(shell.environment["BANJIE_DATABASE_URL"], role, keys.database_password(role))
        connection = await asyncpg.connect(url)
        assert await connection.fetchval("SELECT current_user") == role
        await connection.close()


def test_doctor_says_what_is_good_and_what_is_not(shell):
    done = shell("doctor")
    assert done.returncode == 1  # no service runs here
    lines = done.stdout.splitlines()
    assert {line[0] for line in lines} <= {"✓", "✗", "!"}
    assert "✓ 数据库账号 banjie_metrics 可以登录" in lines
    assert sum(line.startswith("✗") for line in lines) == 3
    assert all("没有就绪" in line for line in lines if line.startswith("✗"))


def test_without_a_database_the_way_out_is_named(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "services.console.app", "events"],
        cwd=ROOT, env={"PATH": "/usr/bin:/bin", "BANJIE_DATA_DIR": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "make run" in done.stderr


def test_help_loads_nothing_heavy():
    code = (
        "import sys; sys.argv = ['banjie', '--help']\nfrom services.console.app import main\n"
        "try: main()\nexcept SystemExit: pass\nprint(*sys.modules)"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True, text=True
    )
    heavy = {
        "asyncpg",
        "fastapi",
        "sqlalchemy",
        "pydantic",
        "alembic",
        "arq",
        "cryptography",
        "chinese_calendar",
    }
    assert not heavy & set(loaded.stdout.split())


async def test_a_registry_is_written_out_examined_and_brought_in(shell, opened, tmp_path):
    street = ("--street", XINBEI.code)
    done = shell("registry", "check", *street)
    assert (done.returncode, done.stderr) == (0, "")
    assert "无空白、无重叠" in done.stdout
    done = shell("registry", "export", *street, str(tmp_path))
    assert done.returncode == 0, done.stderr
    files = sorted(str(path) for path in tmp_path.iterdir())
    assert len(files) == 13
    same = shell("registry", "import", *files, *street, "--apply")
    assert (same.returncode, same.stderr) == (0, "")
    assert "✗" not in same.stdout
    assert await audit_rows(opened, "registry_imported") == []
    tried = shell("registry", "import", "tests/console/people.csv", *street, "--list", "人员", "--apply")
    assert (tried.returncode, tried.stderr.strip()) == (2, "✗ 没有文件 tests/console/people.csv")
    people = tmp_path / "people.csv"
    people.write_text("工号,姓名\nnew-1,王新\n,张三\n", encoding="utf-8")
    command = ("registry", "import", str(people), *street, "--list", "staff")
    refused = shell(*command, "--apply")
    assert refused.returncode == 1
    assert "people.csv 第 3 行:工号不能为空" in refused.stdout
    assert "什么也没有写入" in refused.stdout
    assert shell(*command, "--apply", "--keep-good").returncode == 1
    async with opened.transaction([XINBEI.id], read_only=True) as tx:
        assert await tx.raw.fetchval("SELECT name FROM staff WHERE code = 'new-1'") == "王新"
        kept = await tx.raw.fetchrow("SELECT actor_role, kind, action FROM registry_changes")
    assert tuple(kept) == ("console", "staff", "added")
    assert [actor for actor, _ in await audit_rows(opened, "registry_imported")] == ["console"]


def test_a_classifier_is_measured_and_is_not_trained_from_too_little(shell, tmp_path):
    texts = tmp_path / "texts.csv"
    texts.write_text(
        "text,code,kind\n下水道堵了往外返污水,0301,help\n路灯坏了看不见路,0101,help\n", encoding="utf-8"
    )
    for words in ((), ("--street", XINBEI.code)):
        done = shell("evaluate", str(texts), *words)
        assert (done.returncode, done.stderr) == (0, "")
        assert "首选正确 50.00%(1/2)" in done.stdout
        assert "诉求类型正确 100%(2/2)" in done.stdout
        assert "0101 垃圾清运 → 0201 路灯照明 1 次" in done.stdout
    texts.write_text("text,code\n路灯坏了,9999\n", encoding="utf-8")
    for words, says in (
        (("evaluate", str(texts)), "没有这些代码:9999"), (("train",), "请写 --street"),
        (("train", "--street", XINBEI.code), "只有 0 张"), (("evaluate", str(tmp_path / "none.csv")), "读不了"),
    ):  # fmt: skip
        done = shell(*words)
        assert done.returncode == 2, done.stdout
        assert says in done.stderr


async def test_streets_are_recounted_each_in_a_process_of_its_own(shell, opened):
    other = XINBEI.id + 1
    async with opened.transaction([XINBEI.id, other]) as tx:
        await tx.raw.execute(
            "INSERT INTO streets (id, code, name, district, prefix, created_at) VALUES ($1, 'other', '某街道', '', 'QT', $2)",
            other, clock.now(),
        )  # fmt: skip
    done = shell("audit")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("✓") == 2
    async with opened.transaction([other]) as tx:
        await tx.raw.execute(
            "INSERT INTO totals (street_id, dimension, tier, cohort, step, key, closed) "
            "VALUES ($1, 'unit', 'mm', '2026-01-01', '2026-01-01', 'u1', 1)",
            other,
        )
    done = shell("audit", "--street", XINBEI.code, "--street", "other")
    assert done.returncode == 1
    assert "不符累计 1" in done.stdout.replace("\n", "").partition("✗ 某街道(other)")[2]
    assert "累计 unit mm 2026-01-01" in done.stdout


async def test_a_street_has_days_and_a_clock_policy_of_its_own(shell, opened, tmp_path):
    street = ("--street", XINBEI.code)
    day = ("calendar", "day", "2026-08-08", "off", *street, "--note", "台风停工")
    for _ in range(2):  # the same again changes nothing
        done = shell(*day)
        assert (done.returncode, done.stdout.strip()) == (0, "2026-08-08 不上班(台风停工)")
    refused = shell("calendar", "day", "2026-08-08", "holiday", *street, "--note", "x")
    assert (refused.returncode, refused.stderr.strip()) == (2, "✗ 只能是 off、half、work")
    file = tmp_path / "policy.json"
    for version in (1, 2):
        file.write_text(f'{{"max_extensions": {version}}}', encoding="utf-8")
        done = shell("calendar", "policy", str(file), *street, "--since", "2026-12-01")
        assert (done.returncode, done.stdout.strip()) == (0, f"时限方案第 {version} 版已登记")
    file.write_text('{"max_extensions": "many"}', encoding="utf-8")
    wrong = shell("calendar", "policy", str(file), *street)
    assert wrong.returncode == 2
    assert "max_extensions" in wrong.stderr
    async with opened.transaction([XINBEI.id], read_only=True) as tx:
        changes = await tx.raw.fetch("SELECT kind, code, action FROM registry_changes ORDER BY id")
        policies = await tx.raw.fetch("SELECT version, document FROM clock_policies ORDER BY version")
    assert [tuple(row) for row in changes if row["kind"] in {"local_day", "clock_policy"}] == [
        ("local_day", "2026-08-08", "added"), ("clock_policy", "1", "added"), ("clock_policy", "2", "changed"),
    ]  # fmt: skip
    assert [row["document"]["max_extensions"] for row in policies] == [1, 2]
    assert [a for a, _ in await audit_rows(opened, "local_day_set")] == ["console"]


async def test_doctor_warns_of_a_rule_that_has_switched_itself_off(shell, opened):
    async with opened.transaction([XINBEI.id]) as tx:
        await tx.raw.execute(
            "INSERT INTO routing_rule_states (street_id, code, version, enabled, reason, changed_at) "
            "VALUES ($1, 'S2-15', 1, false, '本街道现在没有“物业办”这个单位', $2)",
            XINBEI.id, clock.now(),
        )  # fmt: skip
    told = shell("doctor").stdout
    assert "派单规则 S2-15 已自行停用:本街道现在没有“物业办”这个单位" in told


async def test_dead_letters_of_a_webhook_are_queued_again(shell, opened):
    assert "还没有设置通知线路" in shell("webhooks").stdout
    now, made = clock.now(), {}
    async with opened.transaction([XINBEI.id]) as tx:
        for table in tenant_tables():
            if table.name in {"tickets", "notices", "notice_lines", "notice_sends"}:
                made[table.name] = make_row(table, XINBEI.id, made)
                made[table.name] |= (
                    {"host": "example.com", "name": "大屏"} if table.name == "notice_lines" else {}
                )
                made[table.name] |= {"state": "failed"} if table.name == "notice_sends" else {}
                await tx.execute(insert(table).values(**made[table.name]))
    line = made["notice_lines"]["id"]
    shown = shell("webhooks").stdout
    assert str(line) in shown
    assert "推送(webhook)" in shown
    assert "重新排队 1 条" in shell("webhooks", "replay", str(line)[:13]).stdout
    assert "重新排队 0 条" in shell("webhooks", "replay", "--all").stdout
    async with opened.transaction([XINBEI.id], read_only=True) as tx:
        [send] = await tx.raw.fetch("SELECT state, failures, next_at FROM notice_sends")
    assert (send["state"], send["failures"]) == ("queued", 0)
    assert send["next_at"] >= now
    assert (await audit_rows(opened, "notice_line_replayed"))[-1][1] == {"line": str(line), "count": 1}
