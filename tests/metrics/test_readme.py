"""The README says what the code says."""

import re

from services.metrics.rates import markdown
from services.metrics.spans import spans
from shared.tables import MEASURES
from tests.fixtures.servers import ROOT
from tests.metrics.conftest import local

README = ROOT / "services" / "metrics" / "README.md"
MARKS = re.compile(r"(<!-- catalogue:[^>]*-->\n).*(<!-- end of catalogue -->)", re.DOTALL)


def test_the_catalogue_in_the_readme_is_current():
    text = README.read_text(encoding="utf-8")
    current = MARKS.sub(lambda marks: f"{marks[1]}{markdown()}{marks[2]}", text)
    assert MARKS.search(text)
    assert text == current, f"put this between the marks in {README.name}:\n{markdown()}"


def test_the_worked_example():
    """The four spans that the README tells of."""
    ticket = {
        "occurred_at": local(2026, 3, 1, 9), "channel": "hotline", "kind": "help", "category_code": "0101",
        "community_code": None, "grid_code": None, "late": False,
    }  # fmt: skip
    due, moves = local(2026, 3, 4, 18), []
    for action, state, at in (
        ("register", "submitted", local(2026, 3, 1, 9)),
        ("accept", "accepted", local(2026, 3, 1, 9)),
        ("dispatch", "dispatched", local(2026, 3, 1, 10)),
        ("close", "closed", local(2026, 3, 5, 11)),
    ):
        moves.append({
            "action": action, "to_state": state, "occurred_at": at, "due_at": due, "lead_unit": "u02",
            "category_code": "0101", "community_code": None, "grid_code": None, "kind": "help", "level": "street",
            "mode": "normal", "outcome": None, "data": None, "sign_due_at": due, "contact_due_at": due,
        })  # fmt: skip
    told = README.read_text(encoding="utf-8").split("| from | until |")[1].split("\n\n")[0].splitlines()
    names = re.findall(r"`(\w+)`", told[0])
    rows = [[int(cell) for cell in line.strip("| ").split("|")[-len(names) :]] for line in told[2:]]
    found = spans(ticket, moves)
    assert rows == [[dict(zip(MEASURES, s.measures, strict=True))[n] for n in names] for s in found]
