"""Bulletins: frozen as they were published whatever is entered later, with corrections beside them, never over them."""

from datetime import timedelta

import asyncpg
import pytest

from shared import clock
from shared.terms import Role
from tests.metrics.conftest import local
from tests.metrics.lives import DAY, HOUR, done, go_on, handed_over, life

PATH = "/v1/bulletins"
PUBLISHED = local(2026, 4, 2, 9)
NOON = local(2026, 3, 2)
CLOSURE = {
    "rate": "closure_rate",
    "variant": "received",
    "by": ["unit"],
    "from": "2026-03-01",
    "to": "2026-03-31",
}
ISSUERS = {Role.SUPERVISOR, Role.LEADER, Role.ADMIN}
ROLES = [role for role in Role if role not in {Role.SYSTEM, Role.SCRIPT}]


@pytest.fixture(autouse=True)
def _day_of_publishing():
    with clock.at(PUBLISHED):
        yield


@pytest.fixture
def post(metrics, actor_headers):
    """`await post("", {…}, status=201)` → the answer's body."""

    async def send(path, body, status=201, headers=None, key=None):
        headers = dict(headers or actor_headers(Role.SUPERVISOR))
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = await metrics.post(f"{PATH}{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    return send


@pytest.fixture
def issue(post):
    """`await issue(figure, …, title="三月通报")` → the bulletin."""

    async def send(*figures, status=201, headers=None, key=None, **more):
        body = {"title": "三月通报", "figures": list(figures)} | more
        return await post("", body, status=status, headers=headers, key=key)

    return send


@pytest.fixture
async def ledger(street, both):
    """Units u02 (2 of 3 closed) and u03 (1 of 2); the open one of u02 was closed in truth, but nobody entered it."""
    lives = [
        life(street.id, n, NOON, *moves, lead_unit=unit)
        for n, (unit, moves) in enumerate(
            [("u02", done(NOON + DAY)), ("u02", done(NOON + DAY)), ("u02", handed_over(NOON)), ("u03", done(NOON + DAY)),
             ("u03", handed_over(NOON))]
        )
    ]  # fmt: skip
    await both(lives)
    return lives


@pytest.fixture
def close_late(write, enter):
    """`await close_late(life, noted)` enters at `noted` that a ticket was closed long ago."""

    async def entered(one, noted):
        ticket, history = one
        moves = [
            (action, at, {**(data[0] if data else {}), "recorded_at": noted})
            for action, at, *data in done(NOON + 3 * DAY)[2:]
        ]
        await write([({}, go_on(ticket, history, *moves)[len(history) :])])
        await enter([ticket["id"]])

    return entered


def figures(answer):
    return {row["key"]: (row["numerator"], row["denominator"]) for row in (*answer["rows"], answer["total"])}


# --- issuing


async def test_a_bulletin_is_what_the_rate_answers(ask, issue, ledger, street):
    funnel = {"rate": "conversion_rate", "period": "2026-03", "digits": 1, "filters": {"unit": "u02"}}
    made = await issue(CLOSURE, funnel)
    assert (made["title"], made["street"], made["issued_role"]) == ("三月通报", street.code, "supervisor")
    assert made["as_of"] == made["known_at"] == made["issued_at"] == "2026-04-02T09:00:00.000+08:00"
    assert [figure["place"] for figure in made["figures"]] == [0, 1]
    assert made["corrections"] == []
    rate = await ask(
        "/rates/closure_rate", variant="received", by="unit", from_="2026-03-01", to="2026-03-31",
        known_at=PUBLISHED.isoformat(), as_of=PUBLISHED.isoformat(),
    )  # fmt: skip
    assert made["figures"][0]["answer"] == rate
    assert figures(rate) == {"u02": (2, 3), "u03": (1, 2), "total": (3, 5)}
    assert made["figures"][1]["answer"]["total"]["denominator"] == 3
    assert made["figures"][1]["answer"]["window"]["period"] == "2026-03"
    asked = made["figures"][1]["question"]
    assert (asked["rate"], asked["digits"], asked["filters"], asked["street"]) == (
        "conversion_rate", 1, {"unit": "u02"}, street.code,
    )  # fmt: skip


async def test_a_bulletin_as_of_an_earlier_instant(issue, ledger):
    made = await issue(CLOSURE, as_of=(NOON + HOUR).isoformat())
    assert made["as_of"] == "2026-03-02T13:00:00.000+08:00"
    assert figures(made["figures"][0]["answer"])["total"] == (0, 5)


async def test_the_other_population_a_score_and_names_can_be_published(issue, ledger):
    made = await issue(
        CLOSURE | {"population": "assessed", "filters": {"channel": "12345热线", "kind": "求助"}},
        {"rate": "composite_score", "variant": "bj_huairou_10_50_40"},
        {"rate": "closure_rate", "basis": "workload", "rounding": "truncate", "digits": 0},
    )
    one, two, three = (figure["answer"] for figure in made["figures"])
    assert (one["population"], figures(one)["total"]) == ("assessed", (3, 5))
    assert (two["rate"], two["total"]["display"]) == ("composite_score", "—")
    assert (three["window"]["basis"], three["rounding"]) == ("workload", "truncate")


async def test_a_repeated_post_is_the_same_bulletin(ask, issue, ledger):
    made = await issue(CLOSURE, key="march")
    assert await issue(CLOSURE, key="march") == made
    assert [one["id"] for one in (await ask("/bulletins"))["items"]] == [made["id"]]
    refused = await issue(CLOSURE, key="march", title="四月通报", status=409)
    assert refused["code"] == "idempotency_key_reused"
    assert (await issue(CLOSURE))["id"] != made["id"]


@pytest.mark.parametrize("role", ROLES)
async def test_supervisors_leaders_and_admins_issue_and_staff_read(role, issue, post, metrics, actor_headers):
    made = await issue(CLOSURE)
    headers = actor_headers(role)
    await issue(CLOSURE, headers=headers, status=201 if role in ISSUERS else 403)
    correction = f"/{made['id']}/corrections"
    await post(correction, {"reason": "补录"}, headers=headers, status=409 if role in ISSUERS else 403)
    for path in (PATH, f"{PATH}/{made['id']}"):
        read = await metrics.get(path, headers=headers)
        assert read.status_code == (403 if role is Role.RESIDENT else 200)


async def test_keys_read_and_do_not_issue(issue, metrics, api_key):
    made = await issue(CLOSURE)
    reads, other = await api_key("metrics:read"), await api_key("ledger:read")
    await issue(CLOSURE, headers=reads, status=403)
    for path in (PATH, f"{PATH}/{made['id']}"):
        assert (await metrics.get(path, headers=reads)).status_code == 200
        assert (await metrics.get(path, headers=other)).status_code == 403
        assert (await metrics.get(path)).status_code == 401
    assert (await metrics.post(PATH, json={})).status_code == 401


@pytest.mark.parametrize(
    ("figure", "field"),
    [
        ({"rate": "happiness"}, "figures"), ({"rate": "closure_rate", "variant": "best"}, "variant"),
        ({"rate": "composite_score"}, "variant"), ({"rate": "closure_rate", "by": ["mood"]}, "by"),
        ({"rate": "closure_rate", "by": ["unit", "unit"]}, "by"), ({"rate": "closure_rate", "period": "2026-13"}, "period"),
        ({"rate": "closure_rate", "period": "2026-03", "from": "2026-03-01"}, "period"),
        ({"rate": "closure_rate", "from": "2026-03-02", "to": "2026-03-01"}, "from"),
        ({"rate": "closure_rate", "filters": {"kind": "complain"}}, "kind"),
        ({"rate": "closure_rate", "by": ["unit", "kind", "channel"]}, "figures[0].by"),
        ({"rate": "closure_rate", "by": ["unit,kind"]}, "figures[0].by[0]"),
        ({"rate": "closure_rate", "filters": {"weather": "rain"}}, "figures[0].filters.weather"),
        ({"rate": "closure_rate", "filters": {"unit": "\x00"}}, "figures[0].filters.unit"),
        ({"rate": "closure_rate", "digits": 7}, "figures[0].digits"),
        ({"rate": "closure_rate", "as_of": "2026-03-01"}, "figures[0].as_of"), ({}, "figures[0].rate"),
    ],
)  # fmt: skip
async def test_a_question_that_cannot_be_meant_publishes_nothing(figure, field, ask, issue):
    refused = await issue(CLOSURE, figure, status=422)
    assert [e for e in refused["errors"] if e["field"].startswith(field.partition("[")[0])], refused
    assert not refused["title"].isascii()
    assert (await ask("/bulletins"))["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {"figures": []}, {"figures": [CLOSURE] * 51}, {"title": ""}, {"title": "x" * 301}, {"figures": None},
        {"as_of": "2999-01-01T00:00:00Z"}, {"as_of": "2026-03-01T00:00:00"}, {"issued_by": "me"}, {"street": "nowhere"},
    ],
)  # fmt: skip
async def test_what_is_no_bulletin(body, issue):
    await issue(CLOSURE, status=422, **body)


async def test_in_a_district_one_must_say_which_street(issue, new_street, actor_headers, street):
    other = await new_street()
    district = actor_headers(Role.LEADER, streets=[street, other])
    assert (await issue(CLOSURE, headers=district, status=422))["code"] == "street_required"
    assert (await issue(CLOSURE, headers=district, street=other.code))["street"] == other.code


# --- reading


async def test_another_streets_bulletins(ask, issue, post, new_street, actor_headers, street):
    made = await issue(CLOSURE)
    stranger = actor_headers(Role.LEADER, streets=[await new_street()])
    refused = await ask(f"/bulletins/{made['id']}", status=404, headers=stranger)
    assert refused["code"] == "bulletin_not_found"
    assert (await ask("/bulletins", headers=stranger))["items"] == []
    await ask("/bulletins", status=403, headers=stranger, street=street.code)
    await issue(CLOSURE, status=403, headers=stranger, street=street.code)
    await post(f"/{made['id']}/corrections", {"reason": "补录"}, status=404, headers=stranger)


async def test_no_bulletin(ask, post):
    nothing = "00000000-0000-0000-0000-000000000000"
    await ask(f"/bulletins/{nothing}", status=404)
    await ask("/bulletins/first", status=422)
    await post(f"/{nothing}/corrections", {"reason": "补录"}, status=404)


async def test_bulletins_are_listed_newest_first_in_pages(ask, issue):
    made = [(await issue(CLOSURE, title=f"第{n}期"))["id"] for n in range(5)]
    found, cursor = [], {}
    while True:
        body = await ask("/bulletins", limit=2, **cursor)
        found += [one["id"] for one in body["items"]]
        if not body["has_more"]:
            break
        cursor = {"cursor": body["next_cursor"]}
    assert found == made[::-1]
    (first, *_) = (await ask("/bulletins", limit=1))["items"]
    assert set(first) == {"id", "street", "title", "as_of", "known_at", "issued_role", "issued_at"}
    assert (await ask("/bulletins", status=422, cursor="x"))["code"] == "bad_cursor"


# --- what is found later


async def test_a_late_entry_leaves_the_bulletin_as_it_was_and_a_correction_beside_it(
    ask, issue, post, ledger, close_late
):
    other = CLOSURE | {"by": [], "filters": {"unit": "u03"}}
    made = await issue(CLOSURE, other)
    noted = PUBLISHED + 3 * DAY
    with clock.at(noted):
        await close_late(ledger[2], noted)
        now = await ask(
            "/rates/closure_rate", variant="received", by="unit", from_="2026-03-01", to="2026-03-31"
        )
        assert figures(now) == {"u02": (3, 3), "u03": (1, 2), "total": (4, 5)}
        assert await ask(f"/bulletins/{made['id']}") == made
    with clock.at(noted + HOUR):
        told = await post(f"/{made['id']}/corrections", {"reason": "补录3月5日办结"})
        assert (told["reason"], told["made_role"]) == ("补录3月5日办结", "supervisor")
        assert told["known_at"] == told["made_at"] == "2026-04-05T10:00:00.000+08:00"
        (difference,) = told["differences"]
        assert difference["place"] == 0
        assert difference["changed"] == ["u02", "total", "population:assessed"]
        assert difference["then"] == made["figures"][0]["answer"]
        assert figures(difference["now"]) == figures(now)
        assert difference["now"]["as_of"] == made["as_of"], (
            "judged at the same instant, by what is recorded now"
        )
        shown = await ask(f"/bulletins/{made['id']}")
    assert shown == made | {"corrections": [told]}


async def test_nothing_to_correct(ask, issue, post, ledger):
    made = await issue(CLOSURE)
    with clock.at(PUBLISHED + 3 * DAY):
        refused = await post(f"/{made['id']}/corrections", {"reason": "核对"}, status=409)
    assert refused["code"] == "nothing_to_correct"
    assert (await ask(f"/bulletins/{made['id']}"))["corrections"] == []


async def test_what_happened_after_the_bulletin_is_no_error_of_it(issue, post, ledger, write, enter):
    made = await issue(CLOSURE)
    later = PUBLISHED + 2 * DAY
    with clock.at(later + DAY):
        ticket, history = ledger[4]
        moves = done(later)[2:]
        await write([({}, go_on(ticket, history, *moves)[len(history) :])])
        await enter([ticket["id"]])
        refused = await post(f"/{made['id']}/corrections", {"reason": "核对"}, status=409)
    assert refused["code"] == "nothing_to_correct"


async def test_a_correction_is_made_once(ask, issue, post, ledger, close_late):
    """What stands corrected needs no correction; what is found after that is one of its own, from there."""
    made = await issue(CLOSURE)
    path = f"/{made['id']}/corrections"
    noted = PUBLISHED + 3 * DAY
    with clock.at(noted):
        await close_late(ledger[2], noted)
        first = await post(path, {"reason": "补录"}, key="first")
        assert await post(path, {"reason": "补录"}, key="first") == first
        refused = await post(path, {"reason": "补录"}, status=409)
        assert refused["code"] == "nothing_to_correct"
    with clock.at(noted + DAY):
        await close_late(ledger[4], noted + DAY)
        second = await post(path, {"reason": "再次补录"})
    (difference,) = second["differences"]
    assert difference["changed"] == ["u03", "total", "population:assessed"]
    assert difference["then"] == first["differences"][0]["now"]
    assert figures(difference["now"]) == {"u02": (3, 3), "u03": (2, 2), "total": (5, 5)}
    assert (await ask(f"/bulletins/{made['id']}"))["corrections"] == [first, second]


async def test_what_must_stand_beside_a_figure_is_corrected_too(issue, post, street, both, write, enter):
    """The satisfaction stays 1 of 1; that two were called back and not one changes what stands beside it."""
    moves = done(NOON + DAY, valid=True, satisfaction="satisfied")
    one, other = life(street.id, 1, NOON, *moves), life(street.id, 2, NOON, *done(NOON + DAY))
    await both([one, other])
    made = await issue({"rate": "satisfaction_rate", "period": "2026-03"})
    noted = PUBLISHED + DAY
    with clock.at(noted):
        ticket, history = other
        call = ("call_back", NOON + 2 * DAY, {"valid": False, "recorded_at": noted})
        await write([({}, go_on(ticket, history, call)[len(history) :])])
        await enter([ticket["id"]])
        told = await post(f"/{made['id']}/corrections", {"reason": "补录回访"})
    assert told["differences"][0]["changed"] == ["callback_rate.closed", "valid_callback_rate.called_back"]


async def test_a_score_is_corrected_though_it_has_no_counts(issue, post, street, both, write, enter):
    found = {"valid": True, "contacted": True, "resolved": "yes", "satisfaction": "satisfied"}
    ticket, history = life(street.id, 1, NOON, *done(NOON + DAY, **found))
    await both([(ticket, history)])
    made = await issue({"rate": "composite_score", "variant": "bj_huairou_10_50_40", "period": "2026-03"})
    noted = PUBLISHED + DAY
    with clock.at(noted):
        call = ("call_back", NOON + 2 * DAY, found | {"satisfaction": "basic", "recorded_at": noted})
        await write([({}, go_on(ticket, history, call)[len(history) :])])
        await enter([ticket["id"]])
        told = await post(f"/{made['id']}/corrections", {"reason": "补录回访"})
    (difference,) = told["differences"]
    assert difference["changed"] == ["total"]
    assert [difference[side]["total"]["display"] for side in ("then", "now")] == ["100.0", "96.0"]


async def test_a_window_is_corrected_as_it_was_published(metrics, issue, post, ledger, actor_headers, street):
    """Neither another day nor another assessment calendar makes another window of it."""
    calendar = {"street": street.code, "month_starts_on": 19}
    await metrics.post("/v1/assessment-calendar", json=calendar, headers=actor_headers(Role.ADMIN))
    made = await issue(
        {"rate": "closure_rate"}, {"rate": "closure_rate", "period": "2026-03", "calendar": "assessment"},
        {"rate": "closure_rate", "period": "2026-03-02", "calendar": "assessment"},
    )  # fmt: skip
    windows = [figure["answer"]["window"] for figure in made["figures"]]
    assert [(w["from"], w["to"]) for w in windows] == [
        ("2026-01-01", "2026-04-02"), ("2026-02-19", "2026-03-18"), ("2026-03-02", "2026-03-02"),
    ]  # fmt: skip
    calendar |= {"month_starts_on": 1, "day_starts_at": "12:00"}
    await metrics.post("/v1/assessment-calendar", json=calendar, headers=actor_headers(Role.ADMIN))
    with clock.at(PUBLISHED + timedelta(days=300)):
        refused = await post(f"/{made['id']}/corrections", {"reason": "核对"}, status=409)
    assert refused["code"] == "nothing_to_correct"


async def test_a_correction_shows_the_window_as_it_was_published(
    metrics, issue, post, ledger, close_late, actor_headers, street
):
    calendar = {"street": street.code, "day_starts_at": "12:00"}
    await metrics.post("/v1/assessment-calendar", json=calendar, headers=actor_headers(Role.ADMIN))
    day = {"rate": "closure_rate", "variant": "received", "period": "2026-03-03", "calendar": "assessment"}
    made = await issue(day)
    assert figures(made["figures"][0]["answer"])["total"] == (3, 5)
    with clock.at(PUBLISHED + DAY):
        await close_late(ledger[2], PUBLISHED + DAY)
        told = await post(f"/{made['id']}/corrections", {"reason": "补录"})
    (difference,) = told["differences"]
    assert difference["now"]["window"] == difference["then"]["window"]
    assert figures(difference["now"])["total"] == (4, 5)


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "x" * 301}, {"reason": "补录", "figures": []}]
)
async def test_a_correction_says_why(body, issue, post):
    made = await issue(CLOSURE)
    await post(f"/{made['id']}/corrections", body, status=422)


@pytest.mark.parametrize("table", ["bulletins", "bulletin_figures", "bulletin_corrections"])
@pytest.mark.parametrize("change", ["UPDATE {} SET street_id = street_id", "DELETE FROM {}"])
async def test_the_database_lets_nobody_write_over_them(table, change, issue, database, street):
    await issue(CLOSURE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.transaction([street.id]) as tx:
            await tx.raw.execute(change.format(table))
