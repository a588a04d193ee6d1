"""`banjie registry`: a street's lists brought in, examined and written out, by the database's owner."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from services.console import owner
from services.routing import coverage
from services.routing.examine import Examined, examine
from services.routing.upkeep import export, store
from services.routing.upkeep.faults import Fault
from services.routing.upkeep.run import File, Report, Wishes, bring
from services.routing.upkeep.state import Action
from shared import clock
from shared.db import Database
from shared.terms import Crs

SHOWN = 40


def bring_in(
    paths: Sequence[Path],
    code: str,
    *,
    apply: bool,
    keep_good: bool,
    crs: str,
    since: str | None,
    kind: str | None,
) -> int:
    """Bring files into a street's registry; return 0, or 1 if a row was refused. RuntimeError for what is not there."""
    missing = next((path for path in paths if not path.is_file()), None)
    if missing is not None:
        raise RuntimeError(f"没有文件 {missing}")
    files = [File(path.name, path.read_bytes(), kind) for path in paths]
    wishes = Wishes(apply, keep_good, Crs(crs), _day(since))

    async def work(opened: Database) -> Report:
        [street] = await owner.streets(opened, [code])
        report = await bring(opened, street, files, wishes, None)
        if report.applied and report.changes:
            detail: dict[str, object] = {"import_id": str(report.import_id), "changes": len(report.changes)}
            async with opened.transaction([street.id]) as tx:
                await owner.audited(tx, [street.id], "registry_imported", detail)
        return report

    return _tell(owner.run(work), wishes)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError as error:
        raise RuntimeError(f"“{text}”不是日期,应如 2026-07-01") from error


def _tell(report: Report, wishes: Wishes) -> int:
    for kind in sorted({*report.told, *(change.kind.name for change in report.changes)}):
        counts = ",".join(f"{a.text} {report.count(kind, a)}" for a in Action)
        print(f"{kind}:{report.told.get(kind, 0)} 行,{counts}")
    for change in report.changes[:SHOWN]:
        print(f"  {change.action.text} {change.kind.title} {change.code}")
    if len(report.changes) > SHOWN:
        print(f"  …共 {len(report.changes)} 处变化")
    for fault in report.faults:
        print(f"✗ {_where(fault)}{fault.message}")
    for warning in report.warnings:
        print(f"! {warning}")
    if report.applied:
        print("已写入")
    elif wishes.apply:
        print("有错误,什么也没有写入;改好再导,或加 --keep-good 先写入其余的行")
    else:
        print("以上是试算,什么也没有写入;加 --apply 写入")
    return 1 if report.faults else 0


def _where(fault: Fault) -> str:
    place = fault.place
    sheet = f"“{place.sheet}”" if place.sheet else ""
    return f"{place.file}{sheet}{f' 第 {place.line} 行' if place.line else ''}:"


def check(code: str) -> int:
    """Print how a street's areas stand today; return 1 if anything is wrong."""

    async def work(opened: Database) -> Examined:
        [street] = await owner.streets(opened, [code])
        async with opened.transaction([street.id], read_only=True) as tx:
            return await examine(tx, street, clock.local_day(clock.now()))

    found = owner.run(work)
    print(f"社区 {found.communities} 个,网格 {found.grids} 个,边界 {found.boundaries} 个")
    for finding in found.findings:
        print(f"✗ {coverage.words(finding)}")
    for area, message in found.responsibility:
        print(f"✗ {area} {message}")
    print("无空白、无重叠,责任到人" if found.good else "有上述问题")
    return 0 if found.good else 1


def write_out(code: str, folder: Path) -> int:
    """Write a street's registry into a folder as an import takes it; return how many files."""

    async def work(opened: Database) -> list[tuple[str, bytes]]:
        [street] = await owner.streets(opened, [code])
        async with opened.transaction([street.id], read_only=True) as tx:
            return list(export.files(await store.load(tx, street, clock.local_day(clock.now()))))

    files = owner.run(work)
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / name).write_bytes(content)
    return len(files)
