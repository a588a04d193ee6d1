"""What goes over intake's wire."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from shared.terms import Channel, Kind
from shared.web.fields import Answer, Body, Code, Content, Line, LocalTime, PastInstant, Phone, Short


class Location(Body):
    """A point and the system it was measured in: WeChat gives either, and they differ by half a kilometre."""

    longitude: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
    latitude: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
    crs: Literal["gcj02", "wgs84"]


class Contact(Body):
    name: Short | None = None
    phone: Phone | None = None


class TicketIn(Body):
    """A request as a resident, a member of staff or a script hands it in."""

    content: Annotated[Content, Field(description="诉求内容", examples=["3号楼前下水道堵了,污水往外冒"])]
    kind: Kind | None = None
    category: Code | None = Field(None, description="分类代码,不填则自动判断")
    channel: Channel | None = None
    location: Location | None = None
    address: Line | None = None
    community: Code | None = None
    grid_code: Code | None = None
    contact: Contact | None = None
    anonymous: bool = False
    confidential: bool = False
    attachment_ids: list[Code] = Field(default=[], max_length=0, description="附件功能尚未开放,须为空")
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
