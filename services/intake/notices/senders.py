"""The only place that talks to receivers: a letter goes out by HTTP, and what came back is a Reply. Never raises.

No redirect is followed, no proxy of the environment is used, no answer is read beyond a few kilobytes, and nothing
takes longer than `SECONDS`. Addresses and secrets stay out of every log and every error.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

import httpx
import orjson

from services.intake.notices import messages, targets
from services.intake.notices.messages import Item
from services.intake.notices.outcomes import BAD_TOKEN, Channel, Outcome, Reply, of_vendor, of_webhook
from shared import clock

SECONDS = 8.0
_MOST_ANSWER = 16_384
_OK = 200
# httpx writes each URL at INFO, and a robot's carries its key.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Letter:
    """One message: over which line, and what is in it. `to`: a resident's openid and template, for WeChat."""

    message_id: UUID
    channel: str
    items: tuple[Item, ...]
    url: str = ""
    secret: str = ""
    openid: str = ""
    template: str = ""
    page: str = ""
    fields: Mapping[str, str] | None = None


class VendorError(Exception):
    """WeChat answered with an error code."""

    def __init__(self, errcode: int) -> None:
        super().__init__(errcode)
        self.errcode = errcode


class Subscriptions(Protocol):
    """WeChat, as far as it carries subscribe messages."""

    async def send_subscribe(
        self, openid: str, template_id: str, page: str, data: Mapping[str, Mapping[str, str]]
    ) -> None:
        """Send one message; raise VendorError with WeChat's code, or an httpx.HTTPError."""


class Token(Protocol):
    """Where the access token comes from."""

    async def get(self) -> str:
        """Return a token that should be good; raise VendorError or httpx.HTTPError."""

    def forget(self) -> None:
        """Take note that WeChat did not know the token any more."""


class SubscribeMessages:
    """POST /cgi-bin/message/subscribe/send over plain HTTP."""

    def __init__(self, client: httpx.AsyncClient, token: Token) -> None:
        self._client = client
        self._token = token

    async def send_subscribe(
        self, openid: str, template_id: str, page: str, data: Mapping[str, Mapping[str, str]]
    ) -> None:
        body = {"touser": openid, "template_id": template_id, "page": page, "data": data, "lang": "zh_CN"}
        answer = await _asked(
            self._client,
            "/cgi-bin/message/subscribe/send",
            orjson.dumps(body),
            params={"access_token": await self._token.get()},
        )
        code = errcode(answer)
        if code in BAD_TOKEN:
            self._token.forget()
        if code != 0:
            raise VendorError(code)


async def _asked(client: httpx.AsyncClient, url: str, body: bytes, **more: Any) -> bytes:
    """Return the answer's body of a vendor that answers 200 with a code of its own; raise VendorError or HTTPError."""
    headers = {"Content-Type": "application/json", **more.pop("headers", {})}
    async with client.stream("POST", url, content=body, headers=headers, **more) as response:
        answer = b""
        async for piece in response.aiter_bytes():
            answer += piece
            if len(answer) > _MOST_ANSWER:
                break
    if response.status_code != _OK:
        raise VendorError(-response.status_code)
    return answer


def errcode(answer: bytes) -> int:
    """Return the `errcode` of a vendor's answer, -1 (try again) for anything else."""
    try:
        told = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return -1
    code = told.get("errcode") if isinstance(told, dict) else None
    return code if isinstance(code, int) else -1


class Post:
    """Takes letters to where they go; one a process."""

    def __init__(self, *, private: bool = False, subscriptions: Subscriptions | None = None) -> None:
        """Open nothing yet; without `subscriptions` WeChat is not set up."""
        self._private = private
        self._subscriptions = subscriptions
        # No connection is kept: the next message is judged, and connected, anew.
        self._client = httpx.AsyncClient(
            timeout=SECONDS, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0)
        )
        self._ways: Mapping[str, Callable[[Letter], Awaitable[Reply]]] = {
            Channel.WECHAT: self._wechat,
            Channel.WECOM: self._robot,
            Channel.DINGTALK: self._robot,
            Channel.WEBHOOK: self._webhook,
        }

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, letter: Letter) -> Reply:
        """Send a letter and return what came of it."""
        try:
            async with asyncio.timeout(SECONDS):
                return await self._ways[letter.channel](letter)
        except targets.Refused as refusal:
            return Reply(Outcome.MISSET, str(refusal), 60)
        except httpx.InvalidURL:
            return Reply(Outcome.MISSET, "地址格式不正确", 60)
        except VendorError as answered:
            return of_vendor(letter.channel, answered.errcode)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Reply(Outcome.AWAY, type(error).__name__)
        except (httpx.HTTPError, TimeoutError) as error:
            return Reply(Outcome.SILENT, type(error).__name__)

    async def _wechat(self, letter: Letter) -> Reply:
        if self._subscriptions is None:
            return Reply(Outcome.MISSET, "not_configured", 60)
        data = messages.subscribe_data(letter.fields or {}, letter.items[0])
        await self._subscriptions.send_subscribe(letter.openid, letter.template, letter.page, data)
        return Reply(Outcome.SENT, "0")

    async def _robot(self, letter: Letter) -> Reply:
        url = letter.url
        if letter.channel == Channel.DINGTALK and letter.secret:
            url += messages.dingtalk_query(letter.secret, clock.now())
        at = await targets.pin(url, letter.channel, private=self._private)
        body = messages.robot_body(letter.items)
        answer = await _asked(self._client, at.url, body, headers={"Host": at.host}, extensions=_under(at))
        return of_vendor(letter.channel, errcode(answer))

    async def _webhook(self, letter: Letter) -> Reply:
        at = await targets.pin(letter.url, letter.channel, private=self._private)
        body = messages.webhook_body(letter.message_id, letter.items)
        headers = messages.webhook_headers(letter.secret, letter.message_id, body, clock.now())
        request = self._client.build_request(
            "POST", at.url, content=body, headers=headers | {"Host": at.host}, extensions=_under(at)
        )
        response = await self._client.send(request, stream=True)
        await response.aclose()  # what it says does not matter
        return of_webhook(response.status_code, response.headers.get("retry-after"))


def _under(at: targets.Pinned) -> dict[str, Any]:
    """Return what makes TLS ask for, and check, the name rather than the address."""
    return {"sni_hostname": at.name}
