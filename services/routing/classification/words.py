"""What the weighed keyword and phrase rules say of a text: the part of a judgement that can be read and edited."""

import csv
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from services.routing.classification.lexicon import Lexicon, strongest, total


class Spoken(NamedTuple):
    """What speaks for a category: how much, and which words, strongest first."""

    amount: float
    words: tuple[str, ...]


class WordRules:
    """Weighs a text by rows of (category code, word or pair `A~B`, weight 1 to 6)."""

    def __init__(self, rows: Iterable[tuple[str, str, float]]) -> None:
        self._lexicon = Lexicon(rows)

    def weigh(self, plain: str) -> dict[str, Spoken]:
        """Return category → what speaks for it in a normalized text; denied, settled and landmarks count low."""
        return {
            code: Spoken(total(words.values()), strongest(words))
            for code, words in self._lexicon.weigh(plain).items()
        }


@lru_cache(maxsize=1)
def keyword_rows() -> tuple[tuple[str, str, float], ...]:
    """Return the packaged keyword rows."""
    with Path(__file__).with_name("keywords.csv").open(encoding="utf-8", newline="") as lines:
        return tuple((row["code"], row["word"], float(row["weight"])) for row in csv.DictReader(lines))


@lru_cache(maxsize=1)
def packaged_words() -> WordRules:
    """Return the rules over the packaged words, built once."""
    return WordRules(keyword_rows())
