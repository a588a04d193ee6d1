"""The actions of promising: a ticket is put on a list by its plan, tickets are grouped into a project."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from services.routing.act import find, held
from services.routing.commitments import store, undertaking_store
from services.routing.commitments.schemas import ItemIn, PlanIn, ProjectIn, shown_amount, shown_day
from services.routing.commitments.vocabulary import Stage, UndertakingKind
from services.routing.commitments.works import Milestone, fault
from services.routing.held import Standing
from services.routing.orders import lasting
from services.routing.registry import Registry
from services.routing.transitions import SYSTEM, Door
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import Conflict, NotFound, invalid
from shared.lifecycle import FINAL, State
from shared.outbox import Outbox
from shared.streets import Street
from shared.terms import Channel, UnitKind

ITEM, PROJECT = UndertakingKind.ITEM, UndertakingKind.PROJECT


async def put_on_list(
    tx: Transaction, outbox: Outbox, registry: Registry, street: Street, actor: Actor, code: str, body: ItemIn
) -> UUID:
    """Put a commitment on a list; from now on its plan is its deadline. Returns the undertaking's id.

    Raises Conflict for a list that is closed and a ticket that has ended or stands on a list, Invalid for a plan
    that is over or names what is not there.
    """
    checklist = await store.checklist(tx, street.id, actor, code, held=True)
    if checklist.closed_at is not None:
        raise Conflict("清单已经销号,不能再列入事项", code="checklist_closed")
    door = Door(tx, outbox, registry)
    standing = await held(tx, door, registry, await _named(tx, street, actor, body.number, "number"))
    if standing.row["channel"] != Channel.COMMITMENT:
        raise invalid("number", "只有渠道为“目标清单”的工单才能列入清单", code="not_a_commitment")
    if standing.state in FINAL:
        raise Conflict(f"工单{standing.state.text},不能列入清单", code="ticket_ended")
    row = _undertaking(registry, actor, body, ITEM, body.number, standing.content[:300]) | {
        "checklist_code": code
    }
    linked = await undertaking_store.add(tx, row, _works(body)) and await undertaking_store.link(
        tx, row, standing.row["ticket_id"], clock.now(), actor.id
    )
    if not linked:
        raise Conflict("这张工单已经列入清单", code="already_listed")
    at = body.occurred_at or max(clock.now(), standing.row["moved_at"])
    _set_going(door, standing, actor, at, checklist, row, body.co_units or [])
    await door.write()
    undertaking_id: UUID = row["id"]
    return undertaking_id


def _set_going(
    door: Door,
    standing: Standing,
    actor: Actor,
    at: datetime,
    checklist: Row[Any],
    row: dict[str, Any],
    helpers: list[str],
) -> None:
    """Accept it if nobody has yet, let the plan be its deadline, and give it to whoever is responsible."""
    reason = f"列入清单《{checklist.title}》"[:300]
    until = clock.day_end(row["planned_end"])
    if until <= at:
        raise invalid("planned_end", "计划完成日期已经过去")
    if standing.state is State.SUBMITTED:
        door.move(standing, "accept", SYSTEM, at)
    # Major matters are counted by themselves: the share of kept promises is of the others.
    named = {} if checklist.major else {"checklist": checklist.code}
    door.move(standing, "relist", actor, at, {"list_level": checklist.level, "reason": reason, **named})
    door.move(standing, "replan", actor, at, {"reason": reason, "until": until})
    if standing.state is State.ACCEPTED and row["responsible_unit"] is not None:
        door.move(standing, "dispatch", SYSTEM, at, {"unit": row["responsible_unit"], "co_units": helpers})


async def group(tx: Transaction, registry: Registry, street: Street, actor: Actor, body: ProjectIn) -> UUID:
    """Make a project of tickets, each of which stays what it is. Returns the project's id.

    Raises Conflict for a code that is taken and a ticket of another project, Invalid for what is not there.
    """
    row = _undertaking(registry, actor, body, PROJECT, body.code, body.title)
    if not await undertaking_store.add(tx, row, _works(body)):
        raise Conflict("已有这个代码的项目", code="code_taken")
    await join(tx, street, actor, row, body.tickets)
    undertaking_id: UUID = row["id"]
    return undertaking_id


async def join(
    tx: Transaction, street: Street, actor: Actor, project: dict[str, Any], numbers: Sequence[str]
) -> None:
    """Add tickets to a project; raise Conflict for one that belongs to a project."""
    for number in sorted(set(numbers)):
        ticket_id = await _named(tx, street, actor, number, "tickets")
        if not await undertaking_store.link(tx, project, ticket_id, clock.now(), actor.id):
            raise Conflict(f"工单 {number} 已经并入项目", code="already_in_project")


async def _named(tx: Transaction, street: Street, actor: Actor, number: str, field: str) -> UUID:
    try:
        return await find(tx, street, number, actor)
    except NotFound as missing:
        raise invalid(field, f"没有工单 {number}", code="unknown_ticket") from missing


def _undertaking(
    registry: Registry, actor: Actor, body: PlanIn, kind: UndertakingKind, code: str, title: str
) -> dict[str, Any]:
    """Return the row of a plan; raise Invalid for units that are not there and works out of order."""
    now = clock.now()
    today = clock.local_day(now)
    return {
        "street_id": registry.street_id, "id": uuid7(), "kind": kind.value, "code": code, "title": title,
        "checklist_code": None, "planned_start": body.planned_start, "planned_end": body.planned_end,
        "steps": body.steps, "responsible": body.responsible,
        "responsible_unit": _unit(registry, body, "responsible_unit"), "task_force": _task_force(registry, body),
        "liaison": body.liaison, "sponsor": body.sponsor, "partner": _unit(registry, body, "partner"),
        "investment": shown_amount(body.investment), "budget": shown_amount(body.budget),
        "budget_source": body.budget_source, "beneficiaries": shown_amount(body.beneficiaries), "trades": body.trades,
        "first_reported": shown_day(body.first_reported, today), "completed": None, "recorded_at": now,
        "recorded_by": actor.id,
    }  # fmt: skip


def _unit(registry: Registry, body: PlanIn, field: str) -> str | None:
    wanted: str | None = getattr(body, field)
    return lasting(registry, wanted, field).code if wanted is not None else None


def _task_force(registry: Registry, body: PlanIn) -> str | None:
    if body.task_force is None:
        return None
    unit = lasting(registry, body.task_force, "task_force")
    if unit.kind != UnitKind.TEAM:
        raise invalid("task_force", f"“{unit.name}”不是专班队伍", code="not_a_task_force")
    return unit.code


def _works(body: PlanIn) -> dict[Stage, Milestone]:
    works = {one.stage: Milestone(one.planned_on, one.done_on) for one in body.milestones}
    if len(works) < len(body.milestones):
        raise invalid("milestones", "同一阶段写了两次")
    refuse_disorder(works, "milestones.")
    return works


def refuse_disorder(works: dict[Stage, Milestone], prefix: str = "") -> None:
    """Raise Invalid for works whose stages are out of order, or done in the future."""
    wrong = fault(works)
    if wrong is not None:
        raise invalid(f"{prefix}{wrong[0]}", wrong[1], code="stages_out_of_order")
    today = clock.local_day(clock.now())
    if any(one.done_on is not None and one.done_on > today for one in works.values()):
        raise invalid(f"{prefix}done_on", "完成日期不能晚于今天")
