"""A model made from texts and their categories; needs scikit-learn, which the services do without.

Two linear models see the same n-grams, a support vector machine and complement naive Bayes, and become one table of
weights. Measured with a writer left out, each alone is worse; logistic regression and the words' scores as features
were tried and gained nothing. Everything is in a fixed order: the same texts give the same bytes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from services.routing.classification.classifier import OTHER, amounts
from services.routing.classification.features import grams
from services.routing.classification.model import STEPS, Calibration, Floats, Model, digest
from services.routing.classification.reading import normalize, without_courtesy
from services.routing.classification.words import keyword_rows, packaged_words

RIGHT = 0.95  # what is dispatched by itself is to be right this often
_SHARED = 2  # different texts: a private n-gram of a single one is somebody's own (a name, a place)
_KEYWORD_WEIGHT = 0.2
_BAYES_SHARE = 0.05
_AMONG = 3
_PENALTY, _SMOOTHING = 1.0, 0.5
_TEMPERATURES = tuple(np.geomspace(0.05, 0.6, 26).tolist())
_WORD_SHARES = (0.0, 0.01, 0.02, 0.05, 0.1)


class Sample(NamedTuple):
    """A text, its category, whose it is (or which share of a street's), and how much it counts in training.

    `private` is what residents wrote: of it only what two different texts share is learned.
    """

    text: str
    code: str
    source: str
    weight: float = 1.0
    private: bool = False


@dataclass(frozen=True)
class _Judged:
    """Scores of texts whose writer the model giving them had not seen, and what was right."""

    scores: Floats
    words: Floats
    right: Any  # columns

    def within(self, places: int) -> int:
        """Return how many texts have the right category among the first so many."""
        order = np.argsort(-self.scores, axis=1, kind="stable")[:, :places]
        return int((order == self.right[:, None]).any(axis=1).sum())


class LeftOut(NamedTuple):
    """How a model made from all other sources did on the texts of this one."""

    texts: int
    first: int
    among: int


class Trained(NamedTuple):
    """A model, and what texts of other people may expect of it."""

    model: Model
    left_out: Mapping[str, LeftOut]


def train(samples: Sequence[Sample]) -> Trained:
    """Return a model, calibrated on texts of sources left out in turn; RuntimeError where scikit-learn is missing."""
    codes = tuple(sorted({s.code for s in samples}))
    judged = {
        source: _judge(
            fit([s for s in samples if s.source != source], codes), [s for s in samples if s.source == source]
        )
        for source in sorted({s.source for s in samples})
    }
    model = replace(fit(samples, codes), calibration=_calibrated(list(judged.values()), codes))
    figures = {name: LeftOut(len(j.right), j.within(1), j.within(_AMONG)) for name, j in judged.items()}
    return Trained(replace(model, sha256=digest(model.to_bytes())), figures)


def fit(samples: Sequence[Sample], codes: Sequence[str]) -> Model:
    """Return the weights for these texts and the keyword list, not calibrated yet."""
    try:
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - only training needs it
        from sklearn.naive_bayes import ComplementNB  # noqa: PLC0415
        from sklearn.svm import LinearSVC  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError('训练需要 scikit-learn,请先安装: pip install "banjie[train]"') from error
    docs = [
        *samples,
        *(
            Sample(w.replace("~", "。"), code, "keywords", _KEYWORD_WEIGHT)
            for code, w, _ in keyword_rows()
            if code in codes
        ),
    ]
    seen = [grams(normalize(d.text)) for d in docs]
    known, rarity = _vocabulary(docs, seen)
    rows = [[known[g] for g in found if g in known] for found in seen]
    values = [rarity[row] / max(np.linalg.norm(rarity[row]), 1e-9) for row in rows]
    table = csr_matrix(
        (np.concatenate(values), np.concatenate(rows).astype(int), np.cumsum([0, *map(len, rows)])),
        shape=(len(docs), len(known)),
    )
    column = {code: n for n, code in enumerate(codes)}
    labels, weight = np.array([column[d.code] for d in docs]), np.array([d.weight for d in docs])
    machine = LinearSVC(C=_PENALTY, random_state=0).fit(table, labels, sample_weight=weight)
    bayes = ComplementNB(alpha=_SMOOTHING).fit(table, labels, sample_weight=weight).feature_log_prob_
    bayes = bayes - bayes.mean(axis=0)
    share = _BAYES_SHARE / float((table @ bayes.T).std(axis=1).mean())
    weights = (machine.coef_ + share * bayes).T
    scales = np.abs(weights).max(axis=1) / STEPS
    return Model(
        codes=tuple(codes),
        grams=known,
        rarity=rarity.astype(np.float32),
        weights=np.rint(weights / scales[:, None]).astype(np.int8),
        scales=scales.astype(np.float32),
        intercepts=machine.intercept_.astype(np.float32),
        calibration=Calibration(1.0, 0.0, 1.0, 0.0, 1.0),
    )


def _vocabulary(docs: Sequence[Sample], seen: Sequence[Sequence[str]]) -> tuple[dict[str, int], Any]:
    """Return the n-grams that may be learned, in order, and how rare each is among different texts."""
    different = {normalize(d.text): found for d, found in zip(docs, seen, strict=True)}
    counts = Counter(gram for found in different.values() for gram in found)
    public = {gram for d, found in zip(docs, seen, strict=True) if not d.private for gram in found}
    known = sorted(gram for gram, count in counts.items() if gram in public or count >= _SHARED)
    count = np.array([counts[gram] for gram in known], dtype=float)
    return {gram: n for n, gram in enumerate(known)}, np.log((1 + len(different)) / (1 + count)) + 1


def _judge(model: Model, samples: Sequence[Sample]) -> _Judged:
    column = {code: n for n, code in enumerate(model.codes)}
    scores, words = [], []
    for sample in samples:
        plain = without_courtesy(normalize(sample.text))
        reading = model.read(plain)
        scores.append(model.intercepts if reading is None else reading.scores)
        words.append(amounts(packaged_words().weigh(plain), column))
    return _Judged(np.array(scores), np.array(words), np.array([column[s.code] for s in samples]))


def _calibrated(parts: Sequence[_Judged], codes: Sequence[str]) -> Calibration:
    """Return what makes the truth likeliest, the odds of the first then set to how often it was right."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    scores, words = np.vstack([p.scores for p in parts]), np.vstack([p.words for p in parts])
    right = np.concatenate([p.right for p in parts])

    def surprise(tried: Calibration) -> float:
        sure = tried.confidences(scores, words)[np.arange(len(right)), right]
        return float(-np.log(np.maximum(sure, 1e-9)).mean())

    tries = [Calibration(t, s, 1.0, 0.0, 1.0) for t in _TEMPERATURES for s in _WORD_SHARES]
    raw = min(tries, key=surprise)
    sure = raw.confidences(scores, words)
    chosen, first = sure.argmax(axis=1), np.clip(sure.max(axis=1), 1e-9, 1 - 1e-9)
    odds = np.log(first / (1 - first))[:, None]
    fitted = LogisticRegression(C=1e6).fit(odds, chosen == right)
    set_to = replace(raw, slope=float(fitted.coef_[0, 0]), offset=float(fitted.intercept_[0]))
    return replace(
        set_to, threshold=_threshold(set_to.confidences(scores, words).max(axis=1), chosen, right, codes)
    )


def _threshold(sure: Floats, chosen: Any, right: Any, codes: Sequence[str]) -> float:
    """Return the least confidence from which on at least `RIGHT` of what is decided is decided rightly."""
    decided = np.array([codes[n] != OTHER for n in chosen])
    top, hit = sure[decided], (chosen == right)[decided]
    order = np.argsort(-top, kind="stable")
    enough = np.flatnonzero(np.cumsum(hit[order]) / np.arange(1, len(order) + 1) >= RIGHT)
    return round(float(top[order][enough[-1]]), 4) if len(enough) else 1.0
