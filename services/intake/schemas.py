"""What goes over intake's wire."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, model_validator

from shared.terms import Channel, Kind, Resolved, Satisfaction
from shared.web.fields import (
    Answer,
    Body,
    Code,
    Content,
    EntryCode,
    Line,
    LocalTime,
    PastInstant,
    Phone,
    Short,
)


class Location(Body):
    """A point and the system it was measured in: WeChat gives either, and they differ by half a kilometre."""

    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    crs: Literal["gcj02", "wgs84"]


class Contact(Body):
    name: Short | None = None
    phone: Phone | None = None


PhotoIds = Annotated[
    list[UUID], Field(max_length=9, description="照片的编号,先逐张上传(POST /v1/attachments)")
]


class TicketIn(Body):
    """A request as a resident, a member of staff or a script hands it in."""

    content: Annotated[Content, Field(description="诉求内容", examples=["3号楼前下水道堵了,污水往外冒"])]
    kind: Kind | None = None
    category: EntryCode | None = Field(None, description="分类代码,不填则自动判断")
    channel: Channel | None = None
    location: Location | None = None
    address: Line | None = None
    community: EntryCode | None = None
    grid_code: EntryCode | None = None
    contact: Contact | None = None
    anonymous: bool = False
    confidential: bool = False
    attachment_ids: PhotoIds = Field(default=[])
    occurred_at: PastInstant | None = Field(None, description="发生时间,仅工作人员补录时填写")
    street: Code | None = Field(None, description="街道代码;只属于一个街道时可不填")

    @model_validator(mode="after")
    def _anonymous_has_no_contact(self) -> "TicketIn":
        if self.anonymous and self.contact and (self.contact.name or self.contact.phone):
            raise ValueError("匿名诉求不能填写联系方式")
        return self


class TicketReceipt(Answer):
    """What one gets for a request: from here on it is durable."""

    id: str
    number: str
    state: str
    state_text: str
    street: str
    channel: str
    channel_text: str
    occurred_at: LocalTime
    recorded_at: LocalTime
    late: bool


class LocationOut(Answer):
    longitude: float
    latitude: float
    crs: str


class TicketItem(Answer):
    """A ticket in a list."""

    id: str
    number: str
    title: str
    state: str
    state_text: str
    kind: str | None
    kind_text: str | None
    channel: str
    channel_text: str
    category: str | None
    category_text: str | None
    community_code: str | None
    occurred_at: LocalTime
    due_at: LocalTime | None
    deadline_text: str | None
    updated_at: LocalTime
    thumb_url: str | None = Field(description="第一张照片的缩略图,十几分钟内有效")


class ContactOut(Answer):
    """How to reach the reporter, masked."""

    name: str | None
    phone: str | None


class Step(Answer):
    """One entry of a ticket's course."""

    seq: int
    action: str
    action_text: str
    state: str
    state_text: str
    unit: str | None
    role: str
    role_text: str
    reason: str | None
    occurred_at: LocalTime
    late: bool


class SupplementOut(Answer):
    id: str
    content: str
    role: str
    role_text: str
    recorded_at: LocalTime


class RatingOut(Answer):
    closure: int
    satisfaction: str
    satisfaction_text: str
    resolved: str | None
    resolved_text: str | None
    contacted: bool | None
    comment: str | None
    recorded_at: LocalTime


class GroupOut(Answer):
    """The ticket that this one was merged into, as its reporter may know it."""

    number: str | None
    people: int
    state: str
    state_text: str
    deadline_text: str | None
    closed_at: LocalTime | None
    outcome: str | None
    outcome_text: str | None


class AttachmentOut(Answer):
    """A photo that was handed in, as it is kept."""

    id: str
    kind: str
    kind_text: str
    width: int
    height: int
    size: int = Field(description="字节")
    purpose: str
    purpose_text: str
    thumbnail_url: str = Field(description="缩略图的地址,十几分钟内有效")
    url: str = Field(description="照片的地址,十几分钟内有效")


class AttachmentReceipt(AttachmentOut):
    sha256: str = Field(description="所交文件的 SHA-256")
    located: bool = Field(description="是否保留了拍摄位置")


class AttachmentShown(AttachmentOut):
    """A photo of a ticket."""

    origin: str
    origin_text: str
    supplement_id: str | None
    moment: str | None = Field(description="办理凭证:before 办理前,after 办理后")
    moment_text: str | None
    location: LocationOut | None = Field(description="拍摄位置,上传的人愿意提供时才有")
    check_state: str | None = Field(description="内容检测的结果,只给工作人员")
    check_state_text: str | None
    created_at: LocalTime


class ContentCheckOut(Answer):
    """What WeChat's check of the text says; `flagged`: it stays out of public view for it."""

    verdict: str
    verdict_text: str
    flagged: bool
    label: int | None
    label_text: str | None
    reason: str | None
    reason_text: str | None


class ContentDecisionIn(Body):
    verdict: Literal["pass", "risky"] = Field(description="pass 可以公开,risky 不公开")
    reason: Line


class TicketDetail(TicketItem):
    """A ticket with its course; what a resident does not get to see is left out of it."""

    deadline_why: list[str]
    content: str
    location: LocationOut | None
    address: str | None
    grid_code: str | None
    anonymous: bool
    confidential: bool
    contact: ContactOut | None
    recorded_at: LocalTime
    late: bool
    version: int
    unit: str | None = Field(description="主办单位")
    outcome: str | None
    outcome_text: str | None
    confirm_until: LocalTime | None = Field(description="到这时没有答复,视为对结果没有异议")
    timeline: list[Step]
    supplements: list[SupplementOut]
    ratings: list[RatingOut]
    group: GroupOut | None = Field(description="并入的工单的办理情况")
    attachments: list[AttachmentShown]
    content_check: ContentCheckOut | None = Field(description="内容检测的结果,仅工作人员可见")
    actions: list[str] = Field(
        description="当前可做的操作:supplement、withdraw、urge、reopen、confirm、dispute、rate"
    )


class SupplementIn(Body):
    content: Content
    attachment_ids: PhotoIds = Field(default=[])


class PetitionIn(Body):
    """Why the reporter withdraws or urges, if they care to say."""

    reason: Line | None = None


class ReopeningIn(Body):
    reason: Line


class ConfirmationIn(Body):
    """The reporter agrees that it is settled; whoever does not, disputes it."""

    satisfaction: Satisfaction | None = None
    resolved: Resolved | None = None
    comment: Line | None = None

    @model_validator(mode="after")
    def _agrees(self) -> "ConfirmationIn":
        unhappy = {Satisfaction.DISSATISFIED, Satisfaction.VERY_DISSATISFIED}
        if self.resolved is Resolved.NO or self.satisfaction in unhappy:
            raise ValueError("未解决或不满意的,请提出异议(dispute),不要确认办结")
        return self


class DisputeIn(Body):
    reason: Line


class PetitionReceipt(Answer):
    """The petition is on record; routing decides it in a moment. `state` is that of the ticket before."""

    id: str
    number: str
    action: str
    action_text: str
    state: str
    state_text: str


class RatingIn(Body):
    satisfaction: Satisfaction
    resolved: Resolved | None = None
    contacted: bool | None = Field(None, description="承办单位是否联系过您")
    comment: Line | None = None


class RatingReceipt(RatingOut):
    number: str


class ImportFault(Answer):
    """What is wrong with a line of a ledger."""

    line: int = Field(description="行号,第一行为 1")
    column: str | None = Field(description="列的英文名;整行有误时为空")
    header: str | None = Field(description="列的中文名")
    message: str


class ImportItem(Answer):
    """An import as it stands; done means that its rows are in the figures."""

    id: str
    street: str
    file_name: str
    size: int
    state: str
    state_text: str
    stage: str
    stage_text: str
    progress: float = Field(description="进度,0 到 1")
    rows: int = Field(description="已读的行数")
    accepted: int = Field(description="其中无误的行数:新建、更新和没有变化的")
    created: int
    updated: int
    unchanged: int
    rejected: int
    error_count: int
    errors_kept: int = Field(description="保留下来的错误条数,最多 1000")
    message: str | None = Field(description="失败的原因")
    warnings: list[str]
    role: str
    role_text: str
    created_at: LocalTime
    finished_at: LocalTime | None


class ImportOut(ImportItem):
    errors: list[ImportFault]


class SessionIn(Body):
    code: Annotated[
        str, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$", description="wx.login 的 code")
    ]
    street: Code | None = None
    app: Code | None = Field(None, description="小程序的 AppID,接入多个小程序时填写")


class UserOut(Answer):
    """Who signed in."""

    id: str
    phone: str | None = Field(description="已留的电话,部分隐藏")
    consents_due: list[str] = Field(description="还没有同意现行版本的告知书")


class SessionOut(Answer):
    token: str
    token_type: str
    expires_at: LocalTime
    refresh_token: str
    refresh_expires_at: LocalTime
    resident_id: str
    street: str
    user: UserOut
    features: dict[str, bool] = Field(description="功能开关")


class RefreshIn(Body):
    refresh_token: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


class SignOutIn(Body):
    everywhere: bool = Field(False, description="同时退出本人在所有设备、所有小程序上的登录")


class PhoneIn(Body):
    """A telephone number: by the code of WeChat's getPhoneNumber, or by hand."""

    code: Annotated[str | None, Field(min_length=1, max_length=128, pattern=r"^[\x21-\x7e]+$")] = None
    phone: Phone | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> "PhoneIn":
        if (self.code is None) == (self.phone is None):
            raise ValueError("请填写 code 或 phone 其中一项")
        return self


class PhoneOut(Answer):
    phone: str = Field(description="部分隐藏的电话号码")
    source: str
    recorded_at: LocalTime


class ConsentIn(Body):
    notice: Code
    version: Code


class NoticeOut(Answer):
    """A notice as it stands, and when the resident agreed to it."""

    notice: str
    version: str
    title: str
    url: str | None
    given_at: LocalTime | None


class NoticesOut(Answer):
    required: bool = Field(description="提交诉求前是否必须同意全部告知书")
    notices: list[NoticeOut]


class UsersOut(Answer):
    """How many people have registered: people, never to be mixed with requests."""

    street: str
    users: int
    with_phone: int
    as_of: LocalTime
