"""How an import stands, as those who may import see it."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from services.intake.ledger.columns import HEADER_OF
from shared.db import Transaction
from shared.streets import Street
from shared.terms import Role, Term

MOST_ERRORS = 1000
"""Faults kept of one import; all are counted."""
_ONE = "SELECT * FROM imports WHERE street_id = ANY($1::bigint[]) AND id = $2"
_LIST = """
SELECT * FROM imports WHERE street_id = ANY($1::bigint[]) AND ($2::uuid IS NULL OR id < $2)
ORDER BY id DESC LIMIT $3"""
_ERRORS = """
SELECT line, column_name, message FROM import_errors WHERE street_id = $1 AND import_id = $2 ORDER BY line, place"""


class ImportState(Term):
    RUNNING = "running", "导入中"
    DONE = "done", "已完成"
    FAILED = "failed", "失败"


class Stage(Term):
    """What a running import is at: settling is the wait for routing and the figures to take the rows in."""

    WAITING = "waiting", "等待"
    READING = "reading", "读取"
    SETTLING = "settling", "入账"
    FINISHED = "finished", "结束"


_READ_SHARE = 0.9


async def one(tx: Transaction, street_ids: Sequence[int], import_id: UUID) -> Mapping[str, Any] | None:
    """Return an import of these streets, or None."""
    row: Mapping[str, Any] | None = await tx.raw.fetchrow(_ONE, list(street_ids), import_id)
    return row


async def listed(
    tx: Transaction, street_ids: Sequence[int], before: UUID | None, limit: int
) -> Sequence[Mapping[str, Any]]:
    """Return one more than `limit` of the newest imports of these streets."""
    return list(await tx.raw.fetch(_LIST, list(street_ids), before, limit + 1))


async def errors(tx: Transaction, street_id: int, import_id: UUID) -> Sequence[Mapping[str, Any]]:
    """Return the faults kept of an import, by line."""
    return list(await tx.raw.fetch(_ERRORS, street_id, import_id))


def shown(row: Mapping[str, Any], street: Street, faults: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return an import with its faults."""
    listed = [
        {
            "line": fault["line"],
            "column": fault["column_name"],
            "header": HEADER_OF.get(fault["column_name"] or ""),
            "message": fault["message"],
        }
        for fault in faults
    ]
    return {**item(row, street), "errors": listed}


def item(row: Mapping[str, Any], street: Street) -> dict[str, Any]:
    """Return an import as it stands in a list."""
    state, stage, role = ImportState(row["state"]), _stage(row), Role(row["entered_role"])
    good = row["created"] + row["updated"] + row["unchanged"]
    return {
        "id": str(row["id"]),
        "street": street.code,
        "file_name": row["file_name"],
        "size": row["size"],
        "state": state.value,
        "state_text": state.text,
        "stage": stage.value,
        "stage_text": stage.text,
        "progress": _progress(row, stage),
        "rows": good + row["rejected"],
        "accepted": good,
        "created": row["created"],
        "updated": row["updated"],
        "unchanged": row["unchanged"],
        "rejected": row["rejected"],
        "error_count": row["faults"],
        "errors_kept": min(row["faults"], MOST_ERRORS),
        "message": row["message"],
        "warnings": row["warnings"],
        "role": role.value,
        "role_text": role.text,
        "created_at": row["created_at"],
        "finished_at": row["finished_at"],
    }


def _stage(row: Mapping[str, Any]) -> Stage:
    if row["finished_at"] is not None:
        return Stage.FINISHED
    if row["read_at"] is not None:
        return Stage.SETTLING
    return Stage.READING if row["position"] else Stage.WAITING


def _progress(row: Mapping[str, Any], stage: Stage) -> float:
    """Return how far an import is, 0 to 1; reading is most of it."""
    if stage is Stage.FINISHED:
        return 1.0
    if stage is Stage.SETTLING:
        return _READ_SHARE
    return round(_READ_SHARE * min(1.0, row["position"] / row["lines"]), 3) if row["lines"] else 0.0
