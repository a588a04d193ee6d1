"""What can go wrong, as the reader of an answer sees it.

    Problem                       any refusal; carries its HTTP status and a stable English code
    ├── Invalid          422      the input is malformed; `errors` names the fields
    ├── Unauthenticated  401      no token, or one we cannot trust
    ├── Forbidden        403      known, but not allowed
    ├── NotFound         404      not there, or not in the caller's scope (never told apart)
    ├── Conflict         409      the ticket is elsewhere in its life, or the key was used
    ├── Stale            412      If-Match names another version
    ├── TooMany          429      too often; `retry_after` in seconds
    └── Unavailable      503      try again; `retry_after` in seconds

Messages are Chinese, for people; `code` is English, for programs, and never changes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field's fault: where, and what to tell the person who filled it in."""

    field: str
    message: str


class Problem(Exception):  # noqa: N818 - RFC 9457's word for it
    """A refusal with its HTTP status, a stable code and a Chinese explanation."""

    status = 400
    code = "bad_request"
    title = "请求有误"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        title: str | None = None,
        errors: Sequence[FieldError] = (),
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or type(self).code
        self.title = title or type(self).title
        self.errors = tuple(errors)
        self.extra = extra


class Invalid(Problem):
    status = 422
    code = "invalid"
    title = "填写的内容有误"


class Unauthenticated(Problem):
    status = 401
    code = "unauthenticated"
    title = "请先登录"


class Forbidden(Problem):
    status = 403
    code = "forbidden"
    title = "没有权限"


class NotFound(Problem):
    status = 404
    code = "not_found"
    title = "没有找到"


class Conflict(Problem):
    status = 409
    code = "conflict"
    title = "当前状态不允许"


class Stale(Problem):
    status = 412
    code = "stale"
    title = "内容已被更新"


class TooMany(Problem):
    status = 429
    code = "too_many_requests"
    title = "操作过于频繁"

    def __init__(self, detail: str, *, retry_after: int, code: str | None = None) -> None:
        super().__init__(detail, code=code, retry_after=retry_after)
        self.retry_after = retry_after


class Unavailable(Problem):
    status = 503
    code = "unavailable"
    title = "服务繁忙,请稍后再试"

    def __init__(self, detail: str, *, retry_after: int = 1, code: str | None = None) -> None:
        super().__init__(detail, code=code, retry_after=retry_after)
        self.retry_after = retry_after


def invalid(field: str, message: str, *, code: str | None = None) -> Invalid:
    """Return the refusal of one field."""
    return Invalid(message, code=code, errors=[FieldError(field, message)])
