"""The words of routing's tests, for the rows that tell how a matter was handled."""

from tests.routing.conftest import bring, do, history, look, placed, rows, standing, submit, time, who
from tests.routing.joint.conftest import ask

__all__ = ["ask", "bring", "do", "history", "look", "placed", "rows", "standing", "submit", "time", "who"]
