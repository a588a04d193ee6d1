"""What a move must not run into, beyond state and actor: its time, its limits, what else is open on the ticket.

Pure. `shared.lifecycle.decide` asks; `Situation` is what it must know of a ticket.
"""

from dataclasses import dataclass
from datetime import datetime

from shared.errors import Conflict, FieldError, Invalid
from shared.states import State
from shared.terms import Role

_HEADS = frozenset({Role.SUPERVISOR, Role.LEADER})


@dataclass(frozen=True, slots=True)
class Situation:
    """What the table must know of a ticket to judge a move. Times are aware."""

    state: State
    moved_at: datetime | None = None
    closed_at: datetime | None = None
    return_until: datetime | None = None
    due_at: datetime | None = None
    open_parts: int = 0
    extension_pending: bool = False
    extensions: int = 0
    max_extensions: int = 2
    reopen_window_days: int = 30
    disputed: bool = False
    designated: bool = False
    key_listed: bool = False
    promised: bool = False


def guard(
    action: str, now: Situation, role: Role | None, occurred_at: datetime, data: dict[str, object]
) -> None:
    """Raise Conflict where a move comes too early, too late or too often, Invalid where what it asks for cannot be."""
    if now.moved_at and occurred_at < now.moved_at:
        raise Conflict("发生时间不能早于上一步的时间", code="before_previous_move")
    match action:
        case "return" | "recall" | "dispatch" if role:
            _guard_hand_over(action, now, role, occurred_at)
        case "handle" if now.open_parts:
            raise Conflict(f"还有 {now.open_parts} 个协办单位没有完成", code="parts_open")
        case "extend":
            _guard_extension(now, occurred_at, data)
        case "decide_extension":
            _guard_decision(now, role)
        case "list_key" | "unlist_key":
            _guard_key_ledger(action, now)
        case "replan":
            _guard_plan(now, occurred_at, data)
        case "reopen" if role is Role.RESIDENT and now.closed_at:
            if (occurred_at - now.closed_at).days >= now.reopen_window_days:
                raise Conflict(
                    f"办结已超过 {now.reopen_window_days} 天,请重新提交诉求", code="reopen_window_passed"
                )
        case _:
            pass


def _guard_hand_over(action: str, now: Situation, role: Role, occurred_at: datetime) -> None:
    """Hold whoever hands it on now to the limit and to what was designated; of a ledger's moves nobody knows enough."""
    match action:
        case "return" if now.designated:
            raise Conflict("指定的主办单位不得再退单", code="designated_unit_keeps_it")
        case "return" if now.return_until and occurred_at > now.return_until:
            raise Conflict("已过退单时限,视为接受", code="return_limit_passed")
        case "recall" if now.designated and role not in _HEADS:
            raise Conflict("指定的主办单位只能由督办员或街道领导收回", code="designated_unit_keeps_it")
        case "dispatch" if now.disputed:
            raise Conflict("多次派单未成,须由督办员或街道领导指定主办单位", code="designation_needed")
        case _:
            pass


def _guard_key_ledger(action: str, now: Situation) -> None:
    if action == "list_key" and now.key_listed:
        raise Conflict("已在重点督办台账中", code="already_on_key_ledger")
    if action == "unlist_key" and not now.key_listed:
        raise Conflict("不在重点督办台账中", code="not_on_key_ledger")


def _guard_extension(now: Situation, occurred_at: datetime, data: dict[str, object]) -> None:
    until = data.get("until")
    if now.extension_pending:
        raise Conflict("已有一份延期申请待审批", code="extension_pending")
    if now.extensions >= now.max_extensions:
        raise Conflict(f"已经延期 {now.extensions} 次,不能再申请", code="no_more_extensions")
    if now.due_at and occurred_at > now.due_at:
        raise Conflict("时限届满后不能再申请延期", code="extension_too_late")
    if isinstance(until, datetime) and now.due_at and until <= now.due_at:
        raise Invalid("延期后的时限须晚于现在的时限", errors=[FieldError("until", "须晚于现在的办理时限")])


def _guard_decision(now: Situation, role: Role | None) -> None:
    if not now.extension_pending:
        raise Conflict("没有待审批的延期申请", code="no_extension")
    # Of what a ledger tells nobody knows who decided.
    if now.extensions and role and role is not Role.LEADER:
        raise Conflict("再次延期须由街道领导审批", code="leader_decides")


def _guard_plan(now: Situation, occurred_at: datetime, data: dict[str, object]) -> None:
    """Only what the street has promised by itself goes by a plan; a resident's request keeps its limits."""
    if not now.promised:
        raise Conflict("只有目标清单事项按计划办理,其他工单请申请延期", code="not_a_commitment")
    until = data.get("until")
    if isinstance(until, datetime) and until <= occurred_at:
        raise Invalid("计划完成时间须晚于现在", errors=[FieldError("until", "须晚于现在")])
