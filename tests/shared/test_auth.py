"""Who is asking: tokens that rotate, expire and cannot be forged; keys that can be taken back."""

import base64
import json
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import jwt
import pytest
from hypothesis import given, settings, strategies as st
from sqlalchemy import update

from shared import auth, clock, keyring
from shared.auth import Actor, ApiKeys, Tokens
from shared.errors import Forbidden, Unauthenticated
from shared.tables import api_keys
from shared.terms import Role, Scope

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
HOUR = 3600
CLERK = Actor(auth.staff_id(Role.CLERK, frozenset({7, 8}), None), Role.CLERK, frozenset({7, 8}))
HAND = Actor(auth.staff_id(Role.UNIT, frozenset({7}), "u03"), Role.UNIT, frozenset({7}), "u03")


@pytest.fixture
def path(tmp_path):
    keyring.create(tmp_path / "secrets.json")
    return tmp_path / "secrets.json"


@pytest.fixture
def tokens(path):
    return Tokens(path)


def refused(tokens, token):
    with pytest.raises(Unauthenticated) as told:
        tokens.verify(token)
    assert told.value.status == 401
    return told.value.code


def forged(header, claims, signature=b""):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    return ".".join([part(json.dumps(header).encode()), part(json.dumps(claims).encode()), part(signature)])


def signed(tokens, key=None, header=None, **claims):
    kid, own = tokens.keys.token[0]
    good = {
        "sub": str(CLERK.id),
        "role": "clerk",
        "streets": [7],
        "unit": None,
        "exp": int(NOON.timestamp()) + HOUR,
    }
    whole = {k: v for k, v in (good | claims).items() if v is not ...}
    return jwt.encode(whole, key or own, algorithm="HS256", headers={"kid": kid, **(header or {})})


@pytest.mark.parametrize("actor", [CLERK, HAND], ids=lambda a: a.role.value)
def test_a_token_says_who_one_is(tokens, path, actor):
    with clock.at(NOON):
        token, expires_at = tokens.issue(actor, HOUR)
        assert tokens.verify(token) == actor
        assert Tokens(path).verify(token) == actor
    assert expires_at == NOON + timedelta(hours=1)


@pytest.mark.parametrize("seen_before", [False, True])
def test_a_token_expires_by_the_clock(tokens, seen_before):
    with clock.at(NOON):
        token, expires_at = tokens.issue(CLERK, HOUR)
        if seen_before:
            tokens.verify(token)
    with clock.at(expires_at - timedelta(seconds=1)):
        tokens.verify(token)
    for late in (expires_at, expires_at + timedelta(days=900)):
        with clock.at(late):
            assert refused(tokens, token) == "token_expired"


def test_keys_rotate_without_anyone_signing_in_anew(tokens, path):
    other_process = Tokens(path)
    with clock.at(NOON):
        old, _ = tokens.issue(CLERK, HOUR)
        fresh_kid = keyring.rotate(path, "token")
        assert Tokens(path).verify(old) == CLERK
        fresh, _ = Tokens(path).issue(HAND, HOUR)
        assert jwt.get_unverified_header(fresh)["kid"] == fresh_kid
        assert other_process.verify(fresh) == HAND  # it reads the file again when it meets a new kid


def test_a_key_that_was_rotated_away_opens_nothing(tokens, path):
    with clock.at(NOON):
        token, _ = tokens.issue(CLERK, HOUR)
        for _ in range(3):
            keyring.rotate(path, "token", keep=3)
        assert refused(Tokens(path), token) == "bad_token"


def test_what_was_tampered_with_is_refused(tokens):
    with clock.at(NOON):
        token, _ = tokens.issue(HAND, HOUR)
        head, body, signature = token.split(".")
        claims = json.loads(base64.urlsafe_b64decode(body + "=="))
        bigger = (
            base64.urlsafe_b64encode(json.dumps(claims | {"role": "admin"}).encode()).rstrip(b"=").decode()
        )
        spoilt = ("A" if signature[0] != "A" else "B") + signature[1:]
        for bad in (
            f"{head}.{bigger}.{signature}",
            f"{head}.{body}.{spoilt}",
            f"{head}.{body}.",
            f"{head}.{body}",
        ):
            assert refused(tokens, bad) == "bad_token"
        assert tokens.verify(token) == HAND


def test_unsigned_and_otherwise_signed_tokens_are_refused(tokens):
    kid, key = tokens.keys.token[0]
    claims = {"sub": str(CLERK.id), "role": "admin", "streets": [7], "exp": int(NOON.timestamp()) + HOUR}
    with clock.at(NOON):
        for header in (
            {"alg": "none", "kid": kid},
            {"alg": "None", "kid": kid},
            {"alg": "HS256"},
            {"kid": kid},
            {},
        ):
            assert refused(tokens, forged(header, claims)) == "bad_token"
        other = jwt.encode(claims, key * 2, algorithm="HS512", headers={"kid": kid})
        assert refused(tokens, other) == "bad_token"
        assert refused(tokens, signed(tokens, key=b"x" * 32)) == "bad_token"
        for stranger in ("deadbeef", "", None, 5, ["a"], "../../etc/passwd"):
            forgery = forged({"alg": "HS256", "kid": stranger}, claims, b"x" * 32)
            assert refused(tokens, forgery) == "bad_token"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": ...}, {"sub": ...}, {"role": ...}, {"streets": ...}, {"sub": "me"}, {"role": "emperor"},
        {"streets": None}, {"streets": ["x"]}, {"streets": 7}, {"exp": "soon"},
    ],
    ids=str,
)  # fmt: skip
def test_a_signed_token_that_makes_no_sense_is_refused(tokens, claims):
    with clock.at(NOON):
        assert tokens.verify(signed(tokens)).role is Role.CLERK
        assert refused(tokens, signed(tokens, **claims)) == "bad_token"


def test_nothing_that_a_stranger_sends_as_a_token_does_more_than_refuse(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "secrets.json"
    keyring.create(path)
    mine = Tokens(path)

    @settings(max_examples=50)
    @given(st.one_of(st.text(max_size=80), st.from_regex(r"\A[\w-]{1,30}\.[\w-]{1,30}\.[\w-]{0,30}\Z")))
    def anything(token):
        with pytest.raises(Unauthenticated):
            mine.verify(token)

    anything()


def test_a_role_stands_where_it_stands():
    assert auth.staff_id(Role.UNIT, frozenset({8, 7}), "u1") == auth.staff_id(
        Role.UNIT, frozenset({7, 8}), "u1"
    )
    assert len({auth.staff_id(Role.UNIT, frozenset({7}), u) for u in ("u1", "u2", None)}) == 3
    CLERK.in_street(7)
    with pytest.raises(Forbidden):
        CLERK.in_street(9)
    assert CLERK.is_staff
    assert not Actor(uuid4(), Role.RESIDENT, frozenset()).is_staff
    CLERK.require(Scope.LEDGER_READ)  # people are judged by their role
    script = Actor(uuid4(), Role.SCRIPT, frozenset({7}), scopes=frozenset({Scope.METRICS_READ}))
    script.require(Scope.METRICS_READ)
    with pytest.raises(Forbidden, match="ledger:read"):
        script.require(Scope.LEDGER_READ)


@pytest.fixture
def known(processes):
    """A verifier that remembers nothing yet."""
    return ApiKeys(processes("metrics").database)


async def test_a_script_is_known_by_its_key(known, api_key, street):
    key = (await api_key("ledger:read", "metrics:read"))["X-API-Key"]
    actor = await known.verify(key)
    assert actor.role is Role.SCRIPT
    assert actor.streets == {street.id}
    assert actor.scopes == {Scope.LEDGER_READ, Scope.METRICS_READ}
    assert actor.unit is None
    for wrong in ("", "bjk_", key[:-1], key + "x", key.upper(), "密钥"):
        with pytest.raises(Unauthenticated):
            await known.verify(wrong)


@pytest.mark.parametrize("change", [{"revoked_at": NOON}, {"expires_at": NOON}], ids=["revoked", "expired"])
async def test_a_key_that_was_taken_back_opens_nothing_once_the_answer_is_forgotten(
    known, api_key, owner, monkeypatch, change
):
    now = [1000.0]
    monkeypatch.setattr(auth, "monotonic", lambda: now[0])
    key = (await api_key("ledger:read"))["X-API-Key"]
    await known.verify(key)
    async with owner.transaction(()) as tx:
        await tx.execute(update(api_keys).where(api_keys.c.digest == auth.digest(key)).values(**change))
    now[0] += 10
    assert await known.verify(key)  # remembered for ten seconds
    now[0] += 0.1
    with clock.at(NOON), pytest.raises(Unauthenticated) as told:
        await known.verify(key)
    assert told.value.code == "bad_api_key"


async def test_a_key_is_good_until_the_instant_it_expires(known, api_key, owner, monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(auth, "monotonic", lambda: now[0])
    key = (await api_key("ledger:read"))["X-API-Key"]
    async with owner.transaction(()) as tx:
        await tx.execute(
            update(api_keys).where(api_keys.c.digest == auth.digest(key)).values(expires_at=NOON)
        )
    with clock.at(NOON - timedelta(microseconds=1)):
        assert await known.verify(key)


def test_of_a_key_only_its_digest_is_kept():
    key, prefix, digest = auth.new_api_key()
    assert key.startswith(f"{prefix}_")
    assert digest == auth.digest(key)
    assert key.encode() not in digest
    assert len({auth.new_api_key()[0] for _ in range(50)}) == 50
