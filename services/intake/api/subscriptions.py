"""Doors to what a resident allows WeChat to bring: which templates there are, what was answered to each."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from services.intake.notices import grants, routes
from services.intake.notices.schemas import Subscription, SubscriptionIn, Subscriptions
from services.intake.notices.words import TOPIC_TEXT
from services.intake.prepare import street_for
from shared.auth import Actor
from shared.errors import invalid
from shared.terms import Role
from shared.web.access import only, process_of
from shared.web.fields import Code
from shared.web.idempotency import Key, fingerprint_of, once
from shared.web.problems import documented

router = APIRouter(prefix="/subscriptions", tags=["通知"])

Resident = Annotated[Actor, Depends(only(Role.RESIDENT))]


@router.get(
    "",
    response_model=Subscriptions,
    summary="订阅消息模板",
    responses=documented(401, 403, 405, 422, 503),
)
async def list_subscriptions(request: Request, actor: Resident, street: Code | None = None) -> dict[str, Any]:
    """可以向居民请求订阅的模板,和各还能发几条;还没有配置小程序模板时为空。"""
    process = process_of(request)
    where = await street_for(process, actor, street)
    async with process.database.transaction([where.id], read_only=True) as tx:
        mine = await grants.of_resident(tx, where.id, actor.id)
    return {
        "templates": [
            _item(topic, template.id, mine.get(template.id, {"granted": 0, "used": 0}))
            for topic, template in process.settings.templates().items()
        ]
    }


@router.post(
    "",
    status_code=201,
    response_model=Subscription,
    summary="登记订阅结果",
    responses=documented(400, 401, 403, 405, 409, 413, 422, 503),
)
async def record_subscription(
    request: Request, body: SubscriptionIn, actor: Resident, key: Key = None
) -> dict[str, Any]:
    """把 wx.requestSubscribeMessage 对一个模板的结果记下来;accept 一次,可发一条。"""
    process = process_of(request)
    where = await street_for(process, actor, body.street)
    topic = next((t for t, m in process.settings.templates().items() if m.id == body.template), None)
    if topic is None:
        raise invalid("template", "没有这个订阅消息模板", code="unknown_template")
    wanted = await fingerprint_of(request)
    async with process.database.transaction([where.id]) as tx:

        async def work() -> dict[str, Any]:
            await routes.make_wechat(tx, where.id)
            row = await grants.answered(tx, where.id, actor.id, body.template, body.result)
            return _item(topic, body.template, row)

        return await once(tx, where.id, actor.id, key, wanted, 201, work)


def _item(topic: str, template: str, row: Any) -> dict[str, Any]:
    return {
        "topic": topic,
        "topic_text": TOPIC_TEXT[topic],
        "template": template,
        "granted": row["granted"],
        "used": row["used"],
        "left": row["granted"] - row["used"],
    }
