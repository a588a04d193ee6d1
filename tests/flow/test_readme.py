"""The READMEs cannot rot: their commands are run against a real house, their tables held against the code."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from shared.settings import SERVICES, Settings
from tests.flow.instance import ROOT, Instance

pytestmark = pytest.mark.flow
PAGES = ("README.md", "README.zh.md")
PORTS = dict(zip(SERVICES, ("localhost:8001", "localhost:8002", "localhost:8003"), strict=True))
every_page = pytest.mark.parametrize("page", PAGES)
# Instead of two seconds: as long as the workers take on a machine that is busy with other tests.
SETTLED = "until .venv/bin/banjie events | grep -q 没有等待的事件; do sleep 0.2; done"
# Stands before the real curl and keeps each answer's headers.
SHIM = '#!/bin/sh\nexec {curl} -D "$(mktemp {kept}/XXXXXX)" "$@"\n'


def text(page):
    return (ROOT / page).read_text(encoding="utf-8")


def scripts(page):
    return re.findall(r"<!-- tested -->\n```bash\n(.*?)```", text(page), re.DOTALL)


@pytest.fixture(scope="module")
def house():
    with Instance() as house:
        yield house


@pytest.fixture
def terminal(house, tmp_path):
    """Run a page's commands as printed, but for ports and patience; return (what was printed, statuses)."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    kept = tmp_path / "kept"
    kept.mkdir()
    shim = tmp_path / "curl"
    shim.write_text(SHIM.format(curl=curl, kept=kept))
    shim.chmod(0o755)
    env = house.env | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}

    def run(script):
        for service, address in PORTS.items():
            script = script.replace(address, house.url[service].removeprefix("http://"))
        banjie = f"{sys.executable} -m services.console.app"
        script = script.replace("sleep 2", SETTLED).replace(".venv/bin/banjie", banjie)
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout, [int(file.read_text().split()[1]) for file in kept.iterdir()]

    return run


@every_page
def test_every_curl_line_works_as_printed(page, terminal):
    (script,) = scripts(page)
    printed, statuses = terminal(script)
    assert len(statuses) == len(re.findall(r"\bcurl -s", script)) - 1 + len(
        re.findall("^act ", script, re.MULTILINE)
    )
    assert all(200 <= status < 300 for status in statuses), printed
    assert '"state":"closed"' in printed
    assert '"display":"100%"' in printed


@every_page
def test_every_setting_is_in_the_table_with_its_default(page):
    rows = dict(re.findall(r"^\| (`BANJIE_.*?) \| (.*?) \|", text(page), re.MULTILINE))
    named = {}
    for names, defaults in rows.items():
        variables, values = re.findall(r"`BANJIE_(\w+)`", names), re.findall("`([^`]*)`", defaults)
        named |= dict(
            zip(variables, values if len(values) == len(variables) else [None] * len(variables), strict=True)
        )
    assert {name.lower() for name in named} == set(Settings.model_fields)
    for name, value in named.items():
        if value is not None and "secrets.json" not in value:
            assert value == str(Settings.model_fields[name.lower()].default), name


@every_page
def test_every_command_of_banjie_is_one(page):
    """`banjie WORD …` in the text names a command there is."""
    words = set(re.findall(r"\bbanjie ([a-z][a-z-]*)", text(page)))
    shown = subprocess.run(
        [sys.executable, "-m", "services.console.app", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert not [word for word in words if not re.search(rf"^\W*{word}\b", shown, re.MULTILINE)]


def test_both_pages_say_the_same():
    """The twins have the same sections and tables and, comments aside, run the same commands."""

    def shape(page):
        lines = re.sub(
            r"<!-- measured:begin -->.*<!-- measured:end -->", "", text(page), flags=re.DOTALL
        ).splitlines()
        return [
            line.split(" ")[0] if line.startswith("#") else "|" for line in lines if re.match(r"#+ |\|", line)
        ]

    def commands(page):
        return [re.sub(r"\s*#.*", "", block) for block in scripts(page)]

    assert commands(PAGES[0]) == commands(PAGES[1])
    assert shape(PAGES[0]) == shape(PAGES[1])
    assert all(len(text(page).splitlines()) <= 250 for page in PAGES)
