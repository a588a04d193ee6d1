"""The monthly inspection's rules: its month, who may inspect, what follows a failure, how a round adds up. Pure.

Row S2-22: every posted item is inspected exactly once in a month, all of them and not a sample, and the result is
published. Row S2-20: the inspectors are none of those who handle.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from shared.clock import day_start
from shared.errors import Forbidden
from shared.lifecycle import OPEN, Relation, State
from shared.terms import InspectionMethod

_MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
NOTED = "noted"
_HANDLES = frozenset({Relation.LEAD, Relation.PART})
# What brings an item that failed back to work; everything else that is open is put under supervision.
_REMEDIES = {State.CALLBACK: "rework", State.CLOSED: "reopen", State.HANDLED: "review_fail"}


def month_of(day: date) -> str:
    """Return the month of a day: 2026-03."""
    return f"{day:%Y-%m}"


def bounds(month: str) -> tuple[datetime, datetime]:
    """Return the instants between which a month lies; raise ValueError for what is none."""
    found = _MONTH.fullmatch(month)
    if found is None:
        raise ValueError(month)
    first = date(int(found[1]), int(found[2]), 1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return day_start(first), day_start(following)


def refuse_handlers(relations: Collection[Relation]) -> None:
    """Raise Forbidden for whoever leads the ticket or helps with it, or is complained about in it."""
    if _HANDLES & set(relations) or Relation.NOT_LEAD not in relations:
        raise Forbidden("督查、回访人员不得来自本工单的主办、协办或被反映单位", code="inspector_handles")


def remedy(state: State) -> str:
    """Return the move that follows a failure in this state; where the matter has ended some other way it is only noted."""
    return _REMEDIES.get(state, "supervise" if state in OPEN else NOTED)


@dataclass(frozen=True, slots=True)
class Finding:
    """What an inspector found of one item."""

    ticket_id: UUID
    unit_code: str | None
    method: str
    passed: bool
    finding: str
    inspected_at: datetime


def figures(posted: int, findings: Iterable[Finding]) -> dict[str, Any]:
    """Return how a round adds up: inspected + remaining = posted, passed + failed = inspected, over methods and units too."""
    known = list(findings)
    units: dict[str, list[Finding]] = {}
    for one in known:
        units.setdefault(one.unit_code or "", []).append(one)
    methods = Counter(one.method for one in known)
    return {
        "posted": posted, "inspected": len(known), "remaining": posted - len(known), **_passed(known),
        "methods": {method.value: methods[method.value] for method in InspectionMethod},
        "units": {unit: {"inspected": len(those), **_passed(those)} for unit, those in sorted(units.items())},
    }  # fmt: skip


def _passed(findings: list[Finding]) -> dict[str, int]:
    passed = sum(one.passed for one in findings)
    return {"passed": passed, "failed": len(findings) - passed}


def digest(counted: Mapping[str, Any], findings: Iterable[Finding]) -> str:
    """Return the proof of what was published: SHA-256 over the figures and every finding, by ticket."""
    lines = [
        [str(f.ticket_id), f.unit_code, f.method, f.passed, f.finding, f.inspected_at.isoformat()]
        for f in sorted(findings, key=lambda f: f.ticket_id)
    ]
    told = json.dumps([counted, lines], ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()
