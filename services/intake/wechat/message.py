"""What WeChat sends to our callback: is it from WeChat, what does it say. Plain Python.

Two modes: plain (the query is signed, the body is not) and secure (the body is encrypted and signed). XML is read
without a document type, so without entities; JSON as it is.
"""

import base64
import binascii
import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Any, Final
from xml.parsers import expat

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# WeChat repeats a message that was not answered within five seconds, three times.
LATE: Final = timedelta(minutes=5)
_BLOCK, _RANDOM, _LENGTH, _KEY = 32, 16, 4, 43
_DEEPEST, _MOST_ELEMENTS = 6, 400


class NotFromWeChat(Exception):  # noqa: N818 - that is what it says
    """The message is not signed, not fresh, not for this app, or cannot be read."""


def require_signature(token: str, signature: str, timestamp: str, nonce: str, *more: str) -> None:
    """Raise NotFromWeChat unless `signature` is that of these values under our token (SHA-1, sorted)."""
    signed = hashlib.sha1("".join(sorted((token, timestamp, nonce, *more))).encode()).hexdigest()  # noqa: S324 - WeChat's choice
    if not hmac.compare_digest(signed.encode(), signature.encode()):
        raise NotFromWeChat


def require_fresh(timestamp: str, now: datetime) -> None:
    """Raise NotFromWeChat for what was signed long ago: somebody plays it again."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):  # noqa: PLR2004 - seconds
        raise NotFromWeChat
    if abs(now.timestamp() - int(timestamp)) > LATE.total_seconds():
        raise NotFromWeChat


def decrypted(aes_key: str, app_id: str, encrypted: str) -> bytes:
    """Return what stands in `Encrypt`: AES-256-CBC of random(16) + length(4) + message + app id, padded to 32."""
    try:
        key = base64.b64decode(f"{aes_key}=", validate=True)
        content = base64.b64decode(encrypted, validate=True)
        opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = opener.update(content) + opener.finalize()
    except (binascii.Error, ValueError):
        raise NotFromWeChat from None
    plain = _unpadded(padded)
    start = _RANDOM + _LENGTH
    end = start + int.from_bytes(plain[_RANDOM:start])
    if len(plain) < start or end > len(plain) or plain[end:] != app_id.encode():
        raise NotFromWeChat
    return plain[start:end]


def _unpadded(padded: bytes) -> bytes:
    count = padded[-1] if padded else 0
    if not 1 <= count <= _BLOCK or padded[-count:] != bytes([count]) * count:
        raise NotFromWeChat
    return padded[:-count]


def is_key(aes_key: str) -> bool:
    """Say whether this can be an EncodingAESKey."""
    return len(aes_key) == _KEY and aes_key.isalnum()


def parsed(body: bytes) -> dict[str, Any]:
    """Return a message's fields, from JSON or XML; raise NotFromWeChat."""
    try:
        message = orjson.loads(body) if body.lstrip()[:1] == b"{" else _Xml().read(body)
    except (orjson.JSONDecodeError, expat.ExpatError, ValueError):
        raise NotFromWeChat from None
    if not isinstance(message, dict):
        raise NotFromWeChat
    return message


class _Xml:
    """Reads `<xml><Name>text</Name>…</xml>`: an element with elements is a dict (the last of a name wins), else text."""

    def __init__(self) -> None:
        self._open: list[tuple[str, dict[str, Any], list[str]]] = []
        self._elements = 0
        self._whole: Any = None

    def read(self, body: bytes) -> Any:
        """Return the document; raise ValueError or ExpatError for one that is no plain message."""
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse  # no document type: no entities to expand
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(body, True)
        return self._whole

    def _refuse(self, *_: object) -> None:
        raise ValueError("a document type")

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._elements += 1
        if len(self._open) >= _DEEPEST or self._elements > _MOST_ELEMENTS:
            raise ValueError("too large")
        self._open.append((name, {}, []))

    def _text(self, text: str) -> None:
        self._open[-1][2].append(text)

    def _end(self, _: str) -> None:
        name, children, text = self._open.pop()
        value: Any = children or "".join(text).strip()
        if self._open:
            self._open[-1][1][name] = value
        else:
            self._whole = value
