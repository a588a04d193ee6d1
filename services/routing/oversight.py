"""What supervision leaves on a ticket: how far it has climbed, the orders given, when the ladder's next step is due.

Pure. Supervision is laid over the state and changes neither it nor a clock (design section 6).
"""

from datetime import datetime
from typing import Any

from services.routing.hands import clear_of
from services.routing.held import Change
from services.routing.ladder.policy import SupervisionPolicy
from services.routing.ladder.steps import Coming, Run, coming
from services.routing.ladder.store import parse_number
from services.routing.registry import Registry, Unit
from shared.clock import local_day
from shared.errors import invalid
from shared.lifecycle import FINAL, REGISTER
from shared.terms import Role, SupervisionLevel as L

_RANK = {level.value: rank for rank, level in enumerate(L, start=1)}
# With these the handling clock begins anew, and the ladder with it; the first two count from receipt.
_BEGINS = {
    REGISTER: "received_at",
    "accept": "received_at",
    "unmerge": "received_at",
    "rework": None,
    "reopen": None,
}


def policy_on(registry: Registry, moment: datetime) -> SupervisionPolicy:
    """Return the policy of supervision in force at an instant."""
    return registry.supervision.on(local_day(moment))


def urge(c: Change) -> None:
    c.row["urge_count"] += 1
    if c.actor.role is not Role.SYSTEM:
        c.row["run_urges"] += 1
    if c.actor.role is not Role.RESIDENT:
        _reach(c, L.URGE)


def supervise(c: Change) -> None:
    """Give the unit that must act now an order to answer; the next head up the line is told of an escalation."""
    row, policy = c.row, policy_on(c.registry, c.at)
    level = L(c.data.setdefault("supervision", L.NOTICE.value))
    step: int | None = c.data.get("step")
    limit = policy.ladder[step].reply_within if step is not None else policy.reply_within
    unit = c.registry.units[row["owner_unit"]]
    head = _head(c, unit, policy.head(step)) if level in {L.ESCALATE, L.BULLETIN} else None
    sponsor = c.registry.sponsor_of(unit.code, local_day(c.at)) if level is not L.URGE else None
    reply_due = c.data.get("until") or c.registry.calendar.due(c.at, limit).at
    if reply_due <= c.at:
        raise invalid("until", "答复时限须晚于现在")
    c.data.update(unit=unit.code, until=reply_due)
    c.standing.orders.append(
        {
            "ticket_id": row["ticket_id"], "level": level.value, "run": row["clock_run"], "step": step,
            "unit_code": unit.code, "head_unit": head.code if head else None,
            "head_staff": sponsor.code if sponsor else None, "reason": c.data["reason"], "issued_at": c.at,
            "reply_due_at": reply_due, "issued_by": c.actor.id, "issued_role": c.actor.role.value,
        }
    )  # fmt: skip
    row["supervised"] = True
    _reach(c, level)


def _head(c: Change, unit: Unit, levels: int) -> Unit | None:
    head = None
    for _ in range(levels):
        parent = (head or unit).parent_code
        if parent is None:
            break
        head = clear_of(c.registry.above(head or unit), c.row["about_unit"], c.registry)
    return head


def reply(c: Change) -> None:
    number = parse_number(c.data["order"])
    if number is not None:
        c.standing.replies.append(
            {
                "year": number[0], "serial": number[1], "unit_code": c.actor.unit or c.registry.desk.code,
                "replied_by": c.actor.id, "content": c.data["reason"], "replied_at": c.at,
            }
        )  # fmt: skip


def list_key(c: Change) -> None:
    c.row["key_since"] = c.at


def unlist_key(c: Change) -> None:
    c.row["key_since"] = None


def _reach(c: Change, level: L) -> None:
    row, step = c.row, c.data.get("step")
    if step is not None:
        row["ladder_step"] = step + 1
    if _RANK[level.value] > _RANK.get(row["supervision_level"] or "", 0):
        row["supervision_level"] = level.value


def watch(action: str, row: dict[str, Any], registry: Registry, at: datetime) -> None:
    """Keep the ladder's side of a ticket after a move: a new clock is a new run; note when the next step is due."""
    if action in _BEGINS:
        begins = _BEGINS[action]
        row.update(
            clock_run=row["clock_run"] + 1, run_started_at=row[begins] if begins else at, run_urges=0, ladder_step=0,
            supervision_level=None,
        )  # fmt: skip
    following = next_step(row, registry, at)
    row["supervise_at"] = following.at if following is not None else None


def next_step(row: Any, registry: Registry, at: datetime) -> Coming | None:
    """Return the ladder's next step for a ticket; None where its clock stands still or nothing more will come."""
    if row["state"] in FINAL or row["due_at"] is None or row["suspended_at"] is not None:
        return None
    started = row["run_started_at"] or row["clock_from"] or row["received_at"]
    run = Run(started, max(row["due_at"], started), row["run_urges"], row["ladder_step"])
    return coming(policy_on(registry, at), run, registry.calendar)


def order_state(order: Any, ticket: Any, answered: bool, now: datetime) -> str:  # noqa: FBT001 - one of four facts
    """Return where an order stands: answered, closed with its ticket, moved with it, late, or open."""
    if answered:
        return "answered"
    if ticket["state"] in FINAL:
        return "closed"
    if ticket["owner_unit"] != order["unit_code"] and ticket["lead_unit"] != order["unit_code"]:
        return "moved"
    return "late" if now > order["reply_due_at"] else "open"


ORDER_STATES = {
    "answered": "已答复", "closed": "随工单办结", "moved": "工单已转办", "late": "逾期未答复", "open": "待答复",
}  # fmt: skip
