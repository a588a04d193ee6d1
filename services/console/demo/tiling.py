"""A rectangle cut into communities and these into cells, with no gap and no overlap. Plain arithmetic.

Every cut is one number used by the cells on both of its sides, so neighbours agree to the last bit.
"""

import random
from collections.abc import Iterator, Sequence

from services.console.demo.places import Box

UNEVEN = 0.18  # how far a cut may lie from where even shares would put it, in shares
DIGITS = 6  # of a degree: a tenth of a metre
Ring = list[list[float]]


def communities(box: Box, rows: Sequence[int], chance: random.Random) -> Iterator[Box]:
    """Yield the areas of a street cut into rows of so many communities, from the south-west."""
    west, south, east, north = box
    heights = cuts(south, north, len(rows), chance)
    for row, count in enumerate(rows):
        widths = cuts(west, east, count, chance)
        for column in range(count):
            yield widths[column], heights[row], widths[column + 1], heights[row + 1]


def cells(area: Box, count: int, chance: random.Random) -> Iterator[Ring]:
    """Yield the rings of `count` cells that fill an area: two rows, the upper one longer where it must be."""
    lower = count // 2
    for cell in communities(area, (lower, count - lower), chance):
        yield ring(cell)


def ring(area: Box) -> Ring:
    """Return the corners of an area, the first once more at the end."""
    west, south, east, north = area
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def cuts(start: float, end: float, parts: int, chance: random.Random) -> list[float]:
    """Return `parts + 1` rising numbers from `start` to `end`, unevenly spread as real borders are."""
    share = (end - start) / parts
    inner = [start + share * (n + chance.uniform(-UNEVEN, UNEVEN)) for n in range(1, parts)]
    return [start, *(round(cut, DIGITS) for cut in inner), end]
