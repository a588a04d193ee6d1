"""Photos nobody needs: gone after a day, rows first, then files; whatever falls in between is found again."""

import os
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr
from uuid_utils.compat import uuid7

from services.intake.attachments import files as places
from services.intake.attachments.files import LocalFiles, ObjectFiles, id_of, name_of, names_of, open_files
from services.intake.attachments.sweep import Sweep
from services.intake.attachments.take import Photos
from shared import clock
from shared.errors import Unavailable
from shared.lifecycle import State
from shared.tables import attachments, ticket_attachments
from tests.intake.photos import photo
from tests.intake.test_attachments import kept, look, rows  # noqa: F401 - fixtures
from tests.intake.test_submit import post, problem

HOUR = timedelta(hours=1)


@pytest.fixture
def sweep(processes):
    """`await sweep(hours)` sweeps so many hours from now, with a memory of its own."""

    async def later(hours):
        with clock.at(clock.now() + hours * HOUR):
            await Sweep(processes("intake")).run()

    return later


async def ids_in(rows):  # noqa: F811
    return {str(row.id) for row in await rows(attachments)}


async def test_only_what_nobody_refers_to_goes(upload, submit, intake, resident, sweep, rows, kept):  # noqa: F811
    used, added, orphan = [await upload(photo(20 + n, 20)) for n in range(3)]
    ticket = await submit(attachment_ids=[used["id"]])
    await intake.post(
        f"/v1/tickets/{ticket['number']}/supplements", headers=resident,
        json={"content": "补", "attachment_ids": [added["id"]]},
    )  # fmt: skip
    await sweep(23)
    assert len(await ids_in(rows)) == 3
    await sweep(25)
    assert await ids_in(rows) == {used["id"], added["id"]}
    assert len(kept()) == 4
    assert (await intake.get(orphan["url"])).status_code == 404
    problem(await post(intake, resident, attachment_ids=[orphan["id"]]), 422, "unknown_attachment")
    assert {row.settled for row in await rows(attachments)} == {True}
    await sweep(90)
    assert await ids_in(rows) == {used["id"], added["id"]}
    assert len(kept()) == 4


async def test_handing_it_in_again_or_trying_to_use_it_gives_another_day(
    upload, intake, resident, sweep, rows, monkeypatch  # noqa: F811
):  # fmt: skip
    content, other = photo(), photo(21, 20)
    again, tried = await upload(content), await upload(other)
    with clock.at(clock.now() + 20 * HOUR):
        assert (await upload(content))["id"] == again["id"]
        # the ticket is refused, the photo is kept all the same
        problem(await post(intake, resident, attachment_ids=[tried["id"], str(uuid4())]), 422)
    await sweep(25)
    assert await ids_in(rows) == {again["id"]}
    await sweep(45)
    assert await ids_in(rows) == set()


async def test_what_proves_the_work_is_adopted(upload, submit, stand, look, clerk, sweep, rows, kept):  # noqa: F811
    before, after, loose = [
        await upload(photo(30 + n, 20), clerk, purpose="proof", share_location="true") for n in range(3)
    ]
    ticket = await submit()
    proof = {"before_ids": [before["id"], "nonsense", None, str(uuid4())], "after_ids": [after["id"]]}
    handled = ("handle", State.HANDLING, State.HANDLED, {"data": {"proof": proof}})
    await stand(ticket, State.HANDLED, moves=[handled])
    for _ in range(2):
        for headers in (None, clerk):
            shown = (await look(ticket, headers))["attachments"]
            assert [(p["id"], p["moment_text"], p["origin"]) for p in shown] == [
                (before["id"], "办理前", "proof"), (after["id"], "办理后", "proof"),
            ]  # fmt: skip
        await sweep(25)
    assert await ids_in(rows) == {before["id"], after["id"]}
    assert {row.origin for row in await rows(ticket_attachments)} == {"proof"}
    assert len(await rows(ticket_attachments)) == 2
    assert len(kept()) == 4
    assert loose["id"] not in await ids_in(rows)


async def test_files_without_a_row_are_found_and_nothing_else_is_touched(
    upload, submit, sweep, street, kept, environment  # noqa: F811
):  # fmt: skip
    """As after a crash between the files and the row; and beside them what we never named."""
    used = await upload()
    await submit(attachment_ids=[used["id"]])
    stray = uuid7()
    folder = environment.data_dir / "files" / "kept" / name_of(street.id, stray, "picture")
    for name in names_of(street.id, [stray]):
        (folder.parent / name.rpartition("/")[2]).write_bytes(b"x")
    (folder.parent / "README.jpg").write_bytes(b"x")
    await sweep(23)
    assert len(kept()) == 5
    await sweep(49)
    assert kept() == sorted(
        ["README.jpg", *(n.rpartition("/")[2] for n in names_of(street.id, [UUID(used["id"])]))]
    )


async def test_a_worker_that_dies_after_the_rows_leaves_what_the_next_one_finds(
    upload, sweep, processes, street, rows, kept, monkeypatch  # noqa: F811
):  # fmt: skip
    await upload()

    async def dies(*_):
        raise Unavailable("断电")

    with monkeypatch.context() as broken:
        broken.setattr(LocalFiles, "remove", dies)
        with clock.at(clock.now() + 25 * HOUR), pytest.raises(Unavailable):
            await Sweep(processes("intake"))._judge(street.id)
    assert (await rows(attachments), len(kept())) == ([], 2)
    await sweep(49)
    assert kept() == []


async def test_desks_of_processes_that_died_are_cleared(sweep, environment):
    desk = environment.data_dir / "files" / "incoming" / "old"
    desk.mkdir(parents=True)
    (desk / "upload").write_bytes(b"x")
    await sweep(0)
    assert desk.exists()
    os.utime(desk, (0, 0))
    await sweep(0)
    assert not desk.exists()


async def test_a_commit_that_is_cut_off_leaves_no_row_without_files(
    upload, rows, kept, sweep, monkeypatch  # noqa: F811
):  # fmt: skip
    real = Photos._once

    async def cut(self, handed, work):
        answer = await real(self, handed, work)
        raise Unavailable("数据库断开", code="database_unavailable") from RuntimeError(answer["id"])

    with monkeypatch.context() as broken:
        broken.setattr(Photos, "_once", cut)
        assert (await upload(photo(), status=503))["code"] == "database_unavailable"
    assert (len(await rows(attachments)), len(kept())) == (1, 2)
    assert (await upload(photo()))["id"] in await ids_in(rows)


async def test_a_disk_that_is_full_is_a_reason_to_try_again(upload, rows, kept, environment, monkeypatch):  # noqa: F811
    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(LocalFiles, "_put", full)
        assert (await upload(status=503))["code"] == "files_unavailable"
    with monkeypatch.context() as broken:
        broken.setattr(places.Path, "open", full)
        assert (await upload(status=503))["code"] == "files_unavailable"
    assert (await rows(attachments), kept()) == ([], [])
    assert list((environment.data_dir / "files" / "incoming").iterdir()) == []


# --- the places ---------------------------------------------------------------------------------------------


@pytest.fixture(params=["disk", "store"])
def place(request, environment, tmp_path):
    if request.param == "disk":
        return LocalFiles(tmp_path / "kept")
    return ObjectFiles(environment.model_copy(update={"files_url": "memory:///"}))


async def test_every_place_keeps_reads_lists_and_removes(place, tmp_path):
    one, two = uuid7(), uuid7()
    for name in [*names_of(7, [one]), *names_of(7, [two])]:
        (tmp_path / "made").write_bytes(name.encode())
        await place.put({name: tmp_path / "made"})
    name = name_of(7, one, "picture")
    assert await place.read(name) == name.encode()
    [day] = await place.inside("7")
    assert {id_of(last) for last in await place.inside(f"7/{day}")} == {one, two}
    await place.remove(names_of(7, [one]))
    await place.remove(names_of(7, [one]))
    assert await place.read(name) is None
    assert {id_of(last) for last in await place.inside(f"7/{day}")} == {two}
    assert await place.inside("8") == []


async def test_files_on_the_disk_are_for_their_owner_alone(tmp_path):
    (tmp_path / "made").write_bytes(b"x")
    await LocalFiles(tmp_path / "a" / "b").put({"7/20261121/x.jpg": tmp_path / "made"})
    for folder in ("a", "a/b", "a/b/7", "a/b/7/20261121"):
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700


async def test_a_store_that_does_not_answer_is_a_reason_to_try_again(environment, tmp_path):
    login = {"files_region": "x", "files_access_key": SecretStr("a"), "files_secret_key": SecretStr("b")}
    away = {"files_url": "s3://bucket/photos", "files_endpoint": "http://127.0.0.1:9"}
    place = open_files(environment.model_copy(update=login | away))
    (tmp_path / "made").write_bytes(b"x")
    with pytest.raises(Unavailable):
        await place.put({"7/x.jpg": tmp_path / "made"})


async def test_the_whole_way_with_an_object_store(intake, upload, state, environment, monkeypatch):
    store = open_files(environment.model_copy(update={"files_url": "memory:///"}))
    monkeypatch.setattr(state.photos, "files", store)
    answer = await upload()
    assert (await intake.get(answer["url"])).status_code == 200
    await store.remove(names_of(int((await store.inside(""))[0]), [UUID(answer["id"])]))
    problem(await intake.get(answer["url"]), 404, "file_not_found")
