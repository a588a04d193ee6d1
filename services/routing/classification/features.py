"""What the model sees of a text: its characters and pairs of neighbouring characters, clause by clause.

Figures are all one figure: house and telephone numbers say nothing of the matter, and must not be learned. Longer
n-grams and pairs with a gap were tried: on the texts of a writer left out they gained nothing.
"""

import re
from itertools import pairwise

from services.routing.classification.reading import matter_of, without_courtesy

_FIGURES = re.compile(r"\d+")
_CLAUSES = re.compile(r"\W+")


def grams(plain: str) -> list[str]:
    """Return the different characters and pairs of a normalized text, in the order they come."""
    said = _FIGURES.sub("0", matter_of(without_courtesy(plain)))
    found: dict[str, None] = {}
    for clause in _CLAUSES.split(said):
        for first, second in pairwise(clause):
            found[first] = found[first + second] = None
        if clause:
            found[clause[-1]] = None
    return list(found)
