"""Door to the examination of what somebody published; it reads no ticket and writes nothing."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BeforeValidator, Field

from services.metrics.approximate import GREATEST, LONGEST_TEXT, Span
from services.metrics.claims import MOST_ENTRIES, Claim, Verdict, examine
from services.metrics.rates import Rounding
from services.metrics.reachability import Candidate
from services.metrics.shares import ROUNDING_TEXT
from shared.auth import Actor
from shared.terms import STAFF_ROLES, Scope
from shared.web.access import only
from shared.web.fields import Answer, Body, Short
from shared.web.problems import documented

router = APIRouter(tags=["核对"])
Checker = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=Scope.METRICS_READ))]


def _count(value: Any) -> Any:
    """Refuse what is no count in one sentence, before pydantic tells it once for each kind a count may be of."""
    whole = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= GREATEST
    if not whole and not (isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT):
        raise ValueError(f"应为0至{GREATEST}的整数,或如“8700余”“约7万”的文字(最多{LONGEST_TEXT}个字符)")
    return value


Number = Annotated[
    Annotated[int, Field(ge=0, le=GREATEST)] | Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)],
    BeforeValidator(_count),
]
Percentage = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]


class ClaimIn(Body):
    """What was published, as it was written."""

    published: Percentage | None = Field(None, description="公布值,如 97.3%、0.973、超过95%、约95%")
    n: Number | None = Field(None, description="分母:整数,或如“8700余”的约数")
    numerator: Number | None = Field(None, description="分子")
    rounding: Rounding | None = Field(None, description="取整方式,不填则两种都试")
    total: Number | None = Field(None, description="公布合计")
    parts: dict[Short, Number] = Field(default={}, max_length=MOST_ENTRIES, description="分项名称 → 件数")
    shares: dict[Short, Percentage] = Field(
        default={}, max_length=MOST_ENTRIES, description="分项名称 → 公布的占比"
    )
    counts: dict[Short, Number] = Field(
        default={},
        max_length=MOST_ENTRIES,
        description="恒等式的各项,如 受理、直办、派单、上期结转、办结、结转下期",
    )


class CandidateOut(Answer):
    numerator: int
    denominator: int
    display: str
    roundings: list[str]
    roundings_text: list[str]


class SpanOut(Answer):
    low: float
    high: float
    display: str


class ComparisonOut(Answer):
    code: str
    agrees: bool | None
    message: str
    difference: int | None


class CheckWarning(Answer):
    code: str
    message: str


class VerdictOut(Answer):
    holds: bool = Field(description="没有矛盾;无从核对的不算矛盾,见 warnings")
    reachable: bool | None
    message: str | None
    candidates: list[CandidateOut]
    candidate_count: int | None
    nearest: list[CandidateOut]
    rounded_up: bool
    interval: SpanOut | None
    comparisons: list[ComparisonOut] = Field(description="每一项核对,相符的也在内")
    differences: list[ComparisonOut] = Field(description="其中不相符的")
    warnings: list[CheckWarning]


@router.post(
    "/checks",
    summary="核对公布的数字:百分数可不可达,合计平不平",
    response_model=VerdictOut,
    responses=documented(400, 401, 403, 413, 422, 503),
)
async def check(body: ClaimIn, _: Checker) -> dict[str, Any]:
    """只核对所给的数字,不查工单;约数按区间核对,无从核对的也会说明。"""
    return _shown(examine(Claim(**dict(body))))


def _shown(verdict: Verdict) -> dict[str, Any]:
    checked = verdict.check
    comparisons = [
        {"code": f.code, "agrees": f.agrees, "message": f.message, "difference": f.difference}
        for f in verdict.findings
    ]
    return {
        "holds": verdict.holds,
        "reachable": checked.reachable if checked else None,
        "message": checked.message if checked else None,
        "candidates": [_candidate(c) for c in checked.candidates] if checked else [],
        "candidate_count": checked.candidate_count if checked else None,
        "nearest": [_candidate(c) for c in checked.nearest] if checked else [],
        "rounded_up": checked is not None and checked.rounded_up,
        "interval": _span(verdict.interval),
        "comparisons": comparisons,
        "differences": [c for c in comparisons if c["agrees"] is False],
        "warnings": _warnings(verdict),
    }


def _warnings(verdict: Verdict) -> list[dict[str, str]]:
    """Return all that does not certainly hold."""
    codes = {True: None, False: "not_reachable", None: "not_checkable"}
    checked = verdict.check
    code = codes[checked.reachable] if checked else None
    first = [{"code": code, "message": checked.message}] if checked and code else []
    return [*first, *({"code": f.code, "message": f.message} for f in verdict.findings if not f.agrees)]


def _candidate(found: Candidate) -> dict[str, Any]:
    return {
        "numerator": found.numerator,
        "denominator": found.denominator,
        "display": found.display,
        "roundings": list(found.roundings),
        "roundings_text": [ROUNDING_TEXT[r] for r in found.roundings],
    }


def _span(span: Span | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {"low": float(span.low), "high": float(span.high), "display": span.display()}
