"""The question that every metrics endpoint takes, read from the query once."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request

from services.metrics import registry
from services.metrics.answer import Asked
from services.metrics.figures import Manner
from services.metrics.periods import Window, parse
from services.metrics.rates import MOST_DIGITS, Rounding
from services.metrics.splits import FILTERS, FREE, SPLITS
from services.metrics.store import Basis, By, Scope
from services.metrics.windows import calendar_of
from shared import clock
from shared.auth import Actor
from shared.db import Transaction
from shared.errors import invalid
from shared.streets import Street
from shared.terms import STAFF_ROLES, Scope as KeyScope
from shared.web.access import only, process_of
from shared.web.fields import Day, PastInstant

Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=KeyScope.METRICS_READ))]
Digits = Annotated[int, Query(ge=0, le=MOST_DIGITS, description="小数位数")]
HowToRound = Annotated[Rounding, Query(description="四舍五入 half_up,截断 truncate;都不会进位到100%")]
Streets = Annotated[
    str | None,
    Query(
        max_length=400,
        pattern=r"^[A-Za-z0-9_,-]*$",
        description="街道代码,多个用逗号分隔;不填则为有权的全部街道",
    ),
]
OneStreet = Annotated[str | None, Query(max_length=40, pattern=r"^[A-Za-z0-9_-]*$", description="街道代码")]
SplitBy = Annotated[
    str | None,
    Query(
        max_length=40,
        pattern=r"^[a-z_]+(,[a-z_]+)?$",
        description=f"按什么拆分,可交叉两项:{'、'.join(SPLITS)}",
    ),
]
_LONGEST = 366 * 60


def _filter(split: str) -> Any:
    """Return a query parameter that narrows to one value of a split: its code or its name."""
    return Query(
        alias=split, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$", description=f"只看这一{SPLITS[split].label}(代码或名称)"
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What a question is narrowed to, as written."""

    channel: Annotated[str | None, _filter("channel")] = None
    kind: Annotated[str | None, _filter("kind")] = None
    category: Annotated[str | None, _filter("category")] = None
    group: Annotated[str | None, _filter("group")] = None
    community: Annotated[str | None, _filter("community")] = None
    grid: Annotated[str | None, _filter("grid")] = None
    unit: Annotated[str | None, _filter("unit")] = None
    part_unit: Annotated[str | None, _filter("part_unit")] = None
    level: Annotated[str | None, _filter("level")] = None
    mode: Annotated[str | None, _filter("mode")] = None
    list: Annotated[str | None, _filter("list")] = None
    list_level: Annotated[str | None, _filter("list_level")] = None
    outcome: Annotated[str | None, _filter("outcome")] = None
    excluded: Annotated[str | None, _filter("excluded")] = None
    state: Annotated[str | None, _filter("state")] = None
    stage: Annotated[str | None, _filter("stage")] = None

    def given(self) -> dict[str, str]:
        return {name: wanted for name in FILTERS if (wanted := getattr(self, name)) is not None}


def _parameters(request: Request) -> frozenset[str]:
    """Return the query parameters of the door that is asked, as its document names them."""
    paths, route = request.app.openapi()["paths"], request.scope["route"].path
    operation = paths[route if route in paths else f"/v1{route}"][request.method.lower()]
    return frozenset(p["name"] for p in operation["parameters"] if p["in"] == "query")


def no_strangers(request: Request) -> None:
    """Raise Invalid for a query parameter that the door does not know.

    A misspelt filter that is passed over in silence gives a figure of something else.
    """
    known = _parameters(request)
    for name in request.query_params:
        if name not in known:
            raise invalid(
                name,
                f"没有“{name[:40]}”这个参数,可用的有:{'、'.join(sorted(known))}",
                code="unknown_parameter",
            )


async def asked(
    request: Request,
    actor: Reader,
    _: Annotated[None, Depends(no_strangers)],
    filters: Annotated[Filters, Depends()],
    street: Streets = None,
    first: Annotated[Day | None, Query(alias="from", description="窗口首日(含),不填则为今年1月1日")] = None,
    last: Annotated[Day | None, Query(alias="to", description="窗口末日(含),不填则为今天")] = None,
    period: Annotated[
        str | None,
        Query(max_length=20, description="代替 from、to:2026-11-24、2026-W47、2026-11、2026-Q4、2026"),
    ] = None,
    calendar: Annotated[
        Literal["natural", "assessment"], Query(description="period 按自然日历还是按本街道的考核日历")
    ] = "natural",
    as_of: Annotated[PastInstant | None, Query(description="以哪一时刻已发生的为准,不填则为现在")] = None,
    known_at: Annotated[
        PastInstant | None, Query(description="以哪一时刻已录入的为准,不填则为现在;用来复现当时公布的数")
    ] = None,
    basis: Annotated[
        Basis,
        Query(description="按登记(cohort)、到期(due)、办结(closed)时间取数,或本期收到加期初结转(workload)"),
    ] = "cohort",
) -> Asked:
    """Return the question asked; raises Invalid for what cannot be meant and Forbidden for foreign streets."""
    streets = await streets_of(request, actor, street)
    async with process_of(request).database.transaction([s.id for s in streets], read_only=True) as tx:
        window = await window_of(tx, streets, first, last, period, calendar)
        return await ask(tx, actor, streets, filters, window, as_of=as_of, known_at=known_at, basis=basis)


async def ask(
    tx: Transaction, actor: Actor, streets: Sequence[Street], filters: Filters, window: Window, *,
    as_of: datetime | None, known_at: datetime | None, basis: Basis,
) -> Asked:  # fmt: skip
    """Return a question from its parts, however they came; raises Invalid for what cannot be meant."""
    groups = await _groups(tx, streets)
    wanted = await _resolved(tx, streets, filters.given())
    scope = Scope(
        tuple(s.id for s in streets), window.first, window.last, as_of or clock.now(), basis, wanted, known_at,
        window.exact, groups,
    )  # fmt: skip
    return Asked(actor, scope, streets, window)


async def window_of(
    tx: Transaction,
    streets: Sequence[Street],
    first: date | None,
    last: date | None,
    period: str | None,
    calendar: str,
) -> Window:
    """Return the window that is meant: this year until today where nothing is said; raises Invalid."""
    today = clock.local_day(clock.now())
    if period is not None:
        if first is not None or last is not None:
            raise invalid("period", "period 不能与 from、to 同时填写")
        try:
            window = parse(period, await calendar_of(tx, streets, calendar))
        except ValueError as error:
            raise invalid("period", str(error)) from error
    else:
        start, end = first or date(today.year, 1, 1), last or today
        if start > end:
            raise invalid("from", "窗口首日不能晚于末日")
        window = Window.of_days(start, end)
    if window.first.year < 1990 or window.last.year > today.year + 10 or (window.last - window.first).days > _LONGEST:  # noqa: PLR2004 # fmt: skip
        raise invalid("period" if period else "from", "窗口超出可查范围")
    return window


async def _groups(tx: Transaction, streets: Sequence[Street]) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for code, name in (await registry.groups(tx, [s.id for s in streets])).items():
        found.setdefault(name, set()).add(code)
    return {name: frozenset(codes) for name, codes in found.items()}


async def _resolved(tx: Transaction, streets: Sequence[Street], given: Mapping[str, str]) -> dict[str, str]:
    """Return the filters by code; what is written may be a code or a name."""
    found = {}
    for name, wanted in given.items():
        texts = SPLITS[name].texts
        if name in FREE:
            found[name] = wanted
        elif texts is not None:
            found[name] = _term(name, wanted, texts)
        else:
            rows = await registry.names(tx, [s.id for s in streets], name)
            found[name] = _code(name, wanted, rows)
    return found


def _code(name: str, wanted: str, rows: Iterable[tuple[int, str, str]]) -> str:
    """Return the code of what is called so; what the registry does not know is taken as it is written."""
    named = {code for _, code, title in rows if title == wanted}
    if not named or any(code == wanted for _, code, _ in rows):
        return wanted
    if len(named) > 1:
        raise invalid(name, f"“{wanted}”对应几个代码:{'、'.join(sorted(named))},请填写代码,或分街道查询")
    return named.pop()


def _term(name: str, wanted: str, texts: Mapping[str, str]) -> str:
    if wanted in texts:
        return wanted
    for code, text in texts.items():
        if text == wanted and text:
            return code
    allowed = "、".join(f"{code}({text})" for code, text in texts.items() if code)
    raise invalid(name, f"可选值:{allowed}")


async def streets_of(request: Request, actor: Actor, codes: str | None) -> list[Street]:
    """Return the streets asked about, all of the actor's own where none is named; raise Forbidden for others."""
    known = process_of(request).streets
    if codes:
        streets = [await known.by_code(code) for code in dict.fromkeys(codes.split(",")) if code]
        for street in streets:
            actor.in_street(street.id)
    else:
        streets = [s for s in await known.all() if s.id in actor.streets]
    if not streets:
        raise invalid("street", "请填写街道代码")
    return streets


async def one_street(request: Request, actor: Actor, code: str | None) -> Street:
    """Return the street named, or the actor's only one; raise Invalid where that leaves a choice."""
    streets = await streets_of(request, actor, code)
    if len(streets) != 1:
        raise invalid("street", "您属于多个街道,请填写一个街道代码", code="street_required")
    return streets[0]


def splits(by: str | None) -> By:
    """Return the splits asked for; raise Invalid for unknown ones and for one crossed with itself."""
    found = tuple(by.split(",")) if by else ()
    unknown = [split for split in found if split not in SPLITS]
    if unknown or len(set(found)) != len(found):
        raise invalid(
            "by", f"可选值:{'、'.join(f'{s.id}({s.label})' for s in SPLITS.values())};交叉的两项须不同"
        )
    return found


def manner(
    population: Annotated[
        Literal["all", "assessed"], Query(description="全口径 all,考核口径(剔除后)assessed")
    ] = "all",
    rounding: HowToRound = "half_up",
    digits: Digits = 2,
    over: Annotated[
        Decimal | None, Query(ge=0, le=100, max_digits=12, description="百分数门槛:严格超过才算,恰好等于不算")
    ] = None,
    least: Annotated[int, Query(ge=0, le=100_000, description="分母少于此数的标记为样本过少")] = 5,
) -> Manner:
    """Return how figures are to be shown."""
    limit = None if over is None else Fraction(over) / 100
    return Manner(digits, rounding, limit, least, population == "assessed")


def by(by: SplitBy = None) -> By:
    """Return the splits asked for."""
    return splits(by)


Question = Annotated[Asked, Depends(asked)]
How = Annotated[Manner, Depends(manner)]
Splits = Annotated[By, Depends(by)]
