"""Which requests are likely the same matter: invented pairs, with and without a place, and what must never be."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from services.intake.likeness import Matter, compare, numbers, ranked

PAIRS = list(csv.DictReader((Path(__file__).parent / "pairs.csv").read_text(encoding="utf-8").splitlines()))
HERE = {"longitude": 117.40, "latitude": 38.84}


def told(pair, **place):
    return compare(Matter(pair["one"], **place), Matter(pair["other"], **place))


@pytest.mark.parametrize("place", [{}, {"grid": "g11"}, HERE], ids=["nowhere", "one grid", "one point"])
def test_pairs_are_told_apart(place):
    """At the same place nine of ten of what is shown are the same, and nine of ten of the same are shown."""
    shown = [p for p in PAIRS if told(p, **place).same]
    same = [p for p in PAIRS if p["same"] == "1"]
    right = [p for p in shown if p["same"] == "1"]
    assert len(right) / len(shown) >= 0.9, [p for p in shown if p["same"] == "0"]
    assert len(right) / len(same) >= 0.9, [p for p in same if p not in right]


@pytest.mark.parametrize("pair", [p for p in PAIRS if p["same"] == "0" and numbers(p["one"]) and numbers(p["other"])],
                         ids=lambda p: p["other"])  # fmt: skip
def test_another_number_is_another_matter_even_at_the_same_point(pair):
    likeness = told(pair, category="0101", **HERE)
    assert not likeness.same
    assert any("不同" in sentence for sentence in likeness.why)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3号楼2单元", {"楼": {3}, "单元": {2}}), ("三号楼二单元", {"楼": {3}, "单元": {2}}), ("二十一栋", {"楼": {21}}),
        ("１２号楼", {"楼": {12}}), ("没有门牌", {}), ("一百零三号楼", {"楼": {103}}),
    ],
)  # fmt: skip
def test_numbers_by_what_they_count(text, found):
    assert numbers(text) == found


def test_far_away_is_not_the_same():
    lamp = "路灯不亮了,晚上看不见路"
    near, far = Matter(lamp, **HERE), Matter(lamp, longitude=117.45, latitude=38.84)
    assert compare(near, Matter(lamp, **HERE)).score > compare(near, far).score
    assert ranked(Matter("垃圾没人收"), [("a", near)], most=5) == []
    assert ranked(near, [("far", far), ("here", near)], most=5)[0][0] == "here"


@given(st.text(max_size=120), st.text(max_size=120))
def test_a_score_is_between_none_and_all_and_the_same_both_ways(one, other):
    there, back = compare(Matter(one), Matter(other)), compare(Matter(other), Matter(one))
    assert 0 <= there.score <= 1
    assert there.score == back.score
