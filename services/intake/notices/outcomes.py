"""What a vendor's answer means, and what becomes of the send: pure.

Sources: the vendors' tables of error codes (WeChat `subscribeMessage.send` and global codes, WeCom group robots,
DingTalk custom robots). Only an answer of success is a success; a code that is not listed is tried again.

An attempt whose outcome nobody knows, because the process fell between asking and noting, is repeated where the
receiver can tell a repetition (a webhook: every notice has its id). WeChat and the robots cannot: there it is not
sent again, for the person has it in the app, and two messages of one thing are worse than none. Where we know that no
answer came (a time-out, a broken connection) it is tried again everywhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.terms import Term


class Outcome(Term):
    SENT = "sent", "已送达"
    LATER = "later", "对方暂时不收"
    SLOW = "slow", "对方限流"
    AWAY = "away", "没有连上"
    SILENT = "silent", "没有答复"
    REFUSED = "refused", "对方拒收"
    EXHAUSTED = "exhausted", "没有订阅次数"
    MISSET = "misset", "线路配置有误"
    GONE = "gone", "线路已失效"
    UNKNOWN = "unknown", "结果不明"


class Channel(Term):
    WECHAT = "wechat", "微信订阅消息"
    WECOM = "wecom", "企业微信群机器人"
    DINGTALK = "dingtalk", "钉钉群机器人"
    WEBHOOK = "webhook", "推送(webhook)"


O = Outcome  # noqa: E741 - as `S` and `R` of the lifecycle
MINUTE, HOUR = 60, 3600


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of an attempt; `code` is the vendor's own, `wait` the seconds the whole line must be quiet."""

    outcome: Outcome
    code: str | None = None
    wait: int = 0


# code → (what it means, seconds of quiet)
_Codes = Mapping[int, tuple[Outcome, int]]
WECHAT: _Codes = {
    0: (O.SENT, 0),
    -1: (O.LATER, 0),
    40001: (O.LATER, 0), 40014: (O.LATER, 0), 42001: (O.LATER, 0),  # the access token: another is fetched
    43101: (O.EXHAUSTED, 0),  # refused by the resident, or nothing left of what they allowed
    43108: (O.LATER, 0),  # two at once
    45009: (O.SLOW, HOUR),  # the day's quota
    45011: (O.SLOW, MINUTE),  # the minute's
    40003: (O.REFUSED, 0),  # openid of another app
    40037: (O.REFUSED, 0), 41030: (O.REFUSED, 0), 47003: (O.REFUSED, 0),  # template, page, a field of it
    45168: (O.REFUSED, 0),  # words WeChat does not carry
    43107: (O.MISSET, HOUR), 48001: (O.MISSET, HOUR), 48004: (O.MISSET, HOUR),  # the capability is shut off
    40013: (O.MISSET, HOUR), 40125: (O.MISSET, HOUR), 40164: (O.MISSET, HOUR),  # app id, secret, our address
}  # fmt: skip
WECOM: _Codes = {
    0: (O.SENT, 0),
    -1: (O.LATER, 0),
    45009: (O.SLOW, MINUTE),  # 20 a minute
    45033: (O.SLOW, MINUTE),  # too many at once
    93000: (O.GONE, 0),  # the robot is no more
    40008: (O.REFUSED, 0), 40058: (O.REFUSED, 0), 44004: (O.REFUSED, 0), 45002: (O.REFUSED, 0),
}  # fmt: skip
DINGTALK: _Codes = {
    0: (O.SENT, 0),
    -1: (O.LATER, 0),
    130101: (O.SLOW, 10 * MINUTE), 410100: (O.SLOW, 10 * MINUTE),  # 20 a minute, then shut out for ten
    310000: (O.MISSET, 10 * MINUTE),  # keyword, signature or address: somebody must set it right
    300001: (O.GONE, 0), 400101: (O.GONE, 0), 400106: (O.GONE, 0),  # no such token, no such robot
    400013: (O.GONE, 0), 400102: (O.GONE, 0),  # the group is dissolved, the robot switched off
    40035: (O.REFUSED, 0), 400105: (O.REFUSED, 0), 43004: (O.REFUSED, 0),
    430101: (O.REFUSED, 0), 430102: (O.REFUSED, 0), 430104: (O.REFUSED, 0),  # links or words it does not carry
}  # fmt: skip
CODES: Mapping[str, _Codes] = {Channel.WECHAT: WECHAT, Channel.WECOM: WECOM, Channel.DINGTALK: DINGTALK}
# The access token was no good: it must be fetched anew.
BAD_TOKEN = frozenset({40001, 40014, 42001})

_GOOD, _TOO_MANY, _AWAY, _GONE = range(200, 300), 429, 503, 410


def of_vendor(channel: str, code: object) -> Reply:
    """Return what a vendor's `errcode` means."""
    known = CODES[channel].get(code) if isinstance(code, int) else None
    outcome, wait = known or (O.LATER, 0)
    return Reply(outcome, str(code)[:40], wait)


def of_webhook(status: int, retry_after: str | None) -> Reply:
    """Return what a webhook's HTTP status means; a redirection is no success and is not followed."""
    code = str(status)
    if status in _GOOD:
        return Reply(O.SENT, code)
    if status == _GONE:
        return Reply(O.GONE, code)
    if (
        status in {_TOO_MANY, _AWAY}
        and retry_after is not None
        and retry_after.isascii()
        and retry_after.isdigit()
    ):
        return Reply(O.SLOW, code, min(int(retry_after[:6]), HOUR))
    return Reply(O.SLOW, code, MINUTE) if status == _TOO_MANY else Reply(O.LATER, code)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a send: its state, when it is tried again, how many failures it has."""

    state: str
    next_at: datetime
    failures: int


# Answered "no" so often, it is given up; waiting for a vendor that is away is bounded by age alone.
MOST_FAILURES = {Channel.WEBHOOK.value: 10}
_MOST_FAILURES = 6
MOST_AGE = timedelta(days=2)
_FIRST, _FACTOR, _LONGEST = 10.0, 3, 3 * HOUR
_COUNTED = frozenset({O.LATER, O.SILENT, O.UNKNOWN})
_AT_ONCE = frozenset({O.REFUSED, O.EXHAUSTED, O.GONE})


def fate(
    channel: str, reply: Reply, failures: int, created_at: datetime, now: datetime, *, jitter: float = 1.0
) -> Fate:
    """Return what becomes of a send after an attempt; `jitter` (about 1) spreads what failed together."""
    if reply.outcome is O.SENT:
        return Fate("sent", now, failures)
    failures += reply.outcome in _COUNTED
    if (
        reply.outcome in _AT_ONCE
        or (reply.outcome is O.UNKNOWN and channel != Channel.WEBHOOK)
        or failures >= MOST_FAILURES.get(channel, _MOST_FAILURES)
        or now - created_at > MOST_AGE
    ):
        return Fate(given_up(channel), now, failures)
    backoff = min(_FIRST * _FACTOR ** max(failures - 1, 0), _LONGEST) * jitter
    return Fate("queued", now + timedelta(seconds=max(backoff, reply.wait)), failures)


def given_up(channel: str) -> str:
    """Return the state of what is not sent any more: a person has it in the app, a program must ask for a replay."""
    return "failed" if channel == Channel.WEBHOOK else "fallback"
