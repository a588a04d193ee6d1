"""What goes over each line, and its signatures: pure.

Nothing personal leaves the house: number, step, state, category. What was reported goes to a webhook only where its
line was set up so; reasons and details stay in the app.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID

import orjson

from services.intake.notices.told import fit, kind_text
from shared.clock import to_local

# The shorter of the robots' limits on a text (WeCom: 2048 bytes).
ROBOT_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Item:
    """A notice on its way out."""

    notice_id: UUID
    kind: str
    title: str
    facts: Mapping[str, Any]
    occurred_at: datetime
    content: str | None = None


def robot_text(items: Sequence[Item]) -> str:
    """Return one text for a group: the notice, or a digest of all that wait; what does not fit is counted."""
    if len(items) == 1:
        return _line(items[0])
    lines = [f"【办结】{len(items)}条新通知"]
    room = ROBOT_BYTES - 100  # for the last line
    for number, item in enumerate(items, start=1):
        line = f"{number}. {_line(item)}"
        room -= len(line.encode()) + 1
        if room < len(lines[0].encode()):
            lines.append(f"另有{len(items) - number + 1}条,请登录办结查看")
            break
        lines.append(line)
    return "\n".join(lines)


def _line(item: Item) -> str:
    return f"{item.title} {item.facts['number']}({item.facts['category_text']})"


def robot_body(items: Sequence[Item]) -> bytes:
    """Return the body both kinds of robots understand."""
    return orjson.dumps({"msgtype": "text", "text": {"content": robot_text(items)}})


def dingtalk_query(secret: str, now: datetime) -> str:
    """Return `&timestamp=…&sign=…` (加签): HMAC-SHA256 over the milliseconds and the secret, base64, quoted."""
    millis = int(now.timestamp() * 1000)
    digest = hmac.new(secret.encode(), f"{millis}\n{secret}".encode(), hashlib.sha256).digest()
    return f"&timestamp={millis}&sign={quote(base64.b64encode(digest), safe='')}"


def webhook_body(message_id: UUID, items: Sequence[Item]) -> bytes:
    """Return a webhook's body: one message with up to a hundred notices, each with an id of its own."""
    return orjson.dumps({"id": str(message_id), "notices": [_told(item) for item in items]})


def _told(item: Item) -> dict[str, Any]:
    told = {
        "id": str(item.notice_id),
        "action": item.kind,
        "action_text": kind_text(item.kind),
        **{name: item.facts[name] for name in ("number", "state", "state_text", "category_text")},
        "occurred_at": to_local(item.occurred_at).isoformat(timespec="milliseconds"),
    }
    return told if item.content is None else told | {"content": item.content}


def webhook_headers(secret: str, message_id: UUID, body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers by which a receiver knows us: HMAC-SHA256 over `timestamp.id.body`, hex.

    A receiver compares in constant time, refuses old timestamps, and drops notice ids it has seen.
    """
    timestamp = str(int(now.timestamp()))
    signed = f"{timestamp}.{message_id}.".encode() + body
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Banjie",
        "X-Banjie-Id": str(message_id),
        "X-Banjie-Timestamp": timestamp,
        "X-Banjie-Signature": f"v1={signature}",
    }


_LENGTH = {"thing": 20, "character_string": 32, "phrase": 5, "short_thing": 5}


def subscribe_data(fields: Mapping[str, str], item: Item) -> dict[str, dict[str, str]]:
    """Return the data of a subscribe message; `fields`: the template's field → title, number, state, category, time.

    Each field is cut to what its type holds (the letters of its name: thing 20, phrase 5).
    """
    local = to_local(item.occurred_at)
    values = {
        "title": item.title,
        "number": item.facts["number"],
        "state": item.facts["state_text"],
        "category": item.facts["category_text"],
        "time": f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}",
    }
    return {
        name: {"value": fit(values[what], _LENGTH.get(name.rstrip("0123456789"), 20))}
        for name, what in fields.items()
    }
