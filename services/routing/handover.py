"""What passing a ticket on does to it: back to the desk, signed for, given to a person.

Pure. Three dispatches in vain make a dispute (domain 2.1); who signed last is responsible until another has (首接负责).
"""

from uuid import UUID

from services.routing.held import Change
from services.routing.joint import parts
from shared.lifecycle import State

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
        parts.end(c, code, "回避", tasks=True)


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
        parts.add(c, first, "assist", "unit", {})
    back_to_desk(c)
    c.row["return_count"] += 1


def sign(c: Change) -> None:
    before: str | None = c.row["responsible_unit"]
    if before is not None and before != c.row["lead_unit"]:
        parts.end(c, before, "新的主办单位已签收")
    c.row.update(signed_at=c.at, responsible_unit=c.row["lead_unit"])


def assign(c: Change) -> None:
    c.row["assignee_id"] = UUID(str(c.data["assignee"]))


def relist(c: Change) -> None:
    c.data["before"] = c.row["list_level"]
    c.row["list_level"] = c.data["list_level"]
