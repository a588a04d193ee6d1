"""Likely the same matter: asked before handing in, and by staff of a ticket."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Row

from services.intake import similar, store
from services.intake.api.tickets import Number
from services.intake.likeness import Matter
from services.intake.prepare import street_for
from services.intake.similar_schemas import AlikeOut, SimilarIn, SimilarOut
from shared import clock
from shared.auth import Actor
from shared.lifecycle import State
from shared.scope import street_of
from shared.terms import STAFF_ROLES, Role
from shared.web.access import only, process_of
from shared.web.problems import documented

router = APIRouter(prefix="/tickets", tags=["诉求"])

Submitter = Annotated[Actor, Depends(only(Role.RESIDENT, *STAFF_ROLES))]
Staff = Annotated[Actor, Depends(only(*STAFF_ROLES))]


@router.post(
    "/similar",
    response_model=AlikeOut,
    summary="提交之前:是否已有人反映",
    responses=documented(400, 401, 403, 404, 405, 413, 422, 503),
)
async def ask_before(request: Request, body: SimilarIn, actor: Submitter) -> dict[str, Any]:
    """附近三十天内可能是同一件事的诉求:只说有几人反映、办到哪一步,不透露他人的内容;仍可照常提交,从不自动并案。"""
    process = process_of(request)
    street = await street_for(process, actor, body.street)
    point = body.location
    matter = Matter(
        body.content, body.category, body.grid_code,
        point.longitude if point else None, point.latitude if point else None,
    )  # fmt: skip
    async with process.database.transaction([street.id], read_only=True) as tx:
        found = await similar.alike(tx, street.id, matter, crs=point.crs if point else None, at=clock.now())
        counts = await similar.people(tx, street.id, similar.roots(found))
    matches = [_item(row, counts, mine=row["reporter_id"] == actor.id) for row, _ in found]
    told = max((item["people"] for item in matches), default=0)
    return {"people": told, "text": similar.words(told), "matches": matches}


def _item(row: Any, counts: dict[Any, int], *, mine: bool) -> dict[str, Any]:
    state = State(row["state"])
    return {
        "number": row["number"] if mine else None,
        "mine": mine,
        "state": state.value,
        "state_text": state.text,
        "occurred_at": row["occurred_at"],
        "people": counts.get(row["merged_into"] or row["id"], 1),
    }


@router.get(
    "/{number}/similar",
    response_model=SimilarOut,
    summary="可能是同一件事的工单",
    responses=documented(401, 403, 404, 405, 409, 422, 503),
)
async def show_similar(request: Request, number: Number, actor: Staff) -> dict[str, Any]:
    """九十天内附近相似的工单,附相似程度和理由,供并案参考;办结后又来的标为“复发”。看不到的工单不列出。"""
    process = process_of(request)
    street = await street_of(process.database, process.streets, actor, number)
    async with process.database.transaction([street.id], read_only=True) as tx:
        ticket = await store.found(tx, actor, street, number)
        found = await similar.alike(
            tx, street.id, _matter(ticket), crs=ticket.crs, at=ticket.occurred_at, within=similar.RECURS_WITHIN,
            but=ticket.id,
        )  # fmt: skip
        seen = await store.among(tx, actor, street.id, [row["id"] for row, _ in found])
        found = [pair for pair in found if pair[0]["id"] in seen]
        counts = await similar.people(tx, street.id, [*similar.roots(found), ticket.id])
    return {
        "number": number,
        "people": counts.get(ticket.id, 1),
        "matches": [_scored(row, likeness, counts, ticket) for row, likeness in found],
    }


def _matter(ticket: Row[Any]) -> Matter:
    return Matter(ticket.content, ticket.category, ticket.grid_code, ticket.longitude, ticket.latitude)


def _scored(row: Any, likeness: Any, counts: dict[Any, int], ticket: Row[Any]) -> dict[str, Any]:
    state = State(row["state"])
    return {
        "number": row["number"], "state": state.value, "state_text": state.text, "occurred_at": row["occurred_at"],
        "people": counts.get(row["merged_into"] or row["id"], 1), "score": likeness.score, "why": list(likeness.why),
        "recurs": similar.recurs(row, ticket.occurred_at),
    }  # fmt: skip
