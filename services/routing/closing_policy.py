"""How a street closes its matters: one document a version, read into plain data. Pure.

What proof a category asks for, where an outcome must be named, which matters a person must call back about, how long the
reporter has to answer, whether nothing may end before its reporter was told. What is left out of a document is as
below: nothing that a street has not laid down stands in anybody's way. Source: domain 1.8 (回访按月抽取不低于10%, 晴隆),
3.1 (研判、延期、移交销号), rows S0-26, S0-32, S2-23.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from shared.calendar import Limit, parse_limit
from shared.terms import Mode, Term

EVERY_CATEGORY = "*"
_MOST_URGES = 100
_MOST_SEED = 2**31


class ProofPart(Term):
    """What a proof of closing (办结凭证) may have to show; each is the field of its name."""

    BEFORE = "before_ids", "处置前照片"
    AFTER = "after_ids", "处置后照片"
    LOCATION = "location", "处置地点"
    TIME = "occurred_at", "处置时间"
    PERSON = "person", "处置人"


class NamesOutcome(Term):
    """The moves that may have to name an outcome."""

    HANDLE = "handle", "承办办结"
    CLOSE = "close", "结案"
    CLOSE_DIRECTLY = "close_directly", "直办办结"


@dataclass(frozen=True, slots=True)
class ClosingPolicy:
    """What holds for all closings of a street on a day."""

    version: int = 0
    proof: Mapping[str, tuple[ProofPart, ...]] = field(default_factory=dict)
    """By category; `*` for those not named."""
    outcome: frozenset[NamesOutcome] = frozenset()
    share: float = 0.1
    """How many of a hundred are called back by a person, as a fraction; the others may answer by themselves."""
    share_by_category: Mapping[str, float] = field(default_factory=dict)
    share_by_mode: Mapping[str, float] = field(default_factory=dict)
    seed: int = 0
    urged: int = 2
    """Urged so often, a person calls."""
    call_first: bool = False
    """What a person must call about is not closed before a call is recorded."""
    confirm_within: Limit = field(default_factory=lambda: parse_limit("5wd"))
    feedback_first: bool = False
    """What has a telephone number does not end before its reporter was told."""

    def proof_of(self, category: str) -> tuple[ProofPart, ...]:
        """Return what a category's proof must show."""
        return self.proof.get(category, self.proof.get(EVERY_CATEGORY, ()))

    def share_of(self, category: str, mode: str) -> float:
        """Return the share that is called back: the category's, else the mode's, else the usual."""
        return self.share_by_category.get(category, self.share_by_mode.get(mode, self.share))


USUAL_CLOSING = ClosingPolicy()


class ClosingPolicies:
    """All versions of a street's policy."""

    def __init__(self, versions: Iterable[tuple[date, ClosingPolicy]] = ()) -> None:
        self._versions = sorted(versions, key=lambda known: known[1].version)

    def on(self, day: date) -> ClosingPolicy:
        """Return the policy in force on a day: the newest of those that have begun."""
        return next((p for since, p in reversed(self._versions) if since <= day), USUAL_CLOSING)


def read_closing(version: int, document: Mapping[str, Any]) -> ClosingPolicy:
    """Read a policy's document; raises ValueError in Chinese that names the field."""
    unknown = sorted(document.keys() - _READERS.keys())
    if unknown:
        raise ValueError(f"办结方案没有“{unknown[0][:40]}”这一项,可用:{'、'.join(_READERS)}")
    values: dict[str, Any] = {}
    for name, value in document.items():
        try:
            values[name] = _READERS[name](value)
        except (TypeError, AttributeError, KeyError) as error:
            raise ValueError(f"办结方案的“{name}”写法不对") from error
        except ValueError as error:
            raise ValueError(f"办结方案的“{name}”:{error}") from error
    return ClosingPolicy(version=version, **values)


def _term(vocabulary: type[Term], value: Any) -> Any:
    if value not in set(vocabulary):
        raise ValueError(f"可选值:{'、'.join(f'{t.value}({t.text})' for t in vocabulary)}")
    return vocabulary(value)


def _terms(vocabulary: type[Term], value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ValueError("应为一个列表")  # noqa: TRY004 - told to people like every other fault
    return [_term(vocabulary, one) for one in value]


def _proof(value: Any) -> dict[str, tuple[ProofPart, ...]]:
    return {str(category): tuple(_terms(ProofPart, parts)) for category, parts in value.items()}


def _outcome(value: Any) -> frozenset[NamesOutcome]:
    return frozenset(_terms(NamesOutcome, value))


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("应为 0 至 1 的数")
    return float(value)


def _shares(value: Any) -> dict[str, float]:
    return {str(name): _share(share) for name, share in value.items()}


def _shares_by_mode(value: Any) -> dict[str, float]:
    return {_term(Mode, mode).value: _share(share) for mode, share in value.items()}


def _count(least: int, most: int) -> Any:
    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"应为 {least} 至 {most} 的整数")
        return value

    return read


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("应为 true 或 false")  # noqa: TRY004 - told to people like every other fault
    return value


_READERS: dict[str, Any] = {
    "proof": _proof, "outcome": _outcome, "share": _share, "share_by_category": _shares,
    "share_by_mode": _shares_by_mode, "seed": _count(0, _MOST_SEED), "urged": _count(1, _MOST_URGES),
    "call_first": _flag, "confirm_within": parse_limit, "feedback_first": _flag,
}  # fmt: skip
