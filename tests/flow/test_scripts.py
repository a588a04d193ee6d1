"""The example scripts, run as their first lines say, with a key, against a real house."""

import subprocess
import sys
from datetime import timedelta

import httpx
import openpyxl
import pytest

from shared import clock
from shared.terms import Role
from tests.flow.course import STEPS, People
from tests.flow.instance import ROOT, STREET, Instance

pytestmark = pytest.mark.flow
EXAMPLES = sorted(p.stem for p in (ROOT / "services/console/examples").glob("*.py") if p.stem != "__init__")


@pytest.fixture(scope="module")
def house():
    with Instance() as house:
        yield house


@pytest.fixture(scope="module")
def numbers(house):
    """(a ticket closed in time, one handed in today that was due long ago), both in the books."""
    people = People(house)
    closed = people.bring(people.file(), len(STEPS))
    letter = {
        "content": "楼道里堆满杂物[/x]", "channel": "letter", "kind": "complaint", "street": STREET,
        "occurred_at": (clock.now() - timedelta(days=90)).isoformat(),
    }  # fmt: skip
    answer = httpx.post(
        f"{house.url['intake']}/v1/tickets", json=letter, headers=people.headers(Role.CLERK), timeout=20
    )
    assert answer.status_code == 201, answer.text
    late = answer.json()["number"]
    people.wait_for(late, "dispatched")
    people.until(
        lambda: people.ask("metrics", "/v1/counts", Role.LEADER, street=STREET, **{"from": "2020-01-01"}),
        lambda body: body["counts"]["received"] == 2 and body["counts"]["closed"] == 1,
    )
    return closed, late


@pytest.fixture(scope="module")
def run(house, numbers):
    """`run("weekly_ranking", …)` → what it printed, and how it ended."""
    key = house.run("key", "报表", "--scope", "metrics:read,ledger:read", "--street", STREET).strip()

    def script(name, *arguments, **env):
        done = subprocess.run(
            [sys.executable, "-m", f"services.console.examples.{name}", "--street", STREET, *arguments],
            cwd=ROOT, env=house.env | {"BANJIE_API_KEY": key, "COLUMNS": "140"} | env, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert not done.stderr or done.returncode, done.stderr
        return done.stdout + done.stderr, done.returncode

    return script


def cells(printed, first):
    """The cells of the line of a table that begins with `first`."""
    lines = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in printed.splitlines()]
    (found,) = [line for line in lines if line[0] == first]
    return found[1:]


def test_the_weekly_ranking(run):
    year, week, _ = clock.local_day(clock.now()).isocalendar()
    this_week = f"{year}-W{week:02d}"
    printed, code = run("weekly_ranking", "--week", this_week, "--least", "1")
    assert code == 0, printed
    assert f"{this_week} 按期办结率" in printed
    assert cells(printed, "1") == ["物业办", "1/1", "100%"]
    printed, _ = run("weekly_ranking", "--week", this_week)
    assert cells(printed, "—") == ["物业办", "1/1", "100%(样本过少)"]


def test_the_months_figures(run):
    month = f"{clock.local_day(clock.now()):%Y-%m}"
    printed, code = run("monthly_bulletin", "--month", month)
    assert code == 0, printed
    assert (cells(printed, "登记数"), cells(printed, "办结数")) == (["1"], ["1"])
    assert cells(printed, "满意率") == ["—(0/0)"]
    assert "100%(1/1)" in printed


def test_the_overdue_list(run, numbers, tmp_path):
    _, late = numbers
    file = tmp_path / "超期.xlsx"
    printed, code = run("overdue_list", "--save", str(file))
    assert code == 0, printed
    assert "超期未办结 1 件" in printed
    unit, _, since, content = cells(printed, late)
    assert unit != "未派单"
    assert since.endswith("天")
    assert content == "楼道里堆满杂物[/x]"
    lines = list(openpyxl.load_workbook(file, read_only=True).active.iter_rows(values_only=True))
    assert [line[0] for line in lines[1:]] == [late]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_runs_as_it_says_and_tells_what_it_lacks(run, name):
    printed, code = run(name)
    assert code == 0, printed
    printed, code = run(name, BANJIE_API_KEY="bjk_0_x")
    assert (code, "bad_api_key" in printed, "Traceback" in printed) == (1, True, False)
    printed, code = run(name, BANJIE_API_KEY="")
    assert (code, "BANJIE_API_KEY" in printed) == (1, True)
    usage = (ROOT / "services/console/examples" / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    assert f"python -m services.console.examples.{name} --street" in usage
