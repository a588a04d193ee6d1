"""`banjie train` and `banjie evaluate`: classifiers made from texts, and held to texts."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.console import owner
from services.console.demo.organisation import catalog
from services.metrics.rates import display
from services.routing import trained
from services.routing.classification.classifier import BASE, BASE_HASH, Classifier, packaged
from services.routing.classification.evaluation import Report, Share, evaluate as measure
from services.routing.classification.model import Model
from services.routing.classification.texts import packaged_texts, read
from services.routing.classification.training import Sample, train
from services.routing.classification.words import packaged_words
from services.routing.trained import Label, Trial
from shared.db import Database

LEAST = 200  # confirmed tickets: with fewer the street's own words drown in chance
_HELD_OUT = 5  # every fifth text is kept out of training
_SOURCES = 3  # shares of a street's texts that are left out in turn when confidences are set
_CHOSEN, _UNRETURNED = 3.0, 1.0  # how much a category counts that staff named, and one that nobody sent back
_SHOWN = 15


def train_base() -> None:
    """Make the packaged model anew from the packaged texts: the same texts give the same bytes."""
    model, left_out = train(_base_samples())
    for writer, found in left_out.items():
        print(
            f"不用 {writer} 训练时,它的 {found.texts} 条:首选正确 {_percent(Share(found.first, found.texts))},"
            f"前三之内 {_percent(Share(found.among, found.texts))}"
        )
    BASE.write_bytes(model.to_bytes())
    BASE_HASH.write_text(model.sha256 + "\n", encoding="ascii")
    print(f"随软件附带的模型已重建:{_described(model)}")


def train_street(code: str, *, force: bool) -> None:
    """Train a street's own model from its confirmed tickets, and put it to use.

    RuntimeError when there are too few tickets, or when it is worse than the one in use (unless `force`).
    """
    street_id, known, current = owner.run(lambda opened: _lessons(opened, code))
    if len(known) < LEAST and not force:
        raise RuntimeError(f"已确认分类的工单只有 {len(known)} 张,至少需要 {LEAST} 张(--force 可强行训练)")
    held = [k for k in known if _share_of(k.content, 0) % _HELD_OUT == 0]
    own = [_sample(k) for k in known if _share_of(k.content, 0) % _HELD_OUT]
    model, _ = train([*_base_samples(), *own])
    trial = Trial(
        len(known), len(held), _right(current, held), _right(Classifier(packaged_words(), model), held)
    )
    print(
        f"工单 {trial.samples} 张(其中 {sum(k.chosen for k in known)} 张由人员选定或改正),"
        f"留出 {trial.tested} 张检验:现用 {_percent(Share(trial.right_before, trial.tested))},"
        f"新模型 {_percent(Share(trial.right_after, trial.tested))}"
    )
    if trial.right_after < trial.right_before and not force:
        raise RuntimeError("新模型不如现用的准,没有启用(--force 可强行启用)")
    version = owner.run(lambda opened: _store(opened, street_id, model, trial))
    print(f"第 {version} 版已启用(服务在十秒内换用):{_described(model)}")


def evaluate(file: Path, code: str | None) -> None:
    """Print how the packaged classifier, or a street's, does on the texts of a file."""
    texts = read(file)
    if not texts:
        raise RuntimeError(f"{file} 里没有文字")
    classifier = packaged() if code is None else owner.run(lambda opened: _in_use(opened, code))
    names = _names()
    unknown = sorted({t.code for t in texts} - names.keys()) if code is None else []
    if unknown:
        raise RuntimeError(f"分类目录里没有这些代码:{'、'.join(unknown)}")
    print(f"{classifier.version},低于 {classifier.threshold:.2f} 由人员确定")
    _print(measure(classifier, texts), names)


def _print(report: Report, names: Mapping[str, str]) -> None:
    print(
        f"首选正确 {_percent(report.first)},前三之内 {_percent(report.among)},各类召回率平均 {report.macro_recall:.4f}"
    )
    left = Share(report.decided.whole - report.decided.part, report.decided.whole)
    print(f"交由人员确定 {_percent(left)},其余正确 {_percent(report.decided_rightly)}")
    if report.kinds.whole:
        print(f"诉求类型正确 {_percent(report.kinds)}")
    print(f"每条 {report.milliseconds:.2f} 毫秒")
    print(f"把握与实际(平均偏差 {report.error:.3f}):")
    for each in report.bins:
        print(f"  把握 {each.sure:.2f}  实际 {_percent(each.right)}")
    print("各类召回率:")
    for code, recall in report.recalls.items():
        print(f"  {code} {names.get(code, '')} {_percent(recall)}")
    print("最常混淆:" if report.confused else "没有混淆")
    for right, said, times in report.confused[:_SHOWN]:
        print(f"  {right} {names.get(right, '')} → {said or '无'} {names.get(said, '')} {times} 次")


def _percent(share: Share) -> str:
    """Return a share with its counts, cut off and not rounded: 100 % is only what is whole."""
    return f"{display(share.part, share.whole, rounding='truncate')}({share.part}/{share.whole})"


def _names() -> dict[str, str]:
    return {row["code"]: row["name"] for row in catalog()}


def _described(model: Model) -> str:
    c = model.calibration
    return (
        f"{model.version},{len(model.codes)} 类,{len(model.grams)} 个字词,低于 {c.threshold:.2f} 由人员确定"
    )


def _base_samples() -> list[Sample]:
    return [Sample(t.text, t.code, writer) for writer, texts in packaged_texts() for t in texts]


def _sample(label: Label) -> Sample:
    source = f"street-{_share_of(label.content, 1) % _SOURCES}"
    return Sample(label.content, label.code, source, _CHOSEN if label.chosen else _UNRETURNED, private=True)


def _share_of(content: str, byte: int) -> int:
    """Return a number that depends on the text alone: what is held out today was held out last time, too."""
    return hashlib.sha256(content.encode()).digest()[byte]


def _right(classifier: Classifier, held: Sequence[Label]) -> int:
    answers = [classifier.classify(k.content) for k in held]
    return sum(bool(found) and found[0].code == k.code for found, k in zip(answers, held, strict=True))


async def _lessons(opened: Database, code: str) -> tuple[int, list[Label], Classifier]:
    [street] = await owner.streets(opened, [code])
    async with opened.transaction([street.id], read_only=True) as tx:
        return street.id, await trained.labels(tx, street.id), await trained.active(tx, street.id)


async def _in_use(opened: Database, code: str) -> Classifier:
    [street] = await owner.streets(opened, [code])
    async with opened.transaction([street.id], read_only=True) as tx:
        return await trained.active(tx, street.id)


async def _store(opened: Database, street_id: int, model: Model, trial: Trial) -> int:
    async with opened.transaction([street_id]) as tx:
        version = await trained.store(tx, street_id, model, trial)
        detail: dict[str, object] = {"version": version, "sha256": model.sha256, **trial._asdict()}
        await owner.audited(tx, [street_id], "classifier_trained", detail)
    return version
