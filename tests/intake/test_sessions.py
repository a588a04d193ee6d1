"""Signing in with WeChat, going on without it, signing out; one person in several mini-programs."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, strategies as st
from pydantic import SecretStr
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.identity import accounts
from services.intake.identity.purge import purge_sessions
from services.intake.identity.refresh import Answer, Place, judged, place_of, token_of
from shared import auth, clock, keyring
from shared.tables import resident_links, resident_sessions, residents, sign_outs, wechat_accounts
from shared.terms import Role
from tests.fixtures.wechat import CUT, HTML, LOGIN, ONE, SECRET, SESSION_KEY, TWO
from tests.intake.test_submit import problem

NOON = datetime(2026, 3, 4, 4, 0, tzinfo=UTC)
GRACE = timedelta(seconds=60)


def bearer(session):
    return {"Authorization": f"Bearer {session['token']}"}


@pytest.fixture
def sign_in(wechat, intake, street):
    """`await sign_in(who, app=ONE, …)` signs somebody in; the code is a fresh one."""

    async def post(who="one", app=ONE, **body):
        body = {"code": f"good.{who}.{uuid4().hex}", "street": street.code, "app": app} | body
        answer = await intake.post("/v1/sessions", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    return post


@pytest.fixture
def refresh(intake):
    async def post(session):
        return await intake.post("/v1/sessions/refresh", json={"refresh_token": session["refresh_token"]})

    return post


async def test_signing_in(sign_in, intake, keys, owner, street):
    with capture_logs() as logs:
        session = await sign_in()
    openid = "oone-one"
    assert session["token_type"] == "Bearer"
    assert session["street"] == street.code
    assert session["resident_id"] == str(keys.resident_id(openid))
    assert session["user"] == {
        "id": session["resident_id"], "phone": None, "consents_due": ["privacy", "terms"]
    }  # fmt: skip
    assert session["features"] == {"phone_by_wechat": True, "content_check": True, "consent_required": False}
    posted = await intake.post("/v1/tickets", json={"content": "灯坏了"}, headers=bearer(session))
    assert posted.status_code == 201
    async with owner.transaction([street.id], read_only=True) as tx:
        row = await tx.one(residents.select())
        account = await tx.one(wechat_accounts.select())
    assert keys.open(row.private, row.id.bytes) == {"openid": openid}
    assert keys.open(account.private, account.id.bytes) == {"openid": openid}
    for hidden in (openid, SESSION_KEY, SECRET):
        assert hidden not in f"{session}{logs}{row}{account}"


async def test_signing_in_again_is_the_same_person(sign_in, owner, street):
    first, second, other = await sign_in(), await sign_in(), await sign_in("two")
    assert first["resident_id"] == second["resident_id"] != other["resident_id"]
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(residents.select().order_by(residents.c.first_seen_at))
    assert len(rows) == 2
    assert rows[0].last_seen_at > rows[0].first_seen_at


@pytest.mark.parametrize(
    ("said", "status", "reason"),
    [
        (40029, 422, "wechat_code_invalid"), (40163, 422, "wechat_code_invalid"), (45011, 503, "wechat_rate_limited"),
        (40125, 503, "wechat_unavailable"), (HTML, 503, "wechat_unavailable"), (CUT, 503, "wechat_unavailable"),
    ],
)  # fmt: skip
async def test_wechat_says_no(wechat, intake, fake_wechat, street, count, said, status, reason):
    fake_wechat.answers[LOGIN].append(said)
    body = {"code": "good", "street": street.code}
    with capture_logs() as logs:
        answer = await intake.post("/v1/sessions", json=body)
    problem(answer, status, reason)
    assert ("retry-after" in answer.headers) == (status == 503)
    assert await count(residents) == 0
    assert SECRET not in str(logs)


async def test_without_an_app_nobody_signs_in(wechat, intake, street):
    wechat.configure(wechat_apps=[])
    answer = await intake.post("/v1/sessions", json={"code": "c", "street": street.code})
    problem(answer, 503, "wechat_not_configured")
    assert answer.headers["retry-after"] == "60"


async def test_the_single_settings_go_on_working(wechat, intake, street):
    made = wechat.configure(
        wechat_app_id="wx-old", wechat_app_secret=SecretStr(SECRET), wechat_street=street.code
    )
    assert list(made.apps) == ["wx-old", ONE, TWO]
    answer = await intake.post("/v1/sessions", json={"code": "good.old"})
    assert answer.json()["street"] == street.code


async def test_the_street_and_the_app(wechat, intake, street):
    for body, code, field in (
        ({}, "street_required", "street"),
        ({"street": "404"}, "unknown_street", "street"),
        ({"street": street.code, "app": "wx-other"}, "unknown_app", "app"),
    ):
        problem(await intake.post("/v1/sessions", json={"code": "c"} | body), 422, code, field)


@pytest.mark.parametrize("code", ["", "a b", "x" * 129, "码", None, 7])
async def test_codes_that_are_none(wechat, intake, street, code):
    answer = await intake.post("/v1/sessions", json={"code": code, "street": street.code})
    problem(answer, 422, field="code")


async def test_a_sign_in_goes_on_without_wechat(sign_in, refresh, intake, fake_wechat):
    first = await sign_in()
    asked = len(fake_wechat.heard)
    with clock.at(clock.now() + timedelta(days=3)):
        second = (await refresh(first)).json()
        assert (await intake.get("/v1/tickets", headers=bearer(second))).status_code == 200
        problem(await intake.get("/v1/tickets", headers=bearer(first)), 401, "token_expired")
    assert second["refresh_token"] != first["refresh_token"]
    assert second["resident_id"] == first["resident_id"]
    assert len(fake_wechat.heard) == asked


async def test_an_answer_that_was_lost_is_given_again(sign_in, refresh):
    first, now = await sign_in(), clock.now()
    with clock.at(now + timedelta(seconds=5)):
        both = [answer.json() for answer in await asyncio.gather(refresh(first), refresh(first))]
    with clock.at(now + timedelta(seconds=64)):
        third = (await refresh(first)).json()
    assert both[0] == both[1] == third
    with clock.at(now + timedelta(seconds=90)):
        assert (await refresh(third)).status_code == 201


async def test_an_old_token_ends_the_sign_in(sign_in, refresh, intake, count, owner, street):
    first, other, now = await sign_in(), await sign_in(), clock.now()
    second = (await refresh(first)).json()
    with clock.at(now + timedelta(seconds=120)):
        problem(await refresh(first), 401, "refresh_token_reused")
        # neither the thief nor the owner goes on, and the access tokens are worth nothing
        problem(await refresh(second), 401, "session_over")
        problem(await intake.get("/v1/tickets", headers=bearer(second)), 401, "signed_out")
        assert (await intake.get("/v1/tickets", headers=bearer(other))).status_code == 200
    async with owner.transaction([street.id], read_only=True) as tx:
        rows = await tx.rows(select(resident_sessions.c.revoked_for))
    assert {row.revoked_for for row in rows} == {"reused", None}


async def test_a_sign_in_that_is_not_used_ends(sign_in, refresh):
    first, now = await sign_in(), clock.now()
    with clock.at(now + timedelta(days=29)):
        second = (await refresh(first)).json()
    with clock.at(now + timedelta(days=58)):
        third = (await refresh(second)).json()
    with clock.at(now + timedelta(days=89)):
        problem(await refresh(third), 401, "session_over")


async def test_made_up_refresh_tokens(sign_in, refresh, keys, tmp_path):
    session = await sign_in()
    token = session["refresh_token"]
    keyring.create(tmp_path / "other.json")
    stranger = token_of(keyring.load(tmp_path / "other.json"), place_of(keys, token))
    for bad in (token[:-1], token + "A", "A" * 80, stranger, "B" + token[1:]):
        problem(await refresh({"refresh_token": bad}), 401, "bad_refresh_token")
    gone = token_of(keys, place_of(keys, token)._replace(session=uuid4()))
    problem(await refresh({"refresh_token": gone}), 401, "session_over")
    assert (await refresh(session)).status_code == 201


async def test_signing_out_here(sign_in, refresh, intake):
    here, there = await sign_in(), await sign_in()
    assert (await intake.post("/v1/sessions/sign-out", headers=bearer(here))).status_code == 204
    problem(await intake.get("/v1/tickets", headers=bearer(here)), 401, "signed_out")
    problem(await refresh(here), 401, "session_over")
    assert (await intake.get("/v1/tickets", headers=bearer(there))).status_code == 200
    assert (await refresh(there)).status_code == 201


async def test_signing_out_everywhere_is_known_in_every_service(
    sign_in, refresh, intake, processes, monkeypatch
):
    one, two = await sign_in(), await sign_in()
    stranger = await sign_in("stranger")
    elsewhere, now = processes("routing"), [1000.0]
    monkeypatch.setattr(auth, "monotonic", lambda: now[0])

    async def admitted(session):
        await elsewhere.sign_outs.refuse(elsewhere.tokens.read(session["token"]))

    await admitted(one)
    answer = await intake.post("/v1/sessions/sign-out", json={"everywhere": True}, headers=bearer(one))
    assert answer.status_code == 204
    for session in (one, two):
        problem(await intake.get("/v1/tickets", headers=bearer(session)), 401, "signed_out")
        problem(await refresh(session), 401, "session_over")
    await admitted(two)  # remembered for a few seconds elsewhere
    now[0] += auth.SIGN_OUT_SECONDS
    with pytest.raises(auth.Unauthenticated):
        await admitted(two)
    await admitted(stranger)
    assert (await intake.get("/v1/tickets", headers=bearer(await sign_in()))).status_code == 200


async def test_staff_do_not_sign_out(intake, clerk):
    problem(await intake.post("/v1/sessions/sign-out", headers=clerk), 403, "role_not_allowed")


async def test_one_person_in_two_mini_programs(sign_in, intake, submit, fake_wechat, count):
    fake_wechat.unions |= {"oone-one": "union-7", "otwo-alias": "union-7"}
    first, second = await sign_in(), await sign_in("alias", TWO)
    assert first["resident_id"] == second["resident_id"]
    ticket = await submit(headers=bearer(first))
    mine = (await intake.get("/v1/tickets", headers=bearer(second))).json()["items"]
    assert [item["number"] for item in mine] == [ticket["number"]]
    assert [await count(residents), await count(resident_links)] == [1, 0]


async def test_old_residents_are_linked_when_the_unionid_first_appears(
    sign_in, refresh, intake, submit, fake_wechat, owner, street, keys
):
    first, second = await sign_in(), await sign_in("alias", TWO)
    assert first["resident_id"] != second["resident_id"]
    old, other = await submit(headers=bearer(first)), await submit(headers=bearer(second))
    fake_wechat.unions |= {"oone-one": "union-7", "otwo-alias": "union-7"}
    linked = [await sign_in(), await sign_in("alias", TWO), (await refresh(second)).json()]
    assert {session["resident_id"] for session in linked} == {first["resident_id"]}
    for session in linked[1:]:
        mine = (await intake.get("/v1/tickets", headers=bearer(session))).json()["items"]
        assert {item["number"] for item in mine} == {old["number"], other["number"]}
        asked = await intake.post(f"/v1/tickets/{other['number']}/urges", headers=bearer(session))
        assert asked.status_code in {202, 409}  # theirs; the second comes within the hour
    async with owner.transaction([street.id], read_only=True) as tx:
        link = await tx.one(resident_links.select())
        found = await accounts.reach(tx, keys, street.id, link.former_id)
    assert (str(link.former_id), str(link.resident_id)) == (second["resident_id"], first["resident_id"])
    assert {r.app_id for r in found} == {ONE, TWO}
    # a third does not come to see them
    stranger = await sign_in("stranger")
    problem(await intake.get(f"/v1/tickets/{old['number']}", headers=bearer(stranger)), 404)


async def test_two_first_sign_ins_at_once_are_one_person(sign_in, fake_wechat, intake, owner, street, clerk):
    fake_wechat.unions |= {f"o{app[-3:]}-{n}": f"union-{n}" for app in (ONE, TWO) for n in range(6)}
    both = [(f"{n}", app) for n in range(6) for app in (ONE, TWO)]
    await asyncio.gather(*(sign_in(who, app) for who, app in both))
    people = {}
    for who, app in both:
        people.setdefault(who, set()).add((await sign_in(who, app))["resident_id"])
    assert all(len(ids) == 1 for ids in people.values())
    counted = (await intake.get("/v1/users/count", headers=clerk)).json()
    assert counted["users"] == 6


async def test_users_are_counted_by_day(sign_in, intake, clerk, resident):
    first, now = await sign_in(), clock.now()
    with clock.at(now + timedelta(days=1)):
        await sign_in("two")
    with clock.at(now + timedelta(days=1, seconds=1)):
        today = clock.local_day(now)
        for day, users in ((None, 2), (today, 1), (today - timedelta(days=1), 0)):
            query = {"as_of": day.isoformat()} if day else {}
            answer = await intake.get("/v1/users/count", params=query, headers=clerk)
            assert answer.json()["users"] == users
    problem(await intake.get("/v1/users/count", headers=bearer(first)), 403, "role_not_allowed")


async def test_what_is_over_is_thrown_away(sign_in, intake, processes, count):
    session = await sign_in()
    await intake.post("/v1/sessions/sign-out", headers=bearer(session))
    await sign_in()
    with clock.at(clock.now() + timedelta(days=2)):
        await purge_sessions(processes("intake"))
        assert [await count(sign_outs), await count(resident_sessions)] == [0, 2]
    with clock.at(clock.now() + timedelta(days=211)):
        await purge_sessions(processes("intake"))
        assert await count(resident_sessions) == 0


def verdict(presented, **other):
    known = {
        "present": 3, "refreshed_at": NOON, "expires_at": NOON + timedelta(days=30), "revoked": False, "now": NOON
    }  # fmt: skip
    return judged(presented, **(known | other), grace=GRACE)


def test_the_place_in_the_row_decides():
    assert verdict(3) is Answer.ROTATE
    assert verdict(2, now=NOON + GRACE) is Answer.REPEAT
    assert verdict(2, now=NOON + GRACE + timedelta(microseconds=1)) is Answer.REUSED
    assert verdict(1) is verdict(0) is verdict(4) is Answer.REUSED
    assert verdict(3, revoked=True) is verdict(2, revoked=True) is Answer.OVER
    assert verdict(3, now=NOON + timedelta(days=30)) is Answer.OVER


@given(st.integers(0, 2**63 - 1), st.uuids(), st.integers(0, 2**31 - 1))
def test_a_refresh_token_says_where_it_stands_and_is_never_another_s(street_id, session, generation):
    keys = keyring.Keyring((), (), b"k" * 32, b"d" * 32)
    place = Place(street_id, session, generation)
    token = token_of(keys, place)
    assert place_of(keys, token) == place
    assert place_of(replace(keys, index=b"x" * 32), token) is None


@given(st.text(max_size=120))
def test_whatever_comes_as_a_refresh_token_is_no_place(token):
    assert place_of(keyring.Keyring((), (), b"k" * 32, b"d" * 32), token) is None


async def test_a_token_from_the_shell_signs_out_too(intake, resident, actor, processes):
    assert (await intake.post("/v1/sessions/sign-out", headers=resident)).status_code == 204
    problem(await intake.get("/v1/tickets", headers=resident), 401, "signed_out")
    assert isinstance(actor(Role.RESIDENT).id, UUID)
