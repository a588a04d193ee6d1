"""Random people do random things to a matter: nobody checks their own work, and what is closed has an outcome.

In memory, through the door itself; what the database adds is tried elsewhere.
"""

import random
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from hypothesis import given, settings, strategies as st

from services.routing.closing_policy import ClosingPolicies, ClosingPolicy
from services.routing.place import Surroundings, place
from services.routing.transitions import Door
from services.routing.workload import Crew
from shared import clock
from shared.auth import Actor
from shared.errors import Conflict, Forbidden, Invalid
from shared.lifecycle import ACTIONS, Relation, State
from shared.terms import Kind, Outcome, Role
from tests.acceptance.test_routing_rows import MONDAY, REGISTRY

REPORTER = UUID(int=99)
PEOPLE = [UUID(int=n) for n in range(1, 5)]  # so few that everybody soon plays every part
UNITS = ("wuye", "chengguan", "chengjian", None)
CHECKS = {
    "review_pass", "review_fail", "call_back", "close", "rework", "ask_closure", "close_after_review",
    "close_deferred", "close_transferred",
}  # fmt: skip
SPECIAL = {"close_after_review", "close_deferred", "close_transferred"}
# What leads nowhere new is seldom tried.
ONWARD = {edge.action for edge in ACTIONS.values() if edge.target is not None} - {
    "reject", "merge", "redirect", "withdraw", "suspend", "escalate", "return", "recall", "designate", "close_directly",
}  # fmt: skip
ASIDE = ["assist", "finish_part", "call_back", "ask_closure", "feed_back", "urge", "supervise"]
DATA = {
    "reason": "说明", "unit": "chengguan", "closure": "close_deferred", "feedback_channel": "phone",
    "reason_code": "season", "outcome": "partly",
}  # fmt: skip


def ticket(rng):
    return {
        "id": UUID(int=rng.getrandbits(120)), "number": "XB20260302-000001", "content": "垃圾桶满了没人清运",
        "occurred_at": MONDAY, "kind": rng.choice([*Kind]).value, "category_code": "0101", "longitude": None, "latitude": None, "crs": None,
        "address": None, "community_code": None, "grid_code": None, "channel": "hotline", "late": False,
        "reporter_id": rng.choice((REPORTER, None)), "phone_index": rng.choice((b"x", None)),
    }  # fmt: skip


def someone(rng, action, lead):
    """One of few people, mostly in a role that may do this at all; what keeps them from it is who they are."""
    role, relation = rng.choice(ACTIONS[action].who)
    if role is Role.RESIDENT:
        return Actor(REPORTER, role, frozenset({REGISTRY.street_id}))
    unit = rng.choice(UNITS)
    if relation is Relation.LEAD and rng.random() < 0.9:
        unit = lead
    elif relation is Relation.PART:
        unit = "chengguan"
    elif rng.random() < 0.7:
        unit = None
    return Actor(rng.choice(PEOPLE), role, frozenset({REGISTRY.street_id}), unit)


def brought(rng, action):
    data = {"reason": DATA["reason"], **{name: DATA[name] for name in ACTIONS[action].needs if name in DATA}}
    if action == "dispatch":
        data["unit"] = "wuye"
    if action in {"call_back", "close", "rework"} and rng.random() < 0.5:
        data |= {
            "resolved": rng.choice(("yes", "no")),
            "satisfaction": rng.choice(("satisfied", "dissatisfied")),
        }
    if action == "call_back":
        data["valid"] = rng.random() < 0.7
    return data


class Witness:
    """What an onlooker has seen, told independently of what the ticket keeps."""

    def __init__(self):
        self.worked, self.reviewer, self.asker, self.unhappy = set(), None, None, False

    def sees(self, action, actor, data, before, after, parts, lead):
        if action in CHECKS and actor.role not in {Role.RESIDENT, Role.SYSTEM}:
            assert actor.id not in self.worked, f"{action} of their own work"
            assert actor.unit is None or actor.unit not in {lead, *parts}, f"{action} of their unit's work"
        if action in SPECIAL:
            assert actor.id not in {self.reviewer, self.asker}
            assert actor.role is Role.LEADER or self.asker is not None
        if action == "close":
            assert data.get("resolved") != "no"
            assert actor.role in {Role.RESIDENT, Role.SYSTEM} or not self.unhappy
        if action in {"contact", "handle", "finish_part"}:
            self.worked.add(actor.id)
        elif action == "review_pass":
            self.reviewer = actor.id
        elif action == "ask_closure":
            self.asker = actor.id
        elif action == "call_back" and before is State.CALLBACK:
            bad = data.get("resolved") == "no" or data.get("satisfaction") == "dissatisfied"
            self.unhappy = bool(data["valid"]) and bad
        if before is State.CALLBACK and after is State.HANDLING:
            self.reviewer, self.asker, self.unhappy = None, None, False
        if action in {"reopen", "review_fail"}:
            self.reviewer, self.asker, self.unhappy = None, None, False


def walk(rng, registry, steps):
    """→ how the ticket stands after so many attempts, and how many checks were made of it."""
    door, now = Door(None, None, registry), MONDAY
    standing = place(door, registry, ticket(rng), Surroundings({}, Crew()))
    seen, checks = Witness(), 0
    for _ in range(steps):
        now += timedelta(minutes=rng.randint(1, 600))
        legal = [a for a in ACTIONS if standing.state in ACTIONS[a].sources and a in ONWARD]
        action = rng.choice(ASIDE if rng.random() < 0.3 or not legal else legal)
        lead, parts, before = standing.row["lead_unit"], standing.helpers, standing.state
        actor, data = someone(rng, action, lead), brought(rng, action)
        try:
            after = door.move(standing, action, actor, now, data)
        except (Forbidden, Conflict, Invalid):
            continue
        checks += action in CHECKS
        seen.sees(action, actor, data, before, after, parts, lead)
        if after is State.CLOSED:
            assert standing.row["outcome"] in set(Outcome)
            assert standing.row["answered_at"] or (standing.reporter_id is None and standing.reachable)
    return standing, checks


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), share=st.sampled_from((0.0, 0.5, 1.0)))
def test_nobody_checks_their_own_work_and_what_is_closed_has_an_outcome(seed, share):
    policy = ClosingPolicy(version=1, share=share)
    registry = replace(REGISTRY, closing=ClosingPolicies([(clock.local_day(MONDAY), policy)]))
    with clock.at(MONDAY):
        walk(random.Random(seed), registry, 60)


def test_such_walks_lead_to_checks_and_closings():
    """The property above would hold of walks that lead nowhere."""

    with clock.at(MONDAY):
        ends = [walk(random.Random(seed), REGISTRY, 60) for seed in range(40)]
    assert sum(checks for _, checks in ends) > 100
    assert {s.state for s, _ in ends} >= {State.CLOSED, State.HANDLING}
