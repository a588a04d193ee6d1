"""What a text is about, in small: words where they stand, what the resident wants, danger now, and ugly texts."""

import random
import re
from collections import Counter
from timeit import timeit

import pytest

from services.routing.classification.classifier import packaged
from services.routing.classification.cues import KIND_TEXT, kind_of, urgent_word
from services.routing.classification.features import grams
from services.routing.classification.lexicon import Lexicon
from services.routing.classification.reading import matter_of, normalize
from services.routing.classification.texts import packaged_texts
from services.routing.classification.words import keyword_rows
from tests.fixtures.streets import catalog

CODES = {row["code"] for row in catalog()}
TEXTS = [each.text for _, texts in packaged_texts() for each in texts]


def best(text):
    return packaged().best(packaged().classify(text))


KINDS = [
    ("consultation", "请问老年证怎么办理,需要什么材料"),
    ("consultation", "想咨询一下公租房申请条件"),
    ("help", "家里水管爆了,麻烦派人来修一下"),
    ("help", "路灯坏了,晚上看不见"),
    ("complaint", "投诉楼下烧烤店天天冒烟,没人管"),
    ("complaint", "工地半夜施工吵得没法睡,多次反映不解决"),
    ("tipoff", "我要举报三楼棋牌室聚众赌博"),
    ("suggestion", "建议在小区门口增设一个斑马线"),
    ("suggestion", "希望街道能不能多组织些文化活动"),
    ("praise", "特别感谢网格员小李帮我母亲买药,太暖心了"),
    ("praise", "给城管队员点赞,占道的摊子清走了"),
    ("complaint", "垃圾一个礼拜没人清了,臭得没人管,请尽快处理,非常感谢!"),
    ("help", "楼道灯不亮,请修一下,谢谢"),
    ("help", ""),
]

URGENT = [
    "楼道里一股煤气味",
    "有人困在电梯里了",
    "电梯停在十楼,里面有人被困",
    "马路中间井盖没了",
    "三楼着火了快来",
    "电线断了掉在地上冒火花",
    "有个老人晕倒在路边",
    "自来水爆管了水淹进屋",
]
CALM = [
    "楼道堆满杂物,万一着火怎么跑",
    "担心漏电,想请人看看插座",
    "请问电梯年检多久一次",
    "厨房没闻到煤气味,就是想换燃气表",
    "建议多搞消防演练",
    "路灯不亮",
    "",
]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("公厕旁边的井盖没了", "0203"),  # a landmark is not the matter
        ("幼儿园门口有人占道摆摊卖煎饼", "0103"),
        ("不是电梯坏了,是楼道路灯不亮", "0201"),  # denied
        ("路灯已经修好了,可是垃圾桶满了没人清", "0101"),  # settled
        ("楼道堆物没人管,垃圾堆到顶楼,谢谢", "0404"),  # a courtesy is no praise
        ("下 水 道 堵 了,往外返水", "0301"),
        ("KTV半夜唱歌吵得睡不着", "0602"),
    ],
)
def test_context_is_heeded(text, code):
    assert packaged().classify(text)[0].code == code


@pytest.mark.parametrize(("kind", "text"), KINDS)
def test_what_the_resident_wants(kind, text):
    assert kind_of(text) == kind
    assert kind in KIND_TEXT


def test_danger_now_is_urgent_and_danger_supposed_is_not():
    assert [text for text in URGENT if urgent_word(text) is None] == []
    assert [text for text in CALM if urgent_word(text)] == []


@pytest.mark.parametrize(
    "text", ["", " \n", "你好", "有个事情想说说", "😀😀😀", "𠮷野家𠮷𠮷", "a" * 50, "?!。,", "\ud800", "\x00"]
)
def test_where_nothing_is_told_a_person_decides(text):
    assert best(text) is None
    assert kind_of(text) in KIND_TEXT
    assert urgent_word(text) is None


@pytest.mark.parametrize(("text", "code"), [("井盖没了", "0203"), ("路灯不亮", "0201"), ("电梯困人", "0303")])
def test_few_words_are_enough_where_they_are_the_right_ones(text, code):
    assert best(text).code == code


def test_emoji_and_rare_characters_do_not_hide_the_matter():
    assert best("😡😡𠮷祥里小区下水道堵了🆘往外返水").code == "0301"
    assert normalize(" KTV\u200b 电　梯 ") == "ktv电梯"


def test_two_matters_alike_are_left_to_a_person():
    assert best("垃圾和路灯") is None
    assert {c.code for c in packaged().classify("垃圾和路灯")} >= {"0101", "0201"}


def test_scores_and_words_are_in_order():
    chance = random.Random(1)
    for _ in range(300):
        text = "".join(chance.choice(TEXTS)[:20] for _ in range(3))
        found = packaged().classify(text)
        scores = [c.score for c in found]
        assert len(found) == 3
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 1 for score in scores)
        assert sum(scores) <= 1.0002
        assert found[0].words
        assert packaged().classify(text) == found


def test_the_longest_word_counts_and_pairs_need_both_halves_near():
    words = Lexicon([("a", "停车", 3.0), ("b", "停车费", 3.0), ("c", "电梯~困", 3.0)])
    assert words.weigh("停车费太贵") == {"b": {"停车费": 3.0}}
    assert words.weigh("有人困电梯") == {"c": {"电梯…困": 3.0}}
    assert words.weigh("电梯" + "很好" * 20 + "困") == {}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("不是电梯坏了,是路灯不亮", "是路灯不亮"),
        ("路灯已经修好了,垃圾没人清", "垃圾没人清"),
        ("是不是传染,要不要消杀", "是不是传染,要不要消杀"),  # a question, no denial
        ("路灯已经修好了", "路灯已经修好了"),  # nothing else is told: then this is the matter
    ],
)
def test_what_is_denied_or_settled_is_not_the_matter(text, left):
    assert matter_of(text) == left


def test_figures_are_one_figure_and_pairs_stay_within_a_clause():
    assert grams("13900001234,3号") == ["0", "0号", "号"]


def test_the_packaged_words_cover_the_catalogue():
    rows = keyword_rows()
    assert {code for code, _, _ in rows} == CODES
    assert all(sum(code == row[0] for row in rows) >= 8 for code in CODES)
    assert len({(code, word) for code, word, _ in rows}) == len(rows)
    assert all(1 <= weight <= 6 and normalize(word) == word.lower() for _, word, weight in rows)


def test_the_packaged_texts_cover_the_catalogue_and_none_stands_twice():
    rows = [each for _, texts in packaged_texts() for each in texts]
    assert {row.code for row in rows} == CODES
    assert [text for text, times in Counter(TEXTS).items() if times > 1] == []
    assert not [
        text for text in TEXTS if re.search(r"\d{7}", text)
    ]  # no telephone number, not even an invented one


def test_a_huge_text_and_a_text_of_one_word_are_read_in_no_time():
    for text in (
        "下水道堵了" * 200_000,
        "电梯困" * 100_000,
        "😀" * 1_000_000,
        "不是" * 100_000,
        "已经修好" * 100_000,
        "谢谢" * 99_999,
    ):
        assert (
            timeit(lambda text=text: (packaged().classify(text), kind_of(text), urgent_word(text)), number=1)
            < 1.0
        )


def test_a_text_of_a_hundred_characters_takes_a_fraction_of_a_millisecond():
    texts = [(text * 5)[:100] for text in TEXTS[::40]]
    spent = min(timeit(lambda: [packaged().classify(text) for text in texts], number=1) for _ in range(5))
    assert spent / len(texts) < 1e-3  # a third of that on an idle machine
