"""What the resident wants (咨询, 求助, 投诉 …), and words of danger now: both whatever the matter is."""

import re

from services.routing.classification.lexicon import Lexicon, total
from services.routing.classification.reading import is_denied, normalize, without_courtesy

KIND_TEXT = {
    "consultation": "咨询",
    "help": "求助",
    "complaint": "投诉",
    "tipoff": "举报",
    "suggestion": "建议",
    "praise": "表扬",
}
# Ties go to the kind named first: what is alleged weighs more than what is asked.
_ORDER = ("tipoff", "praise", "complaint", "suggestion", "consultation", "help")
_SUPPOSED = re.compile(r"(?:万一|要是|如果|假如|一旦|真|怕|防止|避免|容易|担心|预防|会|模拟)[^,。!?;]{0,3}$")


def kind_of(text: str) -> str:
    """Return what the resident wants, a key of `KIND_TEXT`; `help` where nothing says otherwise."""
    found = _KINDS.weigh(without_courtesy(normalize(text)))
    sums = {kind: total(words.values()) for kind, words in found.items()}
    best = max(_ORDER, key=lambda kind: sums.get(kind, 0.0))
    return best if sums.get(best, 0.0) > 0 else "help"


def urgent_word(text: str) -> str | None:
    """Return the words that tell of a danger to life or limb now, or None; what might happen (万一着火) does not count."""
    plain = normalize(text)
    return next(
        (
            hit.word
            for hit in _URGENT.everywhere(plain)
            if not _SUPPOSED.search(plain, max(0, hit.start - 6), hit.start)
            and not is_denied(plain, hit.start)
        ),
        None,
    )


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
