"""The honest arithmetic: 100% only when it is, nothing where there is nothing; and the catalogue as data."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.measures import CATALOGUE as COUNTED
from services.metrics.rates import CATALOGUE, COMPUTED, MOST_DIGITS, display, value
from shared.tables import MEASURES
from tests.metrics import oracle

roundings = st.sampled_from(["half_up", "truncate"])
digits = st.integers(0, MOST_DIGITS)
parts = st.integers(0, 10**12).flatmap(lambda d: st.tuples(st.integers(0, d), st.just(d)))
# where rounding decides: a few short of all
nearly_all = st.tuples(st.integers(1, 10**12), st.integers(0, 3)).map(lambda p: (max(p[0] - p[1], 0), p[0]))


@settings(max_examples=200)
@given(parts | nearly_all, digits, roundings)
def test_printed_as_whole_number_arithmetic_prints_it(part, digits, rounding):
    assert display(*part, digits=digits, rounding=rounding) == oracle.printed(*part, digits, rounding)


@settings(max_examples=200)
@given(parts | nearly_all, digits, roundings)
def test_100_percent_is_printed_when_both_are_equal_and_never_else(part, digits, rounding):
    shown = display(*part, digits=digits, rounding=rounding)
    assert shown.startswith("100") == (part[0] == part[1] > 0)


@settings(max_examples=200)
@given(parts | nearly_all, digits)
def test_no_further_from_the_truth_than_the_last_digit(part, digits):
    if part[1] == 0:
        return
    exact, step = Fraction(part[0] * 100, part[1]), Fraction(1, 10**digits)
    cut, rounded = (Fraction(display(*part, digits=digits, rounding=r)[:-1]) for r in ("truncate", "half_up"))
    assert 0 <= exact - cut < step
    assert abs(rounded - exact) <= step / 2 or (rounded == 100 - step and exact < 100)


@given(parts)
def test_the_value_is_the_fraction_or_nothing(part):
    shown = value(*part)
    assert shown is None if part[1] == 0 else shown == part[0] / part[1]


@pytest.mark.parametrize(
    ("part", "digits", "rounding", "shown"),
    [
        ((3950, 3950), 2, "half_up", "100%"),
        ((3949, 3950), 2, "half_up", "99.97%"),
        ((254567, 254592), 2, "half_up", "99.99%"),
        ((254567, 254592), 1, "half_up", "99.9%"),  # 99.9902 %: one decimal must not become 100.0
        ((254567, 254592), 1, "truncate", "99.9%"),
        ((254567, 254592), 0, "half_up", "99%"),
        ((254567, 254592), 6, "half_up", "99.990180%"),
        ((911, 972), 2, "half_up", "93.72%"),
        ((737, 972), 2, "half_up", "75.82%"),
        ((597, 601), 0, "truncate", "99%"),
        ((2218, 3575), 2, "half_up", "62.04%"),
        ((2209, 2218), 2, "half_up", "99.59%"),
        ((1, 8), 2, "half_up", "12.50%"),
        ((1, 16), 1, "half_up", "6.3%"),
        ((1, 16), 1, "truncate", "6.2%"),
        ((0, 5), 2, "half_up", "0.00%"),
        ((0, 5), 0, "truncate", "0%"),
        ((0, 0), 2, "half_up", "—"),
    ],
)
def test_published_figures(part, digits, rounding, shown):
    assert display(*part, digits=digits, rounding=rounding) == shown


def test_every_rate_of_the_oracle_is_in_the_catalogue_and_no_other():
    assert {(rate.id, name) for rate in CATALOGUE.values() for name in rate.variants} == set(oracle.RATES)


def test_the_catalogue_names_measures_that_exist():
    assert [m.id for m in COUNTED] == list(MEASURES)
    assert set(oracle.COUNTS) == set(MEASURES)
    assert set(oracle.COMPUTED) == set(COMPUTED)
    assert all(m.label and m.meaning for m in COUNTED)
    for rate in CATALOGUE.values():
        assert rate.default == next(iter(rate.variants))
        for variant in rate.variants.values():
            assert {*variant.numerator, *variant.denominator} <= {*MEASURES, *COMPUTED}
            assert variant.source
            assert variant.numerator_text
            assert variant.denominator_text


def test_variants_that_hide_something_warn():
    warned = {(r.id, n) for r in CATALOGUE.values() for n, v in r.variants.items() if v.warning}
    assert warned >= {
        ("closure_rate", "incl_direct"), ("closure_rate", "due_net_deferred"), ("closure_rate", "handled"),
        ("closure_rate", "project"), ("on_time_closure_rate", "due_net_deferred"),
        ("on_time_closure_rate", "closed_only"), ("resolution_rate", "self_declared"), ("satisfaction_rate", "top2"),
        ("satisfaction_rate", "five_level"),
    }  # fmt: skip
    assert not warned & {(r.id, r.default) for r in CATALOGUE.values()} - {
        ("reply_rate", "received"), ("repeat_rate", "received"), ("whistle_rate", "dispatched"), ("visit_coverage", "roster"),
    }  # fmt: skip


def test_a_definition_that_changes_has_another_version():
    versions = [v.version for r in CATALOGUE.values() for v in r.variants.values()]
    due, matured = (CATALOGUE["closure_rate"].variants[name] for name in ("due", "matured"))
    assert due.version != matured.version
    assert all(len(version) == 12 for version in versions)
    strict, weighed = (CATALOGUE["satisfaction_rate"].variants[name] for name in ("top2", "basic_0_9"))
    assert strict.numerator == weighed.numerator
    assert strict.version != weighed.version, "the same measures, weighed otherwise"
