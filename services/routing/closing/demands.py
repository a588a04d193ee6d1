"""What stands in the way of a closing beyond the table of moves: whose work it was, what was answered, what must be shown.

Pure. Nobody checks their own work; two pairs of eyes for a closing the reporter does not agree with (domain 3.1: 研判销号、
延期销号、移交销号须留理由和审批); ticked off with proof only (S2-23).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.routing.closing.answers import ANSWERS, answered, told_by, unhappy
from services.routing.closing_policy import ClosingPolicy, ProofPart
from services.routing.held import Standing
from services.routing.registry import Registry
from shared.auth import Actor
from shared.errors import Conflict, FieldError, Forbidden, Invalid, Problem, invalid
from shared.terms import CallbackMode, CallbackResult, Role, SpecialClosure

_SPECIAL = frozenset(SpecialClosure)
_CHECKS = _SPECIAL | {"review_pass", "review_fail", "call_back", "close", "rework", "ask_closure"}
_PROVEN = frozenset({"handle", "close_directly"})
_ENDS = _SPECIAL | {"close", "close_directly", "reject", "redirect", "merge"}
_BY_PEOPLE = frozenset({Role.RESIDENT, Role.SYSTEM})
# What a reporter may say with a move of their own; all else is the house's to fill in.
_REPORTERS = frozenset({"reason", "petition_id", *ANSWERS})
_WAYS = "请重办(rework),或申请研判、延期、移交销号(ask_closure)由他人审批"


def barred(action: str, standing: Standing, actor: Actor) -> Problem | None:
    """Return why this actor must not make a move that the table allows; None where nothing is against it."""
    if action not in _CHECKS or actor.role is Role.SYSTEM:
        return None
    if actor.role is Role.RESIDENT:
        return _kept_for_a_person(action, standing)
    if _own_work(standing, actor):
        return Forbidden("不能审核、回访或结案自己或本单位办理的工单", code="own_work")
    if action in _SPECIAL:
        return _second_pair_of_eyes(standing, actor)
    if action == "close" and standing.row["callback_result"] == CallbackResult.BAD:
        return _not_settled()
    return None


def _own_work(standing: Standing, actor: Actor) -> bool:
    row = standing.row
    mine = actor.id in row["handler_ids"] or actor.id == row["assignee_id"]
    return mine or (
        actor.unit is not None and (actor.unit == row["lead_unit"] or actor.unit in standing.helpers)
    )


def _second_pair_of_eyes(standing: Standing, actor: Actor) -> Problem | None:
    row = standing.row
    if actor.id == row["reviewer_id"]:
        return Forbidden("特殊销号须由审核人以外的人审批", code="approver_is_reviewer")
    if actor.id == row["asked_by"]:
        return Forbidden("特殊销号须由申请人以外的人审批", code="approver_is_asker")
    if row["closure_asked"] is None and actor.role is not Role.LEADER:
        return Conflict("特殊销号须先由他人申请(ask_closure),街道领导可以直接审批", code="closure_not_asked")
    return None


def _kept_for_a_person(action: str, standing: Standing) -> Problem | None:
    if action == "close" and standing.row["callback_mode"] == CallbackMode.PERSON:
        return Conflict("这件诉求由工作人员回访后结案,请等候联系", code="callback_by_person")
    return None


def _not_settled() -> Conflict:
    return Conflict(f"回访未解决或不满意,不能直接结案:{_WAYS}", code="not_settled")


def require(
    action: str, standing: Standing, registry: Registry, actor: Actor, at: datetime, data: dict[str, Any]
) -> None:
    """Raise Invalid or Conflict for what a move should have brought along; take out what is not its mover's to say."""
    policy = registry.closing_on(at)
    if actor.role is Role.RESIDENT:
        for name in data.keys() - _REPORTERS:
            del data[name]
    if action == "close" and unhappy(data):
        raise _not_settled()
    if action in _PROVEN:
        _require_proof(standing, policy, data)
    if actor.role in _BY_PEOPLE:
        return
    _require_outcome(action, standing, policy, data)
    if action == "close" and policy.call_first:
        _require_call(standing, data)
    if action in _ENDS:
        _require_feedback(standing, policy, data)


def _require_proof(standing: Standing, policy: ClosingPolicy, data: Mapping[str, Any]) -> None:
    proof: Mapping[str, Any] = data.get("proof") or {}
    _check_pictures(proof)
    asked = policy.proof_of(standing.row["category_code"])
    missing: list[ProofPart] = [part for part in asked if not proof.get(part.value)]
    if missing:
        names = "、".join(part.text for part in missing)
        raise Invalid(
            f"这类诉求办结须有凭证,缺少:{names}", code="proof_required",
            errors=[FieldError(f"proof.{part.value}", f"缺少{part.text}") for part in missing],
        )  # fmt: skip


def _check_pictures(proof: Mapping[str, Any]) -> None:
    """Raise Invalid where one picture is to show the place both before and after."""
    if set(proof.get("before_ids", ())) & set(proof.get("after_ids", ())):
        raise invalid("proof.after_ids", "处置前和处置后不能是同一张照片", code="same_picture")


def _require_outcome(action: str, standing: Standing, policy: ClosingPolicy, data: Mapping[str, Any]) -> None:
    known = data.get("outcome") or (action == "close" and standing.row["outcome"])
    if action in policy.outcome and not known:
        raise invalid("outcome", "请填写办结结果(outcome)", code="outcome_required")


def _require_call(standing: Standing, data: Mapping[str, Any]) -> None:
    row = standing.row
    if row["callback_mode"] == CallbackMode.PERSON and row["callback_result"] is None and not answered(data):
        raise Conflict("这件诉求须先回访(call_back)再结案", code="call_first")


def _require_feedback(standing: Standing, policy: ClosingPolicy, data: Mapping[str, Any]) -> None:
    if data.get("feedback_channel") is not None and not data.get("reason"):
        raise invalid("reason", "请写明反馈给诉求人的内容(reason)", code="data_required")
    told = standing.row["answered_at"] is not None or told_by(standing, data) is not None
    if policy.feedback_first and not told:
        message = "请先把结果告诉诉求人,并填写反馈方式(feedback_channel)和内容(reason)"
        raise invalid("feedback_channel", message, code="feedback_required")
