"""Photos: handing one in, and looking at one by its short-lived address."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Path, Request, Response
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from services.intake.attachments import store
from services.intake.attachments.files import name_of
from services.intake.attachments.links import followed
from services.intake.attachments.take import Photos, Wish
from services.intake.attachments.words import Purpose
from services.intake.prepare import street_for, street_in
from services.intake.schemas import AttachmentReceipt
from shared.auth import Actor
from shared.errors import NotFound, invalid
from shared.terms import STAFF_ROLES, Role, Scope
from shared.web.access import only, process_of
from shared.web.idempotency import Key
from shared.web.problems import documented

router = APIRouter(tags=["附件"])

T = TypeVar("T")
Uploader = Annotated[
    Actor, Depends(only(Role.RESIDENT, *STAFF_ROLES - {Role.AUDITOR}, scope=Scope.TICKETS_WRITE))
]
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": "照片:JPEG、PNG 或 WebP"},
        "share_location": {
            "type": "string", "enum": ["true", "false"], "description": "是否保留照片中的拍摄位置,不填即不保留",
        },
        "purpose": {
            "type": "string", "enum": [purpose.value for purpose in Purpose],
            "description": "用途:" + "、".join(f"{p.value} {p.text}" for p in Purpose) + ";不填即反映情况",
        },
        "street": {"type": "string", "description": "街道代码;只属于一个街道时可不填", "example": "120116005"},
    },
}  # fmt: skip
_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"description": "JPEG 图片", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}  # fmt: skip
_HEADERS = {
    "Content-Disposition": 'inline; filename="photo.jpg"',
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
_SAID = {"true": True, "false": False}


@router.post(
    "/attachments",
    status_code=201,
    response_model=AttachmentReceipt,
    summary="上传照片",
    responses=documented(400, 401, 403, 405, 409, 413, 422, 503),
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}},
)
async def create_attachment(request: Request, actor: Uploader, key: Key = None) -> dict[str, Any]:
    """每次一张。照片重新编码保存,不留拍摄信息;一天之内没有用于诉求或办理,即删除。同一个人再交同一张,得到同一个编号。"""
    process, photos = process_of(request), _photos(request)
    # Read here, where it is known who sends it: a parameter would take a stranger's file in before asking.
    async with photos.receiving(), _form(request) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise invalid("file", "应为文件(带文件名)" if file else "不能为空", code="file_required")
        purpose = _chosen(form, "purpose", {p.value: p for p in Purpose}, Purpose.REPORT)
        wish = Wish(purpose, share_location=_chosen(form, "share_location", _SAID, default=False))
        street = await street_for(process, actor, street_in(form.get("street")))
        return await photos.take(actor, street, file.file, wish, request.url.path, key)


@router.get(
    "/files/{token}",
    response_class=Response,
    summary="查看照片",
    responses={**_PICTURE, **documented(404, 405, 422, 503)},
    openapi_extra={"security": []},
)
async def show_file(
    request: Request, token: Annotated[str, Path(max_length=200, description="详情中给出的地址")]
) -> Response:
    """地址由工单详情给出,十几分钟内有效;过期后请重新打开工单。"""
    process = process_of(request)
    target = followed(process.keys, token)
    if target is None:
        raise NotFound("照片的地址无效或已过期,请重新打开工单", code="file_not_found")
    async with process.database.transaction([target.street_id], read_only=True) as tx:
        row = await store.one(tx, target.street_id, target.attachment_id)
    picture = None
    if row is not None:
        name = name_of(target.street_id, target.attachment_id, target.variant)
        picture = await _photos(request).files.read(name)
    if picture is None:
        raise NotFound("照片已不存在", code="file_not_found")
    return Response(picture, headers=_HEADERS, media_type="image/jpeg")


def _photos(request: Request) -> Photos:
    photos: Photos = request.app.state.photos
    return photos


@asynccontextmanager
async def _form(request: Request) -> AsyncIterator[FormData]:
    """Read the form: one file, on the disk as soon as it is large; the body's limit is held on the way."""
    try:
        form = await request.form(max_files=1, max_fields=10, max_part_size=1024)
    except (HTTPException, ClientDisconnect) as error:
        # A body that is too large has an answer of its own; who is gone hears none, and is no error of ours.
        if isinstance(error, HTTPException) and error.status_code != HTTPStatus.BAD_REQUEST:
            raise
        raise invalid("file", "表单不完整,或不止一个文件;每次上传一张照片", code="bad_form") from None
    try:
        yield form
    finally:
        await form.close()


def _chosen(form: FormData, name: str, known: dict[str, T], default: T) -> T:
    said = form.get(name)
    if said is None or said == "":
        return default
    if not isinstance(said, str) or said not in known:
        raise invalid(name, f"可选值:{'、'.join(known)}", code=f"bad_{name}")
    return known[said]
