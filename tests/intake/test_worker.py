"""Intake's worker, and the small pure parts of the service."""

from datetime import timedelta
from uuid import uuid4

import pytest

from services.intake import worker
from services.intake.etag import matches
from services.intake.prepare import phone_digits
from services.intake.schemas import Contact
from shared import clock
from shared.events import TicketSubmittedV1
from shared.tables import idempotency_keys


async def test_old_keys_go_in_small_batches(processes, submit, intake, resident, count, monkeypatch):
    monkeypatch.setattr(worker, "BATCH", 2)
    for n in range(5):
        body = {"content": "a"}
        await intake.post("/v1/tickets", json=body, headers=resident | {"Idempotency-Key": f"k{n}"})
    process = processes("intake")
    with clock.at(clock.now() + timedelta(days=6)):
        await worker.purge_keys(process)
        assert await count(idempotency_keys) == 5
        await intake.post(
            "/v1/tickets", json={"content": "a"}, headers=resident | {"Idempotency-Key": "young"}
        )
    with clock.at(clock.now() + timedelta(days=8)):
        assert await worker.purge_keys(process) >= 5
    assert await count(idempotency_keys) == 1


async def test_an_event_that_is_not_meant_for_intake_is_refused(duties, street):
    mine = await duties("intake")
    event = TicketSubmittedV1(street_id=street.id, ticket_id=uuid4(), channel="web")
    with pytest.raises(RuntimeError, match="ticket_submitted"):
        await mine.handle(None, [event])
    assert [p.name for p in mine.periodic] == [
        "purge_idempotency_keys",
        "import_ledgers",
        "sweep_attachments",
        "check_texts",
        "send_notices",
    ]


@pytest.mark.parametrize(
    ("phone", "digits"),
    [
        ("13812345678", "13812345678"),
        ("+8613812345678", "13812345678"),
        ("+86-138-1234-5678", "13812345678"),
        ("008613812345678", "13812345678"),
        ("022-12345678", "02212345678"),
        ("12345", "12345"),
        ("86123456", "86123456"),
        (None, None),
    ],
)
def test_one_phone_written_many_ways(phone, digits):
    assert phone_digits(Contact(phone=phone)) == digits


@pytest.mark.parametrize(
    ("header", "same"),
    [
        ('"v3"', True),
        ('W/"v3"', True),
        ('"v1", "v3"', True),
        ("*", True),
        ('"v33"', False),
        ("v3", False),
        ("", False),
    ],
)
def test_entity_tags(header, same):
    assert matches(header, 3) is same
