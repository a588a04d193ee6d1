"""Where a line may lead: to the open internet by https, never into the house or a neighbour's network (SSRF).

Judged twice: when a line is set up, and at each message, when the name is resolved anew and the very address that was
judged is the one connected to. A name that changes its address in between gains nothing.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

from services.intake.notices.outcomes import Channel
from shared.errors import invalid

MOST_URL = 2000
RESOLVE_SECONDS = 4.0
# Robots live at their vendors' and nowhere else.
_VENDORS = {Channel.WECOM.value: "qyapi.weixin.qq.com", Channel.DINGTALK.value: "oapi.dingtalk.com"}
_PORTS = {"http": 80, "https": 443}


class Refused(Exception):  # noqa: N818 - an answer, told in Chinese
    """An address that must not be asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """An address that was judged: where to connect, and under which name."""

    url: str
    host: str
    name: str


def is_public(address: str) -> bool:
    """Say whether an IP address is one of the open internet, also behind the disguises IPv6 has for IPv4."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is not None:
            return is_public(str(inner))
        if ip in _NAT64 or ip.teredo is not None:
            return False
    return ip.is_global and not ip.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def parsed(url: str, channel: str, *, private: bool) -> SplitResult:
    """Return the parts of an address that is well-formed and of the right vendor; raise Refused.

    `private`: addresses inside one's own network and plain http are allowed (a setting, off by default).
    """
    try:
        parts = urlsplit(url)
        port_fits = parts.port is None or parts.port > 0
    except ValueError as error:
        raise Refused("地址格式不正确") from error
    if (
        not parts.hostname
        or not port_fits
        or len(url) > MOST_URL
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise Refused("地址格式不正确")
    if parts.username is not None or parts.password is not None:
        raise Refused("地址里不能写用户名和密码")
    if parts.scheme != "https" and not (private and parts.scheme == "http"):
        raise Refused("地址须以 https:// 开头")
    vendor = _VENDORS.get(channel)
    if vendor is not None and parts.hostname != vendor and not private:
        raise Refused(f"{Channel(channel).text}的地址须在 {vendor}")
    return parts


async def pin(url: str, channel: str, *, private: bool) -> Pinned:
    """Return where to connect; raise Refused, also for a name that does not resolve or leads inside."""
    parts = parsed(url, channel, private=private)
    name = parts.hostname or ""
    port = parts.port or _PORTS[parts.scheme]
    try:
        async with asyncio.timeout(RESOLVE_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Refused("域名解析不到") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not addresses or (not private and not all(is_public(a) for a in addresses)):
        raise Refused("地址指向内部网络")
    address = addresses[0]
    host = f"[{address}]" if ":" in address else address
    return Pinned(urlunsplit(parts._replace(netloc=f"{host}:{port}")), parts.netloc, name)


async def checked(url: str, channel: str, *, private: bool) -> str:
    """Return the host of an address a line may be set up with; raise Invalid."""
    try:
        return (await pin(url, channel, private=private)).name
    except Refused as refusal:
        raise invalid("url", str(refusal), code="target_refused") from refusal
