"""Points by the rules: whatever is booked when and how often, the ledger's sum is what the histories earn under the caps."""

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings, strategies as st

from services.metrics.points.rules import Merit, Rule, Rulebook, day_of, merits
from services.metrics.points.settle import group_of, of_caps, of_ticket, reversal, totals

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
A, B, CALLER = (UUID(int=n) for n in (1, 2, 3))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
EVER = date(2020, 1, 1)


def rule(merit, points, **more):
    given_ = {
        "valid_from": EVER,
        "valid_until": None,
        "recorded_at": NOON - 99 * DAY,
        "code": merit.value,
        "version": 1,
    } | more
    return Rule(merit=merit, points=points, **given_)


def move(seq, action, actor=A, at=NOON, **more):
    return {
        "seq": seq, "action": action, "actor_id": actor, "actor_role": "unit", "category_code": "0101", "due_at": NOON + DAY,
        "sign_due_at": NOON + HOUR, "contact_due_at": NOON + HOUR, "occurred_at": at, "recorded_at": at, "told": False,
        "satisfaction": None,
    } | more  # fmt: skip


def earned(*moves, ratings=()):
    return [(e.merit, e.staff_id, e.standing) for e in merits(moves, ratings)]


@pytest.mark.parametrize(
    ("moves", "wanted"),
    [
        ([move(1, "sign")], [(Merit.SIGNED_IN_TIME, A, True)]),
        ([move(1, "sign", at=NOON + 2 * HOUR)], []),
        ([move(1, "sign", actor_role="system")], []),  # silence is no merit
        ([move(1, "sign", told=True)], []),  # nor is typing in a ledger
        ([move(1, "contact")], [(Merit.CONTACTED_IN_TIME, A, True)]),
        ([move(1, "handle")], [(Merit.HANDLED_IN_TIME, A, True)]),
        ([move(1, "handle", at=NOON + 2 * DAY)], [(Merit.HANDLED_LATE, A, True)]),
        ([move(1, "handle"), move(2, "rework", CALLER)], [(Merit.HANDLED_IN_TIME, A, True), (Merit.REWORKED, A, True)]),
        ([move(1, "handle"), move(2, "close", CALLER, satisfaction="satisfied"), move(3, "reopen", CALLER)],
         [(Merit.HANDLED_IN_TIME, A, False), (Merit.PRAISED, A, False)]),
        ([move(1, "handle"), move(2, "close", CALLER, satisfaction="dissatisfied"), move(3, "reopen", CALLER)],
         [(Merit.HANDLED_IN_TIME, A, False), (Merit.CRITICISED, A, True)]),
        ([move(1, "handle"), move(2, "review_fail", CALLER), move(3, "handle", B)],
         [(Merit.HANDLED_IN_TIME, A, True), (Merit.REVIEW_FAILED, A, True), (Merit.HANDLED_IN_TIME, B, True)]),
        ([move(1, "close_directly"), move(2, "call_back", satisfaction="satisfied")],
         [(Merit.SOLVED_ON_SPOT, A, True)]),  # nobody praises himself
    ],
)  # fmt: skip
def test_what_a_history_earns(moves, wanted):
    assert earned(*moves) == wanted


def test_a_rating_praises_whoever_handled_it():
    rating = {"satisfaction": "very_satisfied", "closure": 2, "occurred_at": NOON, "recorded_at": NOON}
    history = [move(1, "handle", B), move(2, "close", CALLER)]
    assert (Merit.PRAISED, B, True) in earned(*history, ratings=[rating])
    assert (Merit.PRAISED, B, False) in earned(*history, move(3, "reopen", CALLER), ratings=[rating])


def test_a_rule_holds_for_its_days_and_for_what_is_recorded_after_it():
    first = rule(Merit.SIGNED_IN_TIME, 1, valid_until=date(2026, 3, 31))
    second = rule(
        Merit.SIGNED_IN_TIME,
        2,
        version=2,
        recorded_at=NOON,
        valid_from=date(2026, 3, 2),
        valid_until=date(2026, 4, 1),
    )
    book = Rulebook([first, second])
    day = date(2026, 3, 2)

    def points(day_, recorded_at):
        return [r.points for r in book.for_merit(Merit.SIGNED_IN_TIME, day_, recorded_at)]

    assert points(day, NOON - HOUR) == [1]
    assert points(day, NOON + HOUR) == [2]
    assert points(date(2026, 3, 1), NOON + HOUR) == [1]  # entered late, happened before
    assert points(date(2026, 4, 2), NOON + HOUR) == []
    assert book.for_merit(Merit.REWORKED, day, NOON) == []


@pytest.mark.parametrize(
    ("weight", "points", "worth"), [("1.5", 3, 5), ("1.5", -3, -5), ("0", 3, 0), ("2", 3, 6)]
)
def test_categories_weigh(weight, points, worth):
    weighed = rule(Merit.SIGNED_IN_TIME, points, weights={"0101": weight})
    assert (weighed.worth("0101"), weighed.worth("0102")) == (worth, points)


# --- the ledger, booked in whatever order

BOOK = Rulebook(
    [
        rule(Merit.SIGNED_IN_TIME, 2, daily_cap=3, monthly_cap=8),
        rule(Merit.HANDLED_IN_TIME, 5, monthly_cap=12, weights={"0102": "1.5"}),
        rule(Merit.REWORKED, -3, daily_cap=4),
        rule(Merit.PRAISED, 1),
    ]
)
_steps = st.lists(
    st.tuples(
        st.sampled_from(["sign", "handle", "close", "rework", "reopen", "comment"]),
        st.sampled_from([A, B]),
        st.integers(0, 40),
        st.sampled_from(["satisfied", "dissatisfied", None]),
    ),
    max_size=7,
)


def history(steps, category):
    """The moves of a ticket, never two in wrong order."""
    at, found = NOON, []
    for seq, (action, actor, hours, said) in enumerate(steps, 1):
        at += timedelta(hours=hours)
        found.append(
            move(seq, action, actor, at, category_code=category, due_at=at, sign_due_at=at, satisfaction=said)
        )
    return found


class Ledger:
    """The actions of `award` without a database: entries only come on top."""

    def __init__(self):
        self.entries = []

    def _write(self, entries):
        self.entries += [replace(e, id=uuid4()) for e in entries]

    def award(self, ticket_id, moves):
        about = [e for e in self.entries if e.ticket_id == ticket_id]
        self._settle(of_ticket(ticket_id, merits(moves), about, BOOK))

    def take_back(self, entry):
        self._settle([reversal(entry, "核实有误")])

    def _settle(self, due):
        self._write(due)
        for group in {group_of(e) for e in due}:
            known = [e for e in self.entries if group_of(e) == group]
            self._write(of_caps(known, BOOK.version(group.rule_code, group.rule_version)))


def expected(histories, taken_back=frozenset()):
    """What everybody has earned, worked out anew: sums by day and month, cut to the caps."""
    days = defaultdict(int)
    for ticket_id, moves in histories.items():
        for one in merits(moves):
            for held in BOOK.for_merit(one.merit, day_of(one), one.recorded_at):
                if one.standing and (ticket_id, one.seq, held.code) not in taken_back:
                    days[one.staff_id, held.code, day_of(one)] += held.worth(one.category)
    months, found = defaultdict(int), defaultdict(int)
    for (who, code, day), sum_of_day in days.items():
        cap = BOOK.version(code, 1).daily_cap or 10**6
        months[who, code, day.replace(day=1)] += max(-cap, min(cap, sum_of_day))
    for (who, code, _), sum_of_month in months.items():
        cap = BOOK.version(code, 1).monthly_cap or 10**6
        found[who] += max(-cap, min(cap, sum_of_month))
    return {who: points for who, points in found.items() if points}


@settings(max_examples=150, deadline=None)
@given(st.lists(_steps, min_size=1, max_size=4), st.data())
def test_the_sum_is_what_was_earned_in_whatever_order_it_is_booked(lives, data):
    """S2-30: total = sum of entries, always."""
    whole = {UUID(int=n): history(steps, "0102" if n % 2 else "0101") for n, steps in enumerate(lives, 10)}
    # each ticket is booked at several of its stages, the last one included, in any order of tickets
    bookings = [(t, n) for t, moves in whole.items() for n in range(1, len(moves) + 1)]
    chosen = data.draw(st.permutations(sorted(bookings)))
    ledger, furthest = Ledger(), defaultdict(int)
    for ticket_id, n in chosen:
        # events may come late, but what is re-read is never older than what was read before
        furthest[ticket_id] = max(furthest[ticket_id], n)
        ledger.award(ticket_id, whole[ticket_id][: furthest[ticket_id]])
        now = {t: moves[: furthest[t]] for t, moves in whole.items()}
        assert {w: p for w, p in totals(ledger.entries).items() if p} == expected(now)
    keys = [(e.rule_code, e.ticket_id, e.seq) for e in ledger.entries if e.kind == "rule"]
    assert len(keys) == len(set(keys))
    before = len(ledger.entries)
    for ticket_id, moves in whole.items():
        ledger.award(ticket_id, moves)
    assert len(ledger.entries) == before  # once more changes nothing
    standing = [
        e for e in ledger.entries if e.kind == "rule" and e.id not in {r.reverses for r in ledger.entries}
    ]
    if standing:
        taken = data.draw(st.sampled_from(standing))
        ledger.take_back(taken)
        without = {(taken.ticket_id, taken.seq, taken.rule_code)}
        assert {w: p for w, p in totals(ledger.entries).items() if p} == expected(whole, without)
