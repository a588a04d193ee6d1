"""What the doors of notices take and give."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from shared.lifecycle import ACTIONS, REGISTER
from shared.terms import TICKET_NUMBER, Term
from shared.web.fields import Answer, Body, Code, Content, EntryCode, LocalTime, PastInstant, Short


class NoticeItem(Answer):
    """One notice as its reader sees it; `number` leads to the ticket."""

    id: str
    kind: str
    kind_text: str
    title: str
    detail: str
    number: str
    state: str
    state_text: str
    occurred_at: LocalTime
    recorded_at: LocalTime
    read: bool


class Unread(Answer):
    unread: int
    unread_text: str


class ReadOut(Answer):
    id: str
    read: bool


class AllRead(Answer):
    """How many were marked; more than some hundreds take another call."""

    marked: int
    unread: int


class SendState(Term):
    QUEUED = "queued", "待发送"
    SENDING = "sending", "发送中"
    SENT = "sent", "已发送"
    FAILED = "failed", "发送失败"
    FALLBACK = "fallback", "改为站内通知"


_ACTIONS = frozenset(ACTIONS) | {REGISTER}


class LineIn(Body):
    """A robot or a webhook to be set up."""

    channel: Literal["wecom", "dingtalk", "webhook"] = Field(
        description="wecom 企业微信群机器人,dingtalk 钉钉群机器人,webhook 推送到自己的系统"
    )
    name: Short
    url: Annotated[SecretStr, Field(min_length=8, max_length=2000, description="加密保存,不再显示")]
    secret: Annotated[SecretStr, Field(min_length=16, max_length=200)] | None = Field(
        None, description="webhook 的签名密钥(必填),或钉钉的加签密钥;加密保存,不再显示"
    )
    unit: EntryCode | None = Field(
        None, description="只转发给这个单位的通知;不填则转发全部工作人员的,仅机器人"
    )
    actions: list[Code] = Field([], max_length=60, description="只推送这些动作;不填则全部,仅 webhook")
    with_content: bool = Field(False, description="推送时附诉求内容,仅 webhook")
    street: Code | None = Field(None, description="街道代码;只属于一个街道时可不填")

    @model_validator(mode="after")
    def _fits_its_channel(self) -> "LineIn":
        unknown = sorted(set(self.actions) - _ACTIONS)
        if unknown:
            raise ValueError(f"没有“{unknown[0]}”这个动作")
        if self.channel == "webhook":
            if self.secret is None:
                raise ValueError("webhook 须填写签名密钥(secret)")
            if self.unit is not None:
                raise ValueError("webhook 不按单位转发,请不要填写 unit")
        elif self.actions or self.with_content:
            raise ValueError("机器人不能填写 actions 和 with_content")
        return self


class LineItem(Answer):
    id: str
    channel: str
    channel_text: str
    name: str
    host: str
    unit: str | None
    actions: list[str]
    with_content: bool
    created_at: LocalTime
    ended_at: LocalTime | None
    ended_why: str | None
    paused_until: LocalTime | None
    queued: int
    failed: int


class SendItem(Answer):
    """One notice over one line; `code` is what came of the last attempt, with the vendor's own code."""

    id: str
    number: str
    kind: str
    kind_text: str
    state: str
    state_text: str
    attempts: int
    code: str | None
    next_at: LocalTime
    created_at: LocalTime
    ended_at: LocalTime | None


class Replayed(Answer):
    id: str
    replayed: int


class SubscriptionIn(Body):
    """What wx.requestSubscribeMessage said of one template."""

    template: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
    result: Literal["accept", "reject", "ban", "filter"]
    street: Code | None = Field(None, description="街道代码;只属于一个街道时可不填")


class Subscription(Answer):
    """A template one may ask the resident for; `left` is how many messages they still allow."""

    topic: str
    topic_text: str
    template: str
    granted: int
    used: int
    left: int


class Subscriptions(Answer):
    templates: list[Subscription]


class GroupUse(Term):
    """What a group of residents is used for (row S4-05)."""

    NOTICE = "notice", "发布通知"
    OPINIONS = "opinions", "收集民意"
    POLICY = "policy", "宣传惠民政策"


Number = Annotated[str, Field(pattern=TICKET_NUMBER.pattern)]


class GroupPostIn(Body):
    """What somebody posted into a group of residents by hand."""

    group: Short
    purpose: GroupUse
    content: Content
    number: Number | None = Field(None, description="与哪张工单有关")
    occurred_at: PastInstant | None = Field(None, description="发布时间,不填为现在")
    street: Code | None = Field(None, description="街道代码;只属于一个街道时可不填")


class GroupPost(Answer):
    id: str
    group: str
    purpose: str
    purpose_text: str
    content: str
    number: str | None
    role: str
    role_text: str
    unit: str | None
    occurred_at: LocalTime
    recorded_at: LocalTime
    late: bool
