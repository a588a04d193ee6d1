"""The closed vocabularies of promises. Sources: seed rows S1-06 (who promises), S0-31 (the stages of works)."""

from shared.terms import Term


class OwnerKind(Term):
    """Who has promised a list: it bears a name, not an office's."""

    LEADER = "leader", "领导班子成员"
    PARTY_SECRETARY = "party_secretary", "党组织书记"


class UndertakingKind(Term):
    ITEM = "item", "清单事项"
    PROJECT = "project", "项目"


class Stage(Term):
    """The stages of works, in their order."""

    APPROVAL = "approval", "立项"
    TENDER = "tender", "招标"
    CONSTRUCTION = "construction", "施工"
    COMPLETION = "completion", "竣工"


class RecordKind(Term):
    """What is written down while an undertaking goes on; nothing of it is ever changed."""

    NOTE = "note", "进度"
    CONTACT = "contact", "联系记录"
    RESULT = "result", "成果"
    AGREEMENT = "agreement", "协议"


class View(Term):
    """The three lists by which one chain is read: what was wanted, what is done about it, what came of it."""

    DEMAND = "demand", "需求清单"
    TASK = "task", "实事清单"
    RESULT = "result", "幸福账单"
