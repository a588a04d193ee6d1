"""A street's own classifier: learned from what its staff confirmed, put to use, and never worse unnoticed."""

import asyncio

import pytest

from services.console import classifiers
from services.routing import registry, trained
from services.routing.classification.classifier import packaged
from services.routing.classification.texts import packaged_texts

# What people here call the bicycles for hire, and nobody elsewhere.
WHERE = ("桥头", "菜场", "学校", "医院", "河边", "北门", "站台", "花园", "岗亭", "车棚", "戏台", "水塔")
JARGON = [f"{where}的红骆驼又趴窝了一排" for where in WHERE]
BICYCLES, LEAD = "0703", "unit:城管办"


@pytest.fixture
def confirmed(placed, do):
    """`await confirmed(text, code)` → the number of a ticket whose category a dispatcher named, handled."""

    async def make(text, code=BICYCLES):
        number = await placed(text)
        for action, name, data in (
            ("dispatch", "dispatcher", {"category": code}), ("sign", LEAD, {}), ("contact", LEAD, {}), ("handle", LEAD, {"reason": "已处理"}),
        ):  # fmt: skip
            await do(number, action, name, **data)
        return number

    return make


@pytest.fixture
def small(monkeypatch):
    """Few invented texts and few tickets are enough here: training takes a moment."""
    few = [(writer, texts[::12]) for writer, texts in packaged_texts()]
    monkeypatch.setattr(classifiers, "packaged_texts", lambda: few)
    monkeypatch.setattr(classifiers, "LEAST", len(JARGON))
    monkeypatch.setattr(registry, "FRESH_SECONDS", 0.0)


@pytest.fixture
def asked(routing, who, street):
    async def ask(text):
        answer = await routing.post(
            "/v1/route", json={"street": street.code, "content": text}, headers=who("dispatcher")
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


@pytest.fixture
def in_use(owner, street):
    async def read():
        async with owner.transaction([street.id], read_only=True) as tx:
            return await trained.active(tx, street.id)

    return read


async def train(street, *, force=False):
    await asyncio.to_thread(classifiers.train_street, street.code, force=force)


async def test_what_staff_named_and_what_nobody_sent_back_is_confirmed(
    confirmed, bring, placed, do, owner, street
):
    await confirmed(JARGON[0])
    unreturned = "三号楼垃圾没人清运,桶满了好几天"
    await bring("handled", content=unreturned)
    await bring("signed", content="还没有办完的一件:垃圾没人清运")
    await bring("handled", content="保密的一件:垃圾没人清运", confidential=True)
    returned = await bring("dispatched", content="退过单的一件:垃圾没人清运")
    await do(returned, "return", "unit:物业办", reason="不属于我们")
    await do(returned, "dispatch", "dispatcher", unit="物业办")
    for action, data in (("sign", {}), ("contact", {}), ("handle", {"reason": "已清运"})):
        await do(returned, action, "unit:物业办", **data)
    async with owner.transaction([street.id], read_only=True) as tx:
        found = await trained.labels(tx, street.id)
    assert found == [(JARGON[0], BICYCLES, True), (unreturned, "0101", False)]


async def test_a_street_learns_its_own_words_and_says_which_version_answered(
    small, confirmed, asked, in_use, street, rows, monkeypatch
):
    question = "我家后头的红骆驼趴窝了,又来一排红骆驼"
    before = await asked(question)
    assert before["classifier"] == packaged().version
    with pytest.raises(RuntimeError, match="只有 0 张"):
        await train(street)
    for text in JARGON:
        await confirmed(text)
    await train(street)
    own = await in_use()
    after = await asked(question)
    assert before["candidates"][0]["code"] != BICYCLES
    assert after["candidates"][0]["code"] == BICYCLES
    assert any("骆" in word or "驼" in word for word in after["candidates"][0]["words"])
    assert after["classifier"] == own.version != packaged().version
    assert any(own.version in sentence for sentence in after["why"])

    # One that is worse on what was held out is not put to use, unless somebody insists.
    sample = classifiers._sample
    monkeypatch.setattr(classifiers, "_sample", lambda label: sample(label)._replace(code="0101"))
    with pytest.raises(RuntimeError, match="不如现用的准"):
        await train(street)
    assert (await in_use()).version == own.version
    await train(street, force=True)
    assert (await in_use()).version != own.version
    [first, second] = sorted(await rows(trained.classifier_models), key=lambda row: row.version)
    assert (first.version, first.active, first.samples) == (1, False, len(JARGON))
    assert (second.version, second.active) == (2, True)
    assert second.right_after < second.right_before


async def test_a_stored_model_that_was_changed_is_not_used(small, in_use, owner, street):
    await train(street, force=True)
    async with owner.transaction([street.id]) as tx:
        await tx.raw.execute(
            "UPDATE classifier_models SET weights = '\\x00', sha256 = 'x' || sha256 WHERE street_id = $1",
            street.id,
        )
    assert await in_use() is packaged()


async def test_danger_makes_any_category_urgent_and_thanks_do_not(asked):
    danger = await asked("物业费交了两年,楼下电线断了冒火花也没人管")
    assert (danger["mode"], danger["mode_text"]) == ("urgent", "紧急")
    assert any("按紧急处理" in sentence for sentence in danger["why"])
    thanks = await asked("特别感谢网格员小李,帮我找回了走失的老母亲,送面锦旗")
    assert thanks["mode"] != "urgent"
