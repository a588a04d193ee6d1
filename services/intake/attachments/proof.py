"""Which photos a move brought along as proof of the work (办结凭证): it names them in its data, as routing wrote it."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from services.intake.attachments.words import Moment

_LISTS = {Moment.BEFORE: "before_ids", Moment.AFTER: "after_ids"}


def photos_of(proof: Any) -> Iterator[tuple[Moment, UUID]]:
    """Yield the photos a proof names; what is no id is none."""
    if not isinstance(proof, dict):
        return
    for moment, name in _LISTS.items():
        for said in proof.get(name) or ():
            try:
                yield moment, UUID(said)
            except (ValueError, TypeError, AttributeError):
                continue
