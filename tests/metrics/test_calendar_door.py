"""A street's assessment calendar: who may set it, what it may be, and how it cuts windows."""

import pytest

from shared import clock
from shared.terms import Role
from tests.metrics.conftest import local
from tests.metrics.histories import NOW
from tests.metrics.lives import life

PATH = "/v1/assessment-calendar"


@pytest.fixture(autouse=True)
def _today():
    with clock.at(NOW):
        yield


@pytest.fixture
def set_to(metrics, actor_headers, street):
    """`await set_to(month_starts_on=19, …, status=200)` → the answer's body."""

    async def post(status=200, headers=None, **body):
        headers = headers or actor_headers(Role.ADMIN)
        answer = await metrics.post(PATH, json={"street": street.code} | body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return post


NATURAL = {"month_starts_on": 1, "year_starts_in": 1, "day_starts_at": "00:00"}


async def test_it_is_the_natural_one_until_it_is_set(ask, set_to, street):
    assert await ask("/assessment-calendar") == {"street": street.code} | NATURAL
    told = await set_to(month_starts_on=19, year_starts_in=11, day_starts_at="12:00")
    assert told == {
        "street": street.code,
        "month_starts_on": 19,
        "year_starts_in": 11,
        "day_starts_at": "12:00",
    }
    assert await ask("/assessment-calendar", street=street.code) == told
    assert await set_to(month_starts_on=20) == {"street": street.code} | NATURAL | {"month_starts_on": 20}


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.SYSTEM and r is not Role.SCRIPT])
async def test_leaders_and_admins_set_it_and_staff_read_it(role, set_to, metrics, actor_headers):
    headers = actor_headers(role)
    await set_to(status=200 if role in {Role.LEADER, Role.ADMIN} else 403, headers=headers, month_starts_on=2)
    read = await metrics.get(PATH, headers=headers)
    assert read.status_code == (403 if role is Role.RESIDENT else 200)


async def test_nobody_and_keys_do_not_set_it(metrics, set_to, api_key, street):
    assert (await metrics.post(PATH, json={"street": street.code})).status_code == 401
    key = await api_key("metrics:read", "ledger:read", "tickets:write", "import:write")
    await set_to(status=403, headers=key)
    assert (await metrics.get(PATH, headers=key)).status_code == 200


async def test_another_streets_calendar(ask, set_to, new_street, actor_headers, street):
    other = await new_street()
    stranger = actor_headers(Role.ADMIN, streets=[other])
    assert (await set_to(status=403, headers=stranger))["code"] == "other_street"
    await ask("/assessment-calendar", status=403, headers=stranger, street=street.code)
    await set_to(headers=stranger, street=other.code, month_starts_on=9)
    assert await ask("/assessment-calendar") == {"street": street.code} | NATURAL
    district = actor_headers(Role.LEADER, streets=[street, other])
    refused = await ask("/assessment-calendar", status=422, headers=district)
    assert refused["code"] == "street_required"
    assert (await ask("/assessment-calendar", headers=district, street=other.code))["month_starts_on"] == 9


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("month_starts_on", 0), ("month_starts_on", 29), ("month_starts_on", "十九"), ("month_starts_on", 1.5),
        ("year_starts_in", 0), ("year_starts_in", 13), ("day_starts_at", "25:00"), ("day_starts_at", "noon"),
        ("day_starts_at", "12:00Z"), ("day_starts_at", "12:00+08:00"), ("day_starts_at", "12:00:30"),
        ("day_starts_at", 43_200), ("week_starts_on", 1), ("street", ""), ("street", "\x00"), ("street", None),
    ],
)  # fmt: skip
async def test_what_no_calendar_can_be(field, value, set_to):
    refused = await set_to(status=422, **{field: value})
    assert field in [e["field"] for e in refused["errors"]]
    assert not refused["title"].isascii()


async def test_an_unknown_street(set_to):
    await set_to(status=422, street="nowhere")


@pytest.fixture
async def days(street, both):
    """A ticket at ten and one at four in the afternoon of each of these days."""
    found = [(2025, 10, 31), (2025, 11, 1), (2026, 2, 18), (2026, 2, 19), (2026, 3, 18), (2026, 3, 19)]
    hours = [local(*day, hour) for day in found for hour in (10, 16)]
    await both([life(street.id, n, at) for n, at in enumerate(hours)])
    return hours


async def test_windows_are_cut_as_the_street_cuts_them(ask, set_to, days):
    async def received(period, calendar):
        body = await ask("/counts", period=period, calendar=calendar)
        return body["counts"]["received"], body["window"]["from"], body["window"]["to"]

    assert await received("2026-03", "assessment") == (4, "2026-03-01", "2026-03-31")
    await set_to(month_starts_on=19, year_starts_in=11)
    assert await received("2026-03", "natural") == (4, "2026-03-01", "2026-03-31")
    assert await received("2026-03", "assessment") == (4, "2026-02-19", "2026-03-18")
    assert await received("2026-04", "assessment") == (2, "2026-03-19", "2026-04-18")
    assert await received("2026-03-19", "assessment") == (2, "2026-03-19", "2026-03-19")
    await set_to(year_starts_in=11)
    assert await received("2026", "assessment") == (10, "2025-11-01", "2026-10-31")
    assert await received("2026", "natural") == (8, "2026-01-01", "2026-12-31")


async def test_days_from_noon_to_noon(ask, set_to, days):
    await set_to(day_starts_at="12:00")
    body = await ask("/counts", period="2026-03-19", calendar="assessment")
    assert body["counts"]["received"] == 2, "the 18th at four and the 19th at ten"
    window = body["window"]
    assert (window["starts_at"], window["ends_at"]) == (
        "2026-03-18T12:00:00.000+08:00", "2026-03-19T12:00:00.000+08:00",
    )  # fmt: skip
    rows = (await ask("/rates/closure_rate/evidence", side="denominator", variant="received", period="2026-03-19",
                      calendar="assessment"))["items"]  # fmt: skip
    assert [row["received_at"][:13] for row in rows] == ["2026-03-18T16", "2026-03-19T10"]
    carried = body["carried"]
    assert (carried["carried_in"], carried["carried_out"]) == (9, 11)
    natural = await ask("/counts", period="2026-03-19")
    assert (natural["window"]["starts_at"], natural["carried"]["carried_in"]) == (None, 10)


async def test_streets_whose_assessments_differ_are_not_cut_alike(
    ask, set_to, new_street, actor_headers, street
):
    other = await new_street()
    district = actor_headers(Role.LEADER, streets=[street, other])
    query = {"headers": district, "period": "2026-03", "calendar": "assessment"}
    await ask("/counts", **query)
    await set_to(month_starts_on=19)
    refused = await ask("/counts", status=422, **query)
    assert [e["field"] for e in refused["errors"]] == ["calendar"]
    await set_to(headers=district, street=other.code, month_starts_on=19)
    assert (await ask("/counts", **query))["window"]["from"] == "2026-02-19"
