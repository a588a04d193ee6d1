"""The reporter's own word: a closing confirmed, disputed, or let stand in silence."""

import pytest

from services.routing.registry import Registries
from services.routing.unconfirmed import REASON, sweep
from shared.tables import petitions, transitions
from shared.terms import Role
from tests.routing.conftest import LEAD

pytestmark = pytest.mark.usefixtures("only_here")
UNTIL = "2026-03-10T00:00:00.000+08:00"  # five working days after Monday's review: 24:00 on the next Monday


@pytest.fixture
def petition(intake, who, deliver):
    """`await petition(number, "confirmation", body)` → the answer; routing has decided it by then."""

    async def ask(number, door, body=None, *, status=202, name="resident"):
        answer = await intake.post(f"/v1/tickets/{number}/{door}", json=body, headers=who(name))
        assert answer.status_code == status, answer.text
        await deliver("routing")
        return answer.json()

    return ask


@pytest.fixture
def share(routing, who):
    """Nobody is drawn, until a test says otherwise: `await share(1)`."""

    async def lay_down(share):
        body = {"document": {"share": share}}
        answer = await routing.post("/v1/closing-policies", json=body, headers=who("admin"))
        assert answer.status_code == 201, answer.text

    return lay_down


@pytest.fixture
def reviewed(share, bring, duties):
    """`await reviewed()` → the number of a resident's ticket that waits for their word."""

    async def ready(drawn=0, **body):
        await share(drawn)
        await _learn(duties)
        return await bring("callback", **{"kind": "help", **body})

    return ready


async def _learn(duties):
    """The worker reads the street's policy anew, as it does by itself within ten seconds."""
    handler = (await duties("routing")).handle
    handler.__self__._registries.forget()


@pytest.fixture
def sweep_once(processes):
    """`await sweep_once()` → how many tickets silence has closed."""

    async def run():
        process = processes("routing")
        return await sweep(process, Registries(process.database))

    return run


@pytest.fixture
def counted(metrics, who, settle, street):
    """`await counted()` → every count of the street's tickets of these days."""

    async def ask():
        await settle()
        query = {"street": street.code, "from": "2026-03-01", "to": "2026-03-31"}
        answer = await metrics.get("/v1/counts", params=query, headers=who("leader"))
        assert answer.status_code == 200, answer.text
        return answer.json()["counts"]

    return ask


async def seen_by_the_reporter(intake, who, number):
    answer = await intake.get(f"/v1/tickets/{number}", headers=who("resident"))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_reporter_confirms(time, reviewed, petition, intake, who, look, counted):
    number = await reviewed()
    ticket = await seen_by_the_reporter(intake, who, number)
    assert {"confirm", "dispute"} <= set(ticket["actions"])
    assert ticket["confirm_until"] == UNTIL
    body = {"satisfaction": "very_satisfied", "resolved": "yes", "comment": "很快,谢谢"}
    receipt = await petition(number, "confirmation", body)
    assert (receipt["action"], receipt["action_text"]) == ("confirm", "确认办结")
    whole = await look(number)
    last = whole["timeline"][-1]
    assert (whole["state"], last["action"], last["actor_role"]) == ("closed", "close", "resident")
    assert last["data"]["confirmed_by"] == "reporter"
    assert (last["data"]["feedback_channel"], last["reason"]) == ("mini_program", "很快,谢谢")
    after = await seen_by_the_reporter(intake, who, number)
    assert (after["timeline"][-1]["reason"], after["confirm_until"]) == ("很快,谢谢", None)
    found = await counted()
    assert (found["valid_callback"], found["callback_very_satisfied"], found["callback_contacted"]) == (
        1,
        1,
        0,
    )


async def test_a_confirmation_without_a_word_is_no_callback(time, reviewed, petition, counted):
    number = await reviewed()
    await petition(number, "confirmation")
    found = await counted()
    assert (found["closed"], found["called_back"], found["valid_callback"]) == (1, 0, 0)


@pytest.mark.parametrize(
    "body", [{"resolved": "no"}, {"satisfaction": "dissatisfied"}, {"satisfaction": "fine"}]
)
async def test_who_is_not_satisfied_does_not_confirm(time, reviewed, petition, body):
    number = await reviewed()
    await petition(number, "confirmation", body, status=422)


async def test_a_dispute_sends_it_back_with_a_clock_of_its_own(
    time, reviewed, petition, intake, who, look, do
):
    number = await reviewed()
    await petition(number, "dispute", {}, status=422)
    await petition(number, "dispute", {"reason": "没有清干净"}, name="resident:o-two", status=404)
    receipt = await petition(number, "dispute", {"reason": "没有清干净"})
    assert receipt["action_text"] == "提出异议"
    whole = await look(number)
    assert (whole["state"], whole["lead_unit_name"], whole["callback_mode"]) == ("handling", "物业办", None)
    assert (whole["timeline"][-1]["action"], whole["timeline"][-1]["reason"]) == ("rework", "没有清干净")
    shown = (await seen_by_the_reporter(intake, who, number))["timeline"][-1]
    assert (shown["action_text"], shown["reason"]) == ("重办", "没有清干净")
    late = await petition(number, "confirmation", status=409)
    assert late["code"] == "not_allowed_now"
    await do(number, "handle", LEAD, reason="又清了一遍")
    assert (await do(number, "review_pass", "supervisor"))["callback_mode"] == "reporter"


async def test_what_a_person_must_call_about_is_not_the_reporters_to_close(
    time, reviewed, petition, intake, who, look, do
):
    number = await reviewed(drawn=1)
    ticket = await look(number)
    assert (ticket["callback_mode_text"], ticket["confirm_until"]) == ("人工回访", None)
    assert "抽中" in ticket["timeline"][-1]["data"]["callback_why"]
    shown = await seen_by_the_reporter(intake, who, number)
    assert "confirm" not in shown["actions"]
    assert "dispute" in shown["actions"]
    assert (await petition(number, "confirmation", status=409))["code"] == "callback_by_person"
    # nor by routing's own door
    assert (await do(number, "close", "resident", status=409))["code"] == "callback_by_person"


async def test_a_reporter_says_no_more_with_a_closing_than_is_theirs_to_say(time, reviewed, do, look):
    number = await reviewed()
    await do(
        number, "close", "resident", outcome="deferred", valid=True, contacted=True, feedback_channel="phone"
    )
    data = (await look(number))["timeline"][-1]["data"]
    assert data == {"confirmed_by": "reporter", "feedback_channel": "mini_program"}


async def test_silence_closes_once_and_not_a_moment_early(time, reviewed, sweep_once, look, counted, rows):
    number = await reviewed()
    time.to(UNTIL)
    assert await sweep_once() == 0  # 24:00 itself is in time
    time.forward(microseconds=1)
    assert [await sweep_once() for _ in range(2)] == [1, 0]
    whole = await look(number)
    last = whole["timeline"][-1]
    assert (whole["state"], whole["closed_at"], whole["outcome"]) == ("closed", UNTIL, "resolved")
    assert (last["actor_role"], last["data"]["confirmed_by"], last["reason"]) == ("system", "timeout", REASON)
    found = await counted()
    assert found["closed"] == 1
    silent = ("called_back", "valid_callback", "callback_contacted", "callback_resolved", "callback_satisfied",
              "callback_very_satisfied", "callback_basic", "rated", "closed_called_back")  # fmt: skip
    assert {name: found[name] for name in silent} == dict.fromkeys(silent, 0)


async def test_silence_closes_nothing_that_is_drawn_called_about_asked_for_or_pressed(
    time, reviewed, sweep_once, do, petition, look
):
    drawn = await reviewed(drawn=1)
    called, asked, urged, supervised, complaint = [await reviewed() for _ in range(4)] + [
        await reviewed(kind="complaint")
    ]
    await do(called, "call_back", "callback_clerk", valid=False)
    await do(asked, "ask_closure", "callback_clerk", closure="close_deferred", reason="须待开春")
    for _ in range(2):
        time.forward(hours=1)
        await petition(urged, "urges")
    await do(supervised, "supervise", "leader", reason="群众反映强烈")
    assert (await look(urged))["callback_mode"] == "person"
    assert "督办" in (await look(supervised))["timeline"][-1]["data"]["callback_why"]
    assert "投诉" in (await look(complaint))["timeline"][-1]["data"]["callback_why"]
    time.to(UNTIL)
    time.forward(days=1)
    assert await sweep_once() == 0
    assert {(await look(n))["state"] for n in (drawn, called, asked, urged, supervised, complaint)} == {
        "callback"
    }


async def test_what_the_reporter_has_just_said_goes_before_silence(
    time, reviewed, intake, who, sweep_once, deliver, history
):
    number = await reviewed()
    time.to("2026-03-09T23:59:59+08:00")
    answer = await intake.post(
        f"/v1/tickets/{number}/dispute", json={"reason": "没有清干净"}, headers=who("resident")
    )
    assert answer.status_code == 202
    time.forward(hours=1)
    assert await sweep_once() == 0
    await deliver("routing")
    assert (await history(number))[-1] == "rework"


async def test_a_review_entered_after_its_own_limit_is_left_to_people(
    time, share, bring, do, sweep_once, duties
):
    await share(0)
    await _learn(duties)
    number = await bring("handled")
    time.forward(days=20)
    await do(number, "review_pass", "supervisor", occurred_at="2026-03-02T10:00:00+08:00")
    assert await sweep_once() == 0


async def test_a_confirmation_is_kept_whatever_becomes_of_it(
    time, reviewed, intake, who, do, deliver, rows, history
):
    number = await reviewed()
    headers = who("resident") | {"Idempotency-Key": "once"}
    for _ in range(2):
        answer = await intake.post(
            f"/v1/tickets/{number}/confirmation", json={"resolved": "partly"}, headers=headers
        )
        assert answer.status_code == 202
    await do(number, "rework", "callback_clerk", reason="督查发现没有办完")  # overtakes it
    await deliver("routing")
    (kept,) = await rows(petitions)
    assert (kept.action, kept.answers, kept.author_role) == ("confirm", {"resolved": "partly"}, Role.RESIDENT)
    assert (await history(number))[-2:] == ["rework", "comment"]
    note = max(await rows(transitions), key=lambda m: m.seq)
    assert "确认办结" in note.reason
