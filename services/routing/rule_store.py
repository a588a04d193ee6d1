"""The SQL of routing rules: read with a street's registry, written in versions, switched on and off."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import orjson
import structlog
from prometheus_client import Counter
from sqlalchemy import select

from services.routing.rules.book import Broken, Known, Rule, Rulebook, Switch
from services.routing.turn import take_turn
from shared import clock
from shared.db import Transaction
from shared.tables import routing_rule_states, routing_rules

log = structlog.get_logger()
BROKEN = Counter("banjie_routing_rules_broken_total", "Routing rules that switched themselves off")

_NEXT = "SELECT coalesce(max(version), 0) + 1 FROM routing_rules WHERE street_id = $1 AND code = $2"
_WRITE = """
INSERT INTO routing_rules (street_id, code, version, position, valid_from, valid_until, conditions, result, note,
  recorded_at, recorded_by)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_SWITCH = """
INSERT INTO routing_rule_states (street_id, code, version, enabled, reason, changed_at, changed_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (street_id, code) DO UPDATE SET version = excluded.version, enabled = excluded.enabled,
  reason = excluded.reason, changed_at = excluded.changed_at, changed_by = excluded.changed_by"""
# A process that has not heard of the mended version yet must not switch that off.
_IF_ON = """
WHERE routing_rule_states.enabled AND routing_rule_states.version <= excluded.version RETURNING code"""


async def read(tx: Transaction, street_id: int, known: Known) -> Rulebook:
    """Return a street's rules, all versions of them, and which are switched off."""
    r, s = routing_rules, routing_rule_states
    rows = await tx.rows(select(r).where(r.c.street_id == street_id))
    off = await tx.rows(select(s).where(s.c.street_id == street_id, s.c.enabled.is_(False)))
    return Rulebook(
        known,
        tuple(
            Rule(
                x.code, x.version, x.position, x.valid_from, x.valid_until, x.conditions, x.result, x.note,
                x.recorded_at,
            )
            for x in rows
        ),
        {x.code: Switch(x.reason, x.changed_at, by_itself=x.changed_by is None) for x in off},
    )  # fmt: skip


async def next_version(tx: Transaction, street_id: int, code: str) -> int:
    """Return the number of a rule's next version, and keep it for this transaction."""
    await take_turn(tx, street_id)
    number: int = await tx.raw.fetchval(_NEXT, street_id, code)
    return number


async def write(tx: Transaction, street_id: int, rule: Rule, by: UUID) -> None:
    """Write a version, and switch the rule on: whoever writes a new one wants it to run."""
    documents = (orjson.dumps(rule.conditions).decode(), orjson.dumps(rule.result).decode())
    await tx.raw.execute(
        _WRITE, street_id, rule.code, rule.version, rule.position, rule.valid_from, rule.valid_until, *documents,
        rule.note, rule.recorded_at, by,
    )  # fmt: skip
    await switch(tx, street_id, rule, by, on=True, reason=f"第{rule.version}版")


async def switch(tx: Transaction, street_id: int, rule: Rule, by: UUID, *, on: bool, reason: str) -> None:
    """Switch a rule on or off by a person's word."""
    await tx.raw.execute(_SWITCH, street_id, rule.code, rule.version, on, reason, clock.now(), by)


async def switch_off(tx: Transaction, street_id: int, broken: Iterable[Broken]) -> None:
    """Switch off what could not be used, each once, and raise the alarm; see the counter and `banjie doctor`."""
    for one in broken:
        values: tuple[Any, ...] = (
            street_id, one.rule.code, one.rule.version, False, one.why, clock.now(), None,
        )  # fmt: skip
        if await tx.raw.fetchval(_SWITCH + _IF_ON, *values) is not None:
            tx.on_commit.append(partial(_alarm, street_id, one))


def _alarm(street_id: int, broken: Broken) -> None:
    rule = broken.rule
    BROKEN.inc()
    log.error(
        "routing_rule_switched_off", street_id=street_id, rule=rule.code, version=rule.version, reason=broken.why
    )  # fmt: skip


def drafted(code: str, version: int, body: Mapping[str, Any], moment: datetime) -> Rule:
    """Return a rule as its author has written it; in force from that day unless he says otherwise."""
    return Rule(
        code, version, body["position"], body["valid_from"] or clock.local_day(moment), body["valid_until"],
        body["conditions"], body["result"], body["note"], moment,
    )  # fmt: skip
