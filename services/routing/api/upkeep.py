"""Doors through which a registry is kept: lists brought in, tried first; and what was changed, by whom, when."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile

from services.routing.api.asked import StreetCode, street_asked
from services.routing.registry import Registries
from services.routing.registry_schemas import ChangeOut, RegistryImportOut
from services.routing.upkeep.run import File, Report, Wishes, bring
from services.routing.upkeep.state import Action
from shared.auth import Actor
from shared.errors import invalid
from shared.tables import registry_changes as changes
from shared.terms import Crs, Role
from shared.web.access import only, process_of
from shared.web.fields import Day
from shared.web.paging import MOST, Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/registry", tags=["登记簿维护"])
IMPORTS = "/v1/registry/imports"
MOST_FILES, SHOWN = 20, 500
Keeper = Annotated[Actor, Depends(only(Role.ADMIN))]
Reader = Annotated[Actor, Depends(only(Role.ADMIN, Role.DISPATCHER, Role.AUDITOR))]
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "array", "items": {"type": "string", "format": "binary"},
            "description": "清单(xlsx,或以清单命名的 CSV)和边界(GeoJSON),可以多个",
        },
    },
}  # fmt: skip


@router.post(
    "/imports",
    response_model=RegistryImportOut,
    summary="导入登记簿清单和边界",
    responses=documented(400, 401, 403, 405, 413, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
async def import_registry(
    request: Request,
    actor: Keeper,
    street: StreetCode = None,
    *,
    dry_run: Annotated[bool, Query(description="只试算,不写入")] = True,
    keep_good: Annotated[bool, Query(description="有误的行留下,其余照常写入;默认有一行错就都不写入")] = False,
    crs: Annotated[Crs, Query(description="边界的坐标系")] = Crs.GCJ02,
    since: Annotated[Day | None, Query(description="没有写明生效日期的边界从哪天起生效")] = None,
) -> dict[str, Any]:
    """默认只试算:逐条列出会新增、变更、停用什么,以及每一处错误。同一份文件再导入一次,什么也不会变。"""
    where = await street_asked(request, actor, street)
    # Read here, where it is known who sends it: a parameter would take a stranger's files in before asking.
    async with request.form(max_files=MOST_FILES, max_fields=10) as form:
        files = [File(file.filename or "", await file.read()) for file in _files(form)]
    wishes = Wishes(not dry_run, keep_good, crs, since)
    report = await bring(process_of(request).database, where, files, wishes, actor)
    if report.applied:
        registries: Registries = request.app.state.registries
        registries.forget()
    return shown(report)


def _files(form: FormData) -> list[UploadFile]:
    files = form.getlist("file")
    if not files or not all(isinstance(file, UploadFile) for file in files):
        raise invalid("file", "应为文件(带文件名)" if files else "不能为空", code="file_required")
    return [file for file in files if isinstance(file, UploadFile)]


def shown(report: Report) -> dict[str, Any]:
    """Return a report as its sender is told it."""
    kinds = {*report.told, *(change.kind.name for change in report.changes)}
    return {
        "id": str(report.import_id), "applied": report.applied,
        "lists": [
            {"list": kind, "rows": report.told.get(kind, 0), **{a.value: report.count(kind, a) for a in Action}}
            for kind in sorted(kinds)
        ],
        "changes": [
            {"list": c.kind.name, "list_text": c.kind.title, "code": c.code, "action": c.action.value, "action_text": c.action.text}
            for c in report.changes[:SHOWN]
        ],
        "change_count": len(report.changes),
        "errors": [
            {"file": f.place.file, "sheet": f.place.sheet or None, "line": f.place.line or None, "column": f.column, "message": f.message}
            for f in report.faults[:SHOWN]
        ],
        "error_count": len(report.faults), "warnings": report.warnings[:SHOWN],
    }  # fmt: skip


@router.get("/changes", summary="登记簿的变更记录", responses=documented(400, 401, 403, 422, 503))
async def list_changes(
    request: Request, actor: Reader, street: StreetCode = None, limit: Limit = MOST, cursor: Cursor = None
) -> Page[ChangeOut]:
    """新的在前。"""
    where, after = await street_asked(request, actor, street), decode(cursor, UUID)
    query = (
        select(changes).where(changes.c.street_id == where.id).order_by(changes.c.id.desc()).limit(limit + 1)
    )
    if after is not None:
        query = query.where(changes.c.id < after[0])
    async with process_of(request).database.transaction([where.id], read_only=True) as tx:
        rows = await tx.rows(query)
    return Page[ChangeOut].model_validate(page(rows, limit, lambda r: (r.id,), _change))


def _change(row: Any) -> dict[str, Any]:
    return {
        "id": str(row.id), "recorded_at": row.recorded_at, "actor_id": str(row.actor_id) if row.actor_id else None,
        "actor_role": row.actor_role, "actor_role_text": _ROLES.get(row.actor_role, "控制台"), "import_id": str(row.import_id),
        "list": row.kind, "code": row.code, "action": row.action, "action_text": Action(row.action).text,
        "before": row.before, "after": row.after,
    }  # fmt: skip


_ROLES = {role.value: role.text for role in Role}
