"""Refresh tokens: where a sign-in goes on without WeChat, and where it must not. Plain Python.

A token names its street, its sign-in and its place in the row of tokens (`generation`), and carries a keyed digest
of the three. At rest stands the place alone: who reads the database has no token, and a stolen old one is known for
what it is, however old. Each use moves to the next place. The place before is answered once more as it was, for a
moment, since networks drop answers; any older one is in two hands, and ends the sign-in.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import NamedTuple
from uuid import UUID

from shared.keyring import Keyring

VERSION = 1
_STREET, _GENERATION, _DIGEST = 8, 4, 32
_LENGTH = 1 + _STREET + 16 + _GENERATION + _DIGEST


class Place(NamedTuple):
    """What a token says."""

    street_id: int
    session: UUID
    generation: int


class Answer(Enum):
    """What is to be done with a token."""

    ROTATE = auto()
    """It is the present one: move on, and answer with the next."""
    REPEAT = auto()
    """It was the present one a moment ago: its answer is given again."""
    REUSED = auto()
    """It was used before: two have it."""
    OVER = auto()
    """The sign-in has ended."""


def token_of(keys: Keyring, place: Place) -> str:
    """Return the token of a place: the same one each time."""
    said = (
        bytes([VERSION])
        + place.street_id.to_bytes(_STREET)
        + place.session.bytes
        + place.generation.to_bytes(_GENERATION)
    )
    return base64.urlsafe_b64encode(said + _digest(keys, said)).decode().rstrip("=")


def place_of(keys: Keyring, token: str) -> Place | None:
    """Return the place a token of ours names; None for any other."""
    try:
        content = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    said, digest = content[:-_DIGEST], content[-_DIGEST:]
    if len(content) != _LENGTH or not hmac.compare_digest(digest, _digest(keys, said)) or said[0] != VERSION:
        return None
    street, session, generation = (
        said[1 : 1 + _STREET],
        said[1 + _STREET : -_GENERATION],
        said[-_GENERATION:],
    )
    return Place(int.from_bytes(street), UUID(bytes=session), int.from_bytes(generation))


def judged(
    presented: int,
    *,
    present: int,
    refreshed_at: datetime,
    expires_at: datetime,
    revoked: bool,
    now: datetime,
    grace: timedelta,
) -> Answer:
    """Say what is to be done with the token of place `presented` of a sign-in that has come to place `present`."""
    if revoked or expires_at <= now:
        return Answer.OVER
    if presented == present:
        return Answer.ROTATE
    if presented == present - 1 and now - refreshed_at <= grace:
        return Answer.REPEAT
    return Answer.REUSED


def _digest(keys: Keyring, said: bytes) -> bytes:
    return keys.blind_index("refresh", said.hex())
