"""The vocabularies of photos, each with its Chinese."""

from shared.terms import Term


class Purpose(Term):
    """What a photo is handed in for, in the words of whoever hands it in."""

    REPORT = "report", "反映情况"
    INSPECTION = "inspection", "实地勘察"
    PROOF = "proof", "办理凭证"


class Origin(Term):
    """By what a ticket came to a photo."""

    REPORT = "report", "诉求"
    SUPPLEMENT = "supplement", "补充说明"
    PROOF = "proof", "办理凭证"


class Moment(Term):
    """Which side of the work a proof shows."""

    BEFORE = "before", "办理前"
    AFTER = "after", "办理后"


class CheckState(Term):
    """Where the check of a picture's content stands; `none`: nobody was asked."""

    NONE = "none", "未检测"
    PENDING = "pending", "检测中"
    PASS = "pass", "通过"
    RISKY = "risky", "有风险"
