"""Which matters a person calls back about, and why: drawn by the ticket's id, so that anybody can draw them again. Pure.

Source: domain 1.8 (按月抽取), 3.3 (complaints and tip-offs are never left to silence); design of the street's policy.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID

from services.routing.closing_policy import ClosingPolicy
from shared.terms import Kind

_ALWAYS = frozenset({Kind.COMPLAINT.value, Kind.TIPOFF.value})
_BYTES = 8
_WHOLE = 1 << 8 * _BYTES


def drawn(ticket_id: UUID, seed: int, share: float) -> bool:
    """Return whether a ticket is in the sample: the same for the same seed, whenever and by whomever it is asked."""
    digest = sha256(f"{seed}/{ticket_id}".encode()).digest()
    return int.from_bytes(digest[:_BYTES]) / _WHOLE < share


def why_call(row: Mapping[str, Any], policy: ClosingPolicy, *, reporter: bool) -> str | None:
    """Return why a person must call about a ticket; None where its reporter may answer, or be silent.

    `reporter`: whether they can answer at all, in the mini-program.
    """
    share = policy.share_of(row["category_code"], row["mode"])
    for holds, why in (
        (row["kind"] in _ALWAYS, "投诉、举报逐件回访"),
        (row["supervised"], "督办件逐件回访"),
        (row["urge_count"] >= policy.urged, f"催办{policy.urged}次以上的逐件回访"),
        (not reporter, "诉求人不能在小程序中确认"),
        (drawn(row["ticket_id"], policy.seed, share), f"抽中回访(比例{share:.0%})"),
    ):
        if holds:
            return why
    return None
