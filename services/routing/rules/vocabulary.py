"""The words that rules are written in, beside those of `shared.terms`; and who a reporter is, by the text's own words.

Attributes are recognised from what the reporter says of himself or of those concerned: nobody is asked for them, and
nothing is looked up. Rows S0-40 (the hardest-pressed first), S0-15 (firms and shops may report), S4-06 (槽点/痛点/堵点).
"""

from shared.terms import Term


class Tag(Term):
    COMPLAINT_POINT = "complaint_point", "槽点"
    PAIN_POINT = "pain_point", "痛点"
    BLOCKAGE_POINT = "blockage_point", "堵点"


class Attribute(Term):
    VULNERABLE = "vulnerable", "困难群体"
    ENTERPRISE = "enterprise", "企业和商户"


COMMITTEE, PARENT, CATALOGUE = "committee", "parent_of_lead", "catalogue"
"""Units that a rule names by their place: the community's committee, one above the catalogue's lead, that lead itself."""
REPEAT = "repeat"
PERSON, RESPONSIBLE, LEAST_LOADED = "person", "responsible", "least_loaded"
"""Whom a rule wants inside the unit: the grid's own worker, whoever has least in hand, or a person by id."""
PLACES = frozenset({COMMITTEE, PARENT, CATALOGUE})

_WORDS = {
    Attribute.VULNERABLE: (
        "独居", "孤寡", "空巢", "高龄", "残疾", "残障", "轮椅", "低保", "特困", "低收入", "困难户", "孤儿", "留守儿童", "重病", "大病",
        "癌症", "透析", "瘫痪", "卧床", "失能", "失独", "孕妇", "盲人", "聋哑",
    ),
    Attribute.ENTERPRISE: (
        "我公司", "我们公司", "我司", "我们企业", "本企业", "我企业", "我们厂", "我厂", "本店", "我店", "我们店", "我的店", "小店", "我们商户",
        "作为商户", "我是商户", "个体户", "个体工商户", "企业主", "我们是一家",
    ),
}  # fmt: skip


def attributes_of(text: str) -> dict[Attribute, str]:
    """Return who a plain text speaks of, each with the word that tells it."""
    found = ((kind, next((word for word in words if word in text), None)) for kind, words in _WORDS.items())
    return {kind: word for kind, word in found if word is not None}
