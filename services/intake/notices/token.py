"""WeChat's access token, fetched when it is needed and kept until shortly before it ends.

`stable_token` gives every process the same token, so that several do not throw each other's out.
"""

import asyncio
from time import monotonic

import httpx
import orjson

from services.intake.notices.senders import VendorError, errcode

_EARLY = 300.0  # seconds


class StableToken:
    """POST /cgi-bin/stable_token, one call at a time."""

    def __init__(self, client: httpx.AsyncClient, app_id: str, secret: str) -> None:
        self._client = client
        self._ask = {"grant_type": "client_credential", "appid": app_id, "secret": secret}
        self._token, self._until = "", 0.0
        self._one = asyncio.Lock()

    async def get(self) -> str:
        """Return a token; raise VendorError with WeChat's code, or httpx.HTTPError."""
        async with self._one:
            if monotonic() >= self._until:
                response = await self._client.post("/cgi-bin/stable_token", json=self._ask)
                self._keep(response.content)
            return self._token

    def _keep(self, answer: bytes) -> None:
        try:
            told = orjson.loads(answer)
            self._token, lasts = str(told["access_token"]), float(told["expires_in"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
            raise VendorError(errcode(answer) or -1) from None
        self._until = monotonic() + lasts - _EARLY

    def forget(self) -> None:
        """Fetch another the next time."""
        self._until = 0.0
