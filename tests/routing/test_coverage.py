"""Gaps, overlaps and orphans in the map of a street, with their sizes and places."""

import math

import pytest

from services.routing.coverage import Trouble, examine, words
from tests.routing.lists import lattice, square

STREET = "120116005"
METRE = 1 / 111_000  # of latitude, in degrees, about
CELL = 0.01**2 * 111_320 * math.cos(math.radians(39.015)) * 111_010  # square metres of a cell of the lattice


@pytest.fixture
def drawn():
    return {code: [rings] for code, rings in lattice(STREET, 3, 3).items()}


def look(drawn, outlines=None, grids=None):
    homes = {code: code[:12] for code in drawn} if grids is None else grids
    return examine(homes, drawn, outlines or {}, STREET)


def cell(column, row):
    return f"{STREET}{column:03d}{row:03d}"


def test_a_lattice_is_without_fault_with_and_without_outlines(drawn):
    assert look(drawn) == []
    communities = {
        f"{STREET}{n:03d}": [[square(117 + (n - 1) * 0.01, 39, 117 + n * 0.01, 39.03)]] for n in (1, 2, 3)
    }
    assert look(drawn, communities) == []
    assert look(drawn, {STREET: [[square(117, 39, 117.03, 39.03)]]}) == []


def test_a_hole_in_the_middle_is_a_gap_even_without_an_outline(drawn):
    grids = {code: code[:12] for code in drawn if code != cell(2, 2)}
    del drawn[cell(2, 2)]
    [gap] = look(drawn, grids=grids)
    assert gap.trouble is Trouble.GAP
    assert gap.square_metres == pytest.approx(CELL, rel=1e-3)
    assert gap.point == pytest.approx((117.015, 39.015), abs=0.005)
    assert cell(2, 1) in gap.codes
    assert "空白" in words(gap)
    assert "平方米" in words(gap)


def test_a_cell_missing_at_the_rim_is_a_gap_of_the_outline(drawn):
    del drawn[cell(3, 3)]
    assert look(drawn) == []  # nobody said that the street reaches that far
    [gap] = look(drawn, {STREET: [[square(117, 39, 117.03, 39.03)]]})
    assert (gap.trouble, gap.square_metres) == (Trouble.GAP, pytest.approx(CELL, rel=1e-3))


@pytest.mark.parametrize(
    ("metres", "found"), [(0.1, []), (3, [Trouble.GAP]), (-0.1, []), (-3, [Trouble.OVERLAP])]
)
def test_a_cleft_or_an_overlap_counts_from_a_fifth_of_a_metre(drawn, metres, found):
    drawn[cell(2, 1)] = [[square(117.01, 39 + 0, 117.02, 39.01 - metres * METRE)]]
    troubles = look(drawn)
    assert [f.trouble for f in troubles] == found
    if found:
        width = 0.01 * 111_320 * math.cos(math.radians(39.015))
        assert troubles[0].square_metres == pytest.approx(abs(metres) * width, rel=0.02)
        assert troubles[0].codes[-1] >= cell(2, 1)


def test_orphans_of_both_sides_and_what_crosses_itself(drawn):
    homes = {code: code[:12] for code in drawn} | {cell(9, 9): f"{STREET}009"}
    del homes[cell(1, 1)]
    drawn[cell(3, 3)] = [
        [[[117.02, 39.02], [117.03, 39.03], [117.03, 39.02], [117.02, 39.03], [117.02, 39.02]]]
    ]
    troubles = {(f.trouble, f.codes) for f in look(drawn, grids=homes)}
    assert (Trouble.NO_BOUNDARY, (cell(9, 9),)) in troubles
    assert (Trouble.NO_GRID, (cell(1, 1),)) in troubles
    assert (Trouble.INVALID, (cell(3, 3),)) in troubles


def test_a_grid_that_leaves_its_community_is_named(drawn):
    outline = {f"{STREET}001": [[square(117, 39, 117.01, 39.025)]]}
    outside = [f for f in look(drawn, outline) if f.trouble is Trouble.OUTSIDE]
    assert [(f.codes, f.square_metres) for f in outside] == [
        ((cell(1, 3), f"{STREET}001"), pytest.approx(CELL / 2, rel=1e-3))
    ]


def test_a_grid_of_parts_with_a_hole_that_another_fills(drawn):
    heart = square(117.013, 39.013, 117.017, 39.017)
    drawn[cell(2, 2)] = [[square(117.01, 39.01, 117.02, 39.02), heart]]
    drawn[cell(2, 4)] = [[heart]]
    assert look(drawn) == []


def test_nothing_drawn_is_told_grid_by_grid():
    assert [f.trouble for f in examine({"g": "c"}, {}, {}, STREET)] == [Trouble.NO_BOUNDARY]
