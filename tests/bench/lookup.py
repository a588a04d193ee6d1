"""How long it takes to find the grid of a point among ten thousand."""

import random
import statistics
import time

from services.routing.boundaries import Boundary, Cells
from shared.clock import EVER, local_day, now

SIDE, STEP, POINTS = 100, 0.003, 2000


def microseconds_a_point():
    """Return the median of five rounds over 10,000 quadrilaterals on shaken corners."""
    chance = random.Random(1)
    corner = {
        (i, j): (117 + (i + chance.uniform(-0.3, 0.3)) * STEP, 38 + (j + chance.uniform(-0.3, 0.3)) * STEP)
        for i in range(SIDE + 1)
        for j in range(SIDE + 1)
    }
    cells = Cells(
        Boundary(f"{i}/{j}", EVER, None, [[[corner[i, j], corner[i + 1, j], corner[i + 1, j + 1], corner[i, j + 1]]]])
        for i in range(SIDE)
        for j in range(SIDE)
    )  # fmt: skip
    points = [
        (117 + chance.uniform(0, SIDE * STEP), 38 + chance.uniform(0, SIDE * STEP)) for _ in range(POINTS)
    ]
    today, spent = local_day(now()), []
    for _ in range(5):
        begun = time.perf_counter()
        for point in points:
            cells.find(*point, today)
        spent.append((time.perf_counter() - begun) / POINTS * 1e6)
    return statistics.median(spent)
