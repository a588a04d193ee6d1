"""Weighted words found in a text, and what they add up to."""

from collections.abc import Iterable
from typing import NamedTuple

from services.routing.classification.reading import Standing, normalize

_REACH = 12  # characters between the two halves of a pair
_REACH_OF_ONE = 5  # the same where a half is a single character, which stands in many other words too
_SEEN = 8  # places remembered per word: a text that repeats one word a thousand times must not cost a million steps
_FADE = 0.7  # each further word for the same label counts this much of the one before


class Hit(NamedTuple):
    """A known word and where it stands."""

    start: int
    end: int
    word: str


class Lexicon:
    """Finds weighted words in a text in one pass over its characters.

    A row is (label, word, weight). `A~B` is a pair: both within a dozen characters, in either order. Of words
    inside longer words only the longest counts (停车费, not 停车), but pairs may be built from any.
    """

    def __init__(self, rows: Iterable[tuple[str, str, float]]) -> None:
        self._single: dict[str, list[tuple[str, float]]] = {}
        self._pairs: dict[str, list[tuple[str, str, float]]] = {}
        words: set[str] = set()
        for label, word, weight in rows:
            first, pair, second = normalize(word).partition("~")
            if pair:
                self._pairs.setdefault(first, []).append((second, label, weight))
                words |= {first, second}
            else:
                self._single.setdefault(first, []).append((label, weight))
                words.add(first)
        words.discard("")
        lengths: dict[str, set[int]] = {}
        for word in words:
            if len(word) > 1:
                lengths.setdefault(word[:2], set()).add(len(word))
        self._words = frozenset(words)
        # By their first two characters: at most places of a text that is the only look-up.
        self._lengths = {begin: tuple(sorted(sizes, reverse=True)) for begin, sizes in lengths.items()}

    def weigh(self, text: str) -> dict[str, dict[str, float]]:
        """Return label → word → weight for a normalized text, landmarks and settled matters counted low."""
        hits, places = self._scan(text)
        standing = Standing(text)
        found: dict[str, dict[str, float]] = {}
        for hit in hits:
            for label, weight in self._single.get(hit.word, ()):
                keep(found, label, hit.word, weight * standing.of(hit.start, hit.end))
        for first, spots in places.items():
            for second, label, weight in self._pairs.get(first, ()):
                near = self._together(spots, places.get(second))
                if near is not None:
                    keep(found, label, f"{first}…{second}", weight * standing.of(near.start, near.end))
        return found

    @staticmethod
    def _together(spots: list[Hit], others: list[Hit] | None) -> Hit | None:
        """Return the earlier half of the first pair found near each other: that is where a denial would stand."""
        return next((min(a, b) for a in spots for b in others if _near(a, b)), None) if others else None

    def everywhere(self, text: str) -> list[Hit]:
        """Return where any word or pair of this lexicon stands, for a look at what stands around it."""
        hits, places = self._scan(text)
        spots = [hit for hit in hits if hit.word in self._single]
        for first, firsts in places.items():
            for second, _, _ in self._pairs.get(first, ()):
                others = places.get(second, ())
                spots += [min(a, b) for a in firsts for b in others if _near(a, b)]
        return spots

    def _scan(self, text: str) -> tuple[list[Hit], dict[str, list[Hit]]]:
        """Return the words not inside longer ones, and every word's first few places."""
        hits: list[Hit] = []
        places: dict[str, list[Hit]] = {}
        covered = 0
        for hit in self._spell(text):
            if hit.end > covered and (hit.word in self._single or hit.word not in self._pairs):
                covered = hit.end
                hits.append(hit)
            spots = places.setdefault(hit.word, [])
            if len(spots) < _SEEN:
                spots.append(hit)
        return hits, places

    def _spell(self, text: str) -> list[Hit]:
        """Return every known word of the text from left to right, the longest first where several begin."""
        found: list[Hit] = []
        for start, char in enumerate(text):
            for size in self._lengths.get(text[start : start + 2], ()):
                word = text[start : start + size]
                if word in self._words:
                    found.append(Hit(start, start + size, word))
            if char in self._words:
                found.append(Hit(start, start + 1, char))
        return found


def keep(found: dict[str, dict[str, float]], label: str, word: str, weight: float) -> None:
    """Note a word for a label, at the greatest weight it was found with."""
    words = found.setdefault(label, {})
    words[word] = max(words.get(word, 0.0), weight)


def total(weights: Iterable[float]) -> float:
    """Return what several words for one label amount to: the strongest in full, each further one less."""
    amount, share = 0.0, 1.0
    for weight in sorted(weights, reverse=True):
        amount += weight * share
        share *= _FADE
    return amount


def strongest(words: dict[str, float]) -> tuple[str, ...]:
    """Return the words that count at all, the weightiest first."""
    return tuple(sorted((word for word in words if words[word] > 0), key=lambda word: (-words[word], word)))


def _near(a: Hit, b: Hit) -> bool:
    single = a.end - a.start == 1 or b.end - b.start == 1
    return 0 <= max(a.start - b.end, b.start - a.end) <= (_REACH_OF_ONE if single else _REACH)
