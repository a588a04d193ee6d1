"""The packaged classifier before texts it has never seen: 399, seven a category, written without a look at words or rules.

No text of `texts.csv` may go into training, and no word of it into the list of words.
"""

from pathlib import Path

import pytest

from services.routing.classification.classifier import packaged
from services.routing.classification.evaluation import Share, evaluate
from services.routing.classification.texts import Labelled, packaged_texts, read

TEXTS = read(Path(__file__).with_name("texts.csv"))
# A wrong answer here costs more than elsewhere: gas, manholes, lifts, blocked fire lanes, unpaid wages.
DEARER = {"0407": 1.0, "0203": 0.85, "0303": 0.85, "0402": 0.85, "1002": 0.85}


@pytest.fixture(scope="module")
def report():
    return evaluate(packaged(), TEXTS)


def test_the_first_answer_is_right_and_the_right_one_is_among_three(report):
    assert report.first.value >= 0.85
    assert report.among.value >= 0.95
    assert report.macro_recall >= 0.85
    assert len(report.recalls) == 57


def test_no_category_is_lost_and_the_dear_ones_are_found(report):
    assert min(share.value for share in report.recalls.values()) >= 0.5
    assert {
        code: share for code, share in report.recalls.items() if share.value < DEARER.get(code, 0.0)
    } == {}


def test_what_is_dispatched_by_itself_is_right_and_sure_means_right(report):
    assert report.decided_rightly.value >= 0.95
    assert report.decided.value >= 0.6
    assert report.error <= 0.1


def test_none_of_these_texts_was_learned():
    assert {t.text for t in TEXTS}.isdisjoint(t.text for _, texts in packaged_texts() for t in texts)


def test_the_figures_of_an_evaluation():
    found = evaluate(packaged(), [
        Labelled("下水道堵了往外返污水", "0301", "help"), Labelled("下水道堵了往外返污水", "0101", "praise"), Labelled("🈚", "1399"),
    ])  # fmt: skip
    assert (found.first, found.among, found.kinds) == (Share(1, 3), Share(1, 3), Share(1, 2))
    assert found.recalls == {"0101": Share(0, 1), "0301": Share(1, 1), "1399": Share(0, 1)}
    assert found.confused == [("0101", "0301", 1), ("1399", "", 1)]
    assert (found.decided, found.decided_rightly) == (Share(2, 3), Share(1, 2))
    assert [b.right for b in found.bins] == [Share(0, 1), Share(1, 2)]


@pytest.mark.parametrize(
    ("content", "says"),
    [("a,b\n1,2\n", "表头"), ("text,code\n,0101\n", "第 2 行"), (b"\xff\xfe\x00", "读不了")],
)
def test_a_file_that_is_no_list_of_texts_is_refused_in_words(tmp_path, content, says):
    file = tmp_path / "texts.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RuntimeError, match=says):
        read(file)
