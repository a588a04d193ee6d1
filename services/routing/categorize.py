"""What a resident's text is about, by weighted words: the classifier for a street that has no history yet.

It proposes, with the words that spoke for each proposal; where it is not sure it says nothing and a person decides
(the ticket waits under `OTHER`). Scores are crude confidences, not probabilities measured in the field.
"""

import csv
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

OTHER = "1399"
"""The category of what nobody could tell: a person looks at it."""

KIND_TEXT = {
    "consultation": "咨询",
    "help": "求助",
    "complaint": "投诉",
    "tipoff": "举报",
    "suggestion": "建议",
    "praise": "表扬",
}

_LONGEST = 2000  # characters read; what a text is about is said by then
_REACH = 12  # characters between the two halves of a pair
_REACH_OF_ONE = 5  # the same where a half is a single character, which stands in many other words too
_SEEN = 8  # places remembered per word: a text that repeats one word a thousand times must not cost a million steps
_NOISE = 2.25  # the weight, squared, a lone word is set against: weight 1 scores 0.3, weight 5 scores 0.9
_FADE = 0.7  # each further word for the same category counts this much of the one before
_PRAISE = "1303"

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
_DENIAL = re.compile(r"不是|并非|没发现|未发现|没有发现|不存在|没闻到|没有闻到|不涉及")
_DENIED = re.compile(rf"(?:{_DENIAL.pattern})[^,。!?;]{{0,4}}$")
_SUPPOSED = re.compile(r"(?:万一|要是|如果|假如|一旦|真|怕|防止|避免|容易|担心|预防|会|模拟)[^,。!?;]{0,3}$")
_SETTLED = re.compile(r"(?<![没未不])(?:已经|已|早就|都)(?:给)?(?:修好|弄好|修复|解决|清理|恢复|疏通|处理好)")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A category proposed: its confidence from 0 to 1 and the words that spoke for it, strongest first."""

    code: str
    score: float
    words: tuple[str, ...]


class _Hit(NamedTuple):
    start: int
    end: int
    word: str


class Lexicon:
    """Finds weighted words in a text in one pass over its characters.

    A row is (label, word, weight). `A~B` is a pair: both within a dozen characters, in either order. Of words
    inside longer words only the longest counts (停车费, not 停车), but pairs may be built from any.
    """

    def __init__(self, rows: Iterable[tuple[str, str, float]]) -> None:
        self._single: dict[str, list[tuple[str, float]]] = {}
        self._pairs: dict[str, list[tuple[str, str, float]]] = {}
        words: set[str] = set()
        for label, word, weight in rows:
            first, pair, second = normalize(word).partition("~")
            if pair:
                self._pairs.setdefault(first, []).append((second, label, weight))
                words |= {first, second}
            else:
                self._single.setdefault(first, []).append((label, weight))
                words.add(first)
        words.discard("")
        lengths: dict[str, set[int]] = {}
        for word in words:
            if len(word) > 1:
                lengths.setdefault(word[:2], set()).add(len(word))
        self._words = frozenset(words)
        # By their first two characters: at most places of a text that is the only look-up.
        self._lengths = {begin: tuple(sorted(sizes, reverse=True)) for begin, sizes in lengths.items()}

    def weigh(self, text: str) -> dict[str, dict[str, float]]:
        """Return label → word → weight for a normalized text, landmarks and settled matters counted low."""
        hits, places = self._scan(text)
        standing = _Standing(text)
        found: dict[str, dict[str, float]] = {}
        for hit in hits:
            for label, weight in self._single.get(hit.word, ()):
                _keep(found, label, hit.word, weight * standing.of(hit))
        for first, spots in places.items():
            for second, label, weight in self._pairs.get(first, ()):
                near = self._together(spots, places.get(second))
                if near is not None:
                    _keep(found, label, f"{first}…{second}", weight * standing.of(near))
        return found

    @staticmethod
    def _together(spots: list[_Hit], others: list[_Hit] | None) -> _Hit | None:
        """Return the earlier half of the first pair found near each other: that is where a denial would stand."""
        return next((min(a, b) for a in spots for b in others if _near(a, b)), None) if others else None

    def everywhere(self, text: str) -> list[_Hit]:
        """Return where any word or pair of this lexicon stands, for a look at what stands around it."""
        hits, places = self._scan(text)
        spots = [hit for hit in hits if hit.word in self._single]
        for first, firsts in places.items():
            for second, _, _ in self._pairs.get(first, ()):
                others = places.get(second, ())
                spots += [min(a, b) for a in firsts for b in others if _near(a, b)]
        return spots

    def _scan(self, text: str) -> tuple[list[_Hit], dict[str, list[_Hit]]]:
        """Return the words not inside longer ones, and every word's first few places."""
        hits: list[_Hit] = []
        places: dict[str, list[_Hit]] = {}
        covered = 0
        for hit in self._spell(text):
            if hit.end > covered and (hit.word in self._single or hit.word not in self._pairs):
                covered = hit.end
                hits.append(hit)
            spots = places.setdefault(hit.word, [])
            if len(spots) < _SEEN:
                spots.append(hit)
        return hits, places

    def _spell(self, text: str) -> list[_Hit]:
        """Return every known word of the text from left to right, the longest first where several begin."""
        found: list[_Hit] = []
        for start, char in enumerate(text):
            for size in self._lengths.get(text[start : start + 2], ()):
                word = text[start : start + size]
                if word in self._words:
                    found.append(_Hit(start, start + size, word))
            if char in self._words:
                found.append(_Hit(start, start + 1, char))
        return found


class Categorizer:
    """Proposes categories for a text from a street's keyword rows (code, word, weight 1 to 6)."""

    def __init__(
        self, rows: Iterable[tuple[str, str, float]], *, floor: float = 0.4, margin: float = 0.08
    ) -> None:
        """Take the words; below `floor`, or ahead by less than `margin`, `best` leaves it to a person."""
        self._lexicon = Lexicon(rows)
        self._floor = floor
        self._margin = margin

    def classify(self, text: str) -> list[Candidate]:
        """Return up to three candidates, the likeliest first; none where no word is known."""
        plain = _without_courtesy(normalize(text))
        found = self._lexicon.weigh(plain)
        if _PRAISE in found and _kind(plain) == "praise":
            _keep(found, _PRAISE, "表扬", 6.0)
        sums = {code: _sum(words.values()) for code, words in found.items()}
        ranked = sorted(sums, key=lambda code: (-sums[code], code))
        whole = sum(value * value for value in sums.values()) + _NOISE
        return [
            Candidate(code, round(sums[code] ** 2 / whole, 4), _strongest(found[code]))
            for code in ranked[:3]
            if sums[code] > 0
        ]

    def best(self, text: str) -> Candidate | None:
        """Return the candidate to act on, or None where a person must decide."""
        candidates = self.classify(text)
        if not candidates or candidates[0].score < self._floor:
            return None
        second = candidates[1].score if len(candidates) > 1 else 0.0
        return candidates[0] if candidates[0].score - second >= self._margin else None


@lru_cache(maxsize=1)
def keyword_rows() -> tuple[tuple[str, str, float], ...]:
    """Return the packaged keyword rows; a street may add its own."""
    with Path(__file__).with_name("keywords.csv").open(encoding="utf-8", newline="") as lines:
        return tuple((row["code"], row["word"], float(row["weight"])) for row in csv.DictReader(lines))


@lru_cache(maxsize=1)
def packaged() -> Categorizer:
    """Return the categorizer over the packaged words, built once."""
    return Categorizer(keyword_rows())


def kind_of(text: str) -> str:
    """Return what the resident wants, a key of `KIND_TEXT`; `help` where nothing says otherwise."""
    return _kind(_without_courtesy(normalize(text)))


def is_urgent(text: str) -> bool:
    """Say whether the text tells of a danger to life or limb now; what might happen (万一着火) does not count."""
    plain = normalize(text)
    return any(
        not _SUPPOSED.search(plain, max(0, hit.start - 6), hit.start)
        and not _DENIED.search(plain, max(0, hit.start - 10), hit.start)
        for hit in _URGENT.everywhere(plain)
    )


def normalize(text: str) -> str:
    """Return the text as the words are matched: half-width, lower case, no blanks, at most 2,000 characters."""
    return _BLANKS.sub("", unicodedata.normalize("NFKC", text[:_LONGEST])).lower()


def _without_courtesy(plain: str) -> str:
    return _COURTESY.sub("", plain)


def _kind(plain: str) -> str:
    found = _KINDS.weigh(plain)
    sums = {kind: _sum(words.values()) for kind, words in found.items()}
    # Ties go to the kind named first: what is alleged weighs more than what is asked.
    order = ("tipoff", "praise", "complaint", "suggestion", "consultation", "help")
    best = max(order, key=lambda kind: sums.get(kind, 0.0))
    return best if sums.get(best, 0.0) > 0 else "help"


def _near(a: _Hit, b: _Hit) -> bool:
    single = a.end - a.start == 1 or b.end - b.start == 1
    return 0 <= max(a.start - b.end, b.start - a.end) <= (_REACH_OF_ONE if single else _REACH)


class _Standing:
    """How much a word counts where it stands: 0 denied, less as a landmark or in a matter already settled."""

    def __init__(self, text: str) -> None:
        self._text = text
        # Most texts deny and settle nothing; one look at the whole spares a look at every word.
        self._denials = _DENIAL.search(text) is not None
        self._settled = [_clause(text, found) for found in _SETTLED.finditer(text)]

    def of(self, hit: _Hit) -> float:
        if self._denials and _DENIED.search(self._text, max(0, hit.start - 10), hit.start):
            return 0.0
        if _PLACE.match(self._text, hit.end):
            return 0.3
        return 0.4 if any(start <= hit.start < end for start, end in self._settled) else 1.0


def _clause(text: str, found: re.Match[str]) -> tuple[int, int]:
    start = max((stop.end() for stop in _CLAUSE.finditer(text, 0, found.start())), default=0)
    stop = _CLAUSE.search(text, found.end())
    return start, stop.start() if stop else len(text)


def _keep(found: dict[str, dict[str, float]], label: str, word: str, weight: float) -> None:
    words = found.setdefault(label, {})
    words[word] = max(words.get(word, 0.0), weight)


def _sum(weights: Iterable[float]) -> float:
    total, share = 0.0, 1.0
    for weight in sorted(weights, reverse=True):
        total += weight * share
        share *= _FADE
    return total


def _strongest(words: dict[str, float]) -> tuple[str, ...]:
    return tuple(sorted((word for word in words if words[word] > 0), key=lambda word: (-words[word], word)))


def _cues(label: str, weighted: dict[float, str]) -> list[tuple[str, str, float]]:
    return [(label, word, weight) for weight, words in weighted.items() for word in words.split()]


_KINDS = Lexicon(
    _cues("tipoff", {6: "举报 检举 揭发", 3: "偷排 聚赌 赌博 传销 黑作坊 贩卖 偷税 无证经营 无照 非法 私自 造假", 1: "违规 违法 违章"})
    + _cues("praise", {6: "表扬 点赞 点个赞 锦旗 感谢信 好人好事 特别感谢 衷心感谢 要感谢", 4: "感谢~帮 感谢~及时 谢谢~帮我 暖心 拾金不昧 感谢社区 感谢街道 感谢物业", 2: "感谢 辛苦了 感动 好评 态度特别好 贴心 负责任"})
    + _cues("complaint", {6: "投诉", 3: "没人管 不作为 推诿 踢皮球 扰民 态度恶劣 说了不听 屡次 多次反映 一直没人 不管 不解决 乱收费 霸占 太不像话 说了八百遍 糊弄", 2: "天天 年年 总是 老是 占道 乱停 乱扔 吵得 没法睡 没人清 影响 严重 气人 太过分 半夜 骂人", 1: "占了 拖欠 又 还是"})
    + _cues("suggestion", {6: "建议 提议 建言 献策", 3: "希望能 能不能增加 能不能多 希望增加 希望~增设 希望街道 希望社区 可不可以~设 呼吁 最好能 希望~多搞", 1: "希望 增设 优化 完善"})
    + _cues("consultation", {6: "咨询 请问 打听", 3: "想问问 想问一下 问一下 怎么办理 如何办理 怎么申请 如何申请 需要什么材料 要准备啥 要带什么 去哪办 在哪办 几点开门 什么条件 怎么领 怎么弄 听说有 什么政策 流程 有没有~政策 能不能吃低保 划到哪", 1: "怎么 多少 什么时候 吗 哪个 能不能"})
    + _cues("help", {4: "求助 救命 快来人 帮帮 求求 急需 被困 救救", 3: "能不能帮 麻烦~修 请~修 帮忙 尽快~修 派人", 2: "坏了 不亮 停水 停电 没水 没电 堵了 漏水 返水 不热 没了", 1: "麻烦 尽快 请~处理"})
)  # fmt: skip
_URGENT = Lexicon(
    _cues("urgent", {1: """
    煤气味 燃气味 天然气味 天然气~味 煤气~味 燃气~味 漏气 燃气泄漏 煤气泄漏 天然气泄漏 燃气泄露 煤气泄露 煤气中毒 一氧化碳
    电梯~困 困在电梯 关在电梯 电梯~关 被困 困人 着火 起火 失火 冒烟 火灾 爆炸 触电 漏电 电线~断 高压线~断 电线~火花 冒火花
    井盖没了 井盖丢 井盖不见 没有井盖 井盖~没了 井盖~掉 掉井里 坍塌 倒塌 塌了 要塌 塌陷 爆管 水管爆 晕倒 昏迷 不省人事
    跳楼 轻生 自杀 割腕 不想活 落水 溺水 砸伤 砸到人 持刀 砍人 救命 出人命 走失 走丢 中毒 倒灌 淹进屋 灌进屋 水~灌进 泡里了~出不来
    """})
)  # fmt: skip
