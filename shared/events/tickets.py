"""The events of a ticket. Samples of each stand in tests/contracts/events/."""

from dataclasses import dataclass
from typing import ClassVar

from shared.events.envelope import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSubmittedV1(Event):
    """A request was taken in and is durable."""

    TYPE: ClassVar[str] = "ticket_submitted"
    VERSION: ClassVar[int] = 1
    channel: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMovedV1(Event):
    """One or more moves were made on a ticket in one transaction; `version` is its number of moves since."""

    TYPE: ClassVar[str] = "ticket_moved"
    VERSION: ClassVar[int] = 1
    actions: list[str]
    state: str
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PetitionFiledV1(Event):
    """A reporter asked to withdraw, to urge or to reopen; routing decides."""

    TYPE: ClassVar[str] = "petition_filed"
    VERSION: ClassVar[int] = 1
    petition_id: str
    action: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SupplementAddedV1(Event):
    """Something was added to a ticket by its reporter or by staff."""

    TYPE: ClassVar[str] = "supplement_added"
    VERSION: ClassVar[int] = 1
    supplement_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RatingGivenV1(Event):
    """A reporter rated a closure."""

    TYPE: ClassVar[str] = "rating_given"
    VERSION: ClassVar[int] = 1
    closure: int
    satisfaction: str
