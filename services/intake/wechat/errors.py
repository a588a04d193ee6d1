"""What WeChat says no with, by errcode. A refusal knows what to tell a person, and whether it may be tried again.

    WeChatError
    ├── Away              no answer, or none that can be read; `unsent`: the request never left
    ├── Off               the circuit is open: not even tried
    ├── Busy              -1
    ├── TooOften          45009, 45011
    ├── BadCode           40029, 40163   a code that is wrong, too old or used
    ├── BadAccessToken    40001, 40014, 42001
    ├── NoQuota           43101          the person did not grant this message, or took it back
    ├── BadTemplate       40037
    ├── BadTemplateData   47003
    ├── Risky             87014          the content itself (the first version of the check says so)
    ├── NotSeenLately     61010          the person has not opened the mini-program in the last two hours
    └── Misconfigured     any other: app, secret, rights

Source of the codes: WeChat's documentation of each interface, read in November 2026.
"""

# ruff: noqa: N818 - the base says that they are errors, the names say which

from typing import ClassVar

from shared.errors import Problem, Unavailable, invalid


class WeChatError(Exception):
    """A call that came to nothing."""

    again: ClassVar[bool] = False
    """Whether the same call may be tried again as it is, however dangerous it is to do it twice."""

    def __init__(self, errcode: int | None = None) -> None:
        super().__init__(f"{type(self).__name__} {errcode}" if errcode is not None else type(self).__name__)
        self.errcode = errcode


class Away(WeChatError):
    def __init__(self, *, unsent: bool = False) -> None:
        super().__init__()
        self.unsent = unsent


class Off(WeChatError):
    pass


class Busy(WeChatError):
    again = True


class TooOften(WeChatError):
    pass


class BadCode(WeChatError):
    pass


class BadAccessToken(WeChatError):
    pass


class NoQuota(WeChatError):
    pass


class BadTemplate(WeChatError):
    pass


class BadTemplateData(WeChatError):
    pass


class Risky(WeChatError):
    pass


class NotSeenLately(WeChatError):
    pass


class Misconfigured(WeChatError):
    pass


ERRORS: dict[int, type[WeChatError]] = {
    -1: Busy,
    45009: TooOften, 45011: TooOften,
    40029: BadCode, 40163: BadCode,
    40001: BadAccessToken, 40014: BadAccessToken, 42001: BadAccessToken,
    43101: NoQuota, 40037: BadTemplate, 47003: BadTemplateData,
    87014: Risky, 61010: NotSeenLately,
}  # fmt: skip


def refusal(errcode: object) -> WeChatError:
    """Return the error of an errcode; whatever is none of those known lies with our settings."""
    if not isinstance(errcode, int):
        return Away()
    return ERRORS.get(errcode, Misconfigured)(errcode)


# error → (what a person is told, seconds after which to come again, our code)
_TOLD: dict[type[WeChatError], tuple[str, int, str]] = {
    Busy: ("微信繁忙,请稍后重试", 2, "wechat_busy"),
    TooOften: ("操作太频繁,请一分钟后再试", 60, "wechat_rate_limited"),
    Away: ("微信暂时不可用,请稍后重试", 3, "wechat_unavailable"),
    Off: ("微信暂时不可用,请稍后重试", 10, "wechat_unavailable"),
}
_OTHERWISE = ("微信暂时不可用,请稍后重试", 60, "wechat_unavailable")


def told(error: WeChatError, what: str) -> Problem:
    """Return the refusal a person hears; `what`: what the code was for (登录凭证, 手机号授权)."""
    if isinstance(error, BadCode):
        return invalid("code", f"{what}无效或已过期,请重新操作", code="wechat_code_invalid")
    text, seconds, code = _TOLD.get(type(error), _OTHERWISE)
    return Unavailable(text, retry_after=seconds, code=code)
