"""The action of answering a question about a rate, a composite score or a ranking, whole: what the doors show and
bulletins freeze.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

from services.metrics import figures, registry
from services.metrics.counting import Count, Counted, Part
from services.metrics.figures import Manner, Names
from services.metrics.periods import Window, previous, year_before
from services.metrics.rankings import Entrant
from services.metrics.rates import CATALOGUE
from services.metrics.scores import SCORES, RateKey, Score, score, shown
from services.metrics.store import By, Key, Scope
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import invalid
from shared.streets import Street

COMPOSITE = "composite_score"
Compared = Literal["yoy", "mom"]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks about which tickets, and the streets by name."""

    actor: Actor
    scope: Scope
    streets: Sequence[Street]
    window: Window

    def shown(self) -> dict[str, Any]:
        """Return the window as answers show it."""
        exact = self.scope.exact or (None, None)
        return {
            "basis": self.scope.basis, "from": self.scope.first, "to": self.scope.last, "timezone": "Asia/Shanghai",
            "period": self.window.name, "starts_at": exact[0], "ends_at": exact[1],
        }  # fmt: skip

    def moved(self, kind: Compared) -> "Asked":
        """Return the same question of the year before (同比) or of the period before (环比), judged as long after it."""
        window = year_before(self.window) if kind == "yoy" else previous(self.window)
        as_of = min(window.ends_at + (self.scope.as_of - self.scope.end), clock.now())
        scope = replace(self.scope, first=window.first, last=window.last, exact=window.exact, as_of=as_of)
        return replace(self, scope=scope, window=window)


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer for the wire, and the exact values of its rows for those who rank them."""

    body: dict[str, Any]
    entrants: Sequence[Entrant]


async def answered(
    tx: Transaction, asked: Asked, name: str, variant: str | None, by: By, how: Manner, *, mean: bool = False
) -> Answered:
    """Return the answer to a question about one rate, or about a composite score by its name."""
    if name == COMPOSITE:
        if mean:
            raise invalid("total", "综合成绩的合计由合并后的各率算出,没有各行平均")
        return await _scored(tx, asked, _score_of(variant), by, how)
    rate, chosen_name, chosen = figures.rate_of(name, variant)
    measures = figures.measures_of(name, chosen_name)
    counted = await (await Count.of(tx, asked.scope, measures)).split(by, measures)
    entrants = []
    for key, (label, keys) in await _named(tx, asked, by, counted):
        part = counted.part(key, assessed=how.assessed)
        below = chosen.below(part)
        value = chosen.above(part) / below if below else None
        entrants.append(Entrant(figures.row(label, keys, counted, key, chosen, how), value))
    rows = [entrant.row for entrant in entrants]
    total = figures.row(("total", "合计"), (), counted, None, chosen, how)
    body = {
        "rate": rate.id, "variant": chosen_name, "label": rate.label, "definition": figures.definition(chosen),
        **_frame(asked, by, how),
        "rows": rows,
        "total": figures.mean_of(rows, chosen, counted, how) if mean else total,
        "populations": figures.populations(counted, chosen, how),
        "beside": [_beside(r, v, counted, how) for r, v in figures.beside(name, chosen_name)],
        "comparison": None,
        "warnings": figures.warnings(
            chosen, asked.scope, await registry.not_booked(tx, asked.scope.street_ids), counted, by, assessed=how.assessed
        ),
    }  # fmt: skip
    return Answered(body, entrants)


def _frame(asked: Asked, by: By, how: Manner) -> dict[str, Any]:
    return {
        "window": asked.shown(), "as_of": asked.scope.as_of, "known_at": asked.scope.known_at,
        "population": "assessed" if how.assessed else "all", "rounding": how.rounding, "digits": how.digits,
        "by": list(by),
    }  # fmt: skip


async def _named(
    tx: Transaction, asked: Asked, by: By, counted: Counted
) -> list[tuple[Key, tuple[tuple[str, str], tuple[str, ...]]]]:
    """Return the keys of a split with what people call them, in the order of the keys they know."""
    if not by:
        return []
    names = await Names.of(tx, asked.scope, by, asked.streets)
    return sorted(((key, names.of_key(key)) for key in counted.parts()), key=lambda named: named[1][1])


def _beside(rate: str, variant: str, counted: Counted, how: Manner) -> dict[str, Any]:
    known = CATALOGUE[rate]
    sums = counted.total(assessed=how.assessed)
    return {
        "rate": rate, "variant": variant, "label": known.label, **figures.figure(sums, known.variants[variant], how),
    }  # fmt: skip


def compared(kind: Compared, now: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return the figure of the other period, and by how many percentage points (a score: points) this one differs."""
    before = other["total"]
    unit = 1 if other["rate"] == COMPOSITE else 100
    known = now["value"] is not None and before["value"] is not None
    return {
        "kind": kind,
        "kind_text": {"yoy": "同比(上年同期)", "mom": "环比(上一期)"}[kind],
        "window": other["window"],
        "as_of": other["as_of"],
        "total": before,
        "change": round((now["value"] - before["value"]) * unit, 6) if known else None,
    }


def _score_of(variant: str | None) -> Score:
    if variant not in SCORES:
        named = "、".join(f"{s.id}({s.label})" for s in SCORES.values())
        raise invalid("variant", f"综合成绩没有默认口径,须指名:{named}", code="unknown_variant")
    return SCORES[variant]


async def _scored(tx: Transaction, asked: Asked, chosen: Score, by: By, how: Manner) -> Answered:
    """Return the answer about a composite score: points for each row, with the rates they are made of."""
    variants = {key: CATALOGUE[key[0]].variants[key[1]] for key in chosen.rates}
    measures = tuple(
        dict.fromkeys(("received", *figures.PARTITION, *(m for v in variants.values() for m in v.measures)))
    )
    counted = await (await Count.of(tx, asked.scope, measures)).split(by, measures)
    whole = counted.total(assessed=how.assessed)
    entrants = []
    for key, (label, keys) in await _named(tx, asked, by, counted):
        part = counted.part(key, assessed=how.assessed)
        entrants.append(_mark(chosen, variants, label, keys, part, whole, how))
    total = _mark(chosen, variants, ("total", "合计"), (), whole, whole, how).row
    warned = [{"code": "variant_caution", "message": chosen.warning}] if chosen.warning else []
    body = {
        "rate": COMPOSITE, "variant": chosen.id, "label": chosen.label, "definition": score_definition(chosen),
        **_frame(asked, by, how),
        "rows": [entrant.row for entrant in entrants], "total": total, "populations": None, "beside": [],
        "comparison": None,
        "warnings": warned
        + figures.warnings(None, asked.scope, await registry.not_booked(tx, asked.scope.street_ids), counted, by),
    }  # fmt: skip
    return Answered(body, entrants)


def score_definition(chosen: Score) -> dict[str, Any]:
    """Return what a composite score is made of, in words."""
    parts = [f"{CATALOGUE[r].label}({v}) × {float(p.weight):g}" for p in chosen.parts for r, v in [p.rate]]
    if chosen.volume is not None:
        parts.insert(0, f"受理量占比 × {float(chosen.volume):g}")
    return {
        "numerator": " + ".join(parts), "denominator": f"满分 {float(chosen.full):g}", "source": chosen.source,
        "exclusions": None, "example": None, "version": chosen.version,
    }  # fmt: skip


def _mark(
    chosen: Score, variants: dict[RateKey, Any], label: tuple[str, str], keys: Sequence[str], part: Part, whole: Part,
    how: Manner,
) -> Entrant:  # fmt: skip
    values: dict[RateKey, Fraction | None] = {}
    for key, variant in variants.items():
        below = variant.below(part)
        values[key] = variant.above(part) / below if below else None
    volume = Fraction(part["received"], whole["received"]) if whole["received"] else None
    points = score(chosen, values, volume)
    samples = [variant.below(part) for variant in variants.values()]
    row = {
        "key": label[0], "label": label[1], "keys": list(keys), "excluded": {}, "numerator": None, "denominator": None,
        "value": None if points is None else float(points), "display": shown(points, chosen), "interval": None,
        "few": min(samples) < how.least, "over": None if how.over is None or points is None else points / 100 > how.over,
        "parts": [
            {"rate": r, "variant": v, "label": CATALOGUE[r].label, **figures.figure(part, variants[r, v], how)}
            for r, v in chosen.rates
        ],
    }  # fmt: skip
    return Entrant(row, points)
