"""What passing a ticket on does to it: back to the desk, signed for, given to a person, other units asked to help.

Pure. Three dispatches in vain make a dispute (domain 2.1); who signed last is responsible until another has (首接负责).
"""

from datetime import datetime
from uuid import UUID

from services.routing.held import Change, Part
from services.routing.timing import policy_of
from shared.lifecycle import State
from shared.terms import WhistleKind

NOBODY = "none"  # takes back what was noted of a unit complained about
# Returned or recalled so often, it is no longer sent round: a supervisor designates.
MOST_DISPATCHES = 3


def set_about(c: Change) -> None:
    """Note the unit complained about, as a person names it or takes it back; its open part in the matter ends."""
    told = c.data.get("about_unit")
    if told is None:
        return
    code = None if told == NOBODY else c.registry.unit(told, "about_unit").code
    c.row["about_unit"] = code
    c.data["about_unit"] = code or NOBODY
    if code is not None:
        end_part(c, code, "回避")


def back_to_desk(c: Change) -> None:
    failed = c.row["failed_dispatches"] + 1
    c.row.update(
        owner_unit=c.registry.desk.code, lead_unit=None, handed_at=None, signed_at=None, return_until=None, extension_until=None,
        failed_dispatches=failed, disputed=failed >= MOST_DISPATCHES, designated=False, assignee_id=None,
    )  # fmt: skip


def returned(c: Change) -> None:
    """Give it back to the desk. Who had signed stays on as a helper, and so responsible, until another signs."""
    if c.data.get("suggested_unit"):
        c.data["suggested_unit"] = c.registry.unit(c.data["suggested_unit"], "suggested_unit").code
    first: str | None = c.row["responsible_unit"]
    if c.standing.state is State.SIGNED and first is not None:
        c.standing.parts[first] = Part(first, "assist", c.at)
        c.standing.changed_parts.add(first)
    back_to_desk(c)
    c.row["return_count"] += 1


def sign(c: Change) -> None:
    before: str | None = c.row["responsible_unit"]
    if before is not None and before != c.row["lead_unit"]:
        end_part(c, before, "新的主办单位已签收")
    c.row.update(signed_at=c.at, responsible_unit=c.row["lead_unit"])


def assign(c: Change) -> None:
    c.row["assignee_id"] = UUID(str(c.data["assignee"]))


def relist(c: Change) -> None:
    c.data["before"] = c.row["list_level"]
    c.row["list_level"] = c.data["list_level"]


def whistle(c: Change) -> None:
    limit = policy_of(c.row, c.registry).report_in[c.data.get("whistle") or WhistleKind.DAILY.value]
    due = c.registry.calendar.due(c.at, limit).at
    c.data["units"] = [_add_part(c, name, "whistle", "units", due) for name in c.data["units"]]


def assist(c: Change) -> None:
    c.data["unit"] = _add_part(c, c.data["unit"], "assist", "unit")


def report_in(c: Change) -> None:
    part = _own_part(c)
    part.reported_at = part.reported_at or c.at


def finish_part(c: Change) -> None:
    part = _own_part(c)
    part.finished_at, part.result = c.at, c.data.get("reason")


def end_part(c: Change, unit_code: str, result: str) -> None:
    part = c.standing.parts.get(unit_code)
    if part is not None and part.open:
        part.finished_at, part.result = c.at, result
        c.standing.changed_parts.add(unit_code)


def _add_part(
    c: Change, wanted: str, kind: str, field_name: str, report_due_at: datetime | None = None
) -> str:
    """Add a unit's part and return its code: history names units by their codes, however they were written."""
    unit = c.registry.unit(wanted, field_name)
    c.standing.parts[unit.code] = Part(unit.code, kind, c.at, report_due_at)
    c.standing.changed_parts.add(unit.code)
    return unit.code


def _own_part(c: Change) -> Part:
    part = c.standing.parts[str(c.actor.unit)]
    c.standing.changed_parts.add(part.unit_code)
    return part
