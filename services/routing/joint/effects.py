"""What whistles, slips, visits and matters passed on leave behind. Pure; which of them is meant was read before.

Sources: domain 3.4 (whistle), rows S3-18 (three timed stages), S4-16 and S4-17 (slips), S1-17 (当面说、实地看、现场改).
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from services.routing.geometry import convert
from services.routing.held import Change, Waiting
from services.routing.joint import parts
from services.routing.timing import policy_of
from shared.errors import Conflict, invalid
from shared.terms import Role, WhistleKind

_ORIGINS = {
    Role.RESIDENT: "residents", Role.GRID_WORKER: "grid", Role.COMMUNITY: "community", Role.UNIT: "unit",
}  # fmt: skip


def _kind(c: Change) -> str:
    return c.data.get("whistle") or WhistleKind.DAILY.value


def _limit(c: Change, kind: str) -> datetime:
    return c.registry.calendar.due(c.at, policy_of(c.row, c.registry).report_in[kind]).at


def _blow(c: Change, origin: str, response_due_at: datetime | None) -> None:
    c.record(
        "whistles", kind=_kind(c), origin=origin, caller_unit=c.actor.unit, reason=c.data["reason"],
        place=c.data.get("place"), blown_at=c.at, response_due_at=response_due_at,
    )  # fmt: skip


def whistle(c: Change) -> None:
    """Call departments to a place by a time; those an answered whistle of residents calls belong to that one."""
    due = c.data.get("on_site_by") or _limit(c, _kind(c))
    if due <= c.at:
        raise invalid("on_site_by", "到场时限须晚于吹哨时间", code="due_before_asked")
    number = c.data.get("whistle_no")
    if number is None:
        _blow(c, _ORIGINS.get(c.actor.role, "street"), None)
        number = c.seq
    called = [
        parts.add(c, name, "whistle", "units", c.data, report_due_at=due, whistle=number)
        for name in dict.fromkeys(c.data["units"])
    ]
    c.data.update(units=[part.unit_code for part in called], whistle_no=number, on_site_by=due)


def group_whistle(c: Change) -> None:
    """Let residents blow the whistle (群众吹哨): street or community must answer in time."""
    due = _limit(c, _kind(c))
    _blow(c, "residents", due)
    c.data.update(whistle_no=c.seq, respond_by=due)


def respond(c: Change) -> None:
    """Answer the residents' whistle (街居响应); departments named are called by the same whistle."""
    waiting = (w for w in c.standing.known.whistles if w.kind == "residents")
    one = _meant(c, waiting, "whistle_no", "没有待响应的群众吹哨", done="response")
    _step(c, one, "response")


def minutes(c: Change) -> None:
    """Keep the minutes of what was agreed on the spot; there may be several."""
    _step(c, _meant(c, c.standing.known.whistles, "whistle_no", "这张工单还没有吹过哨"), "minutes")


def release_whistle(c: Change) -> None:
    """End a whistle (解哨): who has not come need not come any more."""
    one = _meant(c, c.standing.known.whistles, "whistle_no", "没有可以解除的哨", done="release")
    parts.end_whistle(c, one.number, c.data["reason"])
    _step(c, one, "release")


def _step(c: Change, whistle: Waiting, step: str) -> None:
    c.data["whistle_no"] = whistle.number
    c.record(
        "whistle_steps", whistle=whistle.number, step=step, unit_code=c.actor.unit, said=c.data["reason"],
        occurred_at=c.at,
    )  # fmt: skip


def answer_slip(c: Change) -> None:
    """Answer downwards: the unit a slip went to tells the one below what comes of it."""
    mine = (s for s in c.standing.known.slips if s.unit == c.actor.unit)
    slip = _meant(c, mine, "slip", "没有待答复的交接单")
    c.data["slip"] = slip.number
    owing = {s.unit for s in c.standing.known.slips if s.number != slip.number}
    c.standing.handed_up = frozenset(unit for unit in c.standing.handed_up if unit in owing)
    c.standing.records.append(
        (
            "slip_answers",
            {"street_id": c.row["street_id"], "slip": slip.number, "unit_code": slip.unit,
             "answer": c.data["reason"], "answered_at": c.at},
        )
    )  # fmt: skip


def forward(c: Change) -> None:
    """Pass a matter on to a body outside the street; the ticket stays, the answer is waited for."""
    due = c.data.get("due_at")
    if due is not None and due <= c.at:
        raise invalid("due_at", "答复时限须晚于转送时间", code="due_before_asked")
    c.record(
        "forwards", body=c.data["outside_body"], channel=c.data["via"], reference=c.data.get("reference"),
        reason=c.data["reason"], forwarded_at=c.at, due_at=due,
    )  # fmt: skip
    c.data["forward"] = c.seq


def forward_answer(c: Change) -> None:
    one = _meant(c, c.standing.known.forwards, "forward", "没有待答复的转送")
    c.data["forward"] = one.number
    c.record("forward_answers", forward=one.number, answer=c.data["reason"], answered_at=c.at)


_VISIT = ("heard_at", "inspected_at", "fixed_at")


def visit_site(c: Change) -> None:
    """Note a visit to the place: 当面说、实地看、现场改 happen in that order, none after the visit was told of."""
    before = None
    for name in _VISIT:
        at = c.data.get(name)
        if at is None:
            continue
        if at > c.at or (before is not None and at < before):
            raise invalid(name, "听取、查看、整改须按先后,且不晚于本次登记的时间", code="visit_out_of_order")
        before = at


def locate(c: Change) -> None:
    """Turn the point a move brings along into the system everything is kept in."""
    point = c.data.get("location")
    if point is not None:
        lng, lat = convert(point["longitude"], point["latitude"], point["crs"])
        c.data["location"] = {"longitude": round(lng, 6), "latitude": round(lat, 6), "crs": "gcj02"}


def _meant(c: Change, among: Iterable[Waiting], field: str, nothing: str, done: str | None = None) -> Waiting:
    """Return what is meant: the one named by its number, or the only one it can be."""
    wanted, there = c.data.get(field), list(among)
    if wanted is not None and all(w.number != wanted for w in there):
        raise invalid(field, f"没有编号为 {wanted} 的这一项", code="unknown_number")
    fitting = [w for w in there if wanted in {None, w.number} and done not in w.closed]
    if not fitting:
        raise Conflict(nothing, code="nothing_waits")
    if len(fitting) > 1:
        which = "、".join(str(w.number) for w in fitting)
        raise invalid(field, f"有几项,请写明编号({field}):{which}", code="number_unclear")
    return fitting[0]


def _located(effect: Callable[[Change], None]) -> Callable[[Change], None]:
    def located(c: Change) -> None:
        locate(c)
        effect(c)

    return located


EFFECTS: dict[str, Callable[[Change], None]] = {
    "assist": parts.assist, "plan_measures": parts.plan_measures, "finish_part": parts.finish,
    "release_part": parts.release, "rate_part": parts.rate, "report_in": _located(parts.report_in),
    "whistle": whistle, "group_whistle": group_whistle, "respond_whistle": respond, "minute_whistle": minutes,
    "release_whistle": release_whistle, "answer_slip": answer_slip, "forward": forward,
    "forward_answer": forward_answer, "visit_site": _located(visit_site),
}  # fmt: skip
