"""A ticket's spans against the oracle: random lives, looked at whenever something turns and just beside it."""

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from services.metrics.spans import Rating, spans
from shared.tables import DIMENSIONS, MEASURES
from tests.metrics import oracle
from tests.metrics.histories import LATEST, NOW, TICK, instants, life, ratings

LIVES = 60  # in each of the parametrized runs


def at(found, moment):
    """The span in which `moment` lies, or None before the first."""
    inside = [s for s in found if s.valid_from <= moment and (s.valid_to is None or moment < s.valid_to)]
    assert len(inside) <= 1
    return inside[0] if inside else None


def looks(rng, one, said=()):
    turns = instants([one], said)
    beside = [moment + rng.choice((-TICK, TICK)) for moment in turns]
    return [*turns, *beside, LATEST + timedelta(days=400), NOW]


@pytest.mark.parametrize("seed", range(12))
def test_every_measure_at_every_instant(seed):
    rng = random.Random(seed)
    for number in range(LIVES):
        one = life(rng, 1, number)
        said = ratings(rng, [one])
        found = spans(*one, [Rating(r["occurred_at"], r["satisfaction"]) for r in said])
        for moment in looks(rng, one, said):
            span, wanted = at(found, moment), oracle.stand(*one, moment, None, said)
            if wanted is None:
                assert span is None
                continue
            assert dict(zip(MEASURES, span.measures, strict=True)) == oracle.counts([wanted])
            assert dict(zip(DIMENSIONS, span.dimensions, strict=True)) == wanted.dimensions
            assert (span.state, span.due_at, span.closed_at) == (
                wanted.state, wanted.due_at, wanted.closed_at,
            )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_spans_follow_one_another_without_a_gap(seed):
    rng = random.Random(seed)
    for number in range(LIVES):
        ticket, history = life(rng, 1, number)
        found = spans(ticket, history)
        assert found[0].valid_from == ticket["occurred_at"]
        assert found[-1].valid_to is None
        assert all(a.valid_to == b.valid_from for a, b in pairwise(found))
        assert all(s.valid_to is None or s.valid_from < s.valid_to for s in found)


def test_a_measure_above_the_line_is_below_it_too():
    """No rate can exceed 1: whoever is counted in a numerator is in its denominator."""
    rng = random.Random(1)
    for number in range(300):
        one = life(rng, 1, number)
        for moment in instants([one]):
            it = oracle.stand(*one, moment)
            for above, below in oracle.RATES.values():
                assert it is None or not above(it) or below(it)
