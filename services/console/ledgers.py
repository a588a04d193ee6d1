"""`banjie import`: a ledger handed to the running intake, and watched until its rows are in the figures."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from uuid_utils.compat import uuid7

from services.console import owner
from shared import settings
from shared.auth import Actor, Tokens, staff_id
from shared.db import Database
from shared.settings import Settings
from shared.terms import Role

PATIENCE = 60.0  # seconds for which a service that is away is borne
PAUSE = 0.5
SHOWN = 20  # errors printed; the rest is to be had over HTTP
_UPLOAD_SECONDS = 600.0
_BUSY, _ERRORS = 503, 400


def bring(file: Path, code: str) -> int:
    """Bring a ledger into a street; return 0, or 1 if any row was refused. RuntimeError if it cannot be read."""
    if not file.is_file():
        raise RuntimeError(f"没有文件 {file}")
    known = settings.load()
    content = file.read_bytes()
    headers = _headers(known, code)
    with httpx.Client(base_url=known.base_url("intake"), headers=headers, timeout=_UPLOAD_SECONDS) as client:
        # Sent again after a broken connection, it is still one import.
        handed = _call(
            client, "POST", "/v1/imports", files={"file": (file.name, content)}, data={"street": code},
            headers={"Idempotency-Key": str(uuid7())},
        )  # fmt: skip
        print(f"已交付,导入编号 {handed['id']}")
        found = _watch(client, handed["id"])
    for warning in found["warnings"]:
        print(f"! {warning}")
    if found["state"] == "failed":
        raise RuntimeError(f"导入失败:{found['message']}")
    _report(found)
    return 1 if found["rejected"] else 0


def _headers(known: Settings, code: str) -> dict[str, str]:
    """Return the credentials of a clerk of this street; RuntimeError for a street that is not there."""

    async def find(opened: Database) -> int:
        [street] = await owner.streets(opened, [code])
        return street.id

    streets = frozenset({owner.run(find)})
    clerk = Actor(id=staff_id(Role.CLERK, streets, None), role=Role.CLERK, streets=streets)
    token, _ = Tokens(known.secrets_path).issue(clerk, known.staff_token_ttl)
    return {"Authorization": f"Bearer {token}"}


def _watch(client: httpx.Client, import_id: str) -> Mapping[str, Any]:
    """Return the import when it has ended, showing how far it is meanwhile."""
    bar = Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    with bar:
        task = bar.add_task("等待", total=1.0)
        while True:
            found = _call(client, "GET", f"/v1/imports/{import_id}")
            bar.update(
                task, completed=found["progress"], description=f"{found['stage_text']} {found['rows']} 行"
            )
            if found["state"] != "running":
                return found
            time.sleep(PAUSE)


def _report(found: Mapping[str, Any]) -> None:
    print(
        f"共 {found['rows']} 行:新建 {found['created']},更新 {found['updated']},没有变化 {found['unchanged']},"
        f"有误 {found['rejected']}"
    )
    for error in found["errors"][:SHOWN]:
        where = f"({error['column']})" if error["column"] else ""
        print(f"  第 {error['line']} 行 {error['message']}{where}")
    if found["error_count"] > SHOWN:
        print(f"  …共 {found['error_count']} 处错误,见 GET /v1/imports/{found['id']}")


def _call(client: httpx.Client, method: str, path: str, **sent: Any) -> dict[str, Any]:
    """Call until there is an answer other than "busy"; RuntimeError for a refusal, or after a minute in vain."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            reply = client.request(method, path, **sent)
        except httpx.TransportError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"intake 服务没有应答({client.base_url}):请先运行 make run") from error
        else:
            if reply.status_code != _BUSY or time.monotonic() > deadline:
                return _answer(reply)
        time.sleep(PAUSE)


def _answer(reply: httpx.Response) -> dict[str, Any]:
    try:
        body = reply.json()
    except ValueError:
        body = {"detail": reply.text[:200]}
    if reply.status_code >= _ERRORS:
        raise RuntimeError(f"{body.get('detail') or body.get('title')}({reply.status_code})")
    return dict(body)
