"""Who may enter: the dependencies by which every route names its callers.

A route without one of these is a defect unless it stands on the short public list of
`tests/contracts/test_routes.py`.
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from shared.auth import Actor
from shared.errors import Forbidden, Unauthenticated
from shared.process import Process
from shared.terms import Role, Scope

# For the OpenAPI document; the headers are read here, in one function on the hot path.
SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "居民或工作人员的登录凭证",
    },
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "脚本的密钥"},
}


def process_of(request: Request) -> Process:
    """Return the process that serves this request."""
    process: Process = request.app.state.process
    return process


async def authenticated(request: Request) -> Actor:
    """Return who is asking; raise Unauthenticated."""
    process = process_of(request)
    authorization = request.headers.get("authorization")
    if authorization is not None:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("登录凭证格式不正确,应为 Bearer", code="bad_token")
        said = process.tokens.read(token.strip())
        if said.actor.role is Role.RESIDENT:
            await process.sign_outs.refuse(said)
        return said.actor
    key = request.headers.get("x-api-key")
    if key is not None:
        return await process.api_keys.verify(key)
    raise Unauthenticated("请先登录,或提供 X-API-Key", code="unauthenticated")


def only(*roles: Role, scope: Scope | None = None) -> Callable[..., Awaitable[Actor]]:
    """Return a dependency that admits these roles, and scripts whose key has `scope`."""
    allowed = frozenset(roles)

    async def admitted(actor: Annotated[Actor, Depends(authenticated)]) -> Actor:
        if actor.role is Role.SCRIPT and scope is not None:
            actor.require(scope)
        elif actor.role not in allowed:
            raise Forbidden(f"{actor.role.text}不能使用这个接口", code="role_not_allowed")
        return actor

    return admitted


Anyone = Annotated[Actor, Depends(authenticated)]
