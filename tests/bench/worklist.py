"""`make bench-worklist`: the first page of the worklist of a street with 100,000 open tickets, for every role.

The tickets lie in the demo street, dealt out over its units, communities and grids, as many again are closed. They are
copied in; the questions go over HTTP, one after another.
"""

import asyncio
import os
import random
import time
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID, uuid5

import asyncpg
import orjson

from shared import clock
from shared.auth import NAMESPACE
from shared.lifecycle import State
from tests.bench.client import closed_loop, get
from tests.flow.instance import STREET_ID, Instance

OPEN_TICKETS = int(os.environ.get("WORKLIST", "100000"))
QUESTIONS, WARM = 300, 20
LIMIT_MS = 20
# how open tickets are spread over the states
_SHARES = {
    State.SUBMITTED: 1, State.ACCEPTED: 3, State.DISPATCHED: 20, State.SIGNED: 10, State.HANDLING: 50,
    State.SUSPENDED: 4, State.HANDLED: 6, State.CALLBACK: 6,
}  # fmt: skip
_AT_DESK = frozenset({State.SUBMITTED, State.ACCEPTED, State.HANDLED, State.CALLBACK})
_HELPED = 0.1
_TICKET = (
    "street_id", "id", "number", "channel", "content", "grid_code", "community_code", "anonymous", "confidential",
    "entered_by", "entered_role", "occurred_at", "recorded_at", "late",
)  # fmt: skip
_STATE = (
    "street_id", "ticket_id", "number", "state", "version", "channel", "kind", "category_code", "community_code", "grid_code",
    "mode", "level", "owner_unit", "due_at", "lead_unit", "due_provisional", "resolve_limit", "received_at", "moved_at",
    "handled_at", "closed_at", "suspended_at", "supervised", "return_count", "urge_count", "disputed", "assignee_id", "why",
)  # fmt: skip
# who asks → role and unit of the token (a unit that the street has), and what is asked
ROLES = {
    "supervisor": ("supervisor", None), "dispatcher": ("dispatcher", None), "callback_clerk": ("callback_clerk", None),
    "leader": ("leader", None), "unit": ("unit", "物业办"), "unit with little": ("unit", "paichusuo"),
    "community": ("community", "c"), "grid_worker": ("grid_worker", "c"),
}  # fmt: skip
FILTERS = (
    "",
    "overdue=true",
    "state=suspended",
    "supervised=true",
    "category={category}",
    "grid={grid}",
    "mine=true",
)


class Street:
    """The demo street as it has been laid out, and tickets dealt out over it by the same chance each time."""

    def __init__(self, units, grids, categories, staff):
        self.desk = next(u["code"] for u in units if u["is_desk"])
        self.leads = [u["code"] for u in units if not u["is_desk"]]
        self.committee = next(u["code"] for u in units if u["community_code"] is not None)
        self.grids, self.staff = grids, staff
        self.categories = categories
        self.chance = random.Random(1)
        self.now = clock.now()

    def ticket(self, number, *, closed):
        chance, now = self.chance, self.now
        state = State.CLOSED if closed else chance.choices(list(_SHARES), list(_SHARES.values()))[0]
        grid = chance.choice(self.grids)
        category = chance.choice(self.categories)
        # half go to a few units, as everywhere
        lead = (
            None
            if state in {State.SUBMITTED, State.ACCEPTED}
            else self.leads[int(len(self.leads) * chance.random() ** 2)]
        )
        received = now - timedelta(hours=chance.uniform(1, 24 * (60 if closed else 20)))
        due = received + timedelta(days=chance.choice((3, 5, 10, 20)))
        who = uuid5(NAMESPACE, f"bench/{number}")
        ticket = (
            STREET_ID, who, f"BW{number:09d}", "hotline", f"路灯不亮,第{number}件", grid["code"], grid["community_code"],
            True, False, UUID(int=0), "clerk", received, received, False,
        )  # fmt: skip
        handled = (
            received + timedelta(hours=20) if state in {State.HANDLED, State.CALLBACK, State.CLOSED} else None
        )
        standing = (
            STREET_ID, who, f"BW{number:09d}", state.value, 5, "hotline", "help", category, grid["community_code"],
            grid["code"], "normal", "street", None if closed else self.desk if state in _AT_DESK else lead, due, lead,
            False, "3wd", received, received, handled, handled if closed else None,
            now if state is State.SUSPENDED else None, chance.random() < 0.01, 0, 0, chance.random() < 0.0005,
            chance.choice(self.staff) if lead and chance.random() < 0.5 else None, "[]",
        )  # fmt: skip
        return ticket, standing


async def fill(house):
    """Lay the tickets into the house's demo street; return it."""
    # COPY goes past row security only for a superuser: this is a bench, not a service.
    password = (house.data / "postgres.password").read_text().strip()
    connection = await asyncpg.connect(
        f"postgresql://postgres:{password}@{house.owner_url().rpartition('@')[2]}"
    )
    try:
        rows = {
            table: await connection.fetch(f"SELECT * FROM {table} WHERE street_id = {STREET_ID} ORDER BY 2")
            for table in ("units", "grids", "categories", "staff")
        }
        street = Street(
            rows["units"],
            rows["grids"],
            [r["code"] for r in rows["categories"]],
            [r["id"] for r in rows["staff"]],
        )
        made = [street.ticket(n, closed=n % 2 == 1) for n in range(2 * OPEN_TICKETS)]
        await connection.copy_records_to_table("tickets", records=[t for t, _ in made], columns=_TICKET)
        await connection.copy_records_to_table("ticket_states", records=[s for _, s in made], columns=_STATE)
        helped = [
            (STREET_ID, t[1], street.chance.choice(street.leads), "assist", street.now)
            for t, s in made
            if street.chance.random() < _HELPED
        ]
        columns = ("street_id", "ticket_id", "unit_code", "kind", "asked_at")
        await connection.copy_records_to_table("parts", records=helped, columns=columns)
        await connection.execute("VACUUM ANALYZE tickets, ticket_states, parts, staff_posts, crews, staff")
        return street
    finally:
        await connection.close()


def spread(latencies):
    ordered = sorted(latencies)
    return ordered[len(ordered) // 2] * 1000, ordered[int(len(ordered) * 0.99)] * 1000


async def main():
    with Instance(BANJIE_RATE_LIMITS="off") as house:
        started = time.perf_counter()
        street = await fill(house)
        print(
            f"({OPEN_TICKETS} open tickets and as many closed made in {time.perf_counter() - started:.0f} s)",
            flush=True,
        )
        port = int(house.url["routing"].rsplit(":", 1)[1])
        for name, (role, unit) in ROLES.items():
            more = ("--unit", street.committee if unit == "c" else unit) if unit else ()
            headers = {"Authorization": f"Bearer {house.token(role, *more)}"}
            for filters in FILTERS if name in {"leader", "unit", "grid_worker"} else ("",):
                query = filters.format(category=street.categories[7], grid=street.grids[5]["code"])
                asked = [get(f"/v1/worklist?{quote(query, safe='=&')}", headers)] * QUESTIONS
                await closed_loop(port, asked[:WARM], 1)
                measured = await closed_loop(port, asked, 1, keep=True)
                assert set(measured.statuses) == {200}, measured.statuses
                p50, p99 = spread(measured.latencies)
                shown = len(orjson.loads(measured.bodies[0])["items"])
                print(
                    f"worklist, {name:<16} {query:<24} p50 {p50:5.1f} ms, p99 {p99:5.1f} ms   (≤ {LIMIT_MS}; {shown} shown)",
                    flush=True,
                )
        headers = {"Authorization": f"Bearer {house.token('leader')}"}
        for path in ("/v1/board", "/v1/workload", "/v1/board/gaps"):
            measured = await closed_loop(port, [get(path, headers)] * 10, 1)
            assert set(measured.statuses) == {200}, measured.statuses
            print(f"{path:<44} p50 {spread(measured.latencies)[0]:5.1f} ms", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
