"""A table of commitments brought in over the services: lists made once, each line one item, what is wrong named."""

import io
from datetime import UTC, datetime

import pytest
import xlsxwriter

from services.console.commitments import enter, told
from services.console.replay.api import Refused
from shared import clock
from shared.sheets.faults import NotATable
from shared.tables import checklists, tickets, undertakings
from shared.terms import Role

HEADER = "清单代码,清单名称,层级,年度,承诺人类型,承诺人,重大事项,户数,事项,分类,开始日期,完成日期,路线图,责任人,责任单位,最早反映"
LINES = [
    "QD1,办实事,街道,2026,领导班子成员,韩某,,超过3000户,修补道路,0202,2026-01-05,2026-06-30,征求意见→施工→验收,何某,城建办,2018年以来",
    "QD1,办实事,街道,2026,领导班子成员,韩某,,,补装路灯,0201,2026-01-05,2026-06-30,施工;验收,何某,城建办,",
    "ZD,重大事项,党组织,2026,党组织书记,孙某,是,,建停车场,0302,2026-01-05,2026-06-30,施工,孙某,物业办,",
]


@pytest.fixture(autouse=True)
def _a_monday():
    with clock.at(datetime(2026, 3, 2, 1, tzinfo=UTC)):
        yield


@pytest.fixture
def api(intake, routing, actor_headers, street):
    """The services as the import calls them, in this process."""

    class Inside:
        async def file(self, body, key):
            return (await self._post(intake, "/v1/tickets", body, Role.CLERK, key))["number"]

        async def write(self, path, body, role, key):
            return await self._post(routing, path, body, role, key)

        async def _post(self, client, path, body, role, key):
            headers = actor_headers(role) | {"Idempotency-Key": key}
            answer = await client.post(path, json=body, headers=headers)
            if answer.status_code >= 400:
                raise Refused(answer.status_code, answer.json(), f"POST {path}")
            return answer.json()

    return Inside()


@pytest.fixture
def kept(owner, street):
    async def rows(table):
        async with owner.transaction([street.id], read_only=True) as tx:
            return await tx.rows(table.select())

    return rows


def as_csv(*lines):
    return list(told("\n".join(["市西街道目标清单", HEADER, *lines]).encode("gb18030")))


async def test_lists_are_made_and_filled_once_however_often_they_are_brought(api, kept):
    for _ in range(2):
        assert await enter(api, as_csv(*LINES)) == []
        assert {(c.code, c.major, c.level, c.owner_kind) for c in await kept(checklists)} == {
            ("QD1", False, "street", "leader"), ("ZD", True, "party", "party_secretary"),
        }  # fmt: skip
        items = sorted(await kept(undertakings), key=lambda u: u.title)
        assert [u.title for u in items] == ["修补道路", "建停车场", "补装路灯"]
    assert (items[0].steps, items[0].first_reported["first"]) == (["征求意见", "施工", "验收"], "2018-01-01")
    [first] = [c for c in await kept(checklists) if c.code == "QD1"]
    assert first.households["said"] == "超过3000户"


async def test_a_faulty_line_is_named_and_keeps_no_other_out(api, kept):
    wrong = [
        LINES[0].replace("何某", ""), LINES[0].replace("街道,2026", "镇,2026").replace("QD1", "QD9"), LINES[0].replace("城建办", "没有这个办"),
    ]  # fmt: skip
    faults = await enter(api, as_csv(*wrong, LINES[2]))
    assert [line for line, _ in faults] == [3, 4, 5]
    assert "责任人" in faults[0][1]
    assert "应为街道、社区、党组织" in faults[1][1]
    assert "没有这个办" in faults[2][1]
    assert [u.title for u in await kept(undertakings)] == ["建停车场"]
    assert await enter(api, as_csv(LINES[0])) == []
    assert len(await kept(tickets)) == 2


def test_a_workbook_says_the_same_as_text():
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for number, line in enumerate([HEADER, *LINES]):
            for place, cell in enumerate(line.split(",")):
                sheet.write(number, place, int(cell) if cell == "2026" else cell)
    assert [line for _, line in told(stream.getvalue())] == [line for _, line in as_csv(*LINES)]


def test_a_table_without_its_header_is_refused():
    with pytest.raises(NotATable, match="找不到表头"):
        list(told("事项,责任人\n修路,何某".encode()))
