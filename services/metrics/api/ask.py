"""The question that every metrics endpoint takes, read from the query once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import Depends, Query, Request

from services.metrics.store import Basis, Scope
from shared import clock
from shared.auth import Actor
from shared.errors import invalid
from shared.streets import Street
from shared.tables import DIMENSIONS
from shared.terms import STAFF_ROLES, Scope as KeyScope
from shared.web.access import only, process_of
from shared.web.fields import Day, PastInstant

Reader = Annotated[Actor, Depends(only(*STAFF_ROLES, scope=KeyScope.METRICS_READ))]
Filter = Annotated[str | None, Query(max_length=64, pattern=r"^[A-Za-z0-9_-]*$")]
By = Literal["street", "channel", "kind", "category", "community", "grid", "unit"]
_LONGEST = 366 * 60


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks about which tickets, and the streets by name."""

    actor: Actor
    scope: Scope
    streets: Sequence[Street]

    def window(self) -> dict[str, Any]:
        """Return the window as answers show it."""
        s = self.scope
        return {"basis": s.basis, "from": s.first, "to": s.last, "timezone": "Asia/Shanghai"}


async def asked(
    request: Request,
    actor: Reader,
    street: Annotated[
        str | None,
        Query(
            max_length=400,
            pattern=r"^[A-Za-z0-9_,-]*$",
            description="街道代码,多个用逗号分隔;不填则为有权的全部街道",
        ),
    ] = None,
    first: Annotated[Day | None, Query(alias="from", description="窗口首日(含),不填则为今年1月1日")] = None,
    last: Annotated[Day | None, Query(alias="to", description="窗口末日(含),不填则为今天")] = None,
    as_of: Annotated[PastInstant | None, Query(description="以哪一时刻已发生的为准,不填则为现在")] = None,
    basis: Annotated[Basis, Query(description="按登记(cohort)、到期(due)或办结(closed)时间取数")] = "cohort",
    channel: Filter = None,
    kind: Filter = None,
    category: Filter = None,
    community: Filter = None,
    grid: Filter = None,
    unit: Filter = None,
) -> Asked:
    """Return the question asked; raises Invalid for what cannot be meant and Forbidden for foreign streets."""
    streets = await _streets(request, actor, street)
    now = clock.now()
    today = clock.local_day(now)
    start, end = first or date(today.year, 1, 1), last or today
    if start > end:
        raise invalid("from", "窗口首日不能晚于末日")
    if start.year < 1990 or end.year > today.year + 10 or (end - start).days > _LONGEST:  # noqa: PLR2004
        raise invalid("from", "窗口超出可查范围")
    given = dict(zip(DIMENSIONS, (channel, kind, category, community, grid, unit), strict=True))
    filters = {name: wanted for name, wanted in given.items() if wanted is not None}
    scope = Scope(tuple(s.id for s in streets), start, end, as_of or now, basis, filters)
    return Asked(actor, scope, streets)


async def _streets(request: Request, actor: Actor, codes: str | None) -> list[Street]:
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


Question = Annotated[Asked, Depends(asked)]
