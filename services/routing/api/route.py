"""The door to the question where a request would go and why; nothing is moved."""

from typing import Any

from fastapi import APIRouter, Request

from services.routing.api.asked import registry_asked
from services.routing.assign import Matter, Plan, plan
from services.routing.registry import Registry
from services.routing.rules.vocabulary import Tag
from services.routing.schemas import RouteIn, RouteOut
from shared import clock
from shared.errors import invalid
from shared.terms import Kind, Level, Mode, Scope
from shared.web.access import Anyone
from shared.web.problems import documented

router = APIRouter(tags=["派单规则"])


@router.post(
    "/route", summary="试算:这件诉求会去哪里,为什么", response_model=RouteOut,
    responses=documented(400, 401, 403, 413, 422, 503),
)  # fmt: skip
async def route(request: Request, actor: Anyone, body: RouteIn) -> dict[str, Any]:
    actor.require(Scope.TICKETS_WRITE)
    registry = await registry_asked(request, actor, body.street)
    if body.grid_code is not None and body.grid_code not in registry.grids:
        raise invalid("grid_code", f"没有代码为 {body.grid_code} 的网格", code="unknown_grid")
    place = body.location
    decided = plan(
        Matter(
            content=body.content, received_at=clock.now(), category_code=body.category, grid_code=body.grid_code,
            address=body.address, longitude=place.longitude if place else None,
            latitude=place.latitude if place else None, crs=place.crs if place else None,
            channel=body.channel, about_unit=body.about_unit,
        ),
        registry,
    )  # fmt: skip
    return {**_matter(decided, registry), **_hands(decided), "why": decided.why}


def _matter(decided: Plan, registry: Registry) -> dict[str, Any]:
    category, due = decided.category, decided.clocks
    score = decided.candidates[0].score if decided.candidates and decided.certain else None
    return {
        "kind": decided.kind,
        "kind_text": Kind(decided.kind).text,
        "category": {"code": category.code, "name": category.name, "score": score},
        "candidates": [
            {"code": c.code, "name": registry.categories[c.code].name, "score": c.score, "words": c.words}
            for c in decided.candidates
        ],
        "certain": decided.certain,
        "classifier": decided.classifier,
        "grid": decided.grid_code,
        "community": decided.community_code,
        "community_name": registry.communities.get(decided.community_code or ""),
        "deadlines": {
            "sign": due.sign_due_at, "contact": due.contact_due_at, "handle": due.due_at,
            "provisional": due.provisional,
        },
    }  # fmt: skip


def _hands(decided: Plan) -> dict[str, Any]:
    hands = decided.hands
    return {
        "mode": hands.mode,
        "mode_text": Mode(hands.mode).text,
        "level": hands.level,
        "level_text": Level(hands.level).text,
        "lead_unit": hands.lead.code,
        "lead_unit_name": hands.lead.name,
        "co_units": [unit.code for unit in hands.co_units],
        "co_unit_names": [unit.name for unit in hands.co_units],
        "about_unit": decided.about_unit,
        "rule": hands.rule.code if hands.rule else None,
        "rule_version": hands.rule.version if hands.rule else None,
        "considered": [
            {"code": c.rule.code, "version": c.rule.version, "matched": c.matched, "why": c.why}
            for c in hands.verdict.considered
        ],
        "tags": list(hands.tags),
        "tags_text": [Tag(tag).text for tag in hands.tags],
        "list_level": hands.list_level,
        "waits": hands.waits or not decided.certain,
    }
