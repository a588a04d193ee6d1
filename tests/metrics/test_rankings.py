"""Rankings: equals are equal, too few are not ranked, and the edge of a list is not drawn between equals."""

from fractions import Fraction

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.rankings import Entrant, leading, ranked, trailing, unranked

values = st.none() | st.fractions(0, 1, max_denominator=6)
fields = st.lists(st.tuples(values, st.booleans()), max_size=12).map(
    lambda drawn: [entrant(f"u{n:02d}", value, few=few) for n, (value, few) in enumerate(drawn)]
)
orders = st.sampled_from(["desc", "asc"])


def entrant(key, value, *, few=False):
    return Entrant({"key": key, "keys": [key], "few": few}, None if value is None else Fraction(value))


def places(rows):
    return [(row["key"], row["rank"], row["tied"]) for row in rows]


FIELD = [entrant("a", "1/2"), entrant("b", 1), entrant("c", "1/2"), entrant("d", "1/3"), entrant("e", 1)]


def test_equals_share_a_rank_and_the_next_comes_after_all_of_them():
    assert places(ranked(FIELD, "desc")) == [
        ("b", 1, True), ("e", 1, True), ("a", 3, True), ("c", 3, True), ("d", 5, False),
    ]  # fmt: skip
    assert places(ranked(FIELD, "asc")) == [
        ("d", 1, False), ("a", 2, True), ("c", 2, True), ("b", 4, True), ("e", 4, True),
    ]  # fmt: skip


def test_fractions_that_print_alike_are_not_equal():
    nearly = [entrant("a", Fraction(9999999, 10000000)), entrant("b", Fraction(9999998, 10000000))]
    assert places(ranked(nearly, "desc")) == [("a", 1, False), ("b", 2, False)]


def test_the_edges_of_the_red_and_the_black_list_are_not_drawn_between_equals():
    rows = ranked(FIELD, "desc")
    assert [row["key"] for row in leading(rows, 1)] == ["b", "e"]
    assert [row["key"] for row in leading(rows, 3)] == ["b", "e", "a", "c"]
    assert [row["key"] for row in trailing(rows, 1)] == ["d"]
    assert [row["key"] for row in trailing(rows, 2)] == ["d", "c", "a"]
    assert [row["key"] for row in trailing(rows, 4)] == ["d", "c", "a", "e", "b"]


def test_too_few_and_no_figure_are_not_ranked_and_not_lost():
    some = [entrant("a", 1, few=True), entrant("b", "1/2"), entrant("c", None)]
    assert places(ranked(some, "desc")) == [("b", 1, False)]
    assert places(unranked(some)) == [("a", None, False), ("c", None, False)]


@pytest.mark.parametrize("keys", [[""], ["120116005/"], ["u02", ""]])
def test_nobody_is_not_ranked(keys):
    """What no unit had is no unit's merit: it is shown, but neither praised nor blamed."""
    nobody = Entrant({"key": "|".join(keys), "keys": keys, "few": False}, Fraction(1))
    assert ranked([nobody], "desc") == []
    assert [row["keys"] for row in unranked([nobody])] == [keys]


@settings(max_examples=200)
@given(fields, orders)
def test_a_rank_is_one_more_than_those_who_are_better(field, order):
    rows = ranked(field, order)
    of = {e.row["key"]: e.value for e in field}
    for row in rows:
        mine = of[row["key"]]
        better = [v for v in (of[r["key"]] for r in rows) if (v > mine if order == "desc" else v < mine)]
        assert row["rank"] == 1 + len(better)
        assert row["tied"] == (sum(of[r["key"]] == mine for r in rows) > 1)
    assert [row["rank"] for row in rows] == sorted(row["rank"] for row in rows)
    assert sorted(r["key"] for r in (*rows, *unranked(field))) == sorted(of)


@settings(max_examples=200)
@given(fields, orders, st.integers(0, 14))
def test_a_list_holds_as_many_as_asked_for_and_whoever_ties_with_the_last(field, order, count):
    rows = ranked(field, order)
    of = {e.row["key"]: e.value for e in field}
    for shown, order_of in ((leading(rows, count), rows), (trailing(rows, count), rows[::-1])):
        inside = [row["key"] for row in order_of[: len(shown)]]
        assert [row["key"] for row in shown] == inside
        assert len(shown) >= min(count, len(rows))
        outside = {of[row["key"]] for row in order_of[len(shown) :]}
        assert not outside & {of[key] for key in inside}
        if len(shown) > count:
            assert len({of[key] for key in inside[max(count - 1, 0) :]}) == 1
    assert leading(rows, 0) == trailing(rows, 0) == []
