"""Events outlive the code that made them: each has a stored sample that today's code must still understand."""

import dataclasses
import json
from uuid import UUID

import pytest
from sqlalchemy import insert

from shared.events import KNOWN, SUBSCRIBERS, Event, from_row
from shared.settings import SERVICES
from shared.tables import events
from shared.terms import Role
from tests.fixtures.servers import ROOT

SAMPLES = sorted((ROOT / "tests" / "contracts" / "events").glob("*.json"))
every_sample = pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
HEARD = [(service, kind) for kind, services in SUBSCRIBERS.items() for service in services]


def read(path):
    row = json.loads(path.read_text(encoding="utf-8"))
    return row | {"id": UUID(row["id"]), "ticket_id": UUID(row["ticket_id"]) if row["ticket_id"] else None}


def sample_of(kind):
    return next(p for p in SAMPLES if p.stem == f"{kind.TYPE}_v{kind.VERSION}")


def all_classes(kind=Event):
    return {c for sub in kind.__subclasses__() for c in (sub, *all_classes(sub)) if "TYPE" in vars(c)}


def test_every_event_stands_in_the_map_once():
    # A dataclass with slots is made twice; only the finished one has fields of its own.
    names = {c.__name__ for c in all_classes()}
    assert names == {c.__name__ for c in SUBSCRIBERS}
    assert len(KNOWN) == len(SUBSCRIBERS)


def test_every_class_has_a_sample_and_every_sample_a_class():
    assert {p.stem for p in SAMPLES} == {f"{c.TYPE}_v{c.VERSION}" for c in SUBSCRIBERS}


@pytest.mark.parametrize("kind", SUBSCRIBERS, ids=lambda c: c.__name__)
def test_an_event_is_past_tense_frozen_and_versioned(kind):
    assert kind.__name__.endswith(f"V{kind.VERSION}")
    assert kind.TYPE.endswith("ed") or kind.TYPE.endswith("given")
    assert kind.__dataclass_params__.frozen
    assert kind.__doc__
    assert set(SUBSCRIBERS[kind]) <= set(SERVICES)


@every_sample
def test_a_sample_is_read_and_written_as_it_stands(path):
    row = read(path)
    event = from_row(KNOWN, row)
    assert (row["type"], row["version"]) == (event.TYPE, event.VERSION)
    assert (event.id, event.street_id, event.about()) == (row["id"], row["street_id"], row["ticket_id"])
    assert event.payload() == row["payload"]
    assert from_row(KNOWN, row | {"payload": json.loads(json.dumps(event.payload()))}) == event
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.street_id = 1


@every_sample
async def test_a_sample_survives_the_database(owner, neighbours, path):
    row = read(path)
    event = dataclasses.replace(from_row(KNOWN, row), street_id=neighbours.mine)
    stored = {
        "street_id": neighbours.mine, "id": event.id, "type": event.TYPE, "version": event.VERSION,
        "producer": "intake", "ticket_id": event.about(), "payload": event.payload(),
        "recorded_at": neighbours.rows["events"]["recorded_at"],
    }  # fmt: skip
    async with owner.transaction([neighbours.mine]) as tx:
        await tx.execute(insert(events).values(**stored))
        back = await tx.one(events.select().where(events.c.id == event.id))
        assert from_row(KNOWN, back._mapping) == event
        await tx.execute(events.delete().where(events.c.id == event.id))


def test_an_event_names_the_tickets_it_is_about():
    one, many = (
        from_row(KNOWN, read(p)) for p in SAMPLES if p.stem in {"ticket_moved_v1", "tickets_moved_v1"}
    )
    assert list(one.tickets()) == [one.about()]
    assert many.about() is None
    assert [str(ticket) for ticket in many.tickets()] == many.ticket_ids


def test_what_we_do_not_know_is_not_guessed():
    row = read(SAMPLES[0])
    for change in ({"version": 99}, {"type": "ticket_eaten"}):
        with pytest.raises(KeyError):
            from_row(KNOWN, row | change)
    with pytest.raises(TypeError):
        from_row(KNOWN, row | {"payload": {**row["payload"], "unheard_of": 1}})


@pytest.mark.parametrize(("service", "kind"), HEARD, ids=[f"{s}-{k.TYPE}" for s, k in HEARD])
async def test_a_subscriber_takes_the_sample_of_what_it_subscribed_to(
    street, intake, actor_headers, duties, processes, service, kind
):
    """The sample, made to speak of a ticket that exists."""
    headers = actor_headers(Role.RESIDENT)
    ticket = (await intake.post("/v1/tickets", json={"content": "路灯不亮"}, headers=headers)).json()
    petition = await intake.post(f"/v1/tickets/{ticket['number']}/urges", json={}, headers=headers)
    assert petition.status_code == 202, petition.text
    row = read(sample_of(kind)) | {"street_id": street.id, "ticket_id": UUID(ticket["id"])}
    if "ticket_ids" in row["payload"]:
        row["payload"]["ticket_ids"] = [ticket["id"]]
    if "petition_id" in row["payload"]:
        row["payload"]["petition_id"] = petition.json()["id"]
    handle = (await duties(service)).handle
    async with processes(service).database.transaction([street.id]) as tx:
        await handle(tx, [from_row(KNOWN, row)])
