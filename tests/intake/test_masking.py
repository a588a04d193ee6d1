"""Personal data in free text is found and hidden, and nothing else is."""

import pytest
from hypothesis import given, strategies as st

from services.intake.masking import PersonalKind, check_digit, find, mask

K = PersonalKind
CARD = "12010519850307123" + check_digit("12010519850307123")
HIDDEN = (
    ("请打13812345678找我", "请打138****5678找我", K.PHONE),
    ("电话 138-1234-5678,急", "电话 138-****-5678,急", K.PHONE),
    ("电话:138 1234 5678", "电话:138 **** 5678", K.PHONE),
    ("+86 13812345678", "+86 1******5678", K.PHONE),
    ("手机13812345678", "手机138****5678", K.PHONE),
    ("幺三八一二三四五六七八", "幺三八****五六七八", K.PHONE),
    ("座机022-25881234没人接", "座机022-2*******没人接", K.PHONE),
    ("客服400-123-4567", "客服400-***-****", K.PHONE),
    (f"身份证{CARD}", "身份证120***************", K.ID_CARD),
    ("旧证120105850307123", "旧证120************", K.ID_CARD),
    ("卡号4111 1111 1111 1111", "卡号**** **** **** 1111", K.BANK_CARD),
    ("津A12345堵在门口", "津A*****堵在门口", K.PLATE),
    ("津A·D12345占充电位", "津A·******占充电位", K.PLATE),
    ("微信号wang_lei88", "微信*****_*****", K.ACCOUNT),
    ("QQ:123456789", "QQ:*********", K.ACCOUNT),
)  # fmt: skip
LEFT = (
    "3号楼2单元1101室漏水", "2026年11月24日8时30分报修", "工单DG20261124-000123", "办结3950条,收到3950条",
    "占地20000平方米", "编号 12345678901", "热线12345打不通", "A座1301", "一二三四五六七号楼", "京津冀2026规划",
    "新A区停电", "微信群里说过了", "QQ群", "第13800件", "经度117.423456789",
)  # fmt: skip


@pytest.mark.parametrize(("text", "shown", "kind"), HIDDEN)
def test_what_tells_of_a_person_is_hidden(text, shown, kind):
    assert mask(text) == shown
    assert [f.kind for f in find(text)] == [kind]


@pytest.mark.parametrize("text", LEFT)
def test_ordinary_numbers_stay(text):
    assert mask(text) == text


def test_several_in_one_text_stand_in_its_order():
    text = f"津A12345的车主13812345678,身份证{CARD}"
    assert [f.kind for f in find(text)] == [K.PLATE, K.PHONE, K.ID_CARD]
    assert "12345" not in mask(text)


@given(st.text(max_size=200))
def test_the_length_stays_and_twice_is_once(text):
    once = mask(text)
    assert len(once) == len(text)
    assert mask(once) == once


_AROUND = st.text(
    st.characters(
        whitelist_categories=["Lo", "Po"], blacklist_characters="〇零○一二三四五六七八九幺壹贰叁肆伍陆柒捌玖"
    ),
    max_size=20,
)


@given(_AROUND, st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True), _AROUND)
def test_a_telephone_is_found_wherever_it_stands(before, phone, after):
    assert phone not in mask(f"{before}{phone}{after}")


@given(
    st.from_regex(
        r"[1-9][0-9]{5}(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|1[0-9]|2[0-8])[0-9]{3}", fullmatch=True
    )
)
def test_an_identity_card_is_found(seventeen):
    assert mask(f"证件号{seventeen}{check_digit(seventeen)}。").count("*") == 15
