"""Which photos may prove the work (办结凭证): intake has them, routing looks before a move names them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from shared import clock
from shared.db import Transaction

# Intake removes a photo nobody referred to within 24 hours, and learns of a proof only from the move that is about to
# be made: what is nearly due is not relied on any more.
RELIED_ON = timedelta(hours=23)
_USABLE = """
SELECT a.id FROM attachments a WHERE a.street_id = $1 AND a.id = ANY($3::uuid[])
  AND (a.owner_role <> 'resident' OR EXISTS (
    SELECT FROM ticket_attachments t WHERE t.street_id = $1 AND t.ticket_id = $2 AND t.attachment_id = a.id))
  AND (a.touched_at > $4 OR EXISTS (
    SELECT FROM ticket_attachments t WHERE t.street_id = $1 AND t.attachment_id = a.id))"""


async def usable(tx: Transaction, street_id: int, ticket_id: UUID, ids: Sequence[UUID]) -> set[UUID]:
    """Return those of these photos that a proof of this ticket may name: taken by staff, or come with the ticket."""
    rows = await tx.raw.fetch(_USABLE, street_id, ticket_id, list(ids), clock.now() - RELIED_ON)
    return {row["id"] for row in rows}
