"""A circuit: what fails again and again is left alone for a while, then tried once. Plain Python."""

from collections.abc import Callable
from time import monotonic

FAILURES = 5
OPEN_SECONDS = 10.0


class Breaker:
    """Closed at first; opens after `failures` in a row; after `seconds` lets one through, which closes or opens it."""

    def __init__(
        self,
        *,
        failures: int = FAILURES,
        seconds: float = OPEN_SECONDS,
        now: Callable[[], float] = monotonic,
    ) -> None:
        self._most, self._seconds, self._now = failures, seconds, now
        self._failed = 0
        self._open_until: float | None = None
        self._trying = False

    @property
    def is_open(self) -> bool:
        return self._open_until is not None

    def admits(self) -> bool:
        """Say whether a call may be made; whoever is told yes must report what came of it."""
        if self._open_until is None:
            return True
        if self._trying or self._now() < self._open_until:
            return False
        self._trying = True
        return True

    def succeeded(self) -> None:
        """Report a call that was answered, be it with a refusal: the other side is there."""
        self._failed, self._open_until, self._trying = 0, None, False

    def failed(self) -> None:
        """Report a call that got no answer."""
        self._failed += 1
        if self._trying or self._failed >= self._most:
            self._open_until = self._now() + self._seconds
        self._trying = False
