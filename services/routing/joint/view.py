"""Joint work as people see it."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from services.routing.held import Part
from services.routing.joint import parts
from services.routing.registry import Registry
from shared.lifecycle import action_text
from shared.terms import Role, WhistleKind

_KINDS = {"assist": "协办", "whistle": "吹哨", "measure": "措施"}
_ORIGINS = {"residents": "群众", "grid": "网格", "community": "社区", "street": "街道", "unit": "单位"}
_STEPS = {"response": "街居响应", "minutes": "纪要", "release": "解哨"}
_STAGES = {"whistle": "吹哨", "response": "响应", "report_in": "报到"}
_STATES = {"running": "计时中", "overdue": "已超期", "met": "按时", "late": "逾期完成", "ended": "不再计时"}
_OF_A_PART = (
    "part", "kind", "task", "crew", "asked_at", "due_at", "report_due_at", "reported_at", "reported_from",
    "finished_at", "result", "rated_by_lead", "rated_by_unit",
)  # fmt: skip

_INSIDE = frozenset({"reported_from", "rated_by_lead", "rated_by_unit"})


def name_of(registry: Registry, code: str | None) -> str | None:
    """Return a unit's name for its code."""
    unit = registry.units.get(code) if code is not None else None
    return unit.name if unit is not None else None


def held(row: Any) -> Part:
    """Return a row of `parts` as what is held of it."""
    known = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public name for a row as a mapping
    return Part(**{k: v for k, v in known.items() if k not in {"street_id", "ticket_id"}})


def part(one: Part, registry: Registry, now: datetime, *, inside: bool = True) -> dict[str, Any]:
    """Return PartOut's fields; where staff stood and how they rate one another is told `inside` the house only."""
    return {
        **{name: getattr(one, name) if inside or name not in _INSIDE else None for name in _OF_A_PART},
        "unit": one.unit_code,
        "unit_name": name_of(registry, one.unit_code),
        "kind_text": _KINDS[one.kind],
        "state": one.state,
        "state_text": parts.state_text(one),
        "crew_text": parts.crew_text(one.crew, registry),
        "late": parts.late(one, now),
        "report_late": parts.report_late(one, now),
    }


def whistle(
    row: Any, called: Sequence[Any], steps: Sequence[Any], registry: Registry, now: datetime
) -> dict[str, Any]:
    """Return WhistleOut's fields: the whistle, its timed stages, who was called and what was said of it."""
    departments = [held(one) for one in called]
    ended = next((step.occurred_at for step in steps if step.step == "release"), None)
    stages = list(_stages(row, departments, steps, registry, ended, now))
    return {
        "ticket": row.ticket, "whistle_no": row.seq, "kind": row.kind, "kind_text": WhistleKind(row.kind).text,
        "origin": row.origin, "origin_text": _ORIGINS[row.origin], "caller_unit": row.caller_unit,
        "caller_unit_name": name_of(registry, row.caller_unit), "reason": row.reason, "place": row.place,
        "blown_at": row.blown_at, "open": any(stage["state"] in {"running", "overdue"} for stage in stages),
        "overdue": any(stage["state"] == "overdue" for stage in stages), "stages": stages,
        "departments": [part(one, registry, now) for one in departments],
        "steps": [_step(step, registry) for step in steps],
    }  # fmt: skip


def _step(row: Any, registry: Registry) -> dict[str, Any]:
    return {
        "step": row.step, "step_text": _STEPS[row.step], "unit": row.unit_code,
        "unit_name": name_of(registry, row.unit_code), "said": row.said, "occurred_at": row.occurred_at,
    }  # fmt: skip


def _stages(
    row: Any, departments: Sequence[Part], steps: Sequence[Any], registry: Registry, ended: datetime | None,
    now: datetime,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    yield _stage("whistle", row.caller_unit, None, row.blown_at, "met", registry)
    if row.response_due_at is not None:
        answer = next((step for step in steps if step.step == "response"), None)
        at = answer.occurred_at if answer is not None else None
        by = answer.unit_code if answer is not None else None
        state = _state(row.response_due_at, at, ended, now)
        yield _stage("response", by, row.response_due_at, at, state, registry)
    for one in departments:
        state = _state(one.report_due_at, one.reported_at, one.finished_at, now)
        yield _stage("report_in", one.unit_code, one.report_due_at, one.reported_at, state, registry)


def _stage(
    name: str,
    unit: str | None,
    due_at: datetime | None,
    met_at: datetime | None,
    state: str,
    registry: Registry,
) -> dict[str, Any]:
    return {
        "stage": name, "stage_text": _STAGES[name], "unit": unit, "unit_name": name_of(registry, unit),
        "due_at": due_at, "met_at": met_at, "state": state, "state_text": _STATES[state],
    }  # fmt: skip


def _state(due_at: datetime | None, met_at: datetime | None, ended_at: datetime | None, now: datetime) -> str:
    if met_at is not None:
        return "met" if due_at is None or met_at <= due_at else "late"
    if ended_at is not None:
        return "ended"
    return "running" if due_at is None or now <= due_at else "overdue"


def slip(row: Any, registry: Registry) -> dict[str, Any]:
    """Return SlipOut's fields."""
    names = (
        "slip",
        "ticket",
        "from_unit",
        "to_unit",
        "reason",
        "occurred_at",
        "answered_at",
        "answered_by",
        "answer",
    )
    return {
        **{name: getattr(row, name) for name in names},
        **{
            f"{name}_name": name_of(registry, getattr(row, name))
            for name in ("from_unit", "to_unit", "answered_by")
        },
    }


def forward(row: Any, now: datetime) -> dict[str, Any]:
    """Return ForwardOut's fields."""
    names = ("ticket", "reference", "reason", "forwarded_at", "due_at", "answered_at", "answer")
    late = row.due_at is not None and (row.answered_at or now) > row.due_at
    told = {name: getattr(row, name) for name in names}
    return {**told, "forward": row.seq, "outside_body": row.body, "via": row.channel, "overdue": late}


def contact(row: Any, registry: Registry) -> dict[str, Any]:
    """Return ContactOut's fields."""
    data = row.data
    return {
        **{name: data.get(name) for name in ("place", "location", "heard_at", "inspected_at", "fixed_at")},
        "seq": row.seq, "action": row.action, "action_text": action_text(row.action), "unit": row.actor_unit,
        "unit_name": name_of(registry, row.actor_unit), "actor_role": row.actor_role,
        "actor_role_text": Role(row.actor_role).text, "said": row.reason, "people": data.get("people") or [],
        "occurred_at": row.occurred_at, "recorded_at": row.recorded_at,
        "age_days": (row.occurred_at - row.received_at).days,
    }  # fmt: skip
