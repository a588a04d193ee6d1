"""The catalogue as the endpoint gives it: every rate and score with its definition, so that it documents itself."""

from typing import Any

from services.metrics.answer import COMPOSITE, score_definition
from services.metrics.figures import beside, definition
from services.metrics.rates import CATALOGUE, Rate
from services.metrics.scores import SCORES
from services.metrics.splits import FILTERS, SPLITS


def entries() -> list[dict[str, Any]]:
    """Return an entry for each rate, and one for the composite scores: all of those by name, none the default."""
    return [_entry(rate) for rate in CATALOGUE.values()] + [_composite()]


def _asked(path: str) -> dict[str, Any]:
    return {
        "path": path,
        "splits": [{"by": s.id, "label": s.label} for s in SPLITS.values()],
        "filters": list(FILTERS),
    }


def _entry(rate: Rate) -> dict[str, Any]:
    return {
        "rate": rate.id,
        "label": rate.label,
        "default_variant": rate.default,
        **_asked(f"/v1/rates/{rate.id}"),
        "variants": [
            {
                "variant": name, **definition(v), "numerator_measures": list(v.numerator),
                "denominator_measures": list(v.denominator),
                "weights": {m: float(w) for m, w in v.weights.items()}, "warning": v.warning,
                "beside": [{"rate": r, "variant": b} for r, b in beside(rate.id, name)],
            }
            for name, v in rate.variants.items()
        ],
    }  # fmt: skip


def _composite() -> dict[str, Any]:
    return {
        "rate": COMPOSITE,
        "label": "综合成绩",
        "default_variant": None,
        **_asked(f"/v1/rates/{COMPOSITE}"),
        "variants": [
            {
                "variant": s.id, **score_definition(s), "numerator_measures": [], "denominator_measures": [],
                "weights": {f"{r}.{v}": float(p.weight) for p in s.parts for r, v in [p.rate]}, "warning": s.warning,
                "beside": [],
            }
            for s in SCORES.values()
        ],
    }  # fmt: skip
