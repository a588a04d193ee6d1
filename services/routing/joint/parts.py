"""What asking others to help does to a ticket: each share has its own task, deadline, crew and result.

Pure. The whole is done only when every part is done or released (design section 6; rows S3-10 to S3-13).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from services.routing.held import Change, Part
from services.routing.registry import Registry, Unit
from shared import clock
from shared.errors import Conflict, invalid
from shared.terms import CrewKind, UnitKind

MOST_PARTS = 60  # of one ticket, ended ones included: beyond that somebody asks in a circle
_TOLD = {"open": "办理中", "done": "已完成", "released": "已解除"}


def add(c: Change, wanted: str, kind: str, field_name: str, asked: Mapping[str, Any], **more: Any) -> Part:
    """Add a unit's part and return it; raises Invalid for a unit, a crew or a deadline that cannot be.

    Who is asked to help once more, and for nothing in particular, goes on with the part they have.
    """
    unit = c.registry.unit(wanted, field_name)
    task = asked.get("task") or asked.get("text")
    same = _plain(c, unit.code) if kind == "assist" and task is None else None
    number = same.part if same is not None else max(c.standing.parts, default=0) + 1
    if number > MOST_PARTS:
        raise Conflict(f"一张工单最多 {MOST_PARTS} 项协办", code="too_many_parts")
    part = Part(
        number, unit.code, kind, c.at, task=task, due_at=_due(c, asked.get("due_at")),
        crew=crew_of(c, asked.get("crew")), **more,
    )  # fmt: skip
    c.standing.parts[number] = part
    c.standing.changed_parts.add(number)
    return part


def _plain(c: Change, unit: str) -> Part | None:
    mine = (p for p in c.standing.parts.values() if p.unit_code == unit and p.kind == "assist")
    return next((p for p in mine if p.finished_at is None and p.task is None), None)


def _due(c: Change, due_at: datetime | None) -> datetime | None:
    if due_at is not None and due_at <= c.at:
        raise invalid("due_at", "协办的时限须晚于现在", code="due_before_asked")
    return due_at


def crew_of(c: Change, wanted: str | None) -> str | None:
    """Return the code of a crew by its name: a team of the street, or a kind of crew of the ticket's grid."""
    if wanted is None:
        return None
    unit = c.registry.units.get(wanted) or c.registry.units_by_name.get(wanted)
    if unit is not None and unit.kind == UnitKind.TEAM:
        return unit.code
    kind = next((k for k in CrewKind if wanted in {k.value, k.text}), None)
    grid, there = c.row["grid_code"], clock.local_day(c.at)
    if kind is not None and grid and any(m.kind == kind for m in c.registry.crew_of(grid, there)):
        return kind.value
    raise invalid("crew", f"没有“{wanted}”这支队伍:请填写专班队伍,或该网格的队伍种类", code="unknown_crew")


def crew_text(code: str | None, registry: Registry) -> str | None:
    """Return what a crew is called."""
    if code is None:
        return None
    unit: Unit | None = registry.units.get(code)
    return unit.name if unit is not None else CrewKind(code).text


def assist(c: Change) -> None:
    part = add(c, c.data["unit"], "assist", "unit", c.data)
    c.data.update(unit=part.unit_code, part=part.part)


def plan_measures(c: Change) -> None:
    """Write down a package of measures (一揽子措施): each is a part, the lead's own among them."""
    told = []
    for measure in c.data["measures"]:
        part = add(c, measure["unit"], "measure", "measures", measure)
        told.append({**measure, "unit": part.unit_code, "part": part.part})
    c.data["measures"] = told


def report_in(c: Change) -> None:
    """Note that a unit has come, once for all it was called for; the first time stands."""
    mine = [p for p in c.standing.parts.values() if p.unit_code == c.actor.unit and p.finished_at is None]
    came_from = {k: c.data[k] for k in ("place", "location") if c.data.get(k) is not None}
    for part in mine:
        if part.reported_at is None:
            part.reported_at, part.reported_from = c.at, came_from or None
            c.standing.changed_parts.add(part.part)
    late = [p for p in mine if p.report_due_at is not None and c.at > p.report_due_at]
    c.data["late"] = bool(late) or None


def finish(c: Change) -> None:
    part = _chosen(
        c, (p for p in c.standing.parts.values() if p.unit_code == c.actor.unit), "没有未完成的协办"
    )
    _end(c, part, c.data.get("reason"), released=False)
    c.data["part"] = part.part


def release(c: Change) -> None:
    """Let a unit off what was asked of it; the reason is kept as the result."""
    wanted = c.data.get("unit")
    if wanted is None and c.data.get("part") is None:
        raise invalid("part", "请写明解除哪一项协办(part)或哪个单位(unit)", code="part_unclear")
    code = c.registry.unit(wanted).code if wanted is not None else None
    part = _chosen(
        c, (p for p in c.standing.parts.values() if code in {None, p.unit_code}), "没有可以解除的协办"
    )
    _end(c, part, c.data["reason"], released=True)
    c.data.update(part=part.part, unit=part.unit_code)


def rate(c: Change) -> None:
    """Let lead and helper rate one another, 1 to 5, each once for a part in which somebody came or did something."""
    by_lead = c.actor.unit == c.row["lead_unit"]
    theirs = (p for p in c.standing.parts.values() if (p.unit_code != c.actor.unit) == by_lead)
    part = _chosen(c, theirs, "没有可以评价的协办", _ratable)
    name = "rated_by_lead" if by_lead else "rated_by_unit"
    if getattr(part, name) is not None:
        raise Conflict("已经评价过,只能评价一次", code="already_rated")
    setattr(part, name, c.data["score"])
    c.standing.changed_parts.add(part.part)
    c.data.update(part=part.part, rates="unit" if by_lead else "lead")


def _ratable(part: Part) -> bool:
    return not part.released and (part.reported_at is not None or part.finished_at is not None)


def _unfinished(part: Part) -> bool:
    return part.finished_at is None


def _chosen(
    c: Change, among: Iterable[Part], nothing: str, fits: Callable[[Part], bool] = _unfinished
) -> Part:
    """Return the part that is meant: the one named, or the only one it can be."""
    number, mine = c.data.get("part"), list(among)
    if number is not None and all(p.part != number for p in mine):
        raise invalid("part", f"没有第 {number} 项协办", code="unknown_part")
    fitting = [p for p in mine if fits(p) and number in {None, p.part}]
    if not fitting:
        raise Conflict(nothing, code="no_such_part_open")
    if len(fitting) > 1:
        which = "、".join(str(p.part) for p in fitting)
        raise invalid("part", f"有几项协办,请写明是第几项(part):{which}", code="part_unclear")
    return fitting[0]


def end(c: Change, unit_code: str, why: str, *, tasks: bool = False) -> None:
    """Release what a unit was asked for; `tasks`: what it has a task of its own for, too."""
    for part in c.standing.parts.values():
        if part.unit_code == unit_code and part.finished_at is None and (tasks or part.task is None):
            _end(c, part, why, released=True)


def end_whistle(c: Change, whistle: int, why: str) -> None:
    """Release everybody who was called by a whistle and is still waited for."""
    for part in c.standing.parts.values():
        if part.whistle == whistle and part.open:
            _end(c, part, why, released=True)


def _end(c: Change, part: Part, result: str | None, *, released: bool) -> None:
    part.finished_at, part.result, part.released = c.at, result, released
    c.standing.changed_parts.add(part.part)


def state_text(part: Part) -> str:
    """Return where a part stands, in words."""
    return _TOLD[part.state]


def late(part: Part, moment: datetime) -> bool | None:
    """Return whether a part was, or is, late; None where it has no deadline or was released."""
    if part.due_at is None or part.released:
        return None
    return (part.finished_at or moment) > part.due_at


def report_late(part: Part, moment: datetime) -> bool | None:
    """Return whether a unit came, or is, late to the place it was called to; None where it was not to come."""
    if part.report_due_at is None or (part.released and part.reported_at is None):
        return None
    return (part.reported_at or moment) > part.report_due_at
