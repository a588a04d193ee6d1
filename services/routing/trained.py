"""A street's own classifier: what its closed tickets teach, its stored versions, and the one in use."""

from functools import lru_cache
from typing import Any, NamedTuple

import structlog

from services.routing.classification.classifier import OTHER, Classifier, packaged
from services.routing.classification.model import Model, ModelUnusable, from_bytes
from services.routing.classification.words import packaged_words
from services.routing.turn import take_turn
from shared import clock
from shared.db import Transaction
from shared.tables import classifier_models

log = structlog.get_logger()
_KEPT = 32  # models of streets held in memory, some megabytes each

# A category counts as confirmed when staff named it, or when nobody to whom it was dispatched sent it back. A ledger's
# rows were not decided here, and a confidential report is nobody's lesson.
_CONFIRMED = """
SELECT * FROM (
  SELECT t.content, s.category_code, s.return_count, EXISTS (
    SELECT FROM transitions m
    WHERE m.street_id = s.street_id AND m.ticket_id = s.ticket_id AND m.actor_role <> 'system'
      AND m.action IN ('accept', 'dispatch') AND m.data ? 'category') AS chosen
  FROM ticket_states s
  JOIN tickets t ON t.street_id = s.street_id AND t.id = s.ticket_id
  JOIN categories c ON c.street_id = s.street_id AND c.code = s.category_code
  WHERE s.street_id = $1 AND s.state IN ('handled', 'callback', 'closed')
    AND s.dispatched_at IS NOT NULL AND NOT c.imported AND s.category_code <> $2 AND NOT t.confidential
    AND NOT EXISTS (SELECT FROM import_rows r WHERE r.street_id = s.street_id AND r.ticket_id = s.ticket_id)
  ORDER BY t.id
) AS handled WHERE chosen OR return_count = 0"""
_ACTIVE = "SELECT version, sha256 FROM classifier_models WHERE street_id = $1 AND active"
_WEIGHTS = "SELECT weights FROM classifier_models WHERE street_id = $1 AND version = $2"
_REPLACED = "UPDATE classifier_models SET active = false WHERE street_id = $1 AND active"
_NEXT = "SELECT coalesce(max(version), 0) + 1 FROM classifier_models WHERE street_id = $1"


class Label(NamedTuple):
    """A confirmed ticket: its text and category; `chosen` where staff named the category themselves."""

    content: str
    code: str
    chosen: bool


class Trial(NamedTuple):
    """What a new model was made from and how it did on the street's held-out texts, beside the one in use."""

    samples: int
    tested: int
    right_before: int
    right_after: int


async def labels(tx: Transaction, street_id: int) -> list[Label]:
    """Return a street's confirmed tickets, oldest first."""
    rows = await tx.raw.fetch(_CONFIRMED, street_id, OTHER)
    return [Label(r["content"], r["category_code"], r["chosen"]) for r in rows]


async def store(tx: Transaction, street_id: int, model: Model, trial: Trial) -> int:
    """Store a model and put it to use instead of the one before; return its version."""
    await take_turn(tx, street_id)
    version: int = await tx.raw.fetchval(_NEXT, street_id)
    await tx.raw.execute(_REPLACED, street_id)
    row: dict[str, Any] = {
        "street_id": street_id, "version": version, "created_at": clock.now(), "sha256": model.sha256,
        **trial._asdict(), "weights": model.to_bytes(), "active": True,
    }  # fmt: skip
    await tx.insert_many(classifier_models, [row])
    return version


async def active(tx: Transaction, street_id: int) -> Classifier:
    """Return the classifier a street uses: its own, else, or where its file is not what was stored, the packaged one."""
    row = await tx.raw.fetchrow(_ACTIVE, street_id)
    if row is None:
        return packaged()
    known = _held(row["sha256"])
    if not known:
        raw = await tx.raw.fetchval(_WEIGHTS, street_id, row["version"])
        try:
            known.append(Classifier(packaged_words(), from_bytes(raw, row["sha256"])))
        except ModelUnusable:
            log.exception("classifier_unusable", street_id=street_id, version=row["version"])
            return packaged()
    return known[0]


@lru_cache(maxsize=_KEPT)
def _held(_sha256: str) -> list[Classifier]:
    """Return the place where the classifier with this hash is kept once it has been read."""
    return []
