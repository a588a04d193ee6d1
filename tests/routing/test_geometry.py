"""Points in cells against winding arithmetic and against tiles; the map shift against its published values."""

import math
import random
from datetime import date
from fractions import Fraction

import coordTransform
import pytest

from services.routing.boundaries import Boundary, Cells
from services.routing.geometry import GridIndex, Polygon, convert, gcj02_to_wgs84, in_china, wgs84_to_gcj02
from services.routing.validity import A_DAY
from shared.clock import EVER

SQUARE = [(0, 0), (1, 0), (1, 1), (0, 1)]
BAD = (math.nan, math.inf, -math.inf)


def cells(rings):
    """An index of cells without holes."""
    return GridIndex((key, [ring]) for key, ring in rings)


def metres(a, b):
    east = (a[0] - b[0]) * 111_320 * math.cos(math.radians(a[1]))
    return math.hypot(east, (a[1] - b[1]) * 110_950)


def exactly_inside(ring, x, y):
    """The same rule in exact fractions: edges crossed by a ray to the east, half-open."""
    ring = [(Fraction(px), Fraction(py)) for px, py in ring]
    x, y = Fraction(x), Fraction(y)
    crossed = 0
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (ay <= y) != (by <= y):
            crossed += x < ax + (y - ay) * (bx - ax) / (by - ay)
    return crossed % 2 == 1


def jittered_tiles(n, seed):
    """n × n quadrilaterals on shared, shaken corners, each given in a random direction from a random corner."""
    chance = random.Random(seed)
    corner = {
        (i, j): (117 + (i + chance.uniform(-0.3, 0.3)) * 0.003, 38 + (j + chance.uniform(-0.3, 0.3)) * 0.003)
        for i in range(n + 1)
        for j in range(n + 1)
    }
    for i in range(n):
        for j in range(n):
            ring = [corner[i, j], corner[i + 1, j], corner[i + 1, j + 1], corner[i, j + 1]]
            turn = chance.randrange(4)
            ring = ring[turn:] + ring[:turn]
            yield (i, j), ring[::-1] if chance.random() < 0.5 else ring


def test_edges_are_half_open():
    square = Polygon(SQUARE)
    assert square.contains(0, 0)
    assert square.contains(0, 0.5)
    assert square.contains(0.5, 0)
    assert not square.contains(1, 0.5)
    assert not square.contains(0.5, 1)
    assert not square.contains(1, 1)


def test_closed_rings_direction_and_start_do_not_matter():
    chance = random.Random(7)
    ring = [(0, 0), (4, 0), (4, 3), (2, 1), (0, 3)]  # a notch: not convex
    points = [(chance.uniform(-1, 5), chance.uniform(-1, 4)) for _ in range(500)] + ring
    forms = [ring, ring[::-1], [*ring, ring[0]], ring[2:] + ring[:2]]
    for point in points:
        assert len({Polygon(form).contains(*point) for form in forms}) == 1
        assert Polygon(ring).contains(*point) == exactly_inside(ring, *point)


def test_any_polygon_agrees_with_exact_arithmetic():
    chance = random.Random(11)
    for _ in range(300):
        ring = [(chance.randrange(8), chance.randrange(8)) for _ in range(chance.randrange(3, 12))]
        if len(set(ring)) < 3:
            continue
        polygon = Polygon(ring)
        for _ in range(30):
            point = (chance.randrange(-2, 20) / 2, chance.randrange(-2, 20) / 2)
            # Thirds do not fit a float: on such an edge the verdict may differ from exact arithmetic, by design.
            if all(abs(x - point[0]) > 1e-9 for x in crossings(ring, point[1])):
                assert polygon.contains(*point) == exactly_inside(ring, *point), (ring, point)


def crossings(ring, y):
    for (ax, ay), (bx, by) in zip(ring, ring[1:] + ring[:1], strict=True):
        if (ay <= y) != (by <= y):
            yield float(ax + (Fraction(y) - ay) * (bx - ax) / (by - ay))


def test_every_point_of_a_tiling_lies_in_exactly_one_tile():
    tiles = list(jittered_tiles(20, seed=3))
    polygons = [Polygon(ring) for _, ring in tiles]
    index = cells(tiles)
    chance = random.Random(4)
    inner = [(117 + chance.uniform(0.003, 0.057), 38 + chance.uniform(0.003, 0.057)) for _ in range(1500)]
    for _, ring in chance.sample(tiles, 200):  # corners and points on shared edges, as near as a float comes
        (ax, ay), (bx, by) = ring[0], ring[1]
        inner += [(ax, ay)] + [(ax + (bx - ax) * t, ay + (by - ay) * t) for t in (0.5, chance.random())]
    for x, y in inner:
        if not (117.0021 < x < 117.0579 and 38.0021 < y < 38.0579):
            continue  # the rim of the whole
        owners = [key for (key, _), polygon in zip(tiles, polygons, strict=True) if polygon.contains(x, y)]
        assert len(owners) == 1
        assert index.find(x, y) == owners[0]


def test_where_cells_overlap_the_first_given_wins_even_over_a_huge_one():
    small = [(f"s{i}", [(i, 0), (i + 1, 0), (i + 1, 1), (i, 1)]) for i in range(50)]
    huge = ("huge", [(-9000, -9000), (9000, -9000), (9000, 9000), (-9000, 9000)])
    assert cells([huge, *small]).find(3.5, 0.5) == "huge"
    last = cells([*small, huge])
    assert last.find(3.5, 0.5) == "s3"
    assert last.find(3.5, 7) == "huge"
    assert last.find(9999, 7) is None


def test_a_cell_may_have_parts_and_one_stray_cell_costs_nothing():
    tiles = [
        *jittered_tiles(30, seed=5),
        ("stray", SQUARE),
        ("part", [(2, 2), (3, 2), (3, 3)]),
        ("part", [(5, 5), (6, 5), (6, 6)]),
    ]
    index = GridIndex((key, [ring]) for key, ring in tiles)
    assert index.find(0.5, 0.5) == "stray"
    assert index.find(2.9, 2.5) == index.find(5.9, 5.5) == "part"
    assert index.find(117.045, 38.045) is not None
    assert len(index) == 903


@pytest.mark.parametrize("bad", BAD)
def test_numbers_that_are_none_are_nowhere(bad):
    index = cells([("a", SQUARE)])
    assert index.find(bad, 0.5) is None
    assert index.find(0.5, bad) is None
    assert index.find(1e308, -1e308) is None
    assert not Polygon(SQUARE).contains(bad, 0.5)
    assert not in_china(bad, 30)
    assert wgs84_to_gcj02(bad, 30.0)[1] == 30.0
    assert gcj02_to_wgs84(117.0, bad)[0] == 117.0
    with pytest.raises(ValueError, match="有限"):
        Polygon([(0, 0), (1, 0), (bad, 1)])


def test_an_empty_index_finds_nothing_and_a_line_is_no_polygon():
    assert GridIndex([]).find(117, 39) is None
    for ring in ([], [(0, 0)], [(0, 0), (1, 1), (0, 0)]):
        with pytest.raises(ValueError, match="三个"):
            Polygon(ring)
    assert cells([("flat", [(0, 0), (1, 0), (2, 0)])]).find(1, 0) is None


def test_the_shift_gives_the_published_values():
    # Values of the coordTransform library's own tests and, for the second, of its wheel 0.2.1.
    assert wgs84_to_gcj02(116.404, 39.915) == pytest.approx(
        (116.41024449916938, 39.91640428150164), abs=1e-12
    )
    assert 550 < metres(wgs84_to_gcj02(116.3975, 39.9087), (116.3975, 39.9087)) < 560


def test_the_inverse_undoes_the_shift_all_over_china():
    chance = random.Random(9)
    for _ in range(3000):
        there = (chance.uniform(73.6, 135.0), chance.uniform(18.2, 53.5))
        assert metres(gcj02_to_wgs84(*wgs84_to_gcj02(*there)), there) < 0.001
    west, south, east, north = 72.004, 0.8293, 137.8347, 55.8271
    for edge in ((west, 30.0), (east, 30.0), (100.0, south), (100.0, north)):
        assert metres(gcj02_to_wgs84(*edge), edge) < 1500


@pytest.mark.parametrize("abroad", [(-0.1276, 51.5074), (139.69, 35.69), (0, 0), (1e9, -1e9)])
def test_abroad_nothing_is_shifted(abroad):
    assert wgs84_to_gcj02(*abroad) == abroad
    assert gcj02_to_wgs84(*abroad) == abroad


SHIFTS = [
    ("gcj02", "wgs84"),
    ("wgs84", "gcj02"),
    ("gcj02", "bd09"),
    ("bd09", "gcj02"),
    ("wgs84", "bd09"),
    ("bd09", "wgs84"),
]


@pytest.mark.parametrize(("source", "target"), SHIFTS)
def test_every_direction_agrees_with_the_independent_package(source, target):
    oracle = getattr(coordTransform, f"{source}_to_{target}")
    chance = random.Random(13)
    for _ in range(2000):
        there = (chance.uniform(74, 134.5), chance.uniform(18.2, 53.4))
        # going back the package takes one step where we go on: it is itself off by up to metres there
        found, told = convert(*there, source, target), oracle(*there)
        exact = (source, target) in {("wgs84", "gcj02"), ("gcj02", "bd09"), ("wgs84", "bd09")}
        assert metres(found, told) < (0.001 if exact else 6)
        assert metres(convert(*found, target, source), there) < 0.001
        if not exact:  # the package itself, asked the way it is exact, says that we are right
            assert metres(getattr(coordTransform, f"{target}_to_{source}")(*found), there) < 0.001


def test_a_hole_belongs_to_whoever_fills_it():
    hole = [(0.4, 0.4), (0.6, 0.4), (0.6, 0.6), (0.4, 0.6)]
    index = GridIndex([("ring", [SQUARE, hole]), ("heart", [hole])])
    assert index.find(0.2, 0.5) == "ring"
    assert index.find(0.5, 0.5) == "heart"
    assert [list(index.hits(x, 0.4)) for x in (0.3, 0.4, 0.6)] == [["ring"], ["heart"], ["ring"]]


def test_a_point_is_found_in_the_boundaries_of_its_day():
    survey = date(2026, 7, 1)
    west, east = [(0, 0), (1, 0), (1, 1), (0, 1)], [(1, 0), (2, 0), (2, 1), (1, 1)]
    moved = [(0, 0), (1.5, 0), (1.5, 1), (0, 1)]
    known = Cells(
        [
            Boundary("a", EVER, survey - A_DAY, [[west]]),
            Boundary("b", EVER, survey - A_DAY, [[east]]),
            Boundary("a", survey, None, [[moved]]),
            Boundary("b", survey, None, [[[(1.5, 0), (2, 0), (2, 1), (1.5, 1)]]]),
        ]
    )
    assert known.find(1.2, 0.5, survey - A_DAY) == "b"
    assert known.find(1.2, 0.5, survey) == known.find(1.2, 0.5) == "a"
