"""Composite scores by hand."""

from fractions import Fraction

import pytest

from services.metrics.rates import CATALOGUE
from services.metrics.scores import SCORES, score, shown


def values(name, *rates):
    return dict(zip(SCORES[name].rates, rates, strict=True))


def test_every_part_is_a_rate_of_the_catalogue():
    for definition in SCORES.values():
        assert all(variant in CATALOGUE[rate].variants for rate, variant in definition.rates)
        assert definition.source
        assert len(definition.version) == 12
    assert len({d.version for d in SCORES.values()}) == len(SCORES)


def test_huairou():
    rates = values("bj_huairou_10_50_40", Fraction(99, 100), Fraction(95, 100), Fraction(9, 10))
    points = score(SCORES["bj_huairou_10_50_40"], rates)
    assert points == Fraction(99, 10) + Fraction(475, 10) + 36
    assert shown(points, SCORES["bj_huairou_10_50_40"]) == "93.4"


def test_a_part_without_a_figure_leaves_no_score():
    assert (
        score(SCORES["bj_huairou_10_50_40"], values("bj_huairou_10_50_40", Fraction(1), None, Fraction(1)))
        is None
    )
    assert shown(None, SCORES["bj_huairou_10_50_40"]) == "—"
    assert (
        score(
            SCORES["sh_town_5_30_20_40"], values("sh_town_5_30_20_40", Fraction(1), Fraction(1), Fraction(1))
        )
        is None
    )


def test_volume_counts_where_it_is_part_of_the_score():
    rates = values("sh_town_5_30_20_40", Fraction(1), Fraction(1, 2), Fraction(3, 4))
    assert score(SCORES["sh_town_5_30_20_40"], rates, Fraction(1, 5)) == 1 + 30 + 10 + 30
    assert SCORES["sh_town_5_30_20_40"].full == 95


@pytest.mark.parametrize(
    ("on_time", "satisfied", "points"),
    [(Fraction(1), Fraction(1), Fraction(100)), (Fraction(99, 100), Fraction(95, 100), Fraction(99)), (Fraction(1), Fraction(94, 100), Fraction(99)), (Fraction(1), Fraction(0), Fraction(80)), (Fraction(0), Fraction(1), Fraction(40))],
)  # fmt: skip
def test_piecewise_with_a_floor(on_time, satisfied, points):
    assert score(SCORES["lyg_piecewise"], values("lyg_piecewise", on_time, satisfied)) == points


def test_full_marks_are_printed_for_full_marks_only():
    definition = SCORES["bj_huairou_10_50_40"]
    assert shown(Fraction(9996, 100), definition) == "99.9"
    assert shown(Fraction(100), definition) == "100.0"
    assert shown(Fraction(9994, 100), definition) == "99.9"
    assert shown(Fraction(94999, 1000), SCORES["sh_town_5_30_20_40"]) == "94.9"
