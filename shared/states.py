"""The states a ticket can be in, and what they mean to the figures. Source: design section 6."""

from shared.terms import Term


class State(Term):
    SUBMITTED = "submitted", "已登记"
    ACCEPTED = "accepted", "已受理"
    DISPATCHED = "dispatched", "已派单"
    SIGNED = "signed", "已签收"
    HANDLING = "handling", "办理中"
    SUSPENDED = "suspended", "挂账"
    HANDLED = "handled", "承办办结"
    CALLBACK = "callback", "待回访"
    CLOSED = "closed", "已办结"
    REJECTED = "rejected", "不予受理"
    MERGED = "merged", "已并案"
    WITHDRAWN = "withdrawn", "已撤回"
    REDIRECTED = "redirected", "已引导"


# Nothing more is owed on these: no owner and no deadline is needed.
FINAL = frozenset({State.CLOSED, State.REJECTED, State.MERGED, State.WITHDRAWN, State.REDIRECTED})
OPEN = frozenset(State) - FINAL
# The unit has it in its hands.
WITH_UNIT = frozenset({State.DISPATCHED, State.SIGNED, State.HANDLING, State.SUSPENDED})
