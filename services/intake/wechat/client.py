"""What the house asks of WeChat: who signs in, their telephone number, checks of content, messages."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import httpx
from redis.asyncio import Redis

from services.intake.wechat.breaker import Breaker
from services.intake.wechat.errors import Away, BadAccessToken
from services.intake.wechat.token import AccessTokens
from services.intake.wechat.wire import TIMEOUT, Wire
from shared.errors import Unavailable, invalid
from shared.process import Process
from shared.settings import WeChatApp

CHECK_SECONDS: Final = 2.0
# 1 profile, 2 comment, 3 forum, 4 social log: what a resident reports is closest to a post in a forum.
FORUM: Final = 3
IMAGE: Final = 2
CHECKED_CHARACTERS: Final = 2500
NOT_CONFIGURED: Final = "还没有配置微信小程序,暂时不能使用"


class Identity(NamedTuple):
    """Who signed in. The session key that comes along is dropped: nothing here needs it."""

    openid: str
    unionid: str | None


class Verdict(NamedTuple):
    """What WeChat thinks of a text: pass, review or risky, and its class of the risk (100 is none)."""

    suggest: str
    label: int | None


class WeChat:
    """A client of WeChat's server API; one a process. All methods raise WeChatError."""

    def __init__(
        self,
        process: Process,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        breaker: Breaker | None = None,
    ) -> None:
        settings = process.settings
        self.apps: Mapping[str, WeChatApp] = settings.mini_programs
        self._wire = Wire(settings.wechat_api_base, transport=transport, breaker=breaker)
        # Whoever waits for WeChat must not wait long for Redis besides.
        self._redis = Redis.from_url(settings.redis(), socket_timeout=1, socket_connect_timeout=1)
        self._tokens = AccessTokens(self._wire, self._redis, process.database, process.keys)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        await self._wire.close()
        await self._redis.aclose()

    @property
    def configured(self) -> bool:
        return bool(self.apps)

    def app(self, app_id: str | None) -> WeChatApp:
        """Return the mini-program of this id, or the first; raise Unavailable without any, Invalid for a stranger."""
        if not self.apps:
            raise Unavailable(NOT_CONFIGURED, retry_after=60, code="wechat_not_configured")
        if app_id is None:
            return next(iter(self.apps.values()))
        if app_id not in self.apps:
            raise invalid("app", "没有接入这个小程序", code="unknown_app")
        return self.apps[app_id]

    async def identity(self, app: WeChatApp, code: str) -> Identity:
        """Return whose sign-in `code` is; a code is good for five minutes and once."""
        query = {
            "appid": app.app_id, "secret": app.secret.get_secret_value(), "js_code": code,
            "grant_type": "authorization_code",
        }  # fmt: skip
        answer = await self._wire.call("GET", "/sns/jscode2session", query=query, repeatable=False)
        openid, unionid = answer.get("openid"), answer.get("unionid")
        if not isinstance(openid, str) or not openid:
            raise Away
        return Identity(openid, unionid if isinstance(unionid, str) and unionid else None)

    async def phone(self, app: WeChatApp, code: str) -> str:
        """Return the number behind a code of getPhoneNumber. Each success is paid for: never ask twice."""
        answer = await self._asked(app, "/wxa/business/getuserphonenumber", {"code": code}, repeatable=False)
        number = _within(answer, "phone_info").get("phoneNumber")
        if not isinstance(number, str) or not number:
            raise Away
        return number

    async def check_text(self, app: WeChatApp, openid: str, text: str) -> Verdict:
        """Return what msgSecCheck (version 2) thinks of a text, within CHECK_SECONDS."""
        body = {
            "version": 2, "openid": openid, "scene": FORUM, "content": text[:CHECKED_CHARACTERS],
        }  # fmt: skip
        answer = await self._asked(app, "/wxa/msg_sec_check", body, repeatable=True, budget=CHECK_SECONDS)
        return verdict(answer)

    async def check_image(self, app: WeChatApp, openid: str, url: str) -> str:
        """Have WeChat look at the picture at `url`; return the trace_id by which its answer will come."""
        body = {"version": 2, "openid": openid, "scene": FORUM, "media_type": IMAGE, "media_url": url}
        answer = await self._asked(app, "/wxa/media_check_async", body, repeatable=True)
        trace = answer.get("trace_id")
        if not isinstance(trace, str) or not trace:
            raise Away
        return trace

    async def send_subscribe(
        self, app: WeChatApp, openid: str, template_id: str, page: str | None, data: Mapping[str, str]
    ) -> None:
        """Send a message the person has granted. Tried again only where it certainly was not sent."""
        body: dict[str, Any] = {
            "touser": openid, "template_id": template_id,
            "data": {name: {"value": value} for name, value in data.items()},
        }  # fmt: skip
        if page is not None:
            body["page"] = page
        await self._asked(app, "/cgi-bin/message/subscribe/send", body, repeatable=False)

    async def _asked(
        self, app: WeChatApp, path: str, body: dict[str, Any], *, repeatable: bool, budget: float = TIMEOUT
    ) -> dict[str, Any]:
        """Call with the access token; with a new one, once, if WeChat does not like it."""
        token = await self._tokens.of(app)
        try:
            return await self._with(token, path, body, repeatable=repeatable, budget=budget)
        except BadAccessToken:
            fresh = await self._tokens.of(app, but=token)
            return await self._with(fresh, path, body, repeatable=repeatable, budget=budget)

    async def _with(
        self, token: str, path: str, body: dict[str, Any], *, repeatable: bool, budget: float
    ) -> dict[str, Any]:
        return await self._wire.call(
            "POST", path, query={"access_token": token}, body=body, repeatable=repeatable, budget=budget
        )


def verdict(answer: Mapping[str, Any]) -> Verdict:
    """Return the verdict in an answer of a check, or in its event; raise Away where there is none."""
    result = _within(answer, "result")
    suggest, label = result.get("suggest"), result.get("label")
    if suggest not in {"pass", "review", "risky"}:
        raise Away
    return Verdict(str(suggest), label if isinstance(label, int) else _number(label))


def _number(label: object) -> int | None:
    """Return a label that came as text, as in XML."""
    return int(label) if isinstance(label, str) and label.isdigit() and label.isascii() else None


def _within(answer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    inner = answer.get(name)
    return inner if isinstance(inner, dict) else {}
