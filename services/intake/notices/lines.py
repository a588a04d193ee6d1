"""When something may go out over a line, and how much: its pace and its circuit breaker in one instant. Pure.

`not_before` is when the line may be used again, whatever the reason: the pace of a robot (20 messages a minute, or it
is shut out), a limit the vendor told of, or a breaker that is open. `failures` counts messages in a row that came to
nothing; from the fifth on the breaker is open, and after each cooling-off one single message is sent to see (half open).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.intake.notices.outcomes import Channel, Outcome, Reply

# Messages in a row that come to nothing before a line is left alone.
THRESHOLD = 5
_COOLING, _LONGEST = timedelta(seconds=10), timedelta(minutes=5)
# 20 messages a minute are allowed to a robot; a little slower is safe.
PACE = {Channel.WECOM.value: timedelta(seconds=3.2), Channel.DINGTALK.value: timedelta(seconds=3.2)}
# Sends taken at once: a robot tells of all that waits in one digest, a webhook takes a hundred in one body.
ROOM = {
    Channel.WECHAT.value: 50,
    Channel.WECOM.value: 200,
    Channel.DINGTALK.value: 200,
    Channel.WEBHOOK.value: 100,
}
_BAD = frozenset({Outcome.LATER, Outcome.AWAY, Outcome.SILENT, Outcome.MISSET})


@dataclass(frozen=True, slots=True)
class Health:
    failures: int
    not_before: datetime

    @property
    def open(self) -> bool:
        return self.failures >= THRESHOLD


def room(channel: str, health: Health) -> int:
    """Return how many sends may be taken: one, to see, while the breaker is open."""
    return 1 if health.open else ROOM[channel]


def paced(channel: str, now: datetime) -> datetime:
    """Return when the next message may go after one that goes now."""
    return now + PACE.get(channel, timedelta(0))


def after(health: Health, channel: str, replies: Sequence[Reply], now: datetime) -> Health:
    """Return a line's health after messages that went out together; one that got through closes the breaker."""
    quiet = now + timedelta(seconds=max((r.wait for r in replies), default=0))
    not_before = max(paced(channel, now), quiet)
    bad = sum(r.outcome in _BAD for r in replies)
    if bad < len(replies):
        return Health(0, not_before)
    failures = health.failures + bad
    if failures >= THRESHOLD:
        cooling = min(_COOLING * 2 ** min((failures - THRESHOLD) // THRESHOLD, 10), _LONGEST)
        not_before = max(not_before, now + cooling)
    return Health(failures, not_before)
