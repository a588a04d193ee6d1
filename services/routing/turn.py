"""Numbers that count on within a street (slips, versions): whoever takes the next one lets no other in between."""

from shared.db import Transaction

_DESK = "SELECT FROM units WHERE street_id = $1 AND is_desk ORDER BY code FOR NO KEY UPDATE"


async def take_turn(tx: Transaction, street_id: int) -> None:
    """Hold the street's desk until this transaction ends: the next one waits, and counts on from there."""
    await tx.raw.execute(_DESK, street_id)
