"""`banjie rules`: a street's routing rules out as JSON, and in again over the service, which checks every one."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from services.console import owner
from shared import settings
from shared.auth import Actor, Tokens, staff_id
from shared.db import Database
from shared.terms import Role

FIELDS = ("code", "position", "valid_from", "valid_until", "conditions", "result", "note")
_PAGE, _SECONDS, _ERRORS = 100, 60.0, 400


def bring(file: Path, code: str, *, apply: bool) -> int:
    """Try every rule of a file, or record those that differ; return 1 if one is refused. RuntimeError without a list."""
    try:
        rules = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuntimeError(f"读不了 {file}:应为规则的 JSON 列表") from error
    if not isinstance(rules, list) or not all(isinstance(rule, dict) for rule in rules):
        raise RuntimeError(f"{file} 应为规则的列表")
    refused = 0
    with _client(code) as client:
        there = {rule["code"]: _bare(rule) for rule in _current(client, code)}
        for rule in rules:
            name = str(rule.get("code"))
            if there.get(name) == _bare(rule):
                print(f"  {name} 没有变化")
                continue
            reply = client.post("/v1/rules", json={**rule, "street": code, "dry_run": not apply})
            refused += reply.status_code >= _ERRORS
            print(f"{'✗' if reply.status_code >= _ERRORS else '✓'} {name} {_told(reply)}")
    if not apply:
        print("以上为试算,没有写入;确认后加 --apply")
    return 1 if refused else 0


def export(code: str) -> str:
    """Return the rules in force today as JSON, as `bring` reads them."""
    with _client(code) as client:
        return json.dumps([_bare(rule) for rule in _current(client, code)], ensure_ascii=False, indent=2)


def _bare(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {field: rule.get(field) for field in FIELDS}


def _told(reply: httpx.Response) -> str:
    body = reply.json()
    if reply.status_code >= _ERRORS:
        errors = ";".join(f"{e['field']} {e['message']}" for e in body.get("errors", ()))
        return f"{body.get('detail') or body.get('title')} {errors}".strip()
    effect = body["effect"]
    version = f"第{body['rule']['version']}版"
    if effect is None:
        return f"{version}已记录"
    return f"{version},最近 {effect['tickets']} 件中有 {effect['differing']} 件会不同"


def _current(client: httpx.Client, code: str) -> list[dict[str, Any]]:
    query: dict[str, Any] = {"street": code, "limit": _PAGE}
    found: list[dict[str, Any]] = []
    while True:
        reply = client.get("/v1/rules", params=query)
        if reply.status_code >= _ERRORS:
            raise RuntimeError(_told(reply))
        page = reply.json()
        found += page["items"]
        if not page["has_more"]:
            return found
        query["cursor"] = page["next_cursor"]


def _client(code: str) -> httpx.Client:
    """Return a client that speaks as the street's admin."""
    known = settings.load()

    async def find(opened: Database) -> int:
        [street] = await owner.streets(opened, [code])
        return street.id

    streets = frozenset({owner.run(find)})
    admin = Actor(id=staff_id(Role.ADMIN, streets, None), role=Role.ADMIN, streets=streets)
    token, _ = Tokens(known.secrets_path).issue(admin, known.staff_token_ttl)
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=known.base_url("routing"), headers=headers, timeout=_SECONDS)
