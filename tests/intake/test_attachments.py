"""Photos at the doors: taken in, referred to, shown to those who may, and refused in plain words."""

import asyncio
import hashlib
import random
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from services.intake.app import app
from services.intake.attachments.darkroom import Darkroom
from services.intake.attachments.findings import Fault, Refused
from services.intake.attachments.links import followed
from shared import clock
from shared.errors import Unavailable
from shared.lifecycle import State
from shared.tables import attachments, idempotency_keys, ticket_attachments, tickets
from shared.terms import STAFF_ROLES, Role
from tests.intake.photos import GPS, MARK, PLACE, bomb, opened, photo
from tests.intake.test_submit import post, problem

LATER = timedelta(minutes=16)


# The parser leaves a file that was cut off to the collector, which closes it and says so.
cut_off = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def rows(owner, street):
    """`await rows(table)` → what the test's street has in it."""

    async def all_of(table):
        async with owner.transaction([street.id], read_only=True) as tx:
            return await tx.rows(select(table))

    return all_of


@pytest.fixture
def look(intake, resident):
    """`await look(ticket, headers=…)` → the ticket as the caller sees it."""

    async def at(ticket, headers=None):
        answer = await intake.get(f"/v1/tickets/{ticket['number']}", headers=headers or resident)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return at


@pytest.fixture
def kept(environment, street):
    """`kept()` → the files of the test's street."""
    folder = environment.data_dir / "files" / "kept" / str(street.id)
    return lambda: sorted(p.name for p in folder.rglob("*.jpg"))


async def raw(intake, headers, content, content_type):
    return await intake.post(
        "/v1/attachments", content=content, headers=headers | {"Content-Type": content_type}
    )


# --- handing one in -----------------------------------------------------------------------------------------


async def test_a_photo_is_handed_in(intake, upload, rows, kept):
    content = photo(800, 600)
    answer = await upload(content)
    assert (answer["width"], answer["height"]) == (800, 600)
    assert (answer["kind"], answer["kind_text"], answer["purpose_text"]) == ("image", "图片", "反映情况")
    assert answer["sha256"] == hashlib.sha256(content).hexdigest()
    [row] = await rows(attachments)
    assert (str(row.id), row.check_state, row.settled) == (answer["id"], "none", False)
    assert kept() == [f"{row.id.hex}.picture.jpg", f"{row.id.hex}.thumbnail.jpg"]
    picture = await intake.get(answer["url"])
    assert (picture.status_code, len(picture.content)) == (200, answer["size"])
    assert opened((await intake.get(answer["thumbnail_url"])).content).size == (320, 240)
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert picture.headers["cache-control"] == "no-store"
    assert "sandbox" in picture.headers["content-security-policy"]
    assert picture.headers["content-disposition"].startswith("inline")


async def test_the_same_file_of_the_same_person_is_the_same_photo(upload, actor_headers, rows, kept):
    content, other = photo(), actor_headers(Role.RESIDENT, openid="o-two")
    first, again, theirs = await upload(content), await upload(content), await upload(content, other)
    assert first["id"] == again["id"] != theirs["id"]
    assert len(await rows(attachments)) == 2
    assert len(kept()) == 4


async def test_many_at_once_of_the_same_file_are_one_photo(upload, rows, kept):
    content = photo(colour=(1, 2, 3))
    answers = await asyncio.gather(*(upload(content) for _ in range(5)))
    assert len({a["id"] for a in answers}) == 1
    assert len(await rows(attachments)) == 1
    assert len(kept()) == 2


async def test_a_key_answers_once_with_addresses_of_its_own_time(intake, upload, resident, rows, kept):
    key, content = resident | {"Idempotency-Key": "p1"}, photo()
    first = await upload(content, key)
    with clock.at(clock.now() + LATER):
        again = await upload(content, key)
        assert (await intake.get(first["url"])).status_code == 404
        assert (await intake.get(again["url"])).status_code == 200
    assert {k: v for k, v in first.items() if "url" not in k} == {
        k: v for k, v in again.items() if "url" not in k
    }
    assert (await upload(photo(9, 9), key, status=409))["code"] == "idempotency_key_reused"
    assert len(await rows(attachments)) == 1
    assert len(kept()) == 2
    [stored] = await rows(idempotency_keys)
    assert "/v1/files/" not in str(stored.answer)


@pytest.mark.parametrize("role", sorted({*STAFF_ROLES, Role.RESIDENT}))
async def test_who_hands_photos_in(upload, actor_headers, role):
    answer = await upload(headers=actor_headers(role), status=403 if role is Role.AUDITOR else 201)
    assert "id" in answer or answer["code"] == "role_not_allowed"


async def test_a_script_needs_the_scope(upload, api_key):
    await upload(headers=await api_key("tickets:write"))
    await upload(headers=await api_key("ledger:read"), status=403)


async def test_a_place_is_kept_only_if_it_is_shared_and_then_sealed(upload, rows, submit, look, clerk):
    content = photo(exif={"gps": GPS})
    silent = await upload(content)
    shared = await upload(photo(65, 48, exif={"gps": GPS}), share_location="true", purpose="inspection")
    assert (silent["located"], shared["located"]) == (False, True)
    places = {str(row.id): row.place for row in await rows(attachments)}
    assert places[silent["id"]] is None
    assert b"117" not in bytes(places[shared["id"]])
    ticket = await submit(attachment_ids=[silent["id"], shared["id"]])
    for headers in (None, clerk):
        shown = (await look(ticket, headers))["attachments"]
        assert [p["location"] for p in shown] == [None, PLACE]


async def test_names_and_types_that_clients_say_change_nothing(intake, upload, rows, kept):
    names = (
        "../../../etc/passwd",
        "照片😀.jpg",
        "a" * 900 + ".jpg",
        "C:\\x.php",
        'x".jpg',
        "x%00.php",
        ".htaccess",
    )
    for n, name in enumerate(names):
        await upload(photo(10 + n, 10), name=name)
    assert len(kept()) == 2 * len(names)
    assert {name.partition(".")[0] for name in kept()} == {row.id.hex for row in await rows(attachments)}


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "photo_empty"),
        (b"<html><script>alert(1)</script>", "not_a_photo"),
        (bomb(), "photo_too_many_pixels"),
        (photo(640, 480)[:900], "photo_damaged"),
        (photo() + b"<script>", "photo_foreign_content"),
        (photo()[:20] + bytes(10_485_760), "photo_too_large"),
    ],
    ids=["empty", "page", "bomb", "truncated", "polyglot", "large"],
)
async def test_what_is_no_photo_leaves_nothing(upload, rows, kept, environment, content, code):
    answer = await upload(content, status=422)
    assert (answer["code"], answer["errors"][0]["field"]) == (code, "file")
    assert await rows(attachments) == []
    assert kept() == []
    assert list((environment.data_dir / "files" / "incoming").iterdir()) == []


@cut_off
async def test_a_body_beyond_the_limit_is_cut_off(intake, upload, resident):
    assert (await upload(bytes(11_000_000), status=413))["code"] == "too_large"

    async def untold():
        yield part("file", b"", "a.jpg")[:-2]
        for _ in range(120):
            yield bytes(100_000)

    problem(await raw(intake, resident, untold(), FORM), 413, "too_large")


def part(name, content, filename=None):
    where = f'; filename="{filename}"' if filename else ""
    return f'--b\r\nContent-Disposition: form-data; name="{name}"{where}\r\n\r\n'.encode() + content + b"\r\n"


END = b"--b--\r\n"
FORM = "multipart/form-data; boundary=b"


@cut_off
@pytest.mark.parametrize(
    ("content", "content_type", "code"),
    [
        (END, FORM, "file_required"),
        (part("purpose", b"report") + END, FORM, "file_required"),
        (part("file", b"only words") + END, FORM, "file_required"),
        (part("file", photo(), "a.jpg") + part("file", photo(), "b.jpg") + END, FORM, "bad_form"),
        (part("file", photo(), "a.jpg") + part("more", photo(), "b.jpg") + END, FORM, "bad_form"),
        (part("file", photo(), "a.jpg") + END, "multipart/form-data; boundary=other", "bad_form"),
        (part("file", photo(), "a.jpg") + END, "multipart/form-data", "bad_form"),
        (part("file", photo(), "a.jpg")[:200], FORM, "file_required"),
        (part("purpose", b"x" * 5000) + END, FORM, "bad_form"),
        (b"".join(part(f"f{n}", b"1") for n in range(30)) + END, FORM, "bad_form"),
        (photo(), "image/jpeg", "file_required"),
        (b"{}", "application/json", "file_required"),
        (b"", "multipart/form-data; boundary=", "file_required"),
        (part("file", photo(), "a.jpg") + part("purpose", b"decoration") + END, FORM, "bad_purpose"),
        (part("file", photo(), "a.jpg") + part("share_location", b"yes") + END, FORM, "bad_share_location"),
        (part("file", photo(), "a.jpg") + part("street", b"../1") + END, FORM, "bad_street"),
        (part("file", photo(), "a.jpg") + part("street", b"nowhere") + END, FORM, "unknown_street"),
        (part("file", photo(), "a.jpg") + part("purpose", photo(), "p.jpg") + END, FORM, "bad_form"),
    ],
)
async def test_forms_that_are_wrong(intake, resident, rows, kept, content, content_type, code):
    problem(await raw(intake, resident, content, content_type), 422, code)
    assert await rows(attachments) == []
    assert kept() == []


@cut_off
async def test_garbage_never_breaks_the_door(intake, resident, rows, kept):
    chance = random.Random(7)
    good = part("file", photo(20, 20), "a.jpg") + part("purpose", b"report") + END
    for _ in range(150):
        content = bytearray(good)
        for _ in range(chance.randrange(1, 20)):
            content[chance.randrange(len(content))] = chance.randrange(256)
        answer = await raw(intake, resident, bytes(content[: chance.randrange(len(content))]), FORM)
        assert answer.status_code in {201, 422}, answer.text
    assert len(kept()) == 2 * len(await rows(attachments))


@cut_off
async def test_a_phone_that_goes_away_in_the_middle_is_no_error_of_ours(state, tokens, actor, rows, kept):
    token, _ = tokens.issue(actor(Role.RESIDENT), 600)
    coming = [
        {"type": "http.request", "body": part("file", photo(), "a.jpg")[:150], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent = []

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", f"Bearer {token}".encode()), (b"content-type", FORM.encode())]
    scope = {
        "type": "http", "method": "POST", "path": "/v1/attachments", "raw_path": b"/v1/attachments", "query_string": b"",
        "headers": headers, "http_version": "1.1", "scheme": "http", "server": ("test", 80), "client": ("test", 1),
        "root_path": "", "asgi": {"version": "3.0"},
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["status"] == 422
    assert (await rows(attachments), kept()) == ([], [])


# --- the darkroom -------------------------------------------------------------------------------------------


@pytest.fixture
async def darkroom(tmp_path):
    room = Darkroom(1, waiting=1)
    yield room
    await room.close()


def paths(folder, content):
    (folder / "s").write_bytes(content)
    return folder / "s", folder / "p", folder / "t"


async def test_whoever_finds_the_darkroom_full_is_told_to_come_back(darkroom, tmp_path):
    asked = paths(tmp_path, photo())
    results = await asyncio.gather(*(darkroom.develop(*asked) for _ in range(4)), return_exceptions=True)
    busy = [r for r in results if isinstance(r, Unavailable)]
    assert len(busy) == 2
    assert busy[0].retry_after == 3
    assert (await darkroom.develop(*asked)).width == 64


async def test_a_picture_that_cannot_be_written_is_a_reason_to_try_again(darkroom, tmp_path):
    source, _, thumbnail = paths(tmp_path, photo())
    with pytest.raises(Unavailable):
        await darkroom.develop(source, tmp_path / "nowhere" / "p", thumbnail)
    assert (await darkroom.develop(*paths(tmp_path, photo()))).width == 64


async def test_a_process_that_dies_or_hangs_is_replaced(darkroom, tmp_path, monkeypatch):
    asked = paths(tmp_path, photo())
    await darkroom.develop(*asked)
    [process] = darkroom._idle
    process.kill()
    await process.wait()
    with pytest.raises(Refused) as refused:
        await darkroom.develop(*asked)
    assert refused.value.fault is Fault.DAMAGED
    assert (await darkroom.develop(*asked)).width == 64
    [process] = darkroom._idle
    monkeypatch.setattr(darkroom, "_seconds", 0)
    with pytest.raises(Unavailable):
        await darkroom.develop(*asked)
    assert process.returncode is not None


# --- tickets refer to them ----------------------------------------------------------------------------------


async def test_a_ticket_shows_its_photos_in_order(upload, submit, look, intake, resident, clerk):
    ids = [(await upload(photo(20 + n, 20)))["id"] for n in range(3)]
    ticket = await submit(attachment_ids=[*ids, ids[0]])
    for headers, check in ((resident, None), (clerk, "未检测")):
        shown = (await look(ticket, headers))["attachments"]
        assert [p["id"] for p in shown] == ids
        assert {p["origin_text"] for p in shown} == {"诉求"}
        assert {p["check_state_text"] for p in shown} == {check}
        assert (await intake.get(shown[0]["url"])).status_code == 200
        [item] = (await intake.get("/v1/tickets", headers=headers)).json()["items"]
        assert item["thumb_url"] == shown[0]["thumbnail_url"]
        assert (await look(ticket, headers))["thumb_url"] == item["thumb_url"]


async def test_the_reference_is_as_durable_as_the_ticket(intake, upload, resident, rows):
    mine = (await upload())["id"]
    key = resident | {"Idempotency-Key": "t1"}
    first = await post(intake, key, attachment_ids=[mine])
    again = await post(intake, key, attachment_ids=[mine])
    assert first.json() == again.json()
    [row] = await rows(ticket_attachments)
    assert (str(row.ticket_id), str(row.attachment_id), row.position) == (first.json()["id"], mine, 0)


async def test_many_tickets_in_one_commit_keep_their_photos_apart(intake, upload, resident, rows):
    ids = [(await upload(photo(30 + n, 20)))["id"] for n in range(4)]
    made = await asyncio.gather(
        *(post(intake, resident, attachment_ids=[one]) for one in ids), post(intake, resident)
    )
    pairs = {(str(r.ticket_id), str(r.attachment_id)) for r in await rows(ticket_attachments)}
    assert pairs == {(a.json()["id"], one) for a, one in zip(made, ids, strict=False)}


async def test_photos_that_cannot_be_used_are_named(intake, upload, actor_headers, resident, rows):
    mine = (await upload())["id"]
    theirs = (await upload(headers=actor_headers(Role.RESIDENT, openid="o-two")))["id"]
    body = problem(
        await post(intake, resident, attachment_ids=[mine, theirs, str(uuid4())]), 422, "unknown_attachment"
    )
    assert [e["field"] for e in body["errors"]] == ["attachment_ids.1", "attachment_ids.2"]
    assert "第 2、3 个" in body["detail"]
    problem(await post(intake, resident, attachment_ids=[mine] * 10), 422, field="attachment_ids")
    for wrong in ("x", 5, None, mine + "'"):
        problem(await post(intake, resident, attachment_ids=[wrong]), 422, field="attachment_ids.0")
    assert await rows(tickets) == []
    assert await rows(ticket_attachments) == []


async def test_a_supplement_brings_photos_of_its_own(intake, upload, submit, look, resident, clerk):
    ticket = await submit(attachment_ids=[(await upload())["id"]])
    path = f"/v1/tickets/{ticket['number']}/supplements"
    mine = (await upload(photo(21, 20)))["id"]
    added = await intake.post(path, json={"content": "又拍了", "attachment_ids": [mine]}, headers=resident)
    assert added.status_code == 201, added.text
    problem(
        await intake.post(path, json={"content": "那张", "attachment_ids": [mine]}, headers=clerk),
        422, "unknown_attachment",
    )  # fmt: skip
    seen = await look(ticket)
    assert [(p["id"], p["supplement_id"]) for p in seen["attachments"]][1:] == [(mine, added.json()["id"])]
    assert len(seen["supplements"]) == 1


async def test_addresses_that_have_run_out_are_not_answered_with_no_change(intake, upload, submit, resident):
    ticket = await submit(attachment_ids=[(await upload())["id"]])
    headers = resident | {"If-None-Match": '"v0"'}
    assert (await intake.get(f"/v1/tickets/{ticket['number']}", headers=headers)).status_code == 200


# --- who sees them ------------------------------------------------------------------------------------------


async def test_an_address_is_good_for_its_picture_and_its_minutes(intake, upload, keys):
    answer = await upload()
    token = answer["url"].rpartition("/")[2]
    assert (await intake.get(answer["url"])).status_code == 200
    assert str(followed(keys, token).attachment_id) == answer["id"]
    for n in (0, 5, 30, 50, len(token) - 3):
        changed = token[:n] + ("A" if token[n] != "A" else "B") + token[n + 1 :]
        problem(await intake.get(f"/v1/files/{changed}"), 404, "file_not_found")
    for wrong in ("x", token[:-4], token + "AAAA", "%00", "..%2f..", "照片", "=" * 40, "A" * 62):
        assert (await intake.get(f"/v1/files/{wrong}")).status_code == 404
    assert (await intake.get(f"/v1/files/{'A' * 300}")).status_code == 422
    with clock.at(clock.now() + LATER):
        problem(await intake.get(answer["url"]), 404, "file_not_found")


async def test_photos_of_a_confidential_report_are_not_for_the_units(
    upload, submit, stand, look, intake, resident, actor_headers, clerk
):
    mine = await upload(photo(exif={"gps": GPS}), share_location="true")
    ticket = await submit(attachment_ids=[mine["id"]], confidential=True)
    unit = actor_headers(Role.UNIT, unit="物业办")
    done = await upload(photo(90, 60, exif={"gps": GPS}), unit, share_location="true")
    proof = {"before_ids": [mine["id"]], "after_ids": [done["id"]]}
    await stand(
        ticket, State.HANDLED, moves=[("handle", State.HANDLING, State.HANDLED, {"data": {"proof": proof}})]
    )
    for headers, seen in ((resident, True), (clerk, True), (unit, False)):
        shown = await look(ticket, headers)
        ids = [mine["id"], mine["id"], done["id"]] if seen else [done["id"]]
        assert [p["id"] for p in shown["attachments"]] == ids
        assert shown["attachments"][-1]["location"] == PLACE
        [item] = (await intake.get("/v1/tickets", headers=headers)).json()["items"]
        assert (item["thumb_url"] is not None) is seen
    assert (await look(ticket))["attachments"][0]["location"] == PLACE
    assert (await look(ticket, clerk))["attachments"][0]["location"] is None


async def test_nothing_a_camera_wrote_comes_out_again(
    intake, upload, submit, look, kept, environment, street
):
    content = photo(comment=MARK, exif={0x010F: MARK.decode(), "gps": GPS})
    answer = await upload(content, name=MARK.decode() + ".jpg")
    ticket = await submit(attachment_ids=[answer["id"]])
    folder = environment.data_dir / "files"
    said = str(answer) + str(await look(ticket)) + str(kept())
    assert MARK.decode() not in said
    assert not any(MARK in p.read_bytes() for p in folder.rglob("*.jpg"))
    assert MARK not in (await intake.get(answer["url"])).content
