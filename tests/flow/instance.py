"""A whole house of its own: `banjie up` in a temporary folder on free ports, for flow, chaos and bench."""

import asyncio
import contextlib
import ctypes
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

import asyncpg
import httpx

ROOT = Path(__file__).parents[2]
SERVICES = ("intake", "routing", "metrics")
STREET = "120116005"
STREET_ID = 120116005


def free_ports(count):
    """Return ports that nobody listens on now, below those among which a house's own servers choose theirs."""
    found = []
    candidate = 10_000 + os.getpid() % 4_500  # ports.LOWEST is 15,000
    while len(found) < count:
        candidate += 7
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", candidate))
            found.append(candidate)
    return found


def _end_with_parent():
    """Let the house be told to stop when the tests are killed: nobody else would."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, Linux only


class Instance:
    """`with Instance() as house:` runs it; `house.url["intake"]`, `house.token(...)`, `house.kill(name)`."""

    def __init__(self, *, demo_tickets=False, **env):
        self.folder = Path(tempfile.mkdtemp(prefix="banjie-flow-"))
        self.folder.chmod(0o755)  # the database runs as nobody
        self.data = self.folder / "data"
        ports = dict(zip(SERVICES, free_ports(3), strict=True))
        self.url = {service: f"http://127.0.0.1:{port}" for service, port in ports.items()}
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("BANJIE_")}
        self.env = {
            **inherited,
            "BANJIE_DATA_DIR": str(self.data),
            **{f"BANJIE_{s.upper()}_PORT": str(p) for s, p in ports.items()},
            "BANJIE_RATE_LIMITS": "off",
            **env,
        }
        # the demo street alone, or with its three months of tickets
        self._arguments = [] if demo_tickets else ["--no-demo"]
        self.log = self.folder / "up.log"
        self.seconds_to_healthy = None
        self._keep = self._seeded = False

    def __enter__(self):
        started = time.monotonic()
        with self.log.open("w") as log:
            self._up = subprocess.Popen(
                [sys.executable, "-m", "services.console.app", "up", *self._arguments],
                cwd=ROOT, env=self.env, stdout=log, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=_end_with_parent,  # noqa: PLW1509 - one thread starts houses
            )  # fmt: skip
        try:
            self._wait_healthy(started + 60)
        except BaseException:
            self._stop()
            raise
        self.seconds_to_healthy = time.monotonic() - started
        if "--no-demo" in self._arguments and not self._seeded:
            self.run("seed", "demo")
            self._seeded = True
        return self

    def __exit__(self, *_):
        self._stop()

    def _wait_healthy(self, deadline):
        waiting = set(SERVICES)
        while waiting:
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"not healthy: {waiting}\n{self.log.read_text()[-4000:]}")
            for service in list(waiting):
                with contextlib.suppress(httpx.HTTPError):
                    if httpx.get(f"{self.url[service]}/readyz", timeout=2).status_code == 200:
                        waiting.discard(service)
            time.sleep(0.02)

    def _stop(self):
        if self._up.poll() is None:
            self._up.send_signal(signal.SIGINT)
            try:
                self._up.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self._up.pid, signal.SIGKILL)
        if not self._keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    @contextlib.contextmanager
    def kept(self):
        """Keep the folder meanwhile, so that the house can be entered again with what is in it."""
        self._keep = True
        try:
            yield
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def process_id(self):
        return self._up.pid

    def run(self, *arguments, check=True):
        """Run a `banjie` command against this house; return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "services.console.app", *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if check and done.returncode:
            raise RuntimeError(
                f"banjie {' '.join(arguments)}: {done.returncode}\n{done.stdout}\n{done.stderr}"
            )
        return done if not check else done.stdout

    def token(self, role, *more):
        return self.run("token", role, "--street", STREET, *more).strip()

    def pid(self, name):
        return int((self.data / "run" / f"{name}.pid").read_text().split()[0])

    def kill(self, name):
        """Kill −9 one of its processes; the supervisor starts it again."""
        with contextlib.suppress(ProcessLookupError, FileNotFoundError, ValueError, IndexError):
            os.kill(self.pid(name), signal.SIGKILL)

    def owner_url(self):
        return self._endpoint("database_url")

    def redis_url(self):
        return self._endpoint("redis_url")

    def _endpoint(self, name):
        return json.loads((self.data / "endpoints.json").read_text())[name]

    @contextlib.asynccontextmanager
    async def database(self):
        """A connection as the owner, fenced to the demo street."""
        connection = await asyncpg.connect(self.owner_url(), timeout=10)
        try:
            await connection.execute(f"SET app.streets = '{STREET_ID}'")
            yield connection
        finally:
            await connection.close()


async def until(condition, seconds, *, every=0.05):
    """Wait until `await condition()` is true; fail with its last answer after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = await condition()
        if answer is True:
            return
        if time.monotonic() > deadline:
            raise AssertionError(f"not so within {seconds} s: {answer!r}")
        await asyncio.sleep(every)
