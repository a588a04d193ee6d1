"""What each measure counts, in words: the catalogue that answers, the README and the tests quote.

A ticket has each measure or has it not, at any instant. How it is worked out: `services/metrics/spans.py`.
"""

MEANING: dict[str, tuple[str, str]] = {
    "received": ("登记数", "在窗口内收到的诉求"),
    "accepted": ("受理数", "曾被受理的(含之后办结、退回、终止的)"),
    "dispatched": ("派单数", "曾交承办单位办理的(派单,或直办后重开交办)"),
    "closed": ("办结数", "已办结(销号)的,含直办;承办办结未经审核回访的不算"),
    "direct": ("直办数", "从未交承办单位,现场或当场办结的"),
    "dispatched_closed": ("派单办结数", "派单后办结的,不含直办"),
    "closed_on_time": ("按期办结数", "办结时刻不晚于有效时限的(延期获批后按新时限)"),
    "dispatched_on_time": ("派单按期办结数", "派单后按期办结的"),
    "due": ("应办结数", "已办结的,加上时限已到仍未办结的"),
    "due_net": ("应办结数(扣除挂账)", "应办结数中去掉正在挂账的"),
    "matured": ("到期数", "时限已到的(不论是否办结),提前办结的未到期件不计"),
    "matured_closed": ("到期件办结数", "时限已到且已办结的"),
    "matured_on_time": ("到期件按期办结数", "时限已到且按期办结的"),
    "overdue": ("超期数", "应办结而未按期办结的:超期办结的加上超期未办结的"),
    "open": ("在办数", "尚未终结的"),
    "overdue_open": ("超期未办结数", "时限已过仍未终结的"),
    "suspended": ("挂账数", "时钟暂停中的"),
    "rejected": ("不予受理数", ""),
    "merged": ("并案数", ""),
    "withdrawn": ("撤回数", ""),
    "redirected": ("引导数", ""),
    "returned": ("退单件数", "曾被承办单位退回的"),
    "reworked": ("重办件数", "曾被发回重办的"),
    "reopened": ("重开件数", "办结后曾被重开的"),
}
