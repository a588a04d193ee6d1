"""`banjie up` with real processes: what it starts, what it hands to whom, what it leaves behind."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import pytest

from services.console.embedded import ports, process
from tests.fixtures.servers import ROOT

pytestmark = pytest.mark.flow
SERVICES = ("intake", "routing", "metrics")
PATIENCE = 120


@pytest.fixture(scope="module")
def instance():
    """`with instance() as …`: a data folder and an environment in which to run the command."""
    top = Path(tempfile.mkdtemp(prefix="banjie-up-"))
    top.chmod(0o755)  # embedded servers of root run as nobody
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BANJIE_")}
    environment["BANJIE_DATA_DIR"] = str(top / "data")
    environment |= {f"BANJIE_{service.upper()}_PORT": str(ports.choose()) for service in SERVICES}
    yield Instance(top / "data", environment)
    shutil.rmtree(top, ignore_errors=True)


class Instance:
    def __init__(self, data_dir, environment):
        self.data_dir, self.environment = data_dir, environment

    def run(self, *words, **changes):
        command = [sys.executable, "-m", "services.console.app", *words]
        env = self.environment | changes
        return subprocess.run(
            command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    def up(self, *words):
        return Up(self, words)

    def port(self, service):
        return int(self.environment[f"BANJIE_{service.upper()}_PORT"])


class Up:
    """A running `banjie up`; leaving the block is Ctrl-C."""

    def __init__(self, instance, words):
        self.instance, self.words = instance, words

    def __enter__(self):
        command = [sys.executable, "-m", "services.console.app", "up", *self.words]
        self.output = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=self.instance.environment,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = time.monotonic() + PATIENCE
        while "按 Ctrl-C 停止" not in self.text() and time.monotonic() < deadline:
            assert self.process.poll() is None, self.text()
            time.sleep(0.1)
        return self

    def text(self):
        self.output.seek(0)
        return self.output.read()

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(60) == 0, self.text()
        self.output.close()


def environment_of(pid):
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(word.decode().split("=", 1) for word in words if b"=" in word)


def test_a_first_start_a_stop_and_a_second_start(instance):
    with instance.up("--no-demo") as up:
        for service in SERVICES:
            url = f"http://127.0.0.1:{instance.port(service)}"
            assert urlopen(f"{url}/readyz").status == 200  # noqa: S310 - our own
            assert f"{url}/openapi.json" in up.text()
        written = instance.data_dir / "endpoints.json"
        assert written.stat().st_mode & 0o777 == 0o600
        secret = json.loads(written.read_text())["database_url"]
        _nobody_but_the_console_knows_the_owner(instance, secret)
        assert instance.run("seed", "demo").returncode == 0
        assert instance.run("doctor").returncode == 0
        assert "正被另一个办结实例使用" in instance.run("up").stderr
    assert not written.exists()
    with instance.up("--no-demo") as up:
        assert "新北街道(120116005)" in up.text()
        token = instance.run("token", "leader", "--street", "120116005").stdout.strip()
        assert token.count(".") == 2


def _nobody_but_the_console_knows_the_owner(instance, secret):
    for service in SERVICES:
        for task in ("app", "worker"):
            pid = process.read_pid(instance.data_dir / "run" / f"{service}-{task}.pid")
            known = environment_of(pid)
            assert "BANJIE_DATABASE_URL" not in known
            mine = [name for name in known if name.endswith("_DATABASE_URL")]
            assert mine == [f"BANJIE_{service.upper()}_DATABASE_URL"]
            assert secret not in known.values()
            folder = Path(known["BANJIE_DATA_DIR"])
            assert not (folder / "endpoints.json").exists()
            assert json.loads((folder / "secrets.json").read_text())["database"] == ""


def test_a_taken_port_is_named_with_the_variable_that_moves_it(instance):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = instance.run("up", "--no-demo", BANJIE_ROUTING_PORT=str(port))
    assert done.returncode == 2
    assert f"端口 {port} 已被其他程序占用" in done.stderr
    assert "BANJIE_ROUTING_PORT" in done.stderr


def test_a_database_that_does_not_answer_is_told(instance):
    done = instance.run("up", BANJIE_DATABASE_URL="postgresql://nobody@127.0.0.1:1/none")
    assert done.returncode == 2
    assert "数据库" in done.stderr
    assert "Traceback" not in done.stderr
