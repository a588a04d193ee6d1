"""Doors to ledgers brought in: hand one in, see how it goes."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Request
from starlette.datastructures import FormData, UploadFile

from services.intake.imports import status
from services.intake.imports.upload import Measured, keep, measured
from services.intake.prepare import street_for, street_in
from services.intake.schemas import ImportItem, ImportOut
from shared.auth import Actor
from shared.errors import NotFound, invalid
from shared.process import Process
from shared.streets import Street
from shared.terms import Role, Scope
from shared.web.access import only, process_of
from shared.web.idempotency import Key, fingerprint, once
from shared.web.paging import Cursor, Limit, Page, decode, page
from shared.web.problems import documented

router = APIRouter(prefix="/imports", tags=["台账"])

Importer = Annotated[
    Actor,
    Depends(
        only(
            Role.DISPATCHER, Role.CLERK, Role.SUPERVISOR, Role.LEADER, Role.ADMIN, scope=Scope.IMPORT_WRITE
        )
    ),
]  # fmt: skip


_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {
            "type": "string", "format": "binary", "description": "台账文件:CSV(UTF-8 或 GB18030)或 xlsx",
        },
        "street": {"type": "string", "description": "街道代码;只属于一个街道时可不填", "example": "120116005"},
    },
}  # fmt: skip


@router.post(
    "",
    status_code=202,
    response_model=ImportOut,
    summary="导入台账",
    responses=documented(400, 401, 403, 405, 409, 413, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
async def create_import(request: Request, actor: Importer, key: Key = None) -> dict[str, Any]:
    """交来一份台账。返回 202 即已持久保存,随后逐行导入;有误的行不影响其他行,同一份台账再交一次不会重复。"""
    process = process_of(request)
    # Read here, where it is known who sends it: a parameter would take a stranger's file in before asking.
    async with request.form(max_files=1, max_fields=10) as form:
        file, street = _file(form), street_in(form.get("street"))
        where = await street_for(process, actor, street)
        known = await measured(file)
        return await _kept(process, actor, where, file, known, request.url.path, key)


async def _kept(
    process: Process,
    actor: Actor,
    where: Street,
    file: UploadFile,
    known: Measured,
    path: str,
    key: str | None,
) -> dict[str, Any]:
    wanted = fingerprint(path, where.code.encode() + known.digest)
    async with process.database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            return await keep(tx, process.keys, actor, where, file, known)

        return await once(tx, where.id, actor.id, key, wanted, 202, work)


def _file(form: FormData) -> UploadFile:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise invalid("file", "应为文件(带文件名)" if file else "不能为空", code="file_required")
    return file


@router.get(
    "",
    response_model=Page[ImportItem],
    summary="导入列表",
    responses=documented(401, 403, 405, 422, 503),
)
async def list_imports(
    request: Request, actor: Importer, cursor: Cursor = None, limit: Limit = 20
) -> dict[str, Any]:
    """新的在前。"""
    process, after = process_of(request), decode(cursor, UUID)
    streets = await _streets(request, actor)
    async with process.database.transaction(streets, read_only=True) as tx:
        rows = await status.listed(tx, list(streets), after[0] if after else None, limit)
    return page(rows, limit, lambda row: [row["id"]], lambda row: status.item(row, streets[row["street_id"]]))


@router.get(
    "/{import_id}",
    response_model=ImportOut,
    summary="导入的进度和结果",
    responses=documented(401, 403, 404, 405, 422, 503),
)
async def show_import(
    request: Request,
    actor: Importer,
    import_id: Annotated[str, Path(max_length=40, description="导入编号")],
) -> dict[str, Any]:
    """`state` 为 done 时,台账的每一行都已计入指标。"""
    streets = await _streets(request, actor)
    async with process_of(request).database.transaction(streets, read_only=True) as tx:
        row = await status.one(tx, list(streets), _id(import_id))
        if row is None:
            raise _NOT_THERE
        faults = await status.errors(tx, row["street_id"], row["id"])
    return status.shown(row, streets[row["street_id"]], faults)


_NOT_THERE = NotFound("没有这次导入", code="import_not_found")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _NOT_THERE from None


async def _streets(request: Request, actor: Actor) -> dict[int, Street]:
    known = process_of(request).streets
    return {street_id: await known.by_id(street_id) for street_id in sorted(actor.streets)}
