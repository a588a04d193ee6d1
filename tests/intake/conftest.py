"""What intake's tests say again and again."""

from uuid import UUID

import pytest
from sqlalchemy import func, insert, select

from services.intake.app import app
from shared import clock
from shared.lifecycle import FINAL, State
from shared.tables import ticket_states, tickets, transitions
from shared.terms import Role
from tests.intake.photos import photo


@pytest.fixture
def resident(actor_headers):
    return actor_headers(Role.RESIDENT)


@pytest.fixture
def clerk(actor_headers):
    return actor_headers(Role.CLERK)


@pytest.fixture
def state(intake):
    """The running application's state."""
    return app.state


@pytest.fixture
def submit(intake, resident):
    """`await submit(headers=…, content=…, …)` hands a request in and returns its receipt."""

    async def post(headers=None, **body):
        body.setdefault("content", "3号楼前下水道堵了,污水往外冒")
        answer = await intake.post("/v1/tickets", json=body, headers=headers or resident)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return post


@pytest.fixture
def count(owner, street):
    """`await count(table)` → how many rows the test's street has in it."""

    async def rows(table) -> int:
        async with owner.transaction([street.id], read_only=True) as tx:
            return (await tx.one(select(func.count().label("n")).select_from(table))).n

    return rows


@pytest.fixture
def stored(owner, street):
    """`await stored(ticket)` → its row in `tickets`."""

    async def row(ticket):
        async with owner.transaction([street.id], read_only=True) as tx:
            return await tx.one(select(tickets).where(tickets.c.id == UUID(ticket["id"])))

    return row


@pytest.fixture
def stand(owner, street):
    """`await stand(ticket, state, moves=…, …)` puts a ticket where routing would have put it.

    `moves`: (action, from_state, to_state[, columns]) in order; by default one that leads to `state`.
    """

    async def put(ticket, state, moves=None, **columns):
        now = clock.now()
        ticket_id = UUID(ticket["id"])
        if moves is None:
            moves = [("close" if state is State.CLOSED else "accept", State.SUBMITTED, state)]
        unit = street.unit("物业办")
        standing = {
            "street_id": street.id, "ticket_id": ticket_id, "number": ticket["number"], "state": state.value,
            "version": len(moves), "channel": ticket["channel"], "kind": "help", "category_code": "0101",
            "community_code": "c1", "grid_code": "g11", "mode": "quick", "level": "street", "owner_unit": unit,
            "due_at": None if state in FINAL else now.replace(year=now.year + 1), "lead_unit": unit,
            "due_provisional": False, "resolve_limit": "3wd", "received_at": now, "moved_at": now,
            "closed_at": now if state is State.CLOSED else None, "supervised": False, "return_count": 0,
            "urge_count": 0, "why": [],
        } | columns  # fmt: skip
        async with owner.transaction([street.id]) as tx:
            await tx.execute(ticket_states.delete().where(ticket_states.c.ticket_id == ticket_id))
            await tx.execute(insert(ticket_states).values(**standing))
            rows = [_move(street, ticket_id, seq, *move, now=now) for seq, move in enumerate(moves, start=1)]
            have = (
                await tx.one(select(func.count().label("n")).where(transitions.c.ticket_id == ticket_id))
            ).n
            await tx.insert_many(transitions, rows[have:])

    return put


def _move(street, ticket_id, seq, action, before, after, columns=None, *, now):
    return {
        "street_id": street.id, "ticket_id": ticket_id, "seq": seq, "action": action,
        "from_state": before.value, "to_state": after.value, "actor_id": ticket_id, "actor_role": "unit",
        "actor_unit": street.unit("物业办"), "reason": f"内部:{action}", "data": {}, "due_at": None,
        "lead_unit": street.unit("物业办"), "category_code": "0101", "community_code": "c1", "grid_code": "g11",
        "kind": "help", "mode": "quick", "level": "street", "outcome": None, "occurred_at": now,
        "recorded_at": now, "late": False,
    } | (columns or {})  # fmt: skip


@pytest.fixture
def upload(intake, resident):
    """`await upload(content, headers=…, name=…, status=201, **form)` hands a photo in and returns the answer."""

    async def post(content=None, headers=None, name="photo.jpg", status=201, **form):
        content = photo() if content is None else content
        files = {"file": (name, content, "image/jpeg")}
        answer = await intake.post("/v1/attachments", files=files, data=form, headers=headers or resident)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post
