"""What the doors of notices take and give."""

from shared.web.fields import Answer, LocalTime


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
