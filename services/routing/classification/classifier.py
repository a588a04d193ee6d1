"""What a text is about: the words and the model together, with a confidence that means what it says.

A reported 0.8 is right about eight times in ten on texts it was not trained on. Below the model's threshold, and
for what it calls 其他, it says nothing and a person decides (the ticket waits under `OTHER`).
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from services.routing.classification.model import Floats, Model, Reading, from_bytes
from services.routing.classification.reading import normalize, without_courtesy
from services.routing.classification.words import Spoken, WordRules, packaged_words

OTHER = "1399"
"""The category of what nobody could tell: a person looks at it."""

BASE = Path(__file__).with_name("base.npz")
BASE_HASH = Path(__file__).with_name("base.sha256")
_PROPOSED = 3
_WORDS = 3
_ENOUGH = 4  # known pairs of characters below which a text tells too little to be sure of: "路灯", "你好"
_A_WORD = 2  # so many pairs a word of the rules stands for


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category proposed: its confidence from 0 to 1 and the words that spoke for it, strongest first."""

    code: str
    score: float
    words: tuple[str, ...]


class Classifier:
    """Proposes categories for a text, by word rules and a model."""

    def __init__(self, words: WordRules, model: Model) -> None:
        self._words = words
        self._model = model
        self._column = {code: n for n, code in enumerate(model.codes)}

    @property
    def version(self) -> str:
        """Return what is to stand beside every answer: which words and which model gave it."""
        return f"词表+模型 {self._model.version}"

    @property
    def threshold(self) -> float:
        """Return the confidence below which a person decides."""
        return self._model.calibration.threshold

    def classify(self, text: str) -> list[Candidate]:
        """Return up to three candidates, the likeliest first; none where nothing in the text is known."""
        plain = without_courtesy(normalize(text))
        reading = self._model.read(plain)
        if reading is None:
            return []
        spoken = self._words.weigh(plain)
        sure = self._model.calibration.confidences(reading.scores, amounts(spoken, self._column))
        words = spoken.get(self._model.codes[int(sure.argmax())], Spoken(0.0, ())).words
        sure = sure * min(1.0, (reading.pairs + _A_WORD * len(words)) / _ENOUGH)
        order = np.argsort(-sure, kind="stable")[:_PROPOSED]
        return [
            Candidate(
                self._model.codes[n],
                round(float(sure[n]), 4),
                _decisive(spoken, reading, self._model.codes[n], n),
            )
            for n in order
            if sure[n] > 0
        ]

    def best(self, candidates: list[Candidate]) -> Candidate | None:
        """Return the candidate to act on, or None where a person must decide."""
        if not candidates or candidates[0].code == OTHER or candidates[0].score < self.threshold:
            return None
        return candidates[0]


def amounts(spoken: dict[str, Spoken], column: dict[str, int]) -> Floats:
    """Return for each category the logarithm of what the words amount to, 0 where none spoke."""
    found = np.zeros(len(column), dtype=np.float32)
    for code, (amount, _) in spoken.items():
        if code in column:
            found[column[code]] = np.log1p(amount)
    return found


def _decisive(spoken: dict[str, Spoken], reading: Reading, code: str, column: int) -> tuple[str, ...]:
    """Return the words of the rules, then the model's, that are not parts of one another."""
    chosen: list[str] = []
    for word in (*spoken.get(code, Spoken(0.0, ())).words, *reading.decisive(column, _WORDS)):
        if not any(word in other for other in chosen):
            chosen.append(word)
    return tuple(chosen[:_WORDS])


@lru_cache(maxsize=1)
def packaged() -> Classifier:
    """Return the classifier over the packaged words and model, read once; ModelUnusable if its file was changed."""
    sha256 = BASE_HASH.read_text(encoding="ascii").strip()
    return Classifier(packaged_words(), from_bytes(BASE.read_bytes(), sha256))
