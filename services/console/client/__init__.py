"""办结 for scripts: figures, ledgers and imports over HTTP, with a key, in a few lines.

    from datetime import date
    from services.console.client import Banjie

    with Banjie.from_environment(street="120116005") as banjie:      # BANJIE_API_KEY, and where it listens
        answer = banjie.rate("closure_rate", by="unit", since=date(2026, 11, 1))
        for row in answer.rows:
            print(row.label, row.display, f"{row.numerator}/{row.denominator}")
        for ticket in banjie.ledger(overdue=True):
            print(ticket.number, ticket.due_at)

Needs httpx and nothing else of ours. A refusal is a `BanjieError` with a stable English `code`.
"""

from services.console.client.answers import (
    Conversion,
    Counts,
    CountsRow,
    Evidence,
    Fault,
    Funnel,
    ImportResult,
    LedgerRow,
    RankedRow,
    Ranking,
    RateAnswer,
    RateEntry,
    Row,
    Stage,
    Variant,
    Warned,
    Window,
)
from services.console.client.banjie import Banjie
from services.console.client.calls import Addresses, BanjieError

__all__ = [
    "Addresses", "Banjie", "BanjieError", "Conversion", "Counts", "CountsRow", "Evidence", "Fault", "Funnel",
    "ImportResult", "LedgerRow", "RankedRow", "Ranking", "RateAnswer", "RateEntry", "Row", "Stage", "Variant",
    "Warned", "Window",
]  # fmt: skip
