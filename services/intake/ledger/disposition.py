"""What was done with a row's request: said, or read off what else the row tells; and what contradicts it."""

from typing import Final

from services.intake.ledger.columns import HEADER_OF
from services.intake.ledger.faults import Fault, Unfit
from services.intake.ledger.rows import Row
from services.intake.ledger.words import Disposition, Stage

ENDED: Final = frozenset(
    {Disposition.REJECTED, Disposition.MERGED, Disposition.WITHDRAWN, Disposition.REDIRECTED}
)
_WITH_A_UNIT: Final = ("dispatched_at", "signed_at", "contacted_at", "handled_at")
_CALLBACK: Final = (
    "callback_at", "callback_valid", "callback_contacted", "callback_resolved", "callback_satisfaction",
)  # fmt: skip
_HANDS: Final = ("extended_to", "suspended_from", "rework_count")
# What cannot be told of a request that went this way.
_BARRED: Final[dict[Disposition, tuple[str, ...]]] = {
    Disposition.DIRECT: ("dispatched_at", "signed_at", "return_count", *_HANDS),
    Disposition.PENDING: ("signed_at", "contacted_at", *_HANDS, "handled_at", "closed_at", "outcome", *_CALLBACK, "rating"),
    **dict.fromkeys(ENDED, ("contacted_at", "suspended_from", "rework_count", *_CALLBACK, "rating")),
    Disposition.DISPATCHED: (),
}  # fmt: skip


def of(row: Row) -> Disposition:
    """Return the row's disposition; raise Unfit where the row says that it was not so."""
    found = Disposition(row.disposition) if row.disposition is not None else _derived(row)
    barred = row.told(*_BARRED[found])
    if found not in ENDED:
        barred += row.told("reject_reason")
    if found is Disposition.PENDING and not row.return_count:
        barred += row.told("dispatched_at")
    faults = [Fault(name, f"处理方式为“{found.text}”的诉求不应填写{HEADER_OF[name]}") for name in barred]
    faults += _stage_faults(row, found)
    if found is Disposition.DISPATCHED:
        faults += _unfinished(row)
    if faults:
        raise Unfit(faults)
    return found


def called_back(row: Row) -> bool:
    """Return whether anything of a callback is told."""
    return bool(row.told(*_CALLBACK))


def _derived(row: Row) -> Disposition:
    """Read the disposition off the other columns; a stage that is told goes before what only hints at it."""
    if row.stage == Stage.PROJECT:
        return Disposition.DISPATCHED
    if row.closed_at and not (
        row.lead_unit or row.told("dispatched_at", "signed_at", "handled_at", "return_count")
    ):
        return Disposition.DIRECT
    if row.told(*_WITH_A_UNIT, "closed_at", "return_count", "rework_count"):
        return Disposition.DISPATCHED
    if row.stage is None and row.told("lead_unit", "co_units"):
        return Disposition.DISPATCHED
    return Disposition.REJECTED if row.reject_reason else Disposition.PENDING


def _stage_faults(row: Row, found: Disposition) -> list[Fault]:
    allowed: dict[str, frozenset[Disposition]] = {
        Stage.TOPIC: frozenset({Disposition.PENDING, *ENDED}),
        Stage.ISSUE: frozenset({Disposition.PENDING, Disposition.DIRECT, *ENDED}),
        Stage.PROJECT: frozenset({Disposition.DISPATCHED, *ENDED}),
    }
    returned = row.stage == Stage.TOPIC and bool(row.return_count)
    if row.stage is None or (found in allowed[row.stage] and not returned):
        return []
    how = (
        "已派单办理"
        if found is Disposition.DISPATCHED or returned
        else "已直接办结"
        if found is Disposition.DIRECT
        else "尚未派单"
    )
    return [Fault("stage", f"阶段为“{Stage(row.stage).text}”,与这一行{how}的经过不符")]


def _unfinished(row: Row) -> list[Fault]:
    """Return what is told too early of a dispatched matter: a rating before the closing, a callback in the midst."""
    faults = []
    done = row.told("handled_at", "closed_at")
    if row.rating is not None and row.closed_at is None:
        faults.append(Fault("rating", "办结以后才有诉求人评价"))
    if not done:
        # A matter that was sent back after a callback is open, and has been called back about.
        early = row.told("outcome", *(() if row.rework_count else _CALLBACK))
        faults += [Fault(name, f"尚未办结,不应填写{HEADER_OF[name]}") for name in early]
    return faults
