"""A ledger from the shell into the rates, through real processes, some of which are killed meanwhile."""

import asyncio
import json
import re

import httpx
import pytest

from tests.flow.instance import STREET, Instance, until
from tests.intake.ledgers import LEAST, as_csv, as_xlsx

pytestmark = pytest.mark.flow
ROWS = 4000
CLOSED = LEAST | {
    "received_at": "2026-03-02 09:00", "lead_unit": "物业办", "category_code": "0101", "dispatched_at": "2026-03-02 10:00",
    "due_at": "2026-03-10", "handled_at": "2026-03-06", "closed_at": "2026-03-09", "reporter_phone": "13812345678",
}  # fmt: skip
COUNTS = re.compile(r"共 (\d+) 行:新建 (\d+),更新 (\d+),没有变化 (\d+),有误 (\d+)")


@pytest.fixture(scope="module")
def house():
    with Instance() as house:
        yield house


def counts(text):
    found = COUNTS.search(text)
    assert found, text
    return tuple(int(n) for n in found.groups())


def test_rules_go_out_and_come_in_again_tried_first(house, tmp_path):
    out = json.loads(house.run("rules", "export", "--street", STREET))
    assert "S2-15" in {rule["code"] for rule in out}
    file = tmp_path / "rules.json"
    wrong = out[0] | {"code": "X", "result": {"lead_unit": "没有这个办"}}
    changed = [rule | {"note": "改过"} if rule["code"] == "S2-15" else rule for rule in out]
    file.write_text(json.dumps([*changed, wrong]), encoding="utf-8")
    tried = house.run("rules", "import", str(file), "--street", STREET, check=False)
    assert (tried.returncode, tried.stdout.count("✓"), tried.stdout.count("✗")) == (1, 1, 1)
    assert json.loads(house.run("rules", "export", "--street", STREET)) == out
    file.write_text(json.dumps(changed), encoding="utf-8")
    assert "第2版已记录" in house.run("rules", "import", str(file), "--street", STREET, "--apply")
    assert json.loads(house.run("rules", "export", "--street", STREET)) == changed


def test_from_the_shell_into_the_rates(house, tmp_path):
    good, bad = tmp_path / "good.xlsx", tmp_path / "bad.csv"
    rows = [
        CLOSED | {"number": f"S-{n}", "received_at": "2025-03-02 09:00", "category_code": "井盖"}
        for n in range(30)
    ]
    good.write_bytes(as_xlsx([row | {"due_at": "2026-03-10"} for row in rows]))
    assert counts(house.run("import", str(good), "--street", STREET)) == (30, 30, 0, 0, 0)
    assert counts(house.run("import", str(good), "--street", STREET)) == (30, 0, 0, 30, 0)
    headers = {"Authorization": f"Bearer {house.token('leader')}"}
    query = {"street": STREET, "variant": "received", "from": "2025-03-01", "to": "2025-03-31"}
    answer = httpx.get(f"{house.url['metrics']}/v1/rates/closure_rate", params=query, headers=headers).json()
    assert (answer["total"]["numerator"], answer["total"]["denominator"]) == (30, 30)
    bad.write_bytes(as_csv([rows[0] | {"number": "B-1"}, rows[0] | {"number": "B-2", "channel": "抖音"}]))
    done = house.run("import", str(bad), "--street", STREET, check=False)
    assert done.returncode == 1
    assert counts(done.stdout) == (2, 1, 0, 0, 1)
    assert "第 3 行" in done.stdout
    for arguments, told in (
        ((str(tmp_path / "nowhere.csv"), "--street", STREET), "没有文件"),
        ((str(bad), "--street", "nowhere"), "没有代码"),
    ):
        done = house.run("import", *arguments, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
    bad.write_bytes("你好".encode())
    done = house.run("import", str(bad), "--street", STREET, check=False)
    assert done.returncode == 2
    assert "表头" in done.stderr


async def test_killed_meanwhile_nothing_is_lost_and_nothing_doubled(house):
    headers = {"Authorization": f"Bearer {house.token('clerk')}"}
    content = as_csv([CLOSED | {"content": f"第{n % 4000}件"} for n in range(ROWS)])
    async with httpx.AsyncClient(base_url=house.url["intake"], headers=headers, timeout=30) as client:
        answer = await client.post("/v1/imports", files={"file": ("a.csv", content)}, data={"street": STREET})
        where = f"/v1/imports/{answer.json()['id']}"

        async def is_at(rows):
            return (await client.get(where)).json()["rows"] >= rows

        for share, victim in enumerate(
            ("intake-worker", "routing-worker", "metrics-worker", "intake-worker"), start=1
        ):
            await until(lambda share=share: is_at(share * 700), 60)
            house.kill(victim)

        async def is_done():
            return (await client.get(where)).json()["state"] == "done"

        await until(is_done, 120, every=0.5)
        done = (await client.get(where)).json()
    assert (done["rows"], done["created"], done["rejected"]) == (ROWS, ROWS, 0)
    query = "SELECT (SELECT count(*) FROM tickets t JOIN import_rows r ON r.ticket_id = t.id AND r.import_id = $1)"
    async with house.database() as database:
        assert await database.fetchval(query, done["id"]) == ROWS
        assert await database.fetchval("SELECT count(*) FROM import_files") == 0
        assert await database.fetchval("SELECT count(*) FROM ticket_states WHERE state = 'closed'") >= ROWS
    audit = await asyncio.to_thread(house.run, "audit")
    assert "不符工单 0" in audit
