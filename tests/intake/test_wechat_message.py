"""What WeChat sends: signatures, encryption, XML and JSON. The rules alone, against messages made here."""

import base64
import contextlib
import hashlib
import os
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given, strategies as st

from services.intake.wechat.message import (
    NotFromWeChat,
    decrypted,
    parsed,
    require_fresh,
    require_signature,
)
from tests.fixtures.wechat import AES_KEY, CALLBACK_TOKEN, ONE

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)


def sign(*parts, token=CALLBACK_TOKEN):
    return hashlib.sha1("".join(sorted((token, *parts))).encode(), usedforsecurity=False).hexdigest()


def encrypt(message: bytes, app_id=ONE, aes_key=AES_KEY) -> str:
    """Return a message as WeChat encrypts it."""
    key = base64.b64decode(aes_key + "=")
    plain = os.urandom(16) + len(message).to_bytes(4) + message + app_id.encode()
    count = 32 - len(plain) % 32
    sealer = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(sealer.update(plain + bytes([count]) * count) + sealer.finalize()).decode()


def test_a_signature_is_that_of_the_sorted_values():
    require_signature(CALLBACK_TOKEN, sign("1", "n"), "1", "n")
    require_signature(CALLBACK_TOKEN, sign("1", "n", "e"), "1", "n", "e")
    for bad in (sign("1", "m"), sign("1", "n", token="other"), "", "é"):
        with pytest.raises(NotFromWeChat):
            require_signature(CALLBACK_TOKEN, bad, "1", "n")


def test_old_messages_are_played_again_by_somebody_else():
    now = int(NOON.timestamp())
    for good in (now, now - 300, now + 300):
        require_fresh(str(good), NOON)
    for bad in (str(now - 301), str(now + 301), "", "-1", "x", "٣", "9" * 40):
        with pytest.raises(NotFromWeChat):
            require_fresh(bad, NOON)


@given(st.binary(max_size=300))
def test_what_was_encrypted_for_us_can_be_read(message):
    assert decrypted(AES_KEY, ONE, encrypt(message)) == message


@pytest.mark.parametrize(
    "encrypted",
    [
        "", "x", "AAAA", base64.b64encode(bytes(32)).decode(), base64.b64encode(bytes(64)).decode(),
        encrypt(b"{}", app_id="wx-other"), encrypt(b"{}", aes_key="Z" * 42 + "E"),
    ],
    ids=["empty", "no base64", "no block", "zeros", "more zeros", "another app", "another key"],
)  # fmt: skip
def test_what_was_not_cannot(encrypted):
    with pytest.raises(NotFromWeChat):
        decrypted(AES_KEY, ONE, encrypted)


def test_a_message_is_json_or_xml():
    wanted = {"Event": "wxa_media_check", "result": {"suggest": "risky", "label": "20001"}}
    xml = (
        "<xml><Event><![CDATA[wxa_media_check]]></Event>\n"
        "<result><suggest><![CDATA[risky]]></suggest><label>20001</label></result></xml>"
    )
    assert parsed(xml.encode()) == wanted
    assert parsed(b' {"Event": "wxa_media_check"}') == {"Event": "wxa_media_check"}


BOMB = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><Event>&b;</Event></xml>'
ELSEWHERE = b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]><xml><Event>&f;</Event></xml>'


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[]", b"7", b"{", b"<xml>", b"<xml/>", b"<xml>text</xml>", b"<xml><a></b></xml>", BOMB, ELSEWHERE,
        b"<xml>" + b"<a>" * 9 + b"x" + b"</a>" * 9 + b"</xml>", b"<xml>" + b"<a>1</a>" * 500 + b"</xml>",
        b"\xff\xfe", b"<xml><a>&undefined;</a></xml>",
    ],
)  # fmt: skip
def test_nothing_else_is_a_message(body):
    with pytest.raises(NotFromWeChat):
        parsed(body)


@given(st.binary(max_size=80))
def test_whatever_comes_is_a_message_or_refused(body):
    with contextlib.suppress(NotFromWeChat):
        assert isinstance(parsed(body), dict)
