"""A rule tried before it is recorded: checked against the registry, and against what has come in lately."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from services.routing.hands import Hands, Subject, choose
from services.routing.registry import Registry
from services.routing.rule_store import drafted
from services.routing.rules import parse
from services.routing.rules.book import Rule, Rulebook
from services.routing.rules.vocabulary import PLACES
from shared import clock
from shared.db import Transaction
from shared.errors import invalid

LATELY, SHOWN = 200, 20
_LATELY = """
SELECT s.number, s.kind, s.category_code, s.channel, s.community_code, s.grid_code, s.received_at, s.about_unit, t.content
FROM ticket_states s JOIN tickets t ON t.street_id = s.street_id AND t.id = s.ticket_id
WHERE s.street_id = $1 ORDER BY s.ticket_id DESC LIMIT $2"""


def recorded(body: Mapping[str, Any], registry: Registry, version: int | None = None) -> Rule:
    """Return the rule that a body describes, its units by code; raise Invalid for what the street does not have."""
    parse.condition(body["conditions"])
    parse.result(body["result"])
    result = dict(body["result"])
    if "lead_unit" in result:
        result["lead_unit"] = _code(result["lead_unit"], "result.lead_unit", registry)
    if "co_units" in result:
        result["co_units"] = [_code(unit, "result.co_units", registry) for unit in result["co_units"]]
    parse.result(result)
    mine = [rule.version for rule in registry.rulebook.rules if rule.code == body["code"]]
    draft = {**body, "result": result}
    rule = drafted(body["code"], version or max(mine, default=0) + 1, draft, clock.now())
    if rule.valid_until is not None and rule.valid_until < rule.valid_from:
        raise invalid("valid_until", "不能早于生效日期")
    fault = registry.rulebook.fault(rule)
    if fault is not None:
        raise invalid("conditions", fault, code="unknown_code")
    return rule


def _code(wanted: str, field: str, registry: Registry) -> str:
    wanted = wanted.strip()
    if wanted in PLACES:
        return wanted
    unit = registry.unit(wanted, field)
    if unit.is_desk:
        raise invalid(field, "派单台不能作为办理单位;要由人决定请写 wait", code="desk_cannot_handle")
    return unit.code


async def compare(tx: Transaction, registry: Registry, draft: Rule) -> dict[str, Any]:
    """Return what the latest tickets would get with a rule, beside what they would get without it."""
    book = registry.rulebook
    # Tried as if it had been in force all along: what came in lately came in before it.
    always = replace(draft, valid_from=date.min, valid_until=None)
    others = tuple(rule for rule in book.rules if rule.code != draft.code)
    off = {code: state for code, state in book.off.items() if code != draft.code}
    with_it = replace(registry, rulebook=Rulebook(book.known, (*others, always), off))
    rows = await tx.raw.fetch(_LATELY, registry.street_id, LATELY)
    differing = []
    for row in rows:
        if row["category_code"] not in registry.categories:
            continue
        subject = _subject(row, registry)
        before, after = (_shown(choose(subject, one)) for one in (registry, with_it))
        if before != after:
            differing.append({"number": row["number"], "before": before, "after": after})
    return {"tickets": len(rows), "differing": len(differing), "examples": differing[:SHOWN]}


def _subject(row: Any, registry: Registry) -> Subject:
    return Subject(
        content=row["content"], kind=row["kind"], category=registry.categories[row["category_code"]],
        channel=row["channel"], community=row["community_code"], grid=row["grid_code"],
        received_at=row["received_at"], about=row["about_unit"],
    )  # fmt: skip


def _shown(hands: Hands) -> dict[str, Any]:
    return {
        "lead_unit": hands.lead.code, "lead_unit_name": hands.lead.name, "mode": hands.mode,
        "co_units": [unit.code for unit in hands.co_units], "waits": hands.waits,
        "rule": hands.rule.code if hands.rule else None,
    }  # fmt: skip
