"""How good a classifier is, on texts whose categories are known: what is right, what is confused, what sure means."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

from services.routing.classification.classifier import Candidate, Classifier
from services.routing.classification.cues import kind_of
from services.routing.classification.texts import Labelled

_BINS = 10


class Share(NamedTuple):
    """So many of so many."""

    part: int
    whole: int

    @property
    def value(self) -> float:
        """Return the fraction; 0 of nothing."""
        return self.part / self.whole if self.whole else 0.0


class Bin(NamedTuple):
    """Answers of about the same confidence: how sure they were on average, and how many were right."""

    sure: float
    right: Share


@dataclass(frozen=True, slots=True)
class Report:
    """The figures of one evaluation. `error` is the expected calibration error: how far sure was from right."""

    first: Share
    among: Share
    recalls: Mapping[str, Share]
    bins: Sequence[Bin]
    error: float
    confused: Sequence[tuple[str, str, int]]  # (right, said, times), most frequent first
    decided: Share
    decided_rightly: Share
    kinds: Share
    milliseconds: float  # a text

    @property
    def macro_recall(self) -> float:
        """Return the mean of the categories' recalls: rare ones count as much as frequent ones."""
        return sum(r.value for r in self.recalls.values()) / len(self.recalls) if self.recalls else 0.0


def evaluate(classifier: Classifier, texts: Sequence[Labelled]) -> Report:
    """Return the figures of a classifier on texts it should not have been trained on."""
    classifier.classify("")
    begun = perf_counter()
    found = [classifier.classify(t.text) for t in texts]
    spent = perf_counter() - begun
    said = [candidates[0].code if candidates else "" for candidates in found]
    acted = [classifier.best(candidates) for candidates in found]
    with_kind = [t for t in texts if t.kind is not None]
    bins = _bins(texts, found)
    return Report(
        first=_share(code == t.code for code, t in zip(said, texts, strict=True)),
        among=_share(t.code in {c.code for c in cs} for cs, t in zip(found, texts, strict=True)),
        recalls=_recalls(texts, said),
        bins=bins,
        error=sum(abs(b.sure - b.right.value) * b.right.whole for b in bins) / max(len(texts), 1),
        confused=_confused(texts, said),
        decided=_share(c is not None for c in acted),
        decided_rightly=_share(c.code == t.code for c, t in zip(acted, texts, strict=True) if c is not None),
        kinds=_share(kind_of(t.text) == t.kind for t in with_kind),
        milliseconds=spent * 1000 / max(len(texts), 1),
    )


def _share(answers: Iterable[bool]) -> Share:
    listed = list(answers)
    return Share(sum(listed), len(listed))


def _recalls(texts: Sequence[Labelled], said: Sequence[str]) -> dict[str, Share]:
    wanted = Counter(t.code for t in texts)
    right = Counter(t.code for t, code in zip(texts, said, strict=True) if t.code == code)
    return {code: Share(right[code], wanted[code]) for code in sorted(wanted)}


def _confused(texts: Sequence[Labelled], said: Sequence[str]) -> list[tuple[str, str, int]]:
    pairs = Counter((t.code, code) for t, code in zip(texts, said, strict=True) if t.code != code)
    return [(*pair, times) for pair, times in sorted(pairs.items(), key=lambda item: (-item[1], item[0]))]


def _bins(texts: Sequence[Labelled], found: Sequence[Sequence[Candidate]]) -> list[Bin]:
    """Return the answers by tenths of confidence, the surest last; a text without an answer is a wrong one at 0."""
    tenths: dict[int, list[tuple[float, bool]]] = {}
    for text, candidates in zip(texts, found, strict=True):
        sure, right = (candidates[0].score, candidates[0].code == text.code) if candidates else (0.0, False)
        tenths.setdefault(min(int(sure * _BINS), _BINS - 1), []).append((sure, right))
    return [
        Bin(sum(sure for sure, _ in each) / len(each), _share(right for _, right in each))
        for _, each in sorted(tenths.items())
    ]
