"""The `banjie` command: every word it understands, with its options; the work stands in the modules named.

Each command imports what it needs when it runs, so that `banjie --help` answers at once and the process
that supervises everything stays small.
"""
# ruff: noqa: PLC0415 - see above

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from shared.errors import Problem

app = typer.Typer(
    help="办结:接诉即办后台的命令行。",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
secrets = typer.Typer(help="密钥文件:新建、轮换。", no_args_is_help=True)
events = typer.Typer(help="等待投递和已搁置的事件。", invoke_without_command=True)
calendar = typer.Typer(help="工作日历:节假日和调休。", no_args_is_help=True)
rules = typer.Typer(help="派单规则:导入、导出。", no_args_is_help=True)
seed = typer.Typer(help="演示数据。", no_args_is_help=True)
registry = typer.Typer(help="登记簿:区域、单位、人员、分类。", no_args_is_help=True)
app.add_typer(secrets, name="secrets")
app.add_typer(events, name="events")
app.add_typer(calendar, name="calendar")
app.add_typer(rules, name="rules")
app.add_typer(seed, name="seed")
app.add_typer(registry, name="registry")
checklist = typer.Typer(help="目标清单:导入。", no_args_is_help=True)
app.add_typer(checklist, name="checklist")
webhooks = typer.Typer(help="通知线路:机器人和推送。", invoke_without_command=True)
app.add_typer(webhooks, name="webhooks")

Streets = Annotated[list[str], typer.Option("--street", help="街道代码;可写多次,或用逗号分隔")]
OneStreet = Annotated[str, typer.Option("--street", help="街道代码")]
DEMO_STREET = "120116005"


@app.command()
def up(
    *,
    demo: Annotated[bool, typer.Option(help="还没有街道时,装入演示街道和三个月的演示工单")] = True,
) -> None:
    """启动全部服务(自带数据库和队列),Ctrl-C 停止。"""
    from services.console.up import up

    up(demo=demo)


@app.command()
def migrate() -> None:
    """把数据库升级到最新版本,并给各服务的数据库账号设置密码。"""
    from services.console.migrate import migrate
    from shared import keyring, settings

    known = settings.load()
    for warning in migrate(known.owner_url(), keyring.load(known.secrets_path)):
        print(f"! {warning}", file=sys.stderr)
    print("数据库已是最新版本")


@app.command()
def doctor() -> None:
    """逐项检查运行环境;有一项不对,退出码为 1。"""
    from services.console.doctor import examine

    raise SystemExit(examine())


@secrets.command("init")
def secrets_init() -> None:
    """新建密钥文件;已有则不动,退出码为 2。"""
    from services.console import keys

    print(f"已新建 {keys.init()}")


@secrets.command("rotate")
def secrets_rotate(
    purpose: Annotated[Literal["token", "data"], typer.Argument(help="token 登录凭证,data 个人信息")],
) -> None:
    """换上新密钥;旧密钥照样能验证和解密,服务不用重启。"""
    from services.console import keys

    print(f"新密钥 {keys.rotate(purpose)} 已启用")


@app.command()
def token(
    role: Annotated[str, typer.Argument(help="角色:resident、clerk、dispatcher、unit、supervisor、leader…")],
    street: Streets,
    unit: Annotated[
        str | None, typer.Option(help="单位名称或代码(unit、community、grid_worker 必填)")
    ] = None,
    openid: Annotated[str, typer.Option(help="居民的 openid(只用于 resident)")] = "demo",
) -> None:
    """签发登录凭证;标准输出只有凭证本身。"""
    from services.console.credentials import issue_token

    print(issue_token(role, street, unit, openid))


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="给谁用,如“数据看板”")],
    scope: Annotated[list[str], typer.Option(help="权限,可写多次或用逗号分隔:tickets:write、metrics:read…")],
    street: Streets,
    days: Annotated[int | None, typer.Option(min=1, max=3650, help="有效天数;不写则长期有效")] = None,
) -> None:
    """新建脚本密钥;标准输出只有密钥本身,以后不再显示。"""
    from services.console.credentials import make_key

    print(make_key(name, scope, street, days))


@app.command("key-revoke")
def key_revoke(prefix: Annotated[str, typer.Argument(help="密钥的前缀,如 bjk_1a2b3c4d")]) -> None:
    """停用脚本密钥(几秒钟内生效)。"""
    from services.console.credentials import revoke_key

    print(f"已停用密钥“{revoke_key(prefix)}”")


@events.callback()
def events_list(
    context: typer.Context,
    *,
    parked: Annotated[bool, typer.Option("--parked", help="只看已搁置的")] = False,
) -> None:
    """列出等待投递和已搁置的事件。"""
    if context.invoked_subcommand is None:
        from services.console import deliveries

        deliveries.show(parked=parked)


@events.command("retry")
def events_retry(
    event: Annotated[str | None, typer.Argument(help="事件编号,或能认出它的前几位")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="全部已搁置的")] = False,
) -> None:
    """把已搁置的事件放回队列,重新投递。"""
    from services.console import deliveries

    if everything == (event is not None):
        raise RuntimeError("请写一个事件编号,或写 --all")
    print(f"已放回 {deliveries.retry(event)} 条")


@calendar.command("import")
def calendar_import(
    file: Annotated[
        Path, typer.Argument(help='一年的放假安排:{"year": 2027, "days": [{"date", "isOffDay", "name"}]}')
    ],
) -> None:
    """导入国务院公布的一年放假安排。"""
    from services.console import holidays

    year, days = holidays.import_year(file)
    print(f"已导入 {year} 年,共 {days} 天")


@calendar.command("day")
def calendar_day(
    day: Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="哪一天,如 2026-08-08")],
    kind: Annotated[str, typer.Argument(help="off 不上班,half 上半天班,work 上班")],
    street: OneStreet,
    note: Annotated[str, typer.Option(help="原因,如“台风停工”")],
) -> None:
    """写入街道自己的停工、半天或加班;未办结的时限随之重算。"""
    from services.console.localdays import set_day

    print(set_day(street, day.date(), kind, note))


@calendar.command("policy")
def calendar_policy(
    file: Annotated[Path, typer.Argument(help="时限方案(JSON)")],
    street: OneStreet,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="从哪一天起;不写则从今天起")
    ] = None,
) -> None:
    """换上街道的时限方案:起算日、下班后收到怎么算、上班时间、各类时限、延期次数。"""
    from services.console.localdays import set_policy

    print(f"时限方案第 {set_policy(street, file, since.date() if since else None)} 版已登记")


@calendar.command("seed")
def calendar_seed() -> None:
    """装入随软件附带的历年安排(2004 年起)。"""
    from services.console import holidays

    years, days = holidays.seed()
    print(f"已装入 {years[0]}–{years[-1]} 年,共 {days} 天")


@rules.command("import")
def rules_import(
    file: Annotated[Path, typer.Argument(help="规则的 JSON 列表,格式同 rules export 的输出")],
    street: OneStreet,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="写入;不写则只试算")] = False,
) -> None:
    """逐条核对规则并试算影响;加 --apply 才写入。有一条不对,退出码为 1。"""
    from services.console.rule_files import bring

    raise SystemExit(bring(file, street, apply=apply))


@rules.command("export")
def rules_export(street: OneStreet) -> None:
    """打印今天有效的派单规则(JSON)。"""
    from services.console.rule_files import export

    print(export(street))


@seed.command("demo")
def seed_demo(
    street: OneStreet = DEMO_STREET,
) -> None:
    """装入演示街道:社区、网格、单位、分类、人员(可以重复执行)。"""
    from services.console.demo import install

    print(install(street))


@seed.command("tickets")
def seed_tickets(
    street: OneStreet = DEMO_STREET,
    days: Annotated[int, typer.Option(min=1, max=366, help="多少天的工单")] = 90,
) -> None:
    """通过真实的接口登记和办理演示工单;中断后再执行会接着做。"""
    from services.console.demo.tickets import fill

    print(fill(street, days))


@app.command()
def replay(
    case: Annotated[str, typer.Argument(help="xinbei、hefeilu、shixi 或 all")],
) -> None:
    """重放文章里的案例,把公布的数字与实测逐个核对;有不同则退出码为 1。"""
    from services.console.replay import run

    raise SystemExit(run(case))


@app.command("import")
def import_ledger(
    file: Annotated[Path, typer.Argument(help="台账文件:CSV 或 xlsx")],
    street: OneStreet,
) -> None:
    """导入台账,直到每一行都计入指标;有误的行逐条列出,退出码为 1,整份无法导入为 2。"""
    from services.console.ledgers import bring

    raise SystemExit(bring(file, street))


@checklist.command("import")
def checklist_import(
    file: Annotated[Path, typer.Argument(help="一行一个事项的 CSV 或 xlsx")], street: OneStreet
) -> None:
    """导入目标清单:没有的清单先建,每行登记一张工单并列入清单;有误的行逐条列出,退出码为 1。"""
    from services.console.commitments import bring

    raise SystemExit(bring(file, street))


@registry.command("import")
def registry_import(
    files: Annotated[list[Path], typer.Argument(help="xlsx、以清单命名的 CSV、GeoJSON 边界;可以多个")],
    street: OneStreet,
    *,
    apply: Annotated[bool, typer.Option("--apply", help="写入;不写则只试算")] = False,
    keep_good: Annotated[bool, typer.Option("--keep-good", help="有误的行留下,其余照常写入")] = False,
    crs: Annotated[Literal["gcj02", "wgs84", "bd09"], typer.Option(help="边界的坐标系")] = "gcj02",
    since: Annotated[str | None, typer.Option(help="没有写明生效日期的边界从哪天起生效")] = None,
    kind: Annotated[str | None, typer.Option("--list", help="CSV 是哪一类清单;不写则看文件名")] = None,
) -> None:
    """导入登记簿清单和网格边界,先试算;有误的行逐条列出,退出码为 1。"""
    from services.console import registry

    done = registry.bring_in(files, street, apply=apply, keep_good=keep_good, crs=crs, since=since, kind=kind)
    raise SystemExit(done)


@registry.command("check")
def registry_check(street: OneStreet) -> None:
    """检查网格有无空白、重叠,每个片区是否恰好一名责任人;有问题则退出码为 1。"""
    from services.console import registry

    raise SystemExit(registry.check(street))


@registry.command("export")
def registry_export(street: OneStreet, folder: Annotated[Path, typer.Argument(help="写到哪个目录")]) -> None:
    """把登记簿写成导入所用的 CSV 和 GeoJSON。"""
    from services.console import registry

    print(f"已写出 {registry.write_out(street, folder)} 个文件到 {folder}")


@app.command()
def check(
    published: Annotated[str | None, typer.Argument(help="公布值:97.3%、0.973、超过95%、约95%")] = None,
    n: Annotated[str | None, typer.Option("--n", help="分母;可以是约数:8700余、约7万、近500")] = None,
    k: Annotated[str | None, typer.Option("--k", help="分子;可以是约数")] = None,
    total: Annotated[str | None, typer.Option(help="公布合计")] = None,
    parts: Annotated[str | None, typer.Option(help="分项:渠道=41424,其他=5229")] = None,
    shares: Annotated[str | None, typer.Option(help="占比:渠道=88.79%,其他=11.21%")] = None,
    counts: Annotated[str | None, typer.Option(help="恒等式的各项:受理=2877,直办=2276,派单=601")] = None,
    rounding: Annotated[
        Literal["half_up", "truncate"] | None, typer.Option(help="四舍五入或截断;不写则两种都试")
    ] = None,
) -> None:
    """核对公布的数字:百分数可不可达,合计平不平;不需要启动服务。不可达或不平,退出码为 1。"""
    from services.console.published import check, entries
    from services.metrics.claims import Claim

    claim = Claim(published, n, k, total, entries(parts), entries(shares), entries(counts), rounding)
    raise SystemExit(check(claim))


@app.command("train")
def train_classifier(
    street: Annotated[str | None, typer.Option("--street", help="街道代码:用该街道已确认的工单训练")] = None,
    *,
    base: Annotated[bool, typer.Option("--base", help="用随软件附带的例句重建附带的模型")] = False,
    force: Annotated[bool, typer.Option("--force", help="工单太少或不如现用的也照样启用")] = False,
) -> None:
    """训练分类模型(需要 scikit-learn);样本太少或不如现用的准,退出码为 2。"""
    from services.console import classifiers

    if base == (street is not None):
        raise RuntimeError("请写 --street 街道代码,或写 --base")
    if street is None:
        classifiers.train_base()
    else:
        classifiers.train_street(street, force=force)


@app.command("evaluate")
def evaluate_classifier(
    file: Annotated[Path, typer.Argument(help="CSV 文件,列为 text、code,可有 kind")],
    street: Annotated[
        str | None, typer.Option("--street", help="街道代码:检验该街道现用的模型;不写则检验附带的")
    ] = None,
) -> None:
    """检验分类:正确率、各类召回率、把握是否名副其实、最常混淆的、交给人的比例和每条用时。"""
    from services.console import classifiers

    classifiers.evaluate(file, street)


@app.command()
def audit(
    street: Annotated[list[str] | None, typer.Option(help="街道代码;不填则为全部街道")] = None,
) -> None:
    """从全部经过重新计数,与账上逐格核对;有任何不同,退出码为 1。"""
    from services.console import books

    raise SystemExit(0 if books.audit(street or []) else 1)


@app.command()
def rebuild(
    street: Annotated[list[str] | None, typer.Option(help="街道代码;不填则为全部街道")] = None,
) -> None:
    """按全部经过重建账目(指标服务可以照常运行)。"""
    from services.console import books

    books.rebuild(street or [])


@webhooks.callback()
def webhooks_list(context: typer.Context) -> None:
    """列出通知线路,各有多少待发、多少失败。"""
    if context.invoked_subcommand is None:
        from services.console import lines

        lines.show()


@webhooks.command("replay")
def webhooks_replay(
    line: Annotated[str | None, typer.Argument(help="线路编号(或开头几位)")] = None,
    *,
    everything: Annotated[bool, typer.Option("--all", help="全部线路")] = False,
) -> None:
    """把推送失败的重新排队;接收方按通知编号去重。"""
    from services.console import lines

    if everything == (line is not None):
        raise RuntimeError("请写一个线路编号,或写 --all")
    print(f"重新排队 {lines.replay(line)} 条")


def main() -> None:
    """Run the command; what cannot be done is told in one Chinese line on stderr, with exit code 2."""
    try:
        app()
    except Problem as problem:
        _refuse(problem.detail)
    except (RuntimeError, OSError) as error:
        _refuse(str(error))


def _refuse(message: str) -> None:
    print(f"✗ {message}", file=sys.stderr)
    raise SystemExit(2)


if __name__ == "__main__":
    main()
