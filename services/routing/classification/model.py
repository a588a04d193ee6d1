"""The linear model that serves: numbers for n-grams and categories, in one file that is hashed and holds no code."""

import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from services.routing.classification.features import grams

Floats = NDArray[np.floating[Any]]
_ARRAYS = ("codes", "grams", "rarity", "weights", "scales", "intercepts", "calibration")
STEPS = 127
"""Weights are kept in a byte: so many steps up and down from nothing."""
_DOUBT = 1e-9  # that remains however sure the scores are
_SHOWN = 8  # digits of the hash by which people tell versions apart


class ModelUnusable(ValueError):  # noqa: N818 - as people say it
    """The bytes are not the model they should be: changed, cut short, or no model at all."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How scores become confidences; made from texts that the model had not been trained on.

    `temperature` divides the scores, to which the logarithm of the words' weight adds `word_share`. How often the
    likeliest was right then follows from its odds by `slope` and `offset`. From `threshold` on, what is dispatched by
    itself was right often enough.
    """

    temperature: float
    word_share: float
    slope: float
    offset: float
    threshold: float

    def confidences(self, scores: Floats, words: Floats) -> Floats:
        """Return how sure each category is, row by row adding up to 1; the order is that of the scores."""
        whole = (scores + self.word_share * words) / self.temperature
        grown = np.exp(whole.astype(np.float64) - whole.max(axis=-1, keepdims=True))
        shares = grown / grown.sum(axis=-1, keepdims=True)
        first = shares.max(axis=-1, keepdims=True)
        rest = np.maximum(1.0 - first, _DOUBT)
        sure = 1.0 / (1.0 + np.exp(-self.slope * np.log(np.maximum(first, _DOUBT) / rest) - self.offset))
        found: Floats = np.where(shares == first, sure, np.minimum(shares / rest * (1.0 - sure), sure))
        return found


@dataclass(frozen=True)
class Model:
    """A linear model over `grams`: row by row the weights for each of `codes`, in steps of the row's scale."""

    codes: tuple[str, ...]
    grams: Mapping[str, int]
    rarity: Floats  # how much an n-gram tells: the inverse frequency among the texts
    weights: NDArray[np.int8]
    scales: Floats
    intercepts: Floats
    calibration: Calibration
    sha256: str = field(default="", compare=False)

    @property
    def version(self) -> str:
        """Return the name people see: the first digits of the hash."""
        return self.sha256[:_SHOWN]

    def read(self, plain: str) -> "Reading | None":
        """Return what the model makes of a normalized text, or None where it knows nothing in it."""
        known = [(gram, self.grams[gram]) for gram in grams(plain) if gram in self.grams]
        if not known:
            return None
        rows = [row for _, row in known]
        worth = self.rarity[rows]
        parts = self.weights[rows] * (worth / np.sqrt(worth @ worth) * self.scales[rows])[:, None]
        return Reading(tuple(gram for gram, _ in known), parts, parts.sum(axis=0) + self.intercepts)

    def to_bytes(self) -> bytes:
        """Return the file: the same model gives the same bytes."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            codes=np.array(self.codes),
            grams=np.array(sorted(self.grams, key=self.grams.__getitem__)),
            rarity=self.rarity,
            weights=self.weights,
            scales=self.scales,
            intercepts=self.intercepts,
            calibration=np.array(astuple(self.calibration)),
        )
        return file.getvalue()


@dataclass(frozen=True)
class Reading:
    """What a model makes of one text: for each n-gram it knows and each category a part, and their sums."""

    grams: tuple[str, ...]
    parts: Floats
    scores: Floats

    @property
    def pairs(self) -> int:
        """Return how many known n-grams are longer than a character: a lone character says little."""
        return sum(len(gram) > 1 for gram in self.grams)

    def decisive(self, column: int, limit: int) -> tuple[str, ...]:
        """Return the n-grams, longer than a character, that spoke most for a category."""
        order = np.argsort(-self.parts[:, column], kind="stable")
        chosen = [self.grams[n] for n in order if len(self.grams[n]) > 1 and self.parts[n, column] > 0]
        return tuple(chosen[:limit])


def digest(raw: bytes) -> str:
    """Return the hash that names a model's bytes."""
    return hashlib.sha256(raw).hexdigest()


def from_bytes(raw: bytes, sha256: str) -> Model:
    """Return the model in these bytes; ModelUnusable unless they are those that were hashed, and whole."""
    if digest(raw) != sha256:
        raise ModelUnusable("模型文件与登记的校验值不符")
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as file:
            arrays: dict[str, Any] = {name: file[name] for name in _ARRAYS}
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise ModelUnusable("模型文件无法读取") from error
    codes, known = arrays["codes"].tolist(), arrays["grams"].tolist()
    if arrays["weights"].shape != (len(known), len(codes)) or arrays["calibration"].shape != (
        len(fields(Calibration)),
    ):
        raise ModelUnusable("模型文件残缺")
    return Model(
        codes=tuple(codes),
        grams={gram: row for row, gram in enumerate(known)},
        rarity=arrays["rarity"],
        weights=arrays["weights"],
        scales=arrays["scales"],
        intercepts=arrays["intercepts"],
        calibration=Calibration(*arrays["calibration"].tolist()),
        sha256=sha256,
    )
