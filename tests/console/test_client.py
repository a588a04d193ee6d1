"""The client for scripts: against the real services in this process, and against a network that misbehaves."""

import asyncio
import csv
import io
import random
import subprocess
import sys
from collections import Counter
from dataclasses import fields
from datetime import UTC, date, datetime

import httpx
import openpyxl
import pytest

from services.console.client import Addresses, Banjie, BanjieError, LedgerRow
from services.metrics.book import book
from services.metrics.ledger.columns import COLUMNS
from shared import clock
from shared.tables import tickets
from tests.fixtures.servers import ROOT
from tests.metrics import histories

SINCE, UNTIL = date(2025, 11, 1), date(2026, 4, 2)
PROBLEM = {
    "type": "urn:banjie:problem:x", "title": "填写的内容有误", "status": 422, "detail": "没有这个率", "code": "no_rate",
    "trace_id": "0123456789abcdef", "errors": [{"field": "rate", "message": "没有"}],
}  # fmt: skip
EMPTY = {"items": [], "next_cursor": None, "has_more": False}


# --- against the real services


class Bridge(httpx.BaseTransport):
    """Takes a thread's calls to the application that lives in the tests' event loop."""

    def __init__(self, client, loop):
        self._client, self._loop = client, loop

    def handle_request(self, request):
        request.read()
        headers = {name: request.headers[name] for name in ("x-api-key",)}
        sent = self._client.request(
            request.method, str(request.url), headers=headers, content=request.content
        )
        answer = asyncio.run_coroutine_threadsafe(sent, self._loop).result(30)
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)


@pytest.fixture
async def ledger(processes, street):
    """130 tickets of a winter, received and nothing more; in the books."""
    with clock.at(histories.NOW):
        made = [ticket for ticket, _ in histories.ledger(random.Random(3), street.id, 130)]
        async with processes("intake").database.transaction([street.id]) as tx:
            await tx.insert_many(tickets, made)
        async with processes("metrics").database.transaction([street.id]) as tx:
            await book(tx, street.id, [ticket["id"] for ticket in made])
        yield made


@pytest.fixture
def ask(metrics, street, api_key, ledger):
    """`await ask(lambda banjie: …)` → what a script's thread gets."""

    async def run(question, *scopes, **options):
        key = (await api_key(*(scopes or ("metrics:read", "ledger:read"))))["X-API-Key"]
        bridge = Bridge(metrics, asyncio.get_running_loop())
        banjie = Banjie(
            key, street=street.code, addresses=Addresses(metrics="http://test"), transport=bridge, **options
        )
        with banjie:
            return await asyncio.to_thread(question, banjie)

    return run


async def test_every_page_of_the_ledger_comes_typed(ask, ledger):
    rows = await ask(lambda banjie: list(banjie.ledger(since=SINCE, until=UNTIL)))
    assert [row.number for row in rows] == [
        t["number"] for t in sorted(ledger, key=lambda t: (t["occurred_at"], t["id"]))
    ]
    one, told = rows[0], min(ledger, key=lambda t: (t["occurred_at"], t["id"]))
    assert one.received_at == told["occurred_at"]
    assert (one.disposition, one.stage, one.closed_at, one.return_count) == ("pending", "topic", None, 0)
    few = await ask(lambda banjie: list(banjie.ledger(channel="hotline")))
    assert len(few) == sum(t["channel"] == "hotline" for t in ledger)


def test_a_row_has_every_column_of_the_ledger():
    assert [f.name for f in fields(LedgerRow)] == list(COLUMNS)
    instants = {f.name for f in fields(LedgerRow) if f.type in {datetime, datetime | None}}
    assert instants == {name for name, column in COLUMNS.items() if column.holds == "instant"}


async def test_files_are_saved_whole(ask, ledger, tmp_path):
    table = await ask(lambda banjie: banjie.download_ledger(tmp_path / "台账.csv", headers="en"))
    lines = list(csv.reader(table.read_text(encoding="utf-8-sig").splitlines()))
    assert (lines[0], len(lines)) == (list(COLUMNS), len(ledger) + 1)
    sheet = await ask(lambda banjie: banjie.download_ledger(str(tmp_path / "一月"), "xlsx", since=SINCE))
    assert openpyxl.load_workbook(io.BytesIO(sheet.read_bytes())).active.max_row == len(ledger) + 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["一月", "台账.csv"]
    with pytest.raises(BanjieError, match="可选值"):
        await ask(lambda banjie: banjie.download_ledger(tmp_path / "台账.pdf"))
    assert not (tmp_path / "台账.pdf").exists()


async def test_figures_and_the_tickets_behind_them(ask, ledger):
    window = {"since": SINCE, "until": UNTIL}
    rate = await ask(lambda b: b.rate("closure_rate", variant="received", by="channel", **window))
    assert (rate.rate, rate.variant, rate.label, rate.population) == (
        "closure_rate",
        "received",
        "办结率",
        "all",
    )
    assert (rate.window.first, rate.window.last, rate.window.basis) == (SINCE, UNTIL, "cohort")
    assert rate.as_of == histories.NOW.replace(microsecond=123_000)
    assert (rate.total.numerator, rate.total.denominator, rate.total.display) == (0, 130, "0.00%")
    assert {row.key: row.denominator for row in rate.rows} == Counter(t["channel"] for t in ledger)
    earlier = await ask(
        lambda b: b.rate(
            "closure_rate", variant="received", as_of=datetime(2025, 11, 2, tzinfo=UTC), **window
        )
    )
    assert (earlier.total.denominator, earlier.total.value, earlier.total.display) == (0, None, "—")
    behind = await ask(
        lambda b: list(b.evidence("closure_rate", "gap", variant="received", channel="hotline", **window))
    )
    assert {e.number for e in behind} == {t["number"] for t in ledger if t["channel"] == "hotline"}
    assert behind[0].received_at <= behind[-1].received_at


async def test_counts_funnels_rankings_and_the_catalogue(ask, ledger):
    window = {"since": SINCE, "until": UNTIL}
    counts = await ask(lambda b: b.counts(by="channel", **window))
    assert (counts.counts["received"], counts.labels["received"]) == (130, "登记数")
    assert {row.key: row.counts["received"] for row in counts.rows} == Counter(t["channel"] for t in ledger)
    funnel = await ask(lambda b: b.funnel(**window))
    assert (funnel.stages[0].stage, funnel.stages[0].count) == ("topic", 130)
    assert funnel.conversions[0].numerator == 0
    ranking = await ask(
        lambda b: b.rankings("closure_rate", variant="received", by="channel", least=1, **window)
    )
    assert {(row.rank, row.tied, row.value) for row in ranking.rows} == {(1, True, 0.0)}
    none = await ask(
        lambda b: b.rankings("closure_rate", variant="received", by="channel", least=1000, **window)
    )
    assert (len(none.rows), {(row.rank, row.few) for row in none.unranked}) == (0, {(None, True)})
    catalogue = {entry.rate: entry for entry in await ask(lambda b: b.catalogue())}
    assert "received" in [v.variant for v in catalogue["closure_rate"].variants]


async def test_refusals_say_why(ask):
    with pytest.raises(BanjieError) as refused:
        await ask(lambda b: b.rate("closure_rate", variant="nonsense"))
    error = refused.value
    assert (error.status, error.code) == (422, "unknown_variant")
    assert error.trace_id in str(error)
    assert not error.detail.isascii()
    with pytest.raises(BanjieError) as refused:
        await ask(lambda b: list(b.ledger()), "metrics:read")
    assert (refused.value.status, refused.value.code) == (403, "missing_scope")


# --- against a network that misbehaves


@pytest.fixture
def scripted():
    """`scripted(answers, …)` → (a client that gets these answers one after the other, requests, pauses)."""

    def make(*answers, **options):
        asked, waited, left = [], [], iter(answers)

        def handle(request):
            request.read()
            asked.append(request)
            answer = next(left)
            if isinstance(answer, Exception):
                raise answer
            return answer

        banjie = Banjie("bjk_x", pause=waited.append, transport=httpx.MockTransport(handle), **options)
        return banjie, asked, waited

    return make


def good(body):
    return httpx.Response(200, json=body)


def busy(seconds=None):
    return httpx.Response(
        503, json=PROBLEM | {"status": 503}, headers={"Retry-After": seconds} if seconds else {}
    )


def test_patience_with_what_passes(scripted):
    banjie, asked, waited = scripted(
        httpx.ConnectError("refused"), busy(), busy("7"), httpx.ReadTimeout("slow"), good([])
    )
    assert banjie.catalogue() == []
    assert len(asked) == 5
    assert waited == [0.5, 1.0, 7.0, 4.0]
    assert {request.headers["x-api-key"] for request in asked} == {"bjk_x"}


def test_patience_ends(scripted):
    banjie, asked, _ = scripted(*[httpx.ConnectError("refused")] * 9)
    with pytest.raises(BanjieError) as refused:
        banjie.catalogue()
    assert (refused.value.status, refused.value.code, len(asked)) == (0, "unreachable", 5)
    banjie, asked, waited = scripted(*[busy("9999")] * 9)
    with pytest.raises(BanjieError) as refused:
        banjie.catalogue()
    assert (refused.value.status, len(asked), max(waited)) == (503, 5, 30.0)


def test_what_is_refused_is_not_asked_again(scripted):
    banjie, asked, _ = scripted(httpx.Response(422, json=PROBLEM))
    with pytest.raises(BanjieError) as refused:
        banjie.rate("none")
    error = refused.value
    assert (error.code, error.detail, error.trace_id) == ("no_rate", "没有这个率", "0123456789abcdef")
    assert error.errors == (("rate", "没有"),)
    assert len(asked) == 1


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[]", b"{}", b"\xff", b'{"errors": null}'])
def test_a_gateways_own_page_is_an_error_like_others(scripted, body):
    banjie, _, _ = scripted(httpx.Response(502, content=body))
    with pytest.raises(BanjieError) as refused:
        banjie.counts()
    assert (refused.value.status, refused.value.code) == (502, "http_502")


def test_questions_are_written_as_the_services_read_them(scripted):
    banjie, asked, _ = scripted(good(EMPTY), street="120116005", addresses="https://banjie.example/")
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert (
        list(
            banjie.ledger(since=SINCE, overdue=True, unit="物业办", by=("unit", "kind"), as_of=at, kind=None)
        )
        == []
    )
    (request,) = asked
    assert (request.url.host, request.url.path) == ("banjie.example", "/metrics-api/v1/ledger")
    assert dict(request.url.params) == {
        "limit": "100", "street": "120116005", "from": "2025-11-01", "overdue": "true", "unit": "物业办",
        "by": "unit,kind", "as_of": "2026-03-01T00:00:00+00:00",
    }  # fmt: skip


def test_pages_are_asked_for_as_they_are_used(scripted):
    texts = ("street", "state", "state_text", "channel", "kind", "category", "community", "grid", "unit")
    item = dict.fromkeys(texts, "x") | {
        "received_at": "2026-03-01T08:00:00.000+08:00",
        "due_at": None,
        "closed_at": None,
    }
    first = {"items": [item | {"number": n, "new": 1} for n in "12"], "next_cursor": "c2", "has_more": True}
    last = {"items": [item | {"number": "3"}], "next_cursor": None, "has_more": False}
    banjie, asked, _ = scripted(good(first), busy(), good(last))
    behind = banjie.evidence("closure_rate", "numerator")
    assert [next(behind).number, next(behind).number, len(asked)] == ["1", "2", 1]
    assert [(e.number, e.received_at) for e in behind] == [("3", datetime(2026, 3, 1, tzinfo=UTC))]
    assert [request.url.params.get("cursor") for request in asked] == [None, "c2", "c2"]


def test_a_download_that_breaks_is_begun_again(scripted, tmp_path):
    def torn():
        yield b"half"
        raise httpx.ReadError("gone")

    class Torn(httpx.SyncByteStream):
        def __iter__(self):
            return torn()

    target = tmp_path / "台账.csv"
    target.write_bytes(b"old")
    banjie, asked, waited = scripted(
        httpx.Response(200, stream=Torn()), httpx.Response(200, content=b"whole")
    )
    assert banjie.download_ledger(target) == target
    assert (target.read_bytes(), len(asked), waited) == (b"whole", 2, [0.5])
    banjie, _, _ = scripted(httpx.Response(403, json=PROBLEM))
    with pytest.raises(BanjieError):
        banjie.download_ledger(target)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("台账.csv", b"whole")]


def test_a_ledger_is_sent_in_and_waited_for(scripted, tmp_path):
    file = tmp_path / "台账.csv"
    file.write_bytes("编号,内容\r\n".encode("utf-8-sig"))
    running = {"id": "7", "state": "running", "rows": 0, "accepted": 0, "rejected": 0, "errors": []}
    fault = {"line": 3, "column": "channel", "message": "可选值:hotline"}
    done = running | {
        "state": "done",
        "rows": 2,
        "accepted": 1,
        "rejected": 1,
        "errors": [fault],
        "unchanged": 0,
    }
    begun = httpx.Response(202, json={"id": "7"})
    banjie, asked, waited = scripted(
        busy(), begun, good(running), good(running), good(done), street="120116005"
    )
    result = banjie.import_ledger(file)
    assert (result.state, result.rows, result.accepted, result.rejected) == ("done", 2, 1, 1)
    assert (result.errors[0].line, result.errors[0].column) == (3, "channel")
    assert result.body["unchanged"] == 0
    assert [request.url.path for request in asked] == ["/v1/imports"] * 2 + ["/v1/imports/7"] * 3
    assert waited == [0.5, 1.0, 1.0]
    first, again = asked[:2]
    assert first.headers["idempotency-key"] == again.headers["idempotency-key"]
    assert b'name="street"' in first.content
    assert file.read_bytes() in again.content


def test_an_import_without_a_street_is_not_sent(scripted, tmp_path):
    banjie, asked, _ = scripted()
    with pytest.raises(BanjieError) as refused:
        banjie.import_ledger(tmp_path / "x.csv")
    assert (refused.value.code, asked) == ("street_required", [])


def test_an_import_that_lasts_is_told_as_running(scripted, tmp_path):
    file = tmp_path / "x.csv"
    file.write_bytes(b"x")
    running = {"id": "7", "state": "running", "rows": 0, "accepted": 0, "rejected": 0, "errors": []}
    banjie, _, _ = scripted(httpx.Response(202, json={"id": "7"}), good(running), street="1")
    assert banjie.import_ledger(file, patience=-1).state == "running"


# --- around it


def test_where_it_listens_comes_from_the_environment(monkeypatch):
    for name in ("BANJIE_URL", "BANJIE_HOST", "BANJIE_INTAKE_PORT", "BANJIE_METRICS_PORT", "BANJIE_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    assert Addresses.from_environment() == Addresses("http://127.0.0.1:8001", "http://127.0.0.1:8003")
    monkeypatch.setenv("BANJIE_HOST", "10.0.0.7")
    monkeypatch.setenv("BANJIE_METRICS_PORT", "9003")
    assert Addresses.from_environment() == Addresses("http://10.0.0.7:8001", "http://10.0.0.7:9003")
    monkeypatch.setenv("BANJIE_URL", "https://banjie.example/")
    assert Addresses.from_environment().metrics == "https://banjie.example/metrics-api"
    with pytest.raises(BanjieError, match="BANJIE_API_KEY"):
        Banjie.from_environment()


def test_it_loads_nothing_of_the_services():
    """A script's start is quick, and it runs where nothing but httpx is installed."""
    code = "import sys, services.console.client; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    heavy = {
        "sqlalchemy",
        "asyncpg",
        "fastapi",
        "pydantic",
        "arq",
        "shared",
        "services.metrics",
        "services.intake",
    }
    assert not heavy & set(loaded)
