"""Every error as RFC 9457 problem+json, in Chinese: refusals, malformed input, unknown paths, our own faults."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import compile_path

from shared.errors import FieldError, Problem, TooMany, Unavailable

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger()

# pydantic's error types in the words of the person who filled in the field; {…} from the error's context.
_MESSAGES = {
    "missing": "不能为空",
    "extra_forbidden": "没有这个字段",
    "string_type": "应为文字",
    "string_too_short": "至少 {min_length} 个字符",
    "string_too_long": "最多 {max_length} 个字符",
    "string_pattern_mismatch": "格式不正确",
    "string_unicode": "含有无法识别的字符",
    "int_type": "应为整数",
    "int_parsing": "应为整数",
    "int_from_float": "应为整数",
    "int_parsing_size": "数字过大",
    "float_type": "应为数字",
    "float_parsing": "应为数字",
    "finite_number": "应为有限的数字",
    "bool_type": "应为 true 或 false",
    "bool_parsing": "应为 true 或 false",
    "greater_than": "应大于 {gt}",
    "greater_than_equal": "不能小于 {ge}",
    "less_than": "应小于 {lt}",
    "less_than_equal": "不能大于 {le}",
    "enum": "可选值:{expected}",
    "literal_error": "可选值:{expected}",
    "datetime_type": "应为时间,如 2026-11-21T08:30:00+08:00",
    "datetime_parsing": "应为时间,如 2026-11-21T08:30:00+08:00",
    "datetime_from_date_parsing": "应为时间,如 2026-11-21T08:30:00+08:00",
    "datetime_object_invalid": "应为时间,如 2026-11-21T08:30:00+08:00",
    "timezone_aware": "时间须带时区,如 +08:00",
    "date_type": "应为日期,如 2026-11-21",
    "date_parsing": "应为日期,如 2026-11-21",
    "date_from_datetime_parsing": "应为日期,如 2026-11-21",
    "date_from_datetime_inexact": "应为日期,如 2026-11-21",
    "list_type": "应为列表",
    "too_long": "最多 {max_length} 项",
    "too_short": "至少 {min_length} 项",
    "dict_type": "应为对象",
    "model_type": "应为对象",
    "model_attributes_type": "应为 JSON 对象",
    "json_invalid": "不是正确的 JSON",
    "json_type": "不是正确的 JSON",
    "uuid_parsing": "编号格式不正确",
    "uuid_type": "编号格式不正确",
}


class FieldFault(BaseModel):
    field: str
    message: str


class ProblemBody(BaseModel):
    """The body of every error answer."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    trace_id: str
    errors: list[FieldFault]


_TEXTS = {
    400: "请求无法识别", 401: "没有登录或凭证无效", 403: "没有权限", 404: "没有找到", 405: "不支持这种请求方法",
    409: "与当前状态冲突", 412: "内容已被更新(If-Match 不符)", 413: "请求过大", 415: "不支持的内容类型",
    422: "填写的内容有误", 429: "过于频繁,请按 Retry-After 重试", 503: "暂时不可用,请按 Retry-After 重试",
}  # fmt: skip


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of these error statuses."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemBody"}}}
    return {s: {"description": _TEXTS[s], "content": content, "model": ProblemBody} for s in statuses}


def render(problem: Problem, trace_id: str) -> Response:
    """Return a refusal as its HTTP answer."""
    extra = {k: v for k, v in problem.extra.items() if k != "retry_after"}
    headers = {}
    if isinstance(problem, TooMany | Unavailable):
        headers["Retry-After"] = str(problem.retry_after)
    if problem.status == 401:  # noqa: PLR2004 - the status is the name
        headers["WWW-Authenticate"] = "Bearer"
    return answer(
        problem.status, problem.code, problem.title, problem.detail, trace_id, problem.errors, headers, extra
    )


def answer(
    status: int,
    code: str,
    title: str,
    detail: str,
    trace_id: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Response:
    """Return a problem+json response."""
    body = {
        **(extra or {}),
        "type": f"urn:banjie:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "trace_id": trace_id,
        "errors": [{"field": e.field, "message": e.message} for e in errors],
    }
    return Response(orjson.dumps(body), status, dict(headers or {}), MEDIA_TYPE)


def trace_id(request: Request) -> str:
    """Return the id under which this request is found in the logs."""
    return str(request.scope.get("trace_id", ""))


def install(app: FastAPI) -> None:
    """Make `app` answer every error this way."""

    @app.exception_handler(Problem)
    async def refused(request: Request, problem: Problem) -> Response:
        return render(problem, trace_id(request))

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> Response:
        faults = [FieldError(_field(e), _message(e)) for e in error.errors()[:50]]
        first = f"{faults[0].field}:{faults[0].message}" if faults else "填写的内容有误"
        return answer(422, "invalid", "填写的内容有误", first, trace_id(request), faults)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        code = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}.get(
            error.status_code, "http_error"
        )
        text = _TEXTS.get(error.status_code, "请求无法处理")
        headers = dict(error.headers or {})
        if error.status_code == 405:  # noqa: PLR2004 - the status is the name
            headers |= _allowed(request)
        return answer(error.status_code, code, text, text, trace_id(request), headers=headers)


def _allowed(request: Request) -> dict[str, str]:
    """Return the Allow header of an address; the router knows only the first of its routes."""
    methods = {
        method.upper()
        for path, operations in request.app.openapi()["paths"].items()
        if compile_path(path)[0].match(request.scope["path"])
        for method in operations
    }
    return {"Allow": ", ".join(sorted(methods))} if methods else {}


def _field(error: Mapping[str, Any]) -> str:
    where = list(error["loc"])
    if error["type"] == "json_invalid":
        return "body"  # FastAPI adds the offset
    if where and where[0] in {"body", "query", "path", "header"}:
        where = where[1:]
    return ".".join(str(part) for part in where) or "body"


def _message(error: Mapping[str, Any]) -> str:
    kind = error["type"]
    if kind == "value_error":
        return str(error["msg"]).removeprefix("Value error, ")
    template = _MESSAGES.get(kind, "格式不正确")
    context = {k: str(v).replace(" or ", "、") for k, v in (error.get("ctx") or {}).items()}
    try:
        return template.format(**context)
    except KeyError:
        return "格式不正确"
