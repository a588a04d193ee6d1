"""`banjie check`: a published figure against its counts, on paper; needs no running instance."""

import re
from collections.abc import Iterator

from services.metrics.claims import Claim, Verdict, examine
from shared.errors import Invalid

MARKS = {True: "✓", False: "✗", None: "!"}
OPTIONS = {"published": "公布值", "n": "--n", "numerator": "--k"}
# Marks of either width; a comma parts entries only where another name follows: 28,400 is one number.
_BETWEEN = re.compile("[,\uff0c;\uff1b\u3001](?=[^,\uff0c;\uff1b\u3001=\uff1d]*[=\uff1d])")
_EQUALS = re.compile("[=\uff1d]")


def check(claim: Claim) -> int:
    """Print what comes of a claim; return 1 if something contradicts, else 0. Raises RuntimeError for what cannot be read."""
    try:
        verdict = examine(claim)
    except Invalid as refused:
        field, _, entry = refused.errors[0].field.partition(".")
        where = OPTIONS.get(field, f"--{field}")
        raise RuntimeError(
            f"{where} {entry}:{refused.detail}" if entry else f"{where}:{refused.detail}"
        ) from refused
    for line in _lines(verdict):
        print(line)
    return int(not verdict.holds)


def entries(written: str | None) -> dict[str, str]:
    """Return "渠道=41424,其他=5229" by name. Raises RuntimeError for what is not written so."""
    found: dict[str, str] = {}
    for entry in _BETWEEN.split(written) if written else ():
        name, *value = (piece.strip() for piece in _EQUALS.split(entry))
        if len(value) != 1 or not name or not value[0]:
            raise RuntimeError(f"“{entry}”应写作 名称=数字,多项用逗号分隔")
        if name in found:
            raise RuntimeError(f"“{name}”写了两次")
        found[name] = value[0]
    return found


def _lines(verdict: Verdict) -> Iterator[str]:
    if verdict.check is not None:
        yield f"{MARKS[verdict.check.reachable]} {verdict.check.message}"
    for finding in verdict.findings:
        yield f"{MARKS[finding.agrees]} {finding.message}"
