"""Short-lived addresses of pictures: whoever was shown a ticket holds them, and nobody else can make one.

The address says which picture, in which size, until when; a keyed digest holds it together. Whether one may see the
ticket is asked when the address is handed out.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

from services.intake.attachments.files import VARIANTS
from shared import clock
from shared.keyring import Keyring

# An address lives 10 to 15 minutes and stays the same for five, so that a client's cache is worth having.
STEP = 300
STEPS = 3
_SAID = struct.Struct(">BQ16sQ")
_DIGEST_BYTES = 16
_PURPOSE = "file"


@dataclass(frozen=True, slots=True)
class Target:
    """Which picture an address is of."""

    street_id: int
    attachment_id: UUID
    variant: str


def link(keys: Keyring, street_id: int, attachment_id: UUID, variant: str) -> str:
    """Return the address of a picture or its thumbnail, as a path of this service."""
    until = (int(clock.now().timestamp()) // STEP + STEPS) * STEP
    said = _SAID.pack(VARIANTS.index(variant), street_id, attachment_id.bytes, until)
    token = base64.urlsafe_b64encode(said + _digest(keys, said)).decode().rstrip("=")
    return f"/v1/files/{token}"


def followed(keys: Keyring, token: str) -> Target | None:
    """Return what a token is for; None if it is not ours or its time is over."""
    try:
        content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    said, digest = content[: _SAID.size], content[_SAID.size :]
    if len(said) != _SAID.size or not hmac.compare_digest(digest, _digest(keys, said)):
        return None
    variant, street_id, attachment, until = _SAID.unpack(said)
    if until < clock.now().timestamp():
        return None
    return Target(street_id, UUID(bytes=attachment), VARIANTS[variant])


def _digest(keys: Keyring, said: bytes) -> bytes:
    return keys.blind_index(_PURPOSE, said.hex())[:_DIGEST_BYTES]
