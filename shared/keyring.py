"""The one file of secrets, and everything made with it: personal data sealed, found and masked.

`secrets.json` (mode 0600) holds lists of keys: the first signs and seals, all of them verify and open,
so that `banjie secrets rotate` needs no downtime. Database passwords of the service roles are derived.
"""

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
PHONE_DIGITS = 11


@dataclass(frozen=True)
class Keyring:
    """Keys by purpose; `token` and `data` newest first as (kid, key)."""

    token: tuple[tuple[str, bytes], ...]
    data: tuple[tuple[str, bytes], ...]
    index: bytes
    database: bytes

    def database_password(self, role: str) -> str:
        """Return the login password of a service's database role."""
        return hmac.new(self.database, role.encode(), hashlib.sha256).hexdigest()

    def seal(self, value: dict[str, Any], context: bytes) -> bytes:
        """Encrypt a small JSON value, bound to `context`."""
        return self.seal_bytes(orjson.dumps(value), context)

    def open(self, sealed: bytes, context: bytes) -> dict[str, Any]:
        """Decrypt what `seal` made; raise as `open_bytes` does."""
        value: dict[str, Any] = orjson.loads(self.open_bytes(sealed, context))
        return value

    def seal_bytes(self, content: bytes, context: bytes) -> bytes:
        """Encrypt (AES-256-GCM), bound to `context`: kid(8) + nonce(12) + ciphertext."""
        kid, key = self.data[0]
        nonce = os.urandom(12)
        return kid.encode() + nonce + _aead(key).encrypt(nonce, content, context)

    def open_bytes(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what `seal_bytes` made; raise ValueError for an unknown key, InvalidTag for another context."""
        kid = sealed[:8].decode()
        key = dict(self.data).get(kid)
        if key is None:
            raise ValueError(f"unknown data key {kid}")
        return _aead(key).decrypt(sealed[8:20], sealed[20:], context)

    def blind_index(self, purpose: str, value: str) -> bytes:
        """Return a keyed digest by which an encrypted value can be found again."""
        return hmac.new(self.index, f"{purpose}:{value}".encode(), hashlib.sha256).digest()

    def resident_id(self, openid: str) -> UUID:
        """Return the one id of a WeChat user: the same from a login and from the shell, telling nothing."""
        return _as_id(self.blind_index("openid", openid))

    def account_id(self, app_id: str, openid: str) -> UUID:
        """Return the id of a WeChat user in one mini-program; it tells nothing either."""
        return _as_id(self.blind_index("wechat_account", f"{app_id}:{openid}"))


def _as_id(digest: bytes) -> UUID:
    content = bytearray(digest[:16])
    content[6] = content[6] & 0x0F | 0x80  # version 8 by hand: Python knows it from 3.14 on
    content[8] = content[8] & 0x3F | 0x80
    return UUID(bytes=bytes(content))


@lru_cache(maxsize=16)
def _aead(key: bytes) -> AESGCM:
    return AESGCM(key)


def _new_key() -> dict[str, str]:
    return {"kid": secrets.token_hex(4), "key": base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}


def create(path: Path) -> None:
    """Write a new secrets file; raise FileExistsError rather than overwrite one."""
    content = {
        "token": [_new_key()],
        "data": [_new_key()],
        "index": _new_key()["key"],
        "database": _new_key()["key"],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def rotate(path: Path, purpose: str, *, keep: int = 3) -> str:
    """Put a new key before the others of `purpose` ("token" or "data"); return its kid.

    Old token keys beyond `keep` are dropped (their tokens have long expired); data keys are all kept.
    """
    content = orjson.loads(path.read_bytes())
    keys = [_new_key(), *content[purpose]]
    content[purpose] = keys[:keep] if purpose == "token" else keys
    fresh = path.with_suffix(".new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(orjson.dumps(content, option=orjson.OPT_INDENT_2))
    fresh.replace(path)
    return str(keys[0]["kid"])


def load(path: Path) -> Keyring:
    """Read the secrets file; raise RuntimeError with the way out if it is not there."""
    try:
        content = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise RuntimeError(f"没有密钥文件 {path}:请先运行 make run 或 banjie secrets init") from None

    def pairs(purpose: str) -> tuple[tuple[str, bytes], ...]:
        return tuple((k["kid"], base64.b64decode(k["key"])) for k in content[purpose])

    return Keyring(
        pairs("token"),
        pairs("data"),
        base64.b64decode(content["index"]),
        base64.b64decode(content["database"]),
    )


def mask_phone(phone: str | None) -> str | None:
    """Return 138****5678; anything too short to mask so shows nothing but its last two characters."""
    if not phone:
        return None
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= PHONE_DIGITS else f"****{phone[-2:]}"


def mask_name(name: str | None) -> str | None:
    """Return 王**: the family name alone."""
    return f"{name[0]}{'*' * min(len(name) - 1, 2)}" if name else None
