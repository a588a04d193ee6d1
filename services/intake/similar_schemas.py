"""What goes over the wire where requests are compared."""

from services.intake.schemas import Location
from shared.web.fields import Answer, Body, Code, Content, EntryCode, LocalTime


class SimilarIn(Body):
    """A request as it is about to be handed in."""

    content: Content
    category: EntryCode | None = None
    location: Location | None = None
    grid_code: EntryCode | None = None
    street: Code | None = None


class AlikeItem(Answer):
    """A ticket that may be the same matter; of others' tickets neither number nor text."""

    number: str | None
    mine: bool
    state: str
    state_text: str
    occurred_at: LocalTime
    people: int


class AlikeOut(Answer):
    people: int
    text: str
    matches: list[AlikeItem]


class SimilarItem(Answer):
    """A ticket in the caller's scope that may be the same matter."""

    number: str
    state: str
    state_text: str
    occurred_at: LocalTime
    people: int
    score: float
    why: list[str]
    recurs: bool


class SimilarOut(Answer):
    number: str
    people: int
    matches: list[SimilarItem]
