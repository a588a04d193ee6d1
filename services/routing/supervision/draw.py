"""Random re-visits: a draw that anybody can repeat. Pure.

The algorithm, so that it can be done again anywhere: each ticket's id (36 characters, lower case) is appended to the
seed and a colon, the SHA-256 of that as UTF-8 is written in hexadecimal, and the ids with the smallest digests are
drawn, the smallest first. It depends on no language's random numbers and on no order of rows, and who is drawn
does not depend on how many more there are.
"""

import hashlib
from collections.abc import Iterable
from uuid import UUID


def draw(ids: Iterable[UUID], seed: str, size: int) -> list[UUID]:
    """Return `size` of the ids (all, where there are fewer), in the order of the draw."""
    return sorted(set(ids), key=lambda one: (_digest(f"{seed}:{one}"), one))[:size]


def digest_of(ids: Iterable[UUID]) -> str:
    """Return the digest of what was drawn from: the ids in ascending order, a line each."""
    return _digest("\n".join(str(one) for one in sorted(set(ids))))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
