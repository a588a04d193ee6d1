"""Photos as a ticket shows them: to whoever may see the ticket, by addresses that soon expire.

Of a confidential ticket the reporter's photos could tell who reported: they are shown to the reporter and to those who
see the whole street, not to the units that handle it. Proof of the work is shown to all who see the ticket.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from services.intake.attachments import store
from services.intake.attachments.files import PICTURE, THUMBNAIL
from services.intake.attachments.links import link
from services.intake.attachments.proof import photos_of
from services.intake.attachments.words import CheckState, Moment, Origin, Purpose
from shared.auth import Actor
from shared.db import Transaction
from shared.keyring import Keyring
from shared.terms import STREET_WIDE, Role

_KIND = {"kind": "image", "kind_text": "图片"}


def may_see(actor: Actor, *, confidential: bool) -> bool:
    """Say whether the actor, who sees the ticket, sees the reporter's photos too."""
    return not confidential or actor.role is Role.RESIDENT or actor.role in STREET_WIDE


def receipt(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what whoever handed a photo in is told; without addresses, as these do not last."""
    purpose = Purpose(row["purpose"])
    return {
        "id": str(row["id"]), **_KIND, "width": row["width"], "height": row["height"], "size": row["size"],
        "sha256": bytes(row["digest"]).hex(), "purpose": purpose.value, "purpose_text": purpose.text,
        "located": row["place"] is not None,
    }  # fmt: skip


def addresses(keys: Keyring, street_id: int, attachment_id: UUID) -> dict[str, str]:
    """Return the addresses of a picture and its thumbnail."""
    return {
        "thumbnail_url": link(keys, street_id, attachment_id, THUMBNAIL),
        "url": link(keys, street_id, attachment_id, PICTURE),
    }


async def of_ticket(
    tx: Transaction, keys: Keyring, actor: Actor, ticket: Row[Any], moves: Sequence[Row[Any]]
) -> list[dict[str, Any]]:
    """Return a ticket's photos: those that came with it and its supplements, then those that prove the work."""
    came = [
        (row, Origin(row.origin), row.origin_id, None)
        for row in await store.of_ticket(tx, ticket.street_id, ticket.id)
    ]
    brought = [pair for move in moves for pair in photos_of(move.data.get("proof"))]
    known = await store.named(tx, ticket.street_id, [one for _, one in brought])
    proofs = [(known[one], Origin.PROOF, None, moment) for moment, one in brought if one in known]
    seen = may_see(actor, confidential=ticket.confidential)
    return [
        _shown(keys, actor, ticket, *reference)
        for reference in (*came, *proofs)
        if seen or not _is_reporters(*reference[:2])
    ]


def _is_reporters(row: Row[Any], origin: Origin) -> bool:
    """Say whether a photo came from the reporter, by their own hand or by whoever entered the report for them."""
    return origin is Origin.REPORT or bool(row.owner_role == Role.RESIDENT)


async def thumbnails(
    tx: Transaction, keys: Keyring, actor: Actor, tickets: Sequence[Row[Any]]
) -> dict[UUID, str]:
    """Return the address of the first photo's thumbnail of each of these tickets that has one to show."""
    streets = {t.id: t.street_id for t in tickets if may_see(actor, confidential=t.confidential)}
    first = await store.first_of(tx, list(streets), sorted(set(streets.values())))
    return {ticket: link(keys, streets[ticket], photo, THUMBNAIL) for ticket, photo in first.items()}


def _shown(
    keys: Keyring,
    actor: Actor,
    ticket: Row[Any],
    row: Row[Any],
    origin: Origin,
    origin_id: UUID | None,
    moment: Moment | None,
) -> dict[str, Any]:
    staff, check, purpose = actor.is_staff, CheckState(row.check_state), Purpose(row.purpose)
    # As with the ticket's own location: of a confidential report it is the reporter's alone.
    located = not (staff and ticket.confidential and _is_reporters(row, origin))
    place = keys.open(row.place, row.id.bytes) if row.place and located else None
    return {
        "id": str(row.id), **_KIND, "width": row.width, "height": row.height, "size": row.size,
        "purpose": purpose.value, "purpose_text": purpose.text,
        "origin": origin.value, "origin_text": origin.text,
        "supplement_id": str(origin_id) if origin is Origin.SUPPLEMENT else None,
        "moment": moment.value if moment else None, "moment_text": moment.text if moment else None,
        "location": {**place, "crs": "wgs84"} if place else None,
        # what a machine thinks of a photo is for those who judge it
        "check_state": check.value if staff else None, "check_state_text": check.text if staff else None,
        "created_at": row.created_at, **addresses(keys, row.street_id, row.id),
    }  # fmt: skip
