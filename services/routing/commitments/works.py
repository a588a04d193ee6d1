"""The stages of works: each planned and done no earlier than the one before it (S0-31: 立项→招标→施工→竣工). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.routing.commitments.vocabulary import Stage


@dataclass(frozen=True, slots=True)
class Milestone:
    """When a stage is to be reached, and when it was."""

    planned_on: date | None = None
    done_on: date | None = None


def fault(course: Mapping[Stage, Milestone]) -> tuple[str, str] | None:
    """Return the field and the Chinese words of what is out of order, or None."""
    planned, done, behind = date.min, date.min, ""
    for stage in Stage:
        here = course.get(stage)
        if here is None:
            continue
        if here.planned_on is not None:
            if here.planned_on < planned:
                return "planned_on", f"{stage.text}的计划日期早于前一阶段"
            planned = here.planned_on
        if here.done_on is None:
            behind = behind or stage.text
        elif behind:
            return "done_on", f"{behind}还没有完成,不能先完成{stage.text}"
        elif here.done_on < done:
            return "done_on", f"{stage.text}的完成日期早于前一阶段"
        else:
            done = here.done_on
    return None
