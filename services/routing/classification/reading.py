"""A text as it is read: one spelling, without courtesies, and without what it says is not or no longer the matter."""

import re
import unicodedata

_LONGEST = 2000  # characters read; what a text is about is said by then

_BLANKS = re.compile(r"[\s\u200b-\u200f\ufeff]+")
_CLAUSE = re.compile(r"[,。!?;:、…~]")
# "……,谢谢" closes a request politely; it is no praise.
_COURTESY = re.compile(
    r"(?<=.{6})[,。!;]*(?:非常|十分|万分|先)?(?:谢谢|感谢|多谢)(?:您|你们|领导|大家|了|啦|[!。~])*$"
)
# Where the word is only a landmark: "公厕旁边", "幼儿园门口".
_PLACE = re.compile(
    r"(?:站|口)?(?:的)?(?:旁|边上|附近|对面|对过|门口|门前|门外|后门|后身|后面|前面|周边|周围|沿线|一带|路段|东侧|西侧|南侧|北侧|那边|这边)"
)
# "是不是" asks, it does not deny.
_DENIAL = re.compile(r"(?<!是)不是|并非|没发现|未发现|没有发现|不存在|没闻到|没有闻到|不涉及")
_DENIED = re.compile(rf"(?:{_DENIAL.pattern})[^,。!?;]{{0,4}}$")
_SETTLED = re.compile(r"(?<![没未不])(?:已经|已|早就|都)(?:给)?(?:修好|弄好|修复|解决|清理|恢复|疏通|处理好)")
# "不是电梯坏了,是路灯不亮": said of what it is not, up to the comma before what it is.
_INSTEAD = re.compile(r"(?:(?<!是)不是|并非)[^,。!?;]{2,20}[,;](?=而?是(?!不是))")
_LANDMARK, _SETTLED_SHARE = 0.3, 0.4


def normalize(text: str) -> str:
    """Return the text as the words are matched: half-width, lower case, no blanks, at most 2,000 characters."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).lower()


def without_courtesy(plain: str) -> str:
    """Return a normalized text without the thanks that close it."""
    return _COURTESY.sub("", plain)


def matter_of(plain: str) -> str:
    """Return a normalized text without the clauses that tell what is not the matter, or is settled; all if none is left."""
    kept = _INSTEAD.sub("", plain)
    for found in reversed(list(_SETTLED.finditer(kept))):
        start, stop = _clause(kept, found)
        kept = kept[:start] + kept[stop + 1 :]
    return kept or plain


def is_denied(plain: str, start: int) -> bool:
    """Say whether what begins at `start` stands right behind a denial."""
    return _DENIED.search(plain, max(0, start - 10), start) is not None


class Standing:
    """How much a word counts where it stands: 0 denied, less as a landmark or in a matter already settled."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Most texts deny and settle nothing; one look at the whole spares a look at every word.
        self._denials = _DENIAL.search(text) is not None
        self._settled = [_clause(text, found) for found in _SETTLED.finditer(text)]

    def of(self, start: int, end: int) -> float:
        """Return the share of its weight that the word from `start` to `end` keeps."""
        if self._denials and is_denied(self._text, start):
            return 0.0
        if _PLACE.match(self._text, end):
            return _LANDMARK
        return _SETTLED_SHARE if any(first <= start < last for first, last in self._settled) else 1.0


def _clause(text: str, found: re.Match[str]) -> tuple[int, int]:
    start = max((stop.end() for stop in _CLAUSE.finditer(text, 0, found.start())), default=0)
    stop = _CLAUSE.search(text, found.end())
    return start, stop.start() if stop else len(text)
