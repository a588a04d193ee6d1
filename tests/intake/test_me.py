"""What residents say of themselves: a telephone number, never required; consents, by version."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from services.intake.identity.consent import ConsentGate
from shared import clock
from shared.settings import ConsentNotice
from shared.tables import consents, resident_phones
from shared.terms import Role
from tests.fixtures.wechat import CUT, ONE, PHONE
from tests.intake.test_submit import problem

NUMBER = "13812345678"


@pytest.fixture
async def signed_in(wechat, intake, street):
    """Headers of somebody who signed in through WeChat."""
    body = {"code": "good.me", "street": street.code, "app": ONE}
    session = (await intake.post("/v1/sessions", json=body)).json()
    return {"Authorization": f"Bearer {session['token']}"}


@pytest.fixture
def leave(intake, signed_in):
    async def post(headers=None, key=None, **body):
        headers = (headers or signed_in) | ({"Idempotency-Key": key} if key else {})
        return await intake.post("/v1/me/phone", json=body, headers=headers)

    return post


async def test_a_number_by_wechat_and_by_hand(leave, intake, signed_in, owner, street, keys, count):
    with capture_logs() as logs:
        by_wechat = await leave(code="phone-1")
        by_hand = await leave(phone="+86-139-8765-4321")
    assert (by_wechat.status_code, by_hand.status_code) == (201, 201)
    assert by_wechat.json()["phone"] == "138****5678"
    assert (by_hand.json()["phone"], by_hand.json()["source"]) == ("139****4321", "hand")
    async with owner.transaction([street.id], read_only=True) as tx:
        row = await tx.one(resident_phones.select())
    assert keys.open(row.private, row.resident_id.bytes) == {"phone": "+86-139-8765-4321"}
    assert row.phone_index == keys.blind_index("phone", "13987654321")
    assert not [digits for digits in (NUMBER, "8765-4321", "13987654321") if digits in f"{logs}{row}"]
    assert (await intake.delete("/v1/me/phone", headers=signed_in)).status_code == 204
    assert await count(resident_phones) == 0


async def test_a_paid_code_is_asked_once(leave, fake_wechat):
    first, again = [await leave(code="phone-1", key="k1") for _ in range(2)]
    assert first.json() == again.json()
    assert len(fake_wechat.calls(PHONE)) == 1
    problem(await leave(code="phone-2", key="k1"), 409, "idempotency_key_reused")
    problem(await leave(code="phone-1"), 422, "wechat_code_invalid", "code")


async def test_wechat_is_away(leave, fake_wechat, count):
    fake_wechat.answers[PHONE].append(CUT)
    problem(await leave(code="phone-1"), 503, "wechat_unavailable")
    assert await count(resident_phones) == 0
    assert (await leave(phone=NUMBER)).status_code == 201


@pytest.mark.parametrize(
    "body", [{}, {"code": "x", "phone": NUMBER}, {"phone": "-----"}, {"phone": "x"}, {"code": ""}]
)
async def test_numbers_that_are_none(leave, body):
    problem(await leave(**body), 422)


async def test_nobody_must_leave_one(intake, signed_in):
    answer = await intake.post("/v1/tickets", json={"content": "路灯不亮"}, headers=signed_in)
    assert answer.status_code == 201


async def test_staff_have_no_number_here(leave, clerk):
    problem(await leave(headers=clerk, phone=NUMBER), 403, "role_not_allowed")


@pytest.fixture
def consent(intake, resident):
    async def post(headers=None, notice="privacy", version="1"):
        body = {"notice": notice, "version": version}
        return await intake.post("/v1/consents", json=body, headers=headers or resident)

    return post


async def test_consents_are_noted_with_version_and_time(consent, intake, resident, owner, street):
    before = (await intake.get("/v1/consents", headers=resident)).json()
    assert before["required"] is False
    assert [(n["notice"], n["version"], n["given_at"]) for n in before["notices"]] == [
        ("privacy", "1", None),
        ("terms", "1", None),
    ]
    now = clock.now()
    with clock.at(now):
        given = await consent()
    assert given.status_code == 201
    assert given.json()["given_at"] is not None
    again = await consent()
    assert again.json() == given.json()
    async with owner.transaction([street.id], read_only=True) as tx:
        row = await tx.one(select(consents))
    assert (row.notice, row.version, row.given_at) == ("privacy", "1", now)


async def test_a_version_that_does_not_stand(consent):
    problem(await consent(version="0"), 422, "notice_outdated", "version")
    problem(await consent(notice="other"), 422, "unknown_notice", "notice")


async def test_consent_is_demanded_where_the_settings_say_so(
    consent, intake, state, street, actor_headers, monkeypatch
):
    async def submit(headers):
        return await intake.post("/v1/tickets", json={"content": "路灯不亮"}, headers=headers)

    def demand(version):
        notices = [ConsentNotice(notice="privacy", version=version, title="告知书")]
        settings = state.process.settings.model_copy(
            update={"consent_required": True, "consent_notices": notices}
        )
        process = replace(state.process, settings=settings)
        monkeypatch.setitem(state._state, "process", process)
        monkeypatch.setitem(state._state, "consents", ConsentGate(process.database, settings))

    demand("1")
    me, other = (actor_headers(Role.RESIDENT, openid=name) for name in ("me", "other"))
    refused = await submit(me)
    problem(refused, 403, "consent_required")
    assert refused.json()["notices"] == ["privacy"]
    await consent(me)
    assert [(await submit(me)).status_code for _ in range(2)] == [201, 201]
    problem(await submit(other), 403, "consent_required")
    assert (await submit(actor_headers(Role.CLERK))).status_code == 201
    demand("2")  # a new version asks anew
    problem(await submit(me), 403, "consent_required")
