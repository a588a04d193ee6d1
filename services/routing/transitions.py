"""The one place where a ticket moves: lock the row, ask the lifecycle, append the history, update the state,
record the event, all in the caller's transaction. People, the automatic dispatch and the overdue sweep all
come through this door.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.routing import orders, oversight, rule_store
from services.routing.assign import Plan
from services.routing.closing import demands
from services.routing.held import Change, Part, Standing
from services.routing.ladder import store as supervision
from services.routing.registry import Registry
from services.routing.rules.book import Broken
from services.routing.standing import Decided, apply, registered
from services.routing.timing import policy_of
from services.routing.turn import take_turn
from shared import clock
from shared.auth import Actor
from shared.db import Transaction, insert_sql, values
from shared.events import TicketMovedV1, TicketsMovedV1
from shared.lifecycle import REGISTER, Relation, Situation, State, decide, follow
from shared.outbox import Outbox
from shared.tables import handover_slips, metadata, parts, ticket_states, transitions
from shared.terms import Role

SYSTEM = Actor(id=UUID(int=0), role=Role.SYSTEM, streets=frozenset())
_HANDS_OVER = frozenset({"dispatch", "designate"})
LATE = timedelta(seconds=60)  # recorded more than this after it happened: marked as a late entry

_LOCK = """
SELECT s.*, t.reporter_id, t.content, t.phone_index IS NOT NULL AS reachable, ARRAY(
  SELECT h.to_unit FROM handover_slips h LEFT JOIN slip_answers a ON a.street_id = $1 AND a.slip = h.slip
  WHERE h.street_id = $1 AND h.ticket_id = s.ticket_id AND a.slip IS NULL) AS handed_up
FROM ticket_states s JOIN tickets t ON t.street_id = s.street_id AND t.id = s.ticket_id
WHERE s.street_id = $1 AND s.ticket_id = ANY($2::uuid[]) ORDER BY s.ticket_id FOR UPDATE OF s"""
_PARTS = "SELECT * FROM parts WHERE street_id = $1 AND ticket_id = ANY($2::uuid[])"
_NEXT_SLIP = "SELECT coalesce(max(slip), 0) + 1 FROM handover_slips WHERE street_id = $1"
_PART_KEY = ("street_id", "ticket_id", "part")
_PART_COLUMNS = tuple(c.name for c in parts.c)
_PART = (
    f"{insert_sql(parts, _PART_COLUMNS)} ON CONFLICT ({', '.join(_PART_KEY)}) DO UPDATE SET "
    f"{', '.join(f'{name} = excluded.{name}' for name in _PART_COLUMNS if name not in _PART_KEY)}"
)
_FIXED = ("street_id", "ticket_id", "number", "channel", "received_at", "why")
_CHANGING = tuple(c.name for c in ticket_states.c if c.name not in _FIXED)
_WRITTEN = ("street_id", "ticket_id", *_CHANGING)
_UPDATE = (
    f"UPDATE ticket_states SET {', '.join(f'{name} = ${n}' for n, name in enumerate(_CHANGING, 3))} "  # noqa: S608
    "WHERE street_id = $1 AND ticket_id = $2"
)
_AFTER = (
    "due_at",
    "sign_due_at",
    "contact_due_at",
    "lead_unit",
    "category_code",
    "community_code",
    "grid_code",
    "kind",
    "mode",
    "level",
    "outcome",
)


class Door:
    """Moves tickets of one street inside one transaction; nothing is written until `write`."""

    def __init__(
        self, tx: Transaction, outbox: Outbox, registry: Registry, *, reopen_window_days: int = 30
    ) -> None:
        self._tx = tx
        self._outbox = outbox
        self._registry = registry
        self._reopen_window_days = reopen_window_days
        self._touched: dict[UUID, Standing] = {}
        self._history: list[dict[str, Any]] = []
        self._slips: list[dict[str, Any]] = []
        self._orders: list[dict[str, Any]] = []
        self._replies: list[dict[str, Any]] = []
        self._actions: dict[UUID, list[str]] = {}
        self._broken: dict[str, Broken] = {}

    async def lock(self, ticket_ids: Iterable[UUID]) -> dict[UUID, Standing]:
        """Lock these tickets, in one order everywhere, and return where they stand."""
        wanted, street = sorted(ticket_ids), self._registry.street_id
        rows = await self._tx.raw.fetch(_LOCK, street, wanted)
        found = {}
        for record in rows:
            row = dict(record)
            of_the_ticket = {name: row.pop(name) for name in ("reporter_id", "content", "reachable")}
            above = frozenset(row.pop("handed_up"))
            found[row["ticket_id"]] = Standing(row, **of_the_ticket, handed_up=above)
        if found:
            for part in await self._tx.raw.fetch(_PARTS, street, list(found)):
                known = {k: v for k, v in dict(part).items() if k not in {"street_id", "ticket_id"}}
                found[part["ticket_id"]].parts[part["part"]] = Part(**known)
        return found

    def register(self, ticket: Any, plan: Plan, moment: datetime) -> Standing:
        """Take over a ticket that intake has just made; its history begins."""
        standing = registered(ticket, plan, self._registry, moment)
        hands, rule = plan.hands, plan.hands.rule
        standing.row.update(
            level=hands.level, tags=list(hands.tags), about_unit=plan.about_unit, list_level=hands.list_level
        )
        self._broken |= {broken.rule.code: broken for broken in hands.verdict.broken}
        data: dict[str, Any] = {"certain": plan.certain, "list_level": hands.list_level}
        if rule is not None:
            data |= {"rule": rule.code, "rule_version": rule.version}
        self._note(standing, REGISTER, None, SYSTEM, moment, data)
        return standing

    def enrol(
        self,
        ticket: Any,
        decided: Decided,
        actor: Actor,
        moment: datetime,
        data: dict[str, Any],
        *,
        recorded_at: datetime,
        due_at: datetime | None,
    ) -> Standing:
        """Take over a ticket that came with a ledger; what is told of it follows by `tell`."""
        standing = registered(ticket, decided, self._registry, moment)
        standing.row["list_level"] = data.get("list_level")
        _set_deadline(standing, due_at)
        self._note(standing, REGISTER, None, actor, moment, data, recorded_at)
        return standing

    def tell(
        self,
        standing: Standing,
        action: str,
        actor: Actor,
        occurred_at: datetime,
        data: dict[str, Any],
        *,
        recorded_at: datetime,
        due_at: datetime | None,
    ) -> State:
        """Write down a move that a ledger tells of, or raise why it cannot have been (see `lifecycle.follow`).

        Whose move it was is not asked: `actor` brought the ledger in. `due_at`: the deadline in force by the
        ledger's own word; None leaves it to the limits.
        """
        before = standing.state
        after = follow(self.situation(standing), action, occurred_at=occurred_at, data=data)
        apply(action, after, Change(standing, self._registry, actor, occurred_at, data))
        _set_deadline(standing, due_at)
        self._note(standing, action, before, actor, occurred_at, data, recorded_at)
        return after

    def forget(self, ticket_id: UUID) -> None:
        """Take back what was moved of a ticket and not written yet; lock it anew to go on."""
        self._touched.pop(ticket_id, None)
        self._actions.pop(ticket_id, None)
        self._history = [row for row in self._history if row["ticket_id"] != ticket_id]
        self._slips = [row for row in self._slips if row["ticket_id"] != ticket_id]
        self._orders = [row for row in self._orders if row["ticket_id"] != ticket_id]

    def move(
        self,
        standing: Standing,
        action: str,
        actor: Actor,
        occurred_at: datetime,
        data: dict[str, Any] | None = None,
        relations: Iterable[Relation] | None = None,
    ) -> State:
        """Make one move, or raise why not (see `shared.lifecycle.decide`); return the new state."""
        data = dict(data or {})
        if relations is None:
            relations = standing.relations(actor, self._registry)
        before = standing.state
        after = decide(
            self.situation(standing), action,
            role=actor.role, relations=relations, occurred_at=occurred_at, data=data,
        )  # fmt: skip
        refusal = demands.barred(action, standing, actor)
        if refusal is not None:
            raise refusal
        demands.require(action, standing, self._registry, actor, occurred_at, data)
        helpers = self._complete(action, standing, actor, data)
        apply(action, after, Change(standing, self._registry, actor, occurred_at, data))
        self._note(standing, action, before, actor, occurred_at, data)
        for unit in helpers:
            self.move(standing, "assist", SYSTEM, occurred_at, {"unit": unit})
        if action == "respond_whistle" and data.get("units"):
            self.move(standing, "whistle", actor, occurred_at, data)
        return after

    def situation(self, standing: Standing) -> Situation:
        """Return what the lifecycle must know of a ticket to judge a move."""
        most = policy_of(standing.row, self._registry).max_extensions
        return standing.situation(self._reopen_window_days, most)

    def _complete(self, action: str, standing: Standing, actor: Actor, data: dict[str, Any]) -> list[str]:
        """Fill in what the rules know when the mover left it out, check the codes given; return who is to help."""
        helpers: list[str] = []
        if action in _HANDS_OVER:
            helpers = orders.complete(standing, self._registry, data, by_itself=actor.role is Role.SYSTEM)
        elif action == "accept" and data.get("category"):
            orders.recategorise(standing, self._registry, data)
        orders.refuse_unfit(action, standing, self._registry, data, helpers)
        return helpers

    def _note(
        self,
        standing: Standing,
        action: str,
        before: State | None,
        actor: Actor,
        at: datetime,
        data: dict[str, Any],
        recorded_at: datetime | None = None,
    ) -> None:
        row, now = standing.row, recorded_at or clock.now()
        row["version"] += 1
        oversight.watch(action, row, self._registry, at)
        for slip in standing.slips:
            self._slips.append(
                {"street_id": row["street_id"], "ticket_id": row["ticket_id"], **slip,
                 "reason": data.get("reason"), "occurred_at": at}
            )  # fmt: skip
        standing.slips.clear()
        self._orders += standing.orders
        self._replies += standing.replies
        standing.orders.clear()
        standing.replies.clear()
        self._history.append(
            {
                "street_id": row["street_id"], "ticket_id": row["ticket_id"], "seq": row["version"], "action": action,
                "from_state": before.value if before else None, "to_state": row["state"], "actor_id": actor.id,
                "actor_role": actor.role.value, "actor_unit": actor.unit, "reason": data.get("reason"),
                "data": {k: v for k, v in data.items() if k != "reason" and v is not None},
                **{name: row[name] for name in _AFTER},
                "occurred_at": at, "recorded_at": now, "late": now - at > LATE,
            }
        )  # fmt: skip
        self._touched[row["ticket_id"]] = standing
        self._actions.setdefault(row["ticket_id"], []).append(action)

    async def write(self, *, together: bool = False) -> None:
        """Write every move made through this door, and its events; `together`: one event for all tickets."""
        tx = self._tx
        await tx.insert_many(ticket_states, [s.row for s in self._touched.values() if s.new])
        moved = [s.row for s in self._touched.values() if not s.new]
        if moved:
            rows = [{name: row[name] for name in _WRITTEN} for row in moved]
            await tx.raw.executemany(_UPDATE, values(ticket_states, _WRITTEN, rows))
        await tx.insert_many(transitions, self._history)
        await self._write_parts()
        await self._write_slips()
        await supervision.write_orders(tx, self._registry.street_id, self._orders)
        await supervision.write_replies(tx, self._registry.street_id, self._replies)
        await self._write_records()
        await rule_store.switch_off(tx, self._registry.street_id, self._broken.values())
        await self._outbox.record(tx, self._event_of_all() if together else self._events())

    async def _write_parts(self) -> None:
        rows = [
            {**dict(zip(_PART_KEY, (s.row["street_id"], s.row["ticket_id"], p.part), strict=True)),
             **{name: getattr(p, name) for name in _PART_COLUMNS[3:]}}
            for s in self._touched.values()
            for p in (s.parts[number] for number in s.changed_parts)
        ]  # fmt: skip
        if rows:
            await self._tx.raw.executemany(_PART, values(parts, _PART_COLUMNS, rows))

    async def _write_slips(self) -> None:
        if self._slips:
            street_id = self._registry.street_id
            await take_turn(self._tx, street_id)
            first = await self._tx.raw.fetchval(_NEXT_SLIP, street_id)
            await self._tx.insert_many(
                handover_slips, [{"slip": first + n, **s} for n, s in enumerate(self._slips)]
            )

    async def _write_records(self) -> None:
        for standing in self._touched.values():
            for table, row in standing.records:
                await self._tx.insert_many(metadata.tables[table], [row])

    def _events(self) -> list[TicketMovedV1]:
        return [self._event(standing) for standing in self._touched.values()]

    def _event_of_all(self) -> list[TicketsMovedV1]:
        ids = [str(ticket_id) for ticket_id in self._touched]
        return [TicketsMovedV1(street_id=self._registry.street_id, ticket_ids=ids)] if ids else []

    def _event(self, standing: Standing) -> TicketMovedV1:
        row = standing.row
        return TicketMovedV1(
            street_id=row["street_id"], ticket_id=row["ticket_id"], actions=self._actions[row["ticket_id"]],
            state=row["state"], version=row["version"],
        )  # fmt: skip


def _set_deadline(standing: Standing, due_at: datetime | None) -> None:
    """Let a deadline stand that somebody has set: no limit and no pause moves it."""
    if due_at is not None:
        standing.row.update(due_at=due_at, due_provisional=False, clock_from=None)
